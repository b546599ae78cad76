"""A Shopify shop on loopback, walked by the whole crawl."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from storage.tables import Crawl, Listing, Observation
from tests.crawling import Place
from tests.market_server import MISSING, MarketServer, reply
from tests.spiders.shops import answer, shopify, shopify_product


@pytest.fixture
def shop(place: Place, market: MarketServer) -> MarketServer:
    define(place, market)
    return market


def define(place: Place, market: MarketServer, **changes: str) -> None:
    facts = {
        "spider": "shopify",
        "kind": "dealer",
        "search": "null",
        "source": f'{{url: "{market.url("/")}"}}',
        "listing_url": '"/products/(?P<handle>[^/?#]+)"',
        **changes,
    }
    place.define(market, **facts)


def observations(place: Place) -> dict[str, Observation]:
    rows = select(Listing.native_id, Observation).join(Observation, Observation.listing_id == Listing.id)
    return {native_id: seen for native_id, seen in place.rows(rows.order_by(Observation.id))}


def test_products_become_listings_without_a_page_being_fetched(place: Place, shop: MarketServer) -> None:
    shopify(shop, [[shopify_product("oil-lamp", "Roman oil lamp")], [shopify_product("urn", "Lampe à huile romaine")]])
    end = place.crawl("lamp")
    assert end.status == 0, (end, place.log())
    assert [one.partition("&")[2] for one in shop.targets()] == ["page=1", "page=2", "page=3"]
    seen = observations(place)
    assert set(seen) == {"oil-lamp", "urn"}
    lamp = seen["oil-lamp"]
    assert lamp.title == "Roman oil lamp"
    assert lamp.description == "Roman oil lamp, terracotta .\nEx private collection"
    assert (lamp.price, lamp.currency) == (Decimal(120), "GBP")  # of what can be bought
    assert (lamp.availability, lamp.state, lamp.seller_name) == ("InStock", "live", "Galerie Example")
    assert lamp.images == ["https://cdn.example/lamp.jpg?v=1"]
    assert lamp.sources["price"] == "shopify:variants.price"
    assert lamp.sources["currency"] == "rule:currency"
    (url,) = place.rows(select(Listing.url).where(Listing.native_id == "oil-lamp"))
    assert url == shop.url("/products/oil-lamp")


def test_only_offers_with_the_words_are_taken_and_a_star_takes_all(place: Place, shop: MarketServer) -> None:
    shopify(
        shop, [[shopify_product("a", "Roman lamp"), shopify_product("b", "Chair"), shopify_product("c", "LÁMPARA")]]
    )
    assert place.crawl("roman lamp", "lampara").result["counts"]["listings"] == 2
    assert place.crawl("*").result["counts"]["listings"] == 3


def test_a_second_crawl_doubles_nothing_and_sees_what_changed(place: Place, shop: MarketServer) -> None:
    shopify(shop, [[shopify_product("a", "Roman lamp"), shopify_product("b", "Greek lamp")]])
    place.crawl("*")
    sold = shopify_product("b", "Greek lamp", variants=[{"id": 1, "price": "120.00", "available": False}])
    shopify(shop, [[shopify_product("a", "Roman lamp"), sold]])
    counts = place.crawl("*").result["counts"]
    assert (counts.get("new", 0), counts["changed"], counts["listings"]) == (0, 1, 2)
    assert place.rows(select(Listing.state).order_by(Listing.native_id)) == ["live", "ended"]
    assert len(place.rows(select(Observation))) == 3


def test_a_listing_gone_from_the_list_is_proved_gone_at_its_own_answer(place: Place, shop: MarketServer) -> None:
    shopify(shop, [[shopify_product("a", "Roman lamp"), shopify_product("b", "Greek lamp")]])
    place.crawl("*")
    shopify(shop, [[shopify_product("a", "Roman lamp")]])
    shop.routes["/products/b.json"] = MISSING
    place.crawl("*")
    assert place.rows(select(Listing.state).order_by(Listing.native_id)) == ["live", "gone"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (answer({"products": []}), "Shopify's product list offers nothing"),
        (answer({"errors": "nothing"}), "its list of offers is missing"),
        (reply('{"products": [{"title": "Ro'), "it is no JSON (Unterminated string"),
        (reply("<html>Sign in</html>"), "sent as text/html"),
        (answer({"products": [{"title": "A lamp", "handle": None}]}), "does not match listing_url"),
        (answer({}, status="404 Not Found"), "answered HTTP 404: it is not offered at this address"),
    ],
)
def test_an_answer_without_listings_is_a_fault_that_says_why(place: Place, shop: MarketServer, given, told) -> None:
    shop.routes["/products.json"] = given
    shop.routes["/products.json?limit=250&page=2"] = answer({"products": []})
    end = place.crawl("lamp")
    assert end.status == 1
    (problems,) = place.rows(select(Crawl.problems))
    assert told in " ".join(problem["reason"] for problem in problems)


def test_words_that_no_offer_holds_are_told(place: Place, shop: MarketServer) -> None:
    shopify(shop, [[shopify_product("a", "Chair", tags="wood, old")]])
    end = place.crawl("amphora")
    assert end.status == 1
    assert "none of the 1 offers read holds the words ['amphora']: the query * takes all" in end.message


def test_pages_beyond_the_limit_are_told(place: Place, market: MarketServer) -> None:
    define(place, market, source=f'{{url: "{market.url("/")}", max_pages: 1}}')
    shopify(market, [[shopify_product("a", "Roman lamp")]])
    end = place.crawl("lamp")
    assert end.status == 0
    (problems,) = place.rows(select(Crawl.problems))
    assert problems[0]["reason"] == "more answers follow, but source.max_pages is 1"
