"""What of an object is compared: read once from a listing or a register entry, whatever language it is told in.

Type, material and period come as the classifiers' ids, so that an Arabic entry and a French offer meet; sizes and
weight are numbers; words meet only within a language, names and legends across them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from storage.folding import fold

MOST_TEXT = 6_000
"""Characters of a text that are compared."""
MOST_SIZES = 6
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d")
_STEM = 5
"""Letters of a longer word that are compared: inflections, and many words that languages share, agree in these."""
_SAME_LETTERS = str.maketrans({"y": "i", "k": "c", "z": "s", "w": "v"})
_LEAST_NUMBER = 4
"""Signs of an inventory number below which it is too short to look for in a text."""


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    id: int
    """Of the listing or register entry, as the database counts them."""
    text: str = ""
    """Title and description as they stand, the title on a line of its own."""
    types: frozenset[str] = frozenset()
    materials: frozenset[str] = frozenset()
    periods: frozenset[str] = frozenset()
    years: tuple[int, int] | None = None
    """First and last; before our era negative."""
    sizes_mm: tuple[float, ...] = ()
    """Without their axes: sellers swap height and width."""
    weight_g: float | None = None
    numbers: tuple[str, ...] = ()
    """Inventory and reference numbers, as written. A listing has none: they are looked for in its text."""
    inscription: str = ""
    concepts: frozenset[str] = frozenset()
    """Lexicon groups that the text names (motif:lion), whatever its language."""

    language: str | None = None
    """Of the text, ISO 639-1. Words that two languages do not share say nothing against."""

    def stems(self) -> frozenset[str]:
        return words_of(f"{self.text} {self.inscription}")

    def described(self) -> frozenset[str]:
        """The stems of what stands below the title; of all where nothing does.

        A title names type and period, which are compared as such, and it is what a seller falsifies.
        """
        _, _, below = self.text.partition("\n")
        return words_of(f"{below} {self.inscription}") or self.stems()


def words_of(text: str) -> frozenset[str]:
    """The stems of a text's words, folded. Words of two letters and single digits say nothing."""
    found = set()
    for word in _WORD.findall(fold(text[:MOST_TEXT])):
        if len(word) >= 3 or (len(word) == 2 and word.isdigit()):
            found.add(word if _DIGITS.search(word) else word.translate(_SAME_LETTERS)[:_STEM])
    return frozenset(found)


def number_key(number: str) -> str | None:
    """An inventory number without its signs and spaces ("I.M. 12-345" -> im12345); None where it is too short to be
    looked for, or holds no digit."""
    key = "".join(_WORD.findall(fold(number)))
    digits = len(_DIGITS.findall(key))
    letters = len(key) - digits
    return key if len(key) >= _LEAST_NUMBER and digits >= 2 and (letters or digits >= 5) else None


def number_keys_in(text: str) -> frozenset[str]:
    """Every run of up to four neighbouring words of a text that could be an inventory number."""
    words = _WORD.findall(fold(text[:MOST_TEXT]))
    with_digit = [bool(_DIGITS.search(word)) for word in words]
    found = set()
    for start in range(len(words)):
        for end in range(start + 1, min(start + 5, len(words) + 1)):
            if any(with_digit[start:end]) and (key := number_key("".join(words[start:end]))):
                found.add(key)
    return frozenset(found)


def finding_ids(answers: Mapping[str, Any] | None, name: str) -> frozenset[str]:
    """The ids of one answer of an assessment, as `crawler.answer_records` writes it."""
    return frozenset(one["id"] for one in (answers or {}).get(name) or () if one["weight"] > 0)


def years_of(answers: Mapping[str, Any] | None) -> tuple[int, int] | None:
    years = (answers or {}).get("years")
    return (years["first"], years["last"]) if years else None


def sizes_of(millimetres: Iterable[float]) -> tuple[float, ...]:
    """The largest few, largest first."""
    return tuple(sorted((one for one in millimetres if one > 0), reverse=True)[:MOST_SIZES])
