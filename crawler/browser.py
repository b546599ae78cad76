"""The browser as a fetcher: scrapy-playwright's handler, with every response of a page recorded and the page settled.

What the browser hands out is decoded, so its records say so; "as received" is claimed for the HTTP path alone. Chromium
reaches the outside only through the guard's proxy.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page
from playwright.async_api import Response as PageResponse
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod

from crawler.chromium import launch_options
from crawler.egress import ConnectProxy, Guard
from crawler.home import loopback_allowed
from crawler.items import Exchange
from crawler.program import user_agent
from crawler.recording import recorder_of

logger = logging.getLogger(__name__)

LONGEST_SETTLE_SECONDS = 10.0
QUIET_MILLISECONDS = 150
NOT_NEEDED = frozenset({"image", "media", "font"})
"""Walking reads text; photographs come over HTTP, one a listing, and all of them in a capture job."""

_QUIET = """quiet => new Promise(done => {
    let timer = setTimeout(done, quiet);
    new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, quiet); })
        .observe(document, {childList: true, subtree: true, characterData: true});
})"""


class BrowserHandler(ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]
    """Fetches `meta["playwright"]` requests in Chromium; started on first use."""

    def __init__(self, crawler: Crawler) -> None:
        self._recorder = recorder_of(crawler)
        self._proxy = ConnectProxy(Guard(allow_loopback=loopback_allowed()))
        super().__init__(crawler)

    async def start(self) -> None:
        """Start the guarding proxy; Chromium itself starts with the first page. Raises ChromiumRefused."""
        await self._proxy.start()
        self.config.launch_options = launch_options(self._proxy.address)
        self.config.browser_type_name = "chromium"
        self.context_launch_options = {
            "user_agent": user_agent(),
            "service_workers": "block",
            "accept_downloads": False,
        }
        self.abort_request = _not_needed
        await self._launch()

    async def close(self) -> None:
        await super().close()
        await self._proxy.stop()

    async def download_request(self, request: Request) -> Response:
        seen: list[tuple[PageResponse, datetime]] = []
        waiting: set[Any] = set()

        async def watch(page: Page, _request: Request) -> None:
            page.on("request", lambda r: waiting.add(r) if r.resource_type in ("xhr", "fetch") else None)
            page.on("requestfinished", lambda r: waiting.discard(r))
            page.on("requestfailed", lambda r: waiting.discard(r))
            page.on("response", lambda r: seen.append((r, datetime.now(UTC))))

        async def settle_and_record(page: Page) -> None:
            await _settle(page, waiting)
            await self._record(page, request, seen)

        meta = {
            **request.meta,
            "playwright_page_init_callback": watch,
            "playwright_page_methods": [PageMethod(settle_and_record)],
            "playwright_context_kwargs": self.context_launch_options,
        }
        try:
            response: Response = await super().download_request(request.replace(meta=meta))
        except PlaywrightError as error:
            first = str(error).splitlines()[0]
            kind = DownloadTimeoutError if "Timeout" in first else DownloadFailedError
            raise kind(f"{request.url} could not be opened in the browser: {first}") from error
        return response.replace(request=request)

    async def _record(self, page: Page, request: Request, seen: list[tuple[PageResponse, datetime]]) -> None:
        """Keep every response of the page, the page's own last, then the page as rendered."""
        captures = request.meta.get("captures", [])
        main: Exchange | None = None
        for response, moment in seen:
            exchange = await exchange_of(response, moment)
            if response.request.is_navigation_request() and response.frame == page.main_frame:
                if main is not None:
                    captures.append(self._recorder.append(main))
                main = exchange
            else:
                captures.append(self._recorder.append(exchange))
        if main is None:
            raise DownloadFailedError(
                f"the browser showed {request.url} without its response: nothing may be read from it"
            )
        place = self._recorder.append(main)
        captures.append(place)
        html = (await page.content()).encode()
        captures.append(self._recorder.append_dom(url=page.url, moment=datetime.now(UTC), html=html, source=place))


async def _not_needed(request: Any) -> bool:
    return request.resource_type in NOT_NEEDED


async def _settle(page: Page, waiting: set[Any]) -> None:
    """Wait until the page neither changes nor waits for data, at most LONGEST_SETTLE_SECONDS."""
    try:
        async with asyncio.timeout(LONGEST_SETTLE_SECONDS):
            while True:
                await page.evaluate(_QUIET, QUIET_MILLISECONDS)
                if not waiting:
                    return
    except TimeoutError:
        logger.info("%s did not come to rest within %s s; it is read as it stands.", page.url, LONGEST_SETTLE_SECONDS)


async def exchange_of(response: PageResponse, moment: datetime) -> Exchange:
    """The exchange behind a browser's response, decoded as the browser gives it; `moment` where it tells no time."""
    request = response.request
    try:
        body = await response.body()
        truncated = None
    except PlaywrightError:  # a redirect has no body, and one may be gone from the browser's memory
        body = b""
        truncated = None if 300 <= response.status < 400 else "unspecified"
    sent = [(h["name"], h["value"]) for h in await request.headers_array()]
    got = [(h["name"], h["value"]) for h in await response.headers_array()]
    address = await response.server_addr()
    started = request.timing.get("startTime", 0) or 0
    target = request.url.split("/", 3)
    return Exchange(
        url=request.url,
        method=request.method,
        started_at=datetime.fromtimestamp(started / 1000, UTC) if started > 0 else moment,
        request_head=_head(f"{request.method} /{target[3] if len(target) > 3 else ''} HTTP/1.1", sent),
        response_head=_head(f"HTTP/1.1 {response.status} {response.status_text}".rstrip(), map(_as_served, got)),
        request_body=request.post_data_buffer or b"",
        body=body,
        status=response.status,
        server_ip=_not_the_proxy(address),
        truncated=truncated,  # type: ignore[arg-type]
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
