"""eBay through its Browse API: newest first, and details only of what is new, changed, flagged or ending soon."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from scrapy import Request
from scrapy.http import Response

from crawler.api_access import KEYS, Api, ClientCredentials, address_from_environment, key_from_environment
from crawler.errors import UsageError
from crawler.extraction.findings import Findings
from crawler.extraction.shop_answers import Offer, markup_text, texts
from crawler.items import ExtractedPage, ListingItem, PageProblem
from markets.known import KnownListing, known_listings
from markets.words import wants_everything
from spiders.base import LISTING_PRIORITY
from spiders.official import OfficialApiSpider, calls_a_day

PAGE_SIZE = 200
LAST_OFFSET = 10_000
"""The API shows no more of a search than this."""
REFRESH_DAYS = 7
"""Every unchanged listing is asked for in detail about this often, each on a day of its own."""
ENDS_SOON = timedelta(hours=48)

_ID = re.compile(r"v1\|(\d+)\|\d+\Z")
_AVAILABILITY = {"IN_STOCK": "InStock", "LIMITED_STOCK": "LimitedAvailability", "OUT_OF_STOCK": "OutOfStock"}
_TITLE, *_VARIABLES = KEYS["ebay_browse"]


class EbayBrowseSpider(OfficialApiSpider):
    """One eBay site (`source.parameters.marketplace`, as EBAY_GB); `category_ids` and `filter` are handed on as eBay's
    documentation has them. The key is RELICWATCH_EBAY_CLIENT_ID with RELICWATCH_EBAY_CLIENT_SECRET, 5,000 calls a day
    (RELICWATCH_EBAY_CALLS_A_DAY where eBay has granted more); RELICWATCH_EBAY_API names another address, as the
    sandbox. The query * needs `category_ids`.
    """

    name = "ebay_browse"
    id_field = "itemId"
    software = "eBay's Browse API"

    @classmethod
    def open_api(cls) -> Api:
        base = address_from_environment("RELICWATCH_EBAY_API", "https://api.ebay.com")
        client_id, secret = key_from_environment(_TITLE, *_VARIABLES)
        credentials = ClientCredentials(
            "eBay",
            f"{base}/identity/v1/oauth2/token",
            "https://api.ebay.com/oauth/api_scope",
            (client_id, secret),
            tuple(_VARIABLES),
        )
        return Api(
            "eBay", base, credentials, calls_a_day=calls_a_day("RELICWATCH_EBAY_CALLS_A_DAY", 5_000), name="ebay"
        )

    def first_requests(self) -> Iterable[Request]:
        self.api.fixed_headers = {"X-EBAY-C-MARKETPLACE-ID": self.source.parameters["marketplace"]}
        for query in self.queries:
            if wants_everything(query) and "category_ids" not in self.source.parameters:
                raise UsageError("eBay has no list of everything: give words, or category_ids in the definition.")
            yield self._page(query, 1)

    def _page(self, query: str, number: int) -> Request:
        asked = {} if wants_everything(query) else {"q": query}
        asked |= {name: value for name, value in self.source.parameters.items() if name != "marketplace"}
        asked |= {"sort": "newlyListed", "limit": str(PAGE_SIZE), "offset": str((number - 1) * PAGE_SIZE)}
        path = f"/buy/browse/v1/item_summary/search?{urlencode(asked, quote_via=quote)}"
        return self.call(path, page=number, query=query)

    def offers(self, answer: Any) -> list[Any] | None:
        if not isinstance(answer, dict) or "total" not in answer:
            return None
        found = answer.get("itemSummaries", [])  # left out where nothing was found
        return found if isinstance(found, list) else None

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        number = response.meta["page"]
        more = bool(answer.get("next")) and offers and number * PAGE_SIZE < LAST_OFFSET
        return self._page(response.meta["query"], number + 1) if more else None

    def address(self, offer: Offer) -> str | None:
        """What follows `?` tells how the item was found, not which it is."""
        url = offer.get("itemWebUrl")
        return url.partition("?")[0] if isinstance(url, str) else None

    def parse_search(self, response: Response) -> Iterable[Any]:
        self._known = {}
        answer = self.read_answer(response)
        summaries = self.offers(answer) if not isinstance(answer, PageProblem) else None
        ids = [self.definition.native_id(self.address(one) or "") for one in summaries or [] if isinstance(one, dict)]
        self._known = known_listings(self.crawler, self.definition.id_space, [one for one in ids if one])
        yield from super().parse_search(response)
        total = answer.get("total") if isinstance(answer, dict) else None
        if isinstance(total, int) and total > LAST_OFFSET and response.meta["page"] * PAGE_SIZE >= LAST_OFFSET:
            reason = (
                f"{total} items match, but eBay shows no more than {LAST_OFFSET} of a search: ask for fewer at once"
            )
            yield PageProblem(response.url, reason)

    def listing(self, offer: Offer, response: Response) -> Iterator[Any]:
        """An item's details as its listing. A summary only says whether details are to be asked for."""
        if response.meta.get("page") is None:
            yield from super().listing(offer, response)
            return
        url, item_id = self.address(offer), offer.get("itemId")
        native_id = self.definition.native_id(url) if url else None
        if native_id is None or not isinstance(item_id, str) or not _ID.match(item_id):
            reason = f"an item ({item_id}, {url}) does not match listing_url inside the market's domains"
            yield PageProblem(response.url, reason)
            return
        known, now = self._known.get(native_id), datetime.now(UTC)
        summary = self.read_offer(offer, url or "")
        if known is None or not _unchanged(summary, known) or _is_due(native_id, known, now):
            yield self._details(f"item/{quote(item_id, safe='')}", native_id)
            return
        page = _as_stored(summary, known)
        yield ListingItem(self.market, self.definition.id_space, native_id, known.url, page, now, page.state_at(now))

    def _details(self, what: str, native_id: str | None) -> Request:
        url = f"{self.api.base}/buy/browse/v1/{what}"
        meta = {"native_id": native_id}
        return Request(url, callback=self.parse_listing, meta=meta, priority=LISTING_PRIORITY)

    def listing_request(self, url: str, card: str | None = None) -> Request:
        """A listing that the search no longer shows is asked for by its number."""
        native_id = self.definition.native_id(url)
        return self._details(f"item/get_item_by_legacy_id?legacy_item_id={native_id}", native_id)

    def fill(self, offer: Offer, findings: Findings) -> None:
        findings.add_text("title", offer.get("title"), "ebay:title")
        findings.add_text("description", _described(offer), "ebay:description")
        # The price as the seller states it: one converted for another site changes with every day's rate.
        for name in ("currentBidPrice", "price"):
            price = offer.get(name)
            if isinstance(price, dict):
                stated = "convertedFromValue" if price.get("convertedFromValue") else "value"
                currency = "convertedFromCurrency" if price.get("convertedFromValue") else "currency"
                findings.add_price(price.get(stated), price.get(currency), f"ebay:{name}.{stated}")
        seller = offer.get("seller")
        if isinstance(seller, dict):
            findings.add_text("seller", seller.get("username"), "ebay:seller.username")
        place = offer.get("itemLocation")
        if isinstance(place, dict):
            parts = [place.get(name) for name in ("city", "stateOrProvince", "country")]
            findings.add_text("location", ", ".join(str(part) for part in parts if part), "ebay:itemLocation")
        images = [*texts([offer.get("image")], "imageUrl"), *texts(offer.get("additionalImages"), "imageUrl")]
        findings.add_images(images, "ebay:image.imageUrl")
        findings.add_moment("ends_at", offer.get("itemEndDate"), "ebay:itemEndDate")
        for stock in texts(offer.get("estimatedAvailabilities"), "estimatedAvailabilityStatus")[:1]:
            findings.add_availability(_AVAILABILITY.get(stock), "ebay:estimatedAvailabilityStatus")


def _described(offer: Offer) -> str | None:
    """The description and, line by line, the item specifics (Provenance, Culture, Country of Origin)."""
    lines = [markup_text(offer.get("description") or offer.get("shortDescription")) or ""]
    for aspect in offer.get("localizedAspects") or []:
        if isinstance(aspect, dict) and aspect.get("name") and aspect.get("value"):
            lines.append(f"{aspect['name']}: {aspect['value']}")
    return "\n".join(lines) if any(lines) else None


def _unchanged(summary: ExtractedPage, known: KnownListing) -> bool:
    """Whether a summary says nothing else than what is stored. What it leaves out is no difference."""
    if summary.ends_at is not None and summary.ends_at != known.ends_at:
        return False
    return (summary.title, summary.price, summary.currency) == (known.title, known.price, known.currency)


def _is_due(native_id: str, known: KnownListing, now: datetime) -> bool:
    """Whether details are asked for although nothing changed."""
    if known.flagged or known.state != "live":
        return True
    if known.ends_at is not None and known.ends_at - now < ENDS_SOON:
        return True
    return (zlib.crc32(native_id.encode()) + now.toordinal()) % REFRESH_DAYS == 0


def _as_stored(summary: ExtractedPage, known: KnownListing) -> ExtractedPage:
    """A sighting of what is stored: the summary, completed by what details said before."""
    return ExtractedPage(
        url=known.url,
        kind="listing",
        title=summary.title,
        description=known.description,
        price=summary.price,
        currency=summary.currency,
        seller=known.seller,
        images=list(known.images),
        location=known.location,
        ends_at=known.ends_at,
        availability=known.availability,
        sources=dict(known.sources),
    )
