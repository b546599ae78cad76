"""Etsy's Open API as a stand-in on loopback, asked by the whole crawl."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select

from crawler.errors import UsageError
from evidence.verify import verify_bundle
from spiders.etsy import EtsySpider
from storage.tables import Capture, Listing, Observation
from tests.crawling import Ended, Place
from tests.evidence.factory import png
from tests.market_server import Asked, MarketServer, Reply, reply
from tests.spiders.bundles import exported, item_of, source_of
from tests.spiders.parsing import asked, outputs, told
from tests.spiders.shops import answer

KEY = "a-key-that-nobody-may-keep"
FACTS = {
    "spider": "etsy",
    "kind": "marketplace",
    "search": "null",
    "source": "{max_pages: 5}",
    "listing_url": '"/listing/(?P<listing>[0-9]+)"',
}


def found(server: MarketServer, number: int, title: str, **changes: Any) -> dict[str, Any]:
    return {
        "listing_id": number,
        "title": title,
        "description": f"{title} &amp; stand",
        "state": "active",
        "url": server.url(f"/listing/{number}/{title.lower().replace(' ', '-')}?utm_source=api"),
        "price": {"amount": 12550, "divisor": 100, "currency_code": "EUR"},
        **changes,
    }


def whole(listing: dict[str, Any]) -> dict[str, Any]:
    images = [
        {"rank": 2, "url_fullxfull": "https://img.example/2.jpg"},
        {"rank": 1, "url_fullxfull": "https://img.example/1.jpg"},
    ]
    shop = {"shop_name": "OldThings", "url": "https://www.etsy.com/shop/OldThings", "shipping_from_country_iso": "TR"}
    return {"images": images, "shop": shop, **listing}


def serve(server: MarketServer, *listings: dict[str, Any]) -> None:
    def checked(given: dict[str, Any], status: str = "200 OK"):
        def respond(one: Asked) -> Reply:
            if f"x-api-key: {KEY}".encode().lower() not in one.head.lower():
                return answer({"error": "Invalid API key"}, status="401 Unauthorized")
            return answer(given, status=status)

        return respond

    numbers = ",".join(str(one["listing_id"]) for one in listings)
    server.routes["/v3/application/listings/active"] = checked({"count": len(listings), "results": list(listings)})
    path = f"/v3/application/listings/batch?listing_ids={numbers}&includes=Images,Shop"
    server.routes[path] = checked({"count": len(listings), "results": [whole(one) for one in listings]})
    server.routes["/v3/application/listings/100002"] = checked({"error": "not found"}, "404 Not Found")


def crawl(place: Place, server: MarketServer, key: str = KEY) -> Ended:
    return place.crawl("lamp", more={"RELICWATCH_ETSY_KEY": key, "RELICWATCH_ETSY_API": server.url("")})


def test_a_search_and_one_call_for_all_its_listings_give_them_whole(place: Place, market: MarketServer) -> None:
    serve(market, found(market, 100001, "Roman lamp"), found(market, 100002, "Desk lamp"))
    place.define(market, **FACTS)
    end = crawl(place, market)
    assert end.status == 0, (end, place.log())
    assert len(market.targets()) == 2
    statement = select(Observation).join(Listing, Listing.id == Observation.listing_id).order_by(Listing.native_id)
    seen = place.rows(statement)[0]
    assert (seen.title, seen.description) == ("Roman lamp", "Roman lamp & stand")
    assert (seen.price, seen.currency, seen.availability) == (Decimal("125.50"), "EUR", "InStock")
    assert (seen.seller_name, seen.location) == ("OldThings", "TR")
    assert seen.images == ["https://img.example/1.jpg", "https://img.example/2.jpg"]
    for path in (one for one in place.home.root.rglob("*") if one.is_file()):
        kept = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert KEY.encode() not in kept, path

    serve(market, found(market, 100001, "Roman lamp"))
    counts = crawl(place, market).result["counts"]
    assert (counts.get("new", 0), counts.get("changed", 0), counts["gone"]) == (0, 0, 1)
    assert len(place.rows(select(Observation))) == 2


def test_a_capture_seals_the_answers_and_fetches_the_images_and_never_opens_the_page(
    place: Place, market: MarketServer
) -> None:
    photo = png(10, 120, 130)
    images = [{"rank": 1, "url_fullxfull": market.url("/photo.png")}]
    titles = ("Egyptian faience shabti", "Egyptian bronze shabti")
    offers = [found(market, number, title, images=images) for number, title in enumerate(titles, 100001)]
    serve(market, *offers)
    market.routes["/photo.png"] = reply(photo, "200 OK", [("Content-Type", "image/png")])
    place.define(market, **FACTS)
    assert crawl(place, market).status == 0, place.log()
    for listing in place.rows(select(Listing)):
        market.asked.clear()
        end = place.run("capture", "--listing", str(listing.id), more={"RELICWATCH_CHROMIUM_NO_SANDBOX": "1"})
        assert end.status == 0, end
        assert market.targets() == ["/photo.png"]
        (report,) = place.rows(
            select(Capture).where(Capture.kind == "capture_report", Capture.listing_id == listing.id)
        )
        reason = "The page itself was not opened: this market is read through its official API only."
        assert (report.state, report.note) == ("PARTIAL", reason)
        path = exported(place, listing.id)
        assert verify_bundle(path).status == "valid"
        item = item_of(path)
        assert item["captured_fact"]["capture_state"] == {"state": "PARTIAL", "reason": reason}
        assert [one["sha256"] for one in item["captured_fact"]["images"]] == [sha256(photo).hexdigest()]
        assert "/listings/batch?" in source_of(item)["url"]


def test_a_wrong_key_is_one_plain_message(place: Place, market: MarketServer) -> None:
    serve(market, found(market, 100001, "Roman lamp"))
    place.define(market, **FACTS)
    end = crawl(place, market, "wrong")
    assert end.status == 1
    assert "Etsy does not take the key (HTTP 401): look at RELICWATCH_ETSY_KEY" in end.message
    assert len(market.targets()) == 1


def test_without_a_key_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELICWATCH_ETSY_KEY", raising=False)
    with pytest.raises(UsageError, match="set RELICWATCH_ETSY_KEY in the environment"):
        EtsySpider.open_api()


@pytest.mark.parametrize(("total", "page", "cut"), [(50_000, 120, True), (50_000, 119, False), (12_000, 120, False)])
def test_a_search_that_etsy_itself_cuts_is_told(
    place: Place, market: MarketServer, total: int, page: int, cut: bool
) -> None:
    url = market.url("/v3/application/listings/active?keywords=lamp")
    body = json.dumps({"count": total, "results": [found(market, 100001, "Lamp")]})
    given = outputs(EtsySpider, place.define(market, **FACTS), url, body, page=page)
    assert ("Etsy shows no more than 12000 of a search" in told(given)) is cut


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"count": 0, "results": []}', "Etsy's Open API offers nothing for it"),
        ('{"error": "?"}', "its list of offers is missing"),
        ('{"count": 1, "resul', "it is no JSON"),
    ],
)
@pytest.mark.parametrize("call", ["active?keywords=lamp", "batch?listing_ids=1"])
def test_an_answer_without_listings_says_why(
    place: Place, market: MarketServer, call: str, body: str, reason: str
) -> None:
    url = market.url(f"/v3/application/listings/{call}")
    given = outputs(EtsySpider, place.define(market, **FACTS), url, body)
    assert told(given)
    assert not asked(given)
    assert call.startswith("batch") or reason in told(given)
