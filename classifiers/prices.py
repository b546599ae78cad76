"""Prices: where a number and a currency say what is asked for a thing, and are neither a coin nor a year.

"5000 dollars" and "price: 1900" are prices; "5 francs 1870", "1 dollar silver" and "Morgan dollar 1921" are coins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from classifiers.dates import UNIT
from classifiers.lexicon import Hit

FAMILY = "price"
"""The lexicon family of the words that prices are made of."""
LATER_COIN = "later:later_coin"
_NUMBER = r"(?:\d{1,3}(?:[ .,'٬]\d{3})+(?!\d)|\d+)(?:[.,٫]\d{1,2}(?!\d))?"
AMOUNT = re.compile(rf"(?<![\d.,]){_NUMBER}(?:\s?(?:-|/|to|a|bis|الي)\s?{_NUMBER})?")
"""A number or a range of two, thousands apart as people write them."""
SIGNS = "$€£₺"
FACE = re.compile(r"(?:\d/)?(?:[1-58]|[1-5]0|25|[125]00|1000)|\D+")
"""What stands on coins and notes: a number or, in words, a thousand."""
MINTED = re.compile(r"1[6-9]\d\d|20[0-3]\d")
"""Years on coins of the currencies in which prices are asked."""
SIGN_BEFORE, SIGN_AFTER = re.compile(rf"[{SIGNS}] ?$"), re.compile(rf" ?[{SIGNS}](?! ?\d)")
NO_UNIT = re.compile(UNIT)
BREAK = re.compile(r"[,;.!?|\n،؛]")
WORDS_TO_PRICE = 2
"""The most words between "price" and the amount: "price is only", "prix demandé pour"."""
WORDS_TO_YEAR, WORDS_TO_COIN = 1, 2
"""The most words between a face value and the year of the coin ("5 francs Hercule - 1878"), or its other names."""


class Span(NamedTuple):
    """Characters [start, end) of the folded text."""

    start: int
    end: int

    def meets(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def holds(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


def find_prices(folded: str, words: Sequence[Span], hits: Sequence[Hit]) -> list[Span]:
    """The prices of a folded text, given its words and what the lexicon found in them; without overlaps."""
    if not any(hit.family == FAMILY for hit in hits) and not any(sign in folded for sign in SIGNS):
        return []
    return _Prices(folded, words, hits).find()


class _Prices:
    """One text on its way to its prices."""

    def __init__(self, folded: str, words: Sequence[Span], hits: Sequence[Hit]) -> None:
        self._folded = folded
        self._words = words
        placed = [(hit, Span(words[hit.first].start, words[hit.last - 1].end)) for hit in hits]
        self._groups: dict[str, list[Span]] = {}
        for hit, span in placed:
            if hit.family == FAMILY:
                self._groups.setdefault(hit.group, []).append(span)
        self._money = self._all("currency", "currency_of_old", "code")
        self._told = [*self._all("coin_word"), *(span for hit, span in placed if hit.family == "later")]
        self._coins = [s for hit, s in placed if hit.rule == LATER_COIN and not any(m.holds(s) for m in self._money)]

    def _all(self, *groups: str) -> list[Span]:
        return [span for group in groups for span in self._groups.get(group, ())]

    def find(self) -> list[Span]:
        numbers = [Span(*match.span()) for match in AMOUNT.finditer(self._folded)]
        prices: list[Span] = []
        for read, starts in ((self._read_amount, [*numbers, *self._all("thousand")]), (self._read_bare, self._money)):
            for start in starts:
                price = None if any(start.meets(known) for known in prices) else read(start)
                if price and not any(price.meets(known) for known in prices):
                    prices.append(price)
        return prices

    def _read_bare(self, currency: Span) -> Span | None:
        """A currency that is asked for without an amount: "price in dollars"."""
        return currency if self._is_asked(currency.start) else None

    def _read_amount(self, number: Span) -> Span | None:
        amount = self._with_thousands(number)
        asked = self._is_asked(amount.start)
        if sure := self._with_sign(amount) or self._beside(amount, "code"):
            return sure
        if asked:
            named = self._beside(amount, "currency", "currency_of_old")
            return named or (amount if self._is_asked(amount.start, most=0) else None)
        named = self._beside(amount, "currency")
        return None if named is None or self._is_coin(amount, named) else named

    def _with_thousands(self, number: Span) -> Span:
        end = number.end
        while longer := self._followed(Span(number.start, end), "thousand"):
            end = longer.end
        return Span(number.start, end)

    def _with_sign(self, amount: Span) -> Span | None:
        if sign := SIGN_BEFORE.search(self._folded, max(0, amount.start - 2), amount.start):
            price = Span(sign.start(), amount.end)
        elif sign := SIGN_AFTER.match(self._folded, amount.end):
            price = Span(amount.start, sign.end())
        else:
            return None
        return self._followed(price, "currency", "code") or price

    def _beside(self, amount: Span, *groups: str) -> Span | None:
        """The amount together with the currency of one of the groups that follows or leads it."""
        return self._followed(amount, *groups) or self._led(amount, *groups)

    def _followed(self, amount: Span, *groups: str) -> Span | None:
        for span in self._all(*groups):
            if amount.end <= span.start and self._folded[amount.end : span.start] in ("", " ", "-"):
                return Span(amount.start, span.end)
        return None

    def _led(self, amount: Span, *groups: str) -> Span | None:
        for span in self._all(*groups):
            if span.end <= amount.start and self._folded[span.end : amount.start] in ("", " ", ": "):
                return Span(span.start, amount.end)
        return None

    def _is_asked(self, start: int, most: int = WORDS_TO_PRICE) -> bool:
        """Whether a word that asks a price stands before, with at most so many words between."""
        return any(
            asked.end <= start
            and not BREAK.search(self._folded, asked.end, start)
            and sum(asked.end <= word.start < start for word in self._words) <= most
            for asked in self._all("asked")
        )

    def _is_coin(self, amount: Span, named: Span) -> bool:
        """Whether amount and currency name a coin: a face value beside a year or words of coins, or a year of coins."""
        number = self._text(amount)
        year = bool(MINTED.fullmatch(number))
        if named.start < amount.start and (year or not NO_UNIT.match(self._folded, amount.end)):
            return True  # "dollar 1921", "dollar 38 mm"
        if not year and not FACE.fullmatch(number):
            return False
        before, after = self._words_before(named), self._words_after(named)
        years = [] if year else before[-1:] + after[: WORDS_TO_YEAR + 1]
        around = [*before, named, *after[:WORDS_TO_COIN]]
        return (
            any(MINTED.fullmatch(self._text(word)) for word in years)
            or any(term.start == word.start for word in after[:1] for term in self._told)
            or any(term.meets(span) for span in around for term in self._coins)
        )

    def _text(self, span: Span) -> str:
        return self._folded[span.start : span.end]

    def _words_after(self, span: Span) -> list[Span]:
        """The words after a span up to the end of the part of the sentence."""
        stop = BREAK.search(self._folded, span.end)
        end = stop.start() if stop else len(self._folded)
        return [word for word in self._words if span.end <= word.start < end]

    def _words_before(self, span: Span) -> list[Span]:
        words = [word for word in self._words if word.end <= span.start]
        return [word for word in words[-WORDS_TO_COIN:] if not BREAK.search(self._folded, word.end, span.start)]
