"""Prices: where a number and a currency say what is asked for a thing, and are neither a coin nor a year.

"5000 dollars" and "price: 1900" are prices; "5 francs 1870", "1 dollar silver" and "Morgan dollar 1921" are coins.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from classifiers.dates import UNIT

FAMILY = "price"
"""The lexicon family of the words that prices are made of; none of them is a sign by itself."""
LATER, LATER_COIN = "later", "later:later_coin"
_NUMBER = r"(?:\d{1,3}(?:[ .,'٬]\d{3})+(?!\d)|\d+)(?:[.,٫]\d{1,2}(?!\d))?"
AMOUNT = re.compile(rf"(?<![\d.,]){_NUMBER}(?:\s?(?:-|/|to|a|bis|الي)\s?{_NUMBER})?")
"""A number or a range of two, thousands apart as people write them."""
SIGNS = "$€£₺"
SIGN_BEFORE, SIGN_AFTER = re.compile(rf"[{SIGNS}] ?$"), re.compile(rf" ?[{SIGNS}](?! ?\d)")
FACE = re.compile(r"(?:\d/)?(?:[1-58]|[1-5]0|25|[125]00|1000)|\D+")
"""What stands on coins and notes: a number or, in words, a thousand."""
MINTED = re.compile(r"1[6-9]\d\d|20[0-3]\d")
"""Years on coins of the currencies in which prices are asked."""
BREAK = re.compile(r"[,;.!?|\n،؛]")
NO_UNIT = re.compile(UNIT)
MOST_THOUSANDS = 2
"""Number words after an amount: "5 hundred thousand"."""
WORDS_TO_PRICE = 2
"""The most words between "price" and the amount: "price is only 50", "prix demandé pour tout 50"."""
WORDS_TO_YEAR = WORDS_TO_COIN = 2
"""How far from a face value the year of the coin may stand ("5 francs Hercule - 1878"), or its other names."""


class Span(NamedTuple):
    """Characters [start, end) of the folded text."""

    start: int
    end: int


class Term(NamedTuple):
    """A term of a lexicon: words [first, last), and its rule."""

    rule: str
    first: int
    last: int


def find_prices(folded: str, words: Sequence[Span], terms: Sequence[Term]) -> list[Span]:
    """The prices of a folded text, given its words and the terms found in them; without overlaps."""
    return _Prices(folded, words, terms).find()


def places(spans: Iterable[Span]) -> set[int]:
    """Every character's place in the spans."""
    return {place for span in spans for place in range(*span)}


class _Prices:
    """One text on its way to its prices."""

    def __init__(self, folded: str, words: Sequence[Span], terms: Sequence[Term]) -> None:
        self._folded = folded
        self._words = words
        self._starts = [word.start for word in words]
        self._groups: dict[str, list[Span]] = {}
        later: list[Span] = []
        later_coins: list[Span] = []
        for rule, first, last in terms:
            span = Span(words[first].start, words[last - 1].end)
            family, _, group = rule.partition(":")
            if family == FAMILY:
                self._groups.setdefault(group, []).append(span)
            elif family == LATER:
                later.append(span)
                if rule == LATER_COIN:
                    later_coins.append(span)
        self._money = self._all("currency", "currency_of_old", "code")
        self._asked_ends = {span.end for span in self._all("asked")}
        self._following = {(group, span.start): span.end for group, spans in self._groups.items() for span in spans}
        self._leading = {(group, span.end): span.start for group, spans in self._groups.items() for span in spans}
        self._tells_coin = {span.start for span in [*self._all("coin_word"), *later]}
        money = places(self._money)
        self._coins = places(span for span in later_coins if not money.issuperset(range(*span)))

    def _all(self, *groups: str) -> list[Span]:
        return [span for group in groups for span in self._groups.get(group, ())]

    def find(self) -> list[Span]:
        prices: list[Span] = []
        taken: set[int] = set()
        numbers = [Span(*match.span()) for match in AMOUNT.finditer(self._folded)]
        candidates = [self._read_amount(number) for number in [*numbers, *self._all("thousand")]]
        candidates += [money for money in self._money if self._is_asked(money.start)]  # "price in dollars"
        for price in candidates:
            if price and taken.isdisjoint(range(*price)):
                prices.append(price)
                taken.update(range(*price))
        return prices

    def _read_amount(self, number: Span) -> Span | None:
        amount = self._with_thousands(number)
        if sure := self._with_sign(amount) or self._beside(amount, "code"):
            return sure
        if self._is_asked(amount.start):
            named = self._beside(amount, "currency", "currency_of_old")
            return named or (amount if self._is_asked(amount.start, most=0) else None)
        named = self._beside(amount, "currency")
        return None if named is None or self._is_coin(amount, named) else named

    def _with_thousands(self, amount: Span) -> Span:
        for _ in range(MOST_THOUSANDS):
            amount = self._followed(amount, "thousand") or amount
        return amount

    def _with_sign(self, amount: Span) -> Span | None:
        if sign := SIGN_BEFORE.search(self._folded, max(0, amount.start - 2), amount.start):
            price = Span(sign.start(), amount.end)
        elif sign := SIGN_AFTER.match(self._folded, amount.end):
            price = Span(amount.start, sign.end())
        else:
            return None
        return self._followed(price, "currency", "code") or price

    def _beside(self, amount: Span, *groups: str) -> Span | None:
        """The amount together with the currency, of one of the groups, that follows or leads it."""
        return self._followed(amount, *groups) or self._led(amount, *groups)

    def _followed(self, amount: Span, *groups: str) -> Span | None:
        for gap in ("", " ", "-"):
            for group in groups if self._folded.startswith(gap, amount.end) else ():
                if end := self._following.get((group, amount.end + len(gap))):
                    return Span(amount.start, end)
        return None

    def _led(self, amount: Span, *groups: str) -> Span | None:
        for gap in ("", " ", ": "):
            for group in groups if self._folded.endswith(gap, 0, amount.start) else ():
                start = self._leading.get((group, amount.start - len(gap)))
                if start is not None:
                    return Span(start, amount.end)
        return None

    def _is_asked(self, start: int, most: int = WORDS_TO_PRICE) -> bool:
        """Whether a word that asks a price stands before, with at most so many words between."""
        return any(word.end in self._asked_ends for word in self._before(start, most + 1))

    def _is_coin(self, amount: Span, named: Span) -> bool:
        """Whether amount and currency name a coin: a face value beside a year or words of coins, or a coin's year."""
        number = self._text(amount)
        is_year = bool(MINTED.fullmatch(number))
        if named.start < amount.start and (is_year or not NO_UNIT.match(self._folded, amount.end)):
            return True  # "dollar 1921", "dollar 38 mm"
        if not is_year and not FACE.fullmatch(number):
            return False
        before, after = self._before(named.start, WORDS_TO_COIN), self._after(named.end, WORDS_TO_COIN)
        if any(word.start in self._tells_coin for word in after[:1]):
            return True
        if not self._coins.isdisjoint(places([*before, named, *after])):
            return True
        years = [*before[-1:], *after[:WORDS_TO_YEAR]]
        return not is_year and any(MINTED.fullmatch(self._text(word)) for word in years)

    def _text(self, span: Span) -> str:
        return self._folded[span.start : span.end]

    def _before(self, start: int, most: int) -> list[Span]:
        """The last words before a place in its part of the sentence, in their order."""
        last = bisect_left(self._starts, start)
        words = self._words[max(0, last - most) : last]
        return [word for word in words if not BREAK.search(self._folded, word.end, start)]

    def _after(self, end: int, most: int) -> list[Span]:
        first = bisect_left(self._starts, end)
        words = self._words[first : first + most]
        return [word for word in words if not BREAK.search(self._folded, end, word.start)]
