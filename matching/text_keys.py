"""Keys under which offers that may tell of one object meet in an index: of each offer a few are kept and a few asked.

A key is a signed number of 64 bits. What is measured is kept in one bin and asked for in the bins beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import combinations, product
from math import floor, log

from matching.text_likeness import Offer, rarity

_WEIGHT_BIN, _SIZE_BIN, _PLANE_BIN = 0.016, 0.08, 0.05
"""Widths, in natural logarithms, of the bins of a weight, of the largest size beside it, and of the two largest."""
_RAREST = 5
_LEAST_RARITY = 4.0
_MOST_NUMBERS = 3
_MOST_TYPES = 2


def kept_keys(offer: Offer) -> list[int]:
    """Under which an offer is found."""
    measured = {_number(text) for text in _measured(offer, spread=False)}
    return sorted(measured | set(_told_alike(offer)) | set(_worded(offer)))


def asked_keys(offer: Offer) -> list[int]:
    """Under which those that may be the same object are found."""
    measured = {_number(text) for text in _measured(offer, spread=True)}
    return sorted(measured | set(_told_alike(offer)) | set(_worded(offer)))


def _told_alike(offer: Offer) -> Iterator[int]:
    """Figures as they are told, to the last place, with each other or with what it is: alike in any language.

    Where a weight or a size is all that two texts share, a bin of either would hold thousands of a million.
    """
    sizes, weight, record = offer.record.sizes_mm, offer.record.weight_g, offer.record
    told = [f"{size:.1f}" for size in sizes]
    if weight and sizes:
        yield _number(f"x {weight:.2f} {told[0]}")
    if len(sizes) > 1:
        yield _number(f"x {' '.join(told)}")
    for type_ in sorted(record.types)[:_MOST_TYPES]:
        if sizes:
            yield _number(f"y {type_} {told[0]}")
        if weight:
            yield _number(f"y {type_} {weight:.2f} g")


def _measured(offer: Offer, *, spread: bool) -> Iterator[str]:
    sizes, weight = offer.record.sizes_mm, offer.record.weight_g
    if weight:
        for bins in product(_bins(weight, _WEIGHT_BIN, spread), _bins(sizes[0], _SIZE_BIN, spread) if sizes else ["-"]):
            yield f"w {bins[0]} {bins[1]}"
    if len(sizes) > 1:
        for bins in product(_bins(sizes[0], _PLANE_BIN, spread), _bins(sizes[1], _PLANE_BIN, spread)):
            yield f"s {bins[0]} {bins[1]}"


def _worded(offer: Offer) -> Iterator[int]:
    telling = sorted((stem for stem in offer.stems if rarity(stem) >= _LEAST_RARITY), key=lambda s: (-rarity(s), s))
    for pair in combinations(sorted(telling[:_RAREST]), 2):
        yield _number(f"t {pair[0]} {pair[1]}")
    for number in sorted(offer.numbers | offer.inventory)[:_MOST_NUMBERS]:
        yield _number(f"n {number}")
    if offer.lot_key and offer.house:
        yield _number(f"l {offer.lot_key} {offer.house[:6]}")


def _bins(value: float, width: float, spread: bool) -> list[int]:
    at = log(value) / width
    return sorted({floor(at - 0.5), floor(at + 0.5)}) if spread else [floor(at)]


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
