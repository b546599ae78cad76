"""The index in which listings that may be one object meet, the candidates found, and what was compared already."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, load_only

from storage.objects import are_apart, objects_of
from storage.received import received_pictures
from storage.registers import StoredOffer
from storage.tables import (
    Assessment,
    Capture,
    Listing,
    ObjectCandidate,
    ObjectKey,
    ObjectLook,
    Observation,
    ReceivedExhibit,
    utc_now,
)

MOST_OF_A_KEY = 40
"""So many listings of one key are looked at, the newest: what stands under more is common and tells little."""


def keep_keys(session: Session, keys: Mapping[int, Collection[int]]) -> None:
    """Listing -> its keys. Those from what it said before stay: a seller's first words are not forgotten."""
    rows = [{"key": key, "listing_id": listing} for listing, some in keys.items() for key in some]
    if rows:
        session.execute(_insert(session, ObjectKey).on_conflict_do_nothing(), rows)


def find_many(session: Session, keys: Mapping[int, Collection[int]], *, most: int) -> dict[int, list[int]]:
    """Listing -> the others that share keys asked for it, those first that share the most and the rarest.

    Each key is asked once, however many listings of a crawl ask for it.
    """
    asked = sorted({key for some in keys.values() for key in some})
    under: defaultdict[int, list[int]] = defaultdict(list)
    connection = session.connection()
    for start in range(0, len(asked), _ASKED_TOGETHER):
        some = asked[start : start + _ASKED_TOGETHER]
        if connection.dialect.name == "postgresql":
            rows = connection.execute(_LATERAL, {"keys": some, "most": MOST_OF_A_KEY}).all()
        else:
            rows = connection.execute(_EACH, {"keys": json.dumps(some), "most": MOST_OF_A_KEY}).all()
        for key, listing in rows:
            under[key].append(listing)
    return {
        id_: ranked([(key, other) for key in some for other in under.get(key, ())], but=id_, most=most)
        for id_, some in keys.items()
    }


def ranked(found: Sequence[tuple[int, int]], *, but: int, most: int, least: int = 1) -> list[int]:
    """Of (key, listing) pairs the listings, those first that share the rarest keys and the most of them.

    A key counts by the square of its rarity, so that what a seller says of everything does not outweigh a lot number.
    """
    common = Counter(key for key, _ in found)
    shared = Counter(listing for _, listing in found)
    told: dict[int, float] = defaultdict(float)
    for key, listing in found:
        if listing != but and shared[listing] >= least:
            told[listing] += 1 / common[key] ** 2
    return [listing for listing, _ in sorted(told.items(), key=lambda one: (-one[1], -one[0]))[:most]]


_LATERAL = text(
    "SELECT asked.key, found.listing_id FROM unnest(CAST(:keys AS bigint[])) AS asked(key) CROSS JOIN LATERAL ("
    "SELECT listing_id FROM object_key WHERE object_key.key = asked.key ORDER BY listing_id DESC"
    " LIMIT :most) AS found"
)


_EACH = text(
    "SELECT asked.value, found.listing_id FROM json_each(:keys) AS asked CROSS JOIN object_key AS found"
    " WHERE found.key = asked.value AND found.listing_id IN (SELECT newest.listing_id FROM object_key AS newest"
    " WHERE newest.key = asked.value ORDER BY newest.listing_id DESC LIMIT :most)"
)
_ASKED_TOGETHER = 2_000


def offers_of(session: Session, listings: Collection[int], *, compared_only: bool = False) -> dict[int, StoredOffer]:
    """Listings as they stand, by their numbers; `compared_only`: without the columns that no comparison reads."""
    statement = (
        select(Listing, Observation, Assessment)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(Listing.id.in_(listings))
    )
    rows = session.execute(statement.options(*_COMPARED) if compared_only else statement)
    return {row[0].id: StoredOffer(*row) for row in rows}


_COMPARED = (
    load_only(Listing.market, Listing.first_seen_at, Listing.last_seen_at),
    load_only(
        Observation.title,
        Observation.description,
        Observation.dimensions,
        Observation.weight_grams,
        Observation.seller_name,
        Observation.lot_number,
        Observation.ends_at,
    ),
    load_only(Assessment.answers, Assessment.language, Assessment.flagged),
)


def unlooked(session: Session, *, method: str, crawl_id: int | None = None, listing: int | None = None) -> list[int]:
    """Listings that say other things, or show another picture, than what was compared last; by number."""
    picture = (
        select(Capture.sha256)
        .where(Capture.listing_id == Listing.id, Capture.kind == "thumbnail", Capture.state == "COMPLETE")
        .order_by(Capture.id.desc())
        .limit(1)
        .correlate(Listing)
        .scalar_subquery()
    )
    received = (
        select(ReceivedExhibit.picture_sha256)
        .where(ReceivedExhibit.listing_id == Listing.id, ReceivedExhibit.picture_sha256.is_not(None))
        .order_by(ReceivedExhibit.id.desc())
        .limit(1)
        .correlate(Listing)
        .scalar_subquery()
    )
    statement = (
        select(Listing.id)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(ObjectLook, ObjectLook.listing_id == Listing.id)
        .where(
            or_(
                ObjectLook.listing_id.is_(None),
                ObjectLook.observation_id != Listing.current_observation_id,
                ObjectLook.method != method,
                func.coalesce(picture, received).is_distinct_from(ObjectLook.picture),
            ),
        )
        .order_by(Listing.id)
    )
    if crawl_id is not None:
        statement = statement.where(Listing.seen_in_crawl_id == crawl_id)
    if listing is not None:
        statement = statement.where(Listing.id == listing)
    return list(session.scalars(statement))


def pictures_of(session: Session, listings: Collection[int]) -> dict[int, str]:
    """Listing -> SHA-256 of its newest thumbnail; of one that another unit handed over, of what came with it."""
    rows = session.execute(
        select(Capture.listing_id, Capture.sha256)
        .where(Capture.listing_id.in_(listings), Capture.kind == "thumbnail", Capture.state == "COMPLETE")
        .order_by(Capture.id)
    )
    own = {row.listing_id: row.sha256 for row in rows if row.listing_id is not None}
    return received_pictures(session, listings) | own


def keep_looks(session: Session, looks: Sequence[dict[str, Any]]) -> None:
    if looks:
        session.execute(delete(ObjectLook).where(ObjectLook.listing_id.in_([look["listing_id"] for look in looks])))
        session.execute(insert(ObjectLook), looks)


def keep_candidates(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep pairs that may be one object; a pair of observations that was compared stays as it was. How many are new."""
    if not rows:
        return 0
    now = utc_now()
    statement = (
        _insert(session, ObjectCandidate)
        .on_conflict_do_nothing(index_elements=[ObjectCandidate.observation_id, ObjectCandidate.other_observation_id])
        .returning(ObjectCandidate.id)
    )
    return len(session.scalars(statement, [{**row, "found_at": now} for row in rows]).all())


def candidates_of(session: Session, listing_id: int, most: int = 10) -> list[ObjectCandidate]:
    """Pairs with a listing that nobody has joined or told apart, likeliest first, each once."""
    found = session.scalars(
        select(ObjectCandidate)
        .where(or_(ObjectCandidate.listing_id == listing_id, ObjectCandidate.other_listing_id == listing_id))
        .order_by(ObjectCandidate.id.desc())
    ).all()
    newest: dict[int, ObjectCandidate] = {}
    for one in found:
        newest.setdefault(one.listing_id + one.other_listing_id - listing_id, one)
    objects = objects_of(session, [listing_id, *newest])
    own = objects.get(listing_id)
    open_ones = [
        one
        for other, one in newest.items()
        if not (own is not None and objects.get(other) == own) and not are_apart(session, [listing_id], [other])
    ]
    return sorted(open_ones, key=lambda one: (-one.score, one.id))[:most]


def list_candidates(session: Session, most: int) -> list[ObjectCandidate]:
    """The likeliest pairs of all that no one has joined or told apart."""
    kept: list[ObjectCandidate] = []
    after = select(ObjectCandidate).order_by(ObjectCandidate.score.desc(), ObjectCandidate.id).limit(most * 4)
    for one in session.scalars(after):
        objects = objects_of(session, [one.listing_id, one.other_listing_id])
        joined = len(objects) == 2 and len(set(objects.values())) == 1
        if not joined and not are_apart(session, [one.listing_id], [one.other_listing_id]):
            kept.append(one)
    return kept[:most]


def _insert(session: Session, table: type[Any]) -> Any:
    return (postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert)(table)
