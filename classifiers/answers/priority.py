"""Where a hit belongs in the queue: danger first, then what cannot wait, the value of the object last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from classifiers.answers.facts import Settings
from classifiers.answers.signs import Sign
from crawler.items import Priority

DANGER, NUMBERED, CONFLICT, ENDING, SELLER, OURS, REST = range(1, 8)
FIND_WORDS = frozenset(
    {
        "find:excavation",
        "find:treasure",
        "risk:found_in_ground",
        "risk:soil_uncleaned",
        "flag:found_in_ground",
        "flag:soil_uncleaned",
    }
)
SOON, LATER = timedelta(hours=24), timedelta(hours=72)
MANY_LOTS = 3
"""So many flagged lots of one seller move them up."""


def rank(
    *, flags: Collection[str], floors: Collection[str], alarmed: bool, countries: Collection[str],
    likely: Collection[str] = (), has_find_word: bool, settings: Settings, value_eur: float | None = None,
    ends_at: datetime | None = None, now: datetime | None = None, seller_flagged: int = 0, registered: bool = False,
) -> Priority:  # fmt: skip
    """The first rule of the order that fits.

    `likely`: the countries of origin, out of `countries`, that are more than one of many; `registered`: it matches an
    entry of a register of missing objects; `seller_flagged`: flagged lots of its seller, this one included; `floors`:
    the flags that always go to a person.
    """
    must = alarmed or bool(set(flags) & set(floors))
    left = ends_at - now if ends_at is not None and now is not None else None

    def at(level: int, why: str) -> Priority:
        return Priority(level, why, must, value_eur)

    if alarmed:
        return at(DANGER, "danger_to_person")
    if registered:
        return at(NUMBERED, "register_match")
    if "museum_number" in flags:
        return at(NUMBERED, "museum_number")
    if has_find_word and settings.conflict_zones & set(likely):
        return at(CONFLICT, "conflict_zone_find")
    if left is not None and timedelta() <= left < LATER:
        return at(ENDING, "ends_within_24_hours" if left < SOON else "ends_within_72_hours")
    if seller_flagged >= MANY_LOTS:
        return at(SELLER, "seller_with_several")
    if settings.own_country & set(countries):
        return at(OURS, "own_country")
    if settings.partner_countries & set(countries):
        return at(OURS, "partner_country")
    return at(REST, "no_rule_before")


def at_this_hour(
    stored: Mapping[str, Any], countries: Collection[str], settings: Settings, *, ends_at: datetime | None,
    now: datetime, seller_flagged: int,
) -> dict[str, Any]:  # fmt: skip
    """A stored priority as it stands now: what the words alone decided stays, the rest is asked anew."""
    if stored["level"] <= CONFLICT:
        return dict(stored)
    now_at = rank(
        flags=(), floors=(), alarmed=False, countries=countries, has_find_word=False, settings=settings,
        value_eur=stored["value_eur"], ends_at=ends_at, now=now, seller_flagged=seller_flagged,
    )  # fmt: skip
    return dict(stored) | {"level": now_at.level, "why": now_at.why}


def has_find_word(signs: Sequence[Sign]) -> bool:
    """Whether the words tell of a find."""
    return any(sign.rule in FIND_WORDS for sign in signs)
