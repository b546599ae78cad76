"""Sites that list their pages in a sitemap: its addresses of listings are walked, the site's search is not needed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawler.items import PageProblem
from crawler.safe_xml import UnsafeXml, child_text, children, local_name, read_xml
from markets.words import Wanted
from spiders.base import GONE_STATUSES, MarketSpider

MOST_LISTINGS = 50_000
"""Of one sitemap file: what the protocol allows."""

_ROBOTS_LINE = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.I | re.M)
_ENDING = re.compile(r"\.(?:html?|php|aspx?)\Z", re.I)
_WORD = re.compile(r"[^\W\d_]{2,}")


class SitemapSpider(MarketSpider):
    """Use it where a site's search cannot be walked and its sitemap is complete. `source.url` is a sitemap, a sitemap
    index or robots.txt, whose `Sitemap:` lines are then followed; addresses that match `listing_url` are listings.

    The words of the queries are looked for in the address and in titles that the sitemap gives for images and news;
    an address without any word in it cannot be judged so and is walked. The query * takes all.
    """

    name = "sitemap"

    async def start(self) -> AsyncIterator[Any]:
        source = self.definition.source
        assert source is not None and source.url is not None, "a definition without it is refused"
        yield self._file(source.url, 1)

    def _file(self, url: str, depth: int) -> Request:
        return Request(url, callback=self.parse_search, meta={"query": None, "page": depth}, priority=1)

    def parse_search(self, response: Response) -> Iterable[Any]:
        """The sitemaps or the listings that a file names."""
        if response.status in GONE_STATUSES:
            yield PageProblem(response.url, f"the sitemap answered HTTP {response.status}: see source.url")
            return
        if "truncated" in response.flags:
            yield PageProblem(response.url, f"the sitemap was cut after {len(response.body)} bytes: it is too long")
            return
        if urlsplit(response.url).path.endswith("/robots.txt"):
            text = response.body.decode("utf-8", "replace")
            yield from self._follow([urljoin(response.url, found) for found in _ROBOTS_LINE.findall(text)], response)
            return
        try:
            root = read_xml(response.body)
        except UnsafeXml as error:
            yield PageProblem(response.url, f"the sitemap was not read: {error}")
            return
        if local_name(root) == "sitemapindex":
            named = [child_text(entry, "loc") for entry in children(root, "sitemap")]
            yield from self._follow([urljoin(response.url, url) for url in named if url], response)
        elif local_name(root) == "urlset":
            yield from self._listings(children(root, "url"), response)
        else:
            yield PageProblem(response.url, f"it is no sitemap: its root is <{local_name(root)}>")

    def _follow(self, urls: list[str], response: Response) -> Iterator[Any]:
        most = self.definition.source.max_pages if self.definition.source else 1
        if not urls:
            yield PageProblem(response.url, "it names no sitemap: see source.url")
        if response.meta["page"] >= 3:  # robots.txt -> index -> sitemaps; an index of indexes is not allowed
            yield PageProblem(response.url, "its sitemaps lie deeper than an index may lead: not followed")
            return
        for url in list(dict.fromkeys(urls))[:most]:
            if self.in_market(url):
                yield self._file(url, response.meta["page"] + 1)
            else:
                yield PageProblem(url, f"{response.url} names this sitemap, outside the market's domains: not read")
        if len(urls) > most:
            yield PageProblem(response.url, f"it names {len(urls)} sitemaps, but source.max_pages is {most}")

    def _listings(self, entries: list[etree._Element], response: Response) -> Iterator[Any]:
        wanted = Wanted(self.queries)
        found: dict[str, str] = {}
        for entry in entries[:MOST_LISTINGS]:
            url = urljoin(response.url, child_text(entry, "loc") or "")
            if self.is_listing(url):
                found.setdefault(url, _words(entry, url))
        taken = [url for url, words in found.items() if not words or wanted.matches(words)]
        for url in taken:
            yield self.listing_request(url)
        if len(entries) > MOST_LISTINGS:
            yield PageProblem(response.url, f"it names {len(entries)} pages: those after {MOST_LISTINGS} were not read")
        if found and not taken:
            yield PageProblem(
                response.url,
                f"none of its {len(found)} addresses of listings holds the words {self.queries}: the query * takes all",
            )
        elif entries and not found and response.meta["page"] == 1:
            reason = f"none of its {len(entries)} addresses matches listing_url inside the market's domains"
            yield PageProblem(response.url, reason)
        elif not entries:
            yield PageProblem(response.url, "it is empty")


def _words(entry: etree._Element, url: str) -> str:
    """What can be judged of a listing before its page is fetched; empty where there is no word in it."""
    titles = [child_text(group, "title", "caption") or "" for group in children(entry, "image", "news", "video")]
    return " ".join([*titles, *_slug_words(unquote(urlsplit(url).path))]).strip()


def _slug_words(path: str) -> list[str]:
    """The words of the part of a path that speaks: its last one, or one before an id where that has several words."""
    parts = [_words_of(part) for part in _ENDING.sub("", path).split("/") if part]
    if not parts or parts[-1]:
        return parts[-1] if parts else []
    return next((part for part in reversed(parts) if len(part) > 1), [])


def _words_of(part: str) -> list[str]:
    return [word for word in re.split(r"[-_+.,\s]+", part) if _WORD.fullmatch(word)]
