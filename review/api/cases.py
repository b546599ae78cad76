"""Cases: listed, opened, one whole; listings put in, notes added."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.orm import Session

from review.api.access import ApiDesk, CaseKeeping, Reading
from review.api.fields import Page, PageAsked, PlainText, Reference, RowId, Sent, Shown, from_cursor, page_of
from review.pages.cases import case_of
from storage.case_work import assignee_of, exhibit_work, referrals_of
from storage.cases import (
    MAXIMUM_NOTE,
    MAXIMUM_TITLE,
    add_case_note,
    add_exhibit,
    exhibits_of,
    list_cases,
    notes_of,
    open_case,
)
from storage.tables import Case as CaseRow

router = APIRouter(tags=["cases"])


class CaseFound(Shown):
    reference: str
    title: str
    state: str
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None
    four_eyes: bool = Field(description="A second person has to agree before its bundle leaves.")
    demo: bool
    exhibits: int
    assignee: str | None


class Note(Shown):
    id: int
    text: str
    written_by: str
    written_at: datetime


class OutcomeShown(Shown):
    id: int
    result: str
    note: str | None
    recorded_by: str
    recorded_at: datetime


class AttachmentShown(Shown):
    id: int
    kind: str
    outcome_id: int | None
    file_name: str
    media_type: str
    sha256: str
    length: int
    attached_by: str
    attached_at: datetime


class Exhibit(Shown):
    """A listing in a case, fixed to what it said when it was put there."""

    number: int
    listing_id: int
    observation_id: int
    market: str
    url: str
    title: str | None
    price: Decimal | None
    currency: str | None
    added_by: str
    added_at: datetime
    outcomes: list[OutcomeShown] = Field(description="Newest first.")
    attachments: list[AttachmentShown]


class ReferralShown(Shown):
    id: int
    referred_to: str
    their_reference: str | None
    note: str | None
    referred_by: str
    referred_at: datetime


class CaseWhole(CaseFound):
    note: str | None
    notes: list[Note]
    referrals: list[ReferralShown] = Field(description="Newest first.")
    listings: list[Exhibit] = Field(description="The exhibits, by number.")


class CaseSent(Sent):
    title: PlainText = Field(min_length=1, max_length=MAXIMUM_TITLE)


class NoteSent(Sent):
    text: PlainText = Field(min_length=1, max_length=MAXIMUM_NOTE)


class ExhibitSent(Sent):
    listing_id: RowId
    observation_id: RowId = Field(description="What the listing said when it was looked at.")


class ExhibitKept(Shown):
    number: int
    listing_id: int
    observation_id: int
    added_by: str
    added_at: datetime


@router.get("/cases")
def cases(desk: ApiDesk, caller: Reading, asked: Annotated[PageAsked, Query()]) -> Page[CaseFound]:
    """Cases, newest first."""
    (before,) = from_cursor(asked.cursor, int) or (None,)
    with desk.database.reading() as session:
        rows = list_cases(session, before=before, most=asked.limit + 1)
        page = page_of(rows, asked.limit, lambda row: (row[0].id,))
        items = [_found(session, case, count) for case, count in page["items"]]
    return Page[CaseFound].model_validate({**page, "items": items})


@router.post("/cases", status_code=201)
def open_new_case(desk: ApiDesk, caller: CaseKeeping, sent: CaseSent) -> CaseFound:
    with desk.writing() as session:
        case = open_case(session, caller.chain, title=sent.title, actor=caller.user.name, demo=desk.home.is_demo)
        return _found(session, case, 0)


@router.get("/cases/{reference}")
def case(desk: ApiDesk, caller: Reading, reference: Reference) -> CaseWhole:
    """One case whole. The view is noted in the audit log, as in the desk."""
    with desk.writing() as session:
        row = case_of(session, reference)
        exhibits = exhibits_of(session, row)
        work = exhibit_work(session, row, [listing.id for _, listing, _ in exhibits])
        caller.chain.record(session, actor=caller.user.name, action="viewed", object_kind="case", object_id=row.id)
        return CaseWhole.model_validate(
            {
                **_found(session, row, len(exhibits)).model_dump(),
                "note": row.note,
                "notes": notes_of(session, row),
                "referrals": referrals_of(session, row),
                "listings": [
                    {
                        **ExhibitKept.model_validate(exhibit).model_dump(),
                        "market": listing.market,
                        "url": listing.url,
                        "title": seen.title,
                        "price": seen.price,
                        "currency": seen.currency,
                        "outcomes": [
                            {
                                "id": outcome.id,
                                "result": outcome.result,
                                "note": outcome.note,
                                "recorded_by": user.name,
                                "recorded_at": outcome.recorded_at,
                            }
                            for outcome, user in work[listing.id].outcomes
                        ]
                        if listing.id in work
                        else [],
                        "attachments": work[listing.id].attachments if listing.id in work else [],
                    }
                    for exhibit, listing, seen in exhibits
                ],
            }
        )


@router.post("/cases/{reference}/notes", status_code=201)
def add_note(desk: ApiDesk, caller: CaseKeeping, reference: Reference, sent: NoteSent) -> Note:
    """Add a signed paragraph; what stood there stays."""
    with desk.writing() as session:
        note = add_case_note(
            session, caller.chain, case=case_of(session, reference), text=sent.text, actor=caller.user.name
        )
        return Note.model_validate(note)


@router.post("/cases/{reference}/exhibits", status_code=201)
def put_exhibit(desk: ApiDesk, caller: CaseKeeping, reference: Reference, sent: ExhibitSent) -> ExhibitKept:
    """Put a listing into an open case; one that is there already stays as it was put."""
    with desk.writing() as session:
        exhibit = add_exhibit(
            session,
            caller.chain,
            case=case_of(session, reference),
            listing_id=sent.listing_id,
            observation_id=sent.observation_id,
            actor=caller.user.name,
        )
        return ExhibitKept.model_validate(exhibit)


def _found(session: Session, case: CaseRow, exhibits: int) -> CaseFound:
    assignee = assignee_of(session, case)
    columns = {column.key: getattr(case, column.key) for column in CaseRow.__table__.columns}
    return CaseFound.model_validate(
        {**columns, "exhibits": exhibits, "assignee": assignee.name if assignee is not None else None}
    )
