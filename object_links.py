"""Stored listings compared, and joined into objects where the evidence is enough; what is less is kept as candidate.

`matching.text_likeness` compares, `storage.object_index` finds what is worth comparing, `storage.objects` keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session
from threadpoolctl import threadpool_limits

from crawler.home import Home
from linking import object_record, told_by_offer
from matching.links import Link
from matching.photo_matching import HASH_LINKS, STOCK_FROM
from matching.seller_likeness import read_new_signs
from matching.seller_signs import home_secret
from matching.text_keys import asked_keys, kept_keys
from matching.text_likeness import METHOD, Likeness, Offer, compare
from object_photos import MOST_NEAR, OfferPhotos
from storage.database import Database
from storage.jobs import ClaimedJob
from storage.object_index import (
    find_many,
    keep_candidates,
    keep_keys,
    keep_looks,
    offers_of,
    pictures_of,
    unlooked,
)
from storage.objects import group_of, join, objects_of, one_at_a_time
from storage.photo_traces import listings_showing
from storage.registers import StoredOffer

BATCH = 100
"""Listings of one transaction: after a kill at most so many are compared again."""
MOST_COMPARED = 8
"""Candidates of a listing that are compared in full."""
MOST_KEPT = 3
"""Of these so many are kept where they are not joined."""
LEAST_WORTH_A_LOOK = 1.0
"""Least sum of words and figures at which the pictures of two offers are opened: look-alikes of a store of a million
stay below it, four of five, and nine of ten offers of one object in other words come above. Copies of one picture meet
by its keys, whatever the words say."""
MOST_MEMBERS = 12
"""Listings of an object that a newcomer must not contradict."""


def link_listings(
    database: Database,
    home: Home,
    *,
    crawl_id: int | None = None,
    listing: int | None = None,
    actor: str,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, int]:
    """Compare every listing that says something new with what is stored: all, those a crawl saw, or one.

    Each batch is one transaction, so that what was interrupted goes on where it was. Counts come back.
    """
    counts = {"listings": 0, "joined": 0, "candidates": 0}
    with database.reading() as session:
        wanted = unlooked(session, method=METHOD, crawl_id=crawl_id, listing=listing)
    # Threads of the arithmetic that wait for each other cost more than they save.
    with threadpool_limits(1), OfferPhotos(database, home) as photos:
        for ids in (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)):
            with database.reading() as session:
                stored = offers_of(session, ids, compared_only=True)
                flagged = [id_ for id_, one in stored.items() if one.assessment is not None and one.assessment.flagged]
                pictures = pictures_of(session, flagged)
            offers = {id_: offer_of(one) for id_, one in stored.items()}
            photos.read(pictures)  # takes long, so it holds no transaction
            with database.transaction() as session:
                keep_keys(session, {id_: kept_keys(offer) for id_, offer in offers.items()})
            seen = _looked_at(database, offers, photos)
            with database.transaction() as session:
                one_at_a_time(session)
                for name, count in link_batch(session, ids, actor=actor, seen=seen).items():
                    counts[name] += count
            counts["listings"] += len(ids)
            if progress:
                progress(counts)
    return counts


def link_batch(
    session: Session, ids: Sequence[int], *, actor: str, seen: Mapping[tuple[int, int], Link] | None = None
) -> dict[str, int]:
    """Compare indexed listings with what is stored and with each other. `seen`: what pictures have in common."""
    stored = offers_of(session, ids, compared_only=True)
    offers = {id_: offer_of(one) for id_, one in stored.items()}
    joined, rows, wanted = 0, [], set(stored)
    found = _found(session, {id_: offers[id_] for id_ in sorted(wanted)}, seen or {})
    others = {other for some in found.values() for other in some}
    _fetch(session, others, stored, offers)
    in_objects = set(objects_of(session, [*wanted, *others]))
    for id_, near in found.items():
        ours = offers[id_]
        alike = _compared(ours, near, offers, seen or {})
        if not alike:
            continue
        left = []
        for other, likeness in alike:
            if likeness.joins and _agrees_with_all(session, ours, offers[other], stored, offers, seen or {}):
                why = [asdict(ground) for ground in likeness.grounds]
                said = join(session, id_, other, score=likeness.score, why=why, method=METHOD, actor=actor)
                if said is not None:
                    joined += 1
                    in_objects |= {id_, other}
            left.append((other, likeness))
        members = set(group_of(session, id_)) if id_ in in_objects else {id_}
        kept = islice(((other, one) for other, one in left if other not in members), MOST_KEPT)
        rows += [_candidate(stored[id_], stored[other], one) for other, one in kept]
    pictures = pictures_of(session, ids)
    keep_looks(
        session,
        [
            {
                "listing_id": id_,
                "observation_id": one.observation.id,
                "picture": pictures.get(id_),
                "method": METHOD,
            }
            for id_, one in stored.items()
            if id_ in wanted
        ],
    )
    return {"joined": joined, "candidates": keep_candidates(session, rows)}


def offer_of(stored: StoredOffer) -> Offer:
    """A stored listing as it is compared."""
    listing, seen, judged = stored.listing, stored.observation, stored.assessment
    return Offer(
        record=object_record(
            told_by_offer(stored), judged.answers if judged else None, language=judged.language if judged else None
        ),
        market=listing.market,
        seller=seen.seller_name or "",
        lot=seen.lot_number or "",
        ends_at=seen.ends_at,
        first_seen_at=listing.first_seen_at,
        last_seen_at=listing.last_seen_at,
    )


def link_job(
    database: Database, home: Home, job: ClaimedJob, progress: Callable[[Mapping[str, Any]], None] | None
) -> dict[str, Any]:
    """A job of kind objects: a crawl's listings, or one listing whose pictures arrived, against what is stored.

    The signs of sellers are read here too, so that who may be the same seller is known as soon as a crawl is.
    """
    asked = job.arguments
    found = link_listings(
        database,
        home,
        crawl_id=asked.get("crawl"),
        listing=asked.get("listing"),
        actor=f"job {job.id}",
        progress=progress,
    )
    named = asked.get("listing")
    signs = read_new_signs(database, home_secret(home), [] if named is None else [int(named)])
    return found | {"signs_read_of": signs}


def _found(session: Session, offers: Mapping[int, Offer], seen: Mapping[tuple[int, int], Link]) -> dict[int, list[int]]:
    """By offer which listings are worth comparing with it."""
    found = find_many(session, {id_: asked_keys(one) for id_, one in offers.items()}, most=MOST_COMPARED)
    for one, other in seen:
        if one in found and other not in found[one]:
            found[one].append(other)
    return found


def _compared(
    ours: Offer, near: Sequence[int], offers: Mapping[int, Offer], seen: Mapping[tuple[int, int], Link]
) -> list[tuple[int, Likeness]]:
    """What may be the same as an offer, likeliest first."""
    alike = [(other, compare(ours, offers[other], _photo(seen, ours.id, other))) for other in near if other in offers]
    return sorted(((other, one) for other, one in alike if one.is_candidate), key=lambda one: (-one[1].score, one[0]))


def _agrees_with_all(
    session: Session,
    ours: Offer,
    theirs: Offer,
    stored: dict[int, StoredOffer],
    offers: dict[int, Offer],
    seen: Mapping[tuple[int, int], Link],
) -> bool:
    """Whether no listing of either object contradicts one of the other; two of several each wait for a person."""
    one, other = group_of(session, ours.id), group_of(session, theirs.id)
    if theirs.id in one:
        return False
    if len(one) > 1 and len(other) > 1:
        return False
    if len(one) + len(other) > MOST_MEMBERS:
        return False
    _fetch(session, [*one, *other], stored, offers)
    return not any(
        compare(offers[first], offers[second], _photo(seen, first, second)).conflicts
        for first in one
        for second in other
        if first in offers and second in offers
    )


def _fetch(session: Session, wanted: Collection[int], stored: dict[int, StoredOffer], offers: dict[int, Offer]) -> None:
    if missing := [one for one in wanted if one not in offers]:
        found = offers_of(session, missing, compared_only=True)
        stored |= found
        offers |= {id_: offer_of(one) for id_, one in found.items()}


def _photo(seen: Mapping[tuple[int, int], Link], one: int, other: int) -> tuple[float, bool, str] | None:
    link = seen.get((one, other)) or seen.get((other, one))
    return None if link is None else (link.score, link.links, "; ".join(link.reasons))


def _candidate(ours: StoredOffer, theirs: StoredOffer, likeness: Likeness) -> dict[str, Any]:
    later, earlier = sorted((ours, theirs), key=lambda one: -one.listing.id)
    return {
        "listing_id": later.listing.id,
        "other_listing_id": earlier.listing.id,
        "observation_id": later.observation.id,
        "other_observation_id": earlier.observation.id,
        "score": likeness.score,
        "why": [asdict(ground) for ground in likeness.grounds],
        "conflicts": list(likeness.conflicts),
        "method": METHOD,
    }


def _looked_at(database: Database, offers: Mapping[int, Offer], photos: OfferPhotos) -> dict[tuple[int, int], Link]:
    """What the pictures of flagged listings have in common with those of listings found by words or pictures."""
    links: dict[tuple[int, int], Link] = {}
    if not photos.listings:
        return links
    with database.reading() as session:
        told = find_many(session, {id_: asked_keys(offers[id_]) for id_ in photos.listings}, most=MOST_COMPARED)
        found = offers_of(session, {other for some in told.values() for other in some}, compared_only=True)
        others = {other: offer_of(one) for other, one in found.items()}
        pictures = pictures_of(session, others)
    for id_, some in told.items():
        ours = offers[id_]
        alike = {
            other: pictures[other]
            for other in some
            if other in pictures and compare(ours, others[other]).score >= LEAST_WORTH_A_LOOK
        }
        opened = photos.worth_opening(id_, alike)
        near = photos.near(id_)
        same = [photos.picture_of(id_), *(one.picture for one in near if one.hash_distance <= HASH_LINKS)]
        with database.reading() as session:
            showing = listings_showing(session, dict.fromkeys([*same, *(one.picture for one in near)]), STOCK_FROM + 1)
        for picture in dict.fromkeys([same[0], *(one.picture for one in near[:MOST_NEAR])]):
            opened |= {other: picture for other in showing.get(picture, ())[:MOST_COMPARED] if other != id_}
        shown_on = {other for picture in same for other in showing.get(picture, ())}
        stock = frozenset(same if len(shown_on) > STOCK_FROM else ())
        links |= {(id_, other): link for other, link in photos.compare(id_, opened, stock).items()}
    return links
