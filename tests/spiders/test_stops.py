"""Markets that lead a crawler on without end: the run ends, the real listings are found, each cut says why."""

import itertools
import subprocess
import threading

import pytest
from sqlalchemy import select, update

from storage.tables import Crawl, FrontierEntry, Listing
from tests.crawling import Ended, Place
from tests.market_server import Asked, MarketServer, Reply, lot_page, redirect, reply, results_page

LOTS = [f"/sale/1/lot/{n}" for n in range(1, 4)]


def done(end: Ended) -> Ended:
    assert end.status == 0, end
    return end


def found(place: Place) -> set[str]:
    return set(place.rows(select(Listing.native_id)))


def reasons(place: Place) -> list[str]:
    (problems,) = place.rows(select(Crawl.problems))
    return [problem["reason"] for problem in problems]


@pytest.fixture
def lots(market: MarketServer) -> None:
    for lot in LOTS:
        market.routes[lot] = reply(lot_page(f"Lamp {lot}"))


def search(market: MarketServer, place: Place, **changes: str) -> None:
    url = f"{market.url('/search')}?q={{query}}"
    walk = f'{{url: "{url}", listings: "a.lot", next: "a[rel=next]", max_pages: 50}}'
    place.define(market, **{"search": walk, **changes})


@pytest.mark.usefixtures("lots")
@pytest.mark.parametrize("trap", ["calendar", "facets", "session", "pages"])
def test_pages_that_show_nothing_new_end_the_walk(place: Place, market: MarketServer, trap: str) -> None:  # RL-17
    number = itertools.count(2)

    def answer(asked: Asked) -> Reply:
        n = next(number)
        after = {
            "calendar": f"/search?q=lamp&month={2026 + n // 12}-{n % 12 + 1:02}",
            "facets": f"/search?q=lamp&colour={n % 5}&size={n}",
            "session": f"/search?q=lamp&s={n * 7919:08x}",
            "pages": f"/search?q=lamp&page={n}",
        }[trap]
        return reply(results_page(LOTS, after))

    market.routes["/search"] = answer
    search(market, place)
    done(place.crawl())
    assert found(place) == {"1/1", "1/2", "1/3"}
    assert reasons(place) == ["3 search pages in a row showed no listing that was new: the rest is not asked for"]
    assert len([target for target in market.targets() if target.startswith("/search")]) == 4


@pytest.mark.usefixtures("lots")
def test_known_session_parameters_make_no_second_page(place: Place, market: MarketServer) -> None:  # RL-17, RL-28
    number = itertools.count()
    market.routes["/search"] = lambda asked: reply(results_page(LOTS, f"/search?q=lamp&PHPSESSID={next(number):032x}"))
    search(market, place)
    done(place.crawl())
    assert found(place) == {"1/1", "1/2", "1/3"}
    assert [target for target in market.targets() if target.startswith("/search")] == ["/search?q=lamp"]


@pytest.mark.usefixtures("lots")
def test_a_lot_linked_in_many_ways_is_asked_for_once(place: Place, market: MarketServer) -> None:  # RL-28
    ways = ["", "?utm_source=a", "?fbclid=b", "/", "#photo", ";jsessionid=AB12"]
    market.routes["/search"] = lambda asked: reply(
        results_page([LOTS[0] + way for way in ways])
        if "next" not in asked.target
        else results_page([LOTS[0] + ways[2], LOTS[1]])
    )
    search(market, place)
    done(place.crawl("lamp", "next"))
    assert sorted(target for target in market.targets() if target.startswith("/sale")) == LOTS[:2]
    assert found(place) == {"1/1", "1/2"}


@pytest.mark.usefixtures("lots")
def test_a_next_page_that_goes_deeper_into_itself_or_swells_is_not_asked_for(
    place: Place, market: MarketServer
) -> None:  # RL-17
    market.routes["/search"] = reply(results_page(LOTS[:2], "/search/more/search/more/?q=lamp"))
    long = "/search?q=urn&" + "&".join(f"filter{n}=on" for n in range(40))
    market.routes["/search?q=urn"] = reply(results_page([LOTS[2], "/x/y/x/y/sale/1/lot/9"], long))
    search(market, place)
    done(place.crawl("lamp", "urn"))
    assert found(place) == {"1/1", "1/2", "1/3"}
    told = " ".join(reasons(place))
    assert "repeats /search/more/" in told
    assert "has 41 parameters" in told
    assert "repeats /x/y/" in told
    assert not any("/x/y/" in target or "more" in target for target in market.targets())


def test_redirects_that_loop_or_grow_and_pages_that_send_one_on(place: Place, market: MarketServer) -> None:  # RL-16
    names = [f"/sale/2/lot/{n}" for n in range(1, 6)]
    market.routes["/search"] = reply(results_page([*names, LOTS[0]]))
    market.routes[LOTS[0]] = reply(lot_page("Lamp"))
    market.routes[names[0]] = redirect(names[0])
    market.routes[names[1]] = lambda asked: redirect(f"{asked.target}{'&' if '?' in asked.target else '?'}r=1")
    meta = f'<html><head><meta http-equiv="refresh" content="0;url={names[3]}"><title>Moved</title></head></html>'
    market.routes[names[2]] = reply(meta)
    market.routes[names[3]] = reply(meta.replace(names[3], names[2]))
    market.routes[names[4]] = reply(f"<title>Moved</title><script>location.href = '{names[4]}?again'</script>")
    search(market, place)
    done(place.crawl())
    assert found(place) == {"1/1"}
    told = reasons(place)
    assert len(told) == 5
    assert sum("redirects led on and on" in reason for reason in told) == 2
    assert sum("it only sends its reader on to" in reason for reason in told) == 3
    assert len(market.targets()) < 40


def test_a_crawl_past_its_time_ends_and_names_what_it_left_out(place: Place, market: MarketServer) -> None:  # RL-17
    market.routes["/search"] = reply(results_page(LOTS))
    search(market, place)
    end = place.scrapy("-a", "query=lamp", "-s", "RELICWATCH_LONGEST_CRAWL_SECONDS=0")
    assert end.status == 0, end.err
    assert place.rows(select(FrontierEntry.kind, FrontierEntry.state)) == [("search", "failed")]
    assert reasons(place) == ["the crawl reached its limit of 0 s: 1 known pages were not asked for"]
    assert market.targets() == []


def test_a_crawl_that_goes_on_after_a_kill_has_the_time_it_had_left_and_no_more(
    place: Place, market: MarketServer, lots: None
) -> None:  # RL-17
    market.routes["/search"] = reply(results_page(LOTS))
    search(market, place)
    market.routes[LOTS[-1]] = Reply(b"", then="hang")
    process = place.start(*place.crawl_arguments("lamp"))
    killed_once_a_listing_is_kept(place, process)
    (counts,) = place.rows(select(Crawl.counts))
    assert 0 < counts["worked_seconds"] < 120
    with place.database.transaction() as session:
        session.execute(update(Crawl).values(counts={**counts, "worked_seconds": 13 * 3600.0}))
    asked_before = len(market.targets())
    done(place.crawl("lamp"))
    assert reasons(place)[-1] == "the crawl reached its limit of 43200 s: 1 known pages were not asked for"
    assert len(market.targets()) == asked_before


def killed_once_a_listing_is_kept(place: Place, process: subprocess.Popen[str]) -> None:
    """Until a listing was committed; then the process is killed, whatever it was about to do."""
    for _ in range(600):
        if place.rows(select(Listing.id)) or process.poll() is not None:
            break
        threading.Event().wait(0.05)
    process.kill()
    process.communicate()
