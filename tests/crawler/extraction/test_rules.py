import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crawler.extraction.page import extract_page
from crawler.extraction.rules import PageRules, check_selector, native_id

BODY = b"""<html><head><title>Lamp</title><script type="application/ld+json">{"@type":"Product","name":"Wrong",
"offers":{"price":"1","priceCurrency":"USD"}}</script>
<script>window.data = {"lot": {"bids": [{"top": 750}], "label": "12b",
"padding": "a text that makes this block long enough to be read at all"}};</script></head>
<body><h1 class="t">Roman lamp</h1><div class="house"><a href="/h/3">Old House</a></div>
<time class="end" datetime="2026-12-01T18:00:00">soon</time>
<b class="p">1.250,00</b><img class="ph" src="/1.jpg"><img class="ph" src="/2.jpg"></body></html>"""


def test_a_definitions_rules_win_over_everything_else():
    rules = PageRules(
        fields={
            "title": "h1.t",
            "price": "b.p::text",
            "seller": ".house a::text",
            "seller_url": ".house a::attr(href)",
            "ends_at": "time.end::attr(datetime)",
            "images": "img.ph::attr(src)",
            "lot_number": "$.lot.label",
        },
        currency="EUR",
        timezone="Europe/Paris",
        listing_url=re.compile(r"/sale/(?P<sale>\d+)/lot/(?P<lot>\d+)"),
    )
    page = extract_page(BODY, "https://a.example/sale/4/lot/12", rules=rules)
    assert page.kind == "listing"
    assert page.title == "Roman lamp"
    assert (page.price, page.currency) == (Decimal("1250.00"), "EUR")
    assert (page.seller, page.seller_url) == ("Old House", "https://a.example/h/3")
    assert page.ends_at == datetime(2026, 12, 1, 17, tzinfo=UTC)
    assert page.images == ["https://a.example/1.jpg", "https://a.example/2.jpg"]
    assert page.lot_number == "12b"
    assert page.native_id == "4/12"
    assert page.sources["title"] == "rule:h1.t"


def test_a_path_into_embedded_json_walks_lists():
    page = extract_page(
        BODY, "https://a.example/1", rules=PageRules(fields={"price": "$.lot.bids[0].top"}, currency="GBP")
    )
    assert (page.price, page.currency) == (Decimal(750), "GBP")


def test_an_end_time_without_zone_is_reported_and_left_empty():
    page = extract_page(BODY, "https://a.example/1", rules=PageRules(fields={"ends_at": "time.end::attr(datetime)"}))
    assert page.ends_at is None
    assert any("names no zone" in problem for problem in page.problems)


@pytest.mark.parametrize(
    "css", ["a.lot", ".house a::text", "time::attr(datetime)", "a[rel=next]", "$.a.b[0].c", "li:nth-child(2) > a"]
)
def test_a_good_selector_has_no_fault(css):
    assert check_selector(css) is None


@pytest.mark.parametrize("css", ["", "  ", "a[", "::nothing", "div::attr(", "$.a..b", "$."])
def test_a_wrong_selector_is_refused_with_the_reason(css):
    reason = check_selector(css)
    assert reason is not None
    assert reason.endswith(".")


def test_a_wrong_rule_never_ends_extraction():
    page = extract_page(BODY, "https://a.example/1", rules=PageRules(fields={"title": "a["}))
    assert page.title == "Wrong"
    assert any("The rule for title is not usable" in problem for problem in page.problems)


def test_the_native_id_is_made_of_all_named_groups():
    rules = PageRules(listing_url=re.compile(r"/sale/(?P<sale>\d+)/lot/(?P<lot>\d+)"))
    assert native_id("https://a.example/sale/4/lot/12?x=1", rules) == "4/12"
    assert native_id("https://a.example/help", rules) is None
    assert native_id("https://a.example/help", PageRules()) is None


def test_the_currency_that_a_rule_names_holds_for_a_bare_amount_whichever_rule_stands_first():
    named, amount = {"currency": "$.money"}, {"price": "$.amount"}
    answer = b'{"title": "Abaya, black crepe, with its scarf", "amount": 70, "money": "AED", "text": "Hardly worn."}'
    drawn = b'<h1>Abaya, black crepe</h1><p class="p" data-in="AED">70</p>'
    for fields in (named | amount, amount | named):
        rules = PageRules(fields=fields, currency="GBP")
        page = extract_page(answer, "https://a.example/7", content_type="application/json", rules=rules)
        assert (page.price, page.currency) == (Decimal(70), "AED")
    in_html = [("price", ".p::text"), ("currency", ".p::attr(data-in)")]
    for pairs in (in_html, in_html[::-1]):
        page = extract_page(drawn, "https://a.example/7", rules=PageRules(fields=dict(pairs), currency="GBP"))
        assert (page.price, page.currency) == (Decimal(70), "AED")
