"""Sellers: in lists by a pseudonym, one by name; followed or no longer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from matching.seller_signs import home_secret, pseudonym
from review.api.access import ApiDesk, Deciding, Reading
from review.api.fields import Page, PageAsked, PlainText, RowId, Sent, Shown, from_cursor, page_of
from review.desk import NotThere
from storage.sellers import SellerRefusal, follow, get_seller, list_sellers, reregistrations, seller_ids

router = APIRouter(tags=["sellers"])


class SellerFound(Shown):
    """Figures are null where the market has not allowed counting its sellers."""

    id: int
    id_space: str
    name: str = Field(description="A pseudonym in lists; the name as shown in GET /sellers/{seller_id}.")
    first_seen: datetime
    last_seen: datetime
    listings: int | None
    flagged: int | None
    flagged_share: float | None
    types: dict[str, int] | None
    silent_days: int | None
    countable: bool
    followed: bool


class SameName(Shown):
    """A hint to look at, never that the two are one person."""

    seller: int
    first_seen: datetime
    last_seen: datetime
    after_the_other_ended: bool


class SellerWhole(SellerFound):
    native_id: str
    same_name: list[SameName]


class FollowSent(Sent):
    following: bool
    note: PlainText | None = Field(None, max_length=4000)


class Followed(Shown):
    id: int
    followed: bool


@router.get("/sellers")
def sellers(desk: ApiDesk, caller: Reading, asked: Annotated[PageAsked, Query()]) -> Page[SellerFound]:
    """Sellers by number; names are pseudonyms, the same one each time."""
    caller.spend(2)
    (after,) = from_cursor(asked.cursor, int) or (0,)
    with desk.database.reading() as session:
        page = page_of(seller_ids(session, after=after, most=asked.limit + 1), asked.limit, lambda id_: (id_,))
        rows = list_sellers(session, ids=page["items"])
    secret = home_secret(desk.home)
    items = [{**row, "id": row["seller"], "name": pseudonym(secret, row["id_space"], row["native_id"])} for row in rows]
    return Page[SellerFound].model_validate({**page, "items": sorted(items, key=lambda row: row["id"])})


@router.get("/sellers/{seller_id}")
def seller(desk: ApiDesk, caller: Reading, seller_id: RowId) -> SellerWhole:
    """One seller by name. The view is noted in the audit log."""
    try:
        with desk.writing() as session:
            get_seller(session, seller_id)
            (row,) = list_sellers(session, ids=[seller_id])
            same = reregistrations(session, seller_id)
            caller.chain.record(
                session, actor=caller.user.name, action="viewed", object_kind="seller", object_id=seller_id
            )
    except SellerRefusal as error:
        raise NotThere(str(error)) from error
    return SellerWhole.model_validate({**row, "id": row["seller"], "same_name": same})


@router.post("/sellers/{seller_id}/follow")
def follow_seller(desk: ApiDesk, caller: Deciding, seller_id: RowId, sent: FollowSent) -> Followed:
    """Follow a seller: its listings rise in the queue. Or no longer."""
    try:
        with desk.writing() as session:
            follow(
                session,
                caller.chain,
                seller_id,
                following=sent.following,
                actor=caller.user.name,
                note=sent.note,
            )
    except SellerRefusal as error:
        raise NotThere(str(error)) from error
    return Followed(id=seller_id, followed=sent.following)
