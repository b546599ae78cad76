"""How far two signs stand apart, and what the words around a sign make of it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from classifiers.answers.signs import BatchSigns, Sign

_BREAK = re.compile(r"[.;!?|\n؟؛]")
DENIAL_CHARACTERS = 14
LONGEST_DENIAL = 80
"""Characters; denials that begin further ahead of a sign are not looked at, so that a text full of them stays cheap."""

MOST_WORDS = 12
"""No term of the lexicons has more words."""


def is_denied(sign: Sign, denials: Sequence[Sign], batch: BatchSigns) -> bool:
    """Whether one of the denials beside a sign speaks of it: "not a replica", "sans certificat", "replika değil".

    `denials` are in order of place.
    """
    first = bisect_left(denials, sign.start - DENIAL_CHARACTERS - LONGEST_DENIAL, key=_start)
    for other in denials[first : bisect_right(denials, sign.end + 3, key=_start)]:
        if other.field != sign.field:
            continue
        if other.group != "after" and other.end <= sign.start and near(other, sign, batch, DENIAL_CHARACTERS):
            return True
        follows = other.group == "after" or batch.text(other) == "yok"
        if follows and other.start >= sign.end and near(sign, other, batch, 3):
            return True
    return False


def near(one: Sign, other: Sign, batch: BatchSigns, characters: int) -> bool:
    """Whether `other` follows `one` in the same sentence within so many characters."""
    if one.field != other.field or not 0 <= other.start - one.end <= characters:
        return False
    return not _BREAK.search(batch.between(one, other))


def _start(sign: Sign) -> int:
    return sign.start


def words_between(one: Sign, other: Sign, batch: BatchSigns) -> int | None:
    """How many words stand between two signs of a field, in either order; None in different fields."""
    if one.field != other.field:
        return None
    first, second = (one, other) if one.start <= other.start else (other, one)
    return max(0, batch.words_before(second) - batch.words_through(first))


def within_words(sign: Sign, others: Sequence[Sign], batch: BatchSigns, fewest: int) -> list[Sign]:
    """Those of `others`, which are in order of place, with fewer than `fewest` words between them and a sign.

    Only what stands about the sign is looked at: a text full of signs costs no more than its length.
    """
    first = bisect_left(others, batch.words_before(sign) - fewest - MOST_WORDS, key=batch.words_before)
    last = bisect_left(others, batch.words_through(sign) + fewest, key=batch.words_before)
    return [
        other
        for other in others[first:last]
        if (distance := words_between(sign, other, batch)) is not None and distance < fewest
    ]


def beside(sign: Sign, signs: Sequence[Sign], batch: BatchSigns, rules: Sequence[str], *, before: int, after: int) -> (
    Iterator[Sign]
):  # fmt: skip
    """Signs of these rules that end within `before` characters ahead of it or start within `after` behind it."""
    for other in signs:
        if other.rule in rules and (near(other, sign, batch, before) or near(sign, other, batch, after)):
            yield other
