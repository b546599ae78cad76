"""How long a listing waits for us: a simulated month of 40 markets, planned as `markets.planning` plans real ones.

Four ways of asking meet the same listings, with the same requests a second at each market and the same number of
processes: the planner, which has to learn; intervals all alike, as long as the budget makes them; and the best of
several schedules that know the true rate of every search at every hour. What is drawn stands in `HEADER`.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from markets.planning import (
    ENDS_LEAD_SECONDS,
    EXPONENT,
    HOUR_SECONDS,
    HOURS,
    MARKET_SHARE,
    PROCESS_SHARE,
    START_SECONDS,
    Arrivals,
    Target,
    interval_seconds,
    market_prices,
    plan_next,
    shape_of_day,
)

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = 86400.0
LEAST_SECONDS = 300.0
MOST_SECONDS = DAY
TO_REACH = 1.2
EXPONENTS = (0.5, 0.65, 0.8, 1.0)
"""Schedules that know the rates ask at intervals that go with rate^-x; x = 1/2 has the least mean, more favours the
busiest searches and with them the median."""
HEADER = """Time to hit, simulated: {markets} markets, {days} days; seed {seed}
  {searches} searches, {listings} listings, {hits} of them hits.
  Listings: three markets in five sell one by one (a day: log-normal, median 12, sigma 1.1); two in five are auction
  houses with whole sales at once (one in 4 days on average, 30 to 120 lots, between 8 and 17 h local) and 2 a day
  beside. A day has a night: singles come at 1 + 0.85 cos around 20 h local; zones UTC-6 to +8. 2 to 6 searches a market
  share its listings (log-normal weights, sigma 1.2). 5 to 40 % of a market's listings are hits.
  Ends: 30 % of single offers are sold after 12 h on average, others after 8 days; lots of a sale after 7 to 21 days.
  Rates: 10 to 30 s (most 10 s) between requests, {market_share:.0%} of a market's time planned for. A crawl asks for
  one search page, one more for each 24 new listings, and each new listing's page; it takes {start:g} s to start.
  {processes} processes, {process_share:.0%} of their time planned for. A search is asked again after {least:g} s at the
  soonest and once a day at the least. A hit counts from when its page was read; those never met count as never."""


@dataclass(slots=True)
class Offer:
    appears: float
    ends: float
    hit: bool


@dataclass(slots=True)
class Search:
    market: int
    delay: float
    rates: tuple[float, ...]
    """True listings an hour, by hour of the day (UTC)."""
    offers: list[Offer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    median_seconds: float
    before_end: float
    """Share of the hits found while the sale was on."""
    mean_seconds: float
    crawls: int
    requests: int


def make_world(markets: int, days: int, seed: int) -> list[Search]:
    draw = random.Random(seed)
    return [search for number in range(markets) for search in _make_market(draw, number, days)]


def _make_market(draw: random.Random, number: int, days: int) -> list[Search]:
    house = number % 5 >= 3
    delay = draw.choice([10.0, 10.0, 10.0, 15.0, 20.0, 30.0])
    zone = draw.choice([-6, -5, 0, 1, 1, 2, 3, 8])
    weights = [draw.lognormvariate(0, 1.2) for _ in range(draw.randint(2, 6))]
    hit_share = draw.uniform(0.05, 0.4)
    singles = 2.0 if house else draw.lognormvariate(math.log(12), 1.1)
    shape = [1 + 0.85 * math.cos(2 * math.pi * (hour + zone - 20) / HOURS) for hour in range(HOURS)]
    sale_hours = {(hour - zone) % HOURS for hour in range(8, 17)}
    lots_an_hour = 75 / 4 / len(sale_hours) if house else 0.0
    searches = [
        Search(
            number,
            delay,
            tuple(
                weight / sum(weights) * (singles * shape[hour] / HOURS + lots_an_hour * (hour in sale_hours))
                for hour in range(HOURS)
            ),
        )
        for weight in weights
    ]

    def offer(appears: float, ends: float) -> None:
        draw.choices(searches, weights)[0].offers.append(Offer(appears, ends, draw.random() < hit_share))

    for hour in range(days * HOURS):
        for _ in range(_poisson(draw, singles * shape[hour % HOURS] / HOURS)):
            appears = (hour + draw.random()) * HOUR_SECONDS
            mean = 0.5 if draw.random() < 0.3 else 8.0
            offer(appears, appears + DAY * draw.expovariate(1 / mean))
        if house and hour % HOURS in sale_hours and draw.random() < 1 / 4 / len(sale_hours):
            appears = (hour + draw.random()) * HOUR_SECONDS
            ends = appears + DAY * draw.uniform(7, 21)
            for lot in range(draw.randint(30, 120)):
                offer(appears, ends + 60.0 * lot)
    for search in searches:
        search.offers.sort(key=lambda each: each.appears)
    return searches


def _poisson(draw: random.Random, mean: float) -> int:
    left, count = math.exp(-mean), 0
    product = draw.random()
    while product > left:
        count, product = count + 1, product * draw.random()
    return count


class Planner:
    """What the scheduler does: learn from each crawl, and plan with prices made anew once an hour."""

    def __init__(self, searches: list[Search], processes: int) -> None:
        self._searches = searches
        self._processes = processes
        self._arrivals = [Arrivals() for _ in searches]
        self._priced_until = -1.0
        self._prices: dict[str, float] = {}
        self._days: dict[int, tuple[float, ...]] = {}

    def target(self, index: int) -> Target:
        search = self._searches[index]
        return _target(search, self._arrivals[index].hourly(self._days.get(search.market)))

    def next_due(self, index: int, start: float, new: int, ends: float | None) -> float:
        at = BEGIN + timedelta(seconds=start)
        self._arrivals[index] = self._arrivals[index].learn(at, new)
        if start > self._priced_until:
            by_market: dict[int, list[Arrivals]] = {}
            for search, arrivals in zip(self._searches, self._arrivals, strict=True):
                by_market.setdefault(search.market, []).append(arrivals)
            self._days = {market: shape_of_day(own) for market, own in by_market.items()}
            targets = [self.target(each) for each in range(len(self._searches))]
            self._prices = market_prices(targets, self._processes)
            self._priced_until = start + HOUR_SECONDS
        target = self.target(index)
        ends_at = BEGIN + timedelta(seconds=ends) if ends is not None else None
        plan = plan_next(target, self._prices[target.market], at, ends_at)
        return (plan.due_at - BEGIN).total_seconds()


class Knowing:
    """A schedule that knows the true rates, and asks at intervals that go with rate^-exponent."""

    def __init__(self, searches: list[Search], processes: int, exponent: float) -> None:
        pages = sum(_target(search, search.rates).listings_share for search in searches)
        self._targets = [
            # The pages of new listings take what they take, however the rates are bent: they are counted above.
            replace(_target(search, tuple(rate ** (exponent / EXPONENT) for rate in search.rates)), delay_seconds=0.0)
            for search in searches
        ]
        # Rates that are bent have a price of another unit, so none is too low.
        self._prices = market_prices(self._targets, processes - pages / PROCESS_SHARE, least_price=1e-12)

    def next_due(self, index: int, start: float, new: int, ends: float | None) -> float:
        target = self._targets[index]
        at = BEGIN + timedelta(seconds=start)
        due = start + interval_seconds(target, self._prices[target.market], at)
        if ends is not None and start + target.floor_seconds <= ends - ENDS_LEAD_SECONDS < due:
            return ends - ENDS_LEAD_SECONDS
        return due


class Alike:
    """Every search at the same interval: the shortest that the processes and each market's share allow."""

    def __init__(self, searches: list[Search], processes: int) -> None:
        targets = [_target(search, search.rates) for search in searches]
        free = PROCESS_SHARE * processes - sum(target.listings_share for target in targets)
        interval = sum(target.cost_seconds for target in targets) / free
        by_market: dict[str, float] = {}
        for target in targets:
            by_market[target.market] = by_market.get(target.market, 0.0) + target.cost_seconds
        self._intervals = [
            max(interval, by_market[target.market] / MARKET_SHARE, target.floor_seconds) for target in targets
        ]

    def next_due(self, index: int, start: float, new: int, ends: float | None) -> float:
        return start + self._intervals[index]


def _target(search: Search, rates: tuple[float, ...]) -> Target:
    cost = START_SECONDS + search.delay
    return Target(str(search.market), rates, cost, LEAST_SECONDS, MOST_SECONDS, search.delay)


def simulate(searches: list[Search], next_due: Callable[..., float], processes: int, days: int) -> Outcome:
    """Crawl as the scheduler does: the longest due first, one crawl a market at a time, so many processes."""
    waits: list[float] = []
    crawls = requests = hits = 0
    market_free: dict[int, float] = {}
    slots = [0.0] * processes
    seen = [0] * len(searches)
    ends: list[list[float]] = [[] for _ in searches]
    due = [(random.Random(index).uniform(0, HOUR_SECONDS), index) for index in range(len(searches))]
    heapq.heapify(due)
    while due[0][0] < days * DAY + MOST_SECONDS:
        moment, index = heapq.heappop(due)
        search = searches[index]
        if market_free.get(search.market, 0.0) > moment:
            heapq.heappush(due, (market_free[search.market], index))
            continue
        if slots[0] > moment:
            heapq.heappush(due, (slots[0], index))
            continue
        start = moment
        offers, first = search.offers, seen[index]
        last = first
        while last < len(offers) and offers[last].appears <= start:
            last += 1
        seen[index] = last
        new = [offer for offer in offers[first:last] if offer.ends > start]
        pages = 1 + len(new) // 24
        read_at = start + START_SECONDS + pages * search.delay
        for offer in new:
            read_at += search.delay
            if offer.hit and offer.ends > read_at:
                waits.append(read_at - offer.appears)
                heapq.heappush(ends[index], offer.ends)
        crawls += 1
        requests += pages + len(new)
        heapq.heapreplace(slots, read_at)
        market_free[search.market] = read_at
        while ends[index] and ends[index][0] - ENDS_LEAD_SECONDS < start + LEAST_SECONDS:
            heapq.heappop(ends[index])
        planned = next_due(index, start, len(new), ends[index][0] if ends[index] else None)
        heapq.heappush(due, (max(planned, read_at), index))
    hits = sum(offer.hit for search in searches for offer in search.offers)
    never = [math.inf] * (hits - len(waits))
    return Outcome(statistics.median(waits + never), len(waits) / hits, statistics.fmean(waits), crawls, requests)


def measure_time_to_hit(markets: int = 40, days: int = 30, processes: int = 2, seed: int = 20261126) -> dict[str, Any]:
    """All figures of the simulated month, as `table` shows them."""
    searches = make_world(markets, days, seed)

    def run(policy: Any, processes: int = processes) -> dict[str, Any]:
        outcome = simulate(searches, policy.next_due, processes, days)
        return {name: getattr(outcome, name) for name in Outcome.__slots__}

    knowing = {exponent: run(Knowing(searches, processes, exponent)) for exponent in EXPONENTS}
    exponent = min(knowing, key=lambda each: knowing[each]["median_seconds"])
    rows = {
        "fixed intervals": run(Alike(searches, processes)),
        "the planner": run(Planner(searches, processes)),
        "knowing all rates": knowing[exponent],
    }
    offers = [offer for search in searches for offer in search.offers]
    return {
        "header": HEADER.format(
            markets=markets,
            days=days,
            searches=len(searches),
            listings=len(offers),
            hits=sum(offer.hit for offer in offers),
            seed=seed,
            market_share=MARKET_SHARE,
            process_share=PROCESS_SHARE,
            start=START_SECONDS,
            processes=processes,
            least=LEAST_SECONDS,
        ),
        "rows": rows,
        "best_exponent": exponent,
        "medians_of_knowing": {str(each): figures["median_seconds"] for each, figures in knowing.items()},
        "ratio_to_best": rows["the planner"]["median_seconds"] / knowing[exponent]["median_seconds"],
        "to_reach": TO_REACH,
    }


def table(figures: dict[str, Any]) -> str:
    """The figures for a reader."""
    lines = [
        figures["header"],
        "",
        f"  {'':24}{'median (min)':>14}{'mean (min)':>14}{'before end':>12}{'crawls':>10}{'requests':>10}",
    ]
    for name, row in figures["rows"].items():
        lines.append(
            f"  {name:24}{row['median_seconds'] / 60:14.1f}{row['mean_seconds'] / 60:14.1f}{row['before_end']:12.2%}"
            f"{row['crawls']:10}{row['requests']:10}"
        )
    lines.append(
        f"  planner to best: {figures['ratio_to_best']:.2f} (to reach: {figures['to_reach']} or less; "
        f"best of the schedules that know: intervals by rate^-{figures['best_exponent']:g})"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(measure_time_to_hit()))
