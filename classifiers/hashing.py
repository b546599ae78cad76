"""Words and letters as numbers: the hashed part of the model, additive word by word.

A listing is the weighted sum of its distinct words; a word is its own feature plus the features of the letter groups
in it. Because the sum is additive, what a word adds to the score is exactly what the reasons say it adds.
"""

from __future__ import annotations

import math
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifiers.reading import Reading, Word, word_pairs

SLOTS = 1 << 18
LETTERS = (3, 4, 5)
LETTER_SHARE = 0.8
DESCRIPTION_SHARE = 0.5
MOST_WORDS = 300


def slot(kind: str, text: str) -> int:
    """The place of a feature in the weights; the same on every machine."""
    return zlib.crc32(f"{kind}\x00{text}".encode()) & (SLOTS - 1)


@lru_cache(maxsize=300_000)
def word_slots(form: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Slots and values of one word: itself, and its letter groups sharing a unit length."""
    slots, values = [slot("word", form)], [1.0]
    if len(form) > 2:
        marked = f"<{form}>"
        groups = {marked[i : i + n] for n in LETTERS for i in range(len(marked) - n + 1)}
        share = LETTER_SHARE / math.sqrt(len(groups)) if groups else 0.0
        for group in sorted(groups):
            slots.append(slot("letters", group))
            values.append(share)
    return tuple(slots), tuple(values)


@lru_cache(maxsize=300_000)
def pair_slot(first: str, second: str) -> int:
    return slot("pair", f"{first} {second}")


def distinct_words(reading: Reading) -> list[tuple[Word, str, float]]:
    """The words that count, each once, with the weight of its place; the weights have unit length together."""
    seen: set[str] = set()
    found: list[tuple[Word, str, float]] = []
    square = 0.0
    for word in reading.telling[:MOST_WORDS]:
        form = word.text
        if form in seen or (len(form) == 1 and form.isascii()):
            continue
        seen.add(form)
        share = 1.0 if word.field == "title" else DESCRIPTION_SHARE
        square += share * share
        found.append((word, form, share))
    norm = math.sqrt(square) if square else 1.0
    return [(word, form, share / norm) for word, form, share in found]


def distinct_pairs(reading: Reading, words: list[tuple[Word, str, float]]) -> list[tuple[Word, Word, str, str, float]]:
    """Neighbouring words, each pair once, weighted like the words."""
    unit = words[0][2] / (1.0 if words[0][0].field == "title" else DESCRIPTION_SHARE) if words else 0.0
    seen: set[tuple[str, str]] = set()
    found = []
    for first, second in word_pairs(reading)[:MOST_WORDS]:
        forms = first.text, second.text
        if forms not in seen:
            seen.add(forms)
            share = unit * (1.0 if first.field == "title" else DESCRIPTION_SHARE)
            found.append((first, second, *forms, share))
    return found


def hashed_row(reading: Reading) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The hashed part of a listing as slots and values (a slot may come more than once: values add up)."""
    slots: list[int] = []
    values: list[float] = []
    words = distinct_words(reading)
    for _, form, share in words:
        own_slots, own_values = word_slots(form)
        slots += own_slots
        values += (value * share for value in own_values)
    for _, _, first, second, share in distinct_pairs(reading, words):
        slots.append(pair_slot(first, second))
        values.append(share)
    return np.array(slots, dtype=np.int32), np.array(values, dtype=np.float32)
