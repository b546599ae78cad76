"""Headings, prices and lists in manners of the trade: hand-made pages, lots without a name, adverts, long lists."""

from decimal import Decimal

import pytest

from crawler.extraction.page import extract_page


def read(html, url="https://sales.example/a/88123"):
    return extract_page(html.encode(), url, charset="utf-8")


def test_a_hand_made_page_has_its_largest_letters_for_a_heading():
    page = read(
        "<html><title>7781</title><body><table><tr><td><font size='+1'><b>JUDAEA. Herod. AE 8 Prutot</b></font><br>"
        "<font size=2>37-4 BCE. Tripod, date and monogram / Military helmet. VF.</font><br><font color=red>"
        "<b>$325</b></font>"
        "</td></tr></table></body></html>"
    )
    assert (page.kind, page.title, page.price) == ("listing", "JUDAEA. Herod. AE 8 Prutot", Decimal(325))
    assert "Military helmet" in page.description


def test_bold_letters_that_agree_with_the_title_go_before_larger_ones():
    page = read(
        "<html><title>GR102 Red-Figure Kylix</title><body><font size=6>Hermes Antiquities</font>"
        "<b>Red-Figure Kylix</b><p>Price: £450 <font color=red>SOLD</font></body></html>"
    )
    assert page.title.endswith("Red-Figure Kylix")
    assert page.availability == "SoldOut"


def test_a_lots_number_is_no_heading_where_another_names_the_thing():
    page = read("<title>Los 412: Lampe</title><h2>Los 412</h2><h1>Öllampe mit Widder</h1><p>Limit: 180 EUR</p>")
    assert (page.title, page.lot_number) == ("Öllampe mit Widder", "412")


def test_the_first_words_of_the_text_name_a_lot_that_has_no_name():
    page = read(
        "<title>Web Auction 30, Lot 1204</title><h4>Web Auction 30</h4><h3>Lot 1204</h3>"
        "<div class='desc'>SYRIA, Damascus. Otacilia Severa, 244-249. Tetrassarion. Very fine.</div>"
        "<p>Starting price: 50 CHF</p>"
    )
    assert page.title == "SYRIA, Damascus. Otacilia Severa, 244-249."


def test_a_lot_that_has_a_name_keeps_it():
    page = read(
        "<title>Gold Ring with Garnet | Lot #210</title><h1>Lot # 210 - Gold Ring with Garnet</h1>"
        "<div class='desc'>Size 6, second century, choice, in its old setting.</div><p>Start price: $800</p>"
    )
    assert "Gold Ring with Garnet" in page.title


def test_a_forums_name_is_not_the_heading_of_its_topics():
    page = read(
        "<title>FS: bronze axe head - Metal Forum</title><div id='page-header'><h1>Metal Forum</h1></div>"
        "<h2 class='topic-title'>FS: bronze axe head</h2><dl class='postprofile'><dt><a href='/u/7'>digger_dan"
        "</a></dt></dl>"
        "<div class='content'>Selling this bronze axe head, 14 cm. Asking £180 posted.</div>"
    )
    assert (page.kind, page.title, page.seller) == ("listing", "FS: bronze axe head", "digger_dan")


@pytest.mark.parametrize(
    ("rows", "price", "currency"),
    [
        ("<p>Utropspris</p><p>6 000 SEK</p><p>Klubbat pris</p><p>9 500 SEK</p>", 9500, "SEK"),
        ("<p>Næste bud</p><p>900 DKK</p><p>Højeste bud</p><p>800 DKK</p>", 800, "DKK"),
        ("<p>Obecna cena: 145,50 zł</p>", Decimal("145.5"), "PLN"),
        ("<p>Huidig bod <b>€ 40,00</b></p>", 40, "EUR"),
        ("<p>Текущая цена: <b>4 200 ₽</b></p>", 4200, "RUB"),
        ("<div class=prices>מחיר פתיחה: <b>$120</b> הצעה נוכחית: <b>$180</b></div>", 180, "USD"),
        ("<div class=prices><p>Est: <b>£400</b></p><p>Sold: <b>£520</b></p></div>", 520, "GBP"),
        ("<div class=prices><p>Estimate</p><p>200 EUR</p><p>Starting price</p><p>160 EUR</p></div>", 160, "EUR"),
    ],
)
def test_what_was_paid_or_bid_is_the_price_in_any_language(rows, price, currency):
    page = read(f"<title>Terracotta head</title><h1>Terracotta head</h1>{rows}")
    assert (page.price, page.currency) == (price, currency)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("Sorry, this item is sold out", "SoldOut"),
        ("This lot has been withdrawn", "SoldOut"),
        ("Наличие: Продано", "SoldOut"),
        ("Availability: Out of stock", "OutOfStock"),
        ("PASSED", "SoldOut"),
        ("¡Última disponible!", "InStock"),
        ("Status: available", "InStock"),
    ],
)
def test_words_that_tell_whether_it_still_stands(words, state):
    assert read(f"<title>Clay jug</title><h1>Clay jug</h1><p>Price: £5</p><p>{words}</p>").availability == state


CARD = (
    '<li class=card><a href="/ad/{n}-jar-ID{n}.html"><img src="/{n}.jpg"></a>'
    '<a href="/ad/{n}-jar-ID{n}.html"><h2>Jar {n}</h2></a><span>ج.م {n}</span></li>'
)


def test_a_list_with_numbered_pages_is_one_and_goes_on_there():
    cards = "".join(CARD.format(n=n) for n in range(2001, 2013))
    page = read(f'<ul>{cards}</ul><a href="?page=1">1</a> <a href="?page=2">2</a>', "https://bazaar.example/jars/")
    assert (page.kind, len(page.listing_urls)) == ("search", 12)
    assert page.next_url == "https://bazaar.example/jars/?page=2"


def test_behind_the_third_page_comes_the_fourth():
    cards = "".join(CARD.format(n=n) for n in range(2001, 2013))
    pages = " ".join(f'<a href="/jars/?page={n}">{n}</a>' for n in range(1, 6))
    assert read(f"<ul>{cards}</ul>{pages}", "https://bazaar.example/jars/?page=3").next_url.endswith("page=4")


def test_many_things_in_microdata_of_which_none_is_the_pages_are_a_list():
    things = "".join(
        f'<div itemscope itemtype="http://schema.org/Product"><h3 itemprop="name">'
        f'<a href="/coins/coin_{n}">Coin {n}</a></h3>'
        f'<span itemprop="offers" itemscope itemtype="http://schema.org/Offer">'
        f'<meta itemprop="price" content="{n}">€ {n}</span><img src="/{n}.jpg"></div>'
        for n in range(5001, 5011)
    )
    page = read(f"<title>Coins</title>{things}", "https://bazaar.example/coins?q=coin")
    assert (page.kind, len(page.listing_urls)) == ("search", 10)


def test_a_lots_page_below_a_word_for_lists_is_still_a_lots():
    page = read(
        "<title>House, Online Auction 130, lot 77</title><h4>Lot 77</h4><table><tr><th>Hammer price</th>"
        "<td>210 EUR</td></tr></table>",
        "https://sales.example/auctions/house/browse?a=4890&l=589",
    )
    assert (page.kind, page.lot_number, page.price) == ("listing", "77", 210)


def test_a_title_that_is_kept_beside_its_translation_is_read():
    page = read(
        "<title>Old coin for 35 EUR</title>"
        '<script id="__NEXT_DATA__" type="application/json">{"props":{"item":{"id":"88123",'
        '"title":{"original":"Old coin","translated":""},"description":{"original":"An as of Augustus, worn"},'
        '"price":{"cash":{"amount":35,"currency":"EUR"}},"images":[]},"itemSeller":{"microName":"Rosa M."}}}</script>'
    )
    assert (page.title, page.price, page.seller) == ("Old coin", 35, "Rosa M.")


def test_what_a_lot_fetched_goes_before_its_estimate_in_embedded_data():
    page = read(
        '<title>A marble torso</title><script type="application/json">'
        '{"lot":{"lotId":88123,"lotNo":{"number":55,"full":"55"},'
        '"title":"A marble torso","price":{"estimateLow":20000,"hammerPrice":26000,"hammerPremium":33152},'
        '"currency":{"iso_code":"GBP"},"styledDescription":"<p>First century, 46cm</p>"}}</script>'
    )
    assert (page.price, page.lot_number, page.currency) == (33152, "55", "GBP")
