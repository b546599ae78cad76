"""Seller, place and end that only an element's own name tells, and those that stand without any label at all."""

from datetime import UTC, date, datetime

import pytest

from crawler.extraction.page import extract_page

HEAD = '<html lang="{lang}"><head><title>Bronze lamp with two nozzles</title></head><body>'
LOT = "<h1>Bronze lamp with two nozzles</h1><p>Lot 12</p><p>Estimate: £100 - £150</p>"


def read(body, *, url="https://sales.example/lot/88123", lang="en", lot=LOT):
    return extract_page((HEAD.format(lang=lang) + lot + body).encode(), url, charset="utf-8")


@pytest.mark.parametrize(
    ("body", "seller"),
    [
        ('<div data-cy="seller_card"><h4>Andreas</h4><p>Joined May 2015</p></div>', "Andreas"),
        ('<div class="classifiedUserBox"><div><h5>Selim Y.</h5></div></div>', "Selim Y."),
        (
            '<div aria-label="Seller description"><span>Fathi Adel</span><span>Member since 2018</span></div>',
            "Fathi Adel",
        ),
        ('<div class="house-info">By: <a href="/houses/77">Orion Salerooms</a></div>', "Orion Salerooms"),
        ('<a href="/auctioneer/orion-salerooms-k2j3">Orion Salerooms</a>', "Orion Salerooms"),
        ("<section><h2>Sælgers profil</h2><p>Jens Holm</p></section>", "Jens Holm"),
        ('<div><span>Publié par</span> <a href="/u/5">Hatem K</a></div>', "Hatem K"),
    ],
)
def test_the_seller_is_read_from_a_block_that_calls_itself_the_sellers(body, seller):
    assert read(body).seller == seller


@pytest.mark.parametrize(
    "block", ["<span>Private user</span>", "<button>Contact</button>", "<p>99.1% positive</p>", "<span>Sold</span>"]
)
def test_what_a_sellers_block_says_besides_is_no_name(block):
    assert read(f'<div class="seller-card">{block}</div>').seller is None


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('<span id="view-locality">65183 Hesse - Wiesbaden</span>', "65183 Hesse - Wiesbaden"),
        ('<span aria-label="Location">Maadi, Cairo</span>', "Maadi, Cairo"),
        ('<span class="AdInfo_locationText__z">Napoli (NA)</span>', "Napoli (NA)"),
        ('<div class="venue">Venue: The Court House, Harwich</div>', "The Court House, Harwich"),
        ('<a href="/city/jeddah">Jeddah</a>', "Jeddah"),
        ("<p>Room 5, 75009 Paris</p>", "Paris"),
        ("<p>Located in Beirut, Lebanon</p>", "Beirut, Lebanon"),
        ('<div class="seller-box"><a href="/m/1">levant-coins</a><div>Pays : Belgium</div></div>', "Belgium"),
    ],
)
def test_the_place_is_read_where_only_a_name_or_its_form_tells(body, place):
    assert read(body).location == place


@pytest.mark.parametrize(
    "body", ['<a class="city">Choose a city</a>', "<p>2019 Toyota Corolla</p>", "<p>12345 views</p>"]
)
def test_what_is_no_place_is_none(body):
    assert read(body).location is None


def test_two_towns_leave_the_place_open():
    assert read("<p>75009 Paris</p><p>30000 Nîmes</p>").location is None


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ('<div class="auction-date">September 12, 2024</div>', date(2024, 9, 12)),
        ('<div class="countdown" data-end="1733450000"></div>', date(2024, 12, 6)),
        ("<div>Autumn antiquities · 3 December 2024</div>", date(2024, 12, 3)),
        ("<div>jeudi 14 novembre 2024 - 14:00 (CET)</div>", date(2024, 11, 14)),
        ("<p>Vente le mercredi 9 octobre 2024 à 14h00</p>", date(2024, 10, 9)),
        ("<div>Sold on Jan 17, 2024 for: <b>£90</b></div>", date(2024, 1, 17)),
        ("<p>Slutter: 3. december 2024 kl. 19.30</p>", date(2024, 12, 3)),
        ("<p>Einddatum: 4 maart 2025, 20:00</p>", date(2025, 3, 4)),
    ],
)
def test_the_sales_date_is_read_without_a_label_or_an_hour(body, end):
    assert read(body).ends_at.date() == end


def test_a_day_without_an_hour_needs_no_zone():
    page = read('<div class="sale-date">May 4, 2024</div>', lot="<h1>Bronze lamp with two nozzles</h1><p>Lot 12</p>")
    assert page.ends_at == datetime(2024, 5, 4, tzinfo=UTC)
    assert "the day alone" in page.sources["ends_at"]


def test_an_hour_without_a_zone_still_says_nothing():
    body = '<div class="sale-date">May 4, 2024, 5:00 pm</div>'
    assert read(body, lot="<h1>Bronze lamp with two nozzles</h1><p>Lot 12</p>").ends_at is None


@pytest.mark.parametrize(
    "body",
    [
        "<p>3 July 2008</p><p>4 July 2009</p>",
        "<p>Bought in Paris on 3 July 2008 from a dealer</p>",
        "<p>3 July 1975</p>",
    ],
)
def test_dates_of_a_things_past_are_no_sales(body):
    assert read(body).ends_at is None


@pytest.mark.parametrize(
    ("address", "currency"),
    [
        ("https://jo.bazaar.example/ar/88123", "JOD"),
        ("https://bazaar.example/ar-kw/88123", "KWD"),
        ("https://bazaar.example/tn/ar/88123", "TND"),
    ],
)
def test_the_edition_in_the_address_tells_which_dinar_it_is(address, currency):
    body = '<h1>عملات برونزية قديمة</h1><div class="price">250 دينار</div>'
    assert extract_page(body.encode(), address, charset="utf-8").currency == currency


def test_crowns_are_of_the_country_whose_language_the_page_is_in():
    assert read("<p>Ledande bud</p><b>425 kr</b>", lang="sv", lot="<h1>Oljelampa i brons</h1>").currency == "SEK"
