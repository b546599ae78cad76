"""Legal holds: while one stands, nothing of its listing, case or seller is deleted."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import Case, Exhibit, LegalHold, Listing, Observation, RetentionPeriod, Seller, utc_now

_TABLES = {"listing": Listing, "case": Case, "seller": Seller}
HELD_KINDS = tuple(_TABLES)
LOCK = "lock"


class HoldError(RelicwatchError):
    """There is nothing of that number to hold, no such hold stands, or the reason lacks."""


def lock_retention(session: Session) -> None:
    """One after the other: who places a hold and who deletes. SQLite has one writer anyhow. # SEC-35"""
    session.scalars(select(RetentionPeriod).where(RetentionPeriod.kind == LOCK).with_for_update()).all()


def place_hold(
    session: Session, chain: AuditChain, *, object_kind: str, object_id: int, reason: str, actor: str
) -> LegalHold:
    """Raises HoldError for what is not there and for an empty reason."""
    lock_retention(session)
    if object_kind not in _TABLES:
        raise HoldError(f"A hold is on one of {', '.join(HELD_KINDS)}; {object_kind!r} is none of them.")
    if session.get(_TABLES[object_kind], object_id) is None:
        raise HoldError(f"There is no {object_kind} {object_id} to hold.")
    hold = LegalHold(object_kind=object_kind, object_id=object_id, reason=given(reason), placed_by=actor)
    session.add(hold)
    session.flush()
    _record(session, chain, actor, "hold placed", hold, hold.reason)
    return hold


def lift_hold(session: Session, chain: AuditChain, hold_id: int, *, reason: str, actor: str) -> LegalHold:
    """Raises HoldError where no such hold stands and for an empty reason."""
    lock_retention(session)
    hold = session.get(LegalHold, hold_id)
    if hold is None or hold.lifted_at is not None:
        raise HoldError(f"No hold {hold_id} stands: `relicwatch hold list` shows those that do.")
    hold.lifted_at, hold.lifted_by, hold.lift_reason = utc_now(), actor, given(reason)
    session.flush()
    _record(session, chain, actor, "hold lifted", hold, hold.lift_reason)
    return hold


def list_holds(session: Session, *, lifted: bool = False) -> list[LegalHold]:
    """Those that stand, with `lifted` all there ever were; in the order they were placed."""
    query = select(LegalHold).order_by(LegalHold.id)
    return list(session.scalars(query if lifted else query.where(LegalHold.lifted_at.is_(None))))


def held_listings(session: Session) -> dict[int, list[int]]:
    """Listing -> the holds that stand on it, on its case or on its seller."""
    held: dict[int, list[int]] = defaultdict(list)
    for hold in list_holds(session):
        if hold.object_kind == "listing":
            held[hold.object_id].append(hold.id)
        elif hold.object_kind == "case":
            for id_ in session.scalars(select(Exhibit.listing_id).where(Exhibit.case_id == hold.object_id)):
                held[id_].append(hold.id)
        else:
            for id_ in session.scalars(
                select(Observation.listing_id).where(Observation.seller_id == hold.object_id).distinct()
            ):
                held[id_].append(hold.id)
    return held


def holds_on(session: Session, object_kind: str) -> dict[int, list[int]]:
    """Case or seller -> the holds that stand on it."""
    held: dict[int, list[int]] = defaultdict(list)
    for hold in list_holds(session):
        if hold.object_kind == object_kind:
            held[hold.object_id].append(hold.id)
    return held


def given(reason: str) -> str:
    """The reason, without the space around it. Raises HoldError where there is none."""
    if not reason.strip():
        raise HoldError("Say why: the reason stays in the log.")
    return reason.strip()


def _record(session: Session, chain: AuditChain, actor: str, action: str, hold: LegalHold, reason: str) -> None:
    details = {"hold": hold.id, "reason": reason}
    chain.record(
        session, actor=actor, action=action, object_kind=hold.object_kind, object_id=hold.object_id, details=details
    )
