"""Where a page's output becomes a Visit: the Scrapy middleware that collects it and the pipeline that closes it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawler.visits import Visit, VisitEnd
from storage.crawl_store import CrawlStore, crawl_store_of

logger = logging.getLogger(__name__)


class VisitMiddleware:
    """Outermost spider middleware: remembers the items of each page and yields its `VisitEnd` last.

    CONCURRENT_ITEMS must be 1, so that the end of a page follows its items through the pipelines.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> VisitMiddleware:
        return cls()

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        assert response.request is not None
        visit: Visit | None = response.request.meta.get("visit")
        ended = False
        try:
            async for output in result:
                ended = ended or isinstance(output, VisitEnd)  # from an errback: a page ends once
                if visit is not None and not isinstance(output, Request):
                    visit.items.append(output)
                yield output
        except Exception as error:
            # The page is at fault or our reading of it: it is kept with the reason and the crawl goes on.
            logger.exception("The page %s could not be read.", response.url)
            if visit is None:
                raise
            visit.items.clear()
            visit.problem = f"The page could not be read: {type(error).__name__}: {error}"
        if visit is not None and not ended:
            yield VisitEnd(visit)


class VisitPipeline:
    """Last item pipeline: hands a finished page to the group commit."""

    def __init__(self, store: CrawlStore) -> None:
        self._store = store

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> VisitPipeline:
        pipeline = cls(crawl_store_of(crawler))
        crawler.signals.connect(pipeline.item_failed, signals.item_error)
        return pipeline

    def process_item(self, item: Any) -> Any:
        if isinstance(item, VisitEnd):
            self._store.finish_visit(item.visit)
        return item

    def item_failed(self, item: Any, response: Response | None, spider: Spider) -> None:
        """A pipeline raised: the item is kept without what that pipeline adds, and the reason stays with the page."""
        if response is not None and response.request is not None:
            visit: Visit | None = response.request.meta.get("visit")
            if visit is not None and not isinstance(item, VisitEnd):
                visit.problem = f"{type(item).__name__} was kept, but a stage after extraction failed: see the log"
