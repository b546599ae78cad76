"""A crawl that is killed, stopped or robbed of its job goes on where it was, and ends as an undisturbed one would."""

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapy import Request
from sqlalchemy import select

from evidence.segments import find_members, label_to_hex, read_bytes, read_members
from storage.frontier import callback_kind
from storage.jobs import claim_job
from storage.tables import Capture, Crawl, FrontierEntry, Job, Listing, Observation, Segment
from tests.conftest import eventually
from tests.crawling import Place, ended
from tests.market_server import Asked, MarketServer, lot_page, reply, results_page, serving

LOTS = 12


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Place]:
    """A place on each kind of database in turn: what holds a crawl together must hold on both."""
    root = tmp_path / "home"
    if database_url.startswith("sqlite"):
        made = Place(root, Path(database_url.removeprefix("sqlite:///")))
    else:
        made = Place(root, database_url=database_url)
    yield made
    made.close()


@pytest.fixture
def market() -> Iterator[MarketServer]:
    with serving() as server:
        for page in range(1, 4):
            lots = [f"/sale/{page}/lot/{n}" for n in range(1, 5)]
            more = f"/search?q=lamp&page={page + 1}" if page < 3 else None
            server.routes[f"/search?q=lamp&page={page}" if page > 1 else "/search?q=lamp"] = reply(
                results_page(lots, more)
            )
            for n, lot in enumerate(lots, 1):
                server.routes[lot] = reply(lot_page(f"Lamp {page}-{n}", price=f"{page}{n}.00"))
        yield server


def found(place: Place) -> list[tuple]:
    """What is known in the end: listings with what was observed of them, in no order."""
    statement = select(Listing.native_id, Listing.state, Observation.title, Observation.price).join(
        Observation, Observation.listing_id == Listing.id
    )
    return sorted(tuple(row) for row in place.rows(statement))


def assert_whole_and_single(place: Place) -> None:
    """Each listing once, the crawl complete, every capture readable and matching its digest."""
    expected = sorted(
        (f"{page}/{n}", "live", f"Lamp {page}-{n}", float(f"{page}{n}")) for page in (1, 2, 3) for n in range(1, 5)
    )
    assert [(a, b, c, float(d)) for a, b, c, d in found(place)] == expected
    assert place.rows(select(Crawl.state)) == ["complete"]
    assert place.rows(select(Job.state).where(Job.kind == "crawl")) == ["done"]
    assert set(place.rows(select(FrontierEntry.state))) == {"done"}
    for capture, segment in place.rows(
        select(Capture, Segment).join(Segment, Segment.id == Capture.segment_id).where(Capture.kind == "exchange")
    ):
        data = read_bytes(place.home.transit / segment.name, capture.offset, capture.length)
        response, request = read_members(data)
        assert label_to_hex(response.headers["warc-payload-digest"]) == capture.sha256
        assert response.headers["warc-target-uri"] == request.headers["warc-target-uri"] == capture.url
    for path in place.segments():
        last = list(find_members(path))[-1]
        assert last.offset + last.length == path.stat().st_size


@pytest.mark.parametrize("after", [2, 15])
def test_a_crawl_killed_at_a_request_goes_on_and_asks_only_for_what_was_not_kept(
    place: Place, market: MarketServer, after: int
) -> None:  # RL-1, RL-2
    place.define(market)
    process = place.start(*place.crawl_arguments())
    kept: set[str] = set()

    def kill(asked: Asked) -> None:
        if len(market.asked) == after:
            process.kill()
            process.wait()
            kept.update(place.rows(select(FrontierEntry.url).where(FrontierEntry.state == "done")))

    market.before_answering = kill
    assert ended(process).status == -signal.SIGKILL
    market.before_answering = None
    before = len(market.asked)
    end = place.crawl()
    assert end.status == 0, end
    assert_whole_and_single(place)
    asked_again = {market.url(one.target) for one in market.asked[before:]}
    assert kept.isdisjoint(asked_again)


def test_after_a_kill_only_pages_of_the_last_second_are_asked_for_again(place: Place, market: MarketServer) -> None:
    """A group commit keeps what is older than a second, so of a slow crawl only what was in flight is repeated."""
    place.define(market)
    process = place.start(*place.crawl_arguments())

    def wait_for_commit_then_kill(asked: Asked) -> None:
        if asked.target.startswith("/sale") and len(market.targets()) == 8:
            # Everything answered so far is on its way to a commit; this page alone is in flight.
            answered = {market.url(target) for target in market.targets()[:-1]}
            eventually(
                lambda: answered <= set(place.rows(select(FrontierEntry.url).where(FrontierEntry.state == "done")))
            )
            process.kill()
            process.wait()

    market.before_answering = wait_for_commit_then_kill
    assert ended(process).status == -signal.SIGKILL
    market.before_answering = None
    assert place.crawl().status == 0
    assert_whole_and_single(place)
    twice = [target for target, count in Counter(market.targets()).items() if count > 1]
    assert twice == [market.targets()[7]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_crawl_that_is_asked_to_stop_ends_soon_and_goes_on_later(
    place: Place, market: MarketServer, number: signal.Signals
) -> None:  # RL-33
    place.define(market)
    process = place.start(*place.crawl_arguments())
    asked_at: list[float] = []

    def stop(asked: Asked) -> None:
        if len(market.asked) == 6:
            asked_at.append(time.monotonic())
            process.send_signal(number)

    market.before_answering = stop
    end = ended(process)
    assert time.monotonic() - asked_at[0] < 30
    market.before_answering = None
    assert end.status != 0
    assert "Traceback" not in end.err
    assert "it goes on where it was" in end.message
    assert place.rows(select(Crawl.state)) == ["stopped"]
    assert place.rows(select(Job.state)) == ["queued"]
    kept = set(place.rows(select(FrontierEntry.url).where(FrontierEntry.state == "done")))
    before = len(market.asked)
    assert place.crawl().status == 0
    assert_whole_and_single(place)
    assert kept.isdisjoint({market.url(one.target) for one in market.asked[before:]})


def test_a_process_that_lost_its_job_stores_nothing_more(place: Place, market: MarketServer) -> None:  # RL-27
    place.define(market)
    process = place.start(*place.crawl_arguments())
    held = threading.Event()

    def rob(asked: Asked) -> None:
        if len(market.asked) == 6 and not held.is_set():
            held.set()
            os.kill(process.pid, signal.SIGSTOP)
            with place.database.transaction() as session:
                job = session.scalars(select(Job)).one()
                job.lease_holder = None
            assert claim_job(place.database, "another:1:-", job_id=1) is not None
            os.kill(process.pid, signal.SIGCONT)

    market.before_answering = rob
    end = ended(process)
    market.before_answering = None
    assert end.status != 0
    assert "Traceback" not in end.err
    stored = place.rows(select(FrontierEntry.url).where(FrontierEntry.state == "done"))
    (job,) = place.rows(select(Job))
    assert (job.state, job.lease_holder) == ("running", "another:1:-")
    # What it had committed before it was robbed stands; nothing that it saw afterwards does.
    assert len(stored) <= 5
    assert len(found(place)) <= 4
    with place.database.transaction() as session:
        session.scalars(select(Job)).one().lease_holder = None  # the other process ends too
    assert place.crawl().status == 0
    assert_whole_and_single(place)


def test_two_crawls_of_one_market_do_not_run_at_once(place: Place, market: MarketServer) -> None:  # RL-26
    place.define(market)
    process = place.start(*place.crawl_arguments())
    others: list = []

    def also_start(asked: Asked) -> None:
        if len(market.asked) == 3 and not others:
            others.append(None)
            others[:] = [place.crawl("lamp"), place.crawl("marble")]

    market.before_answering = also_start
    assert ended(process).status == 0
    job = place.rows(select(Job.id).where(Job.kind == "crawl"))
    assert len(job) == 1, "a crawl that was refused is not made later, when nobody waits for it"
    for other in others:
        assert other.status == 1
        assert re.search(
            rf"is being crawled by another process \(job {job[0]}, held by [^)]+:\d+:[^)]+\): wait for it to end, or "
            r"stop it\. Where that process runs no more, the crawl is free from \d\d:\d\d:\d\d UTC on\.",
            other.message,
        )
    assert_whole_and_single(place)


def test_a_callback_is_kept_by_its_kind() -> None:
    def parse_listing() -> None: ...

    def other() -> None: ...

    assert callback_kind(Request("http://a.example/", callback=parse_listing)) == "listing"
    with pytest.raises(ValueError, match="parse_<kind>"):
        callback_kind(Request("http://a.example/", callback=other))
