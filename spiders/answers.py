"""What walkers of JSON answers share: an answer is read whole or its fault told, and each offer becomes a listing."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawler.extraction.findings import Findings
from crawler.extraction.shop_answers import Offer, offer_page
from crawler.items import ExtractedPage, ListingGone, ListingItem, PageProblem
from markets.definition import Source
from markets.words import Wanted
from spiders.base import GONE_STATUSES, PHOTO_PRIORITY, MarketSpider


class AnswersSpider(MarketSpider, ABC):
    """Base of walkers whose answers hold whole listings: no page of a listing is fetched where its answer has it all.

    A subclass gives `first_requests`, `offers`, `address` and `fill`, and `next_request` where answers have pages.
    Listings are known by their public address, so `listing_url` of the definition makes their ids here too.
    """

    software = "the API"
    """What answers, for messages."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.tally: dict[Any, list[int]] = {}
        """Query -> offers read and offers wanted, of this process."""

    @abstractmethod
    def first_requests(self) -> Iterable[Request]:
        """The requests with which the walk begins."""

    @abstractmethod
    def offers(self, answer: Any) -> list[Any] | None:
        """The offers of an answer; None where it is no answer of this kind."""

    @abstractmethod
    def address(self, offer: Offer) -> str | None:
        """The public address of an offer."""

    @abstractmethod
    def fill(self, offer: Offer, findings: Findings) -> None:
        """Read an offer's values, each with its place in the answer as its source."""

    def wants(self, offer: Offer) -> bool:
        """Whether an offer is among what was asked for; where the API searches itself, all are."""
        return True

    def next_request(self, response: Response, answer: Any, offers: list[Any]) -> Request | None:
        """The request for the next page, None after the last."""
        return None

    @property
    def source(self) -> Source:
        return self.definition.source or Source()

    async def start(self) -> AsyncIterator[Any]:
        for request in self.first_requests():
            yield request

    def parse_search(self, response: Response) -> Iterable[Any]:
        """The listings of an answer, photographs to fetch, and the next answer."""
        answer = self.read_answer(response)
        if isinstance(answer, PageProblem):
            yield answer
            return
        offers = self.offers(answer)
        if offers is None:
            yield PageProblem(response.url, f"it is no answer of {self.software}: its list of offers is missing")
            return
        wanted = [offer for offer in offers if isinstance(offer, dict) and self.wants(offer)]
        if len(offers) != sum(isinstance(offer, dict) for offer in offers):
            yield PageProblem(response.url, "some of its offers are no objects and were passed over")
        for offer in wanted:
            yield from self.listing(offer, response)
        number = response.meta["page"]
        met = self.tally.setdefault(response.meta["query"], [0, 0])
        met[0] += len(offers)
        met[1] += len(wanted)
        following = self.next_request(response, answer, offers)
        if following is not None and number < self.source.max_pages:
            yield following
            return
        if following is not None:
            yield PageProblem(response.url, f"more answers follow, but source.max_pages is {self.source.max_pages}")
        if not met[1]:
            yield PageProblem(response.url, self._nothing(met[0]))

    def read_answer(self, response: Response) -> Any:
        """The JSON of a response, or the problem with it."""
        if response.status in GONE_STATUSES:
            return PageProblem(
                response.url, f"{self.software} answered HTTP {response.status}: it is not offered at this address"
            )
        if "truncated" in response.flags:
            return PageProblem(response.url, f"the answer was cut after {len(response.body)} bytes: it is too long")
        try:
            return json.loads(response.body, parse_float=str)
        except (ValueError, RecursionError) as error:
            kind = (response.headers.get(b"Content-Type") or b"no content type").decode("latin-1")
            why = str(error)[:120] if isinstance(error, ValueError) else "it is nested too deeply"
            return PageProblem(response.url, f"it is no JSON ({why}; sent as {kind}): is this {self.software}?")

    def listing(self, offer: Offer, response: Response) -> Iterator[Any]:
        """The listing of one offer and the request for its first photograph, or the reason why there is none."""
        url = self.address(offer)
        native_id = self.definition.native_id(url) if url else None
        if url is None or native_id is None:
            reason = f"the address of an offer ({url}) does not match listing_url inside the market's domains"
            yield PageProblem(response.url, reason)
            return
        now = datetime.now(UTC)
        page = self.read_offer(offer, url)
        if not page.title:
            yield PageProblem(url, "its offer has no title, so there is nothing to judge")
            return
        yield ListingItem(self.market, self.definition.id_space, native_id, url, page, now, page.state_at(now))
        photo = next((one for one in page.images if self.definition.in_domains(one)), None)
        if photo:
            yield Request(photo, callback=self.parse_photo, meta={"photo_of": native_id}, priority=PHOTO_PRIORITY)

    def read_offer(self, offer: Offer, url: str) -> ExtractedPage:
        """An offer's values with their sources."""
        return offer_page(self.fill, offer, url, self.rules)

    def search_url_request(self, url: str, query: str | None, page: int) -> Request:
        return Request(url, callback=self.parse_search, meta={"query": query, "page": page})

    def gone(self, response: Response) -> Iterator[Any]:
        """What a 404 or 410 for a known listing says; `meta["native_id"]` names it."""
        native_id, now = response.meta.get("native_id"), datetime.now(UTC)
        if native_id:
            space = self.definition.id_space
            yield ListingGone(self.market, space, native_id, response.url, response.status, now)
        else:
            yield PageProblem(response.url, f"{self.software} answered HTTP {response.status}")

    def unreadable(self, answer: Any, response: Response) -> Iterator[PageProblem]:
        """The problem with an answer that should hold one listing and does not."""
        if isinstance(answer, PageProblem):
            yield answer
        else:
            yield PageProblem(response.url, f"it is no answer of {self.software}: the listing is missing in it")

    def _nothing(self, read: int) -> str:
        if read:
            return f"none of the {read} offers read holds the words {self.queries}: the query * takes all"
        return f"{self.software} offers nothing for it: nothing is for sale, or the answer is empty for these words"


class ShopSpider(AnswersSpider):
    """A shop whose software answers in JSON at a place below the shop's own address (`source.url`)."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.wanted = Wanted(self.queries)

    @property
    def shop(self) -> str:
        assert self.source.url is not None, "a definition without it is refused"
        return self.source.url.rstrip("/")
