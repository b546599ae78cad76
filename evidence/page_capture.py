"""The capture job: one listing's page in a fresh browser, the originals of all its images, and all of it sealed.

Nothing is blocked but what the guard refuses. What the page does not give in time is left out and said so; only the
sealing at the end writes rows, so a job killed anywhere is simply run again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urldefrag, urljoin, urlsplit

import aiohttp
from playwright.async_api import Browser, BrowserContext, Frame, Page, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Request as PageRequest
from playwright.async_api import Response as PageResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.browser_exchange import exchange_of, exchange_read, head_alone
from crawler.chromium import ChromiumMissing, ChromiumRefused, launch_options, telling_line
from crawler.egress import ConnectProxy, EgressRefused, Guard, Refusal, refusal_in
from crawler.fetcher import RawResponse, as_written, begin_exchange, open_session, read_body
from crawler.home import Home
from crawler.items import Exchange
from crawler.program import program_info, user_agent
from crawler.robots import RobotsUnreadable, rules_in
from evidence.linked_pages import on_same_site, terms_pages
from evidence.sealing import AddedExchange, Addition, Derivative, SealingError, seal_listing, sealed_by_job
from evidence.segments import media_type_of
from evidence.surroundings import egress_ip, hosts_of, own_clock
from storage.audit import AuditChain
from storage.captures import REPORTED
from storage.database import Database
from storage.tables import Capture, Listing, Observation, Segment, Seller

logger = logging.getLogger(__name__)

REPORT_KIND = "capture_report"
VIEWPORT = (1366, 900)
LOCALE = "en-GB"
TIMEZONE = "UTC"
_HIGHEST_SCREENSHOT = 20_000
_MOST_REDIRECTS = 10
_ACCEPT_IMAGES = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8,*/*;q=0.5"
_ACCEPT_PAGES = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
_REDIRECTS = (301, 302, 303, 307, 308)

_SCROLL = """async () => {
    for (let step = 0; step < 40; step++) {
        const before = window.scrollY;
        window.scrollBy(0, window.innerHeight);
        await new Promise(done => setTimeout(done, 50));
        if (window.scrollY === before) break;
    }
    window.scrollTo(0, 0);
}"""
_HEIGHT = "() => Math.max(document.documentElement.scrollHeight, document.body ? document.body.scrollHeight : 0)"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """Bounds of one capture: seconds and bytes. What goes beyond is cut off and said so."""

    page_seconds: float = 45.0
    """For all that happens in the browser together."""
    load_seconds: float = 20.0
    rest_seconds: float = 5.0
    """To wait, after the load, for a page that still fetches."""
    step_seconds: float = 15.0
    image_seconds: float = 30.0
    image_bytes: int = 25 * 1024 * 1024
    images: int = 60
    linked_pause_seconds: float = 2.0
    """Before each of the linked pages: they are no part of what the market's own pace is owed for."""
    total_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """What a capture job got; stands in the database before this is returned."""

    listing_id: int
    segment_id: int
    state: str
    """COMPLETE, PARTIAL (something is missing, see `reason`) or FAILED (the page itself was not to be had)."""
    reason: str | None
    refused: tuple[Refusal, ...]
    exchanges: int
    """How many exchanges this capture added to the evidence file (the copies out of transit not counted)."""
    derivatives: tuple[str, ...]


@dataclass(slots=True)
class _Collected:
    """What the browser and the fetcher gave so far; kept outside every time limit, so that a limit loses nothing."""

    exchanges: list[AddedExchange] = field(default_factory=list)
    derivatives: list[Derivative] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    page: AddedExchange | None = None
    page_failed: bool = False
    """The browser could not show the page; what it had received of it before is kept all the same."""
    browser: str | None = None
    final_url: str | None = None
    clock: dict[str, Any] = field(default_factory=own_clock)
    hosts: list[dict[str, Any]] = field(default_factory=list)
    linked: list[dict[str, str]] = field(default_factory=list)
    """The seller's page and the terms: what they are and where they stand."""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: dict[str, float] = field(default_factory=dict)
    """What each step took; images and linked pages of other hosts are fetched at the same time."""

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(time.monotonic() - start, 3)

    @property
    def state(self) -> str:
        if self.page_failed and (self.page is None or self.page.exchange.truncated):
            return "FAILED"
        return "PARTIAL" if self.problems or self.refused else "COMPLETE"

    @property
    def reason(self) -> str | None:
        sentences = list(self.problems)
        if self.refused:
            listed = ", ".join(f"{one.target} ({one.rule})" for one in self.refused)
            sentences.append(f"The guard refused {len(self.refused)} requests: {listed}.")
        return " ".join(sentences) or None

    def refuse(self, target: str, rule: str) -> None:
        refusal = Refusal(target, rule)
        if refusal not in self.refused:
            self.refused.append(refusal)


def capture_listing(
    database: Database,
    home: Home,
    listing_id: int,
    *,
    job_id: int | None,
    actor: str,
    chain: AuditChain,
    guard: Guard,
    open_page: bool = True,
    wait: Callable[[], None] | None = None,
    limits: CaptureLimits | None = None,
) -> CaptureResult:
    """Capture the listing's page and images and seal them with what transit holds of it.

    `wait` is called once before the market is first asked for anything: it holds back until the market's pace allows.
    Without `open_page` (the market's terms bar automated views of its pages), or without a Chromium that starts and
    may, the images and the transit records are sealed and the state is PARTIAL. Run again for the same job it gives the
    first run's result. Raises SealingError for an unknown listing, EvidenceDamaged and StoreError as `seal_listing`
    does.
    """
    limits = limits or CaptureLimits()
    with database.session() as session:
        listing = session.get(Listing, listing_id)
        if listing is None:
            raise SealingError(f"There is no listing {listing_id}.")
        done = sealed_by_job(session, listing, job_id)
        if done is not None:
            return _result_of(session, listing, done, job_id)
        images = _image_urls(session, listing)
        seller_page = _seller_page(session, listing)
    if wait is not None:
        wait()
    collected = asyncio.run(_collect(listing.url, images, seller_page, guard, limits, open_page=open_page))
    additions = _additions(collected, listing.url)
    segment_id = seal_listing(database, home, listing_id, job_id=job_id, actor=actor, chain=chain, extra=additions)
    assert segment_id is not None, "the report alone makes an evidence file"
    return CaptureResult(
        listing_id=listing_id,
        segment_id=segment_id,
        state=collected.state,
        reason=collected.reason,
        refused=tuple(collected.refused),
        exchanges=len(collected.exchanges),
        derivatives=tuple(one.kind for one in collected.derivatives),
    )


def _image_urls(session: Session, listing: Listing) -> list[str]:
    """Every image address of the listing's current observation, absolute, without repeats."""
    if listing.current_observation_id is None:
        return []
    observation = session.get_one(Observation, listing.current_observation_id)
    return list(dict.fromkeys(urldefrag(urljoin(listing.url, str(url))).url for url in observation.images))


def _seller_page(session: Session, listing: Listing) -> str | None:
    """The seller's own page on the market, where the listing showed one."""
    if listing.current_observation_id is None:
        return None
    seller_id = session.get_one(Observation, listing.current_observation_id).seller_id
    seller = session.get(Seller, seller_id) if seller_id is not None else None
    return seller.url if seller is not None and seller.url and on_same_site(seller.url, listing.url) else None


def _result_of(session: Session, listing: Listing, segment: Segment, job_id: int | None) -> CaptureResult:
    """The result of a run that was sealed before, read from its rows."""
    rows = list(
        session.scalars(
            select(Capture).where(Capture.job_id == job_id, Capture.listing_id == listing.id).order_by(Capture.id)
        )
    )
    report = next((row for row in rows if row.kind == REPORT_KIND), None)
    return CaptureResult(
        listing_id=listing.id,
        segment_id=segment.id,
        state=report.state if report is not None else "COMPLETE",
        reason=report.note if report is not None else None,
        refused=(),
        exchanges=sum(row.kind == "exchange" and row.source_id is None for row in rows),
        derivatives=tuple(row.kind for row in rows if row.kind not in ("exchange", REPORT_KIND)),
    )


def _additions(collected: _Collected, url: str) -> list[Addition]:
    """What goes into the evidence file; the page's own exchange carries the state of the whole capture. # EV-14"""
    if collected.page is not None:
        place = collected.exchanges.index(collected.page)
        collected.page = replace(collected.page, state=collected.state, note=collected.reason)
        collected.exchanges[place] = collected.page
    report = {
        "url": url,
        "final_url": collected.final_url,
        "state": collected.state,
        "reason": collected.reason,
        "refused": [asdict(one) for one in collected.refused],
        "problems": collected.problems,
        "started_at": collected.started_at.isoformat(),
        "ended_at": datetime.now(UTC).isoformat(),
        "browser": collected.browser,
        "user_agent": user_agent(),
        "viewport": list(VIEWPORT),
        "locale": LOCALE,
        "timezone": TIMEZONE,
        "program": program_info().label,
        "commit": program_info().commit,
        "egress_ip": egress_ip(),
        "clock": collected.clock,
        "hosts": collected.hosts,
        "linked_pages": collected.linked,
        "seconds": collected.seconds,
    }
    body = json.dumps(report, ensure_ascii=False, indent=1, sort_keys=True).encode()
    told = Derivative(
        kind=REPORT_KIND,
        url=url,
        captured_at=datetime.now(UTC),
        media_type="application/json",
        body=body,
        note=collected.reason or REPORTED,
        of=collected.page,
        state=collected.state,
        in_warc=True,
    )
    derivatives = [replace(one, of=collected.page) for one in collected.derivatives]
    return [*collected.exchanges, *derivatives, told]


async def _collect(
    url: str, images: list[str], seller_page: str | None, guard: Guard, limits: CaptureLimits, *, open_page: bool
) -> _Collected:
    collected = _Collected()
    if open_page:
        with collected.timed("page"):
            await _try_page(url, guard, limits, collected)
    else:
        collected.problems.append("The page itself was not opened: this market is read through its official API only.")
    seen = {one.exchange.url for one in collected.exchanges if _is_whole(one.exchange)}
    wanted = [one for one in images if one not in seen]
    market = collected.final_url or url
    shared = any(urlsplit(one).hostname == urlsplit(market).hostname for one in wanted)

    async def fetch_images() -> None:
        with collected.timed("images"):
            await _collect_images(wanted, guard, limits, collected)

    async def fetch_linked() -> None:
        with collected.timed("linked pages"):
            if open_page and collected.page is not None:
                await _collect_linked(market, seller_page, guard, limits, collected)

    if shared:  # one after the other, so that the market is not asked for two things at once
        await fetch_images()
        await fetch_linked()
    else:
        await asyncio.gather(fetch_images(), fetch_linked())
    fetched = [one.exchange.url for one in collected.exchanges]
    with collected.timed("names and certificates"):
        collected.hosts = await asyncio.to_thread(hosts_of, [url, *fetched], guard)
    return collected


async def _try_page(url: str, guard: Guard, limits: CaptureLimits, collected: _Collected) -> None:
    try:
        options = launch_options()
    except (ChromiumMissing, ChromiumRefused) as error:
        collected.problems.append(f"The page was not rendered: {error}")
    else:
        await _collect_page(url, guard, limits, options, collected)


def _is_whole(exchange: Exchange) -> bool:
    return exchange.status == 200 and not exchange.truncated and bool(exchange.body)


# -- in the browser ---------------------------------------------------------------------------------------------


async def _collect_page(
    url: str, guard: Guard, limits: CaptureLimits, options: dict[str, Any], collected: _Collected
) -> None:
    try:
        guard.check_url(url)
    except EgressRefused as refused:
        collected.page_failed = True
        collected.refuse(url, refused.rule)
        return
    async with ConnectProxy(guard, most_bytes=limits.total_bytes) as proxy, async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(**launch_options(proxy.address))
        except PlaywrightError as error:
            executable = options["executable_path"]
            reason = telling_line(str(error)).removeprefix(f"{executable}: ")
            collected.problems.append(f"Chromium ({executable}) did not start: {reason}.")
            return
        try:
            collected.browser = f"Chromium {browser.version}"
            await _Visit(browser, proxy, limits, collected).run(url)
        finally:
            # A browser that does not end by itself is killed when Playwright goes, just after this.
            await _within(browser.close(), 10.0)
        _note_proxy(proxy, collected)


def _note_proxy(proxy: ConnectProxy, collected: _Collected) -> None:
    """What the proxy refused and no failed request of the page has named by its full address yet."""
    named = {_host_port(one.target) for one in collected.refused}
    for refusal in proxy.refused:
        if _host_port(refusal.target) not in named:
            collected.refuse(refusal.target, refusal.rule)


def _host_port(target: str) -> str:
    if "://" not in target:
        return target.lower()
    parts = urlsplit(target)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or {'https': 443}.get(parts.scheme, 80)}"


class _Visit:
    """One page in one fresh context, from its first request to its last picture."""

    def __init__(self, browser: Browser, proxy: ConnectProxy, limits: CaptureLimits, collected: _Collected) -> None:
        self._browser = browser
        self._proxy = proxy
        self._limits = limits
        self._collected = collected
        self._deadline = time.monotonic() + limits.page_seconds
        self._started: dict[PageRequest, datetime] = {}
        self._readings: list[tuple[PageResponse, datetime, asyncio.Task[Exchange]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._page_frame: Frame | None = None
        self._crashed = False

    async def run(self, url: str) -> None:
        page = await self._step("opening a window", self._fresh_page())
        if page is None:
            self._collected.page_failed = True
            return
        await self._open(page, url)
        if not self._collected.page_failed:
            await self._step("scrolling to the end", page.evaluate(_SCROLL))
            await self._rest(page)
            await self._depict(page)
        await self._finish_reading()
        await _within(page.context.close(), 5.0)

    async def _fresh_page(self) -> Page:
        context = await self._browser.new_context(
            user_agent=user_agent(),
            viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]},
            locale=LOCALE,
            timezone_id=TIMEZONE,
            accept_downloads=False,
            service_workers="block",
            permissions=[],
        )
        page = await context.new_page()
        self._page_frame = page.main_frame
        self._listen(context, page)
        return page

    def _listen(self, context: BrowserContext, page: Page) -> None:
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failed)
        context.on("page", lambda other: self._spawn(_within(other.close(), 5.0)) if other is not page else None)
        context.on("dialog", lambda dialog: self._spawn(_within(dialog.dismiss(), 5.0)))
        page.on("download", lambda download: self._spawn(_within(download.cancel(), 5.0)))
        page.on("crash", self._on_crash)

    def _spawn(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_request(self, request: PageRequest) -> None:
        self._started[request] = datetime.now(UTC)

    def _on_response(self, response: PageResponse) -> None:
        """Begin to read the body at once: a page that crashes takes along all that is still unread."""
        if urlsplit(response.url).scheme in ("http", "https"):
            moment = self._started.get(response.request) or datetime.now(UTC)
            task = asyncio.ensure_future(exchange_of(response, moment))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._readings.append((response, moment, task))

    def _on_crash(self, _page: Page) -> None:
        self._crashed = True
        self._collected.problems.append("The page crashed in the browser.")

    def _on_failed(self, request: PageRequest) -> None:
        place = _host_port(request.url)
        for refusal in self._proxy.refused:
            if refusal.target == request.url or _host_port(refusal.target) == place:
                self._collected.refuse(request.url, refusal.rule)
                return
        scheme = urlsplit(request.url).scheme
        if scheme not in ("http", "https", "data", "blob"):
            self._collected.refuse(request.url, "scheme is not http or https")
        elif request.failure != "net::ERR_ABORTED" and scheme not in ("data", "blob"):  # the page itself took it back
            self._collected.problems.append(f"{request.url} could not be fetched ({request.failure}).")

    def _keep(self, response: PageResponse, moment: datetime, reading: asyncio.Task[Exchange]) -> None:
        """Keep a response as it was read; of one that was not, what its head says. # EV-7"""
        request = response.request
        if self._is_the_proxys(request, response):
            return
        exchange = exchange_read(reading) or head_alone(response, moment, "disconnect" if self._crashed else "time")
        parts = urlsplit(request.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        exchange.server_ip = self._proxy.peers.get((parts.hostname or "", port))
        state, note = "COMPLETE", None
        if exchange.truncated:
            state, note = "PARTIAL", "The browser no longer had the body."
            if not request.failure:  # that is told already
                self._collected.problems.append(f"The body of {request.url} was no longer to be had from the browser.")
        exchange.response_head = _as_utf8(exchange.response_head, media_type_of(exchange.response_head) or "")
        added = AddedExchange(exchange, state, note)
        self._collected.exchanges.append(added)
        if request.is_navigation_request() and response.frame is self._page_frame and response.ok:
            self._collected.page = added

    def _is_the_proxys(self, request: PageRequest, response: PageResponse) -> bool:
        """Whether this is our own proxy's answer in place of the server's: noted, and never kept as an exchange."""
        target = urldefrag(request.url).url
        if response.status == 403:
            for refusal in self._proxy.refused:
                if refusal.target == target:
                    self._collected.refuse(request.url, refusal.rule)
                    return True
        if response.status == 502:
            for failure in self._proxy.failed:
                if failure.target == target:
                    self._collected.problems.append(f"{request.url} could not be fetched ({failure.rule}).")
                    return True
        return False

    async def _open(self, page: Page, url: str) -> None:
        limit = min(self._limits.load_seconds, self._left())
        try:
            response = await page.goto(url, wait_until="load", timeout=limit * 1000)
        except PlaywrightError as error:
            if "Timeout" not in str(error):
                self._collected.page_failed = True
                self._collected.problems.append(f"The page could not be opened: {_first_line(error)}.")
                return
            self._collected.problems.append(f"The page had not finished loading after {limit:g} s.")
            self._collected.page_failed = page.url == "about:blank"
            return
        self._collected.final_url = page.url
        if response is not None and self._is_the_proxys(response.request, response):
            self._collected.page_failed = True
        elif response is not None and not response.ok:
            self._collected.problems.append(f"The market answered {response.status} for the page.")

    async def _rest(self, page: Page) -> None:
        """Give what the scrolling asked for a moment to arrive; a page that never rests is taken as it stands."""
        limit = min(self._limits.rest_seconds, self._left())
        try:
            await page.wait_for_load_state("networkidle", timeout=limit * 1000)
        except PlaywrightError:
            self._collected.problems.append(f"The page still fetched {limit:g} s after its load.")

    async def _depict(self, page: Page) -> None:
        """DOM, both screenshots and PDF, each for itself: one that fails does not cost the others."""
        dom = await self._step("reading the DOM", page.content())
        if dom is not None:
            self._derive(page, "dom", "text/html; charset=utf-8", dom.encode(), in_warc=True)
        viewport = await self._step("the screenshot of the window", page.screenshot(type="png"))
        if viewport is not None:
            self._derive(page, "screenshot_viewport", "image/png", viewport)
        whole = await self._step("the screenshot of the whole page", self._whole_page(page))
        if whole is not None:
            self._derive(page, "screenshot", "image/png", whole)
        pdf = await self._step("the PDF", page.pdf(print_background=True, format="A4"))
        if pdf is not None:
            self._derive(page, "pdf", "application/pdf", pdf)

    async def _whole_page(self, page: Page) -> bytes:
        height = int(await page.evaluate(_HEIGHT))
        if height <= _HIGHEST_SCREENSHOT:
            return await page.screenshot(type="png", full_page=True)
        self._collected.problems.append(
            f"The page is {height} pixels high; its screenshot shows the first {_HIGHEST_SCREENSHOT}."
        )
        clip = {"x": 0.0, "y": 0.0, "width": float(VIEWPORT[0]), "height": float(_HIGHEST_SCREENSHOT)}
        return await page.screenshot(type="png", full_page=True, clip=clip)  # type: ignore[arg-type]

    def _derive(self, page: Page, kind: str, media_type: str, body: bytes, *, in_warc: bool = False) -> None:
        self._collected.derivatives.append(
            Derivative(
                kind=kind,
                url=page.url,
                captured_at=datetime.now(UTC),
                media_type=media_type,
                body=body,
                note=f"rendered by {self._collected.browser}, window {VIEWPORT[0]} x {VIEWPORT[1]}",
                in_warc=in_warc,
            )
        )

    async def _step(self, what: str, work: Awaitable[_T]) -> _T | None:
        limit = min(self._limits.step_seconds, self._left())
        try:
            return await asyncio.wait_for(work, limit)
        except TimeoutError:
            self._collected.problems.append(f"The page gave no answer to {what} within {limit:.0f} s.")
        except PlaywrightError as error:
            self._collected.problems.append(f"There is no result of {what}: {_first_line(error)}.")
        return None

    async def _finish_reading(self) -> None:
        """Wait for bodies still being read, let go of what is stuck, and keep every response in its order."""
        reading = [task for _, _, task in self._readings]
        under_way = {*self._tasks, *reading}
        if under_way:
            _, stuck = await asyncio.wait(under_way, timeout=max(1.0, min(10.0, self._left())))
            unread = sum(task in stuck for task in reading)
            if unread:
                self._collected.problems.append(f"{unread} bodies were not read in time.")
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        for response, moment, task in self._readings:
            self._keep(response, moment, task)

    def _left(self) -> float:
        return max(0.1, self._deadline - time.monotonic())


async def _within(work: Awaitable[Any], seconds: float) -> None:
    """Wait for tidying up that may hang in a broken browser; what it says no longer matters."""
    try:
        await asyncio.wait_for(work, seconds)
    except (TimeoutError, PlaywrightError) as error:
        logger.info("The browser did not tidy up: %s", error or "no answer in time")


async def _quietly(work: Awaitable[Any]) -> None:
    try:
        await work
    except PlaywrightError as error:
        logger.info("The browser took back what it had announced: %s", _first_line(error))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _as_utf8(head: bytes, media_type: str) -> bytes:
    """The head with the charset that the body now has: Chromium hands out text as UTF-8 whatever was served.

    What was served stands under x-orig-content-type; the bytes as received are the HTTP path's record.
    """
    if not (media_type.startswith("text/") or media_type.endswith(("javascript", "json", "xml"))):
        return head
    lines = head.split(b"\r\n")
    for place, line in enumerate(lines[1:], 1):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type" and b"utf-8" not in value.lower():
            lines[place] = f"Content-Type: {media_type}; charset=utf-8".encode("latin-1")
            lines.insert(place + 1, b"x-orig-content-type:" + value)
            break
    return b"\r\n".join(lines)


# -- images over HTTP -------------------------------------------------------------------------------------------


async def _collect_images(urls: Iterable[str], guard: Guard, limits: CaptureLimits, collected: _Collected) -> None:
    """The images that the browser did not show, as received, one after the other."""
    wanted = list(urls)
    if len(wanted) > limits.images:
        collected.problems.append(f"Of {len(wanted)} images {limits.images} were fetched.")
    async with open_session(guard) as session:
        for url in wanted[: limits.images]:
            if sum(len(one.exchange.body) for one in collected.exchanges) > limits.total_bytes:
                collected.problems.append(
                    f"The rest of the images were left: {limits.total_bytes} bytes are the limit."
                )
                return
            await _collect_image(session, url, guard, limits, collected)


async def _collect_image(
    session: aiohttp.ClientSession, url: str, guard: Guard, limits: CaptureLimits, collected: _Collected
) -> None:
    """One image and the redirects before it, each a record."""
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            guard.check_url(url)
            exchange = await _fetch(session, url, limits)
        except (EgressRefused, aiohttp.ClientError, OSError, TimeoutError) as error:
            refused = refusal_in(error)
            if refused is not None:
                collected.refuse(url, refused.rule)
            else:
                collected.problems.append(f"The image {url} could not be fetched ({error or type(error).__name__}).")
            return
        note = None
        if exchange.truncated:
            note = f"cut off after {len(exchange.body)} bytes ({exchange.truncated})"
            collected.problems.append(f"The image {url} was {note}.")
        collected.exchanges.append(AddedExchange(exchange, "PARTIAL" if note else "COMPLETE", note))
        location = _location(exchange)
        if location is None:
            if exchange.status != 200:
                collected.problems.append(f"The market answered {exchange.status} for the image {url}.")
            return
        url = urldefrag(urljoin(url, location)).url
    collected.problems.append(f"The image {url} redirects more than {_MOST_REDIRECTS} times.")


async def _collect_linked(
    url: str, seller_page: str | None, guard: Guard, limits: CaptureLimits, collected: _Collected
) -> None:
    """The seller's page and the site's terms over HTTP, each once, as far as robots.txt lets us; never a reason for
    PARTIAL: what they say is beside the offer."""
    rendered = next((one.body for one in collected.derivatives if one.kind == "dom"), None)
    wanted = [("seller", seller_page)] if seller_page else []
    if rendered is not None:
        wanted += [("terms", one) for one in terms_pages(rendered.decode("utf-8", "replace"), url)]
    seen = {one.exchange.url for one in collected.exchanges}
    wanted = [(what, target) for what, target in wanted if target not in seen]
    if not wanted:
        return
    async with open_session(guard) as session:
        try:
            robots = await _fetch(session, urljoin(url, "/robots.txt"), limits, _ACCEPT_PAGES)
            rules = rules_in(robots.status, robots.body)
        except (RobotsUnreadable, EgressRefused, aiohttp.ClientError, OSError, TimeoutError) as error:
            logger.info("Linked pages of %s were left: robots.txt could not be read (%s).", url, error)
            return
        for what, target in wanted:
            if not rules.allowed(target):
                continue
            try:
                guard.check_url(target)
                await asyncio.sleep(limits.linked_pause_seconds)
                exchange = await _fetch(session, target, limits, _ACCEPT_PAGES)
            except (EgressRefused, aiohttp.ClientError, OSError, TimeoutError) as error:
                logger.info("The %s page %s could not be fetched (%s).", what, target, error)
                continue
            note = f"cut off after {len(exchange.body)} bytes ({exchange.truncated})" if exchange.truncated else None
            collected.exchanges.append(AddedExchange(exchange, "PARTIAL" if note else "COMPLETE", note))
            collected.linked.append({"what": what, "url": target})


async def _fetch(
    session: aiohttp.ClientSession, url: str, limits: CaptureLimits, accept: str = _ACCEPT_IMAGES
) -> Exchange:
    started_at = datetime.now(UTC)
    headers = {"User-Agent": user_agent(), "Accept": accept, "Accept-Encoding": "gzip, deflate"}
    exchange: Exchange | None = None
    try:
        async with asyncio.timeout(limits.image_seconds):
            response = await session.get(as_written(url), headers=headers, allow_redirects=False)
            assert isinstance(response, RawResponse)
            exchange = begin_exchange(response, url, b"", started_at)
            exchange.truncated = await read_body(response, exchange, limits.image_bytes)
    except TimeoutError:
        if exchange is None:
            raise
        exchange.truncated = "time"
    return exchange


def _location(exchange: Exchange) -> str | None:
    if exchange.status not in _REDIRECTS:
        return None
    for line in exchange.response_head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"location":
            return value.strip().decode("utf-8", "replace")
    return None
