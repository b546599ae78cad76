"""What has had its time, what keeps the rest, and what a person should look at: read, never changed.

The dry run, the desk and the deletion itself (the top-level `retention`) ask the same questions here. # SEC-35
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from crawler.home import Home
from evidence.segments import StoreError
from evidence.store import ORPHANS, EvidenceStore
from evidence.thumbnails import TEMPORARY_PREFIX
from storage.database import Database
from storage.erasing import (
    CAPTURE_DELETED,
    DELETED,
    NAMED_FILES,
    derivatives_of,
    others_in,
    register_photos,
    segments_of,
)
from storage.holds import held_listings, holds_on
from storage.jobs import OPEN_STATES
from storage.retention import (
    due_cases,
    due_listings,
    hits_to_review,
    is_dismissed,
    is_hit,
    keepers,
    list_periods,
    unnamed_sellers,
    watches_to_review,
)
from storage.tables import (
    Capture,
    Exhibit,
    Export,
    Job,
    Listing,
    Observation,
    PendingUnlink,
    Segment,
    utc_now,
)

logger = logging.getLogger(__name__)

GONE_ANSWERS = (404, 410)
"""By these the market itself said that a listing is gone: its last state, and evidence."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that goes."""

    rule: str
    object_kind: str
    """segment, listing, case, seller, file, log."""
    object_id: str
    since: datetime
    bytes: int = 0
    """Of files that go with it; rows are not counted, since a database gives their space to later rows."""
    store: str = ""
    """Of a file: the directory of the home."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing whose time is over and which stays, and by what."""

    rule: str
    object_kind: str
    object_id: str
    why: tuple[str, ...]
    """`hold 3`, `case RW-2026-0001`, `bundle ...`, `not sealed yet: listing 7`."""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a purge would do at this moment; what it does is this, asked again thing by thing."""

    made_at: datetime
    due: tuple[Due, ...]
    kept: tuple[Kept, ...]
    watches_to_review: tuple[str, ...]
    hits_to_review: tuple[int, ...]
    pending_files: int
    """Files of earlier deletions that are still to be unlinked."""
    periods: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> list[dict[str, Any]]:
        """A row for each rule that anything fell under: number, bytes, the oldest, and what kept the rest."""
        rows = []
        for rule in sorted({one.rule for one in self.due} | {one.rule for one in self.kept}):
            due = [one for one in self.due if one.rule == rule]
            kept = [one for one in self.kept if one.rule == rule]
            held = [one for one in kept if any(why.startswith("hold ") for why in one.why)]
            rows.append(
                {
                    "rule": rule,
                    "days": self.periods.get(rule),
                    "count": len(due),
                    "bytes": sum(one.bytes for one in due),
                    "oldest_at": min((one.since for one in due), default=None),
                    "held": len(held),
                    "kept_otherwise": len(kept) - len(held),
                    "kept_by": sorted({why for one in kept for why in one.why}),
                }
            )
        return rows

    def as_record(self) -> dict[str, Any]:
        return {**asdict(self), "summary": self.summary()}


# -- the plan ---------------------------------------------------------------------------------------------------


def make_plan(database: Database, home: Home, now: datetime | None = None) -> Plan:
    """What has had its time, what keeps the rest, and what a person should look at. Changes nothing."""
    now = now or utc_now()
    with database.reading() as session:
        periods = {kind: period.days for kind, period in list_periods(session).items()}
        found = list(_planned(session, home, now, periods))
        return Plan(
            made_at=now,
            due=tuple(one for one in found if isinstance(one, Due)),
            kept=tuple(one for one in found if isinstance(one, Kept)),
            watches_to_review=tuple(watch.name for watch, _ in watches_to_review(session, now)),
            hits_to_review=tuple(id_ for id_, _ in hits_to_review(session, now)),
            pending_files=len(session.scalars(select(PendingUnlink.id)).all()),
            periods=periods,
        )


def _planned(session: Session, home: Home, now: datetime, periods: Mapping[str, int]) -> Iterator[Due | Kept]:
    yield from planned_listings(session, home, now)
    yield from planned_cases(session, home, now)
    held = holds_on(session, "seller")
    for seller in unnamed_sellers(session):
        if seller.id in held:
            yield Kept("unnamed_seller", "seller", str(seller.id), hold_words(held[seller.id]))
        else:
            yield Due("unnamed_seller", "seller", str(seller.id), seller.last_seen_at)
    yield from planned_transit(session, home, now - timedelta(days=periods["transit"]))
    yield from _stray_files(session, home, now, periods)


def planned_listings(
    session: Session, home: Home, now: datetime, only: Collection[int] | None = None
) -> Iterator[Due | Kept]:
    held, keeping = held_listings(session), keepers(session, now)
    counted: set[str] = set()
    due = due_listings(session, now, only)
    going = {one.listing_id for one in due if one.listing_id not in held and one.listing_id not in keeping}
    for one in due:
        why = (*hold_words(held.get(one.listing_id, [])), *keeping.get(one.listing_id, []))
        if why:
            yield Kept(one.rule, "listing", str(one.listing_id), why)
            continue
        size = _bytes_of(session, home, one.listing_id, going, counted)
        yield Due(one.rule, "listing", str(one.listing_id), one.since, size)


def _bytes_of(session: Session, home: Home, listing_id: int, going: set[int], counted: set[str]) -> int:
    """Of the files that go with a listing, each counted once over the whole plan."""
    files = {
        (home.evidence / segment.name)
        for segment in segments_of(session, listing_id)
        if not others_in(session, segment.id) - going
    }
    files |= {home.file_path(one.sha256) for one in derivatives_of(session, listing_id)}
    fresh = {path for path in files if str(path) not in counted}
    counted |= {str(path) for path in fresh}
    return sum(size_on_disk(path) for path in fresh)


def planned_cases(session: Session, home: Home, now: datetime) -> Iterator[Due | Kept]:
    held_cases, held, keeping = holds_on(session, "case"), held_listings(session), keepers(session, now)
    for case, until in due_cases(session, now):
        listings = session.scalars(select(Exhibit.listing_id).where(Exhibit.case_id == case.id)).all()
        why = [*hold_words(held_cases.get(case.id, []))]
        why += [word for id_ in listings for word in (*hold_words(held.get(id_, [])), *keeping.get(id_, []))]
        size = sum(size_on_disk(home.exports / name) for _, name in bundles_of(session, home, case.id))
        if why:
            yield Kept("case", "case", str(case.id), tuple(dict.fromkeys(why)), size)
        else:
            yield Due("case", "case", str(case.id), until, size)


def planned_transit(session: Session, home: Home, limit: datetime, only: int | None = None) -> Iterator[Due | Kept]:
    """Segments whose time is over: those that hold what a hit was read from and is not sealed stay, and held ones."""
    query = select(Segment).where(Segment.store == "transit", Segment.state != DELETED, Segment.created_at <= limit)
    if only is not None:
        query = query.where(Segment.id == only)
    held = held_listings(session)
    waiting = _waiting_captures(session)
    for segment in session.scalars(query.order_by(Segment.created_at, Segment.id)).all():
        size = size_on_disk(home.transit / segment.name)
        inside = _listings_in(session, segment.id)
        why = [word for id_ in sorted(inside & set(held)) for word in hold_words(held[id_])]
        why += [f"capture job waits: listing {id_}" for id_ in sorted(inside & waiting)]
        why += [f"not sealed yet: listing {id_}" for id_ in _unsealed_hits(session, segment.id)]
        if why:
            yield Kept("transit", "segment", str(segment.id), tuple(dict.fromkeys(why)), size)
        else:
            yield Due("transit", "segment", str(segment.id), segment.created_at, size)


def _listings_in(session: Session, segment_id: int) -> set[int]:
    own = select(Capture.listing_id).where(Capture.segment_id == segment_id, Capture.listing_id.is_not(None))
    read = (
        select(Observation.listing_id)
        .join(Capture, Capture.id == Observation.capture_id)
        .where(Capture.segment_id == segment_id)
    )
    return {id_ for id_ in (*session.scalars(own.distinct()), *session.scalars(read.distinct())) if id_ is not None}


def _waiting_captures(session: Session) -> set[int]:
    rows = session.scalars(select(Job.arguments).where(Job.kind == "capture", Job.state.in_(OPEN_STATES)))
    return {int(arguments["listing_id"]) for arguments in rows if "listing_id" in arguments}


def _unsealed_hits(session: Session, segment_id: int) -> list[int]:
    """Hits of which an observation was read from this segment, or that the market said here to be gone, unsealed.

    A later reading of an unchanged page proves nothing that the sealed one does not, and keeps no segment.
    """
    copy, place = aliased(Capture), aliased(Segment)
    sealed = exists().where(
        copy.source_id == Capture.id,
        copy.listing_id == Listing.id,
        copy.segment_id == place.id,
        place.store == "evidence",
        place.state == "sealed",
    )
    told = or_(
        exists().where(Observation.capture_id == Capture.id, Observation.listing_id == Listing.id),
        (Capture.listing_id == Listing.id) & Capture.status.in_(GONE_ANSWERS),
    )
    query = (
        select(Listing.id)
        .join(Capture, told)
        .where(Capture.segment_id == segment_id, is_hit(), ~is_dismissed(), ~sealed)
        .distinct()
        .order_by(Listing.id)
    )
    return list(session.scalars(query))


def _stray_files(session: Session, home: Home, now: datetime, periods: Mapping[str, int]) -> Iterator[Due]:
    """Old logs, what was set aside as an orphan, and content-named files that no row names."""
    pending = {(store, name) for store, name in session.execute(select(PendingUnlink.store, PendingUnlink.name))}
    named = {
        *session.scalars(select(Capture.sha256).where(Capture.segment_id.is_(None), Capture.state != CAPTURE_DELETED)),
        *(sha256 for column in NAMED_FILES for sha256 in session.scalars(select(column))),
        *register_photos(session),
    }
    unnamed = (path for path in home.files.glob("??/*") if path.name not in named)
    found = {
        ("log", "logs", "log"): home.logs.glob("*"),
        ("orphan", "evidence", "orphan"): (home.evidence / ORPHANS).glob("*"),
        ("orphan", "files", "orphan"): (p for p in unnamed if not p.name.startswith(TEMPORARY_PREFIX)),
    }
    for (rule, store, kind), paths in found.items():
        limit = now - timedelta(days=periods[rule])
        for path in sorted(paths):
            name = path.name if store == "files" else path.relative_to(store_directory(home, store)).as_posix()
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if path.is_file() and changed <= limit and (store, name) not in pending:
                yield Due(rule, kind, name, changed, size_on_disk(path), store)
    yield from _orphans_of_store(home, now, periods, pending)


def _orphans_of_store(
    home: Home, now: datetime, periods: Mapping[str, int], pending: set[tuple[str, str]]
) -> Iterator[Due]:
    """What was set aside in the evidence store; nothing while that is down."""
    try:
        found = EvidenceStore(home).orphans()
    except StoreError as error:
        logger.warning("What was set aside in the evidence store was not looked at. %s", error)
        return
    limit = now - timedelta(days=periods["orphan"])
    for name, (size, changed) in sorted(found.items()):
        if changed <= limit and (ORPHANS, name) not in pending:
            yield Due("orphan", "orphan", name, changed, size, ORPHANS)


def hold_words(ids: list[int]) -> tuple[str, ...]:
    return tuple(f"hold {id_}" for id_ in ids)


def bundles_of(session: Session, home: Home, case_id: int) -> list[tuple[Export, str]]:
    """A case's bundles that lie in the home; those handed out elsewhere are not ours to delete."""
    rows = session.scalars(select(Export).where(Export.case_id == case_id).order_by(Export.id))
    inside = ((row, Path(row.path)) for row in rows)
    return [(row, path.name) for row, path in inside if path.parent == home.exports and path.exists()]


def store_directory(home: Home, store: str) -> Path:
    return {
        "transit": home.transit,
        "evidence": home.evidence,
        "files": home.files,
        "exports": home.exports,
        "received": home.received,
        "logs": home.logs,
        ORPHANS: home.root / ORPHANS,  # in the evidence store alone
    }[store]


def stored_path(home: Home, store: str, name: str) -> Path:
    return home.file_path(name) if store == "files" else store_directory(home, store) / name


def size_on_disk(path: Path) -> int:
    """What the file takes on the disk, in bytes; 0 where it is gone."""
    return path.stat().st_size if path.is_file() else 0
