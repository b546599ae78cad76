"""One load of a page: what the browser receives for it is read as it comes, and recorded before anything is read of it.

Bodies are read at once, for a page that crashes takes all of them with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from playwright.async_api import Page
from playwright.async_api import Request as PageRequest
from playwright.async_api import Response as PageResponse
from scrapy.exceptions import DownloadFailedError

from crawler import browser_limits as limits
from crawler.browser_exchange import Cut, exchange_of, exchange_read, head_alone
from crawler.browser_world import OwnWorld
from crawler.egress import ConnectProxy
from crawler.items import Exchange, RecordPlace
from crawler.recording import Recorder

_T = TypeVar("_T")
_DATA = ("xhr", "fetch")


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """Data that the page asked for by a plain GET, as it came."""

    url: str
    content_type: str
    body: bytes


class Load:
    """Watches a page from its creation to `end`; the page may then load another."""

    def __init__(self, page: Page, world: OwnWorld, proxy: ConnectProxy | None = None) -> None:
        """What `proxy` answered itself is no answer of the market's, and not recorded."""
        self.page = page
        self.world = world
        self._proxy = proxy
        self.waiting: set[PageRequest] = set()
        """Requests for data that are under way."""
        self.navigations = 0
        """Documents asked for by the main frame, redirects included."""
        self.answers: list[JsonAnswer] = []
        """Filled by `record`, in the page's order."""
        self._readings: list[tuple[PageResponse, datetime, asyncio.Task[Exchange]]] = []
        self._recorded = False
        self._main: RecordPlace | None = None
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        page.on("response", self._read)

    async def documents_read(self) -> None:
        """Wait, within limits, until the documents themselves are read: what runs in them next may never end."""
        reading = [task for response, _, task in self._readings if response.request.is_navigation_request()]
        if reading:
            await asyncio.wait(reading, timeout=limits.LONGEST_ANSWER_SECONDS)

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
            await asyncio.wait(tasks, timeout=limits.LONGEST_ANSWER_SECONDS)
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
                self._keep_answer(response, exchange)
        if main is not None:
            main.truncated = main.truncated or cut
            self._main = recorder.append(main)
            captures.append(self._main)
        elif cut is None:
            raise DownloadFailedError(
                f"the browser showed {self.page.url} without its response: nothing may be read from it"
            )

    async def record_rendered(self, recorder: Recorder, captures: list[RecordPlace]) -> bytes:
        """The page as it stands rendered, kept. Raises TimeoutError where a script never lets it answer."""
        html = await within(limits.LONGEST_ANSWER_SECONDS, "it gave no DOM", self.world.dom())
        assert self._main is not None
        rendered = html.encode("utf-8", "replace")
        captures.append(
            recorder.append_dom(url=self.page.url, moment=datetime.now(UTC), html=rendered, source=self._main)
        )
        return rendered

    def end(self) -> None:
        """Let go of the page and of what was not read."""
        self.page.remove_listener("request", self._asked)
        self.page.remove_listener("requestfinished", self._answered)
        self.page.remove_listener("requestfailed", self._answered)
        self.page.remove_listener("response", self._read)
        for _, _, task in self._readings:
            task.cancel()
        self._readings.clear()

    def _asked(self, request: PageRequest) -> None:
        if request.resource_type in _DATA:
            self.waiting.add(request)
        elif request.is_navigation_request() and request.frame == self.page.main_frame:
            self.navigations += 1

    def _answered(self, request: PageRequest) -> None:
        self.waiting.discard(request)

    def _read(self, response: PageResponse) -> None:
        if self._proxy is not None and self._proxy.stood_in(response.url, response.status):
            return
        moment = datetime.now(UTC)
        task = asyncio.ensure_future(exchange_of(response, moment))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._readings.append((response, moment, task))

    def _keep_answer(self, response: PageResponse, exchange: Exchange) -> None:
        kind = response.headers.get("content-type", "")
        request = response.request
        wanted = request.resource_type in _DATA and request.method == "GET" and exchange.status == 200
        if wanted and "json" in kind and exchange.body and not exchange.truncated:
            self.answers.append(JsonAnswer(request.url, kind, exchange.body))


async def within(seconds: float, otherwise: str, work: Awaitable[_T]) -> _T:
    """The work's result; TimeoutError with `otherwise` in it where it takes longer."""
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise TimeoutError(f"{otherwise} within {seconds:g} s") from None
