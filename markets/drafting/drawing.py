"""One page as Chromium draws it, for a look at a market whose pages are empty until their scripts have run."""

from __future__ import annotations

import contextlib

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout
from playwright.async_api import async_playwright

from crawler.chromium import launch_options, telling_line
from crawler.egress import ConnectProxy, Guard
from crawler.errors import RelicwatchError
from crawler.program import user_agent

_NOT_NEEDED = frozenset({"image", "media", "font"})
_OPEN_MS = 30_000
_QUIET_MS = 10_000


class DrawingFailed(RelicwatchError):
    """The browser could not open the page."""


async def draw(url: str, guard: Guard) -> bytes:
    """The page's tree once its requests have come to rest (at most 10 s), as UTF-8 HTML.

    Images, media and fonts are not asked for. Raises DrawingFailed, or what `launch_options` raises without Chromium.
    """
    async with ConnectProxy(guard) as proxy, async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(**launch_options(proxy.address))
            context = await browser.new_context(
                user_agent=user_agent(), service_workers="block", accept_downloads=False
            )
            page = await context.new_page()
            await page.route(
                "**/*",
                lambda route: route.abort() if route.request.resource_type in _NOT_NEEDED else route.continue_(),
            )
            await page.goto(url, timeout=_OPEN_MS, wait_until="domcontentloaded")
            with contextlib.suppress(PlaywrightTimeout):  # a page that never rests is read as it stands
                await page.wait_for_load_state("networkidle", timeout=_QUIET_MS)
            html = await page.content()
            await browser.close()
        except PlaywrightError as error:
            raise DrawingFailed(f"The browser could not open {url}: {telling_line(str(error))}.") from error
    return html.encode("utf-8", "replace")
