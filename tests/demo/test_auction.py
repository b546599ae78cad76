from __future__ import annotations

import gzip
import json
import re
from datetime import datetime

import pytest
from parsel import Selector

from demo.app import create_app
from demo.catalogue import FORMER_SALE_NUMBER, load_listings
from tests.demo.conftest import STARTED_AT, TestClient

LOTS = [one for one in load_listings() if one.sale]
ODD = {one.behaviour: one for one in LOTS if one.behaviour}


def walk(client: TestClient, address: str) -> list[str]:
    """The lot addresses of all pages of a search, following rel=next."""
    hrefs: list[str] = []
    for _ in range(20):
        page = Selector(client.get(address).text)
        hrefs += page.css("a.lot::attr(href)").getall()
        following = page.css("a[rel=next]::attr(href)").get()
        if following is None:
            return hrefs
        address = following
    raise AssertionError("the search has no last page")


def structured(client: TestClient, path: str) -> dict:
    return json.loads(Selector(client.get(path).text).css('script[type="application/ld+json"]::text').get())


@pytest.mark.parametrize("query", ["", "*", "all"])
def test_every_lot_is_linked_once_from_the_search_pages(client, query):
    hrefs = walk(client, f"/auction/search?q={query}")
    moved = ODD["redirect"]
    wanted = {one.path for one in LOTS} - {moved.path} | {f"/auction/sale/{FORMER_SALE_NUMBER}/lot/{moved.lot}"}
    assert len(hrefs) == 140
    assert set(hrefs) == wanted


def test_a_page_shows_20_lots_and_a_page_beyond_the_last_none(client):
    assert len(Selector(client.get("/auction/search?q=*&page=2").text).css("a.lot")) == 20
    beyond = client.get("/auction/search?q=*&page=9")
    assert beyond.status_code == 200
    assert not Selector(beyond.text).css("a.lot")


@pytest.mark.parametrize(("plain", "other"), [("oushebti", "Oushébti"), ("مسند", "المُسند")])
def test_search_finds_the_same_lots_whatever_the_form_of_a_word(client, plain, other):
    found = walk(client, f"/auction/search?q={plain}")
    assert found
    assert len(found) < 140
    assert walk(client, f"/auction/search?q={other}") == found


def test_each_lot_says_everything_about_itself(client):
    client.get(ODD["busy_once"].path)
    for lot in LOTS:
        answer = client.get(lot.path)
        assert answer.status_code == 200, lot.path
        page, data = Selector(answer.text), structured(client, lot.path)
        assert page.css("h1::text").get() == data["name"] == lot.title
        assert data["description"] == lot.description
        assert (data["offers"]["price"], data["offers"]["priceCurrency"]) == (str(lot.price), lot.currency)
        assert data["offers"]["availability"] == "https://schema.org/InStock"
        assert page.css(".house a::text").get() == data["offers"]["seller"]["name"] == lot.seller
        assert len(data["image"]) == lot.picture_count
        assert datetime.fromisoformat(page.css("time.end::attr(datetime)").get()) > STARTED_AT
        assert page.css("html::attr(dir)").get() == ("rtl" if lot.language == "ar" else "ltr")
        assert "DEMO" in page.css(".demo-banner").get()


def test_the_truth_about_a_lot_is_in_no_page(client):
    client.get(ODD["busy_once"].path)
    for lot in LOTS:
        text = client.get(lot.path).text
        markup = text.replace(lot.description, "").replace(json.dumps(lot.description, ensure_ascii=False)[1:-1], "")
        assert not re.search(r"\b(antiquity|ordinary|replica)\b", markup.replace(lot.title, "").lower()), lot.key


def test_house_sale_and_home_pages_lead_to_lots(client):
    page = Selector(client.get(LOTS[3].path).text)
    for href in (page.css(".house a::attr(href)").get(), page.css(".trail a::attr(href)").get()):
        assert LOTS[3].path in walk(client, href)
    assert len(Selector(client.get("/auction/").text).css(".sales a")) == 6


def test_one_lot_is_linked_at_a_former_address_that_redirects(client):
    lot = ODD["redirect"]
    answer = client.get(f"/auction/sale/{FORMER_SALE_NUMBER}/lot/{lot.lot}")
    assert (answer.status_code, answer.headers["location"]) == (301, lot.path)
    assert client.get(f"/auction/sale/{FORMER_SALE_NUMBER}/lot/{lot.lot + 1}").status_code == 404


def test_one_lot_is_gzip_encoded_even_for_a_client_that_did_not_ask(client):
    with client.stream("GET", ODD["gzip"].path, headers={"Accept-Encoding": "identity"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert ODD["gzip"].title in gzip.decompress(raw).decode()
    assert "content-encoding" not in client.get(ODD["redirect"].path, headers={"Accept-Encoding": "gzip"}).headers


def test_one_lot_is_busy_on_its_first_request_only(client):
    path = ODD["busy_once"].path
    first = client.get(path)
    assert (first.status_code, first.headers["retry-after"]) == (503, "1")
    assert [client.get(path).status_code for _ in range(2)] == [200, 200]


def test_in_the_next_generation_one_price_is_higher_and_one_lot_is_gone(client):
    dearer, gone = ODD["price_change"], ODD["disappears"]
    before = structured(client, dearer.path)["offers"]["price"]
    assert client.get(gone.path).status_code == 200
    assert client.post("/control/next-generation").json() == {"generation": 1}
    assert client.get("/control/generation").json() == {"generation": 1}
    assert (before, structured(client, dearer.path)["offers"]["price"]) == (str(dearer.price), str(dearer.later_price))
    assert client.get(gone.path).status_code == 404
    hrefs = walk(client, "/auction/search?q=*")
    assert len(hrefs) == 139
    assert gone.path not in hrefs


def test_a_server_can_begin_in_the_next_generation():
    client = TestClient(create_app(generation=1))
    assert client.get(ODD["disappears"].path).status_code == 404


def test_a_get_does_not_move_the_generation(client):
    assert client.get("/control/next-generation").status_code == 405
    assert client.get("/control/generation").json() == {"generation": 0}


def test_a_lot_whose_time_is_over_is_sold_out():
    times = iter([STARTED_AT])
    late = STARTED_AT.replace(month=12)
    client = TestClient(create_app(clock=lambda: next(times, late)))
    assert structured(client, LOTS[2].path)["offers"]["availability"] == "https://schema.org/SoldOut"
    assert "Bidding closed" in client.get(LOTS[2].path).text


def test_an_unknown_lot_answers_404_with_a_page(client):
    answer = client.get("/auction/sale/4101/lot/999")
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_search_words_are_shown_escaped(client):
    assert "<script>alert" not in client.get("/auction/search", params={"q": "<script>alert(1)</script>"}).text


def test_robots_allows_and_terms_are_there(client):
    robots = client.get("/robots.txt").text
    assert "Allow: /" in robots
    assert "crawl-delay" not in robots.lower()
    assert client.get("/auction/terms").status_code == 200


def test_pictures_are_served_in_the_sizes_of_srcset_and_no_others(client):
    lot = next(one for one in LOTS if one.picture_count == 3)
    page = Selector(client.get(lot.path).text)
    sources = [part.split()[0] for part in page.css(".gallery img::attr(srcset)").getall()[0].split(",")]
    sizes = [client.get(source) for source in sources]
    assert [answer.headers["content-type"] for answer in sizes] == ["image/jpeg"] * 2
    assert sizes[0].content != sizes[1].content
    assert client.get(f"/pictures/{lot.key}/4-320.jpg").status_code == 404
    assert client.get(f"/pictures/{lot.key}/1-5000.jpg").status_code == 404
