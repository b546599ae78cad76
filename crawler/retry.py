"""Retrying as a polite client: a Retry-After is waited out, within bounds."""

from __future__ import annotations

import asyncio
import email.utils
import time
from datetime import UTC, datetime

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawler.shared import shared

LONGEST_WAIT_SECONDS = 60.0
"""A market that asks for more is left for the next crawl: what is asked for before then fails with that reason."""
_PAUSING_STATUSES = (429, 503)


class MarketPauses(IgnoreRequest):
    """The market asked for a longer pause than a crawl waits out."""


class Pauses:
    """Until when nothing may be asked of a host, because it said so with Retry-After."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, host: str, response: Response) -> None:
        """Remember the pause that a busy host asks for."""
        if response.status not in _PAUSING_STATUSES:
            return
        pause = retry_after_seconds(response.headers.get(b"Retry-After"), datetime.now(UTC))
        if pause:
            self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + pause)

    async def keep(self, host: str) -> None:
        """Wait until the host may be asked again. Raises MarketPauses where that is too long."""
        while (pause := self._until.get(host, 0.0) - time.monotonic()) > 0:
            if pause > LONGEST_WAIT_SECONDS:
                raise MarketPauses(f"{host} asks for a pause of {pause:.0f} s (Retry-After): crawl it again after that")
            await asyncio.sleep(pause)


def pauses_of(crawler: Crawler) -> Pauses:
    """The pauses that this crawl owes, shared by HTTP and browser."""
    return shared(crawler, "pauses", Pauses)


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
