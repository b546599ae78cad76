"""A market drawn from public JSON: one look of the browser, then HTTP, and the browser again where that fails."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from crawler.json_sources import MOST_FAILURES, JsonSource, JsonSources
from storage.database import Database
from storage.json_sources import load_sources, save_sources
from storage.tables import Capture, JsonAnswerSource, Listing, Observation
from tests.crawling import Place
from tests.market_server import Asked, MarketServer, Reply, reply
from tests.needs import SANDBOX

pytestmark = pytest.mark.needs_chromium

JSON = [("Content-Type", "application/json")]
LIST_SCRIPT = """
const asked = new URLSearchParams(location.search);
fetch(`/api/search?q=${encodeURIComponent(asked.get('q'))}&page=${asked.get('page')}`).then(r => r.json()).then(d => {
  for (const one of d.items) {
    const a = document.createElement('a'); a.className = 'lot'; a.href = one.href; a.textContent = one.title;
    document.body.append(a);
  }
  if (d.next) {
    const a = document.createElement('a'); a.rel = 'next'; a.textContent = 'Next';
    a.href = `/search?q=${encodeURIComponent(asked.get('q'))}&page=${d.next}`; document.body.append(a);
  }
});"""
LOT_SCRIPT = """
fetch('/api' + location.pathname).then(r => r.json()).then(d => {
  for (const [tag, name, text] of [['h1', 'title', d.title], ['p', 'price', d.price], ['p', 'text', d.description],
                                   ['p', 'house', d.held_by.called]]) {
    const e = document.createElement(tag); e.className = name; e.textContent = text; document.body.append(e);
  }
});"""
A_PAGE = 4
PAGES = 2
FIELDS = '{title: "h1::text", price: ".price::text", description: ".text::text", seller: ".house::text"}'


def shell(script: str) -> Reply:
    return reply(f"<!doctype html><html lang=en><title>Shop</title><body><script>{script}</script></body></html>")


def lot(number: int) -> dict[str, object]:
    return {
        "id": 5000 + number,
        "href": f"/sale/7/lot/{number}",
        "title": f"Bronze lamp with a lion, no. {number}",
        "price": f"GBP {100 + number}.00",
        "description": f"A lamp of bronze with the figure of a lion on it, number {number} of the sale.",
        "held_by": {"called": "The Old Rooms"},
    }


def search_answer(asked: Asked) -> Reply:
    page = int(dict(parse_qsl(urlsplit(asked.target).query))["page"])
    first = (page - 1) * A_PAGE
    items = [lot(number) for number in range(first + 1, first + A_PAGE + 1)]
    return reply(json.dumps({"items": items, "next": page + 1 if page < PAGES else None}), headers=JSON)


def lot_answer(asked: Asked) -> Reply:
    return reply(json.dumps(lot(int(asked.target.rsplit("/", 1)[1]))), headers=JSON)


@pytest.fixture
def shop(place: Place, market: MarketServer) -> MarketServer:
    market.routes["/search"] = shell(LIST_SCRIPT)
    market.routes["/api/search"] = search_answer
    for number in range(1, A_PAGE * PAGES + 1):
        market.routes[f"/sale/7/lot/{number}"] = shell(LOT_SCRIPT)
        market.routes[f"/api/sale/7/lot/{number}"] = lot_answer
    search = f'{{url: "{market.url("/search")}?q={{query}}&page={{page}}", listings: "a.lot", next: "a[rel=next]"}}'
    place.define(market, spider="browser", search=search, fields=FIELDS)
    return market


def seen(place: Place) -> list[tuple[str | None, object, str | None, str | None]]:
    rows = select(Observation).join(Listing, Listing.current_observation_id == Observation.id).order_by(Listing.url)
    return [(one.title, one.price, one.currency, one.description) for one in place.rows(rows)]


def rendered(place: Place) -> list[str]:
    return [urlsplit(url).path for url in place.rows(select(Capture.url).where(Capture.kind == "dom"))]


def test_what_one_look_found_is_read_over_http_in_this_crawl_and_the_next(place: Place, shop: MarketServer) -> None:
    end = place.crawl("lamp", more=SANDBOX)
    assert end.status == 0, (end, place.log())
    assert [title for title, *_ in seen(place)] == [lot(number)["title"] for number in range(1, A_PAGE * PAGES + 1)]
    assert {currency for _, _, currency, _ in seen(place)} == {"GBP"}
    assert rendered(place).count("/search") == 1
    assert len(rendered(place)) <= 4, "beside the first listing only what was under way before it was read"
    assert f"/api/sale/7/lot/{A_PAGE}" in shop.targets()
    answers = place.rows(select(Capture).where(Capture.url.contains("/api/"), ~Capture.decoded_by_browser))
    assert len(answers) == A_PAGE * PAGES + PAGES - len(rendered(place)), "all others as received"
    first = seen(place)
    shop.asked.clear()
    end = place.crawl("lamp", more=SANDBOX)
    assert end.status == 0, (end, place.log())
    assert seen(place) == first, "the same listings, whichever way they were read"
    drawn = [target for target in shop.targets() if not target.startswith("/api/")]
    assert [target for target in drawn if target.startswith("/search")] == ["/search?q=lamp&page=1"]
    assert 1 <= len(drawn) - 1 <= 3, "one listing to compare, beside it only what was under way before it was read"


def test_answers_that_stay_up_when_the_pages_moved_on_are_not_believed(place: Place, shop: MarketServer) -> None:
    assert place.crawl("lamp", max_listings=2, more=SANDBOX).status == 0

    def lot_of_today(asked: Asked) -> Reply:
        number = int(asked.target.rsplit("/", 1)[1])
        return reply(json.dumps({**lot(number), "price": "GBP 9999.00"}), headers=JSON)

    new = range(90, 94)
    shop.routes["/search"] = shell(LIST_SCRIPT.replace("/api/search", "/v2/search"))
    shop.routes["/v2/search"] = reply(json.dumps({"items": [lot(number) for number in new]}), headers=JSON)
    for number in (1, 2, *new):
        shop.routes[f"/sale/7/lot/{number}"] = shell(LOT_SCRIPT.replace("'/api'", "'/v2'"))
        shop.routes[f"/api/sale/7/lot/{number}"] = lot_answer  # the old answers, as they were
        shop.routes[f"/v2/sale/7/lot/{number}"] = lot_of_today
    before = len(rendered(place))
    end = place.crawl("lamp", more=SANDBOX)
    assert end.status == 0, (end, place.log())
    assert {shop.url(f"/sale/7/lot/{number}") for number in new} <= set(place.rows(select(Listing.url)))
    assert {price for title, price, *_ in seen(place) if "no. 9" in str(title)} == {Decimal(9999)}
    assert len(rendered(place)) - before <= 4, "what took their place is learned in the same look"
    templates = set(place.rows(select(JsonAnswerSource.template)))
    assert templates and all("/v2/" in one for one in templates)


def test_answers_that_the_pages_contradict_are_forgotten(place: Place, shop: MarketServer) -> None:
    assert place.crawl("lamp", max_listings=2, more=SANDBOX).status == 0
    assert set(place.rows(select(JsonAnswerSource.kind))) == {"search", "listing"}
    today = "<h1 class=title>Bronze lamp, sold</h1><p class=price>GBP 5.00</p>"
    for number in range(1, A_PAGE + 1):  # drawn by the server now; the old answers stay up
        shop.routes[f"/sale/7/lot/{number}"] = reply(f"<!doctype html><title>Shop</title><body>{today}</body>")
    end = place.crawl("lamp", max_listings=3, more=SANDBOX)
    assert end.status == 0, (end, place.log())
    assert {title for title, *_ in seen(place)} == {"Bronze lamp, sold"}
    assert "say other than the JSON answers that fed them" in place.log()
    assert place.rows(select(JsonAnswerSource.kind)) == ["search"]


def test_a_source_that_no_page_was_compared_with_stays_as_it_was_noted(database: Database) -> None:
    learned, other = JsonSource("listing", "/a/{segment:-1}", {"title": "$.t"}), JsonSource("search", "/s?q={query}")
    with database.transaction() as session:
        save_sources(session, "m", JsonSources({"listing": learned, "search": other}))
    noted = {row.kind: row.noted_at for row in of_market(database)}
    with database.transaction() as session:
        sources = JsonSources(load_sources(session, "m"))
        assert sources.usable("listing") is None and sources.wants("listing")
        sources.known["search"] = JsonSource("search", "/new?q={query}")
        save_sources(session, "m", sources)
    rows = {row.kind: row for row in of_market(database)}
    assert rows["listing"].noted_at == noted["listing"] and rows["listing"].fields == {"title": "$.t"}
    assert rows["search"].template == "/new?q={query}" and rows["search"].noted_at > noted["search"]


def of_market(database: Database) -> list[JsonAnswerSource]:
    with database.reading() as session:
        return list(session.scalars(select(JsonAnswerSource)))


def test_answers_that_hold_no_listings_for_us_are_rendered_again(place: Place, shop: MarketServer) -> None:
    def for_scripts_alone(asked: Asked) -> Reply:
        return lot_answer(asked) if b"sec-fetch-mode: cors" in asked.head.lower() else reply("{}", headers=JSON)

    for number in range(1, A_PAGE * PAGES + 1):
        shop.routes[f"/api/sale/7/lot/{number}"] = for_scripts_alone
    end = place.crawl("lamp", more=SANDBOX)
    assert end.status == 0, (end, place.log())
    assert len([path for path in rendered(place) if path.startswith("/sale/")]) == A_PAGE * PAGES
    assert len(seen(place)) == A_PAGE * PAGES and all(title for title, *_ in seen(place))
    assert place.log().count("gave no listing") >= MOST_FAILURES
    assert "the pages are rendered from here on" in place.log()
    assert place.rows(select(JsonAnswerSource.given_up).where(JsonAnswerSource.kind == "listing")) == [True]


def test_a_robots_txt_that_forbids_the_answers_leaves_the_pages_to_the_browser(
    place: Place, shop: MarketServer
) -> None:
    shop.routes["/robots.txt"] = reply(
        "User-agent: *\nDisallow: /api/sale/\n", headers=[("Content-Type", "text/plain")]
    )
    end = place.crawl("lamp", max_listings=2, more=SANDBOX)
    assert end.status == 0, (end, place.log())
    assert len(seen(place)) == 2
    assert not place.rows(select(Capture.url).where(Capture.url.contains("/api/sale/"), ~Capture.decoded_by_browser))
