"""Retrying as a polite client: a Retry-After is waited out, within bounds."""

from __future__ import annotations

import asyncio
import email.utils
from datetime import UTC, datetime

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response

LONGEST_WAIT_SECONDS = 60.0
"""A market that asks for more is left for the next crawl: the page fails with that reason."""


class PoliteRetryMiddleware(RetryMiddleware):
    """Scrapy's retries, after the pause the server asks for."""

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        outcome = super().process_response(request, response)
        if isinstance(outcome, Request):
            pause = retry_after_seconds(response.headers.get(b"Retry-After"), datetime.now(UTC))
            if pause > LONGEST_WAIT_SECONDS:
                return response
            await asyncio.sleep(pause)
        return outcome


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
