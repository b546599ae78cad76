"""What is known of the object of a listing: its other offerings, what they say together, who said what of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.object_story import Fact, Offering, facts_about, in_english, story_of
from storage.object_index import candidates_of, list_candidates, offers_of
from storage.objects import ObjectError, group_of, list_objects, members_of, objects_of, statements_about
from storage.registers import StoredOffer
from storage.tables import Decision, ObjectCandidate, ObjectStatement

MOST_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another listing of the same object, or of what may be the same."""

    offer: StoredOffer
    decision: Decision | None
    """What was decided on it; it stands for that listing alone."""
    why: Sequence[Mapping[str, Any]] = ()
    conflicts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ObjectView:
    object_id: int | None
    others: Sequence[Elsewhere]
    """The oldest first."""
    facts: Sequence[Fact]
    """What this listing says beside the one before it."""
    story: Sequence[Fact]
    statements: Sequence[ObjectStatement]
    maybe: Sequence[Elsewhere]
    """What may be the same and is not joined; likeliest first."""


def view_object(session: Session, listing_id: int) -> ObjectView:
    """The object of a listing that is stored."""
    group = group_of(session, listing_id)
    candidates = candidates_of(session, listing_id, MOST_CANDIDATES)
    near = {_other(one, listing_id): one for one in candidates}
    offers = offers_of(session, [*group, *near])
    decisions = _decisions(session, offers)
    members = [offers[id_] for id_ in group if id_ in offers]
    story = story_of(offering_of(one) for one in members)
    others = sorted(
        (one for one in members if one.listing.id != listing_id),
        key=lambda one: (one.listing.first_seen_at, one.listing.id),
    )
    return ObjectView(
        object_id=objects_of(session, [listing_id]).get(listing_id),
        others=[Elsewhere(one, decisions.get(one.listing.id)) for one in others],
        facts=facts_about(story, listing_id),
        story=story,
        statements=statements_about(session, group),
        maybe=[
            Elsewhere(offers[id_], decisions.get(id_), one.why, one.conflicts)
            for id_, one in near.items()
            if id_ in offers
        ],
    )


def offering_of(stored: StoredOffer) -> Offering:
    listing, seen = stored.listing, stored.observation
    return Offering(
        listing_id=listing.id,
        market=listing.market,
        seller=seen.seller_name or "",
        state=listing.state,
        first_seen_at=listing.first_seen_at,
        last_seen_at=listing.last_seen_at,
        price=seen.price,
        currency=seen.currency,
    )


def object_record(session: Session, listing_id: int) -> dict[str, Any]:
    """An object for the command line. Raises ObjectError for a listing that is not there."""
    found = offers_of(session, [listing_id])
    if not found:
        raise ObjectError(f"There is no listing {listing_id}: `relicwatch listings search` shows those there are.")
    view = view_object(session, listing_id)
    return {
        "object": view.object_id,
        "listing": _offer_record(found[listing_id]),
        "elsewhere": [
            {**_offer_record(one.offer), "decided": one.decision.verdict if one.decision else None}
            for one in view.others
        ],
        "story": [
            {
                "said": in_english(fact),
                "fact": fact.told,
                "listing": fact.listing_id,
                "at": fact.at,
                "before": fact.before.listing_id,
            }
            for fact in view.story
        ],
        "statements": [
            {
                "statement": one.id,
                "kind": one.kind,
                "one": one.details["one"],
                "other": one.details["other"],
                "undoes": one.undoes_id,
                "said_by": one.said_by,
                "said_at": one.said_at,
                "note": one.note,
                "score": one.score,
                "why": one.why,
            }
            for one in view.statements
        ],
        "maybe_the_same": [
            {**_offer_record(one.offer), "why": list(one.why), "conflicts": list(one.conflicts)} for one in view.maybe
        ],
    }


def object_rows(session: Session, most: int, *, before: int | None = None) -> list[dict[str, Any]]:
    """Objects with several listings, the newest first; with `before` those of a lower number."""
    rows = []
    for object_id, count in list_objects(session, most, before=before):
        offers = offers_of(session, members_of(session, object_id))
        ordered = sorted(offers.values(), key=lambda one: (one.listing.first_seen_at, one.listing.id))
        story = story_of(offering_of(one) for one in ordered)
        rows.append(
            {
                "object": object_id,
                "listings": count,
                "numbers": [one.listing.id for one in ordered],
                "markets": sorted({one.listing.market for one in ordered}),
                "title": ordered[-1].observation.title if ordered else None,
                "last": in_english(story[-1]) if story else None,
            }
        )
    return rows


def pair_rows(session: Session, most: int) -> list[dict[str, Any]]:
    """Pairs that may be one object and wait for a person, likeliest first."""
    pairs = list_candidates(session, most)
    offers = offers_of(session, {id_ for one in pairs for id_ in (one.listing_id, one.other_listing_id)})
    return [
        {
            "listing": one.listing_id,
            "other": one.other_listing_id,
            "score": one.score,
            "title": offers[one.listing_id].observation.title,
            "other_title": offers[one.other_listing_id].observation.title,
            "because": ", ".join(ground["part"] for ground in one.why if ground["weight"] > 0.5),
            "against": ", ".join(one.conflicts),
            "why": one.why,
        }
        for one in pairs
    ]


def _offer_record(stored: StoredOffer) -> dict[str, Any]:
    listing, seen = stored.listing, stored.observation
    return {
        "number": listing.id,
        "market": listing.market,
        "url": listing.url,
        "title": seen.title,
        "seller": seen.seller_name,
        "state": listing.state,
        "price": str(seen.price) if seen.price is not None else None,
        "currency": seen.currency,
        "first_seen": listing.first_seen_at,
        "last_seen": listing.last_seen_at,
    }


def _other(one: ObjectCandidate, listing_id: int) -> int:
    return one.other_listing_id if one.listing_id == listing_id else one.listing_id


def _decisions(session: Session, offers: Mapping[int, StoredOffer]) -> dict[int, Decision]:
    wanted = [one.listing.current_decision_id for one in offers.values() if one.listing.current_decision_id is not None]
    found = session.scalars(select(Decision).where(Decision.id.in_(wanted))) if wanted else ()
    return {one.listing_id: one for one in found}
