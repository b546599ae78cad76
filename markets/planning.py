"""When each saved search is asked next: where new listings are expected, within the rate of each market.

Pure: no database, no clock, no market is asked. `markets.replanning` feeds it with what crawls found, and
`bench/time_to_hit.py` with a simulated month.

A listing waits from its appearing to the next crawl. With new listings coming at rate r and a crawl costing c, the
waiting time that c buys is the same everywhere when searches are asked at intervals of sqrt(2 p c / r); the price p is
the one number that makes all of them fit into the processes there are and into each market's share. That makes the mean
wait least; since half of the hits are to be met soon, busy searches are asked somewhat more often (EXPONENT).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from crawler.errors import UsageError

HOURS = 24
HOUR_SECONDS = 3600.0
MARKET_SHARE = 0.5
"""Of the time that a market's rate allows, so much at most is planned for; the rest is left to captures and people."""
PROCESS_SHARE = 0.8
"""Of the job processes' time. Planned fuller, crawls would wait for a process for longer than planning gains."""
START_SECONDS = 5.0
"""What starting a crawl's process takes, whatever it asks for."""
HALF_LIFE_DAYS = 14.0
"""After so long, what was learned counts half: markets change."""
PRIOR_LISTINGS, PRIOR_HOURS = 0.3, 7.2
"""Before anything is known: one new listing a day, believed no more than a third of a day's watching."""
PROFILE_HOURS = 6.0
"""Until an hour of the day was watched for so long, it is taken to be mostly like the day's mean."""
EXPONENT = 0.7
"""Searches are asked as often as their rate to this power says. 0.5 makes the mean wait least; half of all hits wait
less the more the searches that bring most of them are asked."""
USUAL_RATE = 0.1
"""New listings an hour at which the exponent changes nothing."""
MARKET_PROFILE_HOURS = 24.0
"""The same where the day's shape is known from all searches of the market: it is believed for longer."""
ENDS_LEAD_SECONDS = 1800.0
"""So long before a flagged listing's sale ends it is looked at once more."""
LEAST_PRICE = 1.0
"""However much time there is: a crawl is not planned before it saves as much waiting as it takes itself."""
_HIGHEST_PRICE, _PRICE_STEPS = 1e15, 60


@dataclass(frozen=True, slots=True)
class Arrivals:
    """New listings of one search by hour of the day (UTC): a Gamma-Poisson estimate whose evidence fades."""

    counts: tuple[float, ...] = (0.0,) * HOURS
    """New listings in each hour of the day."""
    exposure: tuple[float, ...] = (0.0,) * HOURS
    """Hours for which each hour of the day was watched."""
    until: datetime | None = None
    """Up to when it has learned; None before the first crawl, whose listings have been there for who knows how long."""

    def learn(self, at: datetime, new: int) -> Arrivals:
        """What is known after a crawl that looked at `at` and met `new` listings never seen before."""
        if self.until is None:
            return replace(self, until=at)
        if at <= self.until:
            return self
        watched = _hours_between(self.until, at)
        rates = self.hourly()
        expected = [hours * rate for hours, rate in zip(watched, rates, strict=True)]
        whole = sum(expected)
        kept = 0.5 ** ((at - self.until) / timedelta(days=HALF_LIFE_DAYS))
        return Arrivals(
            # A crawl says how many came since the last one, not when: they are spread as they were expected.
            counts=tuple(kept * old + new * part / whole for old, part in zip(self.counts, expected, strict=True)),
            exposure=tuple(kept * old + hours for old, hours in zip(self.exposure, watched, strict=True)),
            until=at,
        )

    def hourly(self, day: Sequence[float] | None = None) -> tuple[float, ...]:
        """Expected new listings an hour, for each hour of the day; never 0.

        `day` is the shape of the market's day (`shape_of_day`), which one search alone takes weeks to show.
        """
        mean, shape = self._mean(), day or (1.0,) * HOURS
        believed = MARKET_PROFILE_HOURS if day else PROFILE_HOURS
        # Neighbours lend to each other: nobody lists by the full hour.
        counts, exposure = _smoothed(self.counts), _smoothed(self.exposure)
        return tuple(
            (mean * form * believed + count) / (believed + hours)
            for form, count, hours in zip(shape, counts, exposure, strict=True)
        )

    def _mean(self) -> float:
        return (PRIOR_LISTINGS + sum(self.counts)) / (PRIOR_HOURS + sum(self.exposure))

    def as_json(self) -> dict[str, Any]:
        until = self.until.isoformat() if self.until else None
        return {"counts": list(self.counts), "exposure": list(self.exposure), "until": until}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Arrivals:
        """What `as_json` gave; nothing known where it is empty."""
        if not kept:
            return cls()
        until = datetime.fromisoformat(kept["until"]) if kept["until"] else None
        return cls(tuple(kept["counts"]), tuple(kept["exposure"]), until)


def shape_of_day(searches: Sequence[Arrivals]) -> tuple[float, ...]:
    """How new listings spread over the day at one market, by all its searches together; the mean is near 1."""
    together = Arrivals(
        tuple(sum(one.counts[hour] for one in searches) for hour in range(HOURS)),
        tuple(sum(one.exposure[hour] for one in searches) / len(searches) for hour in range(HOURS)),
    )
    mean = together._mean()
    return tuple(rate / mean for rate in together.hourly())


@dataclass(frozen=True, slots=True)
class Target:
    """One search at one market, as planning sees it."""

    market: str
    hourly: Sequence[float]
    """Expected new listings an hour, by hour of the day (UTC)."""
    cost_seconds: float
    """What a crawl takes that finds nothing new: its requests x the market's delay, and the start."""
    least_seconds: float
    """Never sooner after the last crawl's start than this."""
    most_seconds: float
    """Never later, unless the market's rate does not allow a crawl so often."""
    delay_seconds: float = 0.0
    """What each new listing costs beside, wherever it is found."""

    @property
    def floor_seconds(self) -> float:
        """The shortest interval: as asked for, and what the market's rate allows a crawl of this length."""
        return max(self.least_seconds, self.cost_seconds, 1.0)

    @property
    def ceiling_seconds(self) -> float:
        return max(self.most_seconds, self.floor_seconds)

    @property
    def listings_share(self) -> float:
        """Share of a process and of the market's time that the new listings' own pages take."""
        return sum(self.hourly) / len(self.hourly) / HOUR_SECONDS * self.delay_seconds


@dataclass(frozen=True, slots=True)
class Plan:
    due_at: datetime
    why: str
    """In a sentence for `watch list`."""


def market_prices(targets: Iterable[Target], processes: float, least_price: float = LEAST_PRICE) -> dict[str, float]:
    """The price of a crawl's second at each market, such that crawls planned with it fit.

    Into `MARKET_SHARE` of each market's rate, and all together into `PROCESS_SHARE` of the processes. Where the longest
    intervals allowed are too much already, the price is so high that all keep to these; it is `least_price` at least.
    """
    by_market: dict[str, list[_Load]] = {}
    for target in targets:
        by_market.setdefault(target.market, []).append(_load_of(target))
    of_its_own = {
        market: _price_for(partial(_excess, own), least_price)  # of this market's share alone
        for market, own in by_market.items()
    }

    def load_at(price: float) -> float:
        loads = (_load(own, max(price, of_its_own[market])) for market, own in by_market.items())
        return sum(loads) - PROCESS_SHARE * processes

    shared = _price_for(load_at, least_price)
    return {market: max(shared, price) for market, price in of_its_own.items()}


def plan_next(target: Target, price: float, started_at: datetime, ends_at: datetime | None = None) -> Plan:
    """When to ask again after a crawl that started at `started_at`.

    `ends_at`: when the sale of a flagged listing ends that should be looked at once more; None for none.
    """
    seconds = interval_seconds(target, price, started_at)
    expected = sum(target.hourly)
    why = f"{expected:.2g} new listings a day expected: again after {_span(seconds)}"
    if seconds >= target.ceiling_seconds:
        why = f"{expected:.2g} new listings a day expected: the longest interval, {_span(seconds)}"
    elif seconds <= target.floor_seconds:
        why = f"{expected:.2g} new listings a day expected: the shortest interval, {_span(seconds)}"
    due_at = started_at + timedelta(seconds=seconds)
    if ends_at is not None:
        look_at = ends_at - timedelta(seconds=ENDS_LEAD_SECONDS)
        if started_at + timedelta(seconds=target.floor_seconds) <= look_at < due_at:
            return Plan(look_at, f"a flagged listing's sale ends at {ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    return Plan(due_at, why)


def interval_seconds(target: Target, price: float, at: datetime) -> float:
    """How long to wait after a crawl at `at`: longer over hours in which little appears. Within floor and ceiling."""
    scale = 1.0 / math.sqrt(2.0 * price * target.cost_seconds * HOUR_SECONDS)
    hour, passed, left = at.hour, 0.0, 1.0
    span = HOUR_SECONDS - (at.minute * 60 + at.second)
    while passed < target.ceiling_seconds:
        crawls_a_second = _urgency(target.hourly[hour]) * scale
        if crawls_a_second * span >= left:
            return min(max(passed + left / crawls_a_second, target.floor_seconds), target.ceiling_seconds)
        left -= crawls_a_second * span
        passed += span
        hour, span = (hour + 1) % HOURS, HOUR_SECONDS
    return target.ceiling_seconds


def require_lawful_interval(market: str, every_seconds: float, queries: int, delay_seconds: float) -> None:
    """Raises UsageError for an interval in which the market's rate does not even allow each query's first page."""
    least = queries * delay_seconds
    if every_seconds < least:
        raise UsageError(
            f"--every {_span(every_seconds)} is more often than the rate of {market} allows: the first page of each of "
            f"{queries} searches, {delay_seconds:g} s apart, takes {_span(least)}. Give {math.ceil(least)}s or more."
        )


def _urgency(rate: float) -> float:
    """How often to ask where listings come at `rate` an hour, beside others: sqrt(rate) at USUAL_RATE."""
    return float(math.sqrt(USUAL_RATE) * (rate / USUAL_RATE) ** EXPONENT)


@dataclass(frozen=True, slots=True)
class _Load:
    """What of a target's load does not change with the price."""

    at_price_one: float
    """Crawls a second that it would be asked at a price of 1."""
    least: float
    most: float
    cost_seconds: float
    listings_share: float


def _load_of(target: Target) -> _Load:
    density = sum(map(_urgency, target.hourly)) / len(target.hourly)
    wanted = density / math.sqrt(2.0 * target.cost_seconds * HOUR_SECONDS)
    least, most = 1.0 / target.ceiling_seconds, 1.0 / target.floor_seconds
    return _Load(wanted, least, most, target.cost_seconds, target.listings_share)


def _load(targets: Iterable[_Load], price: float) -> float:
    """The share of one process's time that crawls planned at this price take."""
    scale = 1.0 / math.sqrt(price)
    return sum(
        min(max(one.at_price_one * scale, one.least), one.most) * one.cost_seconds + one.listings_share
        for one in targets
    )


def _excess(of_one_market: Sequence[_Load], price: float) -> float:
    return _load(of_one_market, price) - MARKET_SHARE


def _price_for(excess: Callable[[float], float], least_price: float) -> float:
    """The least price at which `excess(price)` is not above 0."""
    if excess(least_price) <= 0:
        return least_price
    low, high = math.log(least_price), math.log(_HIGHEST_PRICE)
    for _ in range(_PRICE_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(math.exp(middle)) > 0 else (low, middle)
    return math.exp(high)


def _hours_between(start: datetime, end: datetime) -> list[float]:
    """How many hours of each hour of the day lie between."""
    hours = [0.0] * HOURS
    whole_days, rest = divmod((end - start).total_seconds(), HOURS * HOUR_SECONDS)
    if whole_days:
        hours = [whole_days] * HOURS
    hour = start.hour
    span = HOUR_SECONDS - (start.minute * 60 + start.second + start.microsecond / 1e6)
    while rest > 0:
        part = min(span, rest)
        hours[hour] += part / HOUR_SECONDS
        rest -= part
        hour, span = (hour + 1) % HOURS, HOUR_SECONDS
    return hours


def _smoothed(values: Sequence[float]) -> list[float]:
    return [0.25 * values[i - 1] + 0.5 * values[i] + 0.25 * values[(i + 1) % HOURS] for i in range(HOURS)]


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
