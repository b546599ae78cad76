"""The one append-only log: who did what to which object, hash-chained per writing process.

A chain per process needs no lock between processes; a chain's heads are joined when a bundle is made. Personal data
enters `details` by reference (row ids, digests) only, so that purging it later breaks no chain.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import AuditEvent, utc_now

GENESIS = "0" * 64
_ASKED_AT_ONCE = 500


class AuditChain:
    """One process's chain. Make one at start and pass it to whoever writes audit events."""

    def __init__(self, name: str | None = None, noted: Mapping[str, Any] = MappingProxyType({})) -> None:
        """`noted` goes into the details of every entry, such as the purpose of the session."""
        self.name = name or str(uuid.uuid4())
        self._noted = noted

    def noting(self, **noted: Any) -> AuditChain:
        """This chain, with more in the details of each entry: to be used under the same lock as this one."""
        return AuditChain(self.name, {**self._noted, **noted})

    def record(
        self,
        session: Session,
        *,
        actor: str,
        action: str,
        object_kind: str,
        object_id: object,
        details: dict[str, Any] | None = None,
    ) -> AuditEvent:
        """Append one event in the caller's transaction, so that the event stands if and only if the act does."""
        last = session.scalars(
            select(AuditEvent).where(AuditEvent.chain == self.name).order_by(AuditEvent.sequence.desc()).limit(1)
        ).first()
        event = AuditEvent(
            chain=self.name,
            sequence=last.sequence + 1 if last else 1,
            at=utc_now(),
            actor=actor,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            details={**self._noted, **(details or {})},
            previous_hash=last.hash if last else GENESIS,
            hash="",
        )
        event.hash = event_hash(as_entry(event))
        session.add(event)
        session.flush()
        return event


def as_entry(event: AuditEvent) -> dict[str, Any]:
    """The event as it is hashed, exported and verified (all but its own hash)."""
    return {
        "chain": event.chain,
        "sequence": event.sequence,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "object_kind": event.object_kind,
        "object_id": event.object_id,
        "details": event.details,
        "previous_hash": event.previous_hash,
    }


def event_hash(entry: dict[str, Any]) -> str:
    """SHA-256 of the entry as canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chain_faults(events: Iterable[AuditEvent]) -> list[str]:
    """What is wrong with these events (all of a chain, or of several), one sentence a fault."""
    faults: list[str] = []
    expected: dict[str, tuple[int, str]] = {}
    for event in sorted(events, key=lambda e: (e.chain, e.sequence)):
        sequence, previous = expected.get(event.chain, (1, GENESIS))
        where = f"audit event {event.sequence} of chain {event.chain}"
        if event.sequence != sequence:
            faults.append(f"{where}: number {sequence} was expected, so events are missing or moved")
        elif event.previous_hash != previous:
            faults.append(f"{where}: it does not follow from the event before it")
        if event_hash(as_entry(event)) != event.hash:
            faults.append(f"{where}: its content does not match its hash")
        expected[event.chain] = (event.sequence + 1, event.hash)
    return faults


def events_about(session: Session, objects: Sequence[tuple[str, object]]) -> list[AuditEvent]:
    """Every event about any of these (kind, id) objects, in order of time."""
    ids: dict[str, list[str]] = {}
    for kind, id_ in dict.fromkeys((kind, str(id_)) for kind, id_ in objects):
        ids.setdefault(kind, []).append(id_)
    found: list[AuditEvent] = []
    for kind, of_kind in ids.items():
        # In pieces: a case of a thousand listings is about tens of thousands of objects, more than a statement takes.
        for start in range(0, len(of_kind), _ASKED_AT_ONCE):
            wanted = AuditEvent.object_id.in_(of_kind[start : start + _ASKED_AT_ONCE])
            found += session.scalars(select(AuditEvent).where(AuditEvent.object_kind == kind, wanted))
    return sorted(found, key=lambda event: (event.at, event.id))
