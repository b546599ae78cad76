"""The frontier of a crawl as rows, served to Scrapy as its scheduler: a killed crawl goes on where it was.

A page is done in the same commit that keeps what it gave (`storage.crawl_store`); until then it is pending, and a crawl
that starts again asks for it again. Scrapy's own JOBDIR is left out: a kill destroys it.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import logging
import math
from collections.abc import Mapping
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider

from crawler.addresses import address_key
from crawler.blocks import block_of
from crawler.errors import RelicwatchError
from crawler.visits import Entry, Visit
from storage.crawl_store import CrawlStore, crawl_store_of

logger = logging.getLogger(__name__)

META_KEPT = ("playwright", "query", "page", "native_id", "card", "barren", "depth_of_search", "photo_of")
"""What of a request's meta is kept in its row: facts a later process needs, never live objects."""


class FrontierScheduler(BaseScheduler):
    """Scrapy's scheduler over the rows of one crawl. Requests carry their `Visit` in `meta["visit"]`."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._heap: list[tuple[float, float, int, Entry]] = []
        self._again: list[Request] = []
        self._order = itertools.count()
        self._store: CrawlStore
        self._spider: Spider
        self._rechecked = False
        self._longest = crawler.settings.getfloat("RELICWATCH_LONGEST_CRAWL_SECONDS")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FrontierScheduler:
        return cls(crawler)

    def open(self, spider: Spider) -> None:
        """Take the market, find or make the crawl and load what is pending. Raises MarketBusy, DatabaseError."""
        self._spider = spider
        self._store = crawl_store_of(self._crawler)
        self._store.open(spider)
        for entry in self._store.pending_entries():
            self._push(entry)
        if self._heap:
            logger.info("Crawl %s goes on: %s pages are pending.", self._store.crawl_id, len(self._heap))
        self._crawler.signals.connect(self._look_again_for_absent, signals.spider_idle)

    def close(self, reason: str) -> None:
        self._store.finish(reason, block_of(self._crawler))

    def has_pending_requests(self) -> bool:
        return bool(self._heap or self._again)

    def enqueue_request(self, request: Request) -> bool:
        if "visit" in request.meta:  # a redirect or retry of a page under way
            self._again.append(request)
            return True
        kind = callback_kind(request)
        meta = {key: request.meta[key] for key in META_KEPT if key in request.meta}
        found = Entry(entry_fingerprint(kind, request), request.url, kind, meta, request.priority)
        entry = self._store.add_entry(found)
        if entry is None:
            return False
        self._push(entry)
        return True

    def next_request(self) -> Request | None:
        if self._again:
            return self._again.pop(0)
        if not self._heap or self._store.stopping:
            return None
        if self._store.worked_seconds > self._longest:
            self._cut_short()
            return None
        *_, entry = heapq.heappop(self._heap)
        visit = Visit(entry)
        return Request(
            entry.url,
            callback=getattr(self._spider, f"parse_{entry.kind}"),
            errback=self._spider.page_failed,  # type: ignore[attr-defined]
            priority=entry.priority,
            dont_filter=True,
            headers={} if entry.meta.get("playwright") else self._store.conditions(entry),
            meta={
                **self._request_meta(entry.meta),
                "visit": visit,
                "captures": visit.captures,
                "seconds": visit.seconds,
            },
        )

    def _request_meta(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """The spider may add live objects (browser event hooks) to the facts that the row keeps."""
        add = getattr(self._spider, "request_meta", dict)
        return dict(add(dict(kept)))

    def _push(self, entry: Entry) -> None:
        """What was never read goes by its priority; listings read before come after all else, the oldest reading first.

        A crawl that reaches its limit thus has the new ones, and the next crawl goes on with those it left out.
        """
        read_at = self._store.last_read_at(entry)
        rank = (-entry.priority, 0.0) if read_at is None else (math.inf, read_at.timestamp())
        heapq.heappush(self._heap, (*rank, next(self._order), entry))

    def _cut_short(self) -> None:
        """A crawl past its time asks for nothing more and says what it left out."""
        entries = [entry for *_, entry in sorted(self._heap)]
        self._heap.clear()
        self._rechecked = True
        reason = f"the crawl reached its limit of {self._longest:g} s: {len(entries)} known pages were not asked for"
        self._store.cut_short(entries, reason)
        logger.warning("%s.", reason)

    def _look_again_for_absent(self) -> None:
        """Once all found pages are done: ask for the listings that this crawl should have met and did not.

        Their own address gives the proof (still there, ended, 404) that absence from a search page does not.
        """
        if self._rechecked or self._store.stopping:
            return
        self._rechecked = True
        try:
            self._store.commit()
            absent = self._store.absent_listing_urls()
        except RelicwatchError as error:
            # Scrapy would log it and end the crawl as finished, without the listings that are to be asked for here.
            logger.error("%s", error)
            self._store.stopping, self._store.fault = True, str(error)
            return
        make = getattr(self._spider, "listing_request", None)
        if make is None:
            return
        count = 0
        for url in absent:
            count += self.enqueue_request(make(url))
        if count:
            logger.info("%s listings known before were not met: asking at their own addresses.", count)
            raise DontCloseSpider


def entry_fingerprint(kind: str, request: Request) -> str:
    """What makes two requests one: a listing's id, else the page's address however it is written."""
    native_id = request.meta.get("native_id") if kind == "listing" else None
    name = native_id if native_id is not None else address_key(request.url)
    parts = [kind if native_id is not None else "page", name]
    if request.method != "GET" or request.body:
        parts += [request.method, request.body.hex()]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def callback_kind(request: Request) -> str:
    """The kind of page a request is for, from its callback's name: `parse_listing` -> `listing`."""
    name = getattr(request.callback, "__name__", "")
    if not name.startswith("parse_"):
        raise ValueError(f"{request} needs a callback named parse_<kind>, so that its row can name it; got {name!r}")
    return name.removeprefix("parse_")
