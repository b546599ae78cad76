"""Scrapy's way in: gives every listing its assessment and lets everything else pass, in the order it came."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from scrapy.crawler import Crawler

from classifiers.answers.offer import Offer
from classifiers.listing import ListingClassifier
from classifiers.registry import load_classifier
from crawler.home import Home
from crawler.items import ListingItem

LINGER_SECONDS = 0.3
"""Listings that come within this time are assessed together: 64 cost each a third less than 16, and a tenth of one."""
MOST_WAITING = 64


class AssessmentPipeline:
    """Sets `item.assessment` of a ListingItem from its page's title and description.

    Other items wait behind the listings before them: a page must not be noted as done before its listing is stored.
    """

    def __init__(self, classifier: ListingClassifier) -> None:
        self._classifier = classifier
        self._waiting: list[tuple[Any, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(load_classifier(Home.from_environment()))

    async def process_item(self, item: Any) -> Any:  # Scrapy hands over whatever a spider yields
        if not isinstance(item, ListingItem) and not self._waiting:
            return item
        loop = asyncio.get_running_loop()
        assessed = loop.create_future()
        self._waiting.append((item, assessed))
        if self._timer is None:
            self._timer = loop.call_later(LINGER_SECONDS, self._assess_waiting)
        elif len(self._waiting) == MOST_WAITING:
            self._timer.cancel()
            self._timer = loop.call_later(0, self._assess_waiting)
        await assessed
        return item

    def _assess_waiting(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        try:
            self._assess([item for item, _ in waiting if isinstance(item, ListingItem)])
        except Exception:  # noqa: BLE001
            # one listing that cannot be assessed takes no other with it: each is tried alone, and its own item told
            for item, assessed in waiting:
                try:
                    self._assess([item] if isinstance(item, ListingItem) else [])
                except Exception as error:  # noqa: BLE001
                    if not assessed.done():
                        assessed.set_exception(error)
        for _, assessed in waiting:
            if not assessed.done():
                assessed.set_result(None)

    def _assess(self, listings: list[ListingItem]) -> None:
        if not listings:
            return
        assessments = self._classifier.assess_offers(
            ((item.page.title or "", item.page.description), Offer.of_item(item)) for item in listings
        )
        for listing, assessment in zip(listings, assessments, strict=True):
            listing.assessment = assessment
