"""What the offers of one object say together: seen before, relisted, in another market, cheaper. Facts with dates.

They are said in words by the desk (`review/messages/`) and, in English, by the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

Told = Literal[
    "seen_before", "relisted_removed", "relisted_ended", "relisted_sold", "moved_market", "price_fell", "price_rose"
]
_RELISTED: dict[str, Told] = {"gone": "relisted_removed", "ended": "relisted_ended", "sold": "relisted_sold"}


@dataclass(frozen=True, slots=True)
class Offering:
    """One listing of an object, as it stands now."""

    listing_id: int
    market: str
    seller: str
    state: str
    first_seen_at: datetime
    last_seen_at: datetime
    price: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """`listing_id` and `at`: the later offering, and when it was first seen; `before`: the earlier one."""

    told: Told
    listing_id: int
    at: datetime
    before: Offering
    now: Offering


def story_of(offerings: Iterable[Offering]) -> list[Fact]:
    """What each offering says beside the one before it, the oldest first."""
    ordered = sorted(offerings, key=lambda one: (one.first_seen_at, one.listing_id))
    return [fact for before, now in pairwise(ordered) for fact in _facts(before, now)]


def facts_about(story: Sequence[Fact], listing_id: int) -> list[Fact]:
    """Those of the step that led to one listing."""
    return [fact for fact in story if fact.listing_id == listing_id]


def _facts(before: Offering, now: Offering) -> Iterable[Fact]:
    def say(told: Told) -> Fact:
        return Fact(told, now.listing_id, now.first_seen_at, before, now)

    yield say("seen_before")
    if before.market != now.market:
        yield say("moved_market")
    # An offer that was still there when this one came is a second one; only what had gone can come back.
    if before.state in _RELISTED and before.last_seen_at <= now.first_seen_at:
        yield say(_RELISTED[before.state])
    if before.price is not None and now.price is not None and before.currency and before.currency == now.currency:
        if now.price < before.price:
            yield say("price_fell")
        elif now.price > before.price:
            yield say("price_rose")


def in_english(fact: Fact) -> str:
    """The sentence for a terminal."""
    before, now = fact.before, fact.now
    day, then = f"{before.first_seen_at:%Y-%m-%d}", f"{fact.at:%Y-%m-%d}"
    last = f"{before.last_seen_at:%Y-%m-%d}"
    return {
        "seen_before": f"seen before on {before.market} (listing {before.listing_id}), first on {day}",
        "moved_market": f"moved to another market: from {before.market} to {now.market}, first seen there on {then}",
        "relisted_removed": f"relisted on {then} after removal; last seen before on {last}",
        "relisted_ended": f"relisted on {then} after it had ended; last seen before on {last}",
        "relisted_sold": f"offered again on {then} after it was sold; last seen before on {last}",
        "price_fell": f"price fell from {before.price} to {now.price} {now.currency}",
        "price_rose": f"price rose from {before.price} to {now.price} {now.currency}",
    }[fact.told]
