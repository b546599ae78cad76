"""What a page or an item adds to the log."""

from scrapy.crawler import Crawler
from scrapy.logformatter import LogFormatter
from scrapy.settings import Settings
from scrapy.spiders import Spider

from crawler.quiet_log import QuietLog


def _log(level: str) -> LogFormatter:
    return QuietLog.from_crawler(Crawler(Spider, Settings({"LOG_LEVEL": level})))


def test_pages_and_items_are_told_only_to_whom_asks_for_detail() -> None:
    quiet = _log("INFO")
    assert isinstance(quiet, QuietLog)
    assert quiet.crawled(None, None, None) is None
    assert quiet.scraped(None, None, None) is None
    assert type(_log("DEBUG")) is LogFormatter
