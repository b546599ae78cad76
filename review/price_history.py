"""Price and state of a listing over time as a drawing inside the page, whose numbers a screen reader says."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from storage.tables import Listing, Observation

WIDTH, HEIGHT = 640, 150
LEFT, RIGHT, TOP, FOOT = 12, 12, 22, 26
MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Point:
    """What was asked at one moment, in units of the drawing."""

    at: datetime
    price: Decimal | None
    currency: str | None
    state: str
    is_bid: bool
    """The current bid, where the page asks no price."""
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class PriceHistory:
    points: Sequence[Point]
    """First to last."""
    line: str
    """The points of the drawn line: in steps, since a price holds until another is seen."""
    currency: str | None
    """Of the line; points in another currency stand in the table alone."""
    drawn: Sequence[Point]
    left_out: int
    last_seen_at: datetime
    width: int = WIDTH
    height: int = HEIGHT
    base: int = HEIGHT - FOOT
    foot: int = HEIGHT - 8

    @property
    def is_worth_drawing(self) -> bool:
        return len(self.drawn) > 0


def price_history(listing: Listing, observations: Sequence[Observation], *, right_to_left: bool) -> PriceHistory:
    """From the observations, first to last. Time runs in the direction in which the reader reads."""
    told = [_told(one) for one in observations]
    kept = [one for number, one in enumerate(told) if number == 0 or one[1:] != told[number - 1][1:]]
    left_out, kept = max(0, len(kept) - MOST_POINTS), kept[-MOST_POINTS:]
    currency = next((one[2] for one in reversed(kept) if one[1] is not None), None)
    prices = [one[1] for one in kept if one[1] is not None and one[2] == currency]
    low, high = (min(prices), max(prices)) if prices else (Decimal(0), Decimal(0))
    start = kept[0][0] if kept else listing.first_seen_at
    end = max(listing.last_seen_at, kept[-1][0]) if kept else listing.last_seen_at

    def across(at: datetime) -> int:
        share = (at - start) / (end - start) if end > start else 0.0
        place = LEFT + round((WIDTH - LEFT - RIGHT) * share)
        return WIDTH - place if right_to_left else place

    def up(price: Decimal | None) -> int:
        if price is None:
            return HEIGHT - FOOT
        share = float((price - low) / (high - low)) if high > low else 0.5
        return HEIGHT - FOOT - 10 - round((HEIGHT - TOP - FOOT - 10) * share)

    points = [Point(at, price, of, state, bid, across(at), up(price)) for at, price, of, state, bid in kept]
    drawn = [one for one in points if one.price is not None and one.currency == currency]
    steps = [f"{one.x},{one.y}" for one in drawn[:1]]
    for before, after in itertools.pairwise(drawn):
        steps += [f"{after.x},{before.y}", f"{after.x},{after.y}"]
    if drawn:
        steps.append(f"{across(end)},{drawn[-1].y}")
    return PriceHistory(points, " ".join(steps), currency, drawn, left_out, listing.last_seen_at)


def _told(one: Observation) -> tuple[datetime, Decimal | None, str | None, str, bool]:
    price = one.price if one.price is not None else one.current_bid
    return one.observed_at, price, one.currency, one.state, one.price is None and price is not None
