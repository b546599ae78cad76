"""A page whose JSON source is known is asked for there, over HTTP; where the answer holds no listing, it is rendered.

Each is a request of its own through everything that requests pass: bounds, robots.txt, rate, retries, the record. The
frontier's row stays the page's.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawler.json_sources import (
    JsonSource,
    holds_listings,
    json_sources_of,
    listing_address,
    read_answer,
    search_address,
)
from crawler.recording import CaptureFailed
from crawler.retry import MarketPauses

logger = logging.getLogger(__name__)


class JsonSourceMiddleware:
    """Outermost downloader middleware. `meta["json_for"]` of a request names the page that its answer stands for."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._sources = json_sources_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> JsonSourceMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> Request | None:
        if not request.meta.get("playwright") or request.meta.get("must_render") or "visit" not in request.meta:
            return None
        source = self._sources.usable(request.meta["visit"].entry.kind)
        address = self._address(source, request) if source is not None else None
        if address is None:
            return None
        changed = {"playwright": False, "json_for": request.url, "download_slot": urlsplit(request.url).hostname}
        return request.replace(url=address, meta={**request.meta, **changed}, dont_filter=True)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        if "json_for" not in request.meta:
            return response
        kind = request.meta["visit"].entry.kind
        if response.status == 200 and self._holds(kind, request, response):
            self._sources.held(kind)
            return response
        return self._rendered(request, f"HTTP {response.status}, no listing in it")

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        if "json_for" not in request.meta or isinstance(exception, (CaptureFailed, MarketPauses)):
            return None
        return self._rendered(request, str(exception) or type(exception).__name__)

    def _address(self, source: JsonSource, request: Request) -> str | None:
        if source.kind == "search":
            return search_address(source, request.meta["query"], request.meta["page"])
        return listing_address(source, request.url, self._rules())

    def _holds(self, kind: Any, request: Request, response: Response) -> bool:
        """Whether the answer gave listings; what was read of it stays in the request's meta for the spider."""
        content_type = (response.headers.get(b"Content-Type") or b"").decode("latin-1")
        if "json" not in content_type:
            return False
        source, rules = self._sources.known[kind], self._rules()
        page = read_answer(response.body, content_type, request.meta["json_for"], rules, source, kind)
        request.meta["json_page"] = page
        return holds_listings(page, rules, kind)

    def _rendered(self, request: Request, why: str) -> Request:
        """The request for the page itself, as before."""
        kind, page_url = request.meta["visit"].entry.kind, request.meta["json_for"]
        given_up = self._sources.failed(kind)
        after = "; the pages are rendered from here on" if given_up else ""
        logger.warning("The JSON answer %s gave no listing (%s): %s is rendered%s.", request.url, why, page_url, after)
        kept = {key: value for key, value in request.meta.items() if key not in _OF_THE_ANSWER}
        return request.replace(url=page_url, meta={**kept, "playwright": True, "must_render": True}, dont_filter=True)

    def _rules(self) -> Any:
        return self._crawler.spider.rules  # type: ignore[union-attr]


_OF_THE_ANSWER = frozenset(
    {"json_for", "json_page", "download_slot", "download_timeout", "download_latency", "retry_times", "redirect_times"}
    | {"redirect_urls", "redirect_reasons", "redirect_ttl"}
)
