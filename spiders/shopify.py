"""Shops on Shopify: the list of products that every such shop answers in JSON beside its pages."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response

from crawler.extraction.findings import Findings
from crawler.extraction.prices import parse_amount
from spiders.answers import Offer, ShopSpider, markup_text, texts
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
        found = answer.get("products") if isinstance(answer, dict) else None
        return found if isinstance(found, list) else None

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        # A shop may give fewer at once than asked for: only an empty page is the end.
        return self._page(response.meta["page"] + 1) if offers else None

    def address(self, offer: Offer) -> str | None:
        handle = offer.get("handle")
        if not isinstance(handle, str) or not handle:
            return None
        parts = urlsplit(self.shop)
        return f"{parts.scheme}://{parts.netloc}/products/{handle}"

    def wants(self, offer: Offer) -> bool:
        words = [offer.get("title"), offer.get("body_html"), offer.get("vendor"), offer.get("product_type")]
        return self.wanted.matches(" ".join([str(one) for one in words if one] + _tags(offer)))

    def fill(self, offer: Offer, findings: Findings) -> None:
        findings.add_text("title", offer.get("title"), "shopify:title")
        findings.add_text("description", markup_text(offer.get("body_html")), "shopify:body_html")
        findings.add_text("seller", offer.get("vendor"), "shopify:vendor")
        findings.add_images(texts(offer.get("images"), "src"), "shopify:images.src")
        variants = [one for one in offer.get("variants") or [] if isinstance(one, dict)]
        available = [one for one in variants if one.get("available") is not False]
        if any("available" in one for one in variants):
            findings.add_availability(bool(available), "shopify:variants.available")
        price = _lowest(available or variants)
        if price is not None:
            findings.add_price(str(price), self.definition.currency, "shopify:variants.price")
            if "currency" in findings.sources:
                findings.sources["currency"] = "rule:currency"

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


def _lowest(variants: list[Offer]) -> Decimal | None:
    amounts = [parse_amount(one.get("price"), None) for one in variants]
    return min((amount for amount in amounts if amount is not None), default=None)
