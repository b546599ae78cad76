"""What tells how to reach a person is blacked out of a listing's words wherever they are shown (`words.listed`).

On a listing's own page a person lifts this for themselves, for a while, with a reason that the log keeps.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.blackening import black_text
from crawler.errors import RelicwatchError
from evidence.store import EvidenceStore
from review.page_contacts import pages_tell_contact
from storage.audit import AuditChain
from storage.tables import AuditEvent, Capture, Case, Observation, utc_now

LIFTED = "contacts shown"
LIFTED_FOR = timedelta(minutes=30)
SCREENSHOTS = ("screenshot", "screenshot_viewport")
COPIES = (*SCREENSHOTS, "dom", "pdf")
"""Captures that show or say whatever stood on the page."""
LEAST_REASON = 5
MOST_REASON = 500


class NoReason(RelicwatchError):
    """Contacts were asked for without a reason that says anything, or for a case that there is not."""


def lift_mask(
    session: Session, chain: AuditChain, *, listing_id: int, actor: str, reason: str, case: str | None
) -> AuditEvent:
    """Keep why a person wants to see contacts of a listing. Raises NoReason. # SEC-36"""
    reason = reason.strip()
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        raise NoReason(f"Say why, in {LEAST_REASON} to {MOST_REASON} characters.")
    if case and session.query(Case.id).filter(Case.reference == case).first() is None:
        raise NoReason(f"There is no case {case}.")
    return chain.record(
        session,
        actor=actor,
        action=LIFTED,
        object_kind="listing",
        object_id=listing_id,
        details={"reason": reason, "case": case, **({"purpose": f"case:{case}"} if case else {})},
    )


def shows_contacts(session: Session, store: EvidenceStore, listing_id: int | None) -> bool:
    """Whether screenshots of this listing show how to reach a person: its words or captured page say it. # SEC-36"""
    if listing_id is None:
        return False
    seen = select(Observation.title, Observation.description, Observation.seller_name, Observation.location)
    rows = session.execute(seen.where(Observation.listing_id == listing_id))
    told = any(text and black_text(text, None) != text for row in rows for text in row)
    return told or pages_tell_contact(session, store, listing_id)


def is_withheld(session: Session, store: EvidenceStore, capture: Capture, event: str, *, actor: str) -> bool:
    """Whether a capture is a copy of a page with contacts that were not lifted for this person (`event`: by its number,
    as an address gives it).
    """
    if capture.kind not in COPIES or not shows_contacts(session, store, capture.listing_id):
        return False
    number = int(event) if event.isascii() and event.isdigit() and len(event) < 18 else None
    return not is_lifted(session, number, listing_id=capture.listing_id or 0, actor=actor)


def is_lifted(session: Session, event_id: int | None, *, listing_id: int, actor: str) -> bool:
    """Whether this event of the log lets this person see the contacts of this listing now."""
    event = session.get(AuditEvent, event_id) if event_id else None
    return (
        event is not None
        and event.action == LIFTED
        and (event.actor, event.object_kind, event.object_id) == (actor, "listing", str(listing_id))
        and utc_now() - event.at < LIFTED_FOR
    )
