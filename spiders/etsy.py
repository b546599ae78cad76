"""Etsy through its Open API v3: the search gives numbers, a second call the listings with photographs and shop."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from scrapy import Request
from scrapy.http import Response

from crawler.api_access import KEYS, Api, KeyHeader, address_from_environment, key_from_environment
from crawler.extraction.findings import Findings
from crawler.extraction.shop_answers import Offer, texts
from crawler.items import PageProblem
from markets.words import wants_everything
from spiders.base import LISTING_PRIORITY
from spiders.official import OfficialApiSpider, calls_a_day

PAGE_SIZE = 100
LAST_OFFSET = 12_000
"""The API shows no more of a search than this."""

_TITLE, _VARIABLE = KEYS["etsy"]
_INCLUDES = "includes=Images,Shop"
_STATES = {"active": "InStock", "sold_out": "SoldOut", "expired": "Discontinued", "inactive": "Discontinued"}


class EtsySpider(OfficialApiSpider):
    """All of Etsy's active listings for each query, newest first; `source.parameters` may hold `taxonomy_id` and
    `shop_location`. The key is RELICWATCH_ETSY_KEY, 5,000 calls a day (RELICWATCH_ETSY_CALLS_A_DAY for another
    number); RELICWATCH_ETSY_API names another address. Etsy tells nothing of what was sold.
    """

    name = "etsy"
    id_field = "listing_id"
    software = "Etsy's Open API"

    @classmethod
    def open_api(cls) -> Api:
        base = address_from_environment("RELICWATCH_ETSY_API", "https://openapi.etsy.com")
        (key,) = key_from_environment(_TITLE, _VARIABLE)
        credentials = KeyHeader("x-api-key", key, (_VARIABLE,))
        return Api(
            "Etsy", base, credentials, calls_a_day=calls_a_day("RELICWATCH_ETSY_CALLS_A_DAY", 5_000), name="etsy"
        )

    def first_requests(self) -> Iterable[Request]:
        for query in self.queries:
            yield self._page(query, 1)

    def _page(self, query: str, number: int) -> Request:
        asked = {} if wants_everything(query) else {"keywords": query}
        asked |= {**self.source.parameters, "sort_on": "created", "sort_order": "desc"}
        asked |= {"limit": str(PAGE_SIZE), "offset": str((number - 1) * PAGE_SIZE)}
        path = f"/v3/application/listings/active?{urlencode(asked, quote_via=quote)}"
        return self.call(path, page=number, query=query)

    def offers(self, answer: Any) -> list[Any] | None:
        found = answer.get("results") if isinstance(answer, dict) else None
        return found if isinstance(found, list) else None

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        number, total = response.meta["page"], answer.get("count")
        read = number * PAGE_SIZE
        more = isinstance(total, int) and read < min(total, LAST_OFFSET) and offers
        return self._page(response.meta["query"], number + 1) if more else None

    def parse_search(self, response: Response) -> Iterable[Any]:
        """Of a search: the call for its listings in full, and the next page. Of such a call: the listings."""
        if "/listings/batch?" not in response.url:
            answer = self.read_answer(response)
            found = None if isinstance(answer, PageProblem) else self.offers(answer)
            numbers = [one.get("listing_id") for one in found or [] if isinstance(one, dict)]
            known = [str(number) for number in numbers if isinstance(number, int)]
            if known:
                path = f"/v3/application/listings/batch?listing_ids={','.join(known)}&{_INCLUDES}"
                yield self.call(path, page=response.meta["page"], query=response.meta["query"])
            yield from super().parse_search(response)
            total = answer.get("count") if isinstance(answer, dict) else None
            if isinstance(total, int) and total > LAST_OFFSET and response.meta["page"] * PAGE_SIZE >= LAST_OFFSET:
                reason = f"{total} listings match, but Etsy shows no more than {LAST_OFFSET} of a search"
                yield PageProblem(response.url, f"{reason}: ask for fewer at once")
            return
        answer = self.read_answer(response)
        found = None if isinstance(answer, PageProblem) else self.offers(answer)
        if not found:
            yield from self.unreadable(answer, response)
        for offer in found or []:
            if isinstance(offer, dict):
                yield from super().listing(offer, response)

    def listing(self, offer: Offer, response: Response) -> Any:
        """What a search says of a listing lacks photographs and shop: it is read from the call for its number."""
        if "/listings/active?" in response.url:
            return iter(())
        return super().listing(offer, response)

    def address(self, offer: Offer) -> str | None:
        url = offer.get("url")
        return url.partition("?")[0] if isinstance(url, str) else None

    def listing_request(self, url: str, card: str | None = None) -> Request:
        """A listing that the search no longer shows is asked for by its number."""
        native_id = self.definition.native_id(url)
        call = f"{self.api.base}/v3/application/listings/{native_id}?{_INCLUDES}"
        return Request(call, callback=self.parse_listing, meta={"native_id": native_id}, priority=LISTING_PRIORITY)

    def fill(self, offer: Offer, findings: Findings) -> None:
        findings.add_text("title", offer.get("title"), "etsy:title")
        findings.add_text("description", offer.get("description"), "etsy:description")
        price = offer.get("price")
        if isinstance(price, dict) and isinstance(price.get("amount"), int) and isinstance(price.get("divisor"), int):
            amount = Decimal(price["amount"]) / max(price["divisor"], 1)
            findings.add_price(str(amount), price.get("currency_code"), "etsy:price.amount")
        images = [one for one in offer.get("images") or [] if isinstance(one, dict)]
        images.sort(key=lambda one: one["rank"] if isinstance(one.get("rank"), int) else len(images))
        findings.add_images(texts(images, "url_fullxfull"), "etsy:images.url_fullxfull")
        shop = offer.get("shop")
        if isinstance(shop, dict):
            findings.add_text("seller", shop.get("shop_name"), "etsy:shop.shop_name")
            findings.add_text("seller_url", shop.get("url"), "etsy:shop.url")
            findings.add_text("location", shop.get("shipping_from_country_iso"), "etsy:shop.shipping_from_country_iso")
        findings.add_availability(_STATES.get(str(offer.get("state"))), "etsy:state")
