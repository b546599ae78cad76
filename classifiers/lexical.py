"""The lexicon part of the model: which rules and families a listing holds, alone and together.

A family counts where it is found at all, where it is found in the title, and where it is found often; two families
count together. What is absent counts too: no date, no object, no culture.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from classifiers.bounds import side_of
from classifiers.reading import Reading, Rules
from classifiers.words import Places

MANY = 3
"""A family found at so many places is found often."""
ABSENT = {
    "no date": ("era",),
    "no object": ("object", "thing", "coin", "slang", "find"),
    "no culture": ("period", "place", "ruler", "region", "deity"),
}
NO_DESCRIPTION = "no description"

Presence = NDArray[np.float32]
"""A row a listing, a column a family: 1 where it is found."""


class Lexical:
    """Presence of rules and families in the listings of a batch."""

    def __init__(self, reading: Reading) -> None:
        rules, signs = reading.rules, reading.signs
        self._reading = reading
        size, width = reading.batch.size, len(rules.families)
        talk = rules.is_sale_talk[signs.rules]
        self.red_flags = np.flatnonzero(talk & rules.is_risk[signs.rules])
        """Signs that raise concern about the sale and say nothing of the object."""
        self.signs = np.flatnonzero(~talk)
        listing, rule = signs.listings[self.signs], signs.rules[self.signs]
        family = rules.family[rule]
        self.family_cell = listing * width + family
        self.rule_cell = listing * len(rules.names) + rule
        in_title = signs.fields[self.signs] & 1 == 0
        self.counts = np.bincount(self.family_cell, minlength=size * width)
        self.title_counts = np.bincount(self.family_cell[in_title], minlength=size * width)
        self.in_title = in_title
        distinct = np.unique(np.stack([self.family_cell, signs.starts[self.signs]]), axis=1)[0]
        places = np.bincount(distinct, minlength=size * width)
        self.found: Presence = (self.counts > 0).astype(np.float32).reshape(size, width)
        self.titled: Presence = (self.title_counts > 0).astype(np.float32).reshape(size, width)
        self.many: Presence = (places >= MANY).astype(np.float32).reshape(size, width)
        self.absent = self._absent(reading)

    def _absent(self, reading: Reading) -> dict[str, NDArray[np.bool_]]:
        families = reading.rules.families
        absent = {}
        for name, wanted in ABSENT.items():
            columns = [n for n, family in enumerate(families) if family.partition(":")[0] in wanted]
            absent[name] = np.asarray(self.found[:, columns].max(axis=1, initial=0) == 0)
        described = np.zeros(reading.batch.size, dtype=bool)
        fields = reading.batch.words.fields
        described[fields[fields & 1 == 1] >> 1] = True
        absent[NO_DESCRIPTION] = ~described
        return absent

    def rule_presence(self) -> tuple[Places, Places, Places]:
        """Listing and rule of every rule found, once a listing, and how many signs it has there."""
        width = len(self._reading.rules.names)
        cells, counts = np.unique(self.rule_cell, return_counts=True)
        return cells // width, cells % width, counts


class LexicalWeights:
    """The weights of lexicon features, by their names, as arrays."""

    def __init__(self, weights: Mapping[str, float], rules: Rules) -> None:
        families = rules.families
        self._rule = np.array([weights.get(name, 0.0) for name in rules.names])
        self._any, self._title, self._many = (
            np.array([weights.get(f"{kind} {family}", 0.0) for family in families]) for kind in ("any", "title", "many")
        )
        self._shares = np.zeros((len(families), len(families)))
        """[f, g]: what f's signs get of the weight of f and g together."""
        for one, first in enumerate(families):
            for other in range(one + 1, len(families)):
                weight = weights.get(f"{first} & {families[other]}", 0.0)
                part = _part_of_first(weight, first, families[other])
                self._shares[one, other], self._shares[other, one] = weight * part, weight * (1 - part)
        self._absent = {name: weights.get(name, 0.0) for name in (*ABSENT, NO_DESCRIPTION)}
        self._rules = rules

    def weigh(self, reading: Reading, lexical: Lexical) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each sign adds to its listing's margin, and what the absences add to each listing."""
        signs = reading.signs
        added = np.zeros(len(signs))
        added[lexical.red_flags] = self._rule[signs.rules[lexical.red_flags]]
        flags, repeated = np.unique(
            signs.listings[lexical.red_flags] * len(self._rules.names) + signs.rules[lexical.red_flags],
            return_inverse=True,
        )
        if len(flags):
            added[lexical.red_flags] /= np.bincount(repeated)[repeated]
        rule_counts = np.unique(lexical.rule_cell, return_inverse=True, return_counts=True)
        together = lexical.found * (lexical.found @ self._shares.T)
        of_family = (self._any + self._many * lexical.many + together).ravel()
        part = of_family[lexical.family_cell] / lexical.counts[lexical.family_cell]
        part += self._rule[signs.rules[lexical.signs]] / rule_counts[2][rule_counts[1]]
        title = np.tile(self._title, reading.batch.size)[lexical.family_cell]
        part += np.where(lexical.in_title, title / np.maximum(lexical.title_counts[lexical.family_cell], 1), 0.0)
        # rounded, so that the order in which a batch's size lets a product be summed shows in no reason
        added[lexical.signs] = np.round(part, 9)
        absences = np.zeros(reading.batch.size)
        for name, absent in lexical.absent.items():
            absences += self._absent[name] * absent
        return added, absences


def _part_of_first(weight: float, first: str, second: str) -> float:
    """Who answers for a weight: "replica" and not "oil lamp" for what the two together count against."""
    contrary = 1 if weight < 0 else -1
    against_first, against_second = side_of(first) == contrary, side_of(second) == contrary
    return 0.5 if against_first == against_second else float(against_second)


def feature_rows(reading: Reading) -> tuple[list[str], csr_matrix]:
    """The listings as rows of named lexicon features, for training."""
    lexical, rules, size = Lexical(reading), reading.rules, reading.batch.size
    families = rules.families
    listing, rule, _ = lexical.rule_presence()
    flagged = reading.signs.rules[lexical.red_flags]
    names = list(rules.names)
    rows, columns = [listing, reading.signs.listings[lexical.red_flags]], [rule, flagged]
    for kind, presence in (("any", lexical.found), ("title", lexical.titled), ("many", lexical.many)):
        row, column = np.nonzero(presence)
        rows.append(row)
        columns.append(column + len(names))
        names += [f"{kind} {family}" for family in families]
    for one in range(len(families)):
        with_one = np.flatnonzero(lexical.found[:, one])
        row, column = np.nonzero(lexical.found[with_one, one + 1 :])
        rows.append(with_one[row])
        columns.append(column + len(names))
        names += [f"{families[one]} & {other}" for other in families[one + 1 :]]
    for name, absent in lexical.absent.items():
        row = np.flatnonzero(absent)
        rows.append(row)
        columns.append(np.full(len(row), len(names)))
        names.append(name)
    place = (np.concatenate(rows), np.concatenate(columns))
    matrix = csr_matrix((np.ones(len(place[0]), dtype=np.float32), place), shape=(size, len(names)))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return names, matrix
