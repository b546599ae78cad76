"""What walkers of official APIs share: a key from the environment, a quota, and no page of the site ever asked for."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from crawler.api_access import Api
from crawler.errors import UsageError
from crawler.visits import page_ended
from spiders.answers import AnswersSpider
from spiders.base import GONE_STATUSES


class OfficialApiSpider(AnswersSpider):
    """Base of walkers of an API that is asked with a key.

    A subclass gives `open_api` and `id_field`, and what `AnswersSpider` asks for.

    The key's own terms rule these calls, so robots.txt of the API's host is not asked; for photographs it is. Nothing
    is counted or averaged over sellers or prices: such statistics need a market's written consent.
    """

    api: Api

    id_field: str
    """The field of an answer about one listing that no other answer has."""

    @classmethod
    @abstractmethod
    def open_api(cls) -> Api:
        """The API with the key of the environment. Raises UsageError without one."""

    def parse_listing(self, response: Response) -> Iterator[Any]:
        if response.status in GONE_STATUSES:
            yield from self.gone(response)
            return
        answer = self.read_answer(response)
        if isinstance(answer, dict) and answer.get(self.id_field):
            yield from self.listing(answer, response)
        else:
            yield from self.unreadable(answer, response)

    @classmethod
    def from_crawler(cls, crawler: Crawler, **arguments: Any) -> OfficialApiSpider:
        """Raises UsageError without a key, and what `MarketSpider.from_crawler` raises."""
        spider = super().from_crawler(crawler, **arguments)
        assert isinstance(spider, OfficialApiSpider)
        spider.api = cls.open_api()
        return spider

    def in_market(self, url: str) -> bool:
        return self.api.serves(url) or super().in_market(url)

    def request_meta(self, kept: dict[str, Any]) -> dict[str, Any]:
        meta = super().request_meta(kept)
        if "photo_of" in kept:
            return meta
        return {**meta, "dont_obey_robotstxt": True, "dont_redirect": True}  # a key follows no redirect

    def page_failed(self, failure: Failure) -> Iterable[Any]:
        error = failure.value
        if isinstance(error, HttpError) and error.response.status == 429:
            reason = (
                f"{self.api.title} takes no more calls for now (HTTP 429): its quota may be spent by another program"
            )
            return page_ended(failure.request, reason)  # type: ignore[attr-defined]
        return super().page_failed(failure)

    def call(self, path: str, *, page: int, query: str | None = None) -> Request:
        """A call that gives a list of offers."""
        return self.search_url_request(f"{self.api.base}{path}", query, page)


def calls_a_day(variable: str, default: int) -> int:
    """The quota of the key, where the market has granted another one. Raises UsageError for no number above zero."""
    value = os.environ.get(variable, "").strip()
    if not value:
        return default
    if not value.isdecimal() or not int(value[:9]) > 0:
        raise UsageError(f"{variable} is the number of calls that your key allows in a day, like {default}.")
    return int(value[:9])
