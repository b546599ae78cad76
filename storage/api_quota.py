"""How many calls of an official API were made today, counted across processes and restarts before each one leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.crawl_store import database_of
from storage.database import Database
from storage.tables import ApiQuota, utc_now

ZONE = ZoneInfo("America/Los_Angeles")
"""eBay counts a day from midnight there. Etsy counts the last 24 hours; its own refusal (HTTP 429) tells the rest."""


class QuotaSpent(IgnoreRequest):
    """The API's calls of the day are spent: nothing more is asked of it until its next day begins."""


def take_call(database: Database, api: str, calls_a_day: int, now: datetime | None = None) -> int:
    """Count one call; returns how many are left today. Raises QuotaSpent where none is."""
    now = now or utc_now()
    day = day_of(now)
    with database.transaction() as session:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(ApiQuota).values(api=api, day=day.isoformat(), calls=0).on_conflict_do_nothing())
        of_today = (ApiQuota.api == api, ApiQuota.day == day.isoformat())
        counted = session.execute(
            update(ApiQuota).where(*of_today, ApiQuota.calls < calls_a_day).values(calls=ApiQuota.calls + 1)
        )
        calls = session.scalars(select(ApiQuota.calls).where(*of_today)).one()
        if counted.rowcount == 0:  # type: ignore[attr-defined]
            raise QuotaSpent(
                f"all {calls_a_day} calls of today are spent ({api}): it is asked again from "
                f"{next_day(now):%Y-%m-%d %H:%M} UTC on"
            )
        return max(0, calls_a_day - calls)


def calls_made(database: Database, api: str, now: datetime | None = None) -> int:
    """Calls counted today."""
    day = day_of(now or utc_now()).isoformat()
    with database.reading() as session:
        return session.scalar(select(ApiQuota.calls).where(ApiQuota.api == api, ApiQuota.day == day)) or 0


def day_of(now: datetime) -> date:
    return now.astimezone(ZONE).date()


def next_day(now: datetime) -> datetime:
    """When the count begins anew, in UTC."""
    tomorrow = day_of(now) + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZONE).astimezone(UTC)


class ApiQuotaMiddleware:
    """Counts each request to the spider's API, retries too, and lets none pass once the day's calls are spent."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ApiQuotaMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        api = getattr(self._crawler.spider, "api", None)
        if api is not None and api.serves(request.url):
            take_call(database_of(self._crawler), api.name, api.calls_a_day)
