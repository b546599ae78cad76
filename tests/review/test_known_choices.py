"""What the filters can be set to is counted once for all who ask at the same moment, and soon anew where few wait."""

from __future__ import annotations

import itertools
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from review import known_choices as room
from storage.queue import Choices
from tests.review.seed import Offer, add_listing

ASKED = 8


class CountedLock:
    """A lock that tells when all have come to take it."""

    def __init__(self):
        self.all_here, self._come, self._lock = threading.Event(), itertools.count(1), threading.Lock()
        self.locked = self._lock.locked

    def __enter__(self):
        if next(self._come) == ASKED:
            self.all_here.set()
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


@pytest.fixture
def times_counted(monkeypatch):
    """`times_counted(entries)`: how often so many are counted where all come to ask while the first counts."""

    def make(entries):
        choices = Choices(*({"strong": entries} if number == 3 else {} for number in range(10)))
        lock, counts = CountedLock(), []
        desk = SimpleNamespace(database=type("Database", (), {})())
        monkeypatch.setitem(room._OF_DATABASES, desk.database, room._Kept(lock=lock))

        def count(session):
            counts.append(session)
            assert lock.all_here.wait(60)
            return choices

        monkeypatch.setattr(room, "queue_choices", count)
        with ThreadPoolExecutor(ASKED) as threads:
            answers = list(threads.map(lambda number: room.known_choices(desk, number), range(ASKED)))
        assert answers == [choices] * ASKED
        return len(counts)

    return make


def test_those_who_ask_before_anything_was_counted_wait_for_one_count(times_counted):
    assert times_counted(50_000) == 1


def test_a_count_of_many_that_stands_no_longer_is_shown_once_more_and_made_anew_after_the_page(
    visit, desk_database, home, monkeypatch
):
    monkeypatch.setattr(room, "MANY", 1)
    monkeypatch.setattr(room, "SECONDS_PER_ENTRY", 0.0)
    markets = re.compile(r'<option value="(m\d)"')
    client = visit("viewer")
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(market="m1"))
    assert markets.findall(client.get("/").text) == ["m1"]
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(market="m2"))
    assert markets.findall(client.get("/").text) == ["m1"]
    assert markets.findall(client.get("/").text) == ["m1", "m2"]
    monkeypatch.setattr(room, "SHOWN_SECONDS", 0.0)
    client.get("/")
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(market="m3"))
    assert markets.findall(client.get("/").text) == ["m1", "m2", "m3"]


def test_a_few_entries_are_counted_at_every_look(times_counted):
    assert times_counted(0) == ASKED
