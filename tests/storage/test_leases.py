"""One process a market, and a pause that outlives the process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.leases import (
    MarketBusy,
    load_not_before,
    process_holder,
    release_market,
    reserve_request,
    save_not_before,
    take_market,
)
from tests.storage.test_jobs import dead_holder

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE, ELSEWHERE = process_holder(), "another-machine:1:x"


def test_a_market_has_one_holder_at_a_time(database: Database) -> None:
    take_market(database, "one", ELSEWHERE)
    with pytest.raises(MarketBusy, match="Market one is being crawled by another process"):
        take_market(database, "one", HERE)
    take_market(database, "one", ELSEWHERE)
    take_market(database, "two", HERE)


def test_a_market_is_free_once_released_and_only_its_holder_can_release_it(database: Database) -> None:
    take_market(database, "one", ELSEWHERE)
    release_market(database, "one", HERE)
    with pytest.raises(MarketBusy):
        take_market(database, "one", HERE)
    release_market(database, "one", ELSEWHERE)
    take_market(database, "one", HERE)


def test_a_market_is_free_once_the_lease_ran_out_or_its_holder_died(database: Database) -> None:
    take_market(database, "one", ELSEWHERE, seconds=0)
    take_market(database, "one", dead_holder(), seconds=3600)
    take_market(database, "one", HERE)


def test_requests_reserved_by_several_processes_keep_the_delay(database_url: str) -> None:
    # RL-23
    together = threading.Barrier(5)

    def reserve() -> list[datetime]:
        own = Database(database_url)
        together.wait()
        times = [reserve_request(own, "one", 10.0, NOON) for _ in range(4)]
        own.dispose()
        return times

    with ThreadPoolExecutor(5) as pool:
        times = sorted(t for future in [pool.submit(reserve) for _ in range(5)] for t in future.result())
    assert times == [NOON + timedelta(seconds=10 * number) for number in range(20)]


def test_a_pause_that_has_passed_costs_nothing(database: Database) -> None:
    reserve_request(database, "one", 10.0, NOON)
    assert reserve_request(database, "one", 10.0, NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)


def test_what_would_have_to_wait_too_long_reserves_nothing(database: Database) -> None:
    save_not_before(database, "one", NOON + timedelta(hours=1))
    for _ in range(2):
        assert reserve_request(database, "one", 10.0, NOON, most_seconds=60) == NOON + timedelta(hours=1)


def test_the_time_saved_moves_only_on(database: Database) -> None:
    assert load_not_before(database, "one") is None
    save_not_before(database, "one", NOON)
    save_not_before(database, "one", NOON - timedelta(seconds=5))
    assert load_not_before(database, "one") == NOON
    release_market(database, "one", HERE)
    assert load_not_before(database, "one") == NOON
