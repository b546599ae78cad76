"""Folding of text for matching, with the way back to the original characters.

Folded text has no case, accents, harakat, tatweel, zero-width characters or presentation forms; alef, ya, kaf and
ta marbuta have one form each, digits are ASCII. Folding works character by character, so that every folded character
knows where it came from; many texts are folded at once by table, one array operation a step.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
"""Unicode code points."""

OWN_FORMS = {
    "ة": "ه",
    "ى": "ي",
    "ی": "ي",
    "ئ": "ي",
    "ک": "ك",
    "ٱ": "ا",
    "ـ": "",
    "ı": "i",
    "ø": "o",
    "Ø": "o",
    "ł": "l",
    "Ł": "l",
    "đ": "d",
    "æ": "ae",
    "Æ": "ae",
    "œ": "oe",
    "Œ": "oe",
    "‐": "-",
    "‑": "-",
    "–": "-",
    "—": "-",
    "−": "-",
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "\u200c": " ",  # Persian writes its compounds with a zero-width non-joiner or with a space
}


def fold_character(character: str) -> str:
    """The folded form of one character; folding it again changes nothing."""
    folded = character
    while True:
        once = "".join(_fold_once(c) for c in folded)
        if once == folded:
            return folded
        folded = once


def _fold_once(character: str) -> str:
    if character in OWN_FORMS:
        return OWN_FORMS[character]
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    kept = (
        OWN_FORMS.get(c, c)
        for c in unicodedata.normalize("NFKD", character)
        if unicodedata.category(c) not in ("Mn", "Me", "Cf")
    )
    return "".join(kept).casefold()


def code_points(text: str) -> Codes:
    """The code points of a text; lone surrogates too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def as_text(codes: Codes) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


class Folded(NamedTuple):
    """Folded characters, and for each the index in the original text it came from (None: the same index)."""

    codes: Codes
    origins: NDArray[np.int64] | None

    def original(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return places if self.origins is None else self.origins[places]

    def keep(self, kept: NDArray[np.bool_]) -> Folded:
        """Without the characters that are not kept."""
        where = np.flatnonzero(kept)
        return Folded(self.codes[where], self.original(where))


class _FoldTable:
    """Every code point's folded form, filled as characters are met."""

    def __init__(self) -> None:
        size = 0x110000
        self._length = np.full(size, 255, dtype=np.uint8)
        self._first = np.zeros(size, dtype=np.uint32)
        self._longer: dict[int, Codes] = {}
        self._learn(range(128))

    def _learn(self, codes: Sequence[int]) -> None:
        for code in codes:
            folded = code_points(fold_character(chr(code)))
            self._length[code] = len(folded)
            self._first[code] = folded[0] if len(folded) else 0
            if len(folded) > 1:
                self._longer[code] = folded

    def fold(self, codes: Codes) -> Folded:
        lengths = self._length[codes]
        most = int(lengths.max(initial=1))
        if most == 255:
            self._learn(np.unique(codes[lengths == 255]).tolist())
            lengths = self._length[codes]
            most = int(lengths.max(initial=1))
        if most == 1 and lengths.all():
            return Folded(self._first[codes], None)
        origins = np.repeat(np.arange(len(codes)), lengths)
        folded = self._first[codes[origins]]
        if most > 1:
            starts = np.cumsum(lengths, dtype=np.int64) - lengths
            for index in np.flatnonzero(lengths > 1).tolist():
                longer = self._longer[int(codes[index])]
                folded[starts[index] : starts[index] + len(longer)] = longer
        return Folded(folded, origins)


_TABLE = _FoldTable()


def fold_codes(codes: Codes) -> Folded:
    """Fold code points, of one text or of many joined."""
    return _TABLE.fold(codes)


def fold(text: str) -> str:
    """The folded text."""
    return text.lower() if text.isascii() else as_text(fold_codes(code_points(text)).codes)


def original_end(text: str, last: int) -> int:
    """The end of the span of `text` whose last character folded to something: marks that fold to nothing belong to
    the letter before them."""
    end = last + 1
    while end < len(text) and unicodedata.category(text[end]) in ("Mn", "Me"):
        end += 1
    return end
