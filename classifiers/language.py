"""Which language a short text is in: by script, then by the letter triples of its words."""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifiers.normalise import fold

LATIN = ("en", "fr", "de", "es", "it", "tr")
SLOTS = 1 << 13
MARGIN = 1.2
"""The lead in log-odds that the best Latin language needs over the second."""
PERSIAN_LETTERS = frozenset("پچژگ")
PERSIAN_WORDS = frozenset(fold("در از به که این است با برای قدیمی فروش سکه می های").split())


def trigram_slots(word: str) -> list[int]:
    """The table rows of a folded word's letter triples, its edges marked, and of the word itself."""
    marked = f"<{word}>"
    grams = [marked[i : i + 3] for i in range(len(marked) - 2)] + [marked]
    return [zlib.crc32(gram.encode()) % SLOTS for gram in grams]


def train_table(words_by_language: dict[str, list[str]]) -> NDArray[np.float16]:
    """Log-probabilities of letter triples, one column a Latin language."""
    table = np.full((SLOTS, len(LATIN)), 0.05)
    for column, language in enumerate(LATIN):
        for word in words_by_language.get(language, []):
            for slot in trigram_slots(word):
                table[slot, column] += 1
    logs: NDArray[np.float64] = np.log(table / table.sum(axis=0))
    centred: NDArray[np.float16] = np.round(logs - logs.mean(axis=1, keepdims=True), 3).astype(np.float16)
    return centred


class LanguageGuess:
    """Guesses one of en, fr, ar, de, es, it, tr, fa, ru, el, he, or None where the text leaves it open."""

    def __init__(self, table: NDArray[np.float16]) -> None:
        self._table = table.astype(np.float32)
        self._evidence = lru_cache(maxsize=100_000)(self._find_evidence)

    def _find_evidence(self, word: str) -> tuple[float, ...]:
        return tuple(self._table[trigram_slots(word)].sum(axis=0).tolist())

    def guess(self, words: list[str]) -> str | None:
        """The language of folded words (the first hundred are enough)."""
        words = [word for word in words[:100] if not word[0].isdigit()]
        by_script = _by_script(words)
        if by_script != "latin":
            return by_script
        columns = zip(*(self._evidence(word) for word in words if word[0] < "\u0250"), strict=True)
        totals = [sum(column) for column in columns]
        best = sorted(range(len(LATIN)), key=totals.__getitem__, reverse=True)
        return LATIN[best[0]] if totals[best[0]] - totals[best[1]] >= MARGIN else None


def _by_script(words: list[str]) -> str | None:
    if words and "".join(words).isascii():
        return "latin"
    counts = {"latin": 0, "ar": 0, "ru": 0, "el": 0, "he": 0}
    for word in words:
        first = word[0]
        if first < "\u0250":
            counts["latin"] += len(word)
        elif "\u0600" <= first <= "\u06ff":
            counts["ar"] += len(word)
        elif "\u0400" <= first <= "\u04ff":
            counts["ru"] += len(word)
        elif "\u0370" <= first <= "\u03ff":
            counts["el"] += len(word)
        elif "\u0590" <= first <= "\u05ff":
            counts["he"] += len(word)
    script = max(counts, key=counts.__getitem__)
    if not counts[script]:
        return None
    if script == "ar":
        persian = sum(bool(PERSIAN_LETTERS & set(word)) + (word in PERSIAN_WORDS) for word in words)
        return "fa" if persian >= 2 or (persian and len(words) < 5) else "ar"
    return script
