"""Shops on WooCommerce: its Store API, which the shop's own pages are fed by and which needs no key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from scrapy import Request
from scrapy.http import Response

from crawler.extraction.findings import Findings
from crawler.extraction.shop_answers import Offer, fill_woocommerce, woocommerce_address, woocommerce_offers
from markets.words import wants_everything
from spiders.answers import ShopSpider

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
        return woocommerce_offers(answer)

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        number = response.meta["page"]
        total = (response.headers.get(b"X-WP-TotalPages") or b"").decode("latin-1")
        more = number < int(total[:9]) if total.isdecimal() else len(offers) >= PAGE_SIZE
        return self._page(response.meta["query"], number + 1) if more and offers else None

    def address(self, offer: Offer) -> str | None:
        return woocommerce_address(self.shop, offer)

    def fill(self, offer: Offer, findings: Findings) -> None:
        fill_woocommerce(offer, findings)
