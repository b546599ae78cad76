"""A site walked by its feed: RSS and Atom, pages of an archive, and what is wrong with feeds."""

import pytest
from sqlalchemy import select

from markets.definition import Definition
from spiders.feed import FeedSpider
from storage.tables import Listing, Observation
from tests.crawling import Place
from tests.market_server import MarketServer, lot_page, reply
from tests.spiders.parsing import asked, outputs, told


def define(place: Place, market: MarketServer, **changes: str) -> Definition:
    facts = {
        "spider": "feed",
        "search": "null",
        "source": f'{{url: "{market.url("/feed")}"}}',
        "listing_url": '"/lot/(?P<lot>[0-9]+)"',
        **changes,
    }
    return place.define(market, **facts)


def rss(*entries: tuple[str, str], more: str = "") -> str:
    items = "".join(f"<item><title>{title}</title><link>{url}</link></item>" for url, title in entries)
    return f'<rss version="2.0"><channel><title>Lots</title>{more}{items}</channel></rss>'


def atom(url: str, title: str) -> str:
    return f"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>{title}</title><link rel="self" href="/x"/>
        <link href="{url}"/><category term="Antiquities"/><summary>From an old collection</summary></entry></feed>"""


def test_entries_lead_to_listings_and_a_second_crawl_doubles_nothing(place: Place, market: MarketServer) -> None:
    lots = [(market.url("/lot/1?from=feed"), "Roman lamp"), (market.url("/lot/2"), "Chair")]
    archive = f'<link xmlns="http://www.w3.org/2005/Atom" rel="next" href="{market.url("/feed?page=2")}"/>'
    market.routes["/feed"] = reply(rss(*lots, more=archive))
    market.routes["/feed?page=2"] = reply(rss((market.url("/lot/3"), "Greek lamp")))
    market.routes["/lot/1"] = reply(lot_page("Roman lamp"))
    market.routes["/lot/3"] = reply(lot_page("Greek lamp"))
    define(place, market)
    end = place.crawl("lamp")
    assert end.status == 0, (end, place.log())
    assert set(place.rows(select(Listing.native_id))) == {"1", "3"}
    counts = place.crawl("lamp").result["counts"]
    assert (counts["listings"], counts.get("new", 0)) == (2, 0)
    assert len(place.rows(select(Observation))) == 2


@pytest.mark.parametrize("query", ["lamp", "antiquities", "old collection", "*"])
def test_title_summary_and_category_of_an_entry_are_searched(place: Place, market: MarketServer, query: str) -> None:
    url = market.url("/lot/1")
    assert asked(outputs(FeedSpider, define(place, market), market.url("/feed"), atom(url, "Lamp"), query)) == [url]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (rss(), "the feed has no entries"),
        ("<html/>", "it is no feed: its root is <html>"),
        ("<rss><channel>", "the feed was not read: it is no XML"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>', "declares a document type"),
        (rss(("http://elsewhere.example/lot/1", "Lamp")), "none of its 1 entries leads to an address"),
        (rss(("/lot/1", "Chair")), "none of its 1 entries holds the words ['lamp']"),
    ],
)
def test_a_feed_without_listings_says_why(place: Place, market: MarketServer, body: str, reason: str) -> None:
    given = outputs(FeedSpider, define(place, market), market.url("/feed"), body)
    assert reason in told(given)
    assert not asked(given)


def test_entries_beyond_what_is_read_are_told(
    place: Place, market: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spiders.feed.MOST_ENTRIES", 2)
    body = rss(*((f"/sale/1/lot/{number}", "Oil lamp") for number in range(3)))
    given = outputs(FeedSpider, define(place, market), market.url("/feed"), body)
    assert told(given) == "it has 3 entries: those after 2 were not read"
    assert len(asked(given)) == 2
