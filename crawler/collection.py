"""A Scrapy extension: Python's garbage collector looks less often while a crawl runs.

By default it walks young objects every 700 allocations, several times a page, and finds next to nothing: trees and rows
go by reference counts. What was made at start (models, lexicons, classes) is taken out of its sight for good.
"""

from __future__ import annotations

import gc

from scrapy import signals
from scrapy.crawler import Crawler

THRESHOLDS = (20_000, 20, 20)


class CalmCollection:
    """Sets the collector's pace for this process when the spider opens."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CalmCollection:
        made = cls()
        crawler.signals.connect(made.calm, signals.spider_opened)
        return made

    def calm(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
