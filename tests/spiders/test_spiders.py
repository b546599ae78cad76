"""Every spider starts without a network; the browser's one walks the demo's marketplace in a real Chromium."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.project import get_project_settings
from sqlalchemy import select

from crawler.errors import UsageError
from evidence.segments import read_bytes, read_members
from markets.approval import NotApproved, approve
from markets.catalog import UnknownMarket
from markets.definition import load_definition
from markets.vocabulary import SEARCH_WALKERS, WALKERS
from storage.audit import AuditChain
from storage.frontier import callback_kind
from storage.tables import Capture, Listing, Segment
from tests.crawling import MARKET, ROOT, Place
from tests.market_server import MarketServer
from tests.needs import SANDBOX

SPIDERS = SpiderLoader.from_settings(get_project_settings())


def start(name: str, **arguments: str) -> list[Request]:
    """The spider's first requests; nothing is sent."""

    async def collect() -> list[Request]:
        spider_class = SPIDERS.load(name)
        spider = spider_class.from_crawler(Crawler(spider_class, get_project_settings()), **arguments)
        return [one async for one in spider.start()]

    return asyncio.run(collect())


@pytest.fixture
def known(place: Place, market: MarketServer, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("RELICWATCH_HOME", str(place.home.root))
    place.define(market)
    return place


@pytest.mark.parametrize("name", SEARCH_WALKERS)
def test_a_spider_starts_offline_with_a_search_for_each_query(name: str, known: Place, market: MarketServer) -> None:
    requests = start(name, market=MARKET, query='["roman lamp", "مصباح"]')
    assert [one.url for one in requests] == [
        market.url("/search?q=roman%20lamp"),
        market.url("/search?q=%D9%85%D8%B5%D8%A8%D8%A7%D8%AD"),
    ]
    assert {callback_kind(one) for one in requests} == {"search"}
    assert market.asked == []


@pytest.mark.parametrize("name", SPIDERS.list())
def test_a_spider_says_what_it_needs(name: str, known: Place) -> None:
    with pytest.raises(UsageError, match="-a market=NAME"):
        start(name)
    with pytest.raises(UsageError, match="-a query=WORDS"):
        start(name, market=MARKET)
    with pytest.raises(UnknownMarket):
        start(name, market="nothing_here", query="lamp")


@pytest.mark.parametrize("name", SPIDERS.list())
def test_a_spider_does_not_start_for_a_market_that_is_off(name: str, known: Place, market: MarketServer) -> None:
    known.define(market, approved=False, title="Changed")
    with pytest.raises(NotApproved):
        start(name, market=MARKET, query="lamp")


def test_spiders_are_named_as_definitions_name_them() -> None:
    assert set(WALKERS) <= set(SPIDERS.list())


@pytest.fixture
def demo_host() -> Iterator[str]:
    command = [sys.executable, "-m", "demo", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1].removeprefix("http://").rstrip("/")
        finally:
            process.terminate()


@pytest.mark.needs_chromium
def test_the_browser_spider_keeps_what_the_browser_decoded_and_what_it_rendered(place: Place, demo_host: str) -> None:
    place.home.create(demo=True)
    path = place.home.markets / "demo_marketplace.yaml"
    text = (ROOT / "demo" / "markets" / "demo_marketplace.yaml").read_text("utf-8")
    path.write_text(text.replace("DEMO-HOST", demo_host), "utf-8")
    with place.database.transaction() as session:
        approve(
            session,
            AuditChain(),
            place.home,
            load_definition(path),
            actor="test",
            legal_basis="the demo's own terms",
            rate_permission="the demo's own terms",
        )
    end = place.crawl("all", market="demo_marketplace", max_listings=2, more=SANDBOX)
    assert end.status == 0, (end, place.log())
    listings = place.rows(select(Listing))
    assert len(listings) == 2
    for listing in listings:
        rows = place.rows(
            select(Capture, Segment)
            .join(Segment, Segment.id == Capture.segment_id)
            .where(Capture.listing_id == listing.id)
            .order_by(Capture.id)
        )
        pages = [(capture, segment) for capture, segment in rows if capture.url == listing.url]
        (exchange, segment), (dom, _) = (
            next(pair for pair in pages if pair[0].kind == kind) for kind in ("exchange", "dom")
        )
        assert exchange.decoded_by_browser  # EV-1
        assert exchange.status == 200
        data = read_bytes(place.home.transit / segment.name, exchange.offset, exchange.length)
        response, request = read_members(data)
        assert response.headers["warc-relicwatch-note"] == "decoded by the browser"
        assert b"x-orig-content-length: " in response.block.lower()
        assert b"user-agent: relicwatch/" in request.block.lower()
        (rendered,) = read_members(read_bytes(place.home.transit / segment.name, dom.offset, dom.length))
        assert rendered.type == "resource"
        assert rendered.headers["warc-relicwatch-note"] == "rendered by the browser"
        assert len(rendered.block) == dom.payload_bytes
        assert listing.demo
