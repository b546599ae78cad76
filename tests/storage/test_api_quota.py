from datetime import UTC, datetime

import pytest

from storage.api_quota import QuotaSpent, calls_made, next_day, take_call
from storage.database import Database

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_calls_are_counted_until_the_day_is_spent_and_begin_anew_with_the_next(database: Database) -> None:
    assert [take_call(database, "ebay", 3, NOON) for _ in range(3)] == [2, 1, 0]
    with pytest.raises(
        QuotaSpent, match=r"all 3 calls of today are spent \(ebay\): it is asked again from 2026-11-21 08:00 UTC"
    ):
        take_call(database, "ebay", 3, NOON)
    assert calls_made(database, "ebay", NOON) == 3
    assert take_call(database, "etsy", 3, NOON) == 2  # a count of its own
    assert take_call(database, "ebay", 3, datetime(2026, 11, 21, 8, tzinfo=UTC)) == 2


def test_the_day_is_the_one_of_the_api_in_summer_too() -> None:
    assert next_day(datetime(2026, 7, 1, 6, 59, tzinfo=UTC)) == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_a_smaller_quota_than_was_spent_lets_nothing_pass(database: Database) -> None:
    for _ in range(3):
        take_call(database, "ebay", 5, NOON)
    with pytest.raises(QuotaSpent):
        take_call(database, "ebay", 2, NOON)
