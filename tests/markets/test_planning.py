"""The planner: it learns what appears where, stays within every rate and interval, and never forgets a search."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import UsageError
from markets.planning import (
    ENDS_LEAD_SECONDS,
    EXPONENT,
    HOUR_SECONDS,
    HOURS,
    MARKET_SHARE,
    PROCESS_SHARE,
    USUAL_RATE,
    Arrivals,
    Target,
    interval_seconds,
    market_prices,
    plan_next,
    require_lawful_interval,
    shape_of_day,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = 86400.0

hourly = st.lists(st.floats(1e-6, 1e4), min_size=HOURS, max_size=HOURS).map(tuple)
moments = st.integers(0, 366 * 24 * 3600).map(lambda seconds: NOON + timedelta(seconds=seconds))
targets = st.builds(
    Target,
    market=st.sampled_from("abc"),
    hourly=hourly,
    cost_seconds=st.floats(0.1, 7200),
    least_seconds=st.floats(1, 3600),
    most_seconds=st.floats(60, 7 * DAY),
)


def target(market: str = "a", hourly: float = 1.0, cost: float = 20.0, **changes: Any) -> Target:
    options = {"least_seconds": 60.0, "most_seconds": DAY} | changes
    return Target(market, (hourly,) * HOURS, cost, **options)


def crawl(arrivals: Arrivals, days: int, every_hours: int, came: Any) -> Arrivals:
    at = arrivals.until or NOON
    for _ in range(days * 24 // every_hours):
        at += every_hours * HOUR
        arrivals = arrivals.learn(at, came(at))
    return arrivals


def test_what_was_there_before_the_first_crawl_is_no_arrival() -> None:
    assert Arrivals().learn(NOON, 5000).hourly() == Arrivals().hourly()


def test_the_rate_of_a_steady_search_is_learned() -> None:
    learned = crawl(Arrivals().learn(NOON, 900), days=20, every_hours=2, came=lambda at: 6)
    assert all(2.8 < rate < 3.05 for rate in learned.hourly())


def test_a_night_in_which_nothing_comes_is_learned() -> None:
    learned = crawl(Arrivals().learn(NOON, 0), days=20, every_hours=1, came=lambda at: 10 if at.hour == 18 else 0)
    rates = learned.hourly()
    assert max(range(HOURS), key=rates.__getitem__) == 17, "the hour before the crawl that met them"
    assert rates[17] > 10 * rates[4]


def test_a_search_that_falls_silent_is_believed_to_have_within_weeks() -> None:
    busy = crawl(Arrivals().learn(NOON, 0), days=30, every_hours=6, came=lambda at: 60)
    silent = crawl(busy, days=60, every_hours=6, came=lambda at: 0)
    assert sum(silent.hourly()) < 0.1 * sum(busy.hourly())


def test_a_crawl_of_before_what_is_known_teaches_nothing() -> None:
    known = Arrivals().learn(NOON, 0).learn(NOON + HOUR, 3)
    assert known.learn(NOON, 50) == known


@given(st.lists(st.tuples(st.floats(0.001, 500), st.integers(0, 10_000)), max_size=12), moments)
def test_rates_stay_positive_whatever_is_met_and_survive_being_kept(
    crawls: list[tuple[float, int]], at: datetime
) -> None:
    arrivals = Arrivals().learn(at, 7)
    for hours, new in crawls:
        at += timedelta(hours=hours)
        arrivals = arrivals.learn(at, new)
    assert all(rate > 0 for rate in arrivals.hourly())
    assert Arrivals.from_json(json.loads(json.dumps(arrivals.as_json()))) == arrivals


@given(targets, st.floats(1e-9, 1e15), moments, st.none() | st.floats(-DAY, 30 * DAY))
def test_no_plan_leaves_the_floor_or_the_ceiling(
    target: Target, price: float, at: datetime, ends_after: float | None
) -> None:
    ends_at = None if ends_after is None else at + timedelta(seconds=ends_after)
    seconds = (plan_next(target, price, at, ends_at).due_at - at).total_seconds()
    assert seconds >= target.cost_seconds - 1e-3, "the crawl's own requests at the market's delay take that long"
    assert seconds >= target.least_seconds - 1e-3
    assert seconds <= max(target.most_seconds, target.cost_seconds, target.least_seconds) + 1e-3


@given(st.lists(targets, max_size=12), st.integers(1, 4))
def test_crawls_planned_at_these_prices_fit_the_rates_and_the_processes(each: list[Target], processes: int) -> None:
    prices = market_prices(each, processes)

    def load(target: Target, price: float) -> float:
        """Over a day, as `interval_seconds` really spaces its crawls, each at the market's own pace."""
        mean = USUAL_RATE**0.5 * sum((rate / USUAL_RATE) ** EXPONENT for rate in target.hourly) / HOURS
        wanted = mean / (2 * price * target.cost_seconds * HOUR_SECONDS) ** 0.5
        return target.cost_seconds * min(max(wanted, 1 / target.ceiling_seconds), 1 / target.floor_seconds)

    least = {market: sum(t.cost_seconds / t.ceiling_seconds for t in each if t.market == market) for market in prices}
    for market, price in prices.items():
        planned = sum(load(t, price) for t in each if t.market == market)
        assert planned <= max(MARKET_SHARE, least[market]) * (1 + 1e-6)
    everything = sum(load(t, prices[t.market]) for t in each)
    assert everything <= max(PROCESS_SHARE * processes, sum(least.values())) * (1 + 1e-6)


def test_a_month_of_crawls_as_they_are_planned_keeps_to_the_share_of_the_market() -> None:
    day = (0.05,) * 8 + (4.0,) * 12 + (1.0,) * 4
    shared = [Target("a", tuple(weight * rate for rate in day), 60.0, 1.0, DAY) for weight in (0.01, 0.3, 1, 20)]
    prices = market_prices(shared, processes=4)
    end, busy = NOON + timedelta(days=30), 0.0
    for one in shared:
        at = NOON
        while at < end:
            at += timedelta(seconds=interval_seconds(one, prices["a"], at))
            busy += one.cost_seconds
    share = busy / (end - NOON).total_seconds()
    assert 0.95 * MARKET_SHARE < share < 1.02 * MARKET_SHARE, "used, and not more"


def test_where_four_times_as_much_appears_is_asked_as_often_as_the_exponent_says() -> None:
    seldom, often = target(hourly=1.0), target(hourly=4.0)
    intervals = [interval_seconds(each, 10.0, NOON) for each in (seldom, often)]
    assert intervals[0] / intervals[1] == pytest.approx(4**EXPONENT, rel=0.01)


def test_a_search_in_which_nothing_appears_is_left_in_peace_though_there_is_time() -> None:
    nothing = target(hourly=0.001, least_seconds=60)
    price = market_prices([nothing], processes=8)["a"]
    assert interval_seconds(nothing, price, NOON) > 2 * HOUR_SECONDS
    assert interval_seconds(target(hourly=400.0, least_seconds=60), price, NOON) == 60


def test_the_night_is_slept_through() -> None:
    day_only = Target("a", (1e-6,) * 8 + (2.0,) * 16, 20.0, 60.0, DAY)
    evening = interval_seconds(day_only, 50.0, NOON.replace(hour=20))
    before_midnight = interval_seconds(day_only, 50.0, NOON.replace(hour=23, minute=59))
    assert evening < 2 * HOUR_SECONDS
    assert before_midnight > 8 * HOUR_SECONDS


def test_a_slow_market_is_dearer_than_the_others_and_does_not_slow_them() -> None:
    slow = [target("slow", hourly=5.0, cost=600.0) for _ in range(6)]
    quick = [target("quick", hourly=5.0)]
    prices = market_prices([*slow, *quick], processes=8)
    assert prices["slow"] > 2 * prices["quick"]
    assert market_prices(quick, processes=8)["quick"] == pytest.approx(prices["quick"])


def test_a_flagged_sale_that_ends_sooner_than_the_plan_pulls_the_crawl_before_its_end() -> None:
    quiet = target(hourly=0.001)
    ends_at = NOON + 5 * HOUR
    plan = plan_next(quiet, 1e9, NOON, ends_at)
    assert plan.due_at == ends_at - timedelta(seconds=ENDS_LEAD_SECONDS)
    assert "2026-03-01 17:00 UTC" in plan.why
    assert plan_next(quiet, 1e9, NOON, NOON + 48 * HOUR) == plan_next(quiet, 1e9, NOON)


@pytest.mark.parametrize(
    ("hourly", "price", "said"),
    [(0.001, 1e9, "the longest interval, 24 h 00 min"), (900.0, 1e-9, "the shortest interval, 60 s")],
)
def test_a_plan_says_why(hourly: float, price: float, said: str) -> None:
    assert said in plan_next(target(hourly=hourly), price, NOON).why


def test_an_interval_that_the_rate_does_not_allow_is_refused_with_one_that_it_does() -> None:
    with pytest.raises(UsageError, match=r"more often than the rate of house allows.*Give 30s or more"):
        require_lawful_interval("house", 1, 3, 10.0)
    require_lawful_interval("house", 30, 3, 10.0)


def test_a_new_search_takes_over_the_day_of_its_market() -> None:
    """Two searches of a market whose listings come between 8 and 16 h; a third was only just begun."""
    known = [Arrivals(until=NOON - timedelta(days=20)) for _ in range(2)]
    for hour in range(20 * HOURS):
        at = NOON - timedelta(days=20) + timedelta(hours=hour + 1)
        new = 3 if 8 <= (at - timedelta(hours=1)).hour < 16 else 0
        known = [one.learn(at, new) for one in known]
    begun = Arrivals(until=NOON)
    day = shape_of_day([*known, begun])
    assert sum(day) / HOURS == pytest.approx(1, abs=0.05)
    rates = begun.hourly(day)
    assert rates[11] > 5 * rates[2], "its market's day"
    assert sum(rates) == pytest.approx(sum(begun.hourly()), rel=0.05), "and its own number of listings"
    assert shape_of_day([begun]) == (1.0,) * HOURS
