"""The HTTP exchange behind a browser's response, for the record.

What the browser hands out is decoded, so its records say so; "as received" is claimed for the HTTP path alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Response as PageResponse

from crawler.items import Exchange

Cut = Literal["time", "disconnect", "unspecified"]


def exchange_read(task: asyncio.Task[Exchange]) -> Exchange | None:
    """What was read, None where it was not: still under way, or the page went away below it."""
    if not task.done() or task.cancelled():
        return None
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, PlaywrightError):
        return None
    raise error


async def exchange_of(response: PageResponse, moment: datetime) -> Exchange:
    """The exchange behind a browser's response, decoded as the browser gives it; `moment` where it tells no time."""
    request = response.request
    truncated: Cut | None = None
    try:
        body = await response.body()
    except PlaywrightError:  # a redirect has no body, and one may be gone from the browser's memory
        body = b""
        truncated = None if 300 <= response.status < 400 else "unspecified"
    sent = [(h["name"], h["value"]) for h in await request.headers_array()]
    got = [(h["name"], h["value"]) for h in await response.headers_array()]
    exchange = _exchange(response, moment, sent, got)
    exchange.server_ip = _not_the_proxy(await response.server_addr())
    exchange.body, exchange.truncated = body, truncated
    return exchange


def head_alone(response: PageResponse, moment: datetime, cut: Cut) -> Exchange:
    """The exchange of a response whose body did not come in whole, of what is known without asking the browser."""
    exchange = _exchange(response, moment, response.request.headers.items(), response.headers.items())
    exchange.truncated = cut
    return exchange


def _exchange(
    response: PageResponse, moment: datetime, sent: Iterable[tuple[str, str]], got: Iterable[tuple[str, str]]
) -> Exchange:
    request = response.request
    started = request.timing.get("startTime", 0) or 0
    target = request.url.split("/", 3)
    return Exchange(
        url=request.url,
        method=request.method,
        started_at=datetime.fromtimestamp(started / 1000, UTC) if started > 0 else moment,
        request_head=_head(f"{request.method} /{target[3] if len(target) > 3 else ''} HTTP/1.1", sent),
        response_head=_head(f"HTTP/1.1 {response.status} {response.status_text}".rstrip(), map(_as_served, got)),
        request_body=request.post_data_buffer or b"",
        status=response.status,
        decoded_by_browser=True,
    )


def _as_served(header: tuple[str, str]) -> tuple[str, str]:
    """What described the coded body must not stand over the decoded one."""
    name, value = header
    coded = name.lower() in ("content-encoding", "content-length", "transfer-encoding")
    return (f"x-orig-{name.lower()}" if coded else name), value


def _not_the_proxy(address: Any) -> str | None:
    """Chromium names its peer, which is the guard's proxy on loopback: no fact about the server."""
    return None if address is None or address["ipAddress"] in ("127.0.0.1", "::1") else address["ipAddress"]


def _head(first: str, headers: Any) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers if not name.startswith(":"))]
    flat = [line.replace("\r", " ").replace("\n", " ") for line in lines]
    return ("\r\n".join(flat) + "\r\n\r\n").encode("utf-8", "replace")
