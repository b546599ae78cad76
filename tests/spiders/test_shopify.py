"""A Shopify shop on loopback, walked by the whole crawl."""

import json
from decimal import Decimal

import pytest
from scrapy import Request
from scrapy.http import Response
from sqlalchemy import select

from crawler.items import ListingItem
from evidence.sealing import seal_listing
from evidence.verify import verify_bundle
from markets.definition import Definition
from spiders.shopify import ShopifySpider
from storage.audit import AuditChain
from storage.tables import Capture, Job, Listing, Observation
from tests.crawling import Place
from tests.market_server import MISSING, MarketServer
from tests.spiders.bundles import exported, item_of, source_of
from tests.spiders.parsing import outputs, told, walker
from tests.spiders.shops import shopify, shopify_product


@pytest.fixture
def shop(place: Place, market: MarketServer) -> MarketServer:
    define(place, market)
    return market


def define(place: Place, market: MarketServer, **changes: str) -> Definition:
    facts = {
        "spider": "shopify",
        "kind": "dealer",
        "search": "null",
        "source": f'{{url: "{market.url("/")}"}}',
        "listing_url": '"/products/(?P<handle>[^/?#]+)"',
        **changes,
    }
    return place.define(market, **facts)


def observations(place: Place) -> dict[str, Observation]:
    rows = select(Listing.native_id, Observation).join(Observation, Observation.listing_id == Listing.id)
    return dict(map(tuple, place.rows(rows.order_by(Observation.id))))


def test_products_become_listings_and_a_second_crawl_doubles_nothing(place: Place, shop: MarketServer) -> None:
    shopify(shop, [[shopify_product("a", "Roman oil lamp")], [shopify_product(name, f"{name} lamp") for name in "bc"]])
    end = place.crawl("lamp")
    assert end.status == 0, (end, place.log())
    assert [one.partition("&")[2] for one in shop.targets()] == ["page=1", "page=2", "page=3"]  # and no page of a lamp
    seen = observations(place)
    assert set(seen) == {"a", "b", "c"}
    lamp = seen["a"]
    assert lamp.title == "Roman oil lamp"
    assert lamp.description == "Roman oil lamp, terracotta .\nEx private collection"
    assert (lamp.price, lamp.currency) == (Decimal(120), "GBP")  # of what can be bought
    assert (lamp.availability, lamp.state, lamp.seller_name) == ("InStock", "live", "Galerie Example")
    assert lamp.images == ["https://cdn.example/lamp.jpg?v=1"]
    assert lamp.sources["price"] == "shopify:variants.price"
    assert lamp.sources["currency"] == "rule:currency"
    (url,) = place.rows(select(Listing.url).where(Listing.native_id == "a"))
    assert url == shop.url("/products/a")

    sold = shopify_product("b", "b lamp", variants=[{"id": 1, "price": "120.00", "available": False}])
    shopify(shop, [[shopify_product("a", "Roman oil lamp"), sold]])
    shop.routes["/products/c.json"] = MISSING  # no longer in the list: its own answer proves that it is gone
    counts = place.crawl("lamp").result["counts"]
    assert (counts.get("new", 0), counts["changed"], counts["listings"]) == (0, 1, 2)
    assert place.rows(select(Listing.state).order_by(Listing.native_id)) == ["live", "ended", "gone"]
    assert len(place.rows(select(Observation))) == 4


def test_each_flagged_listing_of_one_answer_has_that_answer_in_its_bundle(place: Place, shop: MarketServer) -> None:
    titles = {"a": "Egyptian faience shabti, Late Period", "b": "Sumerian cuneiform clay tablet, Ur III"}
    shopify(shop, [[shopify_product(handle, title) for handle, title in titles.items()]])
    end = place.crawl("*")
    assert end.status == 0, (end, place.log())
    jobs = place.rows(select(Job).where(Job.kind == "capture"))
    flagged = [job.arguments["listing_id"] for job in jobs]
    assert len(flagged) == 2
    for listing_id in flagged:
        sealed = seal_listing(place.database, place.home, listing_id, actor="test", chain=AuditChain())
        assert sealed is not None
        copies = place.rows(select(Capture).where(Capture.segment_id == sealed))
        assert {copy.listing_id for copy in copies} == {listing_id}
        again = seal_listing(place.database, place.home, listing_id, actor="test", chain=AuditChain())
        assert again is None, "all is sealed already"
        path = exported(place, listing_id)
        assert verify_bundle(path).status == "valid"
        assert source_of(item_of(path))["url"] == shop.url("/products.json?limit=250&page=1")


def test_only_offers_with_the_words_are_taken_and_a_star_takes_all(place: Place, market: MarketServer) -> None:
    products = [
        shopify_product("a", "Roman lamp"),
        shopify_product("b", "Chair", tags=[]),
        shopify_product("c", "LÁMPARA"),
    ]
    body = json.dumps({"products": products})
    for queries, taken in ((("roman lamp", "lampara"), ["a", "c"]), (("*",), ["a", "b", "c"]), (("urn",), [])):
        given = outputs(ShopifySpider, define(place, market), market.url("/products.json"), body, *queries)
        assert [one.native_id for one in given if isinstance(one, ListingItem)] == taken


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ('{"products": []}', 200, "Shopify's product list offers nothing"),
        ('{"errors": "nothing"}', 200, "its list of offers is missing"),
        ('{"products": [{"title": "Ro', 200, "it is no JSON (Unterminated string"),
        ("[" * 100_000, 200, "it is no JSON"),
        ("<html>Sign in</html>", 200, "is this Shopify's product list?"),
        ('{"products": [{"title": "A lamp", "handle": null}]}', 200, "does not match listing_url"),
        ('{"products": [{"handle": "lamp", "tags": "lamp"}]}', 200, "its offer has no title"),
        ('{"products": ["lamp"]}', 200, "some of its offers are no objects"),
        ("{}", 404, "answered HTTP 404: it is not offered at this address"),
    ],
)
def test_an_answer_without_listings_says_why(
    place: Place, market: MarketServer, body: str, status: int, reason: str
) -> None:
    given = outputs(ShopifySpider, define(place, market), market.url("/products.json"), body, status=status)
    assert reason in told(given)


def test_words_that_no_offer_holds_are_told_after_the_last_page(place: Place, market: MarketServer) -> None:
    spider = walker(ShopifySpider, define(place, market), "amphora")
    for number, products in ((1, [shopify_product("a", "Chair", tags="wood, old")]), (2, [])):
        request = Request(market.url(f"/products.json?page={number}"), meta={"query": None, "page": number})
        body = json.dumps({"products": products}).encode()
        given = list(spider.parse_search(Response(request.url, body=body, request=request)))
    assert told(given) == "none of the 1 offers read holds the words ['amphora']: the query * takes all"


def test_pages_beyond_the_limit_are_told(place: Place, market: MarketServer) -> None:
    definition = define(place, market, source=f'{{url: "{market.url("/")}", max_pages: 1}}')
    body = json.dumps({"products": [shopify_product("a", "Roman lamp")]})
    given = outputs(ShopifySpider, definition, market.url("/products.json"), body)
    assert told(given) == "more answers follow, but source.max_pages is 1"


def test_a_collection_is_read_below_its_own_address(place: Place, market: MarketServer) -> None:
    source = f'{{url: "{market.url("/collections/antiquities")}"}}'
    spider = walker(ShopifySpider, define(place, market, source=source))
    (first,) = spider.first_requests()
    assert first.url == market.url("/collections/antiquities/products.json?limit=250&page=1")
    assert spider.address({"handle": "lamp"}) == market.url("/products/lamp")
