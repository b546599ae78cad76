"""When a crawl commits: at most one second or a number of pages after a capture, and at the end."""

from __future__ import annotations

import asyncio
import logging
import time

from scrapy import signals
from scrapy.crawler import Crawler

from crawler.errors import RelicwatchError
from storage.crawl_store import MARKET_LEASE_SECONDS, CrawlStore, crawl_store_of

logger = logging.getLogger(__name__)

MOST_SECONDS = 1.0
MOST_PAGES = 200
_LOOK_SECONDS = 0.1


class GroupCommit:
    """Scrapy extension: commits while the crawl runs; stops the crawl where the disk or the database refuses."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._task: asyncio.Task[None] | None = None
        self._store: CrawlStore
        crawler.signals.connect(self.start, signals.spider_opened)
        crawler.signals.connect(self.stop, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GroupCommit:
        return cls(crawler)

    def start(self) -> None:
        self._store = crawl_store_of(self._crawler)
        self._task = asyncio.ensure_future(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        committed = renewed = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            if self._store.waiting < MOST_PAGES and now - committed < MOST_SECONDS:
                continue
            try:
                self._store.commit()
                if now - renewed > MARKET_LEASE_SECONDS / 3:
                    self._store.renew_lease()
                    renewed = now
            except RelicwatchError as error:
                self.abort(error)
                return
            committed = time.monotonic()

    def abort(self, error: RelicwatchError) -> None:
        """Stop the crawl with a reason; pages not committed stay pending and are asked for again."""
        logger.error("%s", error)
        self._store.stopping = True
        self._store.fault = str(error)
        assert self._crawler.engine is not None
        asyncio.ensure_future(self._crawler.engine.close_spider_async(reason="storage_failed"))  # noqa: RUF006
