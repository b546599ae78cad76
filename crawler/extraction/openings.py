"""With which letters the matches of a pattern begin: a look at four of them spares most texts the pattern itself.

The lists of words in many languages are long, and hardly any text of a page begins with one of them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LENGTH = 4
"""Letters that are looked at."""

_parser: Any = importlib.import_module("re._parser")
_TWINS: dict[int, tuple[int, ...]] = importlib.import_module("re._casefix")._EXTRA_CASES
"""Letters that `re` takes for each other beyond upper and lower case: s and ſ, i and ı."""
_NO_WORD = re.compile(r"\W*")
_MOST_OF_RANGE = 64


@dataclass(frozen=True, slots=True)
class Openings:
    """What the texts begin with in which a pattern can match at the start."""

    whole: frozenset[str]
    short: tuple[str, ...]
    """Those behind which anything may follow."""
    bit: int
    """Of what `readers_of` says."""

    def has(self, opening: str) -> bool:
        """Whether a match may begin so."""
        return opening in self.whole or opening.startswith(self.short)


COUNTING = 1
"""The bit of texts like "3 bids"."""
UNKNOWN = -1
_COUNTS_BEGUN = re.compile(r"\W*(?:\Z|\d+\s*(?:[^\W\d_]|\Z))")
_MOST_STARTS = 20_000
_all: list[Openings] = []


class Readers(dict[str, int]):
    """The bits of all that may read texts with these first LENGTH characters: pages begin theirs alike.

    UNKNOWN where they begin with a sign or a blank, because any number may stand before the first letter. What ends
    with a blank may be all of a short text, or go on.
    """

    def __missing__(self, start: str) -> int:
        if len(self) >= _MOST_STARTS:
            self.clear()
        found = UNKNOWN
        if start[:1].isalnum():
            found = readers_of(start) | readers_of(start.rstrip())
        self[start] = found
        return found


READERS = Readers()


def openings(*patterns: re.Pattern[str]) -> Openings:
    """The openings of all texts in which one of the patterns matches at the start, as `opening_of` writes them.

    Made once, where a module is imported. Raises ValueError for a pattern that may begin with anything.
    """
    whole: set[str] = set()
    short: set[str] = set()
    for pattern in patterns:
        short |= _grown(_parser.parse(pattern.pattern, pattern.flags), {""}, whole, short)
    if "" in short:
        raise ValueError("A pattern that may begin with any letter has no openings: write out its first words.")
    made = Openings(frozenset(whole), tuple(sorted(short)), COUNTING << len(_all) + 1)
    _all.append(made)
    READERS.clear()
    return made


def readers_of(text: str) -> int:
    """The bits of all openings that have the text's own, and COUNTING where it may count something."""
    opening = opening_of(text)
    counting = COUNTING if not text[0].isalpha() and _COUNTS_BEGUN.match(text[:LENGTH]) else 0
    return sum((one.bit for one in _all if one.has(opening)), counting)


def opening_of(text: str) -> str:
    """A text's first LENGTH letters, from its first letter or digit on, in one form for upper and lower case.

    Whatever is no letter or digit is a space there. Where the text begins with a letter, LENGTH characters are enough.
    """
    skipped = _NO_WORD.match(text)
    start = skipped.end() if skipped else 0
    return "".join(map(_plain, text[start : start + LENGTH]))


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    if not (letter.isalnum() or letter == "_"):
        return " "
    lower = letter.lower()[:1]
    return min(lower, *map(chr, _TWINS.get(ord(lower), ())))


def _grown(items: Iterable[Any], growing: set[str], whole: set[str], short: set[str]) -> set[str]:
    """What `growing` can have become behind a parsed pattern; what cannot grow any more is put aside on the way."""
    for operation, value in items:
        growing = _added(str(operation), value, growing, whole, short)
        full = {one for one in growing if len(one) == LENGTH}
        whole |= full
        growing = growing - full
        if not growing:
            break
    return growing


def _added(operation: str, value: Any, growing: set[str], whole: set[str], short: set[str]) -> set[str]:
    match operation:
        case "LITERAL":
            return _with_letters({chr(value)}, growing)
        case "IN" if (letters := _letters(value)) is not None:
            return _with_letters(letters, growing)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, items = value
            found = set(growing) if least == 0 else set()
            for _ in range(min(most, LENGTH)):
                growing = _grown(items, growing, whole, short)
                found |= growing
            return found
        case "BRANCH":
            return set().union(*(_grown(items, growing, whole, short) for items in value[1]))
        case "SUBPATTERN":
            return _grown(value[3], growing, whole, short)
        case "ATOMIC_GROUP":
            return _grown(value, growing, whole, short)
        case "AT" if str(value) == "AT_END_STRING":
            whole |= growing
            return set()
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return growing
    short |= growing  # anything may follow
    return set()


def _with_letters(letters: set[str], growing: set[str]) -> set[str]:
    plain = set(map(_plain, letters))
    return {one + letter if one or letter != " " else one for one in growing for letter in plain}


def _letters(members: Iterable[Any]) -> set[str] | None:
    """The characters of a set, one blank for all that are no letters; None where they are too many to tell."""
    found: set[str] = set()
    for operation, value in members:
        if str(operation) == "LITERAL":
            found.add(chr(value))
        elif str(operation) == "RANGE" and value[1] - value[0] < _MOST_OF_RANGE:
            found.update(map(chr, range(value[0], value[1] + 1)))
        elif str(value) in ("CATEGORY_NOT_WORD", "CATEGORY_SPACE"):
            found.add(" ")
        else:
            return None
    return found
