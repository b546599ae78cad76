"""What a reader of the queue may ask to see, and the query string that means exactly that.

The string is kept in saved searches, so its names and values stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from crawler.errors import RelicwatchError
from storage.decisions import VERDICTS

State = Literal["waiting", "changed", "decided", "all"]
Sort = Literal["urgency", "ending", "newest", "price_high", "price_low"]
Route = Literal["", "source_or_transit"]
BANDS = {"strong": 0, "medium": 1, "weak": 2}
STATES: tuple[State, ...] = get_args(State)
SORTS: tuple[Sort, ...] = get_args(Sort)
ROUTES: tuple[Route, ...] = get_args(Route)
NOBODY = "-"
"""The assignee of what is assigned to nobody: no user has this name."""
MOST_TEXT = 200
GREATEST = Decimal(10) ** 12
"""No price, size or weight is asked for beyond this."""
_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,4})?")
_THOUSANDS = re.compile(r"[0-9]{1,3},[0-9]{3}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader wants to see; empty or None means everything."""

    text: str = ""
    """Words that all stand in the listing's text, in any spelling that `storage.folding` holds for the same."""
    market: str = ""
    band: str = ""
    language: str = ""
    state: State = "waiting"
    priority: str = ""
    """A rule of `Assessment.priority`."""
    verdict: str = ""
    """What was last decided; only listings that bear a decision have one."""
    sort: Sort = "urgency"
    seller: str = ""
    """A seller's name as the page gives it."""
    assignee: str = ""
    """A user's name; `NOBODY` for what is nobody's."""
    country: str = ""
    """ISO 3166 code of the country that the listing's place names: from there it would be sent."""
    route: Route = ""
    """source_or_transit: what would be sent from a country of origin or transit, as the answers say."""
    object_type: str = ""
    """Id of a type among the answers."""
    culture: str = ""
    """Id of a culture or period among the answers."""
    red_list: str = ""
    """Id of a Red List, or LIST/CATEGORY."""
    currency: str = ""
    """ISO 4217. Amounts are never converted: a bound on the price counts in this currency alone."""
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    size_min: Decimal | None = None
    """Centimetres, of the longest side that the page gives."""
    size_max: Decimal | None = None
    weight_min: Decimal | None = None
    """Grams."""
    weight_max: Decimal | None = None
    since: date | None = None
    """First seen on this day (UTC) or later."""
    until: date | None = None
    """First seen on this day (UTC) or before."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field of a query that was not understood, and why."""

    field: str
    value: str
    problem: Literal[
        "not_offered", "no_number", "no_date", "no_country", "no_currency", "needs_currency", "turned_round", "too_long"
    ]

    def __str__(self) -> str:
        return f"{self.field}: {self.value!r} {_SAID[self.problem]}"


_SAID = {
    "not_offered": "is not among what can be chosen",
    "no_number": "is no number from 0 to 1000000000000, like 1200 or 12.5, without a separator of thousands",
    "no_date": "is no day like 2026-11-28",
    "no_country": "is no country code of two letters, like FR",
    "no_currency": "is no currency code of three letters, like EUR",
    "needs_currency": "needs the field currency: amounts are not converted, so a bound counts in one currency only",
    "turned_round": "lies before the beginning of its range",
    "too_long": f"has more than {MOST_TEXT} characters",
}


class FiltersRefused(RelicwatchError):
    """Fields of a query that were not understood; `wrong` names each."""

    def __init__(self, wrong: list[Wrong]) -> None:
        super().__init__("Not understood: " + "; ".join(map(str, wrong)) + ".")
        self.wrong = wrong


class _NotUnderstood(Exception):
    """The problem of one value."""


def parse_filters(query: Mapping[str, Any] | str) -> Filters:
    """The filters that a query string, its parameters or a form mean; other parameters are none of its business.

    Raises FiltersRefused, which names every field that was not understood.
    """
    filters, wrong = read_filters(query)
    if wrong:
        raise FiltersRefused(wrong)
    return filters


def read_filters(query: Mapping[str, Any] | str) -> tuple[Filters, list[Wrong]]:
    """What was understood of a query, and the fields that were not and count as not asked for."""
    given = dict(parse_qsl(query)) if isinstance(query, str) else query
    found: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for name, read in _READERS.items():
        text = str(given.get(name) or "").strip()
        if not text:
            continue
        try:
            found[name] = read(text)
        except _NotUnderstood as problem:
            wrong.append(Wrong(name, text[:MOST_TEXT], problem.args[0]))
    wrong += _at_odds(found)
    return Filters(**{name: value for name, value in found.items() if name not in {one.field for one in wrong}}), wrong


def filters_query(filters: Filters) -> str:
    """The filters as a query string, without what is at its default; `parse_filters` gives the same filters back."""
    chosen = ((one.name, getattr(filters, one.name), one.default) for one in fields(filters))
    return urlencode([(name, _written(value)) for name, value, default in chosen if value != default])


def chosen_fields(filters: Filters) -> list[str]:
    """Names of the fields that are not at their default, in the order of the query string."""
    return [one.name for one in fields(filters) if getattr(filters, one.name) != one.default]


def _at_odds(found: dict[str, Any]) -> list[Wrong]:
    """Fields that are understood each alone and make no sense together."""
    wrong = [
        Wrong(name, _written(found[name]), "needs_currency")
        for name in ("price_min", "price_max")
        if name in found and "currency" not in found
    ]
    for low, high in (
        ("price_min", "price_max"),
        ("size_min", "size_max"),
        ("weight_min", "weight_max"),
        ("since", "until"),
    ):
        if low in found and high in found and found[low] > found[high]:
            wrong.append(Wrong(high, _written(found[high]), "turned_round"))
    return wrong


def _written(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _text(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise _NotUnderstood("too_long")
    kept = "".join(one for one in unicodedata.normalize("NFC", text) if unicodedata.category(one) not in ("Cc", "Cs"))
    return kept.strip()


def _one_of(*offered: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in offered:
            raise _NotUnderstood("not_offered")
        return text

    return read


def _code(pattern: re.Pattern[str], problem: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text.upper()):
            raise _NotUnderstood(problem)
        return text.upper()

    return read


def _number(text: str) -> Decimal:
    """A number in the digits of any script, with a point or comma before its decimals.

    1,000 is refused: in one country it is a thousand, in another it is one.
    """
    plain = "".join(_digits(text).split()).replace("\N{ARABIC THOUSANDS SEPARATOR}", "")
    plain = plain.replace("\N{ARABIC DECIMAL SEPARATOR}", ".")
    if plain.count(",") == 1 and not _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", ".")
    if not _NUMBER.fullmatch(plain) or Decimal(plain) > GREATEST:
        raise _NotUnderstood("no_number")
    number = Decimal(plain).normalize()
    return number if number else Decimal(0)


def _day(text: str) -> date:
    plain = _digits(text)
    try:
        if not _DAY.fullmatch(plain):
            raise ValueError(plain)
        return date.fromisoformat(plain)
    except ValueError:
        raise _NotUnderstood("no_date") from None


def _digits(text: str) -> str:
    """The text with every script's digits as 0 to 9."""
    return "".join(str(unicodedata.digit(one)) if unicodedata.category(one) == "Nd" else one for one in text)


_READERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "market": _text,
    "band": _one_of(*BANDS),
    "language": _text,
    "state": _one_of(*STATES),
    "priority": _text,
    "verdict": _one_of(*VERDICTS),
    "sort": _one_of(*SORTS),
    "seller": _text,
    "assignee": _text,
    "country": _code(_COUNTRY, "no_country"),
    "route": _one_of(*ROUTES[1:]),
    "object_type": _text,
    "culture": _text,
    "red_list": _text,
    "currency": _code(_CURRENCY, "no_currency"),
    "price_min": _number,
    "price_max": _number,
    "size_min": _number,
    "size_max": _number,
    "weight_min": _number,
    "weight_max": _number,
    "since": _day,
    "until": _day,
}
