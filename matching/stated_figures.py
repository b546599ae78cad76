"""What a text states of one object beside its sizes: the die axis of a coin, and numbers that somebody gave to it.

A catalogue's type (RIC 207) is no such number, nor the museum's piece that a seller compares his with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from matching.object_record import number_key
from storage.folding import fold

_AXIS = re.compile(
    r"(?:\b(?:die[ -]?axis|axis|axe(?: des coins)?|stempelstellung)\s*[:=]?\s*|"
    r"\b(?:g|gr|grams?|grammes?|mm)\b[^\n.]{0,20}?[\s,;/(])(1[0-2]|[1-9])\s*h(?:rs?|ours?|eures?)?\b",
    re.IGNORECASE,
)
_NUMBER = (
    r"[ .:#]*(?:n(?:o|r|um|umber|um[eé]ro|°|º)\.?|ref\.?|cert(?:ificate)?)?[ .:#]*"
    r"((?:[a-z]{1,4}[ .\-/]?)?\d[\d.,/\-]{2,14}[\da-z])"
)
_INVENTORY = re.compile(
    rf"\b(?:inv(?:entory|entaire|entar)?|accession|acc|coll(?:ection|n)?)\b{_NUMBER}", re.IGNORECASE
)
_CERTIFIED = re.compile(
    rf"\b(?:certificate|certificat|cert|ngc|pcgs|tl|thermoluminescence|alr|art loss register)\b{_NUMBER}", re.IGNORECASE
)
_CERTIFICATE = re.compile(r"(?<![\d+/.,-])\d{6,7}-\d{3}(?![\d/.,-])")
_PARALLEL = re.compile(r"\b(?:cf|compare|similar|like|see|vgl|parall\w*|comparer|voir|type|museum|musee|bm|louvre)\b")
_BEFORE = 45
"""Signs before a number in which a parallel or a museum is named."""


def die_axis(text: str) -> int | None:
    """The hour at which a coin's reverse stands, 1 to 12; None where none or several are told."""
    told = {int(found) for found in _AXIS.findall(text)}
    return told.pop() if len(told) == 1 else None


def certificate_numbers(text: str) -> frozenset[str]:
    """Numbers of certificates, without signs and spaces, and what looks like one of a grading service."""
    return frozenset({*(one.replace("-", "") for one in _CERTIFICATE.findall(text)), *_keys(_CERTIFIED, text)})


def inventory_numbers(text: str) -> frozenset[str]:
    """Numbers that a collection or an inventory gave, without signs and spaces."""
    return frozenset(_keys(_INVENTORY, text))


def _keys(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for one in pattern.finditer(text):
        if not _PARALLEL.search(fold(text[max(0, one.start() - _BEFORE) : one.start()])):
            key = number_key(one[1])
            if key is not None:
                yield key
