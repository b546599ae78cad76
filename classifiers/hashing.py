"""Words and letters as numbers: the hashed part of the model, additive word by word.

A listing is the weighted sum of its distinct words; a word is its own feature plus the features of the letter groups
in it, and neighbouring words make a feature together. Because the sum is additive, what a word adds to the score is
exactly what the reasons say it adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from classifiers.reading import Reading
from classifiers.words import LETTER, Hashes, Places, SpanHashes, mix

SLOT_BITS = 18
SLOTS = 1 << SLOT_BITS
LETTERS = (3, 4, 5)
LETTER_SHARE = 0.8
LEAST_LETTERS = 3
"""A shorter word has no letter groups."""
DESCRIPTION_SHARE = 0.5
_EDGE = np.uint32(1)
_WORD, _GROUP, _PAIR = (np.uint64(seed) for seed in (0x51ED270B, 0x2545F491, 0x9E3779B9))

Weights = NDArray[np.float32]
"""A weight for each slot."""


def _slots(hashes: Hashes, kind: np.uint64) -> Places:
    return (mix(hashes ^ kind) >> np.uint64(64 - SLOT_BITS)).astype(np.int64)


def _first_of_each(keys: Hashes) -> Places:
    """Where each distinct key stands first, in that order."""
    _, first = np.unique(keys, return_index=True)
    first.sort()
    return first


@dataclass(frozen=True, slots=True)
class Hashed:
    """The distinct telling words of each listing and its distinct pairs of neighbours, with the values they count by.

    A listing's word values have unit length together.
    """

    words: Places
    """Indices into the batch's words."""
    word_values: NDArray[np.float64]
    firsts: Places
    seconds: Places
    """The two words of each pair."""
    pair_values: NDArray[np.float64]
    _group_codes: SpanHashes
    _word_hashes: Hashes
    _pair_hashes: Hashes
    _starts: Places
    _ends: Places

    @classmethod
    def of(cls, reading: Reading) -> Hashed:
        batch, words = reading.batch, reading.batch.words
        telling = reading.telling
        listing = words.fields[telling] >> 1
        hashes = words.hashes[telling]
        salt = mix(listing.astype(np.uint64) + np.uint64(1))
        chosen = telling[_first_of_each(mix(hashes) ^ salt)]
        share = np.where(words.fields & 1, DESCRIPTION_SHARE, 1.0)
        listings = words.fields[chosen] >> 1
        squares = np.bincount(listings, share[chosen] ** 2, minlength=batch.size)
        norm = np.sqrt(np.maximum(squares, 1e-12))
        together = words.fields[telling[1:]] == words.fields[telling[:-1]] if len(telling) else np.zeros(0, dtype=bool)
        firsts, seconds = telling[:-1][together], telling[1:][together]
        pair_hashes = mix(words.hashes[firsts]) + words.hashes[seconds]
        kept = _first_of_each(mix(pair_hashes) ^ salt[:-1][together]) if len(firsts) else np.zeros(0, dtype=np.int64)
        firsts, seconds, pair_hashes = firsts[kept], seconds[kept], pair_hashes[kept]
        marked = np.where(batch.kinds == LETTER, batch.codes, _EDGE)
        return cls(
            words=chosen,
            word_values=share[chosen] / norm[listings],
            firsts=firsts,
            seconds=seconds,
            pair_values=share[firsts] / norm[words.fields[firsts] >> 1],
            _group_codes=SpanHashes(marked),
            _word_hashes=words.hashes[chosen],
            _pair_hashes=pair_hashes,
            _starts=words.starts[chosen],
            _ends=words.ends[chosen],
        )

    def weigh(self, weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
        """What each word and each pair adds to the margin, and whether a word is known as a word: one judged by its
        letters alone gives no reason."""
        own = weights[_slots(self._word_hashes, _WORD)]
        letters = np.zeros(len(self.words))
        lengths = self._ends - self._starts
        for size in LETTERS:
            hashes = self._group_codes.all_of(size)
            sums = np.zeros(len(hashes) + 1)
            np.cumsum(weights[_slots(hashes, _GROUP)], dtype=np.float64, out=sums[1:])
            low = self._starts - 1
            high = np.maximum(self._ends + 2 - size, low)
            some = lengths >= LEAST_LETTERS
            letters[some] += sums[high[some]] - sums[low[some]]
        values = own + letters * self._letter_values()
        return values * self.word_values, own != 0, weights[_slots(self._pair_hashes, _PAIR)] * self.pair_values

    def _group_counts(self) -> Places:
        lengths = self._ends - self._starts
        counts = sum(np.maximum(lengths + 3 - size, 0) for size in LETTERS)
        return np.where(lengths >= LEAST_LETTERS, counts, 0)

    def _letter_values(self) -> NDArray[np.float64]:
        return LETTER_SHARE / np.sqrt(np.maximum(self._group_counts(), 1))

    def rows(self, reading: Reading) -> csr_matrix:
        """The listings as rows of slots, for training."""
        fields = reading.batch.words.fields
        listing = fields[self.words] >> 1
        owners = [listing, fields[self.firsts] >> 1]
        slots = [_slots(self._word_hashes, _WORD), _slots(self._pair_hashes, _PAIR)]
        values = [self.word_values, self.pair_values]
        lengths = self._ends - self._starts
        each = self.word_values * self._letter_values()
        some = np.flatnonzero(lengths >= LEAST_LETTERS)
        for size in LETTERS:
            counts = np.maximum(lengths[some] + 3 - size, 0)
            first = np.repeat(self._starts[some] - 1 - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            owners.append(np.repeat(listing[some], counts))
            slots.append(_slots(self._group_codes.of(first, first + size), _GROUP))
            values.append(np.repeat(each[some], counts))
        place = (np.concatenate(owners), np.concatenate(slots))
        matrix = csr_matrix((np.concatenate(values), place), shape=(reading.batch.size, SLOTS), dtype=np.float32)
        matrix.sum_duplicates()
        return matrix
