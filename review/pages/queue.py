"""The review queue and the crawls that feed it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from review.country_names import country_name
from review.crawl_view import fault_sentences
from review.desk import Desk, DeskOf, NotThere, Reader
from review.known_choices import known_choices, recount_afterwards
from review.listing_view import kept_decision
from review.searches import record_search
from review.summary import meaning_name, summarise
from storage.assignments import assignable
from storage.database import DatabaseError
from storage.decisions import DISMISSAL_REASONS, VERDICTS
from storage.queue import PAGE_SIZE, Choices, Queue, queue_rows
from storage.queue_filters import BANDS, SORTS, STATES, Filters, chosen_fields, filters_query, read_filters
from storage.queue_order import count_entered
from storage.tables import Crawl, utc_now

router = APIRouter()
MOST_CRAWLS = 100
MORE_FIELDS = frozenset(
    {
        *("country", "route", "object_type", "culture", "red_list", "currency", "price_min", "price_max"),
        *("size_min", "size_max", "weight_min", "weight_max", "seller", "assignee", "since", "until"),
    }
)
"""Filters behind the fold, which is open while one of them is chosen."""
MOST_PROBLEMS = 20
"""So many problems of a crawl are shown; `relicwatch crawls show` has more."""
COUNT_NAMES = ("pages", "listings", "new", "changed", "gone", "flagged", "problems")
"""The counts of a crawl that a reader of the desk needs, in this order."""


def filters_from(query: Any) -> Filters:
    """The queue's filters from a query string or form; what is not understood counts as not chosen."""
    return read_filters(query)[0]


@router.get("/")
def queue_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    filters, wrong = read_filters(request.query_params)
    opened_at = utc_now()
    with desk.reading() as session:
        queue = Queue(session, filters)
        pages = max(1, -(-queue.total // PAGE_SIZE))
        number = min(_page_number(request), pages)
        rows = queue_rows(session, queue.places((number - 1) * PAGE_SIZE, PAGE_SIZE))
        choices = known_choices(desk, session)
        language = desk.words(request).language
        deciding = assignable(session) if visitor.may("decide") else ()
        summaries = {row.listing.id: summarise(row.assessment.answers, language) for row in rows}
        kept = kept_decision(session, request.query_params.get("decided", ""), visitor.user)
    if filters.text:
        record_search(desk, visitor.user, filters.text, found=queue.total)
    answer = desk.page(
        request,
        "queue.html",
        rows=rows,
        summaries=summaries,
        total=queue.total,
        number=number,
        first_place=(number - 1) * PAGE_SIZE + 1,
        pages=pages,
        filters=filters,
        query=filters_query(filters),
        choices=choices,
        kept=kept,
        states=STATES,
        bands=tuple(BANDS),
        verdicts=VERDICTS,
        sorts=SORTS,
        wrong=wrong,
        more_chosen=len(set(chosen_fields(filters)) & MORE_FIELDS),
        names=_names(desk, choices, language),
        assignable=deciding,
        dismissal_reasons=DISMISSAL_REASONS,
        new_hits_query="&".join(
            part for part in (filters_query(filters), f"opened={opened_at.timestamp():.6f}") if part
        ),
        priority_names={id_: meaning_name("priorities", id_, language) for id_ in choices.priorities},
    )
    answer.background = recount_afterwards(desk)
    return answer


@router.get("/queue/new")
def new_hits(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    """How many hits that pass the filters came to wait since a page was opened; asked for by open pages."""
    words = desk.words(request)
    try:
        opened_at = datetime.fromtimestamp(float(request.query_params.get("opened", "")), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotThere("The moment at which the page was opened is missing.") from None
    with desk.reading() as session:
        count = count_entered(session, filters_from(request.query_params), opened_at)
    return JSONResponse({"count": count, "text": words("new_hits", count=count)})


def _names(desk: Desk, choices: Choices, language: str) -> dict[str, dict[str, str]]:
    """Field -> id -> what it is called in the reader's language."""
    lists = {id_: id_.partition("/") for id_ in choices.red_lists}
    return {
        "country": {code: country_name(desk.home, code, language) for code in choices.countries},
        "object_type": {id_: meaning_name("types", id_, language) for id_ in choices.types},
        "culture": {id_: meaning_name("periods", id_, language) for id_ in choices.cultures},
        "red_list": {
            id_: " · ".join([meaning_name("red_lists", name, language), *([category] if category else [])])
            for id_, (name, _, category) in lists.items()
        },
    }


@router.get("/crawls")
def crawls_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    with desk.reading() as session:
        crawls = session.scalars(select(Crawl).order_by(Crawl.id.desc()).limit(MOST_CRAWLS)).all()
    counted = [(crawl, _counts(crawl)) for crawl in crawls]
    return desk.page(
        request,
        "crawls.html",
        crawls=counted,
        count_names=COUNT_NAMES,
        most_problems=MOST_PROBLEMS,
        fault_sentences=fault_sentences,
    )


def _counts(crawl: Crawl) -> dict[str, int]:
    """The crawl's counts, with the pages that were not had among the problems."""
    counts = crawl.counts.get("counts", {})
    return {**counts, "problems": counts.get("problems", 0) + counts.get("failed", 0)}


@router.get("/health")
def health(desk: DeskOf) -> Response:
    """Whether the desk can read its database; says nothing else, since nobody has signed in."""
    try:
        desk.database.require_current()
    except DatabaseError:
        return JSONResponse({"status": "degraded"}, 503)
    return JSONResponse({"status": "ok"})


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
