"""Finds offers by words, whatever the accents, the case or the form of an Arabic letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from demo.catalogue import Listing

_ARABIC_FORMS = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ک": "ك", "ی": "ي", "ـ": None}
)
EVERYTHING = frozenset({"all", "tout", "الكل"})
"""Queries of one word that ask for all offers, as an empty query and `*` do."""

_ARABIC_PREFIX = re.compile(r"^(?:[وفبك]?ال|لل)(?=\w{3})")


def fold(text: str) -> str:
    """The text without case, accents, harakat and tatweel, Arabic letters and digits in one form."""
    # The forms go first: decomposing would turn a carried hamza into its bare carrier's letter.
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_ARABIC_FORMS))
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return "".join(str(unicodedata.decimal(part, part)) for part in bare).casefold()


def words(text: str) -> list[str]:
    """The folded words of a text, the Arabic article taken off."""
    return [_ARABIC_PREFIX.sub("", word) for word in re.findall(r"\w+", fold(text))]


@lru_cache(maxsize=1024)
def _words_of(listing: Listing) -> tuple[str, ...]:
    return tuple(words(f"{listing.title} {listing.description}"))


def asks_for_all(query: str) -> bool:
    return query.strip().casefold() in EVERYTHING or not words(query)


def find(listings: Iterable[Listing], query: str) -> list[Listing]:
    """The offers in which every word of the query begins some word; all of them for `*`, nothing or EVERYTHING."""
    wanted = [] if asks_for_all(query) else words(query)
    return [
        listing
        for listing in listings
        if all(any(word.startswith(want) for word in _words_of(listing)) for want in wanted)
    ]
