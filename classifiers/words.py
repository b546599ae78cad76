"""Many listings as one array of folded characters, and its words with their hashes.

Everything that a model reads of a listing is computed for a batch of listings at once, in array operations: Python
objects are made for nothing but what a reader is shown. A batch may hold one listing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifiers.normalise import Codes, Folded, as_text, code_points, fold_codes

Places = NDArray[np.int64]
"""Indices: of characters, words or listings of a batch."""
Hashes = NDArray[np.uint64]

MOST_CHARACTERS = 6000
"""What is read of a description; sellers' terms of business follow after that."""
LEAST_SPELLED = 4
"""People write a word's letters apart so that no search finds it: so many single letters in a row are one word."""
SEPARATOR = "\n\x00\n"
"""Stands behind every field of a batch; no pattern crosses its middle."""
TOKEN = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*|[🏺🗿🪙⚱📜🐞🪲]")
"""The words of a folded text, as `find_words` finds them."""
SYMBOLS = tuple(ord(c) for c in "🏺🗿🪙⚱📜🐞🪲")
OTHER, LETTER, DIGIT, SYMBOL = range(4)
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)


class _CharacterKinds:
    """Whether a code point is a letter, a digit, a symbol of the trade, or other; filled as characters are met."""

    def __init__(self) -> None:
        self._kinds = np.full(0x110000, 255, dtype=np.uint8)
        self._learn(range(128))
        self._kinds[list(SYMBOLS)] = SYMBOL

    def _learn(self, codes: Sequence[int]) -> None:
        for code in codes:
            letter = re.match(r"[^\W\d_]", chr(code))
            self._kinds[code] = LETTER if letter else DIGIT if chr(code).isdecimal() else OTHER

    def of(self, codes: Codes) -> NDArray[np.uint8]:
        kinds = self._kinds[codes]
        if kinds.max(initial=0) == 255:
            self._learn(np.unique(codes[kinds == 255]).tolist())
            kinds = self._kinds[codes]
        return kinds


_KINDS = _CharacterKinds()


class _Powers:
    """Powers of the hash's base modulo 2^64 and their inverses, grown as longer batches come."""

    def __init__(self) -> None:
        self._powers = self._inverses = np.ones(1, dtype=np.uint64)

    def up_to(self, size: int) -> tuple[Hashes, Hashes]:
        if size > len(self._powers):
            whole = 1 << max(12, size.bit_length())
            base, inverse = np.uint64(_BASE), np.uint64(pow(_BASE, -1, 1 << 64))
            self._powers, self._inverses = (
                np.cumprod(np.concatenate([[np.uint64(1)], np.full(whole - 1, factor)]), dtype=np.uint64)
                for factor in (base, inverse)
            )
        return self._powers[:size], self._inverses[:size]


_POWERS = _Powers()


def mix(hashes: Hashes) -> Hashes:
    """Spread what tells hashes apart over all their bits."""
    mixed = hashes ^ (hashes >> np.uint64(32))
    mixed *= _MIX
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    mixed ^= mixed >> np.uint64(32)
    return mixed


class SpanHashes:
    """Hashes of any spans of an array of code points, each in constant time; equal text, equal hash."""

    def __init__(self, codes: Codes) -> None:
        powers, self._inverses = _POWERS.up_to(len(codes) + 1)
        self._sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum((codes.astype(np.uint64) + np.uint64(1)) * powers[:-1], out=self._sums[1:])

    def of(self, starts: Places, ends: Places) -> Hashes:
        return mix((self._sums[ends] - self._sums[starts]) * self._inverses[starts])

    def all_of(self, length: int) -> Hashes:
        """The hashes of all spans of one length, in order."""
        return mix((self._sums[length:] - self._sums[:-length]) * self._inverses[: len(self._sums) - length])


def text_hash(text: str) -> int:
    """The hash that `SpanHashes` gives this text, wherever it stands."""
    codes = code_points(text)
    return int(SpanHashes(codes).of(np.array([0]), np.array([len(codes)]))[0])


def text_hashes(texts: Sequence[str]) -> Hashes:
    """The hashes of many texts."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    ends = np.cumsum(lengths)
    return SpanHashes(code_points("".join(texts))).of(ends - lengths, ends)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a batch, in order: letters in a row, numbers with their inner points and commas, symbols."""

    starts: Places
    ends: Places
    fields: Places
    """Twice the listing's index, plus one in the description."""
    kinds: NDArray[np.uint8]
    hashes: Hashes

    def __len__(self) -> int:
        return len(self.starts)


class Batch:
    """Listings, each a (title, description), joined and folded. Offsets are of the folded whole unless said."""

    def __init__(self, listings: Sequence[tuple[str, str | None]]) -> None:
        self.listings = [(title, description or "") for title, description in listings]
        self.size = len(self.listings)
        texts = [text[:MOST_CHARACTERS].replace("\x00", " ") for pair in self.listings for text in pair]
        original = code_points("\n" + SEPARATOR.join([*texts, ""]))  # every word has a character before it
        lengths = np.array([len(text) + len(SEPARATOR) for text in texts], dtype=np.int64)
        self.original_starts: Places = np.cumsum(lengths) - lengths + 1
        """Where each field begins in the joined original."""
        self._folded = _join_spelled(fold_codes(original))
        self.codes = self._folded.codes

    @cached_property
    def text(self) -> str:
        """The folded whole."""
        return as_text(self.codes)

    @cached_property
    def field_starts(self) -> Places:
        """Where each field begins in the folded whole."""
        ends = np.flatnonzero(self.codes == 0) + 2
        return np.concatenate([np.ones(1, dtype=np.int64), ends[:-1]])

    @cached_property
    def hashes(self) -> SpanHashes:
        return SpanHashes(self.codes)

    @cached_property
    def kinds(self) -> NDArray[np.uint8]:
        """The kind of every character; a point or comma between digits counts as a digit."""
        kinds = _KINDS.of(self.codes)
        between = np.flatnonzero((self.codes[1:-1] == 46) | (self.codes[1:-1] == 44)) + 1
        between = between[(kinds[between - 1] == DIGIT) & (kinds[between + 1] == DIGIT)]
        kinds[between] = DIGIT
        return kinds

    @cached_property
    def words(self) -> Words:
        kinds = self.kinds
        before = np.empty_like(kinds)
        before[0], before[1:] = OTHER, kinds[:-1]
        changed = (kinds != before) | (kinds == SYMBOL)
        starts = np.flatnonzero(changed & (kinds != OTHER))
        edges = np.flatnonzero(changed)
        ends = edges[np.searchsorted(edges, starts, side="right")]  # the batch ends with a separator
        fields = np.searchsorted(self.field_starts, starts, side="right") - 1
        return Words(starts, ends, fields, kinds[starts], self.hashes.of(starts, ends))

    def original_spans(self, starts: Places, ends: Places) -> tuple[Places, Places, Places]:
        """Of folded spans: field, start and last character in that field's own text."""
        first, last = self._folded.original(starts), self._folded.original(ends - 1)
        fields = np.searchsorted(self.original_starts, first, side="right") - 1
        offsets = self.original_starts[fields]
        return fields, first - offsets, last - offsets


def _join_spelled(folded: Folded) -> Folded:
    """Runs of LEAST_SPELLED or more single letters, one same character apart, without those characters."""
    codes = folded.codes
    kinds = _KINDS.of(codes)
    letter = kinds == LETTER
    if len(codes) < 2 * LEAST_SPELLED:
        return folded
    lone = letter.copy()
    lone[1:] &= ~letter[:-1]
    lone[:-1] &= ~letter[1:]
    places = np.flatnonzero(lone)
    linked = np.zeros(len(places), dtype=bool)
    linked[1:] = (places[1:] - places[:-1] == 2) & (kinds[places[1:] - 1] == OTHER)
    if np.count_nonzero(linked) < LEAST_SPELLED - 1:
        return folded
    gaps = np.zeros(len(places), dtype=np.uint32)
    gaps[1:] = codes[places[1:] - 1]
    joins = linked.copy()
    joins[2:] &= ~linked[1:-1] | (gaps[2:] == gaps[1:-1])
    runs = np.cumsum(~joins)
    long_enough = np.bincount(runs)[runs] >= LEAST_SPELLED
    drop = places[joins & long_enough] - 1
    kept = np.ones(len(codes), dtype=bool)
    kept[drop] = False
    return folded.keep(kept)
