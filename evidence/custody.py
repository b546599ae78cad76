"""The custody log of a bundle: its audit events, and the bare hashes between them, so that all can be recomputed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import as_entry, event_hash, events_about
from storage.tables import AuditEvent, Export

FORMAT = "relicwatch-custody-1"


class CustodyDamaged(RelicwatchError):
    """An entry of the audit log does not match its own hash or the entry before it."""


@dataclass(frozen=True, slots=True)
class Custody:
    events: Sequence[AuditEvent]
    """About the bundle's subject, in order of time."""
    links: Sequence[AuditEvent]
    """Every event of the same chains from the first to the last of them, in order of chain and number."""


def gather_custody(session: Session, objects: Sequence[tuple[str, object]], bundle_id: str) -> Custody:
    """Read the events about these objects and about the exports of them. Raises CustodyDamaged."""
    listings = [int(str(id_)) for kind, id_ in objects if kind == "listing"]
    cases = [int(str(id_)) for kind, id_ in objects if kind == "case" and isinstance(id_, int)]
    exports = session.scalars(
        select(Export.bundle_id).where(or_(Export.listing_id.in_(listings), Export.case_id.in_(cases)))
    )
    subjects = [*dict.fromkeys(objects), *(("export", id_) for id_ in {*exports, bundle_id})]
    events = events_about(session, subjects)
    spans: dict[str, tuple[int, int]] = {}
    for event in events:
        first, last = spans.get(event.chain, (event.sequence, event.sequence))
        spans[event.chain] = (min(first, event.sequence), max(last, event.sequence))
    links: list[AuditEvent] = []
    for name, (first, last) in sorted(spans.items()):
        of_chain = select(AuditEvent).where(AuditEvent.chain == name, AuditEvent.sequence.between(first, last))
        chain = list(session.scalars(of_chain.order_by(AuditEvent.sequence)))
        _check_chain(name, chain, first, last)
        links += chain
    return Custody(events, links)


def custody_record(custody: Custody) -> dict[str, Any]:
    """The content of `custody.json`."""
    return {
        "format": FORMAT,
        "how_to_check": (
            "An entry's hash is the SHA-256 of the entry without 'hash', as JSON with sorted keys, no spaces, UTF-8. "
            "'links' lists every entry of each chain between the first and the last one shown, by its hashes alone: "
            "entries about other matters stay closed. An entry cannot be changed without breaking the chain; that an "
            "entry shown by its hash alone is about another matter, and that none followed the last, rests on the "
            "signer's word."
        ),
        "events": [{**as_entry(event), "hash": event.hash} for event in custody.events],
        "links": [
            {"chain": e.chain, "sequence": e.sequence, "previous_hash": e.previous_hash, "hash": e.hash}
            for e in custody.links
        ],
    }


def _check_chain(name: str, chain: Sequence[AuditEvent], first: int, last: int) -> None:
    if [event.sequence for event in chain] != list(range(first, last + 1)):
        raise CustodyDamaged(
            f"The audit log lacks entries of chain {name}: the export was refused; see to the database."
        )
    previous = chain[0].previous_hash
    for event in chain:
        if event.previous_hash != previous or event_hash(as_entry(event)) != event.hash:
            raise CustodyDamaged(
                f"Audit entry {event.sequence} of chain {name} does not match its hash {event.hash}: "
                "the export was refused; see to the database."
            )
        previous = event.hash
