"""New hits compared with the saved searches of those who want alerts; never twice for one object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from matching.object_story import facts_about, story_of
from review.object_view import offering_of
from storage.deliveries import queue_alerts
from storage.notice_settings import settings_of
from storage.object_index import offers_of
from storage.objects import objects_of, objects_with_others, one_at_a_time
from storage.queue import listings_among
from storage.saved_searches import filters_of
from storage.tables import (
    Alert,
    Assessment,
    Listing,
    Observation,
    RaisedHit,
    SavedSearch,
    SearchNotice,
    User,
    utc_now,
)


def make_alerts(session: Session, waiting: Collection[int]) -> int:
    """Alert people to these raised hits, and put the messages into the outbox, all in one transaction; how many alerts.

    A hit that another process takes meanwhile is its own to alert to.
    """
    one_at_a_time(session)  # or an object could be joined between the look at it and the alert
    taken = session.scalars(delete(RaisedHit).where(RaisedHit.id.in_(waiting)).returning(RaisedHit)).all()
    newest = {hit.listing_id: hit for hit in sorted(taken, key=lambda hit: hit.id)}
    if not newest:
        return 0
    matches = _matches(session, newest)
    groups = _groups(session, list(newest))
    now, made = utc_now(), 0
    for user, by_listing in matches.items():
        told = _told(session, user, {one for group in groups.values() for one in group})
        fresh: list[Alert] = []
        for listing_id, searches in sorted(by_listing.items()):
            group = groups[listing_id]
            if listing_id in told:
                continue
            relisted = bool(told & group)
            if relisted and not _is_back(session, listing_id, group):
                continue
            fresh.append(
                Alert(
                    user_id=user,
                    listing_id=listing_id,
                    assessment_id=newest[listing_id].assessment_id,
                    kind="relisted" if relisted else "hit",
                    searches=sorted(searches),
                    made_at=now,
                )
            )
            told |= {listing_id}
        session.add_all(fresh)
        session.flush()
        if fresh:
            queue_alerts(session, settings_of(session, user), [one.id for one in fresh], now=now)
        made += len(fresh)
    return made


def _matches(session: Session, hits: dict[int, RaisedHit]) -> dict[int, dict[int, list[int]]]:
    """Person -> listing -> the person's searches that it matches and for which it is new."""
    wanted = session.execute(
        select(SavedSearch, SearchNotice)
        .join(SearchNotice, SearchNotice.search_id == SavedSearch.id)
        .join(User, User.id == SearchNotice.user_id)
        .where(SavedSearch.removed_at.is_(None), User.disabled.is_(False))
        .order_by(SavedSearch.id)
    ).all()
    first = _first_raised(session, hits)
    asked: dict[int, set[int]] = {}
    found: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for search, notice in wanted:
        if search.id not in asked:
            asked[search.id] = _matching(session, search, list(hits))
        for listing_id in asked[search.id]:
            before = first.get(listing_id)
            if hits[listing_id].raised_at >= notice.since and (before is None or before >= notice.since):
                found[notice.user_id][listing_id].append(search.id)
    return found


def _matching(session: Session, search: SavedSearch, listings: Sequence[int]) -> set[int]:
    if search.kind == "seller":
        offered = select(Listing.id).join(Observation, Observation.id == Listing.current_observation_id)
        return set(session.scalars(offered.where(Listing.id.in_(listings), Observation.seller_id == search.seller_id)))
    try:
        return listings_among(session, filters_of(search), listings)
    except RelicwatchError:  # kept by a version that knew other filters: its page says so, others go on
        return set()


def _first_raised(session: Session, hits: dict[int, RaisedHit]) -> dict[int, datetime]:
    """Listing -> when it was first raised, of those that were raised before this time."""
    earlier = select(Assessment.listing_id, func.min(Assessment.id)).where(
        Assessment.listing_id.in_(list(hits)), Assessment.flagged | Assessment.must_be_seen
    )
    rows = session.execute(earlier.group_by(Assessment.listing_id)).all()
    ids = {first: listing for listing, first in rows if first < hits[listing].assessment_id}
    moments = session.execute(select(Assessment.id, Assessment.assessed_at).where(Assessment.id.in_(ids)))
    return {ids[id_]: moment for id_, moment in moments}


def _groups(session: Session, listings: Sequence[int]) -> dict[int, set[int]]:
    """Listing -> all listings of its object, itself among them."""
    of_object: dict[int, set[int]] = defaultdict(set)
    for listing, object_id in objects_with_others(session, listings).items():
        of_object[object_id].add(listing)
    own = objects_of(session, listings)
    return {one: of_object[own[one]] | {one} if one in own else {one} for one in listings}


def _told(session: Session, user: int, listings: Collection[int]) -> set[int]:
    """Those of the listings that the person was alerted to."""
    mine = select(Alert.listing_id).where(Alert.user_id == user, Alert.listing_id.in_(listings))
    return set(session.scalars(mine))


def _is_back(session: Session, listing_id: int, group: Collection[int]) -> bool:
    """Whether the offers of the object say that it is offered anew after it had been removed."""
    story = story_of(offering_of(one) for one in offers_of(session, group).values())
    return any(fact.told == "relisted_removed" for fact in facts_about(story, listing_id))
