"""Safety alarms: signs of danger to a person. They are no hits, and are closed by people at the desk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from review.api.access import ApiDesk, Reading
from review.api.fields import Page, PageAsked, Shown, from_cursor, page_of
from storage.alarm_receipts import receipts_of
from storage.alarms import list_alarms

router = APIRouter(tags=["alarms"])


class Seen(Shown):
    by: str
    at: datetime


class AlarmShown(Shown):
    id: int
    kind: str
    raised_at: datetime
    listing_id: int
    market: str
    url: str
    title: str | None
    reasons: list[Any]
    model: str | None
    closed_at: datetime | None
    closed_by: str | None
    note: str | None
    same_object: list[int] = Field(description="Other open alarms of this kind about the same object.")
    seen: list[Seen] = Field(description="Who has said that they saw it.")


class AlarmsAsked(PageAsked):
    closed: bool = Field(False, description="Those too that somebody has closed.")


@router.get("/alarms")
def alarms(desk: ApiDesk, caller: Reading, asked: Annotated[AlarmsAsked, Query()]) -> Page[AlarmShown]:
    """Alarms, newest first."""
    (before,) = from_cursor(asked.cursor, int) or (None,)
    rows = sorted(list_alarms(desk.database, closed=asked.closed), key=lambda row: -row["id"])
    left = [row for row in rows if before is None or row["id"] < before]
    page = page_of(left[: asked.limit + 1], asked.limit, lambda row: (row["id"],))
    with desk.database.reading() as session:
        given = receipts_of(session, [row["id"] for row in page["items"]])
    items = [
        {
            **row,
            "listing_id": row["listing"],
            "seen": [{"by": user.name, "at": receipt.given_at} for receipt, user in given.get(row["id"], [])],
        }
        for row in page["items"]
    ]
    return Page[AlarmShown].model_validate({**page, "items": items})
