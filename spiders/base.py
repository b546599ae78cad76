"""What every walking spider shares: its market, its politeness, and turning a listing's page into a ListingItem."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import brotli
from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.blocks import MarketBlocks
from crawler.errors import UsageError
from crawler.extraction.cards import card_key
from crawler.extraction.decoding import decode
from crawler.extraction.document import Document
from crawler.extraction.links import MAX_LISTINGS
from crawler.extraction.page import extract_page
from crawler.items import (
    ExtractedPage,
    ListingGone,
    ListingItem,
    ListingPhoto,
    ListingUnchanged,
    PageKind,
    PageProblem,
)
from crawler.program import program_info
from crawler.recording import CaptureFailed
from crawler.retry import CrawlStopped
from crawler.traps import sent_on_to, trap_in
from crawler.visits import page_ended
from markets.admission import admit
from markets.definition import Definition

GONE_STATUSES = (404, 410)
UNCHANGED_STATUS = 304
LISTING_PRIORITY = 10
PHOTO_PRIORITY = 5
LARGEST_SENDING_PAGE = 32 * 1024
"""Bytes; a page that only sends one on is far smaller, and reading every page twice would cost."""


class MarketSpider(Spider):
    """Base of all walking spiders. A subclass gives `name` and says how pages are asked for (`page_meta`).

    Arguments: `market` (required), `query` (one search, or several as a JSON list), `max_listings`. The market must
    have a standing approval; its definition gives addresses, selectors, rate and concurrency. May be overridden:
    `start`, `parse_search`, `parse_listing`, `page_meta`. Callbacks are named `parse_<kind>`: the frontier keeps that.
    """

    def __init__(self, market: str, definition: Definition, queries: list[str], max_listings: int | None) -> None:
        super().__init__()
        self.market = market
        self.definition = definition
        self.queries = queries
        self.max_listings = max_listings
        self.rules = definition.page_rules()
        self.read_with = f"{program_info().version}:{definition.digest[:16]}"
        """What pages are read with: with another program or definition they are read anew, changed or not."""
        self._met: dict[str, set[str]] = {}

    @classmethod
    def from_crawler(
        cls,
        crawler: Crawler,
        *,
        market: str | None = None,
        query: str | None = None,
        max_listings: int | str | None = None,
    ) -> MarketSpider:
        """Raises UsageError without a market, and what `markets.admission.admit` raises for one that is off."""
        if not market:
            raise UsageError(f"Say which market to crawl: scrapy crawl {cls.name} -a market=NAME -a query=WORDS.")
        definition = admit(market)
        spider = cls(market, definition, _queries(query), int(max_listings) if max_listings else None)
        rate = definition.rate
        crawler.settings.set("DOWNLOAD_DELAY", rate.delay, priority="spider")
        crawler.settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", rate.concurrency, priority="spider")
        crawler.settings.set("CONCURRENT_REQUESTS", max(rate.concurrency, 2), priority="spider")
        spider._set_crawler(crawler)
        return spider

    def page_meta(self) -> dict[str, Any]:
        """Meta that makes a page be fetched as this spider fetches pages; plain HTTP by default."""
        return {}

    async def start(self) -> AsyncIterator[Any]:
        for query in self.queries:
            for url in self.definition.search_urls([query]):
                yield self.search_request(url, query, 1)

    def search_request(self, url: str, query: str, page: int) -> Request:
        meta = {**self.page_meta(), "query": query, "page": page}
        return Request(url, callback=self.parse_search, meta=meta)

    def listing_request(self, url: str, card: str | None = None) -> Request:
        """A request for a listing's page; `card` is the fingerprint of what a search page showed of it, if a price."""
        meta = {**self.page_meta(), "native_id": self.definition.native_id(url)}
        if card is not None:
            meta["card"] = card
        return Request(url, callback=self.parse_listing, meta=meta, priority=LISTING_PRIORITY)

    def request_meta(self, kept: dict[str, Any]) -> dict[str, Any]:
        """What the frontier kept of a request's meta, completed for the fetch: a gone listing's 404 is an answer."""
        return {**kept, "handle_httpstatus_list": [*GONE_STATUSES, UNCHANGED_STATUS]}

    def parse_search(self, response: Response) -> Iterable[Any]:
        """The listings of a search page and the next page."""
        if response.status in GONE_STATUSES:
            yield PageProblem(response.url, f"the search page answered HTTP {response.status}: see search.url")
            return
        page = self.read(response, "search")
        urls = [url for url in page.listing_urls if self.is_listing(url)]
        if not urls and self.is_listing(response.url):  # a search with one result may lead straight to it
            yield from self.parse_listing(response)
            return
        for url in urls:
            trap = trap_in(url)
            if trap:
                yield PageProblem(url, f"{trap}: not asked for")
            else:
                card = page.cards.get(url)
                yield self.listing_request(url, card_key(card, self.read_with) if card else None)
        if not urls and response.meta["page"] == 1:
            yield PageProblem(response.url, self._no_listings(page, response))
        passed_over = [url for url in page.passed_over if self.in_market(url)]
        if urls and passed_over:
            reason = (
                f"search.listings finds {len(passed_over)} links that listing_url does not match (the first leads to "
                f"{passed_over[0][:200]}): no listing is made of them; see listing_url in the definition"
            )
            yield PageProblem(response.url, reason)
        if len(page.listing_urls) >= MAX_LISTINGS:
            reason = f"it offers {MAX_LISTINGS} listings or more: those that follow on this page are not asked for"
            yield PageProblem(response.url, reason)
        if urls and page.next_url and self.definition.in_domains(page.next_url):
            yield self._next_page(response, page.next_url, urls)

    def _next_page(self, response: Response, url: str, listing_urls: Iterable[str]) -> Request | PageProblem:
        """The request for the search page that follows, or why the walk of this query ends here."""
        number, query = response.meta["page"], response.meta["query"]
        most = self.definition.search.max_pages if self.definition.search else 1
        if number >= most:
            return PageProblem(response.url, f"more pages follow, but search.max_pages is {most}")
        trap = trap_in(url)
        if trap:
            return PageProblem(response.url, f"the next page is not asked for: {trap}")
        met = self._met.setdefault(query, set())
        found = {id_ for id_ in map(self.definition.native_id, listing_urls) if id_} - met
        met |= found
        barren = 0 if found else response.meta.get("barren", 0) + 1
        patience = self.settings.getint("RELICWATCH_MOST_BARREN_PAGES")
        if barren >= patience:
            return PageProblem(
                response.url,
                f"{barren} search pages in a row showed no listing that was new: the rest is not asked for",
            )
        request = self.search_request(url, query, number + 1)
        request.meta["barren"] = barren
        return request

    def parse_listing(self, response: Response) -> Iterator[Any]:
        """The listing of a page, or the reason why there is none."""
        assert response.request is not None
        now = datetime.now(UTC)
        asked = response.meta.get("redirect_urls", [response.request.url])[0]
        native_ids = [id_ for id_ in map(self.definition.native_id, (response.url, asked)) if id_]
        if not native_ids:
            reason = "it has no id: its address does not match listing_url, or gives one that is far too long"
            yield PageProblem(response.url, reason)
            return
        native_id, others = native_ids[0], tuple(id_ for id_ in native_ids[1:] if id_ != native_ids[0])
        space = self.definition.id_space
        if response.status in GONE_STATUSES:
            yield ListingGone(self.market, space, native_id, response.url, response.status, now)
            return
        card = response.meta.get("card")
        if response.status == UNCHANGED_STATUS:
            if _is_conditional(response.request):
                yield ListingUnchanged(space, native_id, response.url, now, card, answered=True)
            else:
                yield PageProblem(response.url, "the market answered HTTP 304 (unchanged) to what nobody had before")
            return
        page = self.read(response)
        if page.kind == "search":
            count = len(page.listing_urls)
            yield PageProblem(
                response.url, f"it is a list of {count} offers, no listing of its own", {"listings": count}
            )
            return
        if page.price is None and not page.description and not page.images:  # an offer may refresh itself and stays one
            elsewhere = self._sent_on(response)
            if elsewhere:
                yield PageProblem(response.url, elsewhere)
                return
        if not page.title:
            yield PageProblem(response.url, "no title was found, so there is nothing to judge", {"read": page.problems})
            return
        state = page.state_at(now)
        item = ListingItem(self.market, space, native_id, response.url, page, now, state, others)
        item.card, item.validators = card, self._validators(response)
        yield item
        photo = next((url for url in page.images if self.definition.in_domains(url)), None)
        if photo:
            yield Request(
                photo,
                callback=self.parse_photo,
                meta={"photo_of": native_id},
                priority=PHOTO_PRIORITY,
            )

    def parse_photo(self, response: Response) -> Iterator[Any]:
        """The listing's first photograph, for its thumbnail."""
        if response.status in GONE_STATUSES:
            yield PageProblem(response.url, f"the photograph answered HTTP {response.status}")
            return
        space, native_id = self.definition.id_space, response.meta["photo_of"]
        yield ListingPhoto(space, native_id, response.url, response.body, datetime.now(UTC))

    def page_failed(self, failure: Failure) -> Iterable[Any]:
        """A page that could not be had is kept with the reason.

        One that could not be *recorded*, or was not asked for because the crawl was stopped, stays pending.
        """
        if isinstance(failure.value, CaptureFailed | CrawlStopped):
            return ()
        if isinstance(failure.value, MarketBlocks):
            block = failure.value.block
            return page_ended(failure.request, block.sentence, kind="block", code=block.code)  # type: ignore[attr-defined]
        return page_ended(failure.request, failure_reason(failure))  # type: ignore[attr-defined]

    def read(self, response: Response, expected: PageKind | None = None) -> ExtractedPage:
        content_type = _content_type(response)
        page = extract_page(response.body, response.url, content_type=content_type, rules=self.rules, expected=expected)
        if "truncated" in response.flags:
            page.problems.append(f"the page is larger than the limit and was cut after {len(response.body)} bytes")
        return page

    def _validators(self, response: Response) -> dict[str, str]:
        """What a later request for this very address can be made conditional with; empty where that would be unsafe."""
        if "redirect_urls" in response.meta or "truncated" in response.flags:
            return {}
        found = {"etag": response.headers.get(b"ETag"), "last_modified": response.headers.get(b"Last-Modified")}
        kept = {name: value.decode("latin-1") for name, value in found.items() if value}
        return {**kept, "url": response.url, "read_with": self.read_with} if kept else {}

    def _sent_on(self, response: Response) -> str | None:
        """Why a page is no page of its own, where all it does is to send its reader elsewhere."""
        body = response.body
        if len(body) > LARGEST_SENDING_PAGE or not (b"location" in body or b"refresh" in body.lower()):
            return None
        document, _ = Document.parse(decode(body, _content_type(response))[0], response.url)
        url = sent_on_to(document) if document is not None else None
        if url is None:
            return None
        return f"it only sends its reader on to {url[:200]} (a meta refresh or a script): recorded, not followed"

    def in_market(self, url: str) -> bool:
        """Whether an address lies inside the market's domains; no other is ever asked for."""
        return self.definition.in_domains(url)

    def is_listing(self, url: str) -> bool:
        """Whether a link leads to a listing of this market; a link elsewhere is never followed."""
        if not self.in_market(url):
            return False
        return self.definition.native_id(url) is not None

    def _no_listings(self, page: ExtractedPage, response: Response) -> str:
        elsewhere = self._sent_on(response)
        if elsewhere:
            return elsewhere
        if page.listing_urls:
            host = urlsplit(page.listing_urls[0]).hostname
            return (
                f"none of its {len(page.listing_urls)} links matches listing_url inside the market's domains "
                f"(the first leads to {host}): see listing_url and domains in the definition"
            )
        return "no listings were found on it: nothing is offered, or search.listings does not fit the page any more"


def failure_reason(failure: Failure) -> str:
    """Why a page could not be had, in words for the crawl's list of problems."""
    error = failure.value
    response = getattr(error, "response", None)
    if response is not None:
        if 300 <= response.status < 400:
            return f"the market answered HTTP {response.status}, a redirect to no http address: not followed"
        return f"the market answered HTTP {response.status}"
    if str(error) == "max redirections reached":
        return "redirects led on and on, so the last was not followed (a loop, or a chain too long)"
    if "during decompression" in str(error):
        return "its body is decompressed to more than a crawl reads, so it was not read"
    if isinstance(error, (gzip.BadGzipFile, zlib.error, brotli.error, EOFError)):
        return f"its body is not in the coding that its Content-Encoding names ({error})"
    if isinstance(error, IgnoreRequest):
        return str(error) or "the request was refused before it was sent (outside the market's domains)"
    return str(error) or type(error).__name__


def _content_type(response: Response) -> str | None:
    return (response.headers.get(b"Content-Type") or b"").decode("latin-1") or None


def _is_conditional(request: Request) -> bool:
    return b"If-None-Match" in request.headers or b"If-Modified-Since" in request.headers


def _queries(query: str | None) -> list[str]:
    if not query:
        raise UsageError("Say what to search for: -a query=WORDS, or a JSON list of several.")
    if query.startswith("["):
        loaded = json.loads(query)
        if isinstance(loaded, list) and all(isinstance(one, str) for one in loaded):
            return loaded
    return [query]
