"""Whether two offers tell of one object, by what their words and figures say: in any language, retold or copied.

Each part adds the natural logarithm of how much likelier its outcome is for one object than for two of the same type,
since look-alikes (coins of one type, lamps of one mould) are what offers are mistaken for. A type, a ruler's name or a
reference number says little therefore, and a weight to the hundredth of a gram much. What cannot be true of one object
(another weight, both on sale at once by one seller) is a conflict, and no sum outweighs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from math import log
from pathlib import Path
from typing import Literal

from rapidfuzz import fuzz

from matching.object_record import ObjectRecord, number_key
from matching.stated_figures import certificate_numbers, die_axis, inventory_numbers
from storage.folding import fold

Part = Literal[
    "lot", "weight", "size", "words", "number", "axis", "copy", "legend", "type", "material", "period", "photo"
]
Conflict = Literal["lot", "weight", "size", "at_once", "figures"]
METHOD = "offers-3"
JOINS, LEAST_OWN = 8.0, 8.0
"""Least sum, and least sum of what is the object's own (`OWN`), at which two offers are joined without a person. In
`bench/object_set.py` hardly a look-alike reaches it; most weights and sizes that agree do not either."""
CANDIDATE, LEAST_SHOWN = 2.5, 1.0
"""The same sums at which two offers are shown as perhaps the same."""
OWN: frozenset[Part] = frozenset({"lot", "weight", "size", "number", "copy", "photo"})
"""What tells an object from others of its type. Words do not: sellers copy them for the next coin of the type. A long
text that another seller has to the word, with every figure, is more likely to have come with the object."""
PHOTO_LINKED, PHOTO_CANDIDATE = 18.0, 6.0
_SAME_SALE = timedelta(hours=36)
_WEIGHT_VARIES, _SIZE_VARIES = 0.06, 0.03
"""Standard deviations of weights and sizes within one type, as parts of the mean: coins of a type, lamps of a mould."""
_CHANCE = 1.77
"""Two draws of one normal distribution differ by less than d with a chance of d / (1.77 standard deviations)."""
_CONVERTED = 0.006
"""Relative difference that another unit and rounding explain: hundredths of an inch of a coin."""
_OFF = -2.0
"""What a figure weighs that differs by more, and by less than another scale or ruler explains."""
_WEIGHED_AGAIN, _MEASURED_AGAIN = 0.03, 0.06
"""Relative differences that another scale or ruler explains; beyond them it is another object, or a false size."""
_INCH, _ROUNDED, _FINEST = 25.4, 0.0003, 0.1
"""Millimetres of an inch; what rounding to the hundredth of a millimetre makes of it, in inches; the finest step of a
length in millimetres."""
_LEAST_WORDS = 6
"""Words that both must have for their likeness to say anything."""
_WORDS, _COPIED = 4.5, 3.0
"""Of texts that say the same in the same words, and of long ones that are copies."""
_COPY = (0.85, 25)
"""Likeness and number of shared words from which it is a copy."""
_NUMBER, _INVENTORY = 6.0, 2.5
_VERBATIM = 2.5
"""Of a long text told to the word by another seller, with the same figures, at least one of them exact."""
_AXIS_COMMON, _AXIS_RARE, _AXIS_OFF = 0.9, 1.8, -2.5
"""Of one die axis: at 6 and 12 hours stand most coins of most mints; and of two that are hours apart, which are never
joined. That axes agree joins nothing: with a light coin's weight and size it agrees too often by chance."""
_LOT, _LOT_UNDATED = 9.0, 2.5
"""Of one lot number of one house: in sales that end together, and where one of them does not say when it ends."""
_LEAST_EXACT = 5.0
"""What figures must weigh for a copied text to add to them: a weight to the hundredth, or two sizes to the tenth."""
_OTHER_WORDS = (0.2, -3.0)
"""Likeness below which two texts of one house in one language tell of different things, and what that weighs."""
_LEGEND = 1.2
_COUNTS = Path(__file__).parent / "word_counts.txt"
_LEGENDS = re.compile(r"\b[A-ZΑ-Ω]{2,}(?:[ ·•.\-/]+[A-ZΑ-Ω]{2,})*\b")
_LEAST_LEGEND = 7
_FIGURE = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class Offer:
    """A listing as far as it is compared: what it says, and who offered it where and when."""

    record: ObjectRecord
    market: str = ""
    seller: str = ""
    """As the market names it: a house, a shop, a person."""
    lot: str = ""
    ends_at: datetime | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None

    @property
    def id(self) -> int:
        return self.record.id

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(word for word in self.record.stems() if not word.isdigit() or len(word) > 2)

    @cached_property
    def house(self) -> str:
        return "".join(sign for sign in fold(self.seller) if sign.isalnum())

    @cached_property
    def lot_key(self) -> str:
        return "".join(sign for sign in fold(self.lot) if sign.isalnum()).removeprefix("lot").lstrip("0")

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Numbers that a certificate or an inventory may have given. No years, ranges, prices or telephones."""
        given = {key for one in self.record.numbers if (key := number_key(one))}
        return frozenset(given | certificate_numbers(self.record.text))

    @cached_property
    def inventory(self) -> frozenset[str]:
        """Numbers that a collection gave. Sellers leave them in the text of the next piece, so they weigh less."""
        return inventory_numbers(self.record.text) - self.numbers

    @cached_property
    def axis(self) -> int | None:
        return die_axis(self.record.text)

    @cached_property
    def figures(self) -> frozenset[str]:
        return frozenset(_FIGURE.findall(fold(self.record.text)))

    @cached_property
    def legends(self) -> tuple[str, ...]:
        found = ("".join(sign for sign in fold(one) if sign.isalnum()) for one in _LEGENDS.findall(self.record.text))
        return tuple(sorted({one for one in found if len(one) >= _LEAST_LEGEND}))


@dataclass(frozen=True, slots=True)
class Ground:
    """One part of the comparison: its weight in natural logarithms, and what stood on either side."""

    part: Part
    weight: float
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Likeness:
    score: float
    grounds: list[Ground] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    @property
    def joins(self) -> bool:
        """Whether the two are joined without a person."""
        figures_agree = not any(one.weight < 0 for one in self.grounds if one.part in ("weight", "size", "axis"))
        sure = figures_agree or any(one.part == "photo" and one.weight >= PHOTO_LINKED for one in self.grounds)
        return sure and not self.conflicts and self.score >= JOINS and self._own >= LEAST_OWN

    @property
    def is_candidate(self) -> bool:
        """Whether a person should see the two side by side."""
        return self.score >= CANDIDATE and self._own >= LEAST_SHOWN

    @property
    def _own(self) -> float:
        return sum(ground.weight for ground in self.grounds if ground.part in OWN)


def compare(ours: Offer, theirs: Offer, photo: tuple[float, bool, str] | None = None) -> Likeness:
    """How likely the two are one object. `photo`: score, whether it links by itself, and its reasons in words."""
    grounds: list[Ground] = []
    conflicts: list[Conflict] = []
    _compare_sale(ours, theirs, grounds, conflicts)
    _compare_weights(ours.record.weight_g, theirs.record.weight_g, grounds, conflicts)
    _compare_sizes(ours.record.sizes_mm, theirs.record.sizes_mm, grounds, conflicts)
    _compare_axes(ours.axis, theirs.axis, grounds)
    _compare_words(ours, theirs, grounds, conflicts)
    if shared := sorted(ours.numbers & theirs.numbers):
        grounds.append(Ground("number", _NUMBER, ", ".join(shared), ", ".join(shared)))
    elif shared := sorted(ours.inventory & theirs.inventory):
        grounds.append(Ground("number", _INVENTORY, ", ".join(shared), ", ".join(shared)))
    _compare_legends(ours, theirs, grounds)
    _compare_kinds(ours.record, theirs.record, grounds)
    if photo is not None:
        score, links, words = photo
        grounds.append(Ground("photo", PHOTO_LINKED if links else PHOTO_CANDIDATE * score, words, words))
        if links:  # a size or a title may be falsified; what the pictures show is not
            conflicts = [one for one in conflicts if one in ("at_once", "lot")]
    rounded = [
        Ground(one.part, round(one.weight, 2), one.ours, one.theirs) for one in grounds if abs(one.weight) > 0.04
    ]
    return Likeness(round(sum(one.weight for one in rounded), 2), rounded, conflicts)


def rarity(stem: str) -> float:
    """What a word tells: the natural logarithm of how many antiquities there are for each that is told with it."""
    total, counts = _word_counts()
    return log(total / (counts.get(stem, 3) + 1))


def same_house(ours: Offer, theirs: Offer) -> bool:
    """Whether both name one seller; an aggregator often adds a word to a house's name."""
    short, long = sorted((ours.house, theirs.house), key=len)
    return len(short) >= 4 and (short == long or (len(short) >= 6 and short in long))


def _compare_sale(ours: Offer, theirs: Offer, grounds: list[Ground], conflicts: list[Conflict]) -> None:
    if not same_house(ours, theirs):
        return
    if ours.market == theirs.market and _at_once(ours, theirs):
        conflicts.append("at_once")
    if not (ours.lot_key and theirs.lot_key):
        return
    together = (
        ours.ends_at is not None and theirs.ends_at is not None and abs(ours.ends_at - theirs.ends_at) < _SAME_SALE
    )
    if ours.lot_key == theirs.lot_key:
        known = ours.ends_at is not None and theirs.ends_at is not None
        if together or not known:
            grounds.append(
                Ground(
                    "lot",
                    _LOT if together else _LOT_UNDATED,
                    f"{ours.seller} {ours.lot}",
                    f"{theirs.seller} {theirs.lot}",
                )
            )
    elif together:
        conflicts.append("lot")


def _at_once(ours: Offer, theirs: Offer) -> bool:
    """Whether both were seen while the other was there: a seller with one object has one offer of it on a market."""
    if None in (ours.first_seen_at, ours.last_seen_at, theirs.first_seen_at, theirs.last_seen_at):
        return False
    start = max(ours.first_seen_at, theirs.first_seen_at)  # type: ignore[type-var]
    return bool(start < min(ours.last_seen_at, theirs.last_seen_at))  # type: ignore[operator,type-var]


def _compare_weights(
    ours: float | None, theirs: float | None, grounds: list[Ground], conflicts: list[Conflict]
) -> None:
    if not ours or not theirs:
        return
    heavier, off = max(ours, theirs), abs(ours - theirs)
    step = max(_step(ours), _step(theirs))
    if off <= max(step * 0.51, _CONVERTED * heavier):
        told = log(max(_CHANCE * _WEIGHT_VARIES * heavier / max(step / 2, off), 1.0))
        grounds.append(Ground("weight", told, f"{ours:g} g", f"{theirs:g} g"))
    elif off > max(step, _WEIGHED_AGAIN * heavier):
        conflicts.append("weight")
        grounds.append(Ground("weight", -4.0, f"{ours:g} g", f"{theirs:g} g"))
    else:
        grounds.append(Ground("weight", _OFF, f"{ours:g} g", f"{theirs:g} g"))


def _compare_sizes(
    ours: tuple[float, ...], theirs: tuple[float, ...], grounds: list[Ground], conflicts: list[Conflict]
) -> None:
    few, many = sorted((ours, theirs), key=len)
    if not few:
        return
    left, told = list(many), 0.0
    for one in few:
        other = min(left, key=lambda size: abs(size - one))
        left.remove(other)
        longer, off = max(one, other), abs(one - other)
        step = max(_step(one, length=True), _step(other, length=True))
        if off <= max(step * 0.51, _CONVERTED * longer):
            told += log(max(_CHANCE * _SIZE_VARIES * longer / max(step / 2, off), 1.0))
        elif off > max(step, _MEASURED_AGAIN * longer):
            told += 2 * _OFF
            if "size" not in conflicts:
                conflicts.append("size")
        else:
            told += _OFF
    shown = [" x ".join(f"{size:g}" for size in sizes) + " mm" for sizes in (ours, theirs)]
    grounds.append(Ground("size", told, *shown))


def _step(value: float, *, length: bool = False) -> float:
    """The last place in which a value is told: 3.52 -> 0.01, 40000 -> 10000; a `length` of half centimetres -> 5."""
    decimals = len(f"{value:.3f}".rstrip("0").partition(".")[2])
    if length and decimals > 1:
        return _step_in_inches(value)
    if decimals:
        return float(10**-decimals)
    if length:
        return 1.0 if value < 50 else 10.0 if value % 10 == 0 else 5.0 if value % 5 == 0 else 1.0
    whole = str(round(value))
    return float(10 ** (len(whole) - len(whole.rstrip("0"))))


def _step_in_inches(value: float) -> float:
    """103.12 mm were told as 4.06 inches: a hundredth of one, and none of a millimetre, which nobody measures."""
    inches = value / _INCH
    for step in (1.0, 0.1, 0.01):
        if abs(inches / step - round(inches / step)) * step < _ROUNDED:
            return step * _INCH
    sixteenths = abs(inches * 16 - round(inches * 16)) / 16 < _ROUNDED
    return _INCH / 16 if sixteenths else _FINEST


def _compare_words(ours: Offer, theirs: Offer, grounds: list[Ground], conflicts: list[Conflict]) -> None:
    shared = ours.stems & theirs.stems
    if min(len(ours.stems), len(theirs.stems)) < _LEAST_WORDS or not shared:
        return
    least = min(_told(ours.stems), _told(theirs.stems))
    likeness = _told(shared) / least if least else 0.0
    if likeness >= _COPY[0] and ours.figures != theirs.figures and same_house(ours, theirs):
        conflicts.append("figures")  # a seller's own form, filled in for another object
    if same_house(ours, theirs):  # sellers repeat their own words: only that they differ says something
        if likeness < _OTHER_WORDS[0] and ours.record.language == theirs.record.language:
            grounds.append(Ground("words", _OTHER_WORDS[1], "", f"{likeness:.0%}"))
        return
    told = _WORDS * max(0.0, likeness - 0.4) / 0.6
    if likeness >= _COPY[0] and len(shared) >= _COPY[1]:
        told += _COPIED
        exact = sum(ground.weight for ground in grounds if ground.part in ("weight", "size"))
        if exact >= _LEAST_EXACT and ours.figures == theirs.figures:
            grounds.append(Ground("copy", _VERBATIM, f"{len(shared)}", f"{likeness:.0%}"))
    rare = sorted(shared, key=rarity, reverse=True)[:6]
    grounds.append(Ground("words", told, ", ".join(rare), f"{likeness:.0%}"))


def _told(stems: Iterable[str]) -> float:
    return sum(rarity(stem) for stem in stems)


def _compare_axes(ours: int | None, theirs: int | None, grounds: list[Ground]) -> None:
    if ours is None or theirs is None:
        return
    apart = min((ours - theirs) % 12, (theirs - ours) % 12)
    if apart == 0:
        grounds.append(Ground("axis", _AXIS_COMMON if ours in (6, 12) else _AXIS_RARE, f"{ours} h", f"{theirs} h"))
    elif apart > 1:
        grounds.append(Ground("axis", _AXIS_OFF, f"{ours} h", f"{theirs} h"))


def _compare_legends(ours: Offer, theirs: Offer, grounds: list[Ground]) -> None:
    if not (ours.legends and theirs.legends):
        return
    best = max(
        ((fuzz.partial_ratio(one, other), one, other) for one in ours.legends for other in theirs.legends),
        key=lambda found: found[0],
    )
    if best[0] >= 85:
        grounds.append(Ground("legend", _LEGEND, best[1], best[2]))
    elif best[0] < 55:
        grounds.append(Ground("legend", -_LEGEND, best[1], best[2]))


def _compare_kinds(ours: ObjectRecord, theirs: ObjectRecord, grounds: list[Ground]) -> None:
    kinds: tuple[tuple[Part, frozenset[str], frozenset[str], float, float], ...] = (
        ("type", ours.types, theirs.types, 0.4, -2.0),
        ("material", ours.materials, theirs.materials, 0.3, -1.0),
        ("period", ours.periods, theirs.periods, 0.5, -1.5),
    )
    for part, one, other, shared, apart in kinds:
        if one and other:
            told = shared if one & other else apart
            grounds.append(Ground(part, told, ", ".join(sorted(one)), ", ".join(sorted(other))))


@cache
def _word_counts() -> tuple[int, dict[str, int]]:
    lines = [line for line in _COUNTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    pairs = (line.split() for line in lines[1:])
    return int(lines[0]), {word: int(count) for word, count in pairs}
