"""The folded shadow of a text that search looks in, so that both databases answer alike in every language.

What people write in different ways has one form here: case, accents, Arabic vowel signs, alef/ya/kaf/ta marbuta forms,
digits, the Arabic article. It is for finding only, never for showing.
"""

from __future__ import annotations

import re
import unicodedata

_LETTERS = str.maketrans(
    {
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ې": "ي",
        "ے": "ي",
        "ک": "ك",
        "ڪ": "ك",
        "ة": "ه",
        "ہ": "ه",
        "ھ": "ه",
        "ە": "ه",
        "ـ": None,
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ı": "i",
        "’": "'",
        "‘": "'",
        "‐": "-",
        "‑": "-",
        "–": "-",
        "—": "-",
        "ʿ": None,
        "ʾ": None,
        "ʻ": None,
        "ʼ": None,
    }
)
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cs"})
"""Marks, invisible format characters, and halves of surrogate pairs, which no database takes."""
_ARABIC_ARTICLE = re.compile(r"(?<!\w)(?:[وفبك]?ال|و?لل)(?=[ء-ي]{3})")
_LATIN_ARTICLE = re.compile(r"(?<![\w-])[ae]l-(?=\w{3})")


def fold(text: str) -> str:
    """The text in the form that search compares; folding it again changes nothing."""
    if text.isascii() and "l-" not in (plain := text.translate(_PLAIN).lower()):  # no accent, no article
        return " ".join(plain.split())
    folded = _fold_once(text)
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def _fold_once(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).translate(_PLAIN).casefold().translate(_LETTERS)
    plain = _LATIN_ARTICLE.sub("", _ARABIC_ARTICLE.sub("", plain))
    return " ".join(unicodedata.normalize("NFC", plain).split())


class _Plain(dict[int, str]):
    """What each character becomes, worked out when it is first met: `str.translate` then costs a tenth of a loop."""

    def __missing__(self, code: int) -> str:
        self[code] = _plain(chr(code))
        return self[code]


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in _DROPPED:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    return " " if category == "Cc" else character


_PLAIN = _Plain()
