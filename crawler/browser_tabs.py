"""The browser of a crawl and its tabs: reused from page to page, replaced when they are old, stuck or crashed.

A tab is a browser context of its own with one page in it. Between two pages it goes to about:blank and its cookies and
its stored data are cleared: each page is asked for as by a first visitor, like over HTTP, and tabs never share state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from playwright.async_api import Browser, BrowserContext, CDPSession, Dialog, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from crawler import browser_limits as limits
from crawler.browser_blocking import ARGUMENTS, blocked_addresses
from crawler.browser_load import within
from crawler.browser_world import OwnWorld
from crawler.chromium import launch_options
from crawler.program import user_agent

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Engine:
    """A browser and the driver that speaks to it. They end together: what a driver keeps of pages grows with them, and
    one that lost its browser, or is lost itself, is not trusted with another."""

    driver: Playwright
    browser: Browser
    tabs: int = 0
    """Those open now."""
    shown: int = 0
    """Pages, by all its tabs."""
    ended: bool = False

    @property
    def is_fit(self) -> bool:
        return self.browser.is_connected() and self.shown < limits.PAGES_OF_A_BROWSER

    async def end(self) -> None:
        """Once is enough; a second call does nothing."""
        if self.ended:
            return
        self.ended = True
        with contextlib.suppress(Exception):  # whatever state they are in, another is started
            await within(limits.LONGEST_RESET_SECONDS, "it does not close", self.browser.close())
        with contextlib.suppress(Exception):
            await within(limits.LONGEST_RESET_SECONDS, "it does not stop", self.driver.stop())


@dataclass(slots=True)
class Tab:
    """A page, its context, and the line to the engine behind it."""

    engine: Engine
    context: BrowserContext
    page: Page
    session: CDPSession
    world: OwnWorld
    shown: int = 0
    crashed: bool = False

    def note_crash(self) -> None:
        self.crashed = True
        self.world.note_crash()


class Tabs:
    """At most `most` tabs of one Chromium, which is started with the first, and anew after a crash or many pages."""

    def __init__(self, proxy_address: str, most: int) -> None:
        """Raises ChromiumMissing or ChromiumRefused where no browser may be started here."""
        self._options = launch_options(proxy_address)
        self._options["args"] += ARGUMENTS
        self._free = asyncio.Semaphore(most)
        self._idle: list[Tab] = []
        self._starting = asyncio.Lock()
        self._engine: Engine | None = None
        """The one that new tabs open in; one before it lasts until its last tab is given back."""
        self._putting_back: set[asyncio.Task[None]] = set()
        self.starts = 0
        """How often the browser was started."""

    async def take(self) -> Tab:
        """A blank tab, waiting for one to come free; `give_back` it. Raises playwright's Error where none opens."""
        await self._free.acquire()
        try:
            while self._idle:
                tab = self._idle.pop()
                if tab.engine.is_fit and not tab.page.is_closed() and not tab.crashed:
                    return tab
                await self._close(tab)  # its process was ended while it lay idle, or its browser has had its time
            return await self._open()
        except BaseException:
            self._free.release()
            raise

    def give_back(self, tab: Tab, *, fit: bool) -> None:
        """Clean the tab for the next page, in the background; one that is not `fit` for it is closed."""
        tab.shown += 1
        tab.engine.shown += 1
        task = asyncio.get_running_loop().create_task(self._put_back(tab, fit and tab.shown < limits.PAGES_OF_A_TAB))
        self._putting_back.add(task)
        task.add_done_callback(self._putting_back.discard)

    async def close(self) -> None:
        """End the browser and everything in it."""
        if self._putting_back:
            await asyncio.wait(self._putting_back, timeout=2 * limits.LONGEST_RESET_SECONDS)
        await self._end_engine()
        for engine in {tab.engine for tab in self._idle}:
            await engine.end()

    async def _put_back(self, tab: Tab, fit: bool) -> None:
        try:
            if fit and tab.engine.is_fit and await _cleaned(tab):
                self._idle.append(tab)
                return
            connected = tab.engine.browser.is_connected()
            if not await self._close(tab) and connected:
                logger.warning("A tab of the browser does not close: the browser is started anew.")
                async with self._starting:
                    if self._engine is tab.engine:
                        await self._end_engine()
        finally:
            self._free.release()

    async def _close(self, tab: Tab) -> bool:
        """Close the tab, and its engine where that has had its time and this was its last; whether the tab is gone."""
        gone = not tab.engine.browser.is_connected() or await _closed(tab)
        await self._leave(tab.engine)
        return gone

    async def _leave(self, engine: Engine) -> None:
        engine.tabs -= 1
        if engine is not self._engine and engine.tabs <= 0:
            await engine.end()

    async def _open(self) -> Tab:
        engine = await self._running()
        engine.tabs += 1
        context: BrowserContext | None = None
        try:
            context = await engine.browser.new_context(
                user_agent=user_agent(), service_workers="block", accept_downloads=False, permissions=[]
            )
            page = await context.new_page()
            session = await context.new_cdp_session(page)
            await session.send("Network.enable")
            await session.send("Network.setCacheDisabled", {"cacheDisabled": True})  # each page is recorded whole
            await session.send("Network.setBlockedURLs", {"urls": blocked_addresses()})
            frame = (await session.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]  # for good, whatever it shows
        except BaseException:
            with contextlib.suppress(PlaywrightError, TimeoutError):
                if context is not None:
                    await within(limits.LONGEST_RESET_SECONDS, "it does not close", context.close())
            await self._leave(engine)
            raise
        context.on("page", _close_popup)
        page.on("dialog", _dismiss)
        page.on("filechooser", _ignore)  # listened to, so that none opens
        tab = Tab(engine, context, page, session, OwnWorld(session, frame))
        page.on("crash", lambda _page: tab.note_crash())
        return tab

    async def _running(self) -> Engine:
        async with self._starting:
            engine = self._engine
            if engine is not None and engine.is_fit:
                return engine
            if engine is not None and not engine.browser.is_connected():
                logger.warning("The browser went away: it is started anew.")
                await self._end_engine()
            elif engine is not None:
                self._engine = None
                if engine.tabs <= 0:
                    await engine.end()
            driver = await async_playwright().start()
            try:
                self._engine = Engine(driver, await driver.chromium.launch(**self._options))
            except BaseException:
                await driver.stop()
                raise
            self.starts += 1
            return self._engine

    async def _end_engine(self) -> None:
        engine, self._engine = self._engine, None
        self._idle = [tab for tab in self._idle if tab.engine is not engine]
        if engine is not None:
            await engine.end()


async def _cleaned(tab: Tab) -> bool:
    """Whether nothing of the page that the tab showed is left in it."""
    try:
        async with asyncio.timeout(limits.LONGEST_RESET_SECONDS):
            await tab.page.goto("about:blank")
            await tab.world.run("() => { window.name = ''; }")  # it is the tab's, and outlives its pages
            # Of this context alone, and of every origin in it: frames of others keep data too.
            await tab.session.send("Network.clearBrowserCookies")
            await tab.session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    except (PlaywrightError, TimeoutError) as error:
        logger.info("A tab could not be cleaned, so it is closed (%s).", str(error).partition("\n")[0])
        await _closed(tab)
        return False
    return True


async def _closed(tab: Tab) -> bool:
    """Close the tab, by ending its process where its script never ends; whether it is gone."""
    for way in (tab.page.close, lambda: tab.session.send("Page.crash")):
        with contextlib.suppress(PlaywrightError, TimeoutError):
            await within(limits.LONGEST_ANSWER_SECONDS, "it does not close", way())
            break
    try:
        await within(limits.LONGEST_ANSWER_SECONDS, "it does not close", tab.context.close())
    except TimeoutError:
        return False
    except PlaywrightError:
        pass  # it is gone already
    return True


async def _dismiss(dialog: Dialog) -> None:
    with contextlib.suppress(PlaywrightError):
        await (dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss())


async def _close_popup(page: Page) -> None:
    with contextlib.suppress(PlaywrightError):
        await page.close()


def _ignore(_event: object) -> None:
    """Nothing is chosen: no file of ours goes anywhere."""
