"""Lists of offers in the manners of auction catalogues, shops, forums and pages that are drawn in the browser."""

import json

import pytest

from crawler.extraction.page import extract_page

MENU = "<header><nav>" + "".join(f'<a href="/category/c{i}">Category {i}</a>' for i in range(12)) + "</nav></header>"
FOOT = "<footer>" + "".join(f'<a href="/page/p{i}">Information {i}</a>' for i in range(8)) + "</footer>"
PICTURE = '<img src="/i/{n}.jpg">'
CARDS = {
    "rows of an auction's table": (
        "https://a.example/auction/12/lots",
        '<tr><td>{n}</td><td><a href="/auction/12/lot/{n}">' + PICTURE + "</a></td>"
        '<td><a href="/auction/12/lot/{n}">Roman lamp {n} with volutes</a></td><td>Est. £{n}0 - £{n}50</td></tr>',
    ),
    "cards without a link": (
        "https://a.example/search?q=lamp",
        '<div class="card" data-href="/item/10{n}">' + PICTURE + "<span>Lamp {n}</span><b>€{n}</b></div>",
    ),
    "links that are scripts": (
        "https://a.example/catalogue?page=2",
        """<li><h3><a href="javascript:void(0)" onclick="location.href='/catalogue/lot-{n}-bronze'">Bronze</a></h3>"""
        + PICTURE
        + "<span>£{n}0</span></li>",
    ),
    "lots told apart by one digit": (
        "https://a.example/lots.php?auction=44",
        '<div class="box"><a href="lot.php?auction=44&lot={n}">'
        + PICTURE
        + "</a><p>AE Follis</p><p>Start: {n}0 EUR</p></div>",
    ),
    "a forum's threads": (
        "https://a.example/forums/for-sale.12/",
        '<div class="item"><h3><a href="/threads/fs-roman-coin-{n}.90{n}/">FS: Roman coin no. {n} £{n}0</a></h3>'
        '<div><a href="/members/u{n}.{n}/" class="username">u{n}</a></div></div>',
    ),
    "a gallery whose prices are asked for": (
        "https://a.example/category/ancient",
        '<article><a href="/artworks/5{n}-greek-vase-{n}/">' + PICTURE + "</a>"
        '<p><a href="/artworks/5{n}-greek-vase-{n}/">Vase {n}</a></p><p>Price on request</p></article>',
    ),
    "Arabic cards": (
        "https://a.example/ar/search?q=%D8%AA",
        '<a class="ad" href="/ar/post/2200{n}/تمثال-حجري"><h3>تمثال حجري رقم {n}</h3><span>{n}٠٠ دينار</span></a>',
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_the_offers_of_a_list_are_found(name):
    url, card = CARDS[name]
    cards = "".join(card.replace("{n}", str(n)) for n in range(5, 17))
    if card.startswith("<tr"):
        cards = f"<table>{cards}</table>"
    page = extract_page(f"<title>Things of old</title>{MENU}<main>{cards}</main>{FOOT}".encode(), url)
    assert page.kind == "search"
    assert len(page.listing_urls) == 12


def test_a_list_that_stands_in_json_ld_alone_is_found():
    offers = [
        {"@type": "ListItem", "item": {"@type": "Product", "name": f"Coin {n}", "url": f"https://a.example/p/coin-{n}"}}
        for n in range(8)
    ]
    block = json.dumps({"@type": "ItemList", "itemListElement": offers})
    page = extract_page(
        f'<title>Coins</title><script type="application/ld+json">{block}</script><h1>Coins</h1>'.encode(),
        "https://a.example/coins",
    )
    assert (page.kind, len(page.listing_urls)) == ("search", 8)


def test_a_lot_without_a_price_among_others_of_its_auction_stays_a_listing():
    others = "".join(CARDS["a gallery whose prices are asked for"][1].replace("{n}", str(n)) for n in range(5, 17))
    body = (
        f"<title>Attic kylix</title>{MENU}<main><h1>Attic kylix</h1><p>Lot 12</p><p>Price on request</p></main>{others}"
    )
    page = extract_page(body.encode(), "https://a.example/artworks/512-attic-kylix/")
    assert (page.kind, page.lot_number) == ("listing", "12")
