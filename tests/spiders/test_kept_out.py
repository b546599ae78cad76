"""A market that keeps the crawl out, or has changed since the crawls before: the crawl stops or fails, and says so."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select

from markets.overview import market_rows
from storage.tables import Crawl, FrontierEntry, Observation
from tests.crawling import MARKET, Place, of_url
from tests.market_server import MarketServer, Reply, lot_page, redirect, reply, results_page
from tests.needs import SANDBOX

LOTS = [f"/sale/1/lot/{number}" for number in range(1, 9)]
CHALLENGE = reply(
    "<html><head><title>Just a moment...</title></head><body>Enable JavaScript and cookies to continue</body></html>",
    "403 Forbidden",
)


def offer(market: MarketServer, layout: str = "price") -> None:
    market.routes["/search"] = reply(results_page(LOTS))
    for number, lot in enumerate(LOTS):
        market.routes[lot] = reply(lot_page(f"Lamp {number}", f"{number + 10}.00"))
        if layout == "other":
            page = (
                f"<html><head><title>Lamp {number}</title></head><body><h1>Lamp {number}</h1><p>Old.</p></body></html>"
            )
            market.routes[lot] = reply(page)


def last_crawl(place: Place) -> str:
    """What `relicwatch markets list` says of it."""
    (row,) = [row for row in market_rows(place.database, place.home) if row["market"] == MARKET]
    return str(row["last crawl"])


def test_a_challenge_is_captured_and_ends_the_crawl_and_nothing_more_is_asked(
    place: Place, market: MarketServer
) -> None:  # RL-31
    offer(market)
    market.routes[LOTS[2]] = CHALLENGE
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    said = "The market answered with a page that keeps crawlers out (HTTP 403, the title 'Just a moment...')"
    assert said in end.message
    assert market.targets()[0] == "/search?q=lamp" and set(LOTS[:3]) <= set(market.targets())
    assert len(market.targets()) <= 5  # without a pause, the next request may be under way already
    assert len(of_url(place.records(), market.url(LOTS[2]), "response")) == 1
    (crawl,) = place.rows(select(Crawl))
    assert crawl.state == "failed"
    assert crawl.counts["faults"][0]["code"] == "challenge"
    (problem,) = crawl.problems
    assert (problem["url"], problem["kind"], problem["code"]) == (market.url(LOTS[2]), "block", "challenge")
    assert crawl.counts["counts"]["listings"] in (2, 3)  # what was found before stays
    states = place.rows(select(FrontierEntry.state).where(FrontierEntry.kind == "listing"))
    assert states.count("pending") in (4, 5)
    assert said in place.log()
    assert said in last_crawl(place)
    table = place.run("crawls", "list").out.splitlines()
    assert table[0].split()[:3] == ["id", "market", "started"]
    assert MARKET in table[1] and "failed" in table[1]
    assert table[2].startswith("crawl 1: The market answered with a page that keeps crawlers out")
    shown = place.run("crawls", "show", "1").out
    assert f"{market.url(LOTS[2])}\n    The market answered" in shown
    assert "{" not in shown


def test_a_search_that_leads_to_a_log_in_page_ends_the_crawl_before_that_page_is_asked_for(
    place: Place, market: MarketServer
) -> None:  # RL-31
    market.routes["/search"] = redirect("/account/login?next=/search")
    market.routes["/account/login"] = reply("<title>Log in</title><form><input type=password></form>")
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    assert f"The market wants a log-in ({market.netloc}/account/login)" in end.message
    assert market.targets() == ["/search?q=lamp"]
    assert of_url(place.records(), market.url("/search?q=lamp"), "response")


def test_refusals_one_after_the_other_end_the_crawl(place: Place, market: MarketServer) -> None:
    offer(market)
    for lot in LOTS:
        market.routes[lot] = reply("Forbidden", "403 Forbidden")
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    assert "The market refused 5 pages in a row (the last with HTTP 403)" in end.message
    assert market.targets()[0] == "/search?q=lamp" and set(LOTS[:5]) <= set(market.targets())
    assert len(market.targets()) <= 7  # without a pause, the next request may be under way already


def bare(title: str, text: str) -> Reply:
    """A lot's page without data for programs."""
    return reply(f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>")


def test_lots_titled_like_challenges_are_read(place: Place, market: MarketServer) -> None:
    offer(market)
    titled = ["Just a Moment, Roman theatre mask", "Un instant d'éternité, stèle", "Captcha II - robot sculpture"]
    for lot, title in zip(LOTS[1::2], titled, strict=False):
        market.routes[lot] = bare(title, "Visage humain, a human face.")
    place.define(market)
    end = place.crawl()
    assert end.status == 0, (end, place.log())
    assert end.result["counts"]["listings"] == len(LOTS)
    assert set(titled) <= set(place.rows(select(Observation.title)))


def test_challenges_known_by_their_title_alone_end_the_crawl_when_one_follows_the_other(
    place: Place, market: MarketServer
) -> None:
    offer(market)
    for lot in LOTS[1:]:
        market.routes[lot] = bare("Robot Check", "Type the characters you see: are you a robot?")
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    assert "a page that keeps crawlers out (HTTP 200, the title 'Robot Check')" in end.message
    assert len(market.targets()) <= 8  # the search, a lot, five of them, and what was under way


MEMBERS_ONLY = {
    "a refusal": lambda: reply("members only", "401 Unauthorized"),
    "a redirect": lambda: redirect("/account/login?next=/sale/1/lot/3"),
    "a form": lambda: reply("<title>Log in</title><form><input type=password></form>"),
}


@pytest.mark.parametrize("kind", MEMBERS_ONLY)
def test_one_lot_for_members_fails_alone(place: Place, market: MarketServer, kind: str) -> None:
    offer(market)
    market.routes[LOTS[2]] = MEMBERS_ONLY[kind]()
    place.define(market)
    end = place.crawl()
    assert end.result["counts"]["listings"] == len(LOTS) - 1
    assert set(LOTS) <= set(market.targets())
    assert "/account/login?next=/sale/1/lot/3" not in market.targets()
    (problem,) = place.rows(select(Crawl)).pop().problems
    assert problem["url"] == market.url(LOTS[2])
    assert "the market shows this listing only after a log-in" in problem["reason"]
    assert place.rows(select(Crawl.state)) == ["complete"]


@pytest.mark.parametrize("kind", MEMBERS_ONLY)
def test_lots_for_members_one_after_the_other_end_the_crawl(place: Place, market: MarketServer, kind: str) -> None:
    offer(market)
    for lot in LOTS:
        market.routes[lot] = MEMBERS_ONLY[kind]()
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    assert "The market wants a log-in" in end.message
    assert market.targets()[0] == "/search?q=lamp" and set(LOTS[:5]) <= set(market.targets())
    assert len(market.targets()) <= 7


def test_a_layout_that_changes_between_crawls_is_told(place: Place, market: MarketServer) -> None:  # RL-31
    offer(market)
    place.define(market)
    assert place.crawl().status == 0
    with place.database.transaction() as session:
        first = session.scalars(select(Crawl)).one()
        assert first.counts["counts"]["bytes"] > 1000
        assert sum(first.counts["times"].values()) == len(market.targets())
        for _ in range(2):  # the same crawl twice more
            values = ("market", "queries", "state", "started_at", "finished_at", "counts")
            session.add(Crawl(**{name: getattr(first, name) for name in values}))
    offer(market, "other")
    end = place.crawl()
    assert end.status == 1
    said = "Of 8 listings 0% have price, where it was 100% in crawls before: the layout of its listings has changed"
    assert said in end.message
    assert said in place.log()
    assert said in last_crawl(place)
    market.routes["/search"] = reply("<html><title>Results</title><div>Lamp 1</div><div>Lamp 2</div></html>")
    for lot in LOTS:
        market.routes.pop(lot)
    end = place.crawl()
    assert (
        "no listing was found, where crawls before found 8: the layout of its search pages has changed" in end.message
    )


@pytest.mark.parametrize(
    ("reply_", "asked", "said"),
    [
        (lambda: redirect("/robots.txt"), 6, "redirects"),
        (lambda: reply("User-agent: *\nCrawl-delay: 86400\n"), 1, "it asks for 86400 s between two requests"),
        (lambda: reply("slow down", "429 Too Many Requests", [("Retry-After", "7200")]), 1, "HTTP 429"),
    ],
    ids=["more than five redirects", "a pause of a day", "too many requests"],
)
def test_a_robots_txt_that_cannot_be_kept_is_a_refusal(
    place: Place, market: MarketServer, reply_, asked: int, said: str
) -> None:  # RL-22
    market.routes["/robots.txt"] = reply_()
    offer(market)
    place.define(market)
    end = place.crawl()
    assert end.status == 1
    assert "is not crawled (RFC 9309)" in end.message
    assert said in end.message
    assert [one.target for one in market.asked] == ["/robots.txt"] * asked


def test_a_crawl_delay_longer_than_ours_is_kept(place: Place, market: MarketServer) -> None:
    offer(market)
    market.routes["/robots.txt"] = reply("User-agent: *\nCrawl-delay: 0.7\n")
    place.define(market)
    assert place.crawl(max_listings=2).status == 0
    assert min(gaps(market)[1:]) >= 0.65  # from the first request that robots.txt was known for


@pytest.mark.needs_chromium
def test_the_browser_keeps_the_pause_too(place: Place, market: MarketServer) -> None:  # RL-23
    offer(market)
    place.define(market, spider="browser", rate="{delay: 1.0, concurrency: 1}")
    assert place.crawl(max_listings=2, more=SANDBOX).status == 0
    pages = [one.at for one in market.asked if one.target in ("/robots.txt", "/search?q=lamp", *LOTS)]
    assert len(pages) == 4
    assert min((later - sooner).total_seconds() for sooner, later in itertools.pairwise(pages)) >= 0.9


def gaps(market: MarketServer) -> list[float]:
    return [(later.at - sooner.at).total_seconds() for sooner, later in itertools.pairwise(market.asked)]
