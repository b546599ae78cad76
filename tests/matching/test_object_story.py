"""The story of an object: only what follows from dates, markets, states and prices, the oldest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from matching.object_story import Offering, in_english, story_of

AT = datetime(2026, 3, 12, tzinfo=UTC)


def offering(id, day, *, market="one", state="live", until=None, price=None, currency="EUR") -> Offering:
    last = AT + timedelta(days=day + 1 if until is None else until)
    return Offering(id, market, "S", state, AT + timedelta(days=day), last, price and Decimal(price), currency)


def told(*offerings) -> list[tuple[str, int]]:
    return [(fact.told, fact.listing_id) for fact in story_of(offerings)]


def test_one_offering_has_no_story() -> None:
    assert told(offering(1, 0)) == []


@pytest.mark.parametrize("state", ["gone", "ended", "sold"])
def test_what_had_gone_is_relisted_and_what_was_still_there_is_not(state: str) -> None:
    says = {"gone": "relisted_removed", "ended": "relisted_ended", "sold": "relisted_sold"}[state]
    assert told(offering(2, 10), offering(1, 0, state=state)) == [("seen_before", 2), (says, 2)]
    assert told(offering(1, 0, state=state, until=20), offering(2, 10)) == [("seen_before", 2)]


def test_prices_are_compared_in_one_currency_only() -> None:
    assert ("price_fell", 2) in told(offering(1, 0, price=900), offering(2, 10, price=600))
    assert ("price_rose", 2) in told(offering(1, 0, price=600), offering(2, 10, price=900))
    assert told(offering(1, 0, price=900), offering(2, 10, price=600, currency="USD")) == [("seen_before", 2)]


def test_each_fact_is_said_with_its_dates() -> None:
    story = story_of([offering(1, 0, state="gone", price=900), offering(2, 30, market="two", price=600)])
    assert [in_english(fact) for fact in story] == [
        "seen before on one (listing 1), first on 2026-03-12",
        "moved to another market: from one to two, first seen there on 2026-04-11",
        "relisted on 2026-04-11 after removal; last seen before on 2026-03-13",
        "price fell from 900 to 600 EUR",
    ]
