"""Listings as the model reads them: words, lexicon terms, dates, prices and measures of a batch, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classifiers import prices
from classifiers.bounds import is_sale_talk
from classifiers.dates import LAST_ANCIENT_ELSEWHERE, LAST_ANCIENT_WEST, find_dates, find_measures
from classifiers.denied import denied
from classifiers.language import LanguageGuess
from classifiers.lexicon import Hits, Lexicon
from classifiers.words import DIGIT, Batch, Places

FieldName = Literal["title", "description"]
FIELDS: tuple[FieldName, FieldName] = ("title", "description")
PRICE_ASKED = "offer:asked"
"""The sign of a price: it stands in the place of what its words would mean elsewhere, the coin or the year."""
NAMED = frozenset({"object", "thing", "period", "slang"})
"""Families whose words weigh by their lexicon group alone, so that no echo of the corpus speaks against them."""
DATES = ("bc", "before_500", "before_1000", "before_1500", "before_1700", "before_1800", "before_1900", "after_1900")
MEASURES = ("coin_weight", "millimetres", "centimetres", "die_axis", "modern_unit", "paper_size")
ERAS = ("ancient", "later", "ancient_there", "middle")
OLD_ELSEWHERE = frozenset(
    f"{family}:{group}"
    for family, groups in {
        "region": ("asia", "islamic_world", "africa", "americas_old"),
        "place": ("american_culture", "eastern_site"),
        "period": (
            "early_islamic", "medieval_islamic", "gandhara_kushan", "indus", "west_african", "khmer_sea",
            "precolumbian", "chinese_early", "chinese_song_yuan", "korea_japan_early", "india_early", "aksumite",
            "parthian_sasanian", "south_arabian",
        ),
        "object": ("gandhara_sculpture", "terracotta_african", "islamic_metal_ceramic"),
        "ruler": ("caliph",),
    }.items()
    for group in groups
)  # fmt: skip
"""Signs that a work comes from Asia, the Islamic world, Africa or the Americas, where "ancient" ends about 1500."""


class Rules:
    """Every rule that a sign can have: those of the lexicon, dates, eras, measures and prices; with their families."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.names = [
            *lexicon.rules,
            *(f"date:{kind}" for kind in (*DATES, "ownership_year")),
            *(f"measure:{kind}" for kind in MEASURES),
            *(f"era:{kind}" for kind in ERAS),
            PRICE_ASKED,
        ]
        self.index = {name: number for number, name in enumerate(self.names)}
        # an era is a family of its own, since one speaks for and another against an antiquity
        families = [name if name.startswith("era:") else name.partition(":")[0] for name in self.names]
        self.families = sorted(set(families))
        number = {family: index for index, family in enumerate(self.families)}
        self.family = np.array([number[family] for family in families], dtype=np.int64)
        self.is_sale_talk = np.array([is_sale_talk(name) for name in self.names], dtype=bool)
        self.is_era = np.array([name.startswith("era:") for name in self.names], dtype=bool)
        self.is_risk = np.array([name.startswith("risk:") for name in self.names], dtype=bool)
        self.is_named = np.array([family in NAMED for family in families], dtype=bool)
        self.is_old_elsewhere = np.array([name in OLD_ELSEWHERE for name in self.names], dtype=bool)
        self.is_copy = np.array([name.startswith("replica:") for name in self.names], dtype=bool)
        self.is_price = np.array([name.partition(":")[0] == prices.FAMILY for name in self.names], dtype=bool)


@dataclass(frozen=True, slots=True)
class Signs:
    """What was found: folded characters [start, end) of a field, and the rule. In order of field and place."""

    starts: Places
    ends: Places
    fields: Places
    rules: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def listings(self) -> Places:
        return self.fields >> 1


class Reading:
    """What stands in each listing of a batch."""

    def __init__(self, batch: Batch, lexicon: Lexicon, rules: Rules, languages: LanguageGuess) -> None:
        self.batch = batch
        self.rules = rules
        self.languages = languages.guess(batch)
        self.signs = self._find_signs(lexicon)
        self.telling = self._find_telling(lexicon)
        """Indices of the words that may weigh by themselves: no grammar, no bare numbers, no talk of the sale, nothing
        that the lexicons already take for an ancient thing or time."""

    def _find_signs(self, lexicon: Lexicon) -> Signs:
        batch, rules, words = self.batch, self.rules, self.batch.words
        hits = lexicon.find(batch, self.languages)
        asked = _find_prices(batch, hits, rules)
        priced = np.zeros(len(batch.codes) + 1, dtype=bool)
        for start, end in asked:
            priced[start:end] = True
        starts, ends = words.starts[hits.first], words.ends[hits.last - 1]
        kept = ~rules.is_price[hits.rules]
        copies = np.flatnonzero(rules.is_copy[hits.rules])
        if len(copies):
            told = Hits(hits.first[copies], hits.last[copies], hits.rules[copies])
            kept[copies[denied(batch, told, lexicon.is_function_word(batch))]] = False
        if asked:
            before = np.concatenate([[0], np.cumsum(priced)])
            kept &= before[ends] == before[starts]
        parts = [(starts[kept], ends[kept], hits.rules[kept])]
        # a date or measure that ends in a price is that price misread; "price 300 AD" ends after it
        dates = [dating for dating in find_dates(batch) if not priced[dating.end - 1]]
        measures = [measure for measure in find_measures(batch) if not priced[measure.end - 1]]
        parts.append(_columns([(d.start, d.end, rules.index[f"date:{d.kind}"]) for d in dates]))
        parts.append(_columns([(m.start, m.end, rules.index[f"measure:{m.kind}"]) for m in measures]))
        parts.append(_columns([(start, end, rules.index[PRICE_ASKED]) for start, end in asked]))
        dated = [dating for dating in dates if dating.year is not None]
        where = np.searchsorted(batch.field_starts, [d.start for d in dated], side="right") - 1
        elsewhere = np.zeros(batch.size, dtype=bool)
        elsewhere[words.fields[hits.first[kept & rules.is_old_elsewhere[hits.rules]]] >> 1] = True
        eras = [
            (dating.start, dating.end, rules.index[f"era:{_era(dating.year, there)}"])
            for dating, there in zip(dated, elsewhere[where >> 1].tolist(), strict=True)
            if dating.year is not None
        ]
        parts.append(_columns(eras))
        starts, ends, found = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((found, starts))
        starts, ends, found = starts[order], ends[order], found[order]
        return Signs(starts, ends, np.searchsorted(batch.field_starts, starts, side="right") - 1, found)

    def _find_telling(self, lexicon: Lexicon) -> Places:
        batch, words, signs = self.batch, self.batch.words, self.signs
        taken = self.rules.is_sale_talk[signs.rules] | self.rules.is_named[signs.rules]
        opened = np.zeros(len(batch.codes) + 1, dtype=np.int64)
        np.add.at(opened, signs.starts[taken], 1)
        np.add.at(opened, signs.ends[taken], -1)
        spoken = np.cumsum(opened)[words.starts] > 0
        lone = (words.ends - words.starts == 1) & (batch.codes[words.starts] < 128)
        return np.flatnonzero((words.kinds != DIGIT) & ~spoken & ~lone & ~lexicon.is_function_word(batch))


def _find_prices(batch: Batch, hits: Hits, rules: Rules) -> list[tuple[int, int]]:
    """The prices of a batch: looked for in the fields that hold a word or a sign of money, and a number."""
    words = batch.words
    fields = words.fields[hits.first]
    money = np.zeros(2 * batch.size, dtype=bool)
    money[fields[rules.is_price[hits.rules]]] = True
    signs = np.flatnonzero(np.isin(batch.codes, _MONEY_SIGNS))
    money[np.searchsorted(batch.field_starts, signs, side="right") - 1] = True
    found: list[tuple[int, int]] = []
    for field in np.flatnonzero(money).tolist():
        first, last = np.searchsorted(words.fields, [field, field + 1]).tolist()
        low, high = np.searchsorted(fields, [field, field + 1]).tolist()
        start = int(batch.field_starts[field])
        end = int(words.ends[last - 1]) + 2 if last > first else start
        spans = [
            prices.Span(*span)
            for span in zip(
                (words.starts[first:last] - start).tolist(), (words.ends[first:last] - start).tolist(), strict=True
            )
        ]
        terms = [
            prices.Term(rules.names[rule], one - first, other - first)
            for rule, one, other in zip(
                hits.rules[low:high].tolist(), hits.first[low:high].tolist(), hits.last[low:high].tolist(), strict=True
            )
        ]
        found += [
            (start + price.start, start + price.end)
            for price in prices.find_prices(batch.text[start:end], spans, terms)
        ]
    return found


_MONEY_SIGNS = np.array([ord(sign) for sign in prices.SIGNS], dtype=np.uint32)


def _columns(rows: Sequence[tuple[int, int, int]]) -> tuple[Places, Places, NDArray[np.int64]]:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _era(year: int, elsewhere: bool) -> str:
    """Whether a year lies before the end of antiquity where the work seems to come from."""
    if year < LAST_ANCIENT_WEST:
        return "ancient"
    if year >= LAST_ANCIENT_ELSEWHERE:
        return "later"
    return "ancient_there" if elsewhere else "middle"
