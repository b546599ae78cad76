"""Where listings come from: markets with their approvals, crawls with what they met, watches with their times."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import select

from markets.approval import standing_approval
from markets.catalog import all_markets
from review.api.access import ApiDesk, Auditing, Reading
from review.api.fields import Page, PageAsked, RowId, Shown, from_cursor, page_of
from review.desk import NotThere
from storage.crawls import NoSuchCrawl, crawl_record, crawl_rows
from storage.tables import MarketApproval
from storage.watches import list_watches

router = APIRouter(tags=["sources"])
MarketName = Annotated[str, Path(min_length=1, max_length=63, pattern=r"^[a-z0-9_]+$")]


class MarketFound(Shown):
    name: str
    title: str
    country: str | None
    kind: str
    languages: list[str]
    domains: list[str]
    on: bool = Field(description="Whether an approval stands for the definition as it is.")


class Broken(Shown):
    """A definition that cannot be used."""

    name: str
    why: str


class Markets(Shown):
    items: list[MarketFound]
    broken: list[Broken]


class Approval(Shown):
    id: int
    approved_by: str
    approved_at: datetime
    legal_basis: str
    definition_sha256: str
    terms_sha256: str | None
    robots_sha256: str | None
    rate_permission: str | None
    revoked_at: datetime | None
    revoked_by: str | None


class MarketWhole(MarketFound):
    definition_sha256: str
    approvals: list[Approval] = Field(description="Newest first.")


class CrawlFound(Shown):
    id: int
    market: str
    started_at: datetime
    state: str
    pages: int
    failed: int
    listings: int
    new: int
    changed: int
    flagged: int
    gone: int
    bytes: int
    seconds: float | None
    median_answer_seconds: float | None
    fault: str | None


class CrawlWhole(CrawlFound):
    finished_at: datetime | None
    queries: list[Any]
    max_listings: int | None
    counts: dict[str, Any]
    problems: list[Any]


class WatchShown(Shown):
    id: int
    name: str
    markets: list[str]
    queries: list[str]
    every_seconds: int
    next_due_at: datetime
    paused: bool
    adaptive: bool
    created_by: str
    created_at: datetime


class Watches(Shown):
    items: list[WatchShown]


@router.get("/markets")
def markets(desk: ApiDesk, caller: Auditing) -> Markets:
    """Every market that there is a definition of, by name."""
    catalog = all_markets(desk.home)
    with desk.database.reading() as session:
        items = [
            _found(definition, on=standing_approval(session, definition) is not None)
            for _, definition in sorted(catalog.markets.items())
        ]
    broken = [{"name": name, "why": str(error)} for name, error in sorted(catalog.broken.items())]
    return Markets.model_validate({"items": items, "broken": broken})


@router.get("/markets/{name}")
def market(desk: ApiDesk, caller: Auditing, name: MarketName) -> MarketWhole:
    """One market with every approval it ever had."""
    definition = all_markets(desk.home).markets.get(name)
    if definition is None:
        raise NotThere(f"There is no market {name}.")
    with desk.database.reading() as session:
        approvals = session.scalars(
            select(MarketApproval).where(MarketApproval.market == name).order_by(MarketApproval.id.desc())
        ).all()
        on = standing_approval(session, definition) is not None
        return MarketWhole.model_validate(
            {**_found(definition, on=on), "definition_sha256": definition.digest, "approvals": approvals}
        )


@router.get("/crawls")
def crawls(desk: ApiDesk, caller: Reading, asked: Annotated[PageAsked, Query()]) -> Page[CrawlFound]:
    """Crawls, newest first."""
    (before,) = from_cursor(asked.cursor, int) or (None,)
    rows = crawl_rows(desk.database, asked.limit + 1, before=before)
    return Page[CrawlFound].model_validate(page_of(rows, asked.limit, lambda row: (row["id"],)))


@router.get("/crawls/{crawl_id}")
def crawl(desk: ApiDesk, caller: Reading, crawl_id: RowId) -> CrawlWhole:
    """One crawl with every problem it met."""
    try:
        return CrawlWhole.model_validate(crawl_record(desk.database, crawl_id))
    except NoSuchCrawl as error:
        raise NotThere(str(error)) from error


@router.get("/watches")
def watches(desk: ApiDesk, caller: Auditing) -> Watches:
    """The saved searches with when they are due, by name."""
    with desk.database.reading() as session:
        return Watches.model_validate({"items": list_watches(session)})


def _found(definition: Any, *, on: bool) -> dict[str, Any]:
    names = ("name", "title", "country", "kind", "languages", "domains")
    return {**{name: getattr(definition, name) for name in names}, "on": on}
