"""The audit log as a whole: the newest entry of each chain, and what is wrong anywhere in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from storage.audit import GENESIS, as_entry, event_hash
from storage.stamps import newest_subject, work_is_due
from storage.tables import AuditEvent, utc_now

CUSTODY_HEAD = "custody_head"
"""The kind of stamp subject that a head is."""
HEAD_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The newest entry of one chain."""

    chain: str
    sequence: int
    hash: str


def chain_ends(session: Session) -> list[ChainEnd]:
    """Of every chain, by its name."""
    newest = (
        select(AuditEvent.chain, func.max(AuditEvent.sequence).label("sequence")).group_by(AuditEvent.chain).subquery()
    )
    rows = session.execute(
        select(AuditEvent.chain, AuditEvent.sequence, AuditEvent.hash)
        .join(newest, and_(AuditEvent.chain == newest.c.chain, AuditEvent.sequence == newest.c.sequence))
        .order_by(AuditEvent.chain)
    )
    return [ChainEnd(*row) for row in rows]


def log_faults(session: Session) -> Iterator[str]:
    """What is wrong with the log, one sentence a fault; read entry by entry, so that its length costs no memory."""
    chain, sequence, previous = "", 0, GENESIS
    rows = session.scalars(
        select(AuditEvent).order_by(AuditEvent.chain, AuditEvent.sequence).execution_options(yield_per=1000)
    )
    for event in rows:
        if event.chain != chain:
            chain, sequence, previous = event.chain, 0, GENESIS
        where = f"entry {event.sequence} of chain {event.chain}"
        if event.sequence != sequence + 1:
            yield f"{where}: number {sequence + 1} was expected, so entries were deleted or moved"
        elif event.previous_hash != previous:
            yield f"{where}: it does not follow from the entry before it, so entries were changed or moved"
        if event_hash(as_entry(event)) != event.hash:
            yield f"{where}: its content does not match its hash, so it was changed"
        sequence, previous = event.sequence, event.hash
        session.expunge(event)


def hashes_at(session: Session, places: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The hashes that stand at (chain, number); what lacks is left out."""
    found: dict[tuple[str, int], str] = {}
    for start in range(0, len(places), 500):
        some = places[start : start + 500]
        names = {chain for chain, _ in some}
        wanted = set(some)
        rows = session.execute(
            select(AuditEvent.chain, AuditEvent.sequence, AuditEvent.hash).where(
                AuditEvent.chain.in_(names), AuditEvent.sequence.in_({sequence for _, sequence in some})
            )
        )
        found.update({(chain, sequence): hash_ for chain, sequence, hash_ in rows if (chain, sequence) in wanted})
    return found


def head_is_due(session: Session, every: float = HEAD_SECONDS, now: datetime | None = None) -> bool:
    """Whether anything in the log, or the newest head of it, is so many seconds old without a newer head."""
    newest = newest_subject(session, CUSTODY_HEAD)
    since = newest.created_at if newest else session.scalars(select(func.min(AuditEvent.at))).one()
    return since is not None and ((now or utc_now()) - since).total_seconds() >= every


def stamps_are_due(session: Session, now: datetime | None = None) -> bool:
    """Whether a question waits for an authority that may be asked now, or the log's daily head is to be made."""
    return work_is_due(session, now) or head_is_due(session, now=now)
