"""Pages without any structured data, written by us in the manners that shops and auctions have."""

from decimal import Decimal

import pytest

from crawler.extraction.page import extract_page


def read(body, url="https://a.example/item/roman-lamp-998877", title="Roman oil lamp"):
    html = f"<html lang='en'><head><title>{title} | House</title></head><body>{body}</body></html>"
    return extract_page(html.encode(), url)


def card(number, path="item", price="€ 10"):
    return (
        f"<li><div><a href='/{path}/bronze-thing-{number}'><img src='/t/{number}.jpg'></a></div>"
        f"<h3><a href='/{path}/bronze-thing-{number}'>Bronze thing number {number}</a></h3><span>{price}</span></li>"
    )


SIMILAR = "<ul>" + "".join(card(n) for n in range(887000, 887030)) + "</ul>"


@pytest.mark.parametrize(
    ("markup", "amount", "currency"),
    [
        ("<h1>{h}</h1><p>Price on request</p><button>Contact seller</button>", None, None),
        ("<div><span data-testid='item-price' class='x1'>€ 450</span><h1>{h}</h1></div>", "450", "EUR"),
        ("<h1>{h}</h1><div class='price'>$249<sup>99</sup></div>", "249.99", "USD"),
        ("<h1>{h}</h1><div class='price'><span>249</span><span>99</span> €</div>", "249.99", "EUR"),
        ("<h1>{h}</h1><p><span>1 250</span><span>zł</span></p>", "1250", "PLN"),
        ("<h1>{h}</h1><p><span>¥</span><span>4,500</span></p>", "4500", "JPY"),
        ("<h1>{h}</h1><p class='price'>Was £120.00 Now £60.00</p>", "60", "GBP"),
        ("<h1>{h}</h1><p class='price'><del>£120.00</del> <b>£60.00</b></p>", "60", "GBP"),
        ("<h1>{h}</h1><p class='oldPrice'>£120.00</p><p class='newPrice'>£60.00</p>", "60", "GBP"),
        ("<h1>{h}</h1><p class='price--regular'>£120.00</p><p class='price--sale'>£60.00</p>", "60", "GBP"),
        ("<h1>{h}</h1><p class='price--regular'>£120.00</p>", "120", "GBP"),
        ("<h1>{h}</h1><p class='price'>- 20 %</p><p class='price'>80,00 €</p>", "80", "EUR"),
        ("<h1>{h}</h1><s>£120.00</s> <p>£60.00</p>", "60", "GBP"),
    ],
)
def test_the_price_asked_now_is_found_near_the_heading(markup, amount, currency):
    page = read(f"<main>{markup.format(h='Roman oil lamp')}</main>" + SIMILAR)
    assert page.kind == "listing"
    assert (page.price, page.currency) == (amount and Decimal(amount), currency)


def test_a_page_with_similar_offers_keeps_to_its_own_price_and_photos():
    page = read(
        "<main><h1>Roman oil lamp</h1><div class='lot-price'>£ 300</div><img src='/p/lamp.jpg' alt='Roman oil lamp'>"
        "<img src='/ui/chat_34x37.png'><img src='/brand/house.jpg'></main><h2>More</h2>" + SIMILAR
    )
    assert (page.kind, page.price, page.currency) == ("listing", Decimal(300), "GBP")
    assert page.images == ["https://a.example/p/lamp.jpg"]
    assert page.listing_urls == []


def test_a_category_whose_address_is_made_like_its_offers_stays_a_list():
    page = read(
        "<h1>Oil lamps of Rome</h1>" + SIMILAR.replace("/item/", "/"),
        "https://a.example/oil-lamps-of-rome",
        "Oil lamps of Rome",
    )
    assert page.kind == "search"
    assert len(page.listing_urls) == 30


def test_photos_come_from_the_gallery_at_their_best_size():
    page = read(
        "<main><div><img src='/ui/banner.jpg'></div><h1>Roman oil lamp</h1><p>$ 90</p><div class='product-gallery'>"
        "<picture><source srcset='/p/1-400.jpg 400w, /p/1-1600.jpg 1600w'><img src='/p/1-100.jpg'></picture>"
        "<img data-src='/p/2.jpg' src='data:image/gif;base64,R0'></div></main>"
    )
    assert page.images == ["https://a.example/p/1-1600.jpg", "https://a.example/p/2.jpg"]


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("<p>Availability: In stock (3)</p>", "InStock"),
        ("<p>Skladem &gt; 5 ks</p>", "InStock"),
        ("<p>Auf Lager</p>", "InStock"),
        ("<button>Sepete at</button>", "InStock"),
        ("<button>زايد الآن</button>", "InStock"),
        ("<a>Chat with seller</a>", "InStock"),
        ("<form action='/cart/add'><input name='qty'></form>", "InStock"),
        ("<p>Momentan nicht lieferbar</p>", "OutOfStock"),
        ("<p>Tükendi</p><button>Sepete ekle</button>", "SoldOut"),
        ("<p>نفذت الكمية</p>", "OutOfStock"),
        ("<p>Vente clôturée</p>", "SoldOut"),
        ("<p>Lot closed</p>", "SoldOut"),
        ("<p>We buy and sell lamps in stock all over Rome</p>", None),
    ],
)
def test_words_and_buttons_say_whether_it_is_still_offered(words, state):
    assert read(f"<main><h1>Roman oil lamp</h1><p>$ 90</p>{words}</main>").availability == state


LONG = "Provenance: from the earth, no papers."


@pytest.mark.parametrize(
    ("markup", "description"),
    [
        (f"<h1>{{h}}</h1><p>Price: 90 USD</p><p>Seller: Jean Petit of Tyre</p><p>{LONG}</p>", LONG),
        (f"<h1>{{h}}</h1><p>{LONG}</p><img src='/a.jpg'><p>Ask me.</p>", f"{LONG}\nAsk me."),
        (f"<h1>{{h}}</h1><p>{LONG}</p><h2>Delivery</h2><p>We send to all countries.</p>", LONG),
        (f"<h1>{{h}}</h1><p>{LONG}</p><div class='lot-description'>An oil lamp of clay.</div>", "An oil lamp of clay."),
        ("<h1>{h}</h1><p>$ 90</p><p>Sold</p>", None),
        (f"<h1>{{h}}</h1><p class='related'>{LONG}</p>", None),
        (f"<div><h1>{{h}}</h1></div><footer><p>{LONG}</p></footer>", None),
        (f"<meta property='product:price:amount' content='90'><h1>{{h}}</h1><p>{LONG}</p>", None),
    ],
)
def test_plain_paragraphs_beside_the_heading_describe_where_nothing_is_structured(markup, description):
    assert read(f"<main>{markup.format(h='Roman oil lamp')}</main>").description == description


LONG = "Wheel-made lamp of buff clay, the discus with a running hare, one handle lost; bought in Basel in 1968."


@pytest.mark.parametrize(
    "markup",
    [
        "<h1>{h}</h1><h2>Description</h2><div><p>{text}</p></div><h2>Shipping</h2><p>Five days by courier.</p>",
        "<h1>{h}</h1><div><h3>Artikelbeschreibung</h3></div><div>{text}</div>",
        "<h1>{h}</h1><ul class='nav'><li><a href='#tab-1'>Overview</a></li></ul><div id='tab-1'>{text}</div>",
        "<h1>{h}</h1><button aria-controls='p1'>الوصف</button><section id='p1'>{text}</section>",
    ],
)
def test_a_heading_or_a_tab_tells_the_description(markup, text=LONG):
    head = "<meta property='og:description' content='Roman oil lamp at a good price in our shop'>"
    page = read(head + markup.format(h="Roman oil lamp", text=text))
    assert page.description is not None
    assert page.description.startswith(LONG)
    assert "Five days" not in page.description


@pytest.mark.parametrize(
    ("markup", "amount"),
    [
        ("<h1>{h}</h1><div class='style__UnitPrice'><p>$4.00</p></div>", "4"),
        ("<h1>{h}</h1><p class='unit-price'>£2.00</p><p class='price'>£60.00</p>", "60"),
    ],
)
def test_a_unit_price_is_the_price_where_there_is_no_other(markup, amount):
    assert read(markup.format(h="Roman oil lamp")).price == Decimal(amount)


def test_a_data_attribute_tells_the_description():
    page = read(f"<h1>Roman oil lamp</h1><p class='price'>€ 40</p><div data-testid='ad-body-description'>{LONG}</div>")
    assert page.description == LONG
