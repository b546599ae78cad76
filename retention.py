"""What had its time goes: one plan for the dry run and the real one, rows and log before files, whole after a kill.

Rows, tombstone and audit event are one transaction that also names the files; they are unlinked after it. A kill in
between leaves names in `pending_unlink`, and the next start goes on there.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from crawler.home import Home
from evidence.sealing import ORPHANS, file_sha256
from evidence.thumbnails import TEMPORARY_PREFIX, sync_directory
from storage.audit import AuditChain
from storage.database import Database
from storage.erasing import (
    CAPTURE_DELETED,
    DELETED,
    REQUEST,
    Erasure,
    bury,
    bury_transit,
    derivatives_of,
    erase_case,
    erase_listing,
    erase_personal_fields,
    erase_unnamed_sellers,
    is_named,
    others_in,
    register_photos,
    segments_of,
)
from storage.holds import given, held_listings, holds_on, lock_retention
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
from storage.subjects import listings_of, require_seller
from storage.tables import (
    Capture,
    Exhibit,
    Export,
    Job,
    Listing,
    MarketApproval,
    Observation,
    PendingUnlink,
    Segment,
    Seller,
    utc_now,
)

logger = logging.getLogger(__name__)

IN_FLIGHT_SECONDS = 900.0
"""A content-named file that was written or found good so lately may be named by a commit on its way: it waits."""
GONE_ANSWERS = (404, 410)
Report = Callable[[Mapping[str, Any]], None]


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
        for rule in sorted({one.rule for one in (*self.due, *self.kept)}):
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


@dataclass(slots=True)
class Purged:
    """What a purge did."""

    deleted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Rule -> number of things."""
    unlinked: int = 0
    freed_bytes: int = 0
    """As the file system counted them, of the files that went."""
    waiting: int = 0
    """Files that were written too lately and go at a later purge."""
    stayed: int = 0
    """Things that something came to keep between the plan and their turn."""

    def as_record(self) -> dict[str, Any]:
        return {**asdict(self), "deleted": dict(self.deleted)}


# -- the plan ---------------------------------------------------------------------------------------------------


def make_plan(database: Database, home: Home, now: datetime | None = None) -> Plan:
    """What has had its time, what keeps the rest, and what a person should look at. Changes nothing."""
    now = now or utc_now()
    with database.reading() as session:
        periods = {kind: period.days for kind, period in list_periods(session).items()}
        due: list[Due] = []
        kept: list[Kept] = []
        for one in _planned(session, home, now, periods):
            (due if isinstance(one, Due) else kept).append(one)  # type: ignore[arg-type]
        return Plan(
            made_at=now,
            due=tuple(due),
            kept=tuple(kept),
            watches_to_review=tuple(watch.name for watch, _ in watches_to_review(session, now)),
            hits_to_review=tuple(id_ for id_, _ in hits_to_review(session, now)),
            pending_files=len(session.scalars(select(PendingUnlink.id)).all()),
            periods=periods,
        )


def _planned(session: Session, home: Home, now: datetime, periods: Mapping[str, int]) -> Iterator[Due | Kept]:
    yield from _listings(session, home, now)
    yield from _cases(session, home, now)
    held = holds_on(session, "seller")
    for seller in unnamed_sellers(session):
        if seller.id in held:
            yield Kept("unnamed_seller", "seller", str(seller.id), _holds(held[seller.id]))
        else:
            yield Due("unnamed_seller", "seller", str(seller.id), seller.last_seen_at)
    yield from _transit(session, home, now - timedelta(days=periods["transit"]))
    yield from _stray_files(session, home, now, periods)


def _listings(session: Session, home: Home, now: datetime, only: int | None = None) -> Iterator[Due | Kept]:
    held, keeping = held_listings(session), keepers(session, now)
    counted: set[str] = set()
    due = due_listings(session, now, only)
    going = {one.listing_id for one in due if one.listing_id not in held and one.listing_id not in keeping}
    for one in due:
        why = (*_holds(held.get(one.listing_id, [])), *keeping.get(one.listing_id, []))
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
    return sum(_size(path) for path in fresh)


def _cases(session: Session, home: Home, now: datetime) -> Iterator[Due | Kept]:
    held_cases, held, keeping = holds_on(session, "case"), held_listings(session), keepers(session, now)
    for case, until in due_cases(session, now):
        listings = session.scalars(select(Exhibit.listing_id).where(Exhibit.case_id == case.id)).all()
        why = [*_holds(held_cases.get(case.id, []))]
        why += [word for id_ in listings for word in (*_holds(held.get(id_, [])), *keeping.get(id_, []))]
        size = sum(_size(home.exports / name) for _, name in _bundles(session, home, case.id))
        if why:
            yield Kept("case", "case", str(case.id), tuple(dict.fromkeys(why)), size)
        else:
            yield Due("case", "case", str(case.id), until, size)


def _transit(session: Session, home: Home, limit: datetime, only: int | None = None) -> Iterator[Due | Kept]:
    """Segments whose time is over: those that hold what a hit was read from and is not sealed stay, and held ones."""
    query = select(Segment).where(Segment.store == "transit", Segment.state != DELETED, Segment.created_at <= limit)
    if only is not None:
        query = query.where(Segment.id == only)
    held = held_listings(session)
    waiting = _waiting_captures(session)
    for segment in session.scalars(query.order_by(Segment.created_at, Segment.id)).all():
        size = _size(home.transit / segment.name)
        inside = _listings_in(session, segment.id)
        why = [word for id_ in sorted(inside & set(held)) for word in _holds(held[id_])]
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
    return {int(arguments["listing_id"]) for arguments in rows}


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
        *session.scalars(select(MarketApproval.terms_sha256)),
        *session.scalars(select(MarketApproval.robots_sha256)),
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
            name = path.name if store == "files" else path.relative_to(_directory(home, store)).as_posix()
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if path.is_file() and changed <= limit and (store, name) not in pending:
                yield Due(rule, kind, name, changed, _size(path), store)


def _holds(ids: list[int]) -> tuple[str, ...]:
    return tuple(f"hold {id_}" for id_ in ids)


def _bundles(session: Session, home: Home, case_id: int) -> list[tuple[Export, str]]:
    """A case's bundles that lie in the home; those handed out elsewhere are not ours to delete."""
    rows = session.scalars(select(Export).where(Export.case_id == case_id).order_by(Export.id))
    inside = ((row, Path(row.path)) for row in rows)
    return [(row, path.name) for row, path in inside if path.parent == home.exports and path.exists()]


# -- doing it ---------------------------------------------------------------------------------------------------


def purge(
    database: Database,
    home: Home,
    *,
    chain: AuditChain,
    actor: str,
    now: datetime | None = None,
    progress: Report | None = None,
) -> Purged:
    """Finish what an earlier purge left, then delete what `make_plan` names, each in a transaction of its own.

    Each thing is looked at again within its transaction: a hold placed meanwhile keeps it.
    """
    now = now or utc_now()
    done = Purged()
    finish_unlinking(database, home, done)
    plan = make_plan(database, home, now)
    for number, due in enumerate(plan.due, 1):
        sha256, size = _digest_before(database, home, due)
        with database.transaction() as session:
            lock_retention(session)
            if _erase(session, home, due, _erasure(chain, due, actor, now, plan), sha256, size):
                done.deleted[due.rule] += 1
            else:
                done.stayed += 1
        finish_unlinking(database, home, done)
        if progress is not None:
            progress({"done": number, "of": len(plan.due)})
    with database.transaction() as session:
        details = {"deleted": dict(done.deleted), "freed_bytes": done.freed_bytes, "kept": len(plan.kept)}
        chain.record(session, actor=actor, action="purged", object_kind="retention", object_id="all", details=details)
    return done


def _erasure(chain: AuditChain, due: Due, actor: str, now: datetime, plan: Plan) -> Erasure:
    days = plan.periods.get(due.rule)
    why = f"{due.rule}: its {days} days were over" if days else f"{due.rule}: its time was over"
    return Erasure(chain, due.rule, why, actor, now)


def _digest_before(database: Database, home: Home, due: Due) -> tuple[str | None, int]:
    """SHA-256 and size of a file that goes by itself, taken outside the transaction; None where it is gone."""
    if due.object_kind == "segment":
        with database.reading() as session:
            path = home.transit / session.get_one(Segment, int(due.object_id)).name
    elif due.store:
        path = _path(home, due.store, due.object_id)
    else:
        return None, 0
    return (file_sha256(path), path.stat().st_size) if path.is_file() else (None, 0)


def _erase(session: Session, home: Home, due: Due, erasure: Erasure, sha256: str | None, size: int) -> bool:
    """Delete one thing if it is still due; False where something keeps it by now."""
    id_ = due.object_id
    if due.object_kind == "listing":
        return _erase_due_listing(session, home, erasure, int(id_))
    if due.object_kind == "segment":
        return _erase_due_segment(session, home, erasure, int(id_), due.since, sha256, size)
    if due.object_kind == "case":
        standing = [one for one in _cases(session, home, erasure.at) if isinstance(one, Due) and one.object_id == id_]
        case = next((case for case, _ in due_cases(session, erasure.at) if str(case.id) == id_), None)
        emptied = not session.scalar(select(Exhibit.id).where(Exhibit.case_id == int(id_)).limit(1))
        if not standing or case is None or not emptied:
            return False
        erase_case(session, erasure, case, _bundles(session, home, case.id))
        return True
    if due.object_kind == "seller":
        return bool(erase_unnamed_sellers(session, erasure, {int(id_)}))
    if due.store == "files" and is_named(session, id_):
        return False
    bury(session, erasure, kind=due.object_kind, object_id=id_, sha256=sha256, size=size, files=[(due.store, id_)])
    return True


def _erase_due_listing(session: Session, home: Home, erasure: Erasure, listing_id: int) -> bool:
    # The row's lock: a decision or an exhibit comes before this, or finds it done.
    session.scalars(select(Listing.id).where(Listing.id == listing_id).with_for_update()).all()
    now = next(iter(_listings(session, home, erasure.at, listing_id)), None)
    if not isinstance(now, Due) or now.rule != erasure.rule:
        return False
    if erasure.rule == "dismissed_personal":
        erase_personal_fields(session, erasure, listing_id)
    else:
        erase_listing(session, erasure, listing_id)
    return True


def _erase_due_segment(
    session: Session, home: Home, erasure: Erasure, segment_id: int, since: datetime, sha256: str | None, size: int
) -> bool:
    now = next(iter(_transit(session, home, since, segment_id)), None)
    if not isinstance(now, Due):
        return False
    bury_transit(session, erasure, session.get_one(Segment, segment_id), sha256, size)
    return True


def erase_subject(
    database: Database,
    home: Home,
    seller_id: int,
    *,
    reason: str,
    chain: AuditChain,
    actor: str,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Erase what is personal in a seller's listings, on that person's request. Raises NoSuchSubject, HoldError.

    Non-hits go whole. What a hold, a case or a handed-out bundle needs stays and is named with its reason; the seller's
    own row goes once nothing names it. Working copies of the crawls go with their segments, at the day given.
    """
    now = now or utc_now()
    erasure = Erasure(chain, REQUEST, given(reason), actor, now)
    with database.reading() as session:
        require_seller(session, seller_id)
        listings = listings_of(session, seller_id)
    erased: list[int] = []
    kept: dict[int, list[str]] = {}
    for listing_id in listings:
        with database.transaction() as session:
            lock_retention(session)
            session.scalars(select(Listing.id).where(Listing.id == listing_id).with_for_update()).all()
            why = [*_holds(held_listings(session).get(listing_id, [])), *keepers(session, now).get(listing_id, [])]
            if why:
                kept[listing_id] = why
                continue
            if session.scalar(select(Listing.id).where(Listing.id == listing_id, is_hit())) is None:
                erase_listing(session, erasure, listing_id)
            else:
                erase_personal_fields(session, erasure, listing_id)
            erased.append(listing_id)
    with database.transaction() as session:
        lock_retention(session)
        held = holds_on(session, "seller").get(seller_id)
        erase_unnamed_sellers(session, erasure, {seller_id})
        gone = session.get(Seller, seller_id) is None
        days = list_periods(session)["transit"].days
        details = {"erased": erased, "kept": {str(id_): why for id_, why in kept.items()}, "reason": erasure.reason}
        chain.record(
            session, actor=actor, action="subject erased", object_kind="seller", object_id=seller_id, details=details
        )
    done = finish_unlinking(database, home)
    return {
        "seller": seller_id,
        "seller_erased": gone,
        "held_by": list(_holds(held or [])),
        "erased": erased,
        "kept": [{"listing": id_, "why": why} for id_, why in kept.items()],
        "unlinked": done.unlinked,
        "waiting": done.waiting,
        "working_copies_go_by": now + timedelta(days=days),
    }


def finish_unlinking(database: Database, home: Home, done: Purged | None = None) -> Purged:
    """Unlink what the database says is gone: after each deletion, and at a start for what a kill left."""
    done = done if done is not None else Purged()
    done.waiting = 0
    with database.reading() as session:
        pending = list(session.scalars(select(PendingUnlink).order_by(PendingUnlink.id)))
    for row in pending:
        path = _path(home, row.store, row.name)
        if row.store == "files" and _in_flight(path):
            done.waiting += 1
            continue
        with database.transaction() as session:
            wanted = row.store == "files" and is_named(session, row.name)
            size = _size(path)
            if not wanted and path.exists():
                path.unlink()
                sync_directory(path.parent)
                done.unlinked += 1
                done.freed_bytes += size
            session.delete(session.get_one(PendingUnlink, row.id))
    return done


def _in_flight(path: Path) -> bool:
    return path.exists() and time.time() - path.stat().st_mtime < IN_FLIGHT_SECONDS


def _directory(home: Home, store: str) -> Path:
    return {
        "transit": home.transit,
        "evidence": home.evidence,
        "files": home.files,
        "exports": home.exports,
        "logs": home.logs,
    }[store]


def _path(home: Home, store: str, name: str) -> Path:
    return home.file_path(name) if store == "files" else _directory(home, store) / name


def _size(path: Path) -> int:
    """What the file takes on the disk, in bytes; 0 where it is gone."""
    return path.stat().st_size if path.is_file() else 0
