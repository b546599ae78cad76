"""The few requests that a look at a market not yet approved takes: a person typed the address and said yes to them.

robots.txt, the search page and one listing, at a market's slowest rate, through the guard that all else goes through;
the search page once more where it is empty until the browser draws it; what a shop, a sitemap or a feed answers. No
redirect is followed, nothing is tried twice, and nothing is kept but what the draft's frozen pages hold.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import aiohttp

from crawler.egress import EgressRefused, Guard, refusal_in
from crawler.errors import RelicwatchError
from crawler.fetcher import RawResponse, as_written, begin_exchange, open_session, read_body
from crawler.home import loopback_allowed
from crawler.program import user_agent
from crawler.robots import RobotsRules, RobotsUnreadable, rules_in
from markets.definition import DEFAULT_DELAY_SECONDS

MOST_REQUESTS = 6
"""robots.txt, search page, one listing; the search page again in the browser, where its source is empty; and a shop's
list of products, or a sitemap and one that it names."""
_MOST_BYTES = 16_000_000
_SECONDS = 30.0
_ACCEPT = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"


class LookRefused(RelicwatchError):
    """A page may not be asked for, or did not answer with a page."""


@dataclass(frozen=True, slots=True)
class SeenPage:
    """A page as it came, decoded from its content coding, or as the browser drew it."""

    url: str
    body: bytes
    content_type: str | None
    seen_at: datetime
    drawn: bool = False


@dataclass
class Look:
    """Asks a site for at most MOST_REQUESTS pages. Make it with `looking`."""

    session: aiohttp.ClientSession
    guard: Guard
    pause_seconds: float = DEFAULT_DELAY_SECONDS
    requests: list[str] = field(default_factory=list)
    robots: bytes | None = None
    """robots.txt as it came; None where the site has none."""
    crawl_delay_seconds: float | None = None
    """What robots.txt asks for between two requests; the look keeps to it as well."""
    _rules: RobotsRules | None = None
    _host: str = ""
    _next_at: float = 0.0

    async def read_robots(self, url: str) -> None:
        """Read robots.txt of the address's host as a crawl does. Raises LookRefused where a crawl would not begin."""
        address = urljoin(url, "/robots.txt")
        status, _, body = await self._ask(address)
        try:
            self._rules = rules_in(status, body)
        except RobotsUnreadable as error:
            raise LookRefused(
                f"{address} keeps us out ({error}), so nothing there is asked for{error.advice}."
            ) from error
        self.robots = body if status < 400 else None
        self._host = urlsplit(url).netloc
        self.crawl_delay_seconds = self._rules.crawl_delay()
        self.pause_seconds = max(self.pause_seconds, self.crawl_delay_seconds or 0.0)

    async def page(self, url: str) -> SeenPage:
        """The page at `url`, if robots.txt allows it. Raises LookRefused with the reason where there is none."""
        self._check(url)
        status, content_type, body = await self._ask(url)
        if status != 200:
            raise LookRefused(f"{url} answered HTTP {status}{_hint(status)}.")
        return SeenPage(url, body, content_type, datetime.now(UTC))

    async def drawn(self, url: str) -> SeenPage:
        """The page as the browser draws it, with whatever its scripts ask for. Raises LookRefused as `page` does."""
        from markets.drafting.drawing import draw

        self._check(url)
        await self._wait(url)
        return SeenPage(url, await draw(url, self.guard), "text/html; charset=utf-8", datetime.now(UTC), drawn=True)

    def _check(self, url: str) -> None:
        if urlsplit(url).netloc != self._host or self._rules is None:
            raise LookRefused(f"{url} is on another host than the search, whose robots.txt was not read.")
        if not self._rules.allowed(url):
            raise LookRefused(f"robots.txt of {self._host} does not allow {url}: it is not asked for.")

    async def _wait(self, url: str) -> None:
        if len(self.requests) >= MOST_REQUESTS:
            raise LookRefused(f"{url} was not asked for: {MOST_REQUESTS} requests were used up.")
        await asyncio.sleep(max(0.0, self._next_at - time.monotonic()))
        self.requests.append(url)
        self._next_at = time.monotonic() + self.pause_seconds

    async def _ask(self, url: str) -> tuple[int, str | None, bytes]:
        self.guard.check_url(url)
        await self._wait(url)
        headers = {"User-Agent": user_agent(), "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        try:
            async with asyncio.timeout(_SECONDS):
                response = await self.session.get(as_written(url), headers=headers, allow_redirects=False)
                assert isinstance(response, RawResponse)
                exchange = begin_exchange(response, url, b"", datetime.now(UTC))
                cut = await read_body(response, exchange, _MOST_BYTES)
        except TimeoutError as error:
            raise LookRefused(f"{url} gave no answer within {_SECONDS:g} s: try again later.") from error
        except (aiohttp.ClientError, OSError) as error:
            refused = error if isinstance(error, EgressRefused) else refusal_in(error)
            if refused is not None:
                raise refused from error
            raise LookRefused(f"{url} cannot be reached: {_plain(error)}.") from error
        finally:
            self._next_at = time.monotonic() + self.pause_seconds
        if cut:
            raise LookRefused(f"{url} was cut off after {len(exchange.body)} bytes ({cut}).")
        if 300 <= response.status < 400 and (target := response.headers.get("Location")):
            raise LookRefused(
                f"{url} leads to {urljoin(url, target)[:300]}: give that address if it is right, as none is followed."
            )
        body = _decoded(exchange.body, response.headers.get("Content-Encoding", ""), url)
        return response.status, response.headers.get("Content-Type"), body


_HINTS = {
    401: "it stands behind a log-in, and none is crawled",
    403: "the site does not show it to a crawler that says who it is",
    404: "there is no such page, so search again in your browser and give the address that it shows",
    410: "the page is gone, so search again in your browser and give the address that it shows",
    429: "the site was asked too often, so try again later",
}


def _hint(status: int) -> str:
    general = {4: "the site does not answer such a request", 5: "try again later"}.get(status // 100)
    said = _HINTS.get(status, general)
    return f": {said}" if said else ""


def _plain(error: Exception) -> str:
    """Why there was no answer, and what to do, without the client's own words for it."""
    cause = getattr(error, "os_error", error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no site of that name is known, so check the address and this computer's connection"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no secure connection could be made, so look whether your browser opens it without a warning"
    if isinstance(cause, ConnectionRefusedError):
        return "its server takes no connection, so check the address or try again later"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return "the site closed the connection without an answer, so try again later"
    return f"{getattr(cause, 'strerror', None) or cause or type(cause).__name__}; try again later"


@asynccontextmanager
async def looking(pause_seconds: float = DEFAULT_DELAY_SECONDS) -> AsyncIterator[Look]:
    """A look with a session of its own."""
    guard = Guard(allow_loopback=loopback_allowed())
    async with open_session(guard) as session:
        yield Look(session, guard, pause_seconds)


def _decoded(body: bytes, coding: str, url: str) -> bytes:
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise LookRefused(
            f"{url} came in the coding {coding!r}, which was not asked for: save the page and use --page."
        )
    try:
        decoder = zlib.decompressobj(wbits=47 if coding != "deflate" else 15)
        text = decoder.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise LookRefused(f"{url} is not in the coding that its Content-Encoding names ({error}).") from error
    if decoder.unconsumed_tail:
        raise LookRefused(f"{url} swells to more than {_MOST_BYTES} bytes: it was not read.")
    return text
