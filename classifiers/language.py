"""Which language a short text is in: by script, then by the letter triples of its words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from classifiers.normalise import code_points, fold
from classifiers.words import DIGIT, LETTER, Batch, Hashes, Places, SpanHashes, text_hashes

LANGUAGES = ("en", "fr", "ar", "de", "es", "it", "tr", "fa", "ru", "el", "he", "zh", "uk")
UNKNOWN = -1
LATIN = ("en", "fr", "de", "es", "it", "tr")
SLOT_BITS = 13
SLOTS = 1 << SLOT_BITS
MARGIN, MARGIN_OF_ONE_WORD = 2.0, 6.0
"""The lead in log-odds that the best Latin language needs over the second, and what a single word needs beside it: two
words that several languages share ("Roman denarius") tell no language."""
MOST_WORDS = 50
"""So many words of a listing are enough."""
PERSIAN_LETTERS = np.array([ord(c) for c in "پچژگ"], dtype=np.uint32)
PERSIAN_WORDS = text_hashes(sorted(set(fold("در از به که این است با برای قدیمی فروش سکه می های").split())))
_SCRIPTS = (("ar", 0x600, 0x6FF), ("ru", 0x400, 0x4FF), ("el", 0x370, 0x3FF), ("he", 0x590, 0x5FF))
_LATIN_END = 0x250


def _slots(hashes: Hashes) -> Places:
    return (hashes >> np.uint64(64 - SLOT_BITS)).astype(np.int64)


def _triple_slots(hashes: SpanHashes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Table rows of the letter triples of marked words (spans with the mark before and behind), and how many each
    word has."""
    counts = ends - starts - 2
    first = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
    return _slots(hashes.of(first, first + 3)), counts


def train_table(words_by_language: Mapping[str, Iterable[str]]) -> NDArray[np.float16]:
    """Log-probabilities of letter triples, one column a Latin language."""
    table = np.full((SLOTS, len(LATIN)), 0.05)
    for column, language in enumerate(LATIN):
        words = list(words_by_language.get(language, ()))
        if not words:
            continue
        codes = code_points(" " + " ".join(words) + " ")
        lengths = np.array([len(word) + 1 for word in words], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        hashes, ends = SpanHashes(codes), starts + lengths + 1
        np.add.at(table[:, column], _triple_slots(hashes, starts, ends)[0], 1)
        np.add.at(table[:, column], _slots(hashes.of(starts, ends)), 1)
    logs: NDArray[np.float64] = np.log(table / table.sum(axis=0))
    centred: NDArray[np.float16] = np.round(logs - logs.mean(axis=1, keepdims=True), 3).astype(np.float16)
    return centred


class LanguageGuess:
    """Guesses the language of each listing of a batch: one of LANGUAGES, UNKNOWN where the text leaves it open."""

    def __init__(self, table: NDArray[np.float16]) -> None:
        self._table = table.astype(np.float32)

    def guess(self, batch: Batch) -> NDArray[np.int64]:
        """The index in LANGUAGES of each listing's language, or UNKNOWN."""
        words = batch.words
        listing = words.fields >> 1
        ranks = np.arange(len(words)) - np.searchsorted(listing, np.arange(batch.size))[listing]
        chosen = np.flatnonzero((words.kinds != DIGIT) & (ranks < MOST_WORDS))
        starts, ends, listing = words.starts[chosen], words.ends[chosen], listing[chosen]
        initial = batch.codes[starts]
        latin = initial < _LATIN_END
        guessed = self._latin(batch, starts[latin], ends[latin], listing[latin])
        if latin.all():
            return guessed
        lengths = ends - starts
        amounts = [np.bincount(listing[latin], lengths[latin], batch.size)]
        for _, low, high in _SCRIPTS:
            inside = (initial >= low) & (initial <= high)
            amounts.append(np.bincount(listing[inside], lengths[inside], batch.size))
        most = np.argmax(amounts, axis=0)
        for number, (language, _, _) in enumerate(_SCRIPTS, start=1):
            guessed[most == number] = LANGUAGES.index(language)
        self._tell_persian(batch, guessed, words.hashes[chosen], listing)
        return guessed

    def _latin(self, batch: Batch, starts: Places, ends: Places, listing: Places) -> NDArray[np.int64]:
        guessed = np.full(batch.size, UNKNOWN, dtype=np.int64)
        if not len(starts):
            return guessed
        # every word with a blank before and behind, so that its edges tell as much as its middle
        marked = np.where(batch.kinds == LETTER, batch.codes, np.uint32(32))
        starts, ends = np.maximum(starts - 1, 0), np.minimum(ends + 1, len(marked))
        hashes = SpanHashes(marked)
        slots, counts = _triple_slots(hashes, starts, ends)
        evidence = np.add.reduceat(self._table[slots], np.cumsum(counts) - counts, axis=0)
        evidence += self._table[_slots(hashes.of(starts, ends))]
        spoken, first = np.unique(listing, return_index=True)
        totals = np.zeros((batch.size, len(LATIN)), dtype=np.float32)
        totals[spoken] = np.add.reduceat(evidence, first, axis=0)
        best = np.argsort(totals, axis=1)
        rows = np.arange(batch.size)
        count = np.bincount(listing, minlength=batch.size)
        needed = MARGIN + MARGIN_OF_ONE_WORD / np.maximum(count, 1)
        sure = totals[rows, best[:, -1]] - totals[rows, best[:, -2]] >= needed
        names = np.array([LANGUAGES.index(language) for language in LATIN])
        guessed[sure] = names[best[sure, -1]]
        return guessed

    @staticmethod
    def _tell_persian(batch: Batch, guessed: NDArray[np.int64], hashes: Hashes, listing: Places) -> None:
        """Persian has letters and words of its own in the Arabic script."""
        letters = np.flatnonzero(np.isin(batch.codes, PERSIAN_LETTERS))
        where = (np.searchsorted(batch.field_starts, letters, side="right") - 1) >> 1
        spoken = listing[np.isin(hashes, PERSIAN_WORDS)]
        signs = np.bincount(where, minlength=batch.size) + np.bincount(spoken, minlength=batch.size)
        few = np.bincount(listing, minlength=batch.size) < 5
        arabic = guessed == LANGUAGES.index("ar")
        guessed[arabic & ((signs >= 2) | ((signs > 0) & few))] = LANGUAGES.index("fa")
