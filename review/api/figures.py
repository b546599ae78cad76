"""The overview's figures: months, precision, recall, waits, coverage, the newest crawl of each market."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from review.api.access import ApiDesk, Reading
from review.api.fields import Shown
from review.pages.overview import coverage_of, recall_of
from storage.figures import months_of, newest_crawls, precisions, waits_to_hit

router = APIRouter(tags=["figures"])


class Month(Shown):
    month: str = Field(description="Of UTC, as 2026-11.")
    hits: int
    decisions: int
    referrals: int
    seizures: int


class Precision(Shown):
    market: str
    model: str
    decided: int
    antiquities: int
    share: float


class Recall(Shown):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float
    missed: float
    missed_low: float
    missed_high: float


class Waits(Shown):
    """Seconds from the first sight of a listing to its first flag."""

    count: int
    median: float
    longest_of_nine_tenths: float


class Coverage(Shown):
    country: str
    markets: int
    on: int
    listings: int
    last_crawl: datetime | None


class LastCrawl(Shown):
    id: int
    market: str
    state: str
    fault: str | None
    started_at: datetime
    finished_at: datetime | None


class Figures(Shown):
    months: list[Month] = Field(description="The newest twelve in which anything happened, oldest first.")
    precision: list[Precision]
    recall: Recall | None = Field(description="Null while too few listings were looked at by chance.")
    looked_at_by_chance: int
    waits: Waits | None
    coverage: list[Coverage]
    crawls: list[LastCrawl]


@router.get("/figures")
def figures(desk: ApiDesk, caller: Reading) -> Figures:
    """The figures of the desk's overview."""
    caller.spend(5)
    with desk.database.reading() as session:
        recall, looked_at = recall_of(session)
        crawls = newest_crawls(session)
        return Figures.model_validate(
            {
                "months": months_of(session),
                "precision": precisions(session),
                "recall": recall,
                "looked_at_by_chance": looked_at,
                "waits": waits_to_hit(session),
                "coverage": coverage_of(desk, session, caller.words, crawls),
                "crawls": crawls,
            }
        )
