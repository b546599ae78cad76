"""The pause that a market is owed between requests, kept in the database: crawls, captures and restarts share it."""

from __future__ import annotations

from datetime import datetime, timedelta

from scrapy.crawler import Crawler

from storage.crawl_store import database_of
from storage.leases import load_not_before, reserve_request, save_not_before
from storage.tables import utc_now

LONGEST_PAUSE_SECONDS = 24 * 3600.0
"""What a market may make later processes wait at most: a date far in the future must not turn it off for good."""


class MarketPace:
    """The pace of the market that this crawl walks."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self.delay = 0.0
        self._started = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> MarketPace:
        return cls(crawler)

    def reserve(self, most: float) -> float:
        """Seconds until the next request may go out, which is then ours; more than `most` reserves nothing."""
        market = self._market()
        if market is None:
            return 0.0
        if not self._started:  # only now are the definition's settings in place
            self.delay = max(self.delay, self._crawler.settings.getfloat("DOWNLOAD_DELAY"))
        elif self.delay == 0:
            return 0.0  # nothing to share: a write for each request would be all cost
        self._started = True
        now = utc_now()
        owed = load_not_before(database_of(self._crawler), market) if self.delay == 0 else None
        if self.delay > 0:
            owed = reserve_request(database_of(self._crawler), market, self.delay, most_seconds=most)
        return max(0.0, (owed - now).total_seconds()) if owed is not None else 0.0

    def postpone(self, seconds: float) -> None:
        """Let no process ask the market before so many seconds have passed, at most LONGEST_PAUSE_SECONDS."""
        market = self._market()
        if market is not None:
            until = utc_now() + timedelta(seconds=min(seconds, LONGEST_PAUSE_SECONDS))
            save_not_before(database_of(self._crawler), market, until)

    def asked(self, moment: datetime) -> None:
        """A request went out later than it was reserved for: the pause counts from then."""
        market = self._market()
        if market is not None and self.delay > 0:
            save_not_before(database_of(self._crawler), market, moment + timedelta(seconds=self.delay))

    def _market(self) -> str | None:
        return getattr(self._crawler.spider, "market", None)
