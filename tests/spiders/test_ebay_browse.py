"""eBay's Browse API as a stand-in on loopback, asked by the whole crawl: paging, details, key, quota."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from sqlalchemy import select
from twisted.python.failure import Failure

from crawler.errors import UsageError
from crawler.visits import Entry, Visit
from spiders.ebay_browse import EbayBrowseSpider
from storage.api_quota import calls_made, take_call
from storage.tables import Crawl, FrontierEntry, Listing, Observation
from tests.crawling import Ended, Place
from tests.market_server import MarketServer
from tests.spiders.ebay import CLIENT_ID, KEY, SECRET, TOKEN, Ebay, summary
from tests.spiders.parsing import outputs, told, walker

FACTS = {
    "spider": "ebay_browse",
    "kind": "marketplace",
    "search": "null",
    "source": "{parameters: {marketplace: EBAY_GB, category_ids: '37903'}}",
    "listing_url": '"/itm/(?:[^/?#]+/)?(?P<item>[0-9]+)"',
}


@pytest.fixture
def ebay(place: Place, market: MarketServer) -> Iterator[Ebay]:
    place.define(market, **FACTS)
    yield Ebay(market)


def crawl(place: Place, ebay: Ebay, *queries: str, **more: str) -> Ended:
    return place.crawl(*queries, more={**KEY, "RELICWATCH_EBAY_API": ebay.server.url(""), **more})


def test_new_items_are_read_in_detail_and_known_ones_cost_no_call(place: Place, ebay: Ebay) -> None:
    ebay.page_size = 2
    for number, title in enumerate(("Garden chair lamp", "Desk lamp", "Plastic lamp"), 100000001):
        ebay.offer(number, title)
    end = crawl(place, ebay)
    assert end.status == 0, (end, place.log())
    assert sum("search" in call for call in ebay.calls()) == 2
    assert sum(call.startswith("item/v1|") for call in ebay.calls()) == 3
    assert b"X-Ebay-C-Marketplace-Id: EBAY_GB" in ebay.seen_headers[0]
    search = "item_summary/search?q=lamp&category_ids=37903&sort=newlyListed&limit=200&offset="
    assert {f"{search}0", f"{search}200"} <= set(ebay.calls())
    assert ebay.tokens == 1
    (seen,) = place.rows(
        select(Observation).join(Listing, Listing.id == Observation.listing_id).where(Listing.native_id == "100000001")
    )
    assert seen.description == "Garden chair lamp, as found.\nProvenance: Ownership History Not Available"
    assert (seen.price, seen.currency) == (Decimal(100), "GBP")  # as the seller states it, not as converted
    assert (seen.seller_name, seen.location, seen.availability) == ("old_things", "GB", "InStock")
    assert seen.images[0].endswith("/100000001/s-l1600.jpg")
    assert seen.sources["price"] == "ebay:price.convertedFromValue"
    (url,) = place.rows(select(Listing.url).where(Listing.native_id == "100000001"))
    assert url == ebay.server.url("/itm/100000001")

    # The key is in no file of the home but where the database counts the calls made with it.
    made = calls_made(place.database, "ebay")
    assert made == len(ebay.calls()) == 5
    secrets = [CLIENT_ID.encode(), SECRET.encode(), TOKEN.encode(), b"Bearer v^", b"Basic "]
    for path in (one for one in place.home.root.rglob("*") if one.is_file()):
        kept = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not [one for one in secrets if one in kept], path
    assert any(b"Authorization: [left out: a key]" in one.block for one in place.records())
    assert not any("oauth2" in one.headers.get("warc-target-uri", "") for one in place.records())

    # Again: one item changed its price, one is gone; the third is not due for a look at its details today or is.
    ebay.items[100000002]["price"] = {"value": "80.00", "currency": "GBP"}
    del ebay.items[100000003]
    ebay.listed.remove(100000003)
    before = len(ebay.calls())
    counts = crawl(place, ebay).result["counts"]
    asked = ebay.calls()[before:]
    assert (counts.get("new", 0), counts["changed"], counts["gone"]) == (0, 1, 1)
    assert "item/v1|100000002|0" in asked
    assert "item/get_item_by_legacy_id?legacy_item_id=100000003" in asked
    assert calls_made(place.database, "ebay") == made + len(asked)
    assert len(place.rows(select(Observation))) == 4
    assert place.rows(select(Listing.state).order_by(Listing.native_id)) == ["live", "live", "gone"]


def test_a_wrong_key_is_one_plain_message_and_the_api_is_not_asked_with_it_again(place: Place, ebay: Ebay) -> None:
    end = crawl(place, ebay, "lamp", "urn", RELICWATCH_EBAY_CLIENT_SECRET="mistyped-5521")
    assert end.status == 1
    assert end.message.count("eBay does not take the key (invalid_client)") == 1
    assert "look at RELICWATCH_EBAY_CLIENT_ID and RELICWATCH_EBAY_CLIENT_SECRET" in end.message
    assert ebay.server.targets() == ["/identity/v1/oauth2/token"]
    assert calls_made(place.database, "ebay") == 0
    assert "mistyped-5521" not in place.log()


def test_without_a_key_or_with_a_place_that_may_not_have_it_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELICWATCH_EBAY_CLIENT_ID", CLIENT_ID)
    monkeypatch.delenv("RELICWATCH_EBAY_CLIENT_SECRET", raising=False)
    with pytest.raises(UsageError, match="set RELICWATCH_EBAY_CLIENT_SECRET in the environment"):
        EbayBrowseSpider.open_api()
    monkeypatch.setenv("RELICWATCH_EBAY_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("RELICWATCH_EBAY_CALLS_A_DAY", "many")
    with pytest.raises(UsageError, match="RELICWATCH_EBAY_CALLS_A_DAY is the number of calls"):
        EbayBrowseSpider.open_api()
    monkeypatch.setenv("RELICWATCH_EBAY_API", "http://api.example")
    monkeypatch.delenv("RELICWATCH_ALLOW_LOOPBACK", raising=False)
    with pytest.raises(UsageError, match="RELICWATCH_EBAY_API is no address that a key may be sent to"):
        EbayBrowseSpider.open_api()


def test_a_spent_quota_is_told_and_what_was_read_before_is_kept(place: Place, ebay: Ebay) -> None:
    for number in range(100000001, 100000004):
        ebay.offer(number, f"Lamp {number}")
    for _ in range(2):  # by an earlier process
        take_call(place.database, "ebay", 5)
    end = crawl(place, ebay, RELICWATCH_EBAY_CALLS_A_DAY="5")
    assert end.result["counts"]["listings"] == 2
    assert len(ebay.calls()) == 3
    (problems,) = place.rows(select(Crawl.problems))
    spent = "all 5 calls of today are spent (ebay): it is asked again from "
    assert [spent in one["reason"] for one in problems] == [True]
    assert "failed" in place.rows(select(FrontierEntry.state))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"total": 0, "limit": 200}', "eBay's Browse API offers nothing for it"),
        ('{"warnings": []}', "its list of offers is missing"),
        ('{"total": 1, "itemSummaries": [{"itemId": "v1|5|0", "title": "Lamp"}]}', "does not match listing_url"),
        ('{"total": 1, "itemSumm', "it is no JSON"),
    ],
)
def test_an_answer_without_items_is_told(place: Place, market: MarketServer, body: str, reason: str) -> None:
    given = outputs(EbayBrowseSpider, place.define(market, **FACTS), market.url("/search"), body)
    assert reason in told(given)


@pytest.mark.parametrize(("total", "page", "cut"), [(48_000, 50, True), (48_000, 49, False), (10_000, 50, False)])
def test_a_search_that_ebay_itself_cuts_is_told(
    place: Place, market: MarketServer, monkeypatch: pytest.MonkeyPatch, total: int, page: int, cut: bool
) -> None:
    definition = place.define(market, **FACTS)
    monkeypatch.setattr("spiders.ebay_browse.known_listings", lambda *_: {})
    body = json.dumps({"total": total, "itemSummaries": [summary(market, 100000001, "Lamp")]})
    given = outputs(EbayBrowseSpider, definition, market.url("/buy"), body, page=page)
    assert ("eBay shows no more than 10000 of a search" in told(given)) is cut


def test_a_call_that_is_one_too_many_for_ebay_itself_is_told(place: Place, ebay: Ebay) -> None:
    spider = walker(EbayBrowseSpider, place.define(ebay.server, **FACTS))
    request = Request(ebay.server.url("/search"))
    error = HttpError(Response(request.url, status=429), "too many")
    request.meta["visit"] = visit = Visit(Entry("f", request.url, "search", {}, 0))
    failure = Failure(error)
    failure.request = request
    assert list(spider.page_failed(failure))
    assert visit.problem == "eBay takes no more calls for now (HTTP 429): its quota may be spent by another program"
