"""Asking as a polite client: a Retry-After is waited out within bounds, a busy host is left longer each time, and the
market's pause between requests is kept by all processes together.
"""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.misc import load_object

from crawler.shared import shared

LONGEST_WAIT_SECONDS = 60.0
"""A market that asks for more is left for the next crawl: what is asked for before then fails with that reason."""
FIRST_BACK_OFF_SECONDS = 2.0
"""After the first busy answer that names no pause; doubled with each busy answer that follows it."""
_PAUSING_STATUSES = (429, 503)
_LOOK_SECONDS = 0.5


class MarketPauses(IgnoreRequest):
    """The market asked for a longer pause than a crawl waits out."""


class CrawlStopped(IgnoreRequest):
    """The crawl has been stopped for good: this request is not sent, and its page stays to be asked for."""


class Pace(Protocol):
    """The market's pause between requests, kept where other processes see it."""

    delay: float
    """Seconds between the starts of two requests to the market."""

    def reserve(self, most: float) -> float:
        """Seconds until the next request may go out, which is then ours; more than `most` reserves nothing."""
        ...

    def postpone(self, seconds: float) -> None:
        """Let no process ask the market before so many seconds have passed."""
        ...

    def asked(self, moment: datetime) -> None:
        """A request went out later than it was reserved for: the pause counts from then."""
        ...


class Pauses:
    """Until when nothing may be asked of a host or of the market; shared by HTTP and browser."""

    def __init__(self, pace: Pace | None = None, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self.stopped: str | None = None
        """Why this crawl asks for nothing more, once that is so."""
        self._pace = pace
        self._is_stopping = is_stopping
        self._until: dict[str, float] = {}
        self._busy: Counter[str] = Counter()
        self._turn = asyncio.Lock()

    def note(self, host: str, response: Response) -> None:
        """Remember the pause that a busy host asks for, or take one where it names none."""
        if response.status not in _PAUSING_STATUSES:
            self._busy.pop(host, None)
            return
        pause = retry_after_seconds(response.headers.get(b"Retry-After"), datetime.now(UTC))
        if not pause:
            pause = min(FIRST_BACK_OFF_SECONDS * 2 ** min(self._busy[host], 10), LONGEST_WAIT_SECONDS)
        self._busy[host] += 1
        self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + pause)
        if self._pace is not None:
            self._pace.postpone(pause)

    def asked(self, moment: datetime) -> None:
        """A request went out as late as this: a browser makes a page ready first, once its turn has come."""
        if self._pace is not None:
            self._pace.asked(moment)

    def slow_to(self, seconds: float) -> None:
        """Keep at least so many seconds between requests: robots.txt asks for it (Crawl-delay)."""
        if self._pace is not None:
            self._pace.delay = max(self._pace.delay, seconds)

    async def keep(self, host: str) -> None:
        """Wait until the host may be asked again. Raises MarketPauses where that is too long, CrawlStopped."""
        while (pause := self._until.get(host, 0.0) - time.monotonic()) > 0:
            if pause > LONGEST_WAIT_SECONDS:
                raise _too_long(host, pause)
            await self._wait(pause)
        if self._pace is not None:
            async with self._turn:  # one waits for the market at a time, so that a wait is never a queue's length
                most = LONGEST_WAIT_SECONDS + self._pace.delay
                if (wait := self._pace.reserve(most)) > most:
                    raise _too_long(host, wait)
                await self._wait(wait)
        await self._wait(0)

    async def _wait(self, seconds: float) -> None:
        """Wait, but no longer than the crawl goes on: a stop is not to wait for a pause. Raises CrawlStopped."""
        until = time.monotonic() + seconds
        while True:
            if self.stopped is not None:
                raise CrawlStopped(self.stopped)
            if self._is_stopping():
                raise CrawlStopped("the crawl was asked to stop")
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _LOOK_SECONDS))


def _too_long(host: str, seconds: float) -> MarketPauses:
    return MarketPauses(f"{host} asks for a pause of {seconds:.0f} s (Retry-After): crawl it again after that")


def pauses_of(crawler: Crawler) -> Pauses:
    """The pauses that this crawl owes, shared by HTTP and browser; the pace is the setting RELICWATCH_PACE's."""

    def make() -> Pauses:
        name = crawler.settings.get("RELICWATCH_PACE")
        pace = load_object(name).from_crawler(crawler) if name else None
        began = crawler.crawling  # else the fetcher is used without a crawl, which nothing stops
        return Pauses(pace, lambda: began and not crawler.crawling)

    return shared(crawler, "pauses", make)


class PoliteRetryMiddleware(RetryMiddleware):
    """Scrapy's retries. The fetcher keeps the pause that the server asks for; after one too long there is no retry."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        pause = retry_after_seconds(response.headers.get(b"Retry-After"), datetime.now(UTC))
        if pause > LONGEST_WAIT_SECONDS:
            return response
        return super().process_response(request, response)


def retry_after_seconds(value: bytes | None, now: datetime) -> float:
    """The pause a Retry-After header asks for (seconds or HTTP-date); 0 where it is absent, past or not understood."""
    if not value:
        return 0.0
    text = value.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
