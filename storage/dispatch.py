"""The country that a listing's place names: from there it would be sent. Names are those of the CLDR, in any spelling.

A town alone names no country here: there is a Tripoli in Libya and one in Lebanon.
"""

from __future__ import annotations

import re
from functools import cache

from storage.folding import fold

LANGUAGES = ("en", "fr", "ar", "de", "es", "it", "nl", "pt", "tr", "fa", "he", "ru", "uk", "zh", "ja")
"""Those in which markets name places; where two give one name to two countries, the first counts."""
SHORT_NAMES = {
    "uk": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "great britain": "GB",
    "usa": "US",
    "u.s.a.": "US",
    "uae": "AE",
    "holland": "NL",
    "türkei": "TR",
    "turkey": "TR",
    "palestine": "PS",
    "czech republic": "CZ",
}
_COUNTRY = re.compile(r"[A-Z]{2}")
_PARTS = re.compile(r"[,،;|/()\n]+")


def country_of(place: str | None) -> str | None:
    """ISO 3166 code of the country that a place names, its last parts first ("Lyon, France"); None without one."""
    if not place:
        return None
    parts = [part.strip() for part in _PARTS.split(place) if part.strip()]
    for part in reversed(parts):
        if _COUNTRY.fullmatch(part) and part in _codes():
            return str(part)
        found: str | None = _names().get(fold(part))
        if found is not None:
            return found
    return None


@cache
def _codes() -> frozenset[str]:
    from babel import Locale  # not at every start of the command: it is slow to load

    known = map(str, Locale("en").territories)
    return frozenset(code for code in known if _COUNTRY.fullmatch(code) and code not in _NO_COUNTRY)


_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})


@cache
def _names() -> dict[str, str]:
    from babel import Locale

    found: dict[str, str] = {fold(name): code for name, code in SHORT_NAMES.items()}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if str(code) in _codes():
                found.setdefault(fold(str(name)), str(code))
    return found
