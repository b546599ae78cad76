"""Identity across crawls, and how far a crawl goes: real crawls of a market on loopback, with the market's own log."""

import itertools
import json
from decimal import Decimal

from sqlalchemy import select

from spiders.catalogue import CatalogueSpider
from storage.tables import Capture, Crawl, FrontierEntry, Listing, ListingAlias, MarketLease, Observation
from tests.crawling import Ended, Place, of_url
from tests.market_server import MISSING, Asked, MarketServer, Reply, lot_page, redirect, reply, results_page, serving
from tests.spiders import parsing


def done(end: Ended) -> Ended:
    assert end.status == 0, end
    assert end.err == ""
    return end


def listings(place: Place) -> dict[str, Listing]:
    return {one.native_id: one for one in place.rows(select(Listing))}


def prices(place: Place, native_id: str) -> list[Decimal]:
    return place.rows(
        select(Observation.price)
        .join(Listing, Listing.id == Observation.listing_id)
        .where(Listing.native_id == native_id)
        .order_by(Observation.id)
    )


def test_a_listing_is_one_over_time_and_is_observed_when_it_changes(place: Place, market: MarketServer) -> None:
    lots = [f"/sale/1/lot/{n}" for n in range(1, 5)]
    market.routes["/search"] = reply(results_page(lots))
    for n, lot in enumerate(lots, 1):
        market.routes[lot] = reply(lot_page(f"Lamp {n}"))
    place.define(market)
    done(place.crawl())
    first = listings(place)
    assert set(first) == {"1/1", "1/2", "1/3", "1/4"}

    market.routes[lots[1]] = reply(lot_page("Lamp 2", price="80.00"))  # a price that changed
    market.routes[lots[2]] = MISSING  # gone, and no longer among the results
    market.routes["/search"] = reply(results_page(lots[:2]))  # lot 4 is only missing from the results
    before = len(market.targets())
    second = done(place.crawl()).result["counts"]
    assert (second.get("new", 0), second["changed"], second["gone"]) == (0, 1, 1)
    assert sorted(market.targets()[before:]) == sorted(["/search?q=lamp", *lots])  # lots 3, 4 at their own addresses
    now = listings(place)
    assert prices(place, "1/1") == [Decimal(120)]
    assert now["1/1"].last_seen_at > first["1/1"].last_seen_at
    assert now["1/1"].first_seen_at == first["1/1"].first_seen_at
    assert prices(place, "1/2") == [Decimal(120), Decimal(80)]
    assert now["1/3"].state == "gone"
    assert now["1/3"].state_proof.startswith("HTTP 404 at 20")
    assert now["1/3"].last_seen_at == first["1/3"].last_seen_at
    (proof,) = place.rows(select(Capture).where(Capture.url == market.url(lots[2]), Capture.status == 404))
    assert proof.listing_id == now["1/3"].id
    assert now["1/4"].state == "live"
    assert now["1/4"].absent_from_crawls == 0

    before = len(market.targets())
    done(place.crawl())
    assert lots[2] not in market.targets()[before:]  # what is known to be gone is left in peace


def test_a_listing_that_is_gone_before_it_was_ever_seen_is_told_as_a_problem(
    place: Place, market: MarketServer
) -> None:
    lots = ["/sale/1/lot/1", "/sale/1/lot/2"]
    market.routes["/search"] = reply(results_page(lots))
    market.routes[lots[0]] = reply(lot_page("Lamp 1"))
    market.routes[lots[1]] = MISSING
    place.define(market)
    counts = done(place.crawl()).result["counts"]
    assert (counts["listings"], counts["problems"], counts.get("gone", 0)) == (1, 1, 0)
    (problems,) = place.rows(select(Crawl.problems))
    assert problems == [
        {
            "url": market.url(lots[1]),
            "reason": "the market links it and answers HTTP 404: it was gone before it was ever seen",
        }
    ]


def test_a_listing_whose_page_fails_is_not_taken_for_gone(place: Place, market: MarketServer) -> None:
    lots = ["/sale/1/lot/1", "/sale/1/lot/2"]
    market.routes["/search"] = reply(results_page(lots))
    market.routes[lots[0]] = market.routes[lots[1]] = reply(lot_page("Lamp"))
    place.define(market)
    done(place.crawl())
    market.routes[lots[1]] = reply("broken", "500 Internal Server Error")
    market.routes["/search"] = reply(results_page(lots[:1]))
    for _ in range(3):
        done(place.crawl())
    assert listings(place)["1/2"].state == "live"
    assert listings(place)["1/2"].absent_from_crawls == 0


def test_identity_is_the_address_whatever_the_page_says(place: Place, market: MarketServer) -> None:
    with serving() as other, serving("127.0.0.2") as far:
        for elsewhere in (other, far):
            elsewhere.routes["/sale/9/lot/9"] = reply(lot_page("A lamp of another shop"))
        strange = (
            f'<link rel="canonical" href="{other.url("/sale/9/lot/9")}">'
            f'<meta property="og:image" content="{far.url("/photo.jpg")}">'
            f'<meta property="og:url" content="{far.url("/sale/9/lot/9")}">'
        )
        market.routes["/search"] = reply(
            results_page(
                [
                    "/sale/1/lot/7",
                    "/sale/2/lot/7",  # the same number in another sale
                    "/sale/2/lot/7?utm_source=mail#photo",
                    "/sale/1/lot/8",
                    "/sale/1/lot/10",
                    "/sale/1/lot/11",
                    "/sale/1/lot/12",
                    other.url("/sale/9/lot/9"),
                    far.url("/sale/9/lot/9"),
                ]
            )
        )
        market.routes["/sale/1/lot/7"] = reply(lot_page("Greek lamp"))
        market.routes["/sale/2/lot/7"] = reply(lot_page("Roman lamp"))
        market.routes["/sale/1/lot/8"] = reply(lot_page("Strange lamp", head=strange))
        market.routes["/sale/1/lot/10"] = redirect("/hop/1")  # EV-6
        market.routes["/hop/1"] = redirect("/hop/2", "301 Moved Permanently")
        market.routes["/hop/2"] = redirect("/sale/1/lot/100", "307 Temporary Redirect")
        market.routes["/sale/1/lot/100"] = reply(lot_page("Moved lamp"))
        market.routes["/sale/1/lot/11"] = redirect(other.url("/sale/9/lot/9"))
        market.routes["/sale/1/lot/12"] = redirect(far.url("/sale/9/lot/9"))
        place.define(market)
        done(place.crawl("lamp", "lampe"))  # the same results for both
        assert other.asked == []
        assert far.asked == []

    assert set(listings(place)) == {"1/7", "2/7", "1/8", "1/100"}
    assert all(market.targets().count(lot) == 1 for lot in ("/sale/1/lot/7", "/sale/1/lot/8", "/sale/1/lot/100"))
    (alias,) = place.rows(select(ListingAlias))
    assert (alias.native_id, alias.listing_id) == ("1/10", listings(place)["1/100"].id)
    assert alias.reason == f"its address led to {market.url('/sale/1/lot/100')}"
    assert place.rows(select(Observation.canonical_url).where(Observation.title == "Strange lamp")) != []

    hops = [market.url(path) for path in ("/sale/1/lot/10", "/hop/1", "/hop/2", "/sale/1/lot/100")]
    rows = place.rows(select(Capture.url, Capture.status, Capture.listing_id).where(Capture.url.in_(hops)))
    assert sorted(row[:2] for row in rows) == sorted(zip(hops, (302, 301, 307, 200), strict=True))
    assert {row[2] for row in rows} == {alias.listing_id}
    for path in ("/sale/1/lot/11", "/sale/1/lot/12"):  # recorded, not followed, and said
        assert len(of_url(place.records(), market.url(path), "response")) == 1
        (problem,) = place.rows(select(FrontierEntry.problem).where(FrontierEntry.url == market.url(path)))
        assert "outside the market's domains: recorded, not followed" in problem


def test_a_listing_known_by_its_old_address_stays_the_same_listing(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
    market.routes["/sale/1/lot/1"] = reply(lot_page("Lamp"))
    place.define(market)
    done(place.crawl())
    market.routes["/sale/1/lot/1"] = redirect("/sale/2/lot/5")
    market.routes["/sale/2/lot/5"] = reply(lot_page("Lamp"))
    done(place.crawl())
    assert list(listings(place)) == ["1/1"]
    assert place.rows(select(ListingAlias.native_id)) == ["2/5"]
    assert len(prices(place, "1/1")) == 1


def test_pages_follow_one_another_up_to_the_limit(place: Place, market: MarketServer) -> None:
    def page(asked: Asked) -> Reply:
        number = int(asked.target.rpartition("page=")[2]) if "page=" in asked.target else 1
        market.routes[f"/sale/1/lot/{number}"] = reply(lot_page(f"Lamp {number}"))
        return reply(results_page([f"/sale/1/lot/{number}"], f"/search?q=lamp&page={number + 1}"))

    market.routes["/search"] = page  # RL-17: there is always a next page
    search = f'{{url: "{market.url("/search")}?q={{query}}", listings: "a.lot", next: "a[rel=next]", max_pages: 3}}'
    place.define(market, search=search)
    done(place.crawl())
    assert set(listings(place)) == {"1/1", "1/2", "1/3"}
    (problems,) = place.rows(select(Crawl.problems))
    assert [one["reason"] for one in problems] == ["more pages follow, but search.max_pages is 3"]


def test_no_more_listings_are_asked_for_than_wanted(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(f"/sale/1/lot/{n}" for n in range(9)))
    for n in range(9):
        market.routes[f"/sale/1/lot/{n}"] = reply(lot_page(f"Lamp {n}"))
    place.define(market)
    done(place.crawl(max_listings=2))
    assert len(listings(place)) == 2
    assert len(market.targets()) == 3


def test_robots_txt_is_asked_first_obeyed_and_named(place: Place, market: MarketServer) -> None:  # RL-22
    rules = (
        "\ufeffUser-agent: other\r\nDisallow: /\r\n\r\nUser-Agent: *\r\nDisallow: /sale/1/\r\nAllow: /sale/1/lot/2$\r\n"
    )
    market.routes["/robots.txt"] = reply(rules, headers=[("Content-Type", "text/plain")])
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1", "/sale/1/lot/2", "/sale/2/lot/1"]))
    for lot in ("/sale/1/lot/1", "/sale/1/lot/2", "/sale/2/lot/1"):
        market.routes[lot] = reply(lot_page(f"Lamp at {lot}"))
    place.define(market)
    done(place.crawl())
    assert market.asked[0].target == "/robots.txt"
    first, *lots = market.targets()
    assert (first, sorted(lots)) == ("/search?q=lamp", ["/sale/1/lot/2", "/sale/2/lot/1"])
    (problems,) = place.rows(select(Crawl.problems))
    assert problems == [
        {"url": market.url("/sale/1/lot/1"), "reason": f"robots.txt of {market.netloc} does not allow this page"}
    ]
    assert len(of_url(place.records(), market.url("/robots.txt"), "response")) == 1


def test_a_server_that_fails_at_robots_txt_is_not_crawled(place: Place, market: MarketServer) -> None:  # RL-22
    market.routes["/robots.txt"] = reply("oops", "500 Internal Server Error")
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    assert (
        f"robots.txt of {market.netloc} could not be read (HTTP 500), and a site whose robots.txt does not answer"
        in end.message
    )
    assert market.targets() == []


def test_a_market_that_the_guard_refuses_is_told_with_what_would_allow_it(place: Place, market: MarketServer) -> None:
    place.define(market)
    end = place.crawl(more={"RELICWATCH_ALLOW_LOOPBACK": ""})
    assert end.status == 1
    assert f"The guard refused {market.url('/robots.txt')}: loopback), so nothing there is fetched" in end.message
    assert "RELICWATCH_ALLOW_LOOPBACK=1 allows a market on this machine" in end.message
    assert "try again later" not in end.message
    assert market.targets() == []


def test_a_busy_market_is_asked_again_after_its_pause(place: Place, market: MarketServer) -> None:  # RL-21
    market.routes["/search"] = [
        reply("busy", "503 Service Unavailable", [("Retry-After", "1")]),
        reply(results_page(["/sale/1/lot/1"])),
    ]
    market.routes["/sale/1/lot/1"] = reply(lot_page("Lamp"))
    place.define(market)
    done(place.crawl())
    first, second = (one for one in market.asked if one.target.startswith("/search"))
    assert (second.at - first.at).total_seconds() >= 1
    assert len(of_url(place.records(), market.url("/search?q=lamp"), "response")) == 2


def test_the_definition_s_pause_is_kept_between_requests(place: Place, market: MarketServer) -> None:  # RL-23
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1", "/sale/1/lot/2"]))
    for n in (1, 2):
        market.routes[f"/sale/1/lot/{n}"] = reply(lot_page(f"Lamp {n}"))
    place.define(market, rate="{delay: 0.6, concurrency: 1}")
    done(place.crawl())
    times = [one.at for one in market.asked]
    gaps = [(later - sooner).total_seconds() for sooner, later in itertools.pairwise(times)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.55  # measured where requests arrive, which takes its own few milliseconds


def test_the_pause_holds_between_one_crawl_and_the_next(place: Place, market: MarketServer) -> None:  # RL-23
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
    market.routes["/sale/1/lot/1"] = reply(lot_page("Lamp"))
    place.define(market, rate="{delay: 2.5, concurrency: 1}")
    done(place.crawl(max_listings=1))
    first_crawl = len(market.asked)
    done(place.crawl(max_listings=1))
    between = market.asked[first_crawl].at - market.asked[first_crawl - 1].at
    assert between.total_seconds() >= 2.45
    with place.database.reading() as session:
        owed = session.scalars(select(MarketLease.next_request_not_before)).one()
    assert owed is not None
    assert (owed - market.asked[-1].at).total_seconds() > 2  # and a capture would keep it too


def test_a_pause_asked_for_holds_for_the_next_crawl_too(place: Place, market: MarketServer) -> None:  # RL-21, RL-23
    market.routes["/search"] = reply("busy", "503 Service Unavailable", [("Retry-After", "3600")])
    place.define(market)
    assert place.crawl().status == 1
    asked = len(market.asked)
    end = place.crawl()
    assert end.status == 1
    assert "asks for a pause of 3" in end.message
    assert len(market.asked) == asked  # not even robots.txt


def test_requests_say_who_we_are_and_nothing_else(place: Place, market: MarketServer) -> None:  # SEC-37
    market.routes["/search"] = reply(
        results_page(["/sale/1/lot/1"]), headers=[("Content-Type", "text/html"), ("Set-Cookie", "a=1; Path=/")]
    )
    market.routes["/sale/1/lot/1"] = reply(lot_page("Lamp"))
    place.define(market)
    done(place.crawl(more={"RELICWATCH_CONTACT": "https://unit.example/crawler"}))
    for asked in market.asked:
        head = asked.head.decode().lower()
        assert "user-agent: relicwatch/" in head
        assert "(+https://unit.example/crawler)" in head
        assert "cookie:" not in head
        assert "referer:" not in head


def test_the_plain_scrapy_command_crawls_too(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
    market.routes["/sale/1/lot/1"] = reply(lot_page("Lamp"))
    place.define(market)
    end = place.scrapy("-a", f"query={json.dumps(['lamp'])}")
    assert end.status == 0, end.err
    assert list(listings(place)) == ["1/1"]


def test_a_page_with_more_listings_than_are_taken_says_so(place: Place, market: MarketServer) -> None:
    definition = place.define(market)
    for count, told_of in ((1_999, False), (2_100, True)):
        links = "".join(f'<a class="lot" href="/sale/1/lot/{n}?from={n}">Lamp {n}</a>' for n in range(count))
        given = parsing.outputs(
            CatalogueSpider, definition, market.url("/search"), f"<html><body>{links}</body></html>"
        )
        assert len(parsing.asked(given)) == min(count, 2_000)
        assert ("2000 listings or more" in parsing.told(given)) is told_of


def test_one_listing_linked_many_times_takes_the_place_of_one(place: Place, market: MarketServer) -> None:
    definition = place.define(market)
    links = "".join(f'<a class="lot" href="/sale/1/lot/{n > 2_050}?n={n}">Lamp</a>' for n in range(2_100))
    links = links.replace("lot/False", "lot/1").replace("lot/True", "lot/2")
    given = parsing.outputs(CatalogueSpider, definition, market.url("/search"), f"<html><body>{links}</body></html>")
    assert [url.partition("?")[0] for url in parsing.asked(given)] == [market.url(f"/sale/1/lot/{n}") for n in (1, 2)]
    assert parsing.told(given) == ""


def test_links_that_the_selector_finds_and_listing_url_does_not_match_are_told(
    place: Place, market: MarketServer
) -> None:
    market.routes["/search"] = reply(results_page(["/sale/1/lot/1", "/tablets/5", "http://elsewhere.example/lot/2"]))
    market.routes["/sale/1/lot/1"] = reply(lot_page("Lamp"))
    place.define(market)
    assert place.crawl().status == 0
    (problem,) = place.rows(select(Crawl))[0].problems
    assert problem["reason"].startswith(
        "search.listings finds 1 links that listing_url does not match (the first leads"
    )
    assert market.url("/tablets/5") in problem["reason"]
