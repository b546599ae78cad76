"""Sites that tell of new listings in a feed (RSS, RDF or Atom): each entry's page is walked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from urllib.parse import urljoin

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawler.items import PageProblem
from crawler.safe_xml import UnsafeXml, child_text, children, local_name, read_xml
from markets.words import Wanted
from spiders.base import GONE_STATUSES, MarketSpider

MOST_ENTRIES = 10_000


class FeedSpider(MarketSpider):
    """Use it for a site with a feed of its offers (`source.url`). Links of entries that match `listing_url` are
    listings; the words of the queries are looked for in title, summary and categories, and the query * takes all.

    A feed shows the newest entries only: what has left it is asked for at its own address, as in every crawl. Pages of
    an archived feed (`rel="next"`, RFC 5005) are followed.
    """

    name = "feed"

    async def start(self) -> AsyncIterator[Any]:
        source = self.definition.source
        assert source is not None and source.url is not None, "a definition without it is refused"
        yield self._page(source.url, 1)

    def _page(self, url: str, number: int) -> Request:
        return Request(url, callback=self.parse_search, meta={"query": None, "page": number}, priority=1)

    def parse_search(self, response: Response) -> Iterable[Any]:
        """The listings that a feed's entries lead to, and its next page."""
        if response.status in GONE_STATUSES:
            yield PageProblem(response.url, f"the feed answered HTTP {response.status}: see source.url")
            return
        if "truncated" in response.flags:
            yield PageProblem(response.url, f"the feed was cut after {len(response.body)} bytes: it is too long")
            return
        try:
            root = read_xml(response.body)
        except UnsafeXml as error:
            yield PageProblem(response.url, f"the feed was not read: {error}")
            return
        holders = [root, *children(root, "channel")]
        entries = [entry for holder in holders for entry in children(holder, "item", "entry")]
        if not entries and local_name(root) not in ("rss", "feed", "RDF"):
            yield PageProblem(response.url, f"it is no feed: its root is <{local_name(root)}>")
            return
        if len(entries) > MOST_ENTRIES:
            yield PageProblem(response.url, f"it has {len(entries)} entries: those after {MOST_ENTRIES} were not read")
        yield from self._listings(entries[:MOST_ENTRIES], response)
        following = next((url for holder in holders for url in _links(holder, "next")), None)
        if following is not None:
            yield from self._next(urljoin(response.url, following), response)

    def _listings(self, entries: list[etree._Element], response: Response) -> Iterator[Any]:
        wanted = Wanted(self.queries)
        found: dict[str, str] = {}
        for entry in entries:
            urls = (urljoin(response.url, url) for url in _links(entry, "alternate"))
            url = next((url for url in urls if self.is_listing(url)), None)
            if url is not None:
                found.setdefault(url, _words(entry))
        taken = [url for url, words in found.items() if wanted.matches(words)]
        for url in taken:
            yield self.listing_request(url)
        if not entries:
            yield PageProblem(response.url, "the feed has no entries: nothing is offered, or it is no longer kept")
        elif not found:
            reason = f"none of its {len(entries)} entries leads to an address that matches listing_url"
            yield PageProblem(response.url, reason)
        elif not taken:
            yield PageProblem(
                response.url, f"none of its {len(found)} entries holds the words {self.queries}: the query * takes all"
            )

    def _next(self, url: str, response: Response) -> Iterator[Any]:
        number, most = response.meta["page"], self.definition.source.max_pages if self.definition.source else 1
        if not self.in_market(url):
            yield PageProblem(url, "the feed's next page lies outside the market's domains: not read")
        elif number >= most:
            yield PageProblem(response.url, f"more pages of the feed follow, but source.max_pages is {most}")
        else:
            yield self._page(url, number + 1)


def _links(element: etree._Element, rel: str) -> Iterator[str]:
    """Addresses that an entry (or a feed) links: RSS has text in <link> or a guid, Atom an href with a rel."""
    for link in children(element, "link"):
        href = link.get("href")
        if href and link.get("rel", "alternate") == rel:
            yield href.strip()
        elif not href and rel == "alternate" and link.text and link.text.strip():
            yield link.text.strip()
    if rel == "alternate":
        for guid in children(element, "guid", "id"):
            if guid.text and guid.text.strip().startswith("http"):
                yield guid.text.strip()


def _words(entry: etree._Element) -> str:
    told = [child_text(entry, "title"), child_text(entry, "summary", "description", "content", "encoded")]
    categories = [category.get("term") or category.text for category in children(entry, "category")]
    return " ".join(one for one in [*told, *categories] if one)
