"""Scrapy's way in: gives every listing its assessment and lets everything else pass."""

from __future__ import annotations

from typing import Any, Self

from scrapy.crawler import Crawler

from classifiers.listing import ListingClassifier
from crawler.items import ListingItem


class AssessmentPipeline:
    """Sets `item.assessment` of a ListingItem from its page's title and description."""

    def __init__(self, classifier: ListingClassifier) -> None:
        self._classifier = classifier

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(ListingClassifier.load())

    def process_item(self, item: Any) -> Any:  # Scrapy hands over whatever a spider yields
        if isinstance(item, ListingItem):
            item.assessment = self._classifier.assess(item.page.title or "", item.page.description)
        return item
