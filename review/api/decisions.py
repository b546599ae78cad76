"""Deciding about a listing: with what was on the screen, and refused where somebody else decided meanwhile."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.orm import Session

from review.api.access import ApiDesk, Deciding
from review.api.fields import Key, PlainText, RowId, Sent
from review.api.listings import Decision, decided_by
from review.api.problems import Refusal
from review.desk import NotThere
from storage.decisions import MAXIMUM_NOTE, DecisionError, StaleDecision, decide
from storage.tables import Decision as DecisionRow
from storage.tables import Listing

router = APIRouter(tags=["decisions"])
Verdict = Literal["antiquity", "replica", "other", "unsure"]
NextStep = Literal["refer", "keep_an_eye", "ask_expert", "dismiss"]
Reason = Literal[
    "replica",
    "decor_tourist",
    "book_print_game",
    "modern_coin",
    "lawful_documented",
    "wrong_type",
    "duplicate",
    "not_an_offer",
    "other",
]


class DecisionSent(Sent):
    """A decision, with the versions that the person saw."""

    observation_id: RowId = Field(description="The observation that was looked at.")
    assessment_id: RowId | None = Field(None, description="The assessment that was looked at.")
    expected_decision_id: RowId | None = Field(
        None, description="The decision that stood (`current_decision_id`), null where none did: else 409."
    )
    verdict: Verdict
    next_step: NextStep
    reason: Reason | None = Field(None, description="A dismissal needs one; `other` needs a note as well.")
    note: PlainText | None = Field(None, max_length=MAXIMUM_NOTE)
    request_key: Key = Field(description="New for each decision: sent twice, it decides once.")


@router.post("/listings/{listing_id}/decisions", status_code=201)
def decide_about(desk: ApiDesk, caller: Deciding, listing_id: RowId, sent: DecisionSent) -> Decision:
    """Decide. Where another decision stands than the one expected, 409 shows both and nothing is kept."""
    try:
        with desk.writing() as session:
            if session.get(Listing, listing_id) is None:
                raise NotThere(f"There is no listing {listing_id}.")
            kept = decide(session, caller.chain, user=caller.user, listing_id=listing_id, **sent.model_dump())
            return shown_decision(session, kept)
    except StaleDecision as stale:
        with desk.database.reading() as session:
            theirs = _standing(session, stale.newer_id)
        raise Refusal(409, "stale", members={"yours": sent.model_dump(), "theirs": theirs}) from stale
    except DecisionError as error:
        raise Refusal(422, "decision", said=f"decision_error_{error.key}") from error


def shown_decision(session: Session, row: DecisionRow) -> Decision:
    columns = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return Decision.model_validate({**columns, "decided_by": decided_by(session, row.user_id)})


def _standing(session: Session, decision_id: int | None) -> dict[str, Any] | None:
    row = session.get(DecisionRow, decision_id) if decision_id is not None else None
    return shown_decision(session, row).model_dump(mode="json") if row is not None else None
