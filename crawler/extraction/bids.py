"""What an auction's page says of its bidding: how many bids, the first and the present one, and the estimates.

Where a page shows several amounts they are kept apart: `price` is what must be beaten now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from crawler.extraction.findings import Findings
from crawler.extraction.openings import openings
from crawler.extraction.prices import Money, parse_price
from crawler.extraction.scope import Scope
from crawler.extraction.state_amounts import amount_of
from crawler.extraction.state_keys import plain_key
from crawler.extraction.visible_words import LABELS as LABEL_WORDS

LABELS = ("starting_bid", "current_bid", "bids")
"""Labels of rows that are read here."""

_MOST_BIDS = 100_000
_LONGEST = 80
_AMOUNT = 30
"""Characters of a row's value in which its amount stands; words about the reserve may follow."""
_KEYS: dict[str, tuple[str, ...]] = {
    "bids": ("bidcount", "bidscount", "numberofbids", "numbids", "nbbids", "totalbids", "bidquantity", "bids"),
    "starting_bid": ("startingbid", "startbid", "openingbid", "startprice", "startingprice", "localizedstartbidamount"),
    "current_bid": (
        "currentbid", "currentbidamount", "localizedcurrentbidamount", "leadingbid", "highbid", "highestbid",
    ),
}  # fmt: skip
_COUNT = re.compile(
    r"\A\W*(?P<count>\d{1,6})\s*(?:(?P<sure>bids?|enchères?|gebote?|pujas?|biedingen|lances|teklif|مزايدات|مزايدة"
    r"|مزايدين|入札)"
    r"|(?P<other>offres?|offerte|offerta|ofert|عروض|عرض))(?!\w)",
    re.I,
)
"""`other` words also stand for offers of shops: they count only where the page is an auction's by something else."""
_INLINE = re.compile(
    r"\A\W*(?:"
    + "|".join(f"(?P<{name}>{LABEL_WORDS[name]})" for name in ("starting_bid", "current_bid", "estimate"))
    + r")(?![^\W\d_])\s*[:：(]?\s*(?P<rest>.{2,60})\Z",
    re.I,
)
_OPENINGS = openings(_INLINE)
_CALLED_BID = re.compile(r"current bid|(?:current|leading|high|highest)_?bid", re.I)
_BETWEEN = re.compile(r"\s*(?:[-–—/]|\bto\b|\bà\b|\bbis\b|\ba\b|\band\b|\bet\b|إلى|حتى)\s*", re.I)


def fill_objects(objects: Iterable[Mapping[str, Any]], findings: Findings, source: str) -> None:
    """What the listing's objects in embedded state or a saved answer say by the names of their members."""
    for one in objects:
        named = {plain_key(key): (key, value) for key, value in one.items()}
        for field, keys in _KEYS.items():
            key, value = next((named[known] for known in keys if known in named), ("", None))
            if value is None or not findings.lacks(field):
                continue
            if field != "bids":
                _add_amount(field, amount_of(value), findings, f"{source}.{key}")
            elif isinstance(value, (int, str)) and not isinstance(value, bool):
                _add_count(str(value), findings, f"{source}.{key}")


def take_labelled(name: str, value: str, findings: Findings, source: str) -> None:
    """The value of a row that LABELS names."""
    if name == "bids":
        digits = re.match(r"[\s(\[]*(\d{1,6})(?!\S*[\d€$£.,])", value)
        _add_count(digits.group(1) if digits else "", findings, source)
        return
    money = _money(value[:_AMOUNT], findings)
    if money is not None:
        _add_amount(name, money, findings, source)
        findings.add("currency", money.currency, source)


def fill_visible(scope: Scope, findings: Findings) -> None:
    """Amounts that stand in one text with their label ("Estimate £300 - 500"), and the count in "3 bids"."""
    if findings.lacks("starting_bid", "current_bid", "estimate_low"):
        for text, number in scope.texts_opening(_OPENINGS):
            if len(text) > _LONGEST or text[0].isdigit() or text[0] in "([" or text[-1] == ":":
                continue
            match = _INLINE.match(text)
            if match and any(c.isdigit() for c in match["rest"]):
                _take_inline(match, number, scope, findings)
    settle_price(findings)
    for text, number, following in scope.counting_texts if findings.lacks("bids") else ():
        if not (text[0].isdigit() or text[0] in "(["):
            continue
        if text.isdecimal():  # a number in an element of its own
            text = f"{text} {following[:20]}"
        match = _COUNT.match(text)
        if match is None:
            continue
        if (
            match["other"]
            and findings.lacks("ends_at")
            and findings.lacks("current_bid")
            and findings.lacks("starting_bid")
        ):
            continue
        element, _ = scope.document.place_of(number)
        if element is not None and not scope.foreign(element):
            _add_count(match["count"], findings, "visible:words")


def settle_price(findings: Findings) -> None:
    """The price of an auction that names none: the present bid, else the first one asked for."""
    for name in ("current_bid", "starting_bid"):
        if findings.lacks("price") and name in findings.values and "currency" in findings.values:
            findings.add("price", findings.values[name], findings.sources[name])


def settle_bid(findings: Findings) -> None:
    """The price as the present bid, where its source calls it so or there are bids above the first.

    An amount that merely stood near the heading gives way to one that is called the bid of now, or the first bid where
    there is none yet.
    """
    source = findings.sources.get("price")
    if source == "visible:price near heading" and not findings.lacks("current_bid"):
        findings.values["price"], findings.sources["price"] = (
            findings.values["current_bid"],
            findings.sources["current_bid"],
        )
    if source == "visible:amount near heading" or (source == "visible:price near heading" and _is_estimate(findings)):
        name = "starting_bid" if findings.lacks("current_bid") else "current_bid"
        if not findings.lacks(name) and (name == "current_bid" or not findings.values.get("bids")):
            findings.values["price"], findings.sources["price"] = findings.values[name], findings.sources[name]
    if not findings.lacks("current_bid") or findings.lacks("price"):
        return
    price, source = findings.values["price"], findings.sources["price"]
    called = _CALLED_BID.search(source) is not None
    bids, start = findings.values.get("bids", 0), findings.values.get("starting_bid")
    if (called and bids != 0) or (bids > 0 and start is not None and price > start):
        findings.add("current_bid", price, source)


def _is_estimate(findings: Findings) -> bool:
    """Whether the price that stood near the heading is what the lot is estimated at."""
    return bool(findings.values["price"] == findings.values.get("estimate_low"))


def take_estimate(text: str, findings: Findings, source: str) -> None:
    """A range of money, "£1,000 - 1,500", as the two estimates; one amount as both."""
    if len(text) > _LONGEST:
        return
    parts = _BETWEEN.split(text, maxsplit=1)
    if len(parts) != 2:
        parts = [text, text] if _money(text, findings) else []
    if len(parts) != 2:
        return
    low, high = (_parsed(part, findings) for part in parts)
    if low and high and low.amount <= high.amount and (low.currency or high.currency or findings.country_money):
        findings.add("estimate_low", low.amount, source)
        findings.add("estimate_high", high.amount, source)
        findings.add("currency", high.currency or low.currency, source)


def _take_inline(match: re.Match[str], number: int, scope: Scope, findings: Findings) -> None:
    element, _ = scope.document.place_of(number)
    if element is None or scope.foreign(element):
        return
    name = str(next(key for key in ("starting_bid", "current_bid", "estimate") if match[key]))
    if name == "estimate":
        take_estimate(match["rest"], findings, "visible:words")
    else:
        take_labelled(name, match["rest"], findings, "visible:words")


def _money(text: str, findings: Findings) -> Money | None:
    """An amount with its currency; a bare number beside such a label may be anything."""
    money = _parsed(text, findings) if len(text) <= _LONGEST else None
    return money if money and money.currency and money.amount > 0 else None


def _parsed(text: str, findings: Findings) -> Money | None:
    return parse_price(text, hint=findings.rules.currency, country=findings.country)


def _add_amount(name: str, money: tuple[Any, str | None], findings: Findings, source: str) -> None:
    """The amount, unless it is in another currency than the page's price."""
    amount, currency = money
    if amount is not None and amount > 0 and currency in (None, findings.values.get("currency", currency)):
        findings.add(name, amount, source)


def _add_count(digits: str, findings: Findings, source: str) -> None:
    if digits.isdecimal() and int(digits) <= _MOST_BIDS:
        findings.add("bids", int(digits), source)
