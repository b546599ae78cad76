"""Small pages in the manners of markets that no definition speaks of, written by us."""

import json
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from crawler.extraction.images import image_addresses
from crawler.extraction.page import extract_page
from crawler.extraction.zones import zone_of


def read(body, *, lang="en", url="https://a.example/item/roman-lamp-998877", head=""):
    html = f"<html lang='{lang}'><head><title>Roman oil lamp | House</title>{head}</head><body>{body}</body></html>"
    return extract_page(html.encode(), url)


def state(value):
    return f"<script id='__NEXT_DATA__' type='application/json'>{json.dumps(value)}</script>"


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ([{"paths": {"standard": "/std.jpg", "fullHd": "/full.jpg"}}], ["/full.jpg"]),
        ([{"mediaUrl": "/media.jpg"}], ["/media.jpg"]),
        ([{"contentURL": "/whole.jpg", "thumbnail": "/t.jpg"}], ["/whole.jpg"]),
        ({"thumb_url": "/t.jpg", "urls": ["/one.jpg", "/two.jpg"]}, ["/one.jpg", "/two.jpg"]),
        ({"thumb_url": "/t.jpg"}, ["/t.jpg"]),
    ],
)
def test_a_picture_is_found_whatever_its_key_is_called(value, addresses):
    assert list(image_addresses(value, str)) == addresses


@pytest.mark.parametrize(
    ("country", "currency", "language", "zone"),
    [
        ("CH", None, "fr", "Europe/Zurich"),
        (None, "GBP", "en", "Europe/London"),
        (None, "EUR", "de", "Europe/Berlin"),
        (None, "EUR", "fr", "Europe/Paris"),
        (None, "EUR", "en", None),
        (None, "USD", "en", None),
        ("US", "USD", "en", None),
    ],
)
def test_a_zone_is_taken_only_where_country_money_or_language_leave_one(country, currency, language, zone):
    assert zone_of(country, currency, language) == zone


def test_an_end_without_zone_is_read_by_the_clock_of_the_pages_country():
    page = read("<h1>Roman oil lamp</h1><p>Auktionsende: 10.12.2026 14:00</p>", url="https://a.de/lot/998877")
    assert page.ends_at == datetime(2026, 12, 10, 14, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("lang", "label"),
    [
        ("en", "Sale date"),
        ("de", "Auktionstermin"),
        ("fr", "Vente le"),
        ("es", "Fecha de la subasta"),
        ("it", "Data dell'asta"),
        ("tr", "Müzayede tarihi"),
        ("ar", "تاريخ المزاد"),
    ],
)
def test_the_moment_of_a_sale_is_read_by_the_label_that_auctioneers_give_it(lang, label):
    page = read(f"<h1>Roman oil lamp</h1><dl><dt>{label}:</dt><dd>2026-12-10 14:00 UTC</dd></dl>", lang=lang)
    assert page.ends_at == datetime(2026, 12, 10, 14, tzinfo=ZoneInfo("UTC"))


def test_a_colon_between_a_bold_label_and_its_value_is_not_the_value():
    page = read("<h1>Roman oil lamp</h1><p>£30</p><div><b>Auctioneer</b>: <a href='/h/7'>Harbour Rooms</a></div>")
    assert page.seller == "Harbour Rooms"


def test_a_price_in_the_head_of_the_listings_own_part_is_read():
    page = read(
        "<main><div class='lot-header__left'><h1>Roman oil lamp</h1></div>"
        "<div class='lot-header__prices'><div>Price realised</div><div>USD 44,100</div></div></main>"
    )
    assert (page.price, page.currency) == (Decimal(44100), "USD")


def test_a_price_in_the_sites_header_is_not_read():
    page = read("<div class='page-header__cart'><span class='price'>$9.00</span></div><h1>Roman oil lamp</h1>")
    assert page.price is None


def test_an_amount_whose_style_strikes_it_through_is_the_old_price():
    page = read("<h1>Roman oil lamp</h1><ul><li><span style='text-decoration:line-through'>€ 90</span></li><li>€ 70")
    assert page.price == Decimal(70)


def test_embedded_cents_give_way_to_the_meta_tags_whole_units():
    head = "<meta property='og:price:amount' content='425.00'><meta property='og:price:currency' content='USD'>"
    product = {"id": 998877, "title": "Roman oil lamp", "vendor": "House", "price": 42500, "images": ["/lamp.jpg"]}
    page = read(f"<h1>Roman oil lamp</h1>{state(product)}", head=head)
    assert (page.price, page.currency) == (Decimal("425.00"), "USD")


def test_a_variant_is_not_taken_for_the_thing_itself():
    variant = {"title": "Default", "price": "650.00", "sku": "G1"}
    answer = {
        "product": {
            "id": 81,
            "title": "Stamp seal",
            "body_html": "<p>Gazelle and letters.</p>",
            "vendor": "House",
            "variants": [variant],
            "images": [{"src": "/s.jpg"}],
        }
    }
    page = extract_page(json.dumps(answer).encode(), "https://a.example/products/seal.json")
    assert (page.title, page.price) == ("Stamp seal", Decimal(650))


def test_texts_in_an_object_of_their_own_and_unusual_names_of_people_are_read_from_state():
    item = {
        "item": {
            "id": 998877,
            "title": {"original": "Roman oil lamp"},
            "price": {"cash": {"amount": 65, "currency": "EUR"}},
            "location": {"city": "Sevilla"},
        },
        "itemSeller": {"microName": "Rafael G."},
    }
    page = read(state({"props": item}))
    assert (page.price, page.currency, page.location, page.seller) == (Decimal(65), "EUR", "Sevilla", "Rafael G.")


@pytest.mark.parametrize(
    ("words", "state"),
    [("1 en stock", "InStock"), ("12 in stock", "InStock"), ("غير متوفر في المخزون", "OutOfStock")],
)
def test_stock_counted_before_its_word_is_read(words, state):
    assert read(f"<h1>Roman oil lamp</h1><p class='price'>€ 70</p><p>{words}</p>").availability == state


def test_an_advertisers_profile_names_the_seller():
    page = read(
        "<h1>Roman oil lamp</h1><p>€ 70</p><span class='userprofile-vip'><a href='/s?u=1'>Sammler R.</a></span>"
    )
    assert page.seller == "Sammler R."


@pytest.mark.parametrize(
    "words",
    [
        "<b>Sold for £19,125 inc. premium</b>",
        "<div>Price realised</div><div>£19,125</div>",
        "<p>Ergebnis: £19,125 (inkl.)",
    ],
)
def test_what_a_lot_fetched_is_its_price_and_says_that_it_is_sold(words):
    page = read(f"<h1>Roman oil lamp</h1><p>Lot 88</p><p>£8,000 - £12,000</p>{words}")
    assert (page.price, page.currency, page.availability) == (Decimal(19125), "GBP", "SoldOut")


def test_an_empty_row_for_the_hammer_price_sells_nothing():
    page = read("<h1>Roman oil lamp</h1><p>Starting price: £90</p><div>Hammer price</div><div>—</div>")
    assert (page.price, page.availability) == (Decimal(90), None)
