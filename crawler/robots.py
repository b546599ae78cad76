"""robots.txt as RFC 9309 reads it: a server that fails to answer it (5xx, unreachable) is not crawled."""

from __future__ import annotations

from typing import Any

from scrapy import Request
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.internet.defer import Deferred

from crawler.egress import EgressRefused
from crawler.recording import CaptureFailed

_NOTHING_ALLOWED = b"User-agent: *\nDisallow: /\n"


class RobotsForbid(IgnoreRequest):
    """robots.txt keeps us from this page; the text says whether it forbids it or could not be read."""


class Rfc9309Middleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt middleware, but for failures: Scrapy takes those for permission, the RFC for refusal."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self._unreadable: dict[str, str] = {}
        self._advice: dict[str, str] = {}
        self._not_kept: dict[str, CaptureFailed] = {}

    def process_request_2(self, rp: Any, request: Request) -> None:
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            netloc = request.url.split("/", 3)[2]
            if netloc in self._not_kept:  # our disk is at fault: the page stays pending
                raise self._not_kept[netloc] from error
            why = self._unreadable.get(netloc)
            raise RobotsForbid(
                f"robots.txt of {netloc} could not be read ({why}), so nothing there is fetched{self._advice[netloc]}"
                if why
                else f"robots.txt of {netloc} does not allow this page"
            ) from error

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500:
            self._refuse(netloc, f"HTTP {response.status}")
        elif response.status >= 400:
            await super()._parse_robots(response.replace(body=b""), netloc, request)
        else:
            await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if isinstance(exc, CaptureFailed):
            self._not_kept[netloc] = exc
        advice = "; try again later"
        if isinstance(exc, EgressRefused):  # later is no better
            advice = ": RELICWATCH_ALLOW_LOOPBACK=1 allows a market on this machine" if exc.rule == "loopback" else ""
        self._refuse(netloc, str(exc) or type(exc).__name__, advice)

    def _refuse(self, netloc: str, why: str, advice: str = "; try again later") -> None:
        self._unreadable[netloc] = why.rstrip(".")
        self._advice[netloc] = advice
        parser = self._parserimpl.from_crawler(self.crawler, _NOTHING_ALLOWED)
        waiting = self._parsers[netloc]
        self._parsers[netloc] = parser
        if isinstance(waiting, Deferred):
            waiting.callback(parser)
