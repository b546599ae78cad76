"""The marketplace as our crawl walks it: a look of the browser finds its JSON answers, the rest is read over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from demo.catalogue import load_listings
from storage.tables import Capture, JsonAnswerSource, Listing, Observation
from tests.crawling import Place
from tests.demo.test_definitions import TEMPLATES
from tests.market_server import Asked, MarketServer, Reply, reply, serving
from tests.needs import SANDBOX

pytestmark = pytest.mark.needs_chromium

ITEMS = {one.path: one for one in load_listings() if one.sale is None}
API = "/marketplace/api/"


@pytest.fixture
def market(place: Place, client: TestClient) -> Iterator[MarketServer]:
    """The demo's own application behind a server that remembers what it was asked, its definition approved."""
    one_at_a_time = threading.Lock()

    def answer(asked: Asked) -> Reply:
        with one_at_a_time:
            told = client.get(asked.target)
        kind = told.headers.get("content-type", "application/octet-stream")
        return reply(told.content, f"{told.status_code} {told.reason_phrase}", [("Content-Type", kind)])

    with serving() as server:
        server.otherwise = answer
        text = (TEMPLATES / "demo_marketplace.yaml").read_text("utf-8").replace("DEMO-HOST", server.netloc)
        place.home.create(demo=True)
        place.adopt("demo_marketplace", text)
        yield server


def crawl(place: Place) -> None:
    end = place.crawl("all", market="demo_marketplace", more=SANDBOX)
    assert end.status == 0, (end, place.log())


def kept(place: Place) -> dict[str, tuple[object, ...]]:
    rows = select(Listing.url, Observation).join(Observation, Listing.current_observation_id == Observation.id)
    return {
        unquote(urlsplit(url).path): (
            one.title,
            one.price,
            one.currency,
            one.seller_name,
            one.description,
            one.location,
        )
        for url, one in place.rows(rows)
    }


def rendered(place: Place) -> list[str]:
    return [unquote(urlsplit(url).path) for url in place.rows(select(Capture.url).where(Capture.kind == "dom"))]


def read_over_http(place: Place) -> list[str]:
    return place.rows(select(Capture.url).where(Capture.url.contains(API), ~Capture.decoded_by_browser))


def test_one_look_of_the_browser_finds_the_answers_that_the_crawl_reads_from_there(
    place: Place, market: MarketServer
) -> None:
    crawl(place)
    sources = {row.kind: row.template for row in place.rows(select(JsonAnswerSource))}
    assert set(sources) == {"search", "listing"}
    assert urlsplit(sources["search"]).path == f"{API}search"
    assert urlsplit(sources["listing"]).path.startswith(f"{API}item/{{")
    assert rendered(place).count("/marketplace/search") == 1
    assert len(rendered(place)) <= 5, "beside the first item only what was under way before it was read"
    assert len([url for url in read_over_http(place) if "/item/" in url]) >= len(ITEMS) - 4
    told = kept(place)
    assert set(told) == set(ITEMS)
    for path, (title, price, currency, _, description, location) in told.items():
        item = ITEMS[path]
        assert (title, price, currency) == (item.title, item.price, item.currency)
        assert (description, location) == (item.description, item.location)


def test_where_the_answers_fail_the_pages_are_rendered_again_and_nothing_is_missing(
    place: Place, market: MarketServer
) -> None:
    relay = market.otherwise

    def for_scripts_alone(asked: Asked) -> Reply:
        by_a_page = b"sec-fetch-mode: cors" in asked.head.lower()
        if asked.target.startswith(f"{API}item/") and not by_a_page:
            return reply('{"error": "not for you"}', "404 Not Found", [("Content-Type", "application/json")])
        assert callable(relay)
        return relay(asked)

    market.otherwise = for_scripts_alone
    crawl(place)
    assert "the pages are rendered from here on" in place.log()
    assert {path for path in rendered(place) if "/item/" in path} == set(ITEMS)
    assert {path: told[0] for path, told in kept(place).items()} == {path: one.title for path, one in ITEMS.items()}
