"""The review queue and the crawls that feed it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from review.crawl_view import fault_sentences
from review.desk import DeskOf, Reader
from review.listing_view import kept_decision
from review.searches import record_search
from review.summary import meaning_name, summarise
from storage.database import DatabaseError
from storage.decisions import VERDICTS
from storage.queue import PAGE_SIZE, Queue, queue_choices, queue_rows
from storage.queue_filters import BANDS, SORTS, STATES, Filters, filters_query, read_filters
from storage.tables import Crawl

router = APIRouter()
MOST_CRAWLS = 100
MOST_PROBLEMS = 20
"""So many problems of a crawl are shown; `relicwatch crawls show` has more."""
COUNT_NAMES = ("pages", "listings", "new", "changed", "gone", "flagged", "problems")
"""The counts of a crawl that a reader of the desk needs, in this order."""


def filters_from(query: Any) -> Filters:
    """The queue's filters from a query string or form; what is not understood counts as not chosen."""
    return read_filters(query)[0]


@router.get("/")
def queue_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    filters = filters_from(request.query_params)
    with desk.reading() as session:
        queue = Queue(session, filters)
        pages = max(1, -(-queue.total // PAGE_SIZE))
        number = min(_page_number(request), pages)
        rows = queue_rows(session, queue.places((number - 1) * PAGE_SIZE, PAGE_SIZE))
        choices = queue_choices(session)
        language = desk.words(request).language
        summaries = {row.listing.id: summarise(row.assessment.answers, language) for row in rows}
        kept = kept_decision(session, request.query_params.get("decided", ""))
    if filters.text:
        record_search(desk, visitor.user, filters.text, found=queue.total)
    return desk.page(
        request,
        "queue.html",
        rows=rows,
        summaries=summaries,
        total=queue.total,
        number=number,
        pages=pages,
        filters=filters,
        query=filters_query(filters),
        choices=choices,
        kept=kept,
        states=STATES,
        bands=tuple(BANDS),
        verdicts=VERDICTS,
        sorts=SORTS[:3],
        priority_names={id_: meaning_name("priorities", id_, language) for id_ in choices.priorities},
    )


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
