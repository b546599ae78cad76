"""Saved searches: kept from the queue or by a term or seller, opened again, shared, and watched for new hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from crawler.errors import RelicwatchError
from review.desk import Desk, DeskOf, Form, NotThere, Reader, Visitor, go_to, row_id, word
from review.market_titles import market_title
from review.summary import meaning_name
from review.words import NAMES, Words
from storage.queue_filters import Filters, chosen_fields, read_filters
from storage.saved_searches import (
    SearchRefused,
    get_search,
    noticed_by,
    remove_search,
    save_search,
    set_notice,
    set_shared,
    visible_searches,
)
from storage.sellers import followed
from storage.tables import SavedSearch, Seller, User

router = APIRouter()
FIELD_NAMES = {name: f"asked_{name}" for name in (one.name for one in fields(Filters))} | {
    "text": "search",
    "market": "market",
    "band": "band",
    "language": "listing_language",
    "state": "state",
    "priority": "priority",
    "verdict": "decided_as",
    "seller": "seller",
}
"""Field of the queue's filters -> its word."""
VALUES = {"band": "band_", "state": "state_", "verdict": "verdict_"}
MEANINGS = {"priority": "priorities", "object_type": "types", "culture": "periods"}


@router.get("/searches")
def searches_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    return _page(request, desk, visitor)


@router.get("/searches/open")
def open_search(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    """The queue as the search has it."""
    with desk.reading() as session:
        search = _search(session, visitor, request.query_params.get("search"))
        seller = session.get(Seller, search.seller_id) if search.seller_id else None
        query = urlencode({"seller": seller.name}) if seller else search.query
    return go_to(f"/?{query}" if query else "/")


@router.post("/searches")
def add_search(request: Request, desk: DeskOf, visitor: Reader, form: Form) -> Response:
    try:
        with desk.writing() as session:
            save_search(
                session,
                desk.chain,
                session.get_one(User, visitor.user.id),
                word(form, "name"),
                query=word(form, "query"),
                term=word(form, "term"),
                seller_id=row_id(word(form, "seller")),
                shared=word(form, "shared") == "1",
                notify=word(form, "notify") == "1",
            )
    except RelicwatchError:
        return _page(request, desk, visitor, refused="search_refused")
    return go_to("/searches?kept=1")


@router.post("/searches/{search_id}/change")
def change_search(desk: DeskOf, visitor: Reader, form: Form, search_id: str) -> Response:
    what = word(form, "what")
    with desk.writing() as session:
        user = session.get_one(User, visitor.user.id)
        search = _search(session, visitor, search_id, own=what not in ("notify", "quiet"))
        if what in ("notify", "quiet"):
            set_notice(session, desk.chain, search, user, wanted=what == "notify")
        elif what in ("share", "unshare"):
            set_shared(session, desk.chain, search, shared=what == "share", actor=user.name)
        elif what == "remove":
            remove_search(session, desk.chain, search, actor=user.name)
    return go_to("/searches")


def _search(session: Session, visitor: Visitor, number: str | None, *, own: bool = False) -> SavedSearch:
    try:
        return get_search(session, visitor.user, row_id(number) or 0, own=own)
    except SearchRefused as error:
        raise NotThere(str(error)) from error


def _page(request: Request, desk: Desk, visitor: Visitor, *, refused: str | None = None) -> Response:
    with desk.reading() as session:
        rows = visible_searches(session, visitor.user)
        sellers = {
            row.id: row
            for row in session.scalars(
                select(Seller).where(Seller.id.in_(followed(session) | {row.seller_id for row in rows}))
            )
        }
        owners = {user.id: user.name for user in session.scalars(select(User))}
        noticed = noticed_by(session, visitor.user)
    words = desk.words(request)
    told = [(row, _told(row, sellers, words, desk)) for row in rows]
    return desk.page(
        request,
        "searches.html",
        status=422 if refused else 200,
        rows=told,
        owners=owners,
        noticed=noticed,
        sellers=sorted(sellers.values(), key=lambda one: one.name.casefold()),
        refused=refused,
        kept="kept" in request.query_params,
    )


def _told(search: SavedSearch, sellers: Mapping[int, Seller], words: Words, desk: Desk) -> list[tuple[str, str]]:
    """What it asks for: names of the queue's fields with their values."""
    if search.seller_id is not None:
        return [(words("seller"), sellers[search.seller_id].name)] if search.seller_id in sellers else []
    filters, _ = read_filters(search.query)
    return [
        (words(FIELD_NAMES[name]), _value(desk, words, name, getattr(filters, name)))
        for name in chosen_fields(filters)
        if name != "sort"
    ]


def _value(desk: Desk, words: Words, name: str, found: object) -> str:
    """A value of a fixed list in the reader's language; others are words of listings."""
    if isinstance(found, Decimal):
        return words.number(found)
    value = str(found)
    if name in VALUES:
        return words(VALUES[name] + value)
    if name in MEANINGS:
        return meaning_name(MEANINGS[name], value, words.language)
    if name == "language":
        return NAMES.get(value, value)
    return market_title(desk.home, value, words) if name == "market" else value
