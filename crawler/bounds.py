"""A crawl stays inside its market's domains, redirects too; Scrapy's own check knows no ports and skips redirects."""

from __future__ import annotations

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from crawler.blocks import stop_at_login


class OutsideMarket(IgnoreRequest):
    """A request would leave the market's domains: it is not sent."""


class MarketBoundsMiddleware:
    """Asks the spider's `in_market(url)` about every request, before robots.txt of that host would be asked for."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> MarketBoundsMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        stop_at_login(self._crawler, request)
        spider = self._crawler.spider
        assert spider is not None
        if not spider.in_market(request.url):  # type: ignore[attr-defined]
            came = "it leads to" if request.meta.get("redirect_urls") else "the address is"
            raise OutsideMarket(f"{came} {request.url}, outside the market's domains: recorded, not followed")
