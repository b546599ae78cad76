"""What the lexicons found in each listing of a batch, with the words quoted from the listing's own text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classifiers.lexicon import Lexicon
from classifiers.normalise import original_end
from classifiers.reading import FIELDS, Reading
from classifiers.words import MOST_CHARACTERS, Places
from crawler.items import Reason

LEXICONS = Path(__file__).parent / "lexicons"
ASKED = frozenset(
    {"object", "thing", "coin", "period", "ruler", "deity", "place", "material", "replica", "later", "risk", "date",
     "find"}
)  # fmt: skip
"""Families of the classifier's own rules that the answers read."""
ASKED_OF_THE_WHOLE = frozenset({"claim", "circumstance", "hub", "flag"})
"""Families of the answers' own terms that serve only where every answer is asked."""


class Sign(NamedTuple):
    """A term or date found: its rule and where it stands, in folded characters of the batch."""

    rule: str
    family: str
    start: int
    end: int
    field: int
    """Twice the listing's place in the batch, plus one in the description."""
    at: int
    """Its number among the signs of the batch."""

    @property
    def in_title(self) -> bool:
        return not self.field & 1

    @property
    def group(self) -> str:
        return self.rule.partition(":")[2]


class BatchSigns:
    """The signs of a batch, those of the model's lexicons and of the answers' own together."""

    def __init__(self, reading: Reading, own: Lexicon, asked: np.ndarray, whole: np.ndarray) -> None:
        """`asked`: which of the model's rules to take; `whole`: which listings are asked every answer."""
        self.batch = reading.batch
        signs, words = reading.signs, reading.batch.words
        kept = np.flatnonzero(asked[signs.rules])
        hits = own.find(reading.batch, reading.languages)
        deep = np.array([name.partition(":")[0] in ASKED_OF_THE_WHOLE for name in own.rules], dtype=bool)
        taken = np.flatnonzero(~deep[hits.rules] | whole[words.fields[hits.first] >> 1])
        first, last = hits.first[taken], hits.last[taken]
        self._names = [*reading.rules.names, *own.rules]
        self.starts: Places = np.concatenate([signs.starts[kept], words.starts[first]])
        self.ends: Places = np.concatenate([signs.ends[kept], words.ends[last - 1]])
        fields = np.concatenate([signs.fields[kept], words.fields[first]])
        rules = np.concatenate([signs.rules[kept], hits.rules[taken] + len(reading.rules.names)])
        order = np.lexsort((rules, self.starts))
        self.starts, self.ends, fields, rules = self.starts[order], self.ends[order], fields[order], rules[order]
        self.rules = rules
        self.listings: Places = fields >> 1
        self._fields = fields.tolist()
        self._borders = np.searchsorted(self.listings, np.arange(reading.batch.size + 1)).tolist()

    @cached_property
    def _lists(self) -> tuple[list[int], list[int], list[int]]:
        return self.starts.tolist(), self.ends.tolist(), self.rules.tolist()

    @cached_property
    def _families(self) -> list[str]:
        return [name.partition(":")[0] for name in self._names]

    @cached_property
    def _quotes(self) -> tuple[list[int], list[int], list[int]]:
        fields, starts, lasts = self.batch.original_spans(self.starts, self.ends)
        return fields.tolist(), starts.tolist(), lasts.tolist()

    def of(self, listing: int) -> list[Sign]:
        """The signs of one listing, in order of place."""
        starts, ends, rules = self._lists
        names, families = self._names, self._families
        return [
            Sign(names[rule := rules[at]], families[rule], starts[at], ends[at], self._fields[at], at)
            for at in range(self._borders[listing], self._borders[listing + 1])
        ]

    def text(self, sign: Sign) -> str:
        """The folded words of a sign."""
        return self.batch.text[sign.start : sign.end]

    @cached_property
    def _word_places(self) -> tuple[list[int], list[int]]:
        words = self.batch.words.starts
        return np.searchsorted(words, self.starts).tolist(), np.searchsorted(words, self.ends).tolist()

    def words_before(self, sign: Sign) -> int:
        """How many words of the batch begin before a sign."""
        return self._word_places[0][sign.at]

    def words_through(self, sign: Sign) -> int:
        """How many words of the batch begin before a sign's end."""
        return self._word_places[1][sign.at]

    def between(self, one: Sign, other: Sign) -> str:
        """The folded text between two signs of one field, the earlier first."""
        return self.batch.text[one.end : other.start]

    def quote(self, sign: Sign, weight: float) -> Reason:
        """The sign as a reason: its words in the listing's own spelling."""
        fields, starts, lasts = self._quotes
        return self._reason(fields[sign.at], starts[sign.at], lasts[sign.at], weight, sign.rule)

    def quote_span(self, start: int, end: int, weight: float, rule: str) -> Reason:
        """The same for any folded span that lies within one field."""
        fields, starts, lasts = self.batch.original_spans(np.array([start]), np.array([end]))
        return self._reason(int(fields[0]), int(starts[0]), int(lasts[0]), weight, rule)

    def original(self, listing: int, field: int) -> str:
        """The title (0) or description (1) as it was given, as far as the classifier reads it."""
        return self.batch.listings[listing][field][:MOST_CHARACTERS]

    def original_before(self, sign: Sign, characters: int) -> str:
        """So many characters of the field's own text ahead of a sign."""
        fields, starts, _ = self._quotes
        text = self.batch.listings[fields[sign.at] >> 1][fields[sign.at] & 1]
        return text[max(0, starts[sign.at] - characters) : starts[sign.at]]

    def quote_original(self, listing: int, field: int, span: tuple[int, int], weight: float, rule: str) -> Reason:
        """A span of the field's own text as a reason."""
        start, end = span
        return Reason(FIELDS[field], start, end, self.batch.listings[listing][field][start:end], weight, rule)

    def _reason(self, field: int, start: int, last: int, weight: float, rule: str) -> Reason:
        text = self.batch.listings[field >> 1][field & 1]
        end = last + 1 if text.isascii() else original_end(text, last)
        return Reason(FIELDS[field & 1], start, end, text[start:end], weight, rule)


def is_asked(names: Iterable[str]) -> np.ndarray:
    """Which of the model's rules the answers read."""
    return np.array([name.partition(":")[0] in ASKED for name in names], dtype=bool)


def without_repeats(signs: Iterable[Sign]) -> Iterator[Sign]:
    """The first sign of each rule."""
    met: set[str] = set()
    for sign in signs:
        if sign.rule not in met:
            met.add(sign.rule)
            yield sign
