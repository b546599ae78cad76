"""The browser as a fetcher: scrapy-playwright's handler, with every response of a page recorded and the page settled.

What the browser hands out is decoded, so its records say so; "as received" is claimed for the HTTP path alone. Chromium
reaches the outside only through the guard's proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page
from playwright.async_api import Request as PageRequest
from playwright.async_api import Response as PageResponse
from playwright.async_api import TimeoutError as PlaywrightTimeout
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod

from crawler.chromium import launch_options, telling_line
from crawler.egress import ConnectProxy, Guard
from crawler.home import loopback_allowed
from crawler.items import Exchange, RecordPlace
from crawler.program import user_agent
from crawler.recording import Recorder, recorder_of

logger = logging.getLogger(__name__)

LONGEST_SETTLE_SECONDS = 10.0
QUIET_MILLISECONDS = 150
LONGEST_ANSWER_SECONDS = 5.0
"""For a page at rest to give its bodies and its DOM; a page whose script never ends gives nothing any more."""
LONGEST_PAGE_SECONDS = 120.0
"""For a page as a whole, its navigation and its waits included: what hangs beyond all of these is left."""

Cut = Literal["time", "disconnect", "unspecified"]
_T = TypeVar("_T")
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
        self.config.target_closed_max_retries = 0  # a retry keeps the market's pause: the middleware's to do
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
        """The page as rendered, with all that the browser received recorded: also where the page comes to nothing."""
        loads: list[_Load] = []
        captures: list[RecordPlace] = request.meta.get("captures", [])

        async def watch(page: Page, _request: Request) -> None:
            loads.append(_Load(page))

        async def settle_and_record(page: Page) -> None:
            await loads[-1].documents_read()
            await _settle(page, loads[-1].waiting)
            await loads[-1].record(self._recorder, captures)
            await loads[-1].record_rendered(self._recorder, captures)

        meta = {
            **request.meta,
            "playwright_page_init_callback": watch,
            "playwright_page_methods": [PageMethod(settle_and_record)],
            "playwright_context_kwargs": self.context_launch_options,
        }
        try:
            async with asyncio.timeout(LONGEST_PAGE_SECONDS):
                response: Response = await super().download_request(request.replace(meta=meta))
        except Exception as error:
            for load in loads:
                await load.record(self._recorder, captures, cut=_cut(error))
            if not isinstance(error, (PlaywrightError, TimeoutError)):
                raise
            kind = DownloadTimeoutError if _cut(error) == "time" else DownloadFailedError
            raise kind(f"{request.url} could not be opened in the browser: {_reason(error)}") from error
        finally:
            for load in loads:
                await load.end()
        return response.replace(request=request)


class _Load:
    """One load of a page. Bodies are read as they come, for a page that crashes takes all of them with it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.waiting: set[PageRequest] = set()
        """Requests for data that are under way."""
        self._readings: list[tuple[PageResponse, datetime, asyncio.Task[Exchange]]] = []
        self._recorded = False
        self._main: RecordPlace | None = None
        page.on("request", lambda r: self.waiting.add(r) if r.resource_type in ("xhr", "fetch") else None)
        page.on("requestfinished", lambda r: self.waiting.discard(r))
        page.on("requestfailed", lambda r: self.waiting.discard(r))
        page.on("response", self._read)

    async def documents_read(self) -> None:
        """Wait, within limits, until the documents themselves are read: what runs in them next may never end."""
        reading = [task for response, _, task in self._readings if response.request.is_navigation_request()]
        if reading:
            await asyncio.wait(reading, timeout=LONGEST_ANSWER_SECONDS)

    async def record(self, recorder: Recorder, captures: list[RecordPlace], cut: Cut | None = None) -> None:
        """Keep every response of the page, the page's own last; once only, however often it is called.

        `cut` says why the page came to nothing: its own record is then marked so (the capture is PARTIAL), and so is
        what had not come in whole. Raises DownloadFailedError where the page's own response is missing.
        """
        if self._recorded:
            return
        self._recorded = True
        tasks = [task for _, _, task in self._readings]
        if tasks:
            await asyncio.wait(tasks, timeout=LONGEST_ANSWER_SECONDS)
        main: Exchange | None = None
        for response, moment, task in self._readings:
            exchange = exchange_read(task) or head_alone(response, moment, cut or "time")
            if cut is not None and exchange.truncated == "unspecified":
                exchange.truncated = cut  # the page went away before this body was read, and took it along
            if response.request.is_navigation_request() and response.frame == self.page.main_frame:
                if main is not None:
                    captures.append(recorder.append(main))
                main = exchange
            else:
                captures.append(recorder.append(exchange))
        if main is not None:
            main.truncated = main.truncated or cut
            self._main = recorder.append(main)
            captures.append(self._main)
        elif cut is None:
            raise DownloadFailedError(
                f"the browser showed {self.page.url} without its response: nothing may be read from it"
            )

    async def record_rendered(self, recorder: Recorder, captures: list[RecordPlace]) -> None:
        """Keep the page as it stands rendered. Raises TimeoutError where a script does not let it answer."""
        try:
            html = await _within(LONGEST_ANSWER_SECONDS, "it gave no DOM", self.page.content())
        except TimeoutError:
            await self._crash()
            raise
        assert self._main is not None
        moment = datetime.now(UTC)
        captures.append(recorder.append_dom(url=self.page.url, moment=moment, html=html.encode(), source=self._main))

    async def end(self) -> None:
        """Let go of what was not read, and of a page that was left open."""
        for _, _, task in self._readings:
            task.cancel()
        if not self.page.is_closed():
            with contextlib.suppress(PlaywrightError, TimeoutError):
                await _within(LONGEST_ANSWER_SECONDS, "it does not close", self.page.close())

    async def _crash(self) -> None:
        """End the process of a page whose script never ends: such a page does not close either."""
        with contextlib.suppress(PlaywrightError, TimeoutError):
            session = await _within(LONGEST_ANSWER_SECONDS, "it is stuck", self.page.context.new_cdp_session(self.page))
            await _within(LONGEST_ANSWER_SECONDS, "it does not crash", session.send("Page.crash"))

    def _read(self, response: PageResponse) -> None:
        moment = datetime.now(UTC)
        task = asyncio.ensure_future(exchange_of(response, moment))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._readings.append((response, moment, task))


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


def _cut(error: Exception) -> Cut:
    return "time" if isinstance(error, (PlaywrightTimeout, TimeoutError, DownloadTimeoutError)) else "disconnect"


def _reason(error: Exception) -> str:
    text = str(error) or f"it was not done within {LONGEST_PAGE_SECONDS:g} s"
    first = text.splitlines()[0]
    return telling_line(text) if first.startswith("BrowserType.launch") else first


async def _within(seconds: float, otherwise: str, work: Awaitable[_T]) -> _T:
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise TimeoutError(f"{otherwise} within {seconds:g} s") from None


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
