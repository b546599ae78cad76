"""The walker for markets that only a browser renders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scrapy.http import Response

from crawler.browser_load import JsonAnswer
from crawler.items import ExtractedPage, PageKind
from crawler.json_sources import (
    JsonSource,
    holds_listings,
    json_sources_of,
    learn_listing,
    learn_search,
    more_follows,
    next_page,
)
from spiders.base import MarketSpider


class BrowserSpider(MarketSpider):
    """Use it when the HTML that the server sends holds no listing. Photographs still come over plain HTTP.

    It costs a hundred times a plain request: look first whether `catalogue` with embedded data does. Where a page is
    drawn from public JSON that says as much as the page, the first look of each crawl finds it and the crawl reads that
    over HTTP (`crawler.json_walk`), rendering again by itself where it fails. Results pages are scrolled and asked for
    more.
    """

    name = "browser"

    def page_meta(self) -> dict[str, Any]:
        return {"playwright": True}

    def request_meta(self, kept: dict[str, Any]) -> dict[str, Any]:
        return {**super().request_meta(kept), "browser_more": "page" in kept}

    def parse_search(self, response: Response) -> Iterable[Any]:
        return super().parse_search(_as_page(response))

    def parse_listing(self, response: Response) -> Iterator[Any]:
        return super().parse_listing(_as_page(response))

    def read(self, response: Response, expected: PageKind | None = None) -> ExtractedPage:
        kind: PageKind = "search" if expected == "search" else "listing"
        if "json_page" in response.meta:
            return self._of_answer(response, kind)
        page = super().read(response, expected)
        self._learn(response, page, kind)
        return page

    def _of_answer(self, response: Response, kind: PageKind) -> ExtractedPage:
        page: ExtractedPage = response.meta["json_page"]
        if kind == "search":
            follows = more_follows(response.body) is not False
            page.next_url = next_page(response.url, response.meta["page"]) if follows else None
        return page

    def _learn(self, response: Response, page: ExtractedPage, kind: PageKind) -> None:
        """Look through what the drawn page asked for: once for each kind of page in each crawl.

        A source of an earlier crawl with which the page does not agree any more is dropped; the next page teaches anew.
        """
        sources = json_sources_of(self.crawler)
        if response.status != 200 or not sources.wants(kind):
            return
        if kind in sources.known and not holds_listings(page, self.rules, kind):  # it can contradict nothing
            return
        before = sources.known.pop(kind, None)
        found = self._source_of(response, page, kind, before)
        if found is not None:
            sources.known[kind] = found
        if before is None and found is None:
            return
        if found is None:
            self.logger.warning("Pages of kind %s say other than the JSON answers that fed them: rendered again.", kind)
        else:
            self.logger.info("Pages of kind %s are fed by %s: they are read there.", kind, found.template)

    def _source_of(
        self, response: Response, page: ExtractedPage, kind: PageKind, known: JsonSource | None
    ) -> JsonSource | None:
        answers: list[JsonAnswer] = response.meta.get("json_answers", [])
        for answer in answers:
            if not self.in_market(answer.url):
                continue
            given = (page, answer.body, answer.content_type, answer.url)
            found = (
                learn_search(*given, response.meta["query"], response.meta["page"], self.rules)
                if kind == "search"
                else learn_listing(*given, self.rules, known)
            )
            if found is not None:
                return found
        return None


def _as_page(response: Response) -> Response:
    """An answer that stands for a page is read under the page's address."""
    page_url = response.meta.get("json_for")
    return response if page_url is None else response.replace(url=page_url)
