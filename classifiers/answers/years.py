"""When an object is said to be from: the first and last year of each date in the text, or those of its period."""

from __future__ import annotations

import re
from collections.abc import Sequence

from classifiers import dates
from classifiers.answers.facts import read_facts
from classifiers.answers.signs import BatchSigns, Sign
from crawler.items import Years

TOLERANCE = 200
"""Years by which a date in the text may lie outside its period's conventional span and still be of the same object."""
LAST_OLD = 1800
"""A date after it, without a period that reaches so far, is of a sale or a maker and not of an ancient object."""
LONGEST_RANGE = 300
_TO_YEAR = re.compile(r" ?- ?(\d{1,4})(?![\d.,-])")
_ORDINAL_WORDS = {name: number for name, number in dates.ORDINALS.items() if number < 10}

Span = tuple[int, int]


def find_years(signs: Sequence[Sign], batch: BatchSigns, periods: Sequence[str]) -> Years | None:
    """The years of a listing's object: of the dates that fit its likeliest periods, else of a phase that is named,
    else of the first period."""
    cultures = read_facts("cultures")
    spans = [tuple(cultures[period]["years"]) for period in periods]
    read = [
        (sign, years)
        for sign in signs
        if sign.family == "date" and sign.rule != "date:ownership_year" and (years := read_years(batch.text(sign)))
    ]
    fitting = [_to_its_end(sign, years, batch) for sign, years in read if _fits(years, spans)]
    if fitting:
        reasons = tuple(batch.quote_span(sign.start, end, 1.0, sign.rule) for sign, _, end in fitting[:3])
        found = [span for _, span, _ in fitting]
        return Years(min(first for first, _ in found), max(last for _, last in found), "text", reasons)
    if spans and (phases := _phases(signs, periods)):
        reasons = tuple(batch.quote(sign, 1.0) for sign, _ in phases[:3])
        return Years(min(first for _, (first, _) in phases), max(last for _, (_, last) in phases), "period", reasons)
    return Years(spans[0][0], spans[0][1], "period") if spans else None


def _phases(signs: Sequence[Sign], periods: Sequence[str]) -> list[tuple[Sign, Span]]:
    """The phases named of the likeliest period that has any, with their years: "Late Period" of pharaonic Egypt."""
    facts = read_facts("phases")
    named = [(sign, facts[sign.group]) for sign in signs if sign.family == "phase"]
    for period in periods:
        if found := [(sign, (fact["years"][0], fact["years"][1])) for sign, fact in named if fact["of"] == period]:
            return found
    return []


def _to_its_end(sign: Sign, years: Span, batch: BatchSigns) -> tuple[Sign, Span, int]:
    """The sign with its years and where it ends, the last year of "AD 491-518" included."""
    first, last = years
    rest = _TO_YEAR.match(batch.batch.text, sign.end) if first == last and first > 0 else None
    if rest is None or not first < int(rest[1]) <= first + LONGEST_RANGE:
        return sign, years, sign.end
    return sign, (first, int(rest[1])), rest.end()


def _fits(years: Span, periods: Sequence[Span]) -> bool:
    first, last = years
    if not periods:
        return last <= LAST_OLD
    return any(last >= start - TOLERANCE and first <= end + TOLERANCE for start, end in periods)


def read_years(text: str) -> Span | None:
    """First and last year of a date as `classifiers.dates` finds it in folded text; None for what is no date."""
    if len(text) == 4 and text.isdigit():  # by far the commonest
        return int(text), int(text)
    if match := dates.MILLENNIUM.fullmatch(text):
        return _millennium(match.group())
    for pattern in dates.CENTURY.values():
        if match := pattern.fullmatch(text):
            return _centuries(match)
    if (match := dates.YEAR_WITH_ERA.fullmatch(text)) or (match := dates.ERA_FIRST.fullmatch(text)):
        parts = match.groupdict()
        one, other = int(parts["a"]), int(parts.get("b") or parts["a"])
        return _in_order(-one, -other) if parts.get("bc") else _in_order(one, other)
    if match := dates.HIJRI.fullmatch(text):
        year = round(int(match["a"]) * 0.97 + 622)
        return year, year
    if match := dates.CIRCA.fullmatch(text):
        one = int(match["a"])
        other = int(match["b"]) if match["b"] and len(match["b"]) == len(match["a"]) else one
        return _in_order(one, other)
    if match := dates.RANGE.fullmatch(text):
        return _in_order(int(match["a"]), int(match["b"]))
    if match := dates.YEAR.fullmatch(text):
        return int(match["a"]), int(match["a"])
    number = dates.read_century(re.sub(r"(?:eme|e|o)$", "", text))
    return (100 * number - 99, 100 * number) if number else None


def _centuries(match: re.Match[str]) -> Span | None:
    parts = match.groupdict()
    numbers = [dates.read_century(part) for part in (parts["a"], parts.get("b")) if part]
    known = [number for number in numbers if number and 0 < number <= 21]
    if not known:
        return None
    if parts.get("bc"):
        return -100 * max(known), -100 * (min(known) - 1) - 1
    if parts.get("hijri"):
        return round(97 * (min(known) - 1) + 622), round(97 * max(known) + 622)
    return 100 * min(known) - 99, 100 * max(known)


def _millennium(text: str) -> Span | None:
    first = re.match(r"\d|[iv]+(?=e?r?\s)", text)
    number = dates.read_century(first.group()) if first else None
    if number is None:
        number = next((value for name, value in _ORDINAL_WORDS.items() if name in text), None)
    return (-1000 * number, -1000 * (number - 1) - 1) if number else None


def _in_order(one: int, other: int) -> Span:
    return min(one, other), max(one, other)
