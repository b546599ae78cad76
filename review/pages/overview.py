"""The overview: what was found, how well, how fast, how the crawls are, and where nobody looks."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from classifiers.recall import LEAST_AUDITED, Recall, Stratum, TooLittleAudited, estimate_recall
from evidence.risk_tables import plain_cell
from markets.approval import standing_approval
from markets.catalog import all_markets
from review.charts import bar_chart
from review.country_names import country_name
from review.crawl_view import fault_sentences
from review.desk import Desk, DeskOf, Reader
from review.words import Words
from storage.figures import listings_by_market, months_of, newest_crawls, precisions, waits_to_hit
from storage.recall_counts import recall_counts
from storage.tables import Crawl

router = APIRouter()
MONTH_COLUMNS = ("hits", "decisions", "referrals", "seizures")


@dataclass(slots=True)
class Coverage:
    """What is watched of one country."""

    country: str
    markets: int = 0
    on: int = 0
    listings: int = 0
    last_crawl: datetime | None = None


@router.get("/overview")
def overview_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    words = desk.words(request)
    with desk.reading() as session:
        months, crawls = months_of(session), newest_crawls(session)
        recall, looked_at = recall_of(session)
        found, waits = precisions(session), waits_to_hit(session)
        coverage = coverage_of(desk, session, words, crawls)
    charts = {
        name: bar_chart(
            [(month.month, getattr(month, name)) for month in months], right_to_left=words.direction == "rtl"
        )
        for name in MONTH_COLUMNS
    }
    return desk.page(
        request,
        "overview.html",
        months=list(reversed(months)),
        month_columns=MONTH_COLUMNS,
        charts=charts,
        recall=recall,
        looked_at=looked_at,
        least_looked_at=LEAST_AUDITED,
        crawls=crawls,
        fault_sentences=fault_sentences,
        coverage=coverage,
        precisions=found,
        waits=waits,
    )


@router.get("/overview/months.csv")
def months_csv(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    """Every month there is, as a table in which no cell acts as a formula."""
    words = desk.words(request)
    with desk.reading() as session:
        months = months_of(session, most=1200)
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow([plain_cell(words("month")), *(plain_cell(words(f"month_{name}")) for name in MONTH_COLUMNS)])
    for month in months:
        writer.writerow([plain_cell(month.month), *(plain_cell(getattr(month, name)) for name in MONTH_COLUMNS)])
    headers = {"content-disposition": 'attachment; filename="months.csv"'}
    content = written.getvalue().encode("utf-8-sig")  # with a BOM: else Excel reads Arabic as noise
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def recall_of(session: Session) -> tuple[Recall | None, int]:
    """The estimate, or None while too few were looked at by chance; and how many were."""
    counts = recall_counts(session)
    strata = [Stratum(drawn.unflagged, drawn.audited, drawn.missed) for drawn in counts.drawn]
    try:
        return estimate_recall(counts.found, strata), sum(one.looked_at for one in strata)
    except TooLittleAudited:
        return None, sum(one.looked_at for one in strata)


def coverage_of(desk: Desk, session: Session, words: Words, crawls: Sequence[Crawl]) -> list[Coverage]:
    """Every country of a market's definition, by its name; markets without a country stand last."""
    ended = {crawl.market: crawl.finished_at for crawl in crawls}
    counted = listings_by_market(session)
    found: dict[str, Coverage] = defaultdict(lambda: Coverage(""))
    for name, definition in all_markets(desk.home).markets.items():
        code = definition.country or ""
        one = found[code]
        one.country = country_name(desk.home, code, words.language) if code else words("country_none")
        one.markets += 1
        one.on += standing_approval(session, definition) is not None
        one.listings += counted.get(name, 0)
        at = ended.get(name)
        if at is not None and (one.last_crawl is None or at > one.last_crawl):
            one.last_crawl = at
    return [found[code] for code in sorted(found, key=lambda code: (code == "", found[code].country))]
