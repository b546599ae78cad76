"""`relicwatch run` as a whole: what signals do to it while a crawl is under way, and where it listens."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from storage.tables import Crawl, Job, Observation
from tests.conftest import eventually
from tests.crawling import MARKET, Place, ended
from tests.market_server import Asked, MarketServer, lot_page, reply, results_page, serving
from tests.processes import LOOPBACK, below, listening_addresses, running

LOTS = [f"/sale/1/lot/{number}" for number in (1, 2, 3)]


class HeldMarket:
    """Three lots, of which the second is not answered until the test says so."""

    def __init__(self, server: MarketServer) -> None:
        self.server = server
        self.asked = threading.Event()
        self.release = threading.Event()
        server.routes["/search"] = reply(results_page(LOTS))
        for lot in LOTS:
            server.routes[lot] = reply(lot_page(f"Garden chair {lot[-1]}"))
        server.before_answering = self._hold

    def _hold(self, asked: Asked) -> None:
        if asked.target == LOTS[1]:
            self.asked.set()
            self.release.wait(120)


@pytest.fixture
def held() -> Iterator[HeldMarket]:
    with serving() as server:
        market = HeldMarket(server)
        yield market
        market.release.set()


@pytest.fixture
def service(place: Place, held: HeldMarket) -> Iterator[subprocess.Popen[str]]:
    """The service, crawling, with a request under way that gets no answer yet."""
    place.define(held.server)
    added = place.run("watch", "add", "w", "--market", MARKET, "--query", "chair", "--every", "30d")
    assert added.status == 0, added
    started = place.start("run", "--port", "0")
    try:
        assert held.asked.wait(120), place.log()
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.communicate()


def job_states(place: Place) -> list[tuple[str, int, str | None]]:
    return [(job.state, job.attempts, job.lease_holder) for job in place.rows(select(Job).where(Job.kind == "crawl"))]


def test_one_signal_ends_it_in_time_and_the_crawl_is_gone_on_with(
    place: Place, held: HeldMarket, service: subprocess.Popen[str]
) -> None:
    # RL-33
    processes = below(service.pid)
    assert processes
    began = time.monotonic()
    service.send_signal(signal.SIGTERM)
    eventually(lambda: "SIGTERM" in place.log())  # the crawl has been told; now its last request may come in
    held.release.set()
    end = ended(service, 60)
    assert time.monotonic() - began < 30
    assert end.status == 0, end
    assert running(processes) == []
    assert job_states(place) == [("queued", 0, None)]
    assert place.rows(select(Crawl.state)) == ["stopped"]
    before = held.server.targets()
    again = place.start("run", "--port", "0")
    try:
        eventually(lambda: [state for state, _, _ in job_states(place)] == ["done"], 120)
    finally:
        again.send_signal(signal.SIGTERM)
        assert ended(again, 60).status == 0
    assert place.rows(select(Crawl.state)) == ["complete"]
    assert sorted(place.rows(select(Observation.title))) == ["Garden chair 1", "Garden chair 2", "Garden chair 3"]
    assert "/search?q=chair" not in held.server.targets()[len(before) :]


def test_two_signals_end_it_at_once_and_the_job_is_queued_again(
    place: Place, held: HeldMarket, service: subprocess.Popen[str]
) -> None:
    # RL-33: the request under way is never answered, so the crawl by itself would take until its time limit
    processes = below(service.pid)
    service.send_signal(signal.SIGTERM)
    eventually(lambda: "SIGTERM" in place.log())
    assert running(processes)
    began = time.monotonic()
    service.send_signal(signal.SIGTERM)
    end = ended(service, 60)
    assert time.monotonic() - began < 15  # far from the 25 s of grace
    assert end.status == 0, end
    assert running(processes) == []
    assert job_states(place) == [("queued", 0, None)]


def test_a_search_saved_by_another_process_is_crawled_within_seconds(place: Place, held: HeldMarket) -> None:
    held.release.set()
    place.define(held.server)
    service = place.start("run", "--port", "0")
    try:
        assert service.stdout is not None
        assert service.stdout.readline().startswith("review desk at ")
        added = place.run("watch", "add", "w", "--market", MARKET, "--query", "chair", "--every", "30d")
        assert added.status == 0, added
        eventually(lambda: job_states(place), 30)  # the feed comes every two seconds; machines are busy
        eventually(lambda: [state for state, _, _ in job_states(place)] == ["done"], 120)
    finally:
        service.send_signal(signal.SIGTERM)
        end = ended(service, 60)
    assert end.status == 0, end
    assert place.rows(select(Crawl.state)) == ["complete"]
    assert sorted(place.rows(select(Observation.title))) == ["Garden chair 1", "Garden chair 2", "Garden chair 3"]


def test_it_listens_on_loopback_only(place: Place, held: HeldMarket, service: subprocess.Popen[str]) -> None:
    # SEC-6: the desk, and nothing of the crawl's (Scrapy's telnet and remote control are off)
    assert service.stdout is not None
    line = service.stdout.readline()
    assert re.match(r"review desk at http://127\.0\.0\.1:\d+ ", line), line
    addresses = listening_addresses(service.pid)
    assert addresses and addresses <= set(LOOPBACK), addresses
