"""The review queue: what waits for a person, the most pressing first, by the desk's own filters."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, create_model
from sqlalchemy.orm import Session

from review.api.access import ApiDesk, Reading
from review.api.fields import GREATEST_ID, Page, PageAsked, PlainText, Shown, from_cursor, to_cursor
from review.api.listings import masked
from review.api.problems import Refusal
from review.searches import record_search
from review.summary import summarise
from review.words import Words
from storage.decisions import VERDICTS
from storage.queue import Queue, Row, listings_among, queue_rows
from storage.queue_filters import BANDS, MOST_TEXT, ROUTES, SORTS, STATES, Filters, FiltersRefused, parse_filters

router = APIRouter(tags=["queue"])
MOST_REMEMBERED = 100
"""So many of the listings that were given out last are in a cursor: any of them that is still there is gone on from."""
MOST_REASONS = 2
_CHOICES = {"band": tuple(BANDS), "state": STATES, "verdict": VERDICTS, "sort": SORTS, "route": ROUTES[1:]}


def _parameter(name: str) -> tuple[Any, Any]:
    """A field of `Filters` as a parameter of the address."""
    offered = _CHOICES.get(name)
    kind: Any = Literal[offered] if offered else Annotated[PlainText, Field(max_length=MOST_TEXT)]
    return kind | None, None


_PARAMETERS: dict[str, Any] = {one.name: _parameter(one.name) for one in fields(Filters)}
QueueAsked: Any = create_model("QueueAsked", __base__=PageAsked, **_PARAMETERS)
"""The desk's filters; the address of a filtered queue in the desk means the same here."""


class Reason(Shown):
    field: str
    text: str
    weight: float
    rule: str


class Standing(Shown):
    """The decision that stands."""

    id: int
    verdict: str
    next_step: str
    decided_at: datetime


class QueueItem(Shown):
    """A listing that waits, with what a decision on it has to name."""

    listing_id: int
    observation_id: int
    assessment_id: int | None
    decision: Standing | None
    market: str
    url: str
    title: str | None = Field(description="Telephone numbers and addresses are blocked out.")
    about: str = Field(description="Type, material, culture or period as the answers name them.")
    claims: str = Field(description="What the seller claims of the past.")
    red_lists: list[str]
    is_replica_likely: bool
    has_papers: bool
    price: Decimal | None
    currency: str | None
    seller_name: str | None
    location: str | None
    ends_at: datetime | None
    ends_soon: str = Field(description="24h, 72h or empty.")
    first_seen_at: datetime
    band: str
    score: float
    model: str
    reasons: list[Reason] = Field(description="The strongest two; GET /listings/{listing_id} has all.")
    priority: str
    must_be_seen: bool
    changed: bool = Field(description="It changed after it was decided on.")
    drawn: str = Field(description="Why it is here though nothing flags it: audit (by chance), explore (a near miss).")
    followed_seller: bool
    assignee: str | None
    object_id: int | None
    elsewhere: int = Field(description="So many other listings offer the same object.")
    thumbnail_id: int | None = Field(description="GET /captures/{capture_id}/image.")


class QueuePage(Page[QueueItem]):
    """What you decide on leaves the queue. What you leave undecided may come again once all else is decided."""

    total: int


@router.get("/queue")
def queue(desk: ApiDesk, caller: Reading, asked: Annotated[QueueAsked, Query()]) -> QueuePage:
    """The queue as the desk shows it."""
    caller.spend(2)
    filters = _filters(asked, caller.words)
    given = _remembered(asked.cursor)
    with desk.reading() as session:
        found = Queue(session, filters)
        start = _after(session, found, filters, given)
        rows = queue_rows(session, found.places(start, asked.limit))
        items = [_item(row, caller.words.language) for row in rows]
        total = found.total
    if filters.text:
        record_search(desk, caller.user, filters.text, found=total, chain=caller.chain)
    given = [*given, *(item.listing_id for item in items)][-MOST_REMEMBERED:]
    more = items and start + len(items) < total
    return QueuePage(items=items, next_cursor=to_cursor(given) if more else None, total=total)


def _filters(asked: Any, words: Words) -> Filters:
    chosen = {one.name: getattr(asked, one.name) for one in fields(Filters) if getattr(asked, one.name) is not None}
    try:
        return parse_filters(chosen)
    except FiltersRefused as error:
        wrong = [{"pointer": f"query/{one.field}", "detail": words(f"api_filter_{one.problem}")} for one in error.wrong]
        raise Refusal(422, "filters", members={"errors": wrong}) from error


def _remembered(cursor: str | None) -> list[int]:
    """The listings that were given out last, the newest at the end. Raises Refusal."""
    (ids,) = from_cursor(cursor, list) or ([],)
    if not all(type(one) is int and 0 < one <= GREATEST_ID for one in ids):
        raise Refusal(400, "cursor")
    return list(ids)


def _after(session: Session, queue: Queue, filters: Filters, given: list[int]) -> int:
    """The place after the last listing given out that is still in the queue."""
    left = listings_among(session, filters, given) if given else set()
    for listing_id in reversed(given):
        at = queue.position(listing_id) if listing_id in left else None
        if at is not None:
            return at + 1
    return 0


def _item(row: Row, language: str) -> QueueItem:
    place, listing, seen, judged = row.place, row.listing, row.observation, row.assessment
    summary = summarise(judged.answers, language)
    return QueueItem(
        listing_id=listing.id,
        observation_id=seen.id,
        assessment_id=listing.current_assessment_id,
        decision=Standing.model_validate(row.decision) if row.decision is not None else None,
        market=listing.market,
        url=listing.url,
        title=masked(seen.title),
        about=summary.object,
        claims=summary.claims,
        red_lists=list(summary.red_lists),
        is_replica_likely=summary.is_replica_likely,
        has_papers=summary.has_papers,
        price=seen.price,
        currency=seen.currency,
        seller_name=seen.seller_name,
        location=seen.location,
        ends_at=seen.ends_at,
        ends_soon=place.ends_soon,
        first_seen_at=listing.first_seen_at,
        band=judged.band,
        score=judged.score,
        model=judged.model,
        reasons=[Reason.model_validate(reason) for reason in judged.reasons[:MOST_REASONS]],
        priority=place.priority,
        must_be_seen=place.must_be_seen,
        changed=place.changed,
        drawn=place.drawn,
        followed_seller=place.followed_seller,
        assignee=place.assignee,
        object_id=place.object_id,
        elsewhere=row.elsewhere,
        thumbnail_id=row.thumbnail_id,
    )
