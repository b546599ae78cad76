"""Missing-object lists, the listings that may be their objects, and what people say of these candidates."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from review.api.access import ApiDesk, Deciding, Reading
from review.api.fields import GREATEST_ID, Page, PageAsked, PlainText, RowId, Sent, Shown, from_cursor, page_of
from review.desk import NotThere
from storage.registers import RegisterError, list_matches, list_registers, say_verdict

router = APIRouter(tags=["registers"])
Verdict = Literal["same", "other", "unsure"]


class Register(Shown):
    """The newest version of a list."""

    source: str
    version: int
    entries: int
    dated: str | None
    licence: str | None
    imported_by: str
    imported_at: datetime
    file: str
    file_sha256: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    refused: int = 0


class Registers(Shown):
    items: list[Register]


class Match(Shown):
    """A candidate: a listing that may be a missing object. A person decides."""

    id: int
    band: str
    score: float
    listing_id: int
    market: str
    url: str
    title: str | None
    source: str
    record: str
    status: str
    entry: dict[str, Any]
    stands: bool = Field(description="Whether the entry is in the newest version of its list.")
    why: list[dict[str, Any]]
    found_at: datetime
    verdict: str | None
    said_by: str | None


class MatchesAsked(PageAsked):
    listing_id: RowId | None = Field(None, description="Of one listing alone.")


class VerdictSent(Sent):
    verdict: Verdict
    note: PlainText | None = Field(None, max_length=4000)


class VerdictKept(Shown):
    match_id: int
    verdict: str
    note: str | None
    said_by: str
    said_at: datetime


@router.get("/registers")
def registers(desk: ApiDesk, caller: Reading) -> Registers:
    """The missing-object lists, each in its newest version."""
    with desk.database.reading() as session:
        return Registers.model_validate({"items": list_registers(session)})


@router.get("/matches")
def matches(desk: ApiDesk, caller: Reading, asked: Annotated[MatchesAsked, Query()]) -> Page[Match]:
    """Candidates with their newest verdict, newest first."""
    (before,) = from_cursor(asked.cursor, int) or (GREATEST_ID,)
    with desk.database.reading() as session:
        rows = list_matches(session, listing_id=asked.listing_id, most=asked.limit + 1, before=before)
    page = page_of(rows, asked.limit, lambda row: (row["match"],))
    items = [{**row, "id": row["match"], "listing_id": row["listing"]} for row in page["items"]]
    return Page[Match].model_validate({**page, "items": items})


@router.post("/matches/{match_id}/verdicts", status_code=201)
def judge(desk: ApiDesk, caller: Deciding, match_id: RowId, sent: VerdictSent) -> VerdictKept:
    """Say whether the listing is that object. What was said before stays beside it."""
    try:
        with desk.writing() as session:
            said = say_verdict(
                session, caller.chain, match_id, verdict=sent.verdict, actor=caller.user.name, note=sent.note
            )
            session.flush()
            return VerdictKept.model_validate(said)
    except RegisterError as error:  # the verdict is one of the list: the candidate is not there
        raise NotThere(str(error)) from error
