"""Work on a case: whose it is, open or closed, handed on, and what became of its listings, with proof."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, UploadFile
from pydantic import Field

from review.api.access import ApiDesk, CaseKeeping
from review.api.cases import OutcomeShown, ReferralShown
from review.api.fields import Line, PlainText, Reference, RowId, Sent, Shown
from review.desk import NotThere
from review.pages.cases import case_of
from review.uploads import kept_proof
from storage.case_work import (
    MAXIMUM_LINE,
    MAXIMUM_NOTE,
    assign_case,
    record_outcome,
    refer_case,
    set_case_state,
)
from storage.tables import User
from storage.users import find_user

router = APIRouter(tags=["cases"])
Result = Literal["removed", "seized", "returned", "none"]
State = Literal["open", "closed"]


class Assigned(Shown):
    reference: str
    assignee: str | None


class AssignmentSent(Sent):
    user: Line | None = Field(description="A user's name; null: nobody's.")


class StateSent(Sent):
    state: State


class CaseState(Shown):
    reference: str
    state: str
    closed_at: datetime | None


class ReferralSent(Sent):
    referred_to: PlainText = Field(min_length=1, max_length=MAXIMUM_LINE)
    their_reference: PlainText = Field("", max_length=MAXIMUM_LINE)
    note: PlainText = Field("", max_length=MAXIMUM_NOTE)


@router.post("/cases/{reference}/assignee")
def assign(desk: ApiDesk, caller: CaseKeeping, reference: Reference, sent: AssignmentSent) -> Assigned:
    """Make it this person's case, or nobody's."""
    with desk.writing() as session:
        case = case_of(session, reference)
        user = find_user(session, sent.user) if sent.user else None
        if sent.user and user is None:
            raise NotThere(f"There is no user {sent.user}.")
        assign_case(session, caller.chain, case=case, user=user, actor=caller.user.name)
        return Assigned(reference=case.reference, assignee=user.name if user is not None else None)


@router.post("/cases/{reference}/state")
def close_or_open(desk: ApiDesk, caller: CaseKeeping, reference: Reference, sent: StateSent) -> CaseState:
    """Close the case, or open it again."""
    with desk.writing() as session:
        case = case_of(session, reference)
        set_case_state(session, caller.chain, case=case, state=sent.state, actor=caller.user.name)
        return CaseState.model_validate(case)


@router.post("/cases/{reference}/referrals", status_code=201)
def refer(desk: ApiDesk, caller: CaseKeeping, reference: Reference, sent: ReferralSent) -> ReferralShown:
    """Note that the case was handed on, and to whom."""
    with desk.writing() as session:
        case = case_of(session, reference)
        return ReferralShown.model_validate(
            refer_case(session, caller.chain, case=case, actor=caller.user.name, **sent.model_dump())
        )


@router.post("/cases/{reference}/exhibits/{listing_id}/outcomes", status_code=201)
async def outcome(
    desk: ApiDesk,
    caller: CaseKeeping,
    reference: Reference,
    listing_id: RowId,
    result: Annotated[Result, Form()],
    note: Annotated[PlainText, Form(max_length=MAXIMUM_NOTE)] = "",
    proof: UploadFile | None = None,
) -> OutcomeShown:
    """Note what became of a listing of the case. All but `none` need a proof: a PDF, PNG or JPEG, or a note."""
    kept = await kept_proof(desk.home, proof)
    with desk.writing() as session:
        user = session.get_one(User, caller.user.id)
        row = record_outcome(
            session,
            caller.chain,
            case=case_of(session, reference),
            listing_id=listing_id,
            result=result,
            note=note,
            proof=kept,
            user=user,
        )
        return OutcomeShown(
            id=row.id, result=row.result, note=row.note, recorded_by=user.name, recorded_at=row.recorded_at
        )
