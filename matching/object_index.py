"""Which of many records may be the same object as one, best first, each with its reasons.

Every part of the comparison (type, material, period, years, sizes, weight, words, inscription, number) adds the natural
logarithm of how much likelier its outcome is for one and the same object than for two chance objects of this index
(Fellegi and Sunter, "A Theory for Record Linkage", JASA 64, 1969). The chance side is counted in the index itself: a
lamp among lamps says little, a lamp among coins much, and so does a width that few others have. No part can rule a
record out, since a seller may have changed the title or the size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from scipy import sparse

from matching.object_record import MOST_SIZES, ObjectRecord, number_key, number_keys_in
from storage.folding import fold

Part = Literal[
    "number", "type", "material", "period", "years", "size", "weight", "words", "concepts", "inscription", "photo"
]
Floats = NDArray[np.float64]

_TIERS = ((0.006, 0.50), (0.03, 0.14), (0.12, 0.16))
"""Relative difference up to which a size is the same, close, near; and how often so for one object. The rest is off:
rounded otherwise, another side measured, or altered on purpose."""
_WEIGHT_TIERS = ((0.004, 0.62), (0.03, 0.16), (0.10, 0.10))
_SHARED, _APART = (
    {"types": 0.82, "materials": 0.80, "periods": 0.72},
    {"types": 0.14, "materials": 0.12, "periods": 0.14},
)
"""How often two descriptions of one object that both name a type (material, period) share one, or name others."""
_YEARS_SHARED = 0.85
_TITLE_ALONE = 0.07
"""How often the words of the object stand in its title, and below it only those of the trade."""
_WORDS_STEEPNESS = 0.12
"""Of the curve of the words' rank for one object: the lower, the likelier it stands at the very top."""
_WORDS_ALIKE = 7.0
"""Added for texts that are copies of each other, in proportion beyond `_LEAST_ALIKE`."""
_LEAST_ALIKE = 0.35
_DIGIT, _LETTER, _MOST_OF_A_NUMBER = 2.3, 2.3, 18.0
"""What each sign of an inventory number tells: one of ten; letters are no more, being a
museum's. A number is enough where another size and another title stand beside it."""
_INSCRIBED = 0.55
"""For each letter of an inscription that stands in the other text."""
_MOST_INSCRIBED = 9.0
_LEAST_INSCRIPTION = 4
_REFINED = 400
"""Records whose inscriptions are compared letter by letter."""
_TRUST: dict[Part, float] = {
    "type": 0.55, "material": 0.45, "years": 0.4, "weight": 1.2, "concepts": 0.5, "inscription": 0.8
}  # fmt: skip
"""What a part's weight counts: the parts repeat each other (a type says much of the material), and the sum takes them
for independent. Fitted on sets of other seeds than the frozen one (`bench/register_set.py`)."""
_TRUST_AGAINST: dict[Part, float] = {
    "type": 0.2, "material": 0.15, "weight": 0.6, "years": 0.5, "words": 0.15
}  # fmt: skip
"""The same where a part speaks against: a falsified title names another type."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of the comparison: its weight in natural logarithms, and what stood on either side."""

    part: Part
    weight: float
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Candidate:
    id: int
    score: float
    """Sum of the reasons' weights."""
    reasons: list[Reason] = field(default_factory=list)


class ObjectIndex:
    """Records to be asked; built whole, as a register is imported or a market's listings are read.

    `foils` are records that are never found: a short list alone cannot tell how much its entries agree with anything by
    chance, so what they have in common is counted with these.
    """

    def __init__(self, records: Sequence[ObjectRecord], foils: Sequence[ObjectRecord] = ()) -> None:
        self.asked = len(records)
        """Records that can be found."""
        self.records = [*records, *foils]
        self.size = len(self.records)
        self._facets = {
            name: _Facet([getattr(r, name) for r in self.records]) for name in ("types", "materials", "periods")
        }
        self._sizes = np.full((self.size, MOST_SIZES), np.nan)
        self._weights = np.full(self.size, np.nan)
        self._years = np.full((self.size, 2), np.nan)
        self._numbers: dict[str, list[int]] = defaultdict(list)
        for row, record in enumerate(self.records):
            sizes = record.sizes_mm[:MOST_SIZES]
            self._sizes[row, : len(sizes)] = np.log(sizes)
            if record.weight_g:
                self._weights[row] = np.log(record.weight_g)
            if record.years:
                self._years[row] = record.years
            for number in record.numbers:
                if key := number_key(number):
                    self._numbers[key].append(row)
        self._words = _Words([record.stems() for record in self.records])
        self._concepts = _Words([record.concepts for record in self.records])
        self._languages = np.array([record.language or "" for record in self.records])
        self._inscribed = [_letters(r.inscription) for r in self.records]
        self._letters = [_letters(r.text) for r in self.records]

    def find(
        self, record: ObjectRecord, most: int = 10, photos: Mapping[int, tuple[float, str]] | None = None
    ) -> list[Candidate]:
        """The likeliest records for one, best first; fewer than `most` where nothing speaks for more.

        `photos`: by a record's id the weight of what its photographs have in common with this one's, and the words.
        """
        if not self.asked:
            return []
        parts = self.parts(record)
        if photos:
            parts["photo"] = np.array([photos.get(one.id, (0.0, ""))[0] for one in self.records])
        total = np.sum(list(parts.values()), axis=0)
        best = np.argsort(-total[: self.asked], kind="stable")[:most]
        return [
            Candidate(
                self.records[row].id,
                round(float(total[row]), 3),
                [
                    Reason(part, round(float(weights[row]), 3), *self._shown(part, record, self.records[row], photos))
                    for part, weights in parts.items()
                    if abs(weights[row]) >= 0.05
                ],
            )
            for row in best.tolist()
            if total[row] > 0
        ]

    def parts(self, record: ObjectRecord) -> dict[Part, Floats]:
        """For each part of the comparison its weight for every record of the index."""
        parts: dict[Part, Floats] = {
            "type": self._facets["types"].weigh(record.types, _SHARED["types"], _APART["types"]),
            "material": self._facets["materials"].weigh(record.materials, _SHARED["materials"], _APART["materials"]),
            "period": self._facets["periods"].weigh(record.periods, _SHARED["periods"], _APART["periods"]),
            "years": self._weigh_years(record),
            "size": self._weigh_sizes(record),
            "weight": self._weigh_weight(record),
            "words": self._weigh_words(record),
            "concepts": self._concepts.weigh(record.concepts),
            "number": self._weigh_numbers(record),
        }
        for part, weights in parts.items():
            trust = _TRUST.get(part, 1.0)
            weights *= np.where(weights < 0, _TRUST_AGAINST.get(part, trust), trust)
        likeliest = np.argsort(-np.sum(list(parts.values()), axis=0), kind="stable")[:_REFINED]
        parts["inscription"] = np.zeros(self.size)
        self._weigh_inscriptions(record, likeliest, parts["inscription"])
        return parts

    def _weigh_words(self, record: ObjectRecord) -> Floats:
        below, whole = self._words.weigh(record.described()), self._words.weigh(record.stems())
        weights: Floats = np.logaddexp(below + np.log(1 - _TITLE_ALONE), whole + np.log(_TITLE_ALONE))
        if record.language:
            others = (self._languages != "") & (self._languages != record.language)
            weights[others] = np.maximum(weights[others], 0.0)
        return weights

    def _weigh_years(self, record: ObjectRecord) -> Floats:
        weights = np.zeros(self.size)
        known = ~np.isnan(self._years[:, 0])
        if record.years and known.any():
            overlap = known & (self._years[:, 0] <= record.years[1]) & (self._years[:, 1] >= record.years[0])
            chance = _share(overlap.sum(), known.sum())
            weights[known] = np.log((1 - _YEARS_SHARED) / (1 - chance))
            weights[overlap] = np.log(_YEARS_SHARED / chance)
            # Years repeat much of what the period says.
            weights *= 0.5 if record.periods else 1.0
        return weights

    def _weigh_sizes(self, record: ObjectRecord) -> Floats:
        weights = np.zeros(self.size)
        known = ~np.isnan(self._sizes[:, 0])
        if not known.any():
            return weights
        counted = np.sum(~np.isnan(self._sizes), axis=1)
        told = record.sizes_mm[:MOST_SIZES]
        rows = []
        for one in told:
            off = np.nanmin(np.abs(self._sizes - np.log(one)), axis=1, initial=np.inf, where=~np.isnan(self._sizes))
            rows.append(_by_tier(off, known, _TIERS))
        if rows:
            gathered = np.sort(np.stack(rows), axis=0)[::-1]
            # No more sizes can agree than the record with fewer has.
            for rank in range(len(told)):
                weights += np.where(counted > rank, gathered[rank], 0.0)
        return weights

    def _weigh_weight(self, record: ObjectRecord) -> Floats:
        known = ~np.isnan(self._weights)
        if not record.weight_g or not known.any():
            return np.zeros(self.size)
        off = np.where(known, np.abs(self._weights - np.log(record.weight_g)), np.inf)
        return _by_tier(off, known, _WEIGHT_TIERS)

    def _weigh_numbers(self, record: ObjectRecord) -> Floats:
        weights = np.zeros(self.size)
        keys = number_keys_in(record.text) | {key for one in record.numbers if (key := number_key(one))}
        for key in keys & self._numbers.keys():
            rows = self._numbers[key]
            digits = sum(sign.isdigit() for sign in key)
            told = min(_MOST_OF_A_NUMBER, _DIGIT * digits + _LETTER * (len(key) - digits))
            weights[rows] = np.maximum(weights[rows], told - np.log(len(rows)))
        return weights

    def _weigh_inscriptions(self, record: ObjectRecord, rows: NDArray[np.intp], weights: Floats) -> None:
        ours, our_text = _letters(record.inscription), _letters(record.text)
        for row in rows.tolist():
            weights[row] = max(_said_in(self._inscribed[row], our_text), _said_in(ours, self._letters[row]))

    @staticmethod
    def _shown(
        part: Part, ours: ObjectRecord, theirs: ObjectRecord, photos: Mapping[int, tuple[float, str]] | None
    ) -> tuple[str, str]:
        if part == "photo":
            words = (photos or {}).get(theirs.id, (0.0, ""))[1]
            return words, words

        def show(record: ObjectRecord) -> str:
            if part == "type":
                return ", ".join(sorted(record.types))
            if part == "material":
                return ", ".join(sorted(record.materials))
            if part == "period":
                return ", ".join(sorted(record.periods))
            if part == "years":
                return f"{record.years[0]} to {record.years[1]}" if record.years else ""
            if part == "size":
                return " x ".join(f"{one:g}" for one in record.sizes_mm) + " mm"
            if part == "weight":
                return f"{record.weight_g:g} g" if record.weight_g else ""
            if part == "inscription":
                return record.inscription
            return ", ".join(record.numbers)

        if part in ("words", "concepts"):
            shared = sorted(ours.stems() & theirs.stems() if part == "words" else ours.concepts & theirs.concepts)
            return " ".join(shared), " ".join(shared)
        return show(ours), show(theirs)


class _Facet:
    """Records by ids of one kind."""

    def __init__(self, sets: Sequence[frozenset[str]]) -> None:
        self._known = np.array([bool(one) for one in sets], dtype=bool)
        self._count = max(int(self._known.sum()), 1)
        rows: dict[str, list[int]] = defaultdict(list)
        for row, ids in enumerate(sets):
            for one in ids:
                rows[one].append(row)
        self._rows = {one: np.array(found) for one, found in rows.items()}

    def weigh(self, ids: frozenset[str], shared: float, apart: float) -> Floats:
        weights = np.zeros(len(self._known))
        if not ids:
            return weights
        met = np.zeros(len(self._known), dtype=bool)
        best = np.zeros(len(self._known))
        for one in ids:
            if (rows := self._rows.get(one)) is not None:
                met[rows] = True
                best[rows] = np.maximum(best[rows], np.log(shared / _share(len(rows), self._count)))
        chance = _share(int(met.sum()), self._count)
        weights[self._known] = np.log(apart / max(1 - chance, 0.02))
        weights[met] = np.minimum(best[met], np.log(shared / chance) + 1.0)
        return np.minimum(weights, 6.0)


class _Words:
    """Records by the stems of their words, as unit vectors weighed by rarity."""

    def __init__(self, texts: Sequence[frozenset[str]]) -> None:
        self._size = len(texts)
        vocabulary: dict[str, int] = {}
        columns = [vocabulary.setdefault(word, len(vocabulary)) for text in texts for word in sorted(text)]
        starts = np.cumsum([0, *(len(text) for text in texts)])
        counts = np.bincount(np.array(columns, dtype=np.int64), minlength=len(vocabulary))
        self._vocabulary = vocabulary
        self._rarity = np.log((self._size + 1) / (counts + 0.5))
        self._unknown = float(np.log(self._size + 1))
        data = self._rarity[columns] if columns else np.zeros(0)
        matrix = sparse.csr_matrix((data, columns, starts), shape=(self._size, len(vocabulary)))
        norms = np.sqrt(matrix.multiply(matrix).sum(axis=1)).A1 if len(vocabulary) else np.zeros(self._size)
        self._by_word = sparse.csc_matrix(sparse.diags(1 / np.maximum(norms, 1e-9)) @ matrix)
        self._has_words = norms > 0

    def weigh(self, words: frozenset[str]) -> Floats:
        if not words or not self._vocabulary:
            return np.zeros(self._size)
        known = [self._vocabulary[word] for word in sorted(words) if word in self._vocabulary]
        norm = np.sqrt(float(np.sum(self._rarity[known] ** 2)) + (len(words) - len(known)) * self._unknown**2)
        likeness = np.zeros(self._size)
        for column in known:
            start, end = self._by_word.indptr[column : column + 2]
            likeness[self._by_word.indices[start:end]] += self._by_word.data[start:end] * (self._rarity[column] / norm)
        # The share of records that are at least as alike, by chance; ties share their middle.
        ordered = np.sort(likeness)
        above = self._size - np.searchsorted(ordered, likeness, side="left")
        beyond = self._size - np.searchsorted(ordered, likeness, side="right")
        rank = np.maximum((above + beyond) / 2, 0.5) / self._size
        weights = np.log(_WORDS_STEEPNESS) - (1 - _WORDS_STEEPNESS) * np.log(rank)
        weights += _WORDS_ALIKE * np.maximum(likeness - _LEAST_ALIKE, 0) / (1 - _LEAST_ALIKE)
        return np.where(self._has_words, weights, 0.0)


def _by_tier(off: Floats, known: NDArray[np.bool_], tiers: Sequence[tuple[float, float]]) -> Floats:
    """Weights of relative differences: how often a tier is met by one object, over how often by chance here."""
    weights = np.zeros(len(off))
    count, rest, below = int(known.sum()), known.copy(), -1.0
    for most, often in tiers:
        met = known & (off <= most) & (off > below)
        weights[met] = np.log(often / _share(int(met.sum()), count))
        rest &= ~met
        below = most
    left = 1 - sum(often for _, often in tiers)
    weights[rest] = np.log(left / _share(int(rest.sum()), count))
    return weights


def _share(met: int, of: int) -> float:
    """A share that is never none and never all: what was not met yet may still be."""
    return (met + 0.5) / (of + 1)


def _letters(text: str) -> str:
    return "".join(sign for sign in fold(text[:2_000]) if sign.isalnum())


def _said_in(inscription: str, text: str) -> float:
    """How much an inscription that stands in a text, or nearly, says."""
    if len(inscription) < _LEAST_INSCRIPTION or len(text) < _LEAST_INSCRIPTION:
        return 0.0
    likeness = fuzz.partial_ratio(inscription, text, score_cutoff=80) / 100
    length = min(len(inscription), len(text))
    return float(min(_MOST_INSCRIBED, _INSCRIBED * length * max(0.0, likeness - 0.8) / 0.2))
