"""Shops on Shopify: the list of products that every such shop answers in JSON beside its pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawler.extraction.findings import Findings
from crawler.extraction.shop_answers import Offer, fill_shopify, shopify_address, shopify_offers, texts
from spiders.answers import ShopSpider
from spiders.base import GONE_STATUSES

PAGE_SIZE = 250
"""The most that Shopify gives at once."""


class ShopifySpider(ShopSpider):
    """Use it for a shop that answers at `/products.json`. `source.url` is the shop, or one collection of it
    (`https://shop.example/collections/antiquities`); `currency` is the definition's, since the answer names none.

    The list cannot be searched: all of it is read once, and the words of the queries are looked for in title,
    description, maker, type and tags.
    """

    name = "shopify"
    software = "Shopify's product list"

    def first_requests(self) -> Iterable[Request]:
        yield self._page(1)

    def _page(self, number: int) -> Request:
        return self.search_url_request(f"{self.shop}/products.json?limit={PAGE_SIZE}&page={number}", None, number)

    def offers(self, answer: Any) -> list[Any] | None:
        return shopify_offers(answer)

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        # A shop may give fewer at once than asked for: only an empty page is the end.
        return self._page(response.meta["page"] + 1) if offers else None

    def address(self, offer: Offer) -> str | None:
        return shopify_address(self.shop, offer)

    def wants(self, offer: Offer) -> bool:
        words = [offer.get("title"), offer.get("body_html"), offer.get("vendor"), offer.get("product_type")]
        return self.wanted.matches(" ".join([str(one) for one in words if one] + _tags(offer)))

    def fill(self, offer: Offer, findings: Findings) -> None:
        fill_shopify(offer, findings)

    def listing_request(self, url: str, card: str | None = None) -> Request:
        """A listing that the list no longer shows is asked for in the form that the list has."""
        path = f"{url.partition('?')[0].rstrip('/')}.json"
        meta = {"native_id": self.definition.native_id(url)}
        return Request(path, callback=self.parse_listing, meta=meta)

    def parse_listing(self, response: Response) -> Any:
        if response.status in GONE_STATUSES:
            yield from self.gone(response)
            return
        answer = self.read_answer(response)
        offer = answer.get("product") if isinstance(answer, dict) else None
        yield from self.listing(offer, response) if isinstance(offer, dict) else self.unreadable(answer, response)


def _tags(offer: Offer) -> list[str]:
    tags = offer.get("tags")  # a list; in the answer for one product a text with commas
    return [tags] if isinstance(tags, str) else texts(tags)
