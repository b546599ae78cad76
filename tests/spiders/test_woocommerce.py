"""A WooCommerce shop on loopback, walked by the whole crawl."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from markets.definition import Definition
from spiders.woocommerce import WoocommerceSpider
from storage.tables import Listing, Observation
from tests.crawling import Place
from tests.market_server import MISSING, MarketServer
from tests.spiders.parsing import asked, outputs, told, walker
from tests.spiders.shops import answer, woo_product

API = "/wp-json/wc/store/v1/products"


def define(place: Place, market: MarketServer, **changes: str) -> Definition:
    facts = {
        "spider": "woocommerce",
        "kind": "dealer",
        "search": "null",
        "source": f'{{url: "{market.url("")}"}}',
        "listing_url": '"/product/(?P<slug>[^/?#]+)"',
        **changes,
    }
    return place.define(market, **facts)


def test_the_shop_is_searched_page_by_page_and_a_second_crawl_doubles_nothing(
    place: Place, market: MarketServer
) -> None:
    lamp = woo_product(1, market.url("/product/oil-lamp/"), "Roman oil lamp")
    other = woo_product(2, market.url("/product/lamp-2/"), "Lamp 2", is_in_stock=False)
    total = ("X-WP-TotalPages", "2")
    market.routes[f"{API}?search=oil%20lamp&per_page=100&page=1"] = answer([lamp], total)
    market.routes[f"{API}?search=oil%20lamp&per_page=100&page=2"] = answer([other], total)
    define(place, market)
    end = place.crawl("oil lamp")
    assert end.status == 0, (end, place.log())
    assert len(market.targets()) == 2
    statement = select(Observation).join(Listing, Listing.id == Observation.listing_id).order_by(Listing.native_id)
    ended, seen = place.rows(statement)
    assert (seen.title, seen.price, seen.currency) == ("Roman oil lamp", Decimal("125.50"), "EUR")
    assert seen.description == "Roman oil lamp & stand.\nFound in a field.\nProvenance: old German collection"
    assert seen.images == ["https://cdn.example/full.jpg"]
    assert (seen.state, ended.state) == ("live", "ended")
    assert seen.sources["price"] == "woocommerce:prices.price"

    market.routes[f"{API}?search=oil%20lamp&per_page=100&page=1"] = answer([other], ("X-WP-TotalPages", "1"))
    market.routes["/product/oil-lamp/"] = MISSING
    counts = place.crawl("oil lamp").result["counts"]
    assert (counts.get("new", 0), counts.get("changed", 0), counts["gone"]) == (0, 0, 1)
    assert len(place.rows(select(Observation))) == 2


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("[]", 200, "WooCommerce's Store API offers nothing for it"),
        ('{"code": "rest_no_route"}', 200, "its list of offers is missing"),
        ("[{", 200, "it is no JSON"),
        ('{"code": "rest_no_route"}', 404, "answered HTTP 404"),
        ('[{"name": "Lamp", "permalink": "http://elsewhere.example/product/x"}]', 200, "does not match listing_url"),
    ],
)
def test_an_answer_without_listings_says_why(
    place: Place, market: MarketServer, body: str, status: int, reason: str
) -> None:
    given = outputs(WoocommerceSpider, define(place, market), market.url(API), body, status=status)
    assert reason in told(given)
    assert not asked(given)


def test_without_totals_a_full_page_leads_to_the_next(place: Place, market: MarketServer) -> None:
    products = [woo_product(n, market.url(f"/product/lamp-{n}"), f"Lamp {n}") for n in range(100)]
    given = outputs(WoocommerceSpider, define(place, market), market.url(API), json.dumps(products), "lamp")
    assert asked(given) == [market.url(f"{API}?search=lamp&per_page=100&page=2")]


def test_a_star_and_a_category_are_asked_for_without_words(place: Place, market: MarketServer) -> None:
    source = f'{{url: "{market.url("/shop/")}", parameters: {{category: "12"}}}}'
    spider = walker(WoocommerceSpider, define(place, market, source=source), "*")
    assert asked(spider.first_requests()) == [market.url(f"/shop{API}?category=12&per_page=100&page=1")]


@pytest.mark.parametrize(
    ("prices", "price"),
    [
        ({"price": "125", "currency_minor_unit": 0, "currency_code": "JPY"}, Decimal(125)),
        ({"price": "1250", "currency_minor_unit": 3, "currency_code": "KWD"}, Decimal("1.25")),
        ({"price": "", "currency_minor_unit": 2, "currency_code": "EUR"}, None),
        ({"price": "12", "currency_code": "EUR"}, None),  # no guess at what 12 means
        (None, None),
    ],
)
def test_prices_are_read_in_their_currencys_units(place: Place, market: MarketServer, prices, price) -> None:
    spider = walker(WoocommerceSpider, define(place, market))
    url = market.url("/product/x")
    assert spider.read_offer(woo_product(1, url, "Lamp", prices=prices), url).price == price
