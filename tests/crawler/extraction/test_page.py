"""Small pages written by us, in the manner of the site software that markets use, with what they must give."""

import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from crawler.extraction.page import extract_page
from crawler.extraction.rules import PageRules
from crawler.items import ExtractedPage

ARABIC_AD = """<html lang="ar" dir="rtl"><head><title>جرة فخارية قديمة | سوق</title></head><body><header>
<a href="/">سوق</a></header>
<main><h1>جرة فخارية قديمة</h1><div class="post-price">السعر: ٢٬٥٠٠ جنيه</div><dl><dt>البائع</dt><dd>
<a href="/users/nile-house">بيت النيل</a></dd>
<dt>المدينة</dt><dd>القاهرة</dd></dl><div class="description">جرة من الفخار عليها نقوش قديمة بحالة جيدة جدا</div>
<img src="/p/1.jpg" width="600"><button>تواصل مع البائع</button></main></body></html>"""

FRENCH_LOT = """<html lang="fr"><head><title>Lot 45 : Statuette en bronze, Egypte | Etude Y</title></head>
<body><div class="lot">
<h2>Lot 45</h2><h1>Statuette en bronze, Egypte</h1><table><tr><th>Estimation</th><td>1 000 € - 1 500 €</td></tr>
<tr><th>Vendeur :</th><td>Etude Y</td></tr><tr><th>Mise à prix</th><td>800 €</td></tr>
<tr><th>Fin de la vente</th><td>12 mars 2026 à 18h00</td></tr><tr><th>Lieu</th><td>Paris</td></tr></table>
</div></body></html>"""

SHOP = """<html lang="en-US"><head><title>Roman Oil Lamp - Antiquities Shop</title>
<meta property="og:title" content="Roman Oil Lamp - Antiquities Shop">
<meta property="og:site_name" content="Antiquities Shop"></head><body><div class="product">
<h1 class="product_title">Roman Oil Lamp</h1>
<p class="price"><del><span class="amount">$250.00</span></del> <ins><span class="amount">$199.00</span></ins></p>
<img srcset="/s.jpg 300w, /l.jpg 1200w" src="/s.jpg"><button name="add-to-cart">Add to cart</button></div>
<section class="related products"><ul><li><a href="/product/a">A</a><span class="price">$10.00</span>
<img src="/a.jpg"></li></ul></section></body></html>"""

STALE_BID = """<html><head><title>Pillow | House</title>
<script type="application/ld+json">{"@type":"Product","name":"Pillow",
"offers":{"@type":"Offer","price":150,"priceCurrency":"USD"}}</script></head><body><h1>Pillow</h1>
<div class="box"><span class="now">$200</span><span>2 bids</span></div></body></html>"""

PRICE_IN_HEADING = """<html><head><title>2008 Sierra truck</title></head><body><div class="list">
<h2>2008 Sierra truck - $14800 (Boston)</h2>
<p>Date: 2010-09-06</p></div></body></html>"""


def read(html, url="https://a.example/item/998877", **keywords):
    return extract_page(html.encode(), url, **keywords)


def test_an_arabic_classified_advert():
    page = read(ARABIC_AD)
    assert (page.kind, page.title, page.language) == ("listing", "جرة فخارية قديمة", "ar")
    assert (page.price, page.currency) == (Decimal(2500), "EGP")
    assert (page.seller, page.seller_url) == ("بيت النيل", "https://a.example/users/nile-house")
    assert (page.location, page.availability) == ("القاهرة", "InStock")
    assert page.images == ["https://a.example/p/1.jpg"]
    assert page.description.startswith("جرة من الفخار")


def test_a_french_lot_in_a_table():
    page = read(FRENCH_LOT, rules=PageRules(timezone="Europe/Paris", languages=("fr",)))
    assert (page.kind, page.title, page.lot_number) == ("listing", "Statuette en bronze, Egypte", "45")
    assert (page.price, page.estimate_low, page.estimate_high) == (Decimal(800), Decimal(1000), Decimal(1500))
    assert (page.currency, page.seller, page.location) == ("EUR", "Etude Y", "Paris")
    assert page.ends_at == datetime(2026, 3, 12, 17, tzinfo=UTC)


def test_a_shop_page_gives_the_price_of_now_and_its_own_photo():
    page = read(SHOP)
    assert (page.title, page.price, page.currency) == ("Roman Oil Lamp", Decimal("199.00"), "USD")
    assert page.images == ["https://a.example/l.jpg"]
    assert page.availability == "InStock"


def test_the_bid_on_the_screen_beats_stale_structured_data():
    page = read(STALE_BID)
    assert page.price == Decimal(200)
    assert page.sources["price"] == "visible:current bid (not json-ld:offers.price)"


def test_price_and_place_hanging_on_a_heading():
    page = read(PRICE_IN_HEADING)
    assert (page.title, page.price, page.currency, page.location) == (
        "2008 Sierra truck",
        Decimal(14800),
        "USD",
        "Boston",
    )


@pytest.mark.parametrize("title", ["About us", "Page not found", "Terms"])
def test_a_page_that_offers_nothing_is_other(title):
    page = read(f"<title>{title}</title><h1>{title}</h1><p>We are a house.</p>")
    assert (page.kind, page.price, page.seller) == ("other", None, None)


def test_the_heading_that_stands_elsewhere_too_is_the_title():
    page = read(
        '<title>Angel Bear  | Site</title><meta property="og:title" content="Angel Bear  | Site"><h1><span class="sr-only">Details about</span>Angel Bear</h1>'  # noqa: E501
    )
    assert page.title == "Angel Bear"


def test_the_canonical_link_is_recorded_and_a_picture_is_none():
    page = read('<link rel="canonical" href="/x"><meta property="og:url" content="https://img.example/a.jpg">')
    assert page.canonical_url == "https://a.example/x"
    assert read('<meta property="og:url" content="https://img.example/a.jpg">').canonical_url is None


def test_script_addresses_never_come_out():
    page = read(
        '<title>x</title><meta property="og:image" content="javascript:alert(1)"><h1>x</h1><img src="data:image/png;base64,AAAA"><img src="vbscript:x/y">'  # noqa: E501
    )
    assert page.images == []


def test_a_tree_that_is_parsed_already_is_used():
    root = etree.fromstring(SHOP, etree.HTMLParser())
    assert extract_page(b"", "https://a.example/1", root=root).title == "Roman Oil Lamp"


HOSTILE = {
    "empty": b"",
    "nul bytes": b"<html>\0<title>a\0b</title><h1>a\0b</h1>",
    "only nul": b"\0" * 5_000,
    "20 MB": b"<html><title>x</title><p>" + b"word " * 4_000_000,
    "deep tags": b"<title>deep</title><h1>deep</h1>" + b"<div>" * 200_000,
    "a million attributes": b"<title>q</title><div " + b" ".join(b"a%d=1" % i for i in range(1_000_000)) + b">x</div>",
    "100000 links": b"<title>x</title>"
    + b"".join(b'<li><a href="/item/%d">thing %d</a> $5</li>' % (i, i) for i in range(100_000)),
    "deep json-ld": b'<script type="application/ld+json">' + b"[" * 100_000 + b"</script>",
    "deep json": b"[" * 100_000,
    "unending string": b'<script>var a = {"title": "' + b'x\\"' * 300_000 + b"</script>",
    "many broken assignments": b"<script>" + b'var title = {a: "price", b: [1,2,' * 30_000 + b"</script>",
    "word run": b"<script>" + b"a" * 2_000_000 + b"</script>",
    "labels": b"<title>x</title>" + b"<div>Seller:</div>" * 50_000,
    "nested items": b"<title>x</title>" + b'<div itemscope itemtype="http://schema.org/Product">' * 3_000,
    "odd urls": b'<base href="http://[bad"><a href="http://[::1">x</a><link rel=canonical href="http://[">' * 50,
    "surrogates": b'<script type="application/ld+json">{"@type":"Product","name":"\\ud800x","offers":{"price":"1e999"}}</script>',  # noqa: E501
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_is_read_in_bounded_time(name):  # RL-18
    started = time.process_time()
    page = extract_page(HOSTILE[name], "https://a.example/item/12345")
    assert isinstance(page, ExtractedPage)
    assert time.process_time() - started < 20
    assert not any("could not be read to its end" in problem for problem in page.problems)
    if name in ("20 MB", "deep json-ld", "labels", "empty"):
        assert page.problems


FRAGMENTS = st.sampled_from(
    ["<div class=price>", "$12", "</div>", "<h1>", "Lot 4", "</h1>", "<a href='/lot/12345'>", "</a>", "<script>", "window.x={", '"title":"a"', "}", "</script>",  # noqa: E501
     '<script type="application/ld+json">', '{"@type":"Product","offers":', "[[", "null", '"price":', "]", "<meta property='og:title' content='", "'>", "<table><tr><td>",  # noqa: E501
     "Seller:", "\u0000", "ر.س", "١٢", "<title>", "</title>", "itemscope itemprop=price", "<img srcset='", "1x,", "&#0;", "\ud7ff", "JSON.parse(\"", "function(a){return {", "<base href='//["]  # noqa: E501
)  # fmt: skip
URLS = st.sampled_from(
    ["", "https://a.example/lot/12345", "http://[::1", "not a url", "https://a.example/search?q=%ff", "//x"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.binary(max_size=400),
    url=URLS,
    header=st.sampled_from([None, "text/html; charset=utf-16", "application/json", "x; charset=\x00"]),
)
def test_random_bytes_never_raise(body, url, header):
    page = extract_page(body, url, content_type=header)
    assert page.url == url
    assert not any("could not be read to its end" in problem for problem in page.problems)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.lists(FRAGMENTS | st.text(max_size=8), max_size=30), url=URLS)
def test_random_markup_and_json_never_raise(parts, url):
    body = "".join(parts).encode("utf-8", "surrogatepass")
    page = extract_page(body, url)
    assert not any("could not be read to its end" in problem for problem in page.problems)
    assert set(page.sources) <= set(ExtractedPage.__dataclass_fields__)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@type",
                    "name",
                    "offers",
                    "price",
                    "priceCurrency",
                    "image",
                    "seller",
                    "url",
                    "title",
                    "id",
                    "lot",
                    "endDate",
                    "availability",
                    "location",
                    "@graph",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=JSON_VALUES, url=URLS)
def test_json_of_any_shape_never_raises(value, url):
    import json

    text = json.dumps(value)
    product = json.dumps({"@type": "Product", "name": value, "offers": value, "image": value, "seller": value})
    for body in (
        text,
        f"<title>a</title><script type='application/ld+json'>{product}</script><script>window.x = {text}</script>",
    ):
        page = extract_page(body.encode(), url)
        assert not any("could not be read to its end" in problem for problem in page.problems)


def test_a_sold_lot_gives_its_result_and_its_end():
    page = read(
        "<title>LOT 33: A MARBLE HEAD | Auction</title><h2>Lot 33</h2><h1>A MARBLE HEAD</h1>"
        "<p>Estimate: £8,000 - £12,000</p><p>Price realised: GBP 15,000</p><p>Closed: 12 May 2026, 14:00 BST</p>"
    )
    assert (page.lot_number, page.price, page.currency) == ("33", Decimal(15000), "GBP")
    assert (page.estimate_low, page.estimate_high) == (Decimal(8000), Decimal(12000))
    assert page.ends_at == datetime(2026, 5, 12, 13, tzinfo=UTC)


def test_a_meta_description_gives_way_to_the_text_it_was_cut_from():
    text = "A lamp of the second century from a collection in Lyon, with a relief of Eros on the disc."
    page = read(
        f'<meta name="description" content="{text[:45]}..."><h1>Lamp</h1><b class="price">5 €</b>'
        f'<div class="item-description">{text}</div>'
    )
    assert page.description == text
