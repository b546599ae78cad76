"""How far two signs stand apart, and what the words around a sign make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from classifiers.answers.signs import BatchSigns, Sign

_BREAK = re.compile(r"[.;!?|\n؟؛]")
_WORD = re.compile(r"\w+")
DENIAL_CHARACTERS = 14


def is_denied(sign: Sign, denials: Sequence[Sign], batch: BatchSigns) -> bool:
    """Whether one of the denials beside a sign speaks of it: "not a replica", "sans certificat", "replika değil"."""
    for other in denials:
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


def words_between(one: Sign, other: Sign, batch: BatchSigns) -> int | None:
    """How many words stand between two signs of a field, in either order; None in different fields."""
    if one.field != other.field:
        return None
    first, second = (one, other) if one.start <= other.start else (other, one)
    return len(_WORD.findall(batch.between(first, second)))


def beside(sign: Sign, signs: Sequence[Sign], batch: BatchSigns, rules: Sequence[str], *, before: int, after: int) -> (
    Iterator[Sign]
):  # fmt: skip
    """Signs of these rules that end within `before` characters ahead of it or start within `after` behind it."""
    for other in signs:
        if other.rule in rules and (near(other, sign, batch, before) or near(sign, other, batch, after)):
            yield other
