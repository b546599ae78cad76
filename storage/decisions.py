"""Keeping what a person decided about a listing: only ever added, with what was on the screen."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import Assessment, AuditEvent, Decision, Listing, Observation, User

VERDICTS = ("antiquity", "replica", "other", "unsure")
NEXT_STEPS = ("refer", "keep_an_eye", "ask_expert", "dismiss")
DISMISSAL_REASONS = (
    "replica",
    "decor_tourist",
    "book_print_game",
    "modern_coin",
    "lawful_documented",
    "wrong_type",
    "duplicate",
    "not_an_offer",
    "other",
)
MAXIMUM_NOTE = 4000
UNDONE = "decision undone"
"""The log's word for a decision that was taken back."""


class DecisionError(RelicwatchError):
    """What was sent is no decision: unknown verdict, a dismissal without its reason, another listing's observation.

    `key` names the reason for those who word it in other languages.
    """

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


class StaleDecision(RelicwatchError):
    """Somebody decided about this listing after the page was opened; `newer_id` is that decision's."""

    def __init__(self, newer_id: int | None) -> None:
        super().__init__(
            "Somebody decided about this listing after this page was opened: look at both and decide anew."
        )
        self.newer_id = newer_id


def decide(
    session: Session,
    chain: AuditChain,
    *,
    user: User,
    listing_id: int,
    observation_id: int,
    assessment_id: int | None,
    verdict: str,
    next_step: str,
    reason: str | None,
    note: str | None,
    request_key: str,
    expected_decision_id: int | None,
) -> Decision:
    """Keep a decision and its audit event in the caller's transaction.

    `observation_id` and `assessment_id` are those that were on the screen, `expected_decision_id` the decision shown
    there (None: none). The same `request_key` decides once and gives the first decision back. Raises StaleDecision
    where a newer decision stands, DecisionError where the parts do not go together.
    """
    # The listing's row is the lock: two reviewers of one listing come one after the other.
    listing = session.scalars(
        select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if listing is None:
        raise DecisionError(f"There is no listing {listing_id}: go back to the queue.", "none")
    sent_before = session.scalars(select(Decision).where(Decision.request_key == request_key)).one_or_none()
    if sent_before is not None:
        if sent_before.listing_id != listing_id or sent_before.user_id != user.id:
            raise DecisionError("This form was used for another decision: open the listing again.", "page_other")
        return sent_before
    note = _clean_note(note)
    _check_words(verdict, next_step, reason, note)
    _check_screen(session, listing_id, observation_id, assessment_id)
    if listing.current_decision_id != expected_decision_id:
        raise StaleDecision(listing.current_decision_id)
    decision = Decision(
        listing_id=listing_id,
        observation_id=observation_id,
        assessment_id=assessment_id,
        user_id=user.id,
        verdict=verdict,
        reason=reason,
        next_step=next_step,
        note=note,
        supersedes_id=listing.current_decision_id,
        request_key=request_key,
    )
    session.add(decision)
    session.flush()
    listing.current_decision_id = decision.id
    # What was decided on may already be the past: then the listing stays in the queue, marked as changed.
    listing.changed_after_decision = listing.current_observation_id != observation_id
    chain.record(
        session,
        actor=user.name,
        action="decided",
        object_kind="listing",
        object_id=listing_id,
        details={
            "decision": decision.id,
            "observation": observation_id,
            "assessment": assessment_id,
            "verdict": verdict,
            "next_step": next_step,
            "reason": reason,
            "supersedes": decision.supersedes_id,
        },
    )
    return decision


def undo_decision(session: Session, chain: AuditChain, *, user: User, decision_id: int) -> Decision:
    """Take one's own decision back while it stands: what stood before it stands again, and the row stays.

    Raises DecisionError for another person's, StaleDecision where somebody decided since.
    """
    decision = session.get(Decision, decision_id)
    if decision is None or decision.user_id != user.id:
        raise DecisionError("Only one's own decisions can be undone: open the listing and decide anew.", "not_own")
    listing = session.scalars(
        select(Listing)
        .where(Listing.id == decision.listing_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if listing.current_decision_id != decision.id:
        raise StaleDecision(listing.current_decision_id)
    before = session.get(Decision, decision.supersedes_id) if decision.supersedes_id is not None else None
    listing.current_decision_id = before.id if before is not None else None
    listing.changed_after_decision = before is not None and before.observation_id != listing.current_observation_id
    chain.record(
        session,
        actor=user.name,
        action=UNDONE,
        object_kind="listing",
        object_id=listing.id,
        details={"decision": decision.id, "stands": listing.current_decision_id},
    )
    return decision


def undone_decisions(session: Session, listing_id: int | None = None) -> dict[int, datetime]:
    """The decisions that were taken back (of one listing where it is named), and when: the log says so."""
    told = select(AuditEvent.details, AuditEvent.at).where(AuditEvent.action == UNDONE)
    if listing_id is not None:
        told = told.where(AuditEvent.object_kind == "listing", AuditEvent.object_id == str(listing_id))
    return {details["decision"]: at for details, at in session.execute(told)}


def decisions_of(session: Session, listing_id: int) -> list[tuple[Decision, User]]:
    """Every decision about a listing with who made it, newest first."""
    rows = session.execute(
        select(Decision, User)
        .join(User, User.id == Decision.user_id)
        .where(Decision.listing_id == listing_id)
        .order_by(Decision.id.desc())
    )
    return [(decision, user) for decision, user in rows]


def _clean_note(note: str | None) -> str | None:
    return unicodedata.normalize("NFC", note).strip() or None if note else None


def _check_words(verdict: str, next_step: str, reason: str | None, note: str | None) -> None:
    if verdict not in VERDICTS:
        raise DecisionError(f"{verdict!r} is no verdict: choose one of {', '.join(VERDICTS)}.", "words")
    if next_step not in NEXT_STEPS:
        raise DecisionError(f"{next_step!r} is no next step: choose one of {', '.join(NEXT_STEPS)}.", "words")
    if reason is not None and reason not in DISMISSAL_REASONS:
        offered = ", ".join(DISMISSAL_REASONS)
        raise DecisionError(f"{reason!r} is no reason of the list: choose one of {offered}.", "words")
    if next_step == "dismiss" and reason is None:
        raise DecisionError("A dismissal needs its reason: choose one of the list.", "reason")
    if reason == "other" and note is None:
        raise DecisionError("The reason 'other' needs a note that says what it is.", "note")
    if note is not None and len(note) > MAXIMUM_NOTE:
        raise DecisionError(f"The note has more than {MAXIMUM_NOTE} characters: shorten it.", "note_long")


def _check_screen(session: Session, listing_id: int, observation_id: int, assessment_id: int | None) -> None:
    observation = session.get(Observation, observation_id)
    if observation is None or observation.listing_id != listing_id:
        raise DecisionError("The page does not belong to this listing: open the listing again.", "page_other")
    if assessment_id is None:
        return
    assessment = session.get(Assessment, assessment_id)
    if assessment is None or assessment.listing_id != listing_id:
        raise DecisionError("The page does not belong to this listing: open the listing again.", "page_other")
