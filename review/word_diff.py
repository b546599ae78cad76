"""What changed between two versions of a text, word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")
MOST_PAIRS = 200_000
"""Of equal words in both texts, each with each. Beyond, both are shown whole: comparing them would take too long."""
_KEPT_AROUND = 60
"""Characters of an unchanged run that are shown on each side of a change."""


@dataclass(frozen=True, slots=True)
class Piece:
    kind: Literal["same", "del", "ins", "gap"]
    text: str
    """Of a gap: nothing; words were left out that did not change."""


def word_diff(before: str, after: str) -> list[Piece]:
    """The new text with what was taken out and put in; long stretches that stayed are left out."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if _pairs(old, new) > MOST_PAIRS:
        return [Piece("del", before), Piece("ins", after)]
    pieces: list[Piece] = []
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for number, (tag, old_from, old_to, new_from, new_to) in enumerate(blocks):
        taken, put = "".join(old[old_from:old_to]), "".join(new[new_from:new_to])
        if tag == "equal":
            pieces += _shortened(put, first=number == 0, last=number == len(blocks) - 1)
            continue
        pieces += [Piece("del", taken)] if taken else []
        pieces += [Piece("ins", put)] if put else []
    return pieces


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    there = Counter(new)
    return sum(count * there[word] for word, count in Counter(old).items())


def _shortened(text: str, *, first: bool, last: bool) -> Iterator[Piece]:
    head, tail = ("" if first else text[:_KEPT_AROUND]), ("" if last else text[-_KEPT_AROUND:])
    if len(text) <= len(head) + len(tail) + _KEPT_AROUND:
        yield Piece("same", text)
        return
    if head:
        yield Piece("same", head)
    yield Piece("gap", "")
    if tail:
        yield Piece("same", tail)
