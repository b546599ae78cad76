"""What Scrapy's log says of each page and each item: nothing, unless somebody asks for such detail.

At other levels Scrapy words a record for each, which is then dropped: three for a listing.
"""

from __future__ import annotations

from typing import Any

from scrapy.crawler import Crawler
from scrapy.logformatter import LogFormatter


class QuietLog(LogFormatter):
    """Scrapy's own wording with LOG_LEVEL DEBUG; else without what is said at that level."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> LogFormatter:  # type: ignore[override]
        return LogFormatter() if crawler.settings["LOG_LEVEL"] == "DEBUG" else cls()

    def crawled(self, *_: Any) -> None:  # type: ignore[override]
        return None

    def scraped(self, *_: Any) -> None:  # type: ignore[override]
        return None
