import html
import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest

from crawler.extraction.lenient_json import BrokenJson, read_json
from crawler.extraction.page import extract_page

URL = "https://auction.example/sale/4/lot/1234"


def with_json_ld(*blocks, head=""):
    scripts = "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)
    return f"<html><head>{head}{scripts}</head><body></body></html>".encode()


PRODUCT = {
    "@context": "https://schema.org",
    "@type": "Product",
    "name": "Roman lamp",
    "description": "Terracotta,<br>2nd century &amp; later",
    "image": ["/1.jpg", {"@type": "ImageObject", "contentUrl": "https://img.example/2.jpg"}],
    "offers": {
        "@type": "Offer",
        "price": "120.50",
        "priceCurrency": "GBP",
        "availability": "http://schema.org/InStock",
        "availabilityEnds": "2026-12-06T20:00:00Z",
        "seller": {"@type": "Organization", "name": "Old House", "url": "/house/7"},
        "availableAtOrFrom": {"address": {"addressLocality": "Leeds", "addressCountry": "GB"}},
    },
}


def test_every_field_of_a_product_is_taken_with_its_source():
    page = extract_page(with_json_ld(json.dumps(PRODUCT)), URL)
    assert page.kind == "listing"
    assert page.title == "Roman lamp"
    assert page.description == "Terracotta,\n2nd century & later"
    assert (page.price, page.currency) == (Decimal("120.50"), "GBP")
    assert page.images == ["https://auction.example/1.jpg", "https://img.example/2.jpg"]
    assert page.availability == "InStock"
    assert page.ends_at == datetime(2026, 12, 6, 20, tzinfo=UTC)
    assert (page.seller, page.seller_url) == ("Old House", "https://auction.example/house/7")
    assert page.location == "Leeds, GB"
    assert page.sources["price"] == "json-ld:offers.price"
    assert page.sources["seller"] == "json-ld:offers.seller.name"
    assert page.problems == []


@pytest.mark.parametrize(
    "block",
    [
        json.dumps({"@graph": [{"@type": "WebPage", "name": "page"}, PRODUCT]}),
        json.dumps([{"@type": "BreadcrumbList", "itemListElement": []}, PRODUCT]),
        json.dumps({"@type": "WebPage", "mainEntity": PRODUCT}),
        json.dumps({**PRODUCT, "@type": ["Product", "Thing"]}),
        json.dumps({**PRODUCT, "@type": "http://schema.org/Product"}),
        json.dumps({**PRODUCT, "offers": [PRODUCT["offers"]]}),
        "<!--\n" + json.dumps(PRODUCT) + "\n-->",
        "//<![CDATA[\n" + json.dumps(PRODUCT) + "\n//]]>",
        json.dumps(PRODUCT)[:-1] + ",}",
        "/* lot */ " + json.dumps(PRODUCT) + ";",
        json.dumps(PRODUCT).replace("Terracotta,", "Terracotta,\n\t"),
    ],
    ids=[
        "graph",
        "array",
        "main-entity",
        "types",
        "full-type",
        "offers-list",
        "comment",
        "cdata",
        "trailing-comma",
        "js-comment",
        "raw-breaks",
    ],
)
def test_json_ld_is_read_in_every_usual_shape(block):
    page = extract_page(with_json_ld(block), URL)
    assert (page.kind, page.title, page.price, page.currency) == ("listing", "Roman lamp", Decimal("120.50"), "GBP")


def test_an_aggregate_offer_gives_its_lowest_price():
    offers = {"@type": "AggregateOffer", "lowPrice": 50, "highPrice": 90, "priceCurrency": "EUR", "offerCount": 3}
    page = extract_page(with_json_ld(json.dumps({**PRODUCT, "offers": offers})), URL)
    assert (page.price, page.currency) == (Decimal(50), "EUR")


def test_a_price_specification_counts_but_not_a_list_price():
    specifications = [{"priceType": "https://schema.org/ListPrice", "price": 99}, {"price": 80, "priceCurrency": "EUR"}]
    page = extract_page(
        with_json_ld(json.dumps({**PRODUCT, "offers": {"@type": "Offer", "priceSpecification": specifications}})), URL
    )
    assert (page.price, page.currency) == (Decimal(80), "EUR")


def test_related_products_are_not_the_listing():
    other = {**PRODUCT, "name": "Another thing", "offers": {"@type": "Offer", "price": "1", "priceCurrency": "USD"}}
    page = extract_page(with_json_ld(json.dumps({**PRODUCT, "isRelatedTo": [other]})), URL)
    assert (page.title, page.price) == ("Roman lamp", Decimal("120.50"))


def test_a_broken_block_is_named_and_the_next_one_read():
    page = extract_page(with_json_ld('{"@type": "Product", "name": ', json.dumps(PRODUCT)), URL)
    assert page.title == "Roman lamp"
    assert any("JSON-LD block 1 is broken" in problem for problem in page.problems)


def test_mending_leaves_texts_alone():
    assert read_json("{a: 'it\\'s // no comment', b: [1,2,], /* c */ c: undefined}") == {
        "a": "it's // no comment",
        "b": [1, 2],
        "c": None,
    }
    with pytest.raises(BrokenJson):
        read_json("{never ends")


def test_microdata_is_read_from_the_same_tree():
    body = b"""<html><head><title>Glass bead | Shop</title></head><body>
    <div itemscope itemtype="https://schema.org/BreadcrumbList"><span itemprop="name">Beads</span></div>
    <div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Glass bead</h1>
    <img itemprop="image" src="/bead.jpg"><p itemprop="description">Blue, with eyes.</p>
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
<span itemprop="price" content="40.00">40 EUR</span>
    <meta itemprop="priceCurrency" content="EUR"><link itemprop="availability" href="https://schema.org/SoldOut">
    <span itemprop="availableAtOrFrom">Tunis</span></div></div></body></html>"""
    page = extract_page(body, URL)
    assert (page.title, page.price, page.currency) == ("Glass bead", Decimal("40.00"), "EUR")
    assert (page.availability, page.location) == ("SoldOut", "Tunis")
    assert page.images == ["https://auction.example/bead.jpg"]
    assert page.sources["price"].startswith("microdata:")


def test_meta_tags_serve_an_app_shell():
    body = b"""<html><head><title>Shell</title><meta property="og:title" content="Camera DMC">
<meta property="og:type" content="product">
    <meta property="product:price:amount" content="14,880"><meta property="product:price:currency" content="JPY">
    <meta property="og:image" content="https://img.example/c.jpg"></head><body><div id="app"></div></body></html>"""
    page = extract_page(body, URL)
    assert (page.kind, page.title, page.price, page.currency) == ("listing", "Camera DMC", Decimal(14880), "JPY")
    assert page.sources["images"] == "opengraph:og:image"


LOT = {
    "id": 1234,
    "title": "Bronze figure of Isis",
    "lotNumber": "14",
    "estimateLow": 1000,
    "estimateHigh": 2000,
    "currency": "EUR",
    "currentBid": {"amount": 900, "currency": "EUR"},
    "endDate": "2026-12-01T18:00:00Z",
    "images": [{"url": "https://img.example/a.jpg"}],
    "sellerId": 7,
}
STATE = {
    "app": {
        "lots": {"1234": LOT},
        "sellers": {"7": {"name": "House of Isis"}},
        "similar": [LOT | {"id": 9, "title": "Other"}],
    }
}
HEADING = "<title>Bronze figure of Isis - House</title><h1>Bronze figure of Isis</h1>"


@pytest.mark.parametrize(
    "script",
    [
        f'<script id="__NEXT_DATA__" type="application/json">{json.dumps({"props": {"pageProps": STATE}})}</script>',
        f"<script>window.__INITIAL_STATE__ = {json.dumps(STATE)};</script>",
        f"<script>var x=1; window.__data={json.dumps(STATE)}; run();</script>",
        f"<script>window.state = JSON.parse({json.dumps(json.dumps(STATE))});</script>",
        f"<script>self.__next_f.push([1,{json.dumps('a:' + json.dumps(STATE) + chr(10))}])</script>",
    ],
    ids=["next", "redux", "assignment", "json-parse", "next-flight"],
)
def test_embedded_state_is_searched_by_shape(script):
    page = extract_page(f"<html><head>{HEADING}</head><body>{script}</body></html>".encode(), URL)
    assert page.kind == "listing"
    assert (page.price, page.currency) == (Decimal(900), "EUR")
    assert (page.estimate_low, page.estimate_high, page.lot_number) == (Decimal(1000), Decimal(2000), "14")
    assert page.ends_at == datetime(2026, 12, 1, 18, tzinfo=UTC)
    assert page.seller == "House of Isis"
    assert page.images == ["https://img.example/a.jpg"]
    assert page.sources["price"].startswith("state:")


def test_a_state_with_parameters_is_filled_in():
    script = '<script>window.__NUXT__=(function(a,b){return {lot:{title:"Vase grec",price:a,currency:"EUR",seller:{name:b}}}}(1200,"Maison X"));</script>'  # noqa: E501
    page = extract_page(f"<title>Vase grec</title><h1>Vase grec</h1>{script}".encode(), URL)
    assert (page.price, page.currency, page.seller) == (Decimal(1200), "EUR", "Maison X")


def test_a_state_of_positions_is_unpacked():
    packed = [["Reactive", 1], {"lot": 2}, {"title": 3, "price": 4, "currency": 5}, "Vase grec", 1200, "EUR"]
    script = f'<script type="application/json" id="__NUXT_DATA__">{json.dumps(packed)}</script>'
    page = extract_page(f"<title>Vase grec</title><h1>Vase grec</h1>{script}".encode(), URL)
    assert (page.price, page.currency) == (Decimal(1200), "EUR")


def test_references_in_an_apollo_state_are_followed():
    state = {
        "Listing:1234": {
            "id": "1234",
            "title": "Coin of Hadrian",
            "price": {"amount": "350.00", "currencyCode": "USD"},
            "seller": {"__ref": "User:9"},
        },
        "User:9": {"username": "coinman"},
    }
    page = extract_page(
        f"<title>Coin of Hadrian</title><h1>Coin of Hadrian</h1><script>window.__APOLLO_STATE__={json.dumps(state)}</script>".encode(),  # noqa: E501
        URL,
    )
    assert (page.price, page.currency, page.seller) == (Decimal("350.00"), "USD", "coinman")


def test_a_state_that_the_page_does_not_point_to_gives_nothing():
    other = {
        "banner": {"title": "Big winter sale", "price": 5, "currency": "EUR", "images": ["https://img.example/b.jpg"]}
    }
    page = extract_page(
        f"<title>Clay tablet</title><h1>Clay tablet</h1><script>window.s={json.dumps(other)}</script>".encode(), URL
    )
    assert page.title == "Clay tablet"
    assert page.price is None
    assert page.images == []


def test_a_saved_json_answer_is_a_page():
    answer = {
        "data": {
            "item": {
                "id": 98765,
                "title": "Clay tablet",
                "price": {"value": "400.00", "currency": "USD"},
                "seller": {"username": "bob"},
            }
        }
    }
    page = extract_page(json.dumps(answer).encode(), "https://api.example/item/98765")
    assert (page.kind, page.title, page.price, page.currency) == ("listing", "Clay tablet", Decimal("400.00"), "USD")
    assert page.seller == "bob"


def test_a_saved_json_search_answer_gives_its_links_and_the_next_page():
    items = [
        {
            "itemId": str(i),
            "title": f"Coin {i}",
            "price": {"value": "4.00", "currency": "USD"},
            "itemWebUrl": f"https://e.example/itm/{i}",
        }
        for i in range(1000, 1030)
    ]
    page = extract_page(
        json.dumps({"itemSummaries": items, "next": "/search?offset=30"}).encode(), "https://api.example/search?q=coin"
    )
    assert page.kind == "search"
    assert page.listing_urls == [f"https://e.example/itm/{i}" for i in range(1000, 1030)]
    assert page.next_url == "https://api.example/search?offset=30"


def test_data_pushed_to_the_pages_bookkeeping_is_read_but_the_screens_currency_wins():
    push = "dataLayer.push({'ecommerce':{'currency':'USD','items':[{'item_name':'Oil lamp','price':'129.00'}]}});"
    for shown, currency in (("", "USD"), ('<b class="price">129,00 zł</b>', "PLN")):
        body = f"<title>Oil lamp - Shop</title><script>{push}</script><h1>Oil lamp</h1>{shown}"
        page = extract_page(body.encode(), URL)
        assert (page.price, page.currency) == (Decimal("129.00"), currency)


@pytest.mark.parametrize("quoted", [True, False], ids=["percent-encoded", "attribute"])
def test_state_in_an_encoded_string_or_an_attribute_is_read(quoted):
    text = json.dumps({"item": LOT, "padding": "x" * 200})
    if quoted:
        carrier = f'<script>window.__initialData__ = "{quote(text)}";</script>'
    else:
        carrier = f'<div data-props="{html.escape(text)}"></div>'
    page = extract_page(f"{HEADING}{carrier}".encode(), URL)
    assert (page.price, page.lot_number) == (Decimal(900), "14")
