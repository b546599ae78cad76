"""The browser as a fetcher: a page is shown, comes to rest, is recorded with all it received, and is handed to Scrapy.

Chromium reaches the outside only through the guard's proxy. Playwright is driven directly, for scrapy-playwright opens
a page and a route for every request, which costs more than half of the time.
"""

from __future__ import annotations

import asyncio
import contextlib

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Response as PageResponse
from playwright.async_api import TimeoutError as PlaywrightTimeout
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadConnectionRefusedError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Headers, HtmlResponse, Response

from crawler import browser_limits as limits
from crawler.browser_exchange import Cut
from crawler.browser_load import Load
from crawler.browser_rest import come_to_rest, draw_more
from crawler.browser_tabs import Tab, Tabs
from crawler.chromium import telling_line
from crawler.egress import ConnectProxy, EgressRefused, Guard
from crawler.home import loopback_allowed
from crawler.items import RecordPlace
from crawler.recording import recorder_of

_OF_THE_CODED_BODY = ("Content-Encoding", "Content-Length", "Transfer-Encoding", "Content-Type")


class BrowserHandler:
    """Fetches `meta["playwright"]` requests in Chromium. With `meta["browser_more"]` a list is drawn to its end.

    The response's `meta["json_answers"]` holds what data the page asked for (`crawler.browser_load.JsonAnswer`).
    """

    def __init__(self, crawler: Crawler) -> None:
        self._recorder = recorder_of(crawler)
        self._proxy = ConnectProxy(Guard(allow_loopback=loopback_allowed()), most_bytes=limits.MOST_BYTES_OF_A_CRAWL)
        self._most_tabs = crawler.settings.getint("RELICWATCH_BROWSER_TABS")
        self._navigation_milliseconds = 1000 * crawler.settings.getfloat("RELICWATCH_NAVIGATION_SECONDS")
        self._tabs: Tabs | None = None

    async def start(self) -> None:
        """Start the guarding proxy; Chromium itself starts with the first page. Raises ChromiumRefused."""
        await self._proxy.start()
        self._tabs = Tabs(self._proxy.address, self._most_tabs)

    async def close(self) -> None:
        if self._tabs is not None:
            await self._tabs.close()
        await self._proxy.stop()

    async def download_request(self, request: Request) -> Response:
        """The page as rendered, with all that the browser received recorded: also where the page comes to nothing."""
        assert self._tabs is not None
        try:
            tab = await self._tabs.take()
        except PlaywrightError as error:
            raise _failure(request, error) from error
        load, fit = Load(tab.page, tab.world, self._proxy), False
        captures: list[RecordPlace] = request.meta.get("captures", [])
        try:
            async with asyncio.timeout(limits.LONGEST_PAGE_SECONDS):
                response = await self._show(request, tab, load, captures)
            fit = True
            return response
        except (EgressRefused, DownloadConnectionRefusedError):
            with contextlib.suppress(DownloadFailedError):  # no answer of the market's is there, or redirects alone
                await load.record(self._recorder, captures)
            raise
        except Exception as error:
            await load.record(self._recorder, captures, cut=_cut(error))
            if not isinstance(error, (PlaywrightError, TimeoutError)):
                raise
            raise _failure(request, error) from error
        finally:
            load.end()
            self._tabs.give_back(tab, fit=fit)

    async def _show(self, request: Request, tab: Tab, load: Load, captures: list[RecordPlace]) -> Response:
        answer = await tab.page.goto(request.url, timeout=self._navigation_milliseconds)
        self._raise_for_proxy(answer)
        await load.documents_read()
        await come_to_rest(load)
        if request.meta.get("browser_more"):
            await draw_more(load)
        await load.record(self._recorder, captures)
        rendered = await load.record_rendered(self._recorder, captures)
        request.meta["json_answers"] = load.answers
        return HtmlResponse(
            url=tab.page.url,
            status=answer.status if answer is not None else 200,
            headers=await _headers(answer),
            body=rendered,
            encoding="utf-8",
            request=request,
        )

    def _raise_for_proxy(self, answer: PageResponse | None) -> None:
        """Raise what our own proxy said in place of the market, or the market would be taken to refuse us."""
        said = self._proxy.stood_in(answer.url, answer.status) if answer is not None else None
        if said is None:
            return
        assert answer is not None
        if answer.status == 403:
            raise EgressRefused(answer.url[:200], said.rule)
        raise DownloadConnectionRefusedError(f"{answer.url} cannot be reached: {said.rule}")


async def _headers(answer: PageResponse | None) -> Headers:
    headers = Headers(await answer.all_headers() if answer is not None else {})
    for name in _OF_THE_CODED_BODY:
        headers.pop(name, None)
    headers["Content-Type"] = "text/html; charset=utf-8"  # of the rendered page, whatever was served
    return headers


def _failure(request: Request, error: Exception) -> Exception:
    kind = DownloadTimeoutError if _cut(error) == "time" else DownloadFailedError
    return kind(f"{request.url} could not be opened in the browser: {_reason(error)}")


def _cut(error: Exception) -> Cut:
    return "time" if isinstance(error, (PlaywrightTimeout, TimeoutError, DownloadTimeoutError)) else "disconnect"


def _reason(error: Exception) -> str:
    text = str(error) or f"it was not done within {limits.LONGEST_PAGE_SECONDS:g} s"
    first = text.splitlines()[0]
    return telling_line(text) if first.startswith("BrowserType.launch") else first
