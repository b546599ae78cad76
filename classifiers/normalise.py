"""Folding of text for matching, with the way back to the original characters.

Folded text has no case, accents, harakat, tatweel, zero-width characters or presentation forms; alef, ya, kaf and
ta marbuta have one form each, digits are ASCII. Folding works character by character, so that every folded character
knows where it came from.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

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


class _Folds(dict[int, str]):
    """str.translate's table, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        folded = fold_character(chr(code))
        self[code] = folded
        return folded


FOLDS = _Folds()


def fold(text: str) -> str:
    """The folded text."""
    return text.lower() if text.isascii() else text.translate(FOLDS)


def origins(text: str) -> Sequence[int]:
    """For each character of `fold(text)`, the index in `text` it came from."""
    if text.isascii():
        return range(len(text))
    return [index for index, character in enumerate(text) for _ in FOLDS[ord(character)]]


def original_span(text: str, places: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """The span of `text` behind the folded span; marks that fold to nothing stay with the letter before them."""
    first, last = places[start], places[end - 1] + 1
    while last < len(text) and unicodedata.category(text[last]) in ("Mn", "Me"):
        last += 1
    return first, last
