"""Saved JSON answers: single offers, lists with and without addresses, screens that the server lays out."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.extraction.page import extract_page
from crawler.extraction.state_keys import rank_in

LIST = "https://market.example/api/search"
ITEM = "https://market.example/v/oil-lamp/m88123456"


def read(answer, url=ITEM):
    return extract_page(json.dumps(answer, ensure_ascii=False).encode(), url, charset="utf-8")


@pytest.mark.parametrize(
    ("title", "price", "address"),
    [
        ("ec_title", "ec_price", "ec_item_url"),
        ("itemName", "itemPrice", "itemUrl"),
        ("product_name", "goods_price", "product_url"),
        ("title_ar", "price", "webUrl"),
    ],
)
def test_a_list_is_found_whatever_the_site_puts_before_its_keys(title, price, address):
    offers = [{title: f"Bronze lamp {n}", price: 20 + n, address: f"https://market.example/i/{n}"} for n in range(5)]
    page = read({"result": offers}, LIST)
    assert page.kind == "search"
    assert page.listing_urls == [f"https://market.example/i/{n}" for n in range(5)]


def test_a_list_whose_offers_have_no_addresses_is_a_search_all_the_same():
    page = read([{"id": n, "name": f"Bronze lamp {n}", "price": 20.5 + n} for n in range(4)], LIST)
    assert (page.kind, page.listing_urls) == ("search", [])


def test_offers_wrapped_in_edges_are_a_list():
    edges = [{"cursor": n, "node": {"title": f"Lamp {n}", "price": n, "url": f"/lot/{n}"}} for n in range(10, 16)]
    page = read({"data": {"search": {"edges": edges}}}, LIST)
    assert page.kind == "search"
    assert page.listing_urls[0] == "https://market.example/lot/10"


def test_one_result_is_a_search_where_the_answer_counts_its_results():
    offer = {"name": "Bronze lamp", "price": {"value": 20, "currencyIso": "EUR"}, "url": "/p/100087"}
    page = read({"pagination": {"totalResults": 1}, "products": [offer]}, LIST)
    assert (page.kind, page.listing_urls) == ("search", ["https://market.example/p/100087"])


def test_similar_offers_beside_one_are_no_search():
    offer = {"title": "Bronze lamp", "price": 20, "description": "Cast, with chain", "images": ["/a.jpg"]}
    similar = [{"title": f"Lamp {n}", "price": n, "url": f"/lot/{n}"} for n in range(10, 16)]
    page = read({"ad": offer, "similarAds": similar, "related": similar}, "https://market.example/api/ad")
    assert (page.kind, page.title, page.price) == ("listing", "Bronze lamp", Decimal(20))


def test_the_only_offer_of_an_answer_is_its_listing_though_no_address_says_so():
    answer = {"core": {"title": "Oil lamp", "price": 80, "description": "Roman", "pictures": [{"large": "/1.jpg"}]}}
    page = read(answer, "https://market.example/api")
    assert (page.kind, page.title, page.price) == ("listing", "Oil lamp", Decimal(80))


@pytest.mark.parametrize(
    "price",
    [
        {"price": "2650", "currency_code": "EUR", "currency_minor_unit": 2},
        {"priceAmount": 2650, "priceTypeLabel": "€ 26,50"},
        {"amount": 2650, "currency": "EUR", "exponent": 2},
        {"amount": 26.5, "currency": "EUR", "formatted": "€ 26,50"},
    ],
)
def test_amounts_counted_in_cents_are_read_in_whole_units(price):
    page = read({"id": "m88123456", "title": "Oil lamp", "price": price, "images": ["/1.jpg"]})
    assert (page.price, page.currency) == (Decimal("26.5"), "EUR")


def test_keys_may_name_their_language_and_what_they_belong_to():
    page = read(
        {
            "listingId": 88123456,
            "dutchTitle": "Olielamp",
            "dutchDescription": "Romeinse olielamp, tweede eeuw",
            "rentalPrice": 800,
            "computedCityName": "Utrecht",
            "landlordDisplayName": "Jan",
        },
        "https://market.example/te-huur/lamp-88123456",
    )
    assert (page.title, page.price, page.location) == ("Olielamp", Decimal(800), "Utrecht")
    assert (page.seller, page.description) == ("Jan", "Romeinse olielamp, tweede eeuw")


@pytest.mark.parametrize("key", ["oldPrice", "shipping_price", "wasPrice", "listPrice", "priceFilter"])
def test_what_was_asked_or_is_asked_for_something_else_is_no_price(key):
    assert rank_in("price", key) is None


def test_a_screen_of_labelled_rows_is_read_by_its_labels():
    rows = [
        {"widget": "ROW", "data": {"title": "قیمت کل", "value": "‏۲۴,۰۰۰,۰۰۰ تومان"}},
        {"widget": "ROW", "data": {"title": "قیمت هر متر", "value": "‏۲۰۰,۰۰۰ تومان"}},
        {"widget": "ROW", "data": {"title": "شهر", "value": "تهران"}},
    ]
    answer = {
        "sections": [
            {"name": "TITLE", "widgets": [{"data": {"title": "چراغ قدیمی / برنز"}}]},
            {"name": "TEXT", "widgets": [{"data": {"text": "چراغ برنزی قدیمی با زنجیر، سالم و بدون ترک، از مجموعه"}}]},
            {"name": "IMAGES", "widgets": [{"data": {"items": [{"image": {"url": "https://img.example/1.webp"}}]}}]},
            {"name": "ROWS", "widgets": rows},
        ],
        "share": {"title": "چراغ قدیمی _ برنز", "web_url": "https://market.example/v/gaRP"},
    }
    page = read(answer, "https://market.example/v/gaRP")
    assert (page.kind, page.title) == ("listing", "چراغ قدیمی / برنز")
    assert (page.price, page.currency, page.location) == (Decimal(24_000_000), "IRT", "تهران")
    assert page.images == ["https://img.example/1.webp"]
    assert page.description is not None
    assert page.description.startswith("چراغ برنزی")


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["title", "price", "share", "url", "value", "node", "image", "label", "pagination"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=40,
    )
)
def test_no_answer_of_any_shape_brings_the_reading_down(answer):
    page = read({"answer": answer, "seo": answer, "facets": [answer]})
    assert not [problem for problem in page.problems if "could not be read to its end" in problem]
