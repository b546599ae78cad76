"""robots.txt as RFC 9309 reads it: a server that fails to answer it (5xx, unreachable) is not crawled.

Scrapy's own middleware and Protego do most of it; here stands what they do otherwise.
"""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import quote, urlsplit

from protego import Protego
from scrapy import Request
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import RobotParser
from scrapy.utils.python import to_unicode
from twisted.internet.defer import Deferred

from crawler.egress import EgressRefused
from crawler.program import NAME
from crawler.recording import CaptureFailed
from crawler.retry import CrawlStopped, pauses_of

MOST_REDIRECTS = 5
MOST_PARSED_BYTES = 1024 * 1024
"""What stands behind is not read; the RFC asks for 500 KiB at least."""
LONGEST_KEPT_SECONDS = 24 * 3600.0
LONGEST_CRAWL_DELAY_SECONDS = 300.0
"""Where a site asks for a longer pause between two requests, a crawl would never end: it is not begun."""

_NOTHING_ALLOWED = b"User-agent: *\nDisallow: /\n"
_LINE = re.compile(r"\r\n|\r|\n")
_OTHER_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_AGENT_LINE = re.compile(r"\s*user[- ]?agent\s*:\s*([^#]*)", re.IGNORECASE)
_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")
_NOBODY = "-"
"""An agent that we are not."""


class RobotsRules(RobotParser):
    """The rules of one robots.txt for this program, which every group names by its product token alone."""

    def __init__(self, body: bytes) -> None:
        self._rules = Protego.parse(_as_protego_reads(body))

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> RobotsRules:
        return cls(robotstxt_body)

    def allowed(self, url: str | bytes, user_agent: str | bytes = NAME) -> bool:
        """Whether this program may ask for the page; whatever user agent is given, we are asked by our own name."""
        return bool(self._rules.can_fetch(to_unicode(url), NAME))

    def crawl_delay(self, user_agent: str | bytes = NAME) -> float | None:
        """Seconds between requests that the site asks of us, where it does."""
        return self._rules.crawl_delay(NAME)


class RobotsUnreadable(Exception):
    """An answer for robots.txt from which nothing may be asked for; the text says why in a clause."""

    def __init__(self, why: str, advice: str = "; try again later") -> None:
        super().__init__(why)
        self.advice = advice
        """What to do, to be put behind the sentence."""


def rules_in(status: int, body: bytes) -> RobotsRules:
    """The rules that the answer for a robots.txt gives; where there is none (4xx), all is allowed.

    Raises RobotsUnreadable for an answer that says nothing for now, and for a pause that no crawl can keep.
    """
    if status >= 500 or status == 429:  # busy is no permission, whatever its hundred
        raise RobotsUnreadable(f"HTTP {status}")
    if status >= 400:
        return RobotsRules(b"")
    if status >= 300:
        raise RobotsUnreadable(f"HTTP {status}, a redirect that leads nowhere")
    rules = RobotsRules(body)
    delay = rules.crawl_delay() or 0.0
    if delay > LONGEST_CRAWL_DELAY_SECONDS:
        why = f"it asks for {delay:.0f} s between two requests (Crawl-delay), more than a crawl can keep"
        raise RobotsUnreadable(why, ": ask the market for leave, or use its API")
    return rules


def _as_protego_reads(body: bytes) -> str:
    """The text with the agents of each group made plain.

    The RFC compares the product token, whole and whatever its case; Protego finds `relic` in `relicwatch`, does not
    find `relicwatch/2.0`, and would look into a contact address too. It also breaks lines where the RFC does not.
    """
    text = body[:MOST_PARSED_BYTES].decode("utf-8-sig", "replace")
    lines = _LINE.split(text)
    if len(body) > MOST_PARSED_BYTES:
        lines.pop()  # half a line could forbid or allow what the whole does not
    return "\n".join(_OTHER_LINE_ENDS.sub(lambda c: quote(c.group()), _plain_agent(line)) for line in lines)


def _plain_agent(line: str) -> str:
    found = _AGENT_LINE.match(line)
    if found is None:
        return line
    name = found.group(1).strip()
    if name.startswith("*"):
        return "User-agent: *"
    token = _PRODUCT_TOKEN.match(name)
    return f"User-agent: {NAME if token and token.group().lower() == NAME else _NOBODY}"


class RobotsForbid(IgnoreRequest):
    """robots.txt keeps us from this page; the text says whether it forbids it or could not be read."""


class Rfc9309Middleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt middleware, but for failures: Scrapy takes those for permission, the RFC for refusal."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self._pauses = pauses_of(crawler)
        self._unreadable: dict[str, str] = {}
        self._advice: dict[str, str] = {}
        self._not_kept: dict[str, CaptureFailed | CrawlStopped] = {}
        self._read_at: dict[str, float] = {}

    def process_request_2(self, rp: Any, request: Request) -> None:
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            netloc = request.url.split("/", 3)[2]
            if netloc in self._not_kept:  # nothing that the market did: the page stays pending
                raise self._not_kept[netloc] from error
            why = self._unreadable.get(netloc)
            raise RobotsForbid(
                f"robots.txt of {netloc} could not be read ({why}), so nothing there is fetched{self._advice[netloc]}"
                if why
                else f"robots.txt of {netloc} does not allow this page"
            ) from error

    async def robot_parser(self, request: Request) -> Any:
        """The rules of the request's host: asked for once, and again when they are a day old."""
        netloc = urlsplit(request.url).netloc
        kept = self._parsers.get(netloc)
        if kept is not None and not isinstance(kept, Deferred):
            if time.monotonic() - self._read_at[netloc] < LONGEST_KEPT_SECONDS:
                return kept
            del self._parsers[netloc]
            self._unreadable.pop(netloc, None)
        if netloc not in self._parsers:
            await self._ask(request, netloc)
        return await super().robot_parser(request)

    async def _ask(self, request: Request, netloc: str) -> None:
        self._parsers[netloc] = Deferred()
        self._read_at[netloc] = time.monotonic()
        robots = Request(
            f"{urlsplit(request.url).scheme}://{netloc}/robots.txt",
            priority=self.DOWNLOAD_PRIORITY,
            meta={"dont_obey_robotstxt": True, "redirect_ttl": MOST_REDIRECTS},
            callback=NO_CALLBACK,
        )
        try:
            response = await self.crawler.engine.download_async(robots)
            await self._parse_robots(response, netloc, request)
        except Exception as error:  # noqa: BLE001  (whatever it was, the host is not crawled and the reason is told)
            self._robots_error(error, netloc)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        try:
            rules = rules_in(response.status, response.body)
        except RobotsUnreadable as error:
            self._refuse(netloc, str(error), error.advice)
            return
        self._pauses.slow_to(rules.crawl_delay() or 0.0)
        given = response if response.status < 400 else response.replace(body=b"")
        await super()._parse_robots(given, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if isinstance(exc, CaptureFailed | CrawlStopped):
            self._not_kept[netloc] = exc
        advice = "; try again later"
        if isinstance(exc, EgressRefused):  # later is no better
            advice = ": RELICWATCH_ALLOW_LOOPBACK=1 allows a market on this machine" if exc.rule == "loopback" else ""
        why = str(exc) or type(exc).__name__
        if why == "max redirections reached":
            why = f"it leads on through more than {MOST_REDIRECTS} redirects"
        self._refuse(netloc, why, advice)

    def _refuse(self, netloc: str, why: str, advice: str = "; try again later") -> None:
        self._unreadable[netloc] = why.rstrip(".")
        self._advice[netloc] = advice
        parser = self._parserimpl.from_crawler(self.crawler, _NOTHING_ALLOWED)
        waiting = self._parsers[netloc]
        self._parsers[netloc] = parser
        if isinstance(waiting, Deferred):
            waiting.callback(parser)
