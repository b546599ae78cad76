"""A site walked by its sitemaps: robots.txt, an index, a gzipped file; and what is wrong with such files."""

import gzip

import pytest
from sqlalchemy import select

from markets.definition import Definition
from spiders.sitemap import SitemapSpider
from storage.tables import Listing, Observation
from tests.crawling import Place
from tests.market_server import MarketServer, lot_page, reply
from tests.spiders.parsing import asked, outputs, told


def define(place: Place, market: MarketServer, path: str = "/sitemap.xml", **changes: str) -> Definition:
    facts = {
        "spider": "sitemap",
        "search": "null",
        "source": f'{{url: "{market.url(path)}"}}',
        "listing_url": '"/lot/(?P<lot>[^/?#]+)"',
        **changes,
    }
    return place.define(market, **facts)


def urlset(*urls: str, inner: str = "") -> str:
    entries = "".join(f"<url><loc>{url}</loc><lastmod>2026-11-01</lastmod>{inner}</url>" for url in urls)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def index(*urls: str) -> str:
    return f"<sitemapindex>{''.join(f'<sitemap><loc>{url}</loc></sitemap>' for url in urls)}</sitemapindex>"


def test_the_sitemaps_that_robots_txt_names_lead_to_listings(place: Place, market: MarketServer) -> None:
    lots = [market.url("/lot/roman-lamp"), market.url("/lot/old-chair"), market.url("/lot/8812"), market.url("/about")]
    market.routes["/robots.txt"] = reply(f"User-agent: *\nAllow: /\nSitemap: {market.url('/index.xml')}\n")
    market.routes["/index.xml"] = reply(index(market.url("/lots.xml.gz")))
    market.routes["/lots.xml.gz"] = reply(gzip.compress(urlset(*lots).encode()), headers=())
    market.routes["/lot/roman-lamp"] = reply(lot_page("Roman lamp"))
    market.routes["/lot/8812"] = reply(lot_page("A lot without words in its address"))
    define(place, market, "/robots.txt")
    end = place.crawl("lamp")
    assert end.status == 0, (end, place.log())
    assert set(place.rows(select(Listing.native_id))) == {"roman-lamp", "8812"}
    assert "/lot/old-chair" not in market.targets()
    counts = place.crawl("lamp").result["counts"]
    assert (counts["listings"], counts.get("new", 0)) == (2, 0)
    assert len(place.rows(select(Observation))) == 2


@pytest.mark.parametrize(
    ("path", "inner", "query", "taken"),
    [
        ("/lot/%D9%85%D8%B5%D8%A8%D8%A7%D8%AD-7", "", "مِصباح", True),
        ("/lot/7/roman-lamp", "", "chair", False),
        ("/lot/7", "", "chair", True),  # an address without words is walked
        ("/lot/7", "<image><title>A chair</title></image>", "chair", True),
        ("/lot/a7f3c9", "", "chair", True),
        ("/lot/roman-lamp.html", "", "*", True),
    ],
)
def test_the_words_of_an_address_decide(
    place: Place, market: MarketServer, path: str, inner: str, query: str, taken: bool
) -> None:
    url = market.url(path)
    given = outputs(SitemapSpider, define(place, market), market.url("/sitemap.xml"), urlset(url, inner=inner), query)
    assert asked(given) == ([url] if taken else [])
    assert taken or f"none of its 1 addresses of listings holds the words ['{query}']" in told(given)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<urlset></urlset>", "it is empty"),
        ("<urlset><url><loc>http://elsewhere.example/lot/1</loc></url></urlset>", "none of its 1 addresses matches"),
        ("<html></html>", "it is no sitemap: its root is <html>"),
        ("<urlset><url>", "the sitemap was not read: it is no XML"),
        ('<!DOCTYPE u [<!ENTITY x "y">]><urlset/>', "declares a document type or entities"),
        ("<sitemapindex/>", "it names no sitemap"),
        (index("http://elsewhere.example/s.xml"), "outside the market's domains: not read"),
    ],
)
def test_a_sitemap_without_listings_says_why(place: Place, market: MarketServer, body: str, reason: str) -> None:
    given = outputs(SitemapSpider, define(place, market), market.url("/sitemap.xml"), body)
    assert reason in told(given)
    assert not asked(given)


def test_an_index_leads_no_deeper_than_the_protocol_allows(place: Place, market: MarketServer) -> None:
    body = index(market.url("/again.xml"))
    given = outputs(SitemapSpider, define(place, market), market.url("/sitemap.xml"), body, page=3)
    assert "not followed" in told(given)
    assert not asked(given)
