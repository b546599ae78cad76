"""The demo's definitions fit the demo's pages: what they say is read from every lot as a crawl would read it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import demo
from crawler.extraction.page import extract_page
from demo.catalogue import FORMER_SALE_NUMBER, load_listings
from markets.definition import parse_definition

BASE = "http://127.0.0.1:8123"
TEMPLATES = Path(demo.__file__).parent / "markets"


def definition(name):
    text = (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_definition(Path(f"{name}.yaml"), text.replace("http://DEMO-HOST", BASE).encode())


@pytest.mark.parametrize("name", ["demo_auction", "demo_marketplace"])
def test_a_template_with_its_host_filled_in_is_a_valid_definition(name):
    market = definition(name)
    assert market.demo
    assert market.is_local
    assert not market.is_draft
    assert market.domains == ("127.0.0.1",)


def test_both_templates_say_their_host_once_and_only_as_the_placeholder():
    for path in TEMPLATES.glob("*.yaml"):
        text = path.read_text(encoding="utf-8").partition("\n")[2]
        assert text.count("http://") == text.count("http://DEMO-HOST") == 1


def test_each_offers_address_gives_an_id_of_its_own():
    auction, marketplace = definition("demo_auction"), definition("demo_marketplace")
    ids = {(auction if one.sale else marketplace).native_id(BASE + one.path) for one in load_listings()}
    assert len(ids) == 240
    assert None not in ids
    assert auction.native_id(f"{BASE}/auction/sale/{FORMER_SALE_NUMBER}/lot/1") not in ids


def test_every_lot_is_read_right_through_the_definition(client):
    rules = definition("demo_auction").page_rules()
    client.base_url = BASE
    for lot in load_listings():
        if lot.sale is None:
            continue
        if lot.behaviour == "busy_once":
            client.get(lot.path)
        answer = client.get(lot.path)
        page = extract_page(answer.content, BASE + lot.path, content_type=answer.headers["content-type"], rules=rules)
        assert page.kind == "listing", lot.key
        assert (page.title, page.description) == (lot.title, lot.description)
        assert (page.price, page.currency) == (Decimal(lot.price), lot.currency)
        assert (page.seller, page.location, page.lot_number) == (lot.seller, lot.location, str(lot.lot))
        assert page.images == [BASE + lot.picture_path(view, 800) for view in range(1, lot.picture_count + 1)]
        assert page.ends_at is not None
        assert page.canonical_url == BASE + lot.path


def test_a_search_page_is_read_right_through_the_definition(client):
    client.base_url = BASE
    url = definition("demo_auction").search_urls(["all"])[0]
    page = extract_page(client.get(url).content, url, rules=definition("demo_auction").page_rules())
    assert page.kind == "search"
    assert len(page.listing_urls) == 20
    assert page.next_url == f"{BASE}/auction/search?q=all&page=2"


def test_what_the_definitions_expect_is_what_there_is(client):
    for name, path in (("demo_auction", "/auction"), ("demo_marketplace", "/marketplace")):
        low, high = definition(name).expect.listings_per_query
        count = sum(one.path.startswith(path) for one in load_listings())
        assert low <= count <= high
