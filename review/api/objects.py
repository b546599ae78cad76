"""Objects that several listings offer: their offerings, their story, what may be the same."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from review.api.access import ApiDesk, Reading
from review.api.fields import Page, PageAsked, RowId, Shown, from_cursor, page_of
from review.desk import NotThere
from review.object_view import object_record, object_rows
from storage.objects import ObjectError, members_of

router = APIRouter(tags=["objects"])


class ObjectFound(Shown):
    id: int
    listings: list[int]
    markets: list[str]
    title: str | None
    last: str | None = Field(description="What is said of it last, in English.")


class Offering(Shown):
    listing_id: int
    market: str
    url: str
    title: str | None
    seller: str | None
    state: str
    price: Decimal | None
    currency: str | None
    first_seen: datetime
    last_seen: datetime
    decided: str | None = Field(None, description="The verdict on that listing alone.")
    why: list[dict[str, Any]] = Field(default_factory=list)
    conflicts: list[str] = Field(default_factory=list)


class Told(Shown):
    said: str
    fact: str
    listing: int
    at: datetime
    before: int


class Statement(Shown):
    """Who said that two listings are, or are not, one object."""

    statement: int
    kind: str
    one: Any
    other: Any
    undoes: int | None
    said_by: str
    said_at: datetime
    note: str | None
    score: float | None
    why: Any


class ObjectWhole(Shown):
    id: int | None = Field(description="Null: nothing else is known to offer it.")
    listing: Offering
    elsewhere: list[Offering] = Field(description="The oldest first.")
    story: list[Told]
    statements: list[Statement]
    maybe_the_same: list[Offering] = Field(description="Likeliest first; a person decides.")


@router.get("/objects")
def objects(desk: ApiDesk, caller: Reading, asked: Annotated[PageAsked, Query()]) -> Page[ObjectFound]:
    """Objects with several listings, newest first."""
    (before,) = from_cursor(asked.cursor, int) or (None,)
    with desk.database.reading() as session:
        rows = object_rows(session, asked.limit + 1, before=before)
    page = page_of(rows, asked.limit, lambda row: (row["object"],))
    items = [{**row, "id": row["object"], "listings": row["numbers"]} for row in page["items"]]
    return Page[ObjectFound].model_validate({**page, "items": items})


@router.get("/objects/{object_id}")
def one_object(desk: ApiDesk, caller: Reading, object_id: RowId) -> ObjectWhole:
    """One object, seen from the first listing that offered it."""
    with desk.database.reading() as session:
        members = members_of(session, object_id)
        if not members:
            raise NotThere(f"There is no object {object_id}.")
        return _whole(object_record(session, min(members)))


@router.get("/listings/{listing_id}/object")
def object_of(desk: ApiDesk, caller: Reading, listing_id: RowId) -> ObjectWhole:
    """The object of a listing: where else it is offered, and what may be the same."""
    try:
        with desk.database.reading() as session:
            return _whole(object_record(session, listing_id))
    except ObjectError as error:
        raise NotThere(str(error)) from error


def _whole(record: dict[str, Any]) -> ObjectWhole:
    return ObjectWhole.model_validate(
        {
            **record,
            "id": record["object"],
            "listing": _offering(record["listing"]),
            "elsewhere": [_offering(one) for one in record["elsewhere"]],
            "maybe_the_same": [_offering(one) for one in record["maybe_the_same"]],
        }
    )


def _offering(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "listing_id": record["number"]}
