"""Work on an open case: whose it is, what was handed on to whom, what became of its listings, and the proofs."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.audit import AuditChain
from storage.cases import CaseError
from storage.tables import Attachment, Case, CaseAssignment, Exhibit, Outcome, Referral, User, utc_now

RESULTS = ("removed", "seized", "returned", "none")
MAXIMUM_LINE = 300
MAXIMUM_NOTE = 4000


@dataclass(frozen=True, slots=True)
class Proof:
    """A file that was put to a listing, already in the home's files."""

    sha256: str
    file_name: str
    media_type: str
    length: int


@dataclass(slots=True)
class ExhibitWork:
    """What was noted of one exhibit's listing: outcomes with who noted them, and the proofs."""

    outcomes: list[tuple[Outcome, User]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


def assign_case(session: Session, chain: AuditChain, *, case: Case, user: User | None, actor: str) -> None:
    """Make it this person's case, or nobody's. Raises CaseError for a closed case and for who cannot sign in."""
    _require_open(case)
    if user is not None and user.disabled:
        raise CaseError(f"The account of {user.name} is disabled: choose somebody else.", "disabled")
    session.add(CaseAssignment(case_id=case.id, user_id=user.id if user else None, assigned_by=actor))
    _record(session, chain, actor, "case assigned", case, {"user": user.id if user else None})


def assignee_of(session: Session, case: Case) -> User | None:
    newest = session.scalars(
        select(CaseAssignment).where(CaseAssignment.case_id == case.id).order_by(CaseAssignment.id.desc()).limit(1)
    ).first()
    return session.get(User, newest.user_id) if newest is not None and newest.user_id is not None else None


def assignments_of(session: Session, case: Case) -> list[tuple[CaseAssignment, User | None]]:
    """Whose the case was, newest first."""
    rows = session.execute(
        select(CaseAssignment, User)
        .outerjoin(User, User.id == CaseAssignment.user_id)
        .where(CaseAssignment.case_id == case.id)
        .order_by(CaseAssignment.id.desc())
    )
    return [(assignment, user) for assignment, user in rows]


def set_case_state(session: Session, chain: AuditChain, *, case: Case, state: str, actor: str) -> None:
    """Close a case or open it again. Raises CaseError where it is so already."""
    if state not in ("open", "closed") or case.state == state:
        raise CaseError(f"The case is {case.state}.", "state")
    case.state, case.closed_at = state, utc_now() if state == "closed" else None
    _record(session, chain, actor, "case closed" if state == "closed" else "case opened again", case, {})


def set_four_eyes(session: Session, chain: AuditChain, *, case: Case, on: bool, actor: str) -> None:
    """Whether a second person has to agree before the case's bundle leaves."""
    if case.four_eyes != on:
        case.four_eyes = on
        _record(session, chain, actor, "four eyes on" if on else "four eyes off", case, {})


def refer_case(
    session: Session,
    chain: AuditChain,
    *,
    case: Case,
    referred_to: str,
    their_reference: str,
    note: str,
    actor: str,
) -> Referral:
    """Note that the case was handed on, and to whom. Raises CaseError."""
    _require_open(case)
    referred_to = _line(referred_to, "the authority or market that it goes to")
    if not referred_to:
        raise CaseError("Say to whom the case goes.", "referred_to")
    referral = Referral(
        case_id=case.id,
        referred_to=referred_to,
        their_reference=_line(their_reference, "their reference") or None,
        note=_note(note),
        referred_by=actor,
    )
    session.add(referral)
    session.flush()
    _record(session, chain, actor, "case referred", case, {"referral": referral.id})
    return referral


def referrals_of(session: Session, case: Case) -> Sequence[Referral]:
    return session.scalars(select(Referral).where(Referral.case_id == case.id).order_by(Referral.id.desc())).all()


def record_outcome(
    session: Session,
    chain: AuditChain,
    *,
    case: Case,
    listing_id: int,
    result: str,
    note: str,
    proof: Proof | None,
    user: User,
) -> Outcome:
    """Note what became of a listing of the case; a later outcome stands beside the earlier ones.

    Raises CaseError for an unknown result, for a listing that is no exhibit, and for a result other than `none` that
    has neither proof nor a note that says where the proof lies.
    """
    require_exhibit(session, case, listing_id)
    if result not in RESULTS:
        raise CaseError(f"{result!r} is no outcome: choose one of {', '.join(RESULTS)}.", "result")
    said = _note(note)
    if result != "none" and proof is None and said is None:
        raise CaseError("An outcome needs its proof: attach a file, or say in the note where the proof lies.", "proof")
    outcome = Outcome(listing_id=listing_id, result=result, user_id=user.id, note=said)
    session.add(outcome)
    session.flush()
    details: dict[str, Any] = {"outcome": outcome.id, "result": result, "case": case.id}
    chain.record(
        session,
        actor=user.name,
        action="outcome recorded",
        object_kind="listing",
        object_id=listing_id,
        details=details,
    )
    if proof is not None:
        attach(session, chain, case=case, listing_id=listing_id, proof=proof, actor=user.name, outcome=outcome)
    return outcome


def attach(
    session: Session,
    chain: AuditChain,
    *,
    case: Case,
    listing_id: int,
    proof: Proof,
    actor: str,
    outcome: Outcome | None = None,
) -> Attachment:
    """Put a file to an exhibit: the proof of an outcome, or else of lawful provenance. Raises CaseError."""
    require_exhibit(session, case, listing_id)
    attachment = Attachment(
        case_id=case.id,
        listing_id=listing_id,
        outcome_id=outcome.id if outcome else None,
        kind="outcome" if outcome else "lawful_documented",
        sha256=proof.sha256,
        file_name=proof.file_name[:MAXIMUM_LINE],
        media_type=proof.media_type,
        length=proof.length,
        attached_by=actor,
    )
    session.add(attachment)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="proof attached",
        object_kind="listing",
        object_id=listing_id,
        details={"attachment": attachment.id, "kind": attachment.kind, "sha256": proof.sha256, "case": case.id},
    )
    return attachment


def exhibit_work(session: Session, case: Case, listing_ids: Sequence[int]) -> dict[int, ExhibitWork]:
    """Listing -> its outcomes, newest first, and the proofs that this case holds of it."""
    found: dict[int, ExhibitWork] = defaultdict(ExhibitWork)
    outcomes = session.execute(
        select(Outcome, User)
        .join(User, User.id == Outcome.user_id)
        .where(Outcome.listing_id.in_(listing_ids))
        .order_by(Outcome.id.desc())
    )
    for outcome, user in outcomes:
        found[outcome.listing_id].outcomes.append((outcome, user))
    attachments = session.scalars(select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id))
    for attachment in attachments:
        found[attachment.listing_id].attachments.append(attachment)
    return found


def require_exhibit(session: Session, case: Case, listing_id: int) -> None:
    """Raises CaseError where the case is not open or the listing is none of its exhibits."""
    _require_open(case)
    there = select(Exhibit.id).where(Exhibit.case_id == case.id, Exhibit.listing_id == listing_id)
    if session.scalars(there).first() is None:
        raise CaseError("This listing is no exhibit of the case.", "not_exhibit")


def _require_open(case: Case) -> None:
    if case.state != "open":
        raise CaseError(f"The case {case.reference} is closed: open it again first.", "not_open")


def _line(text: str, what: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if len(text) > MAXIMUM_LINE:
        raise CaseError(f"More than {MAXIMUM_LINE} characters for {what}: shorten it.", "line_long")
    return text


def _note(text: str) -> str | None:
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MAXIMUM_NOTE:
        raise CaseError(f"The note has more than {MAXIMUM_NOTE} characters: shorten it.", "note_long")
    return text or None


def _record(session: Session, chain: AuditChain, actor: str, action: str, case: Case, details: dict[str, Any]) -> None:
    chain.record(session, actor=actor, action=action, object_kind="case", object_id=case.id, details=details)
