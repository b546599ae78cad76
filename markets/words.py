"""Whether a text speaks of what was asked for: the search of a source that cannot search, done here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markets.definition import EVERYTHING
from storage.folding import fold

WHOLE_WORD_BELOW = 4
"""Shorter words must stand alone in the text ("urn" is not in "turnover"); longer ones may be part of a compound."""

_WORD = re.compile(r"\w+")


class Wanted:
    """The queries of a crawl, folded once. A text is wanted where all words of any one query are in it."""

    def __init__(self, queries: Iterable[str]) -> None:
        self._queries = [_WORD.findall(fold(query)) for query in queries]
        """A query without a word (`*`) wants everything."""

    @property
    def everything(self) -> bool:
        return not all(self._queries)

    def matches(self, text: str) -> bool:
        if self.everything:
            return True
        folded = fold(text)
        words = set(_WORD.findall(folded))
        return any(
            all(word in words if len(word) < WHOLE_WORD_BELOW else word in folded for word in query)
            for query in self._queries
        )


def wants_everything(query: str) -> bool:
    return query.strip() == EVERYTHING
