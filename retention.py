"""What had its time goes: one plan for the dry run and the real one, rows and log before files, whole after a kill.

Rows, tombstone and audit event are one transaction that also names the files; they are unlinked after it. A kill in
between leaves names in `pending_unlink`, and the next start goes on there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.home import Home
from evidence.retention_plan import (
    Due,
    Plan,
    bundles_of,
    hold_words,
    make_plan,
    planned_cases,
    planned_listings,
    planned_transit,
    size_on_disk,
    stored_path,
)
from evidence.sealing import file_sha256
from evidence.segments import StoreError
from evidence.store import ORPHANS, EvidenceStore
from evidence.thumbnails import sync_directory
from storage.audit import AuditChain
from storage.database import Database
from storage.erasing import (
    REQUEST,
    Erasure,
    bury,
    bury_transit,
    erase_case,
    erase_listing,
    erase_listings,
    erase_personal_fields,
    erase_unnamed_sellers,
    is_named,
)
from storage.holds import given, held_listings, holds_on, lock_retention
from storage.photo_traces import forget_traces
from storage.retention import (
    due_cases,
    is_hit,
    keepers,
    list_periods,
)
from storage.subjects import listings_of, require_seller
from storage.tables import (
    Exhibit,
    Listing,
    PendingUnlink,
    Segment,
    Seller,
    utc_now,
)

logger = logging.getLogger(__name__)

UNLINKED_TOGETHER = 100
"""After so many deletions their files go, so many to a transaction."""
IN_STORE = ("evidence", "files", ORPHANS)
"""What may lie in an evidence store of its own."""
ERASED_TOGETHER = 25
"""Whole listings in one transaction: few enough that nobody else waits long for the database."""
IN_FLIGHT_SECONDS = 900.0
"""A content-named file that was written or found good so lately may be named by a commit on its way: it waits."""
Report = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True)
class Purged:
    """What a purge did."""

    deleted: dict[str, int] = field(default_factory=dict)
    """Rule -> number of things."""
    unlinked: int = 0
    freed_bytes: int = 0
    """As the file system counted them, of the files that went."""
    waiting: int = 0
    """Files that were written too lately and go at a later purge."""
    stayed: int = 0
    """Things that something came to keep between the plan and their turn."""

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


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
    """Finish what an earlier purge left, then delete what `make_plan` names.

    Whole listings go some at a time, all else one by one, each time in a transaction of its own.

    Each thing is looked at again within its transaction: a hold placed meanwhile keeps it.
    """
    now = now or utc_now()
    done = Purged()
    finish_unlinking(database, home, done)
    plan = make_plan(database, home, now)
    number = unlinked_at = 0
    for group in _together(plan.due):
        digests = [_digest_before(database, home, due) for due in group]
        with database.transaction() as session:
            lock_retention(session)
            gone = _erase_group(session, home, group, _erasure(chain, group[0], actor, now, plan), digests)
        if gone:
            done.deleted[group[0].rule] = done.deleted.get(group[0].rule, 0) + gone
        done.stayed += len(group) - gone
        number += len(group)
        if number - unlinked_at >= UNLINKED_TOGETHER:
            finish_unlinking(database, home, done)
            unlinked_at = number
        if progress is not None:
            progress({"done": number, "of": len(plan.due)})
    finish_unlinking(database, home, done)
    with database.transaction() as session:
        details = {"deleted": done.deleted, "freed_bytes": done.freed_bytes, "kept": len(plan.kept)}
        chain.record(session, actor=actor, action="purged", object_kind="retention", object_id="all", details=details)
    return done


def _together(due: Sequence[Due]) -> Iterator[list[Due]]:
    """Things that go in one transaction: whole listings by one rule, so many at most; all else by itself."""
    group: list[Due] = []
    for one in due:
        whole = one.object_kind == "listing" and one.rule != "dismissed_personal"
        if group and (not whole or group[0].rule != one.rule or len(group) == ERASED_TOGETHER):
            yield group
            group = []
        group.append(one)
        if not whole:
            yield group
            group = []
    if group:
        yield group


def _erase_group(
    session: Session,
    home: Home,
    group: Sequence[Due],
    erasure: Erasure,
    digests: Sequence[tuple[str | None, int]],
) -> int:
    """How many of them were still due, and are gone."""
    if len(group) == 1:
        return int(_erase(session, home, group[0], erasure, *digests[0]))
    ids = [int(due.object_id) for due in group]
    _lock_listings(session, ids)
    due_now = {
        int(one.object_id)
        for one in planned_listings(session, home, erasure.at, ids)
        if isinstance(one, Due) and one.rule == erasure.rule
    }
    going = [id_ for id_ in ids if id_ in due_now]
    erase_listings(session, erasure, going)
    return len(going)


def _lock_listings(session: Session, ids: Sequence[int]) -> None:
    """The rows' locks: a decision or an exhibit comes before a deletion, or finds it done."""
    session.scalars(select(Listing.id).where(Listing.id.in_(ids)).order_by(Listing.id).with_for_update()).all()


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
        path = stored_path(home, due.store, due.object_id)
    else:
        return None, 0
    if due.store == ORPHANS:
        return EvidenceStore(home).sha256(path), due.bytes
    return (file_sha256(path), path.stat().st_size) if path.is_file() else (None, 0)


def _erase(session: Session, home: Home, due: Due, erasure: Erasure, sha256: str | None, size: int) -> bool:
    """Delete one thing if it is still due; False where something keeps it by now."""
    id_ = due.object_id
    if due.object_kind == "listing":
        return _erase_due_listing(session, home, erasure, int(id_))
    if due.object_kind == "segment":
        return _erase_due_segment(session, home, erasure, int(id_), due.since, sha256, size)
    if due.object_kind == "case":
        due_now = [one for one in planned_cases(session, home, erasure.at) if isinstance(one, Due)]
        case = next((case for case, _ in due_cases(session, erasure.at) if str(case.id) == id_), None)
        emptied = not session.scalar(select(Exhibit.id).where(Exhibit.case_id == int(id_)).limit(1))
        if id_ not in {one.object_id for one in due_now} or case is None or not emptied:
            return False
        erase_case(session, erasure, case, bundles_of(session, home, case.id))
        return True
    if due.object_kind == "seller":
        return bool(erase_unnamed_sellers(session, erasure, {int(id_)}))
    if due.store == "files" and is_named(session, id_):
        return False
    bury(session, erasure, kind=due.object_kind, object_id=id_, sha256=sha256, size=size, files=[(due.store, id_)])
    return True


def _erase_due_listing(session: Session, home: Home, erasure: Erasure, listing_id: int) -> bool:
    _lock_listings(session, [listing_id])
    now = next(iter(planned_listings(session, home, erasure.at, [listing_id])), None)
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
    now = next(iter(planned_transit(session, home, since, segment_id)), None)
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
            _lock_listings(session, [listing_id])
            why = [*hold_words(held_listings(session).get(listing_id, [])), *keepers(session, now).get(listing_id, [])]
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
        "held_by": list(hold_words(held or [])),
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
    kept = EvidenceStore(home)
    for start in range(0, len(pending), UNLINKED_TOGETHER):
        with database.transaction() as session:
            for row in pending[start : start + UNLINKED_TOGETHER]:
                if _unlink(session, home, kept, row, done):
                    session.delete(session.get_one(PendingUnlink, row.id))
    return done


def _unlink(session: Session, home: Home, kept: EvidenceStore, row: PendingUnlink, done: Purged) -> bool:
    """Whether a file is gone, or needed again: then nothing is to be done any more."""
    path = stored_path(home, row.store, row.name)
    if row.store == "files" and _in_flight(path):
        done.waiting += 1
        return False
    if row.store == "files" and is_named(session, row.name):
        return True
    size = size_on_disk(path)
    try:
        if row.store in IN_STORE and (far := kept.delete(path)):
            done.unlinked += 1
            done.freed_bytes += far
    except StoreError as error:
        logger.warning("%s stays for now: %s", row.name, error)
        done.waiting += 1
        return False
    if path.exists():
        path.unlink()
        sync_directory(path.parent)
        done.unlinked += 1
        done.freed_bytes += size
    if row.store == "files":  # a job that read the picture meanwhile may have kept its trace
        forget_traces(session, [row.name])
    return True


def _in_flight(path: Path) -> bool:
    return path.exists() and time.time() - path.stat().st_mtime < IN_FLIGHT_SECONDS
