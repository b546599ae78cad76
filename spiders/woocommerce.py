"""Shops on WooCommerce: its Store API, which the shop's own pages are fed by and which needs no key."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

from scrapy import Request
from scrapy.http import Response

from crawler.extraction.findings import Findings
from markets.words import wants_everything
from spiders.answers import Offer, ShopSpider, markup_text, texts

PAGE_SIZE = 100
"""The most that the Store API gives at once."""


class WoocommerceSpider(ShopSpider):
    """Use it for a shop that answers at `/wp-json/wc/store/v1/products`. `source.url` is the address of the WordPress
    site, `source.parameters` may hold `category` or `tag` (their numbers). The shop searches; the query * takes all.
    A listing that a later search no longer shows is looked up on its own page.
    """

    name = "woocommerce"
    software = "WooCommerce's Store API"

    @property
    def _products(self) -> str:
        return f"{self.shop}/wp-json/wc/store/v1/products"

    def first_requests(self) -> Iterable[Request]:
        for query in self.queries:
            yield self._page(query, 1)

    def _page(self, query: str, number: int) -> Request:
        asked = {} if wants_everything(query) else {"search": query}
        asked |= {**self.source.parameters, "per_page": str(PAGE_SIZE), "page": str(number)}
        return self.search_url_request(f"{self._products}?{urlencode(asked, quote_via=quote)}", query, number)

    def offers(self, answer: Any) -> list[Any] | None:
        return answer if isinstance(answer, list) else None

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        number = response.meta["page"]
        total = (response.headers.get(b"X-WP-TotalPages") or b"").decode("latin-1")
        more = number < int(total[:9]) if total.isdecimal() else len(offers) >= PAGE_SIZE
        return self._page(response.meta["query"], number + 1) if more and offers else None

    def address(self, offer: Offer) -> str | None:
        url = offer.get("permalink")
        return url if isinstance(url, str) else None

    def fill(self, offer: Offer, findings: Findings) -> None:
        findings.add_text("title", offer.get("name"), "woocommerce:name")
        full = "description" if offer.get("description") else "short_description"
        findings.add_text("description", _with_attributes(offer, full), f"woocommerce:{full}")
        findings.add_images(texts(offer.get("images"), "src"), "woocommerce:images.src")
        findings.add_availability(offer.get("is_in_stock"), "woocommerce:is_in_stock")
        prices = offer.get("prices")
        if isinstance(prices, dict):
            amount = _major(prices.get("price"), prices.get("currency_minor_unit"))
            if amount is not None:
                findings.add_price(str(amount), prices.get("currency_code"), "woocommerce:prices.price")


def _with_attributes(offer: Offer, field: str) -> str | None:
    """The description and, line by line, what the shop's table of attributes says (Provenance: ..., Period: ...)."""
    lines = [markup_text(offer.get(field)) or ""]
    for attribute in offer.get("attributes") or []:
        terms = texts(attribute.get("terms"), "name") if isinstance(attribute, dict) else []
        if terms:
            lines.append(f"{attribute.get('name')}: {', '.join(terms)}")
    return "\n".join(lines)


def _major(amount: object, minor_unit: object) -> Decimal | None:
    """`"12550"` with two decimals is 125.50."""
    if not isinstance(amount, str) or not isinstance(minor_unit, int) or not 0 <= minor_unit <= 6:
        return None
    try:
        return Decimal(amount).scaleb(-minor_unit)
    except InvalidOperation:
        return None
