"""A listing as the model reads it: words, lexicon hits, dates and measures of title and description."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

from classifiers.bounds import is_sale_talk
from classifiers.dates import LAST_ANCIENT_ELSEWHERE, LAST_ANCIENT_WEST, find_dates, find_measures
from classifiers.language import LanguageGuess
from classifiers.lexicon import TOKEN, Lexicon
from classifiers.normalise import fold
from classifiers.prices import FAMILY as PRICE
from classifiers.prices import Span, find_prices, places

FieldName = Literal["title", "description"]
MOST_CHARACTERS = 6000
"""What is read of a description; sellers' terms of business follow after that."""
LEAST_SPELLED = 4
_SPELLED = re.compile(r"(?<![^\W\d_])[^\W\d_]([\W_])(?:[^\W\d_]\1){2}[^\W\d_](?![^\W\d_])")
"""LEAST_SPELLED single letters in a row: most texts have none, and need no closer look."""
PRICE_ASKED = "offer:asked"
"""The sign of a price: it stands in the place of what its words would mean elsewhere, the coin or the year."""
NAMED = frozenset({"object", "thing", "period"})
"""Families whose words weigh by their lexicon group alone, so that no echo of the corpus speaks against them."""
OLD_ELSEWHERE = frozenset(
    f"{family}:{group}"
    for family, groups in {
        "region": ("asia", "islamic_world", "africa", "americas_old"),
        "place": ("american_culture", "eastern_site"),
        "period": (
            "early_islamic", "medieval_islamic", "gandhara_kushan", "indus", "west_african", "khmer_sea",
            "precolumbian", "chinese_early", "parthian_sasanian", "south_arabian",
        ),
        "object": ("gandhara_sculpture", "terracotta_african", "islamic_metal_ceramic"),
        "ruler": ("caliph",),
    }.items()
    for group in groups
)  # fmt: skip
"""Signs that a work comes from Asia, the Islamic world, Africa or the Americas, where "ancient" ends about 1500."""


class Sign(NamedTuple):
    """Something found at a place in a field's folded text."""

    field: FieldName
    start: int
    end: int
    rule: str

    @property
    def family(self) -> str:
        return self.rule.partition(":")[0]


@dataclass(slots=True)
class Word:
    field: FieldName
    start: int
    end: int
    text: str


@dataclass(slots=True)
class Reading:
    """What stands in one listing, in folded offsets."""

    words: list[Word] = field(default_factory=list)
    telling: list[Word] = field(default_factory=list)
    """The words that may weigh by themselves: no grammar, no bare numbers, no talk of the sale, nothing that the
    lexicons already take for an ancient thing, place or time."""
    signs: list[Sign] = field(default_factory=list)
    language: str | None = None


def read_listing(title: str, description: str | None, lexicon: Lexicon, languages: LanguageGuess) -> Reading:
    """Read a listing; pure and without limits on what the text may hold."""
    reading = Reading()
    fields: list[tuple[FieldName, str, list[Word]]] = []
    names: tuple[tuple[FieldName, str], ...] = (("title", title), ("description", description or ""))
    for name, text in names:
        folded = fold(text[:MOST_CHARACTERS])
        words = join_spelled([Word(name, *m.span(), m.group()) for m in TOKEN.finditer(folded)], folded)
        fields.append((name, folded, words))
        reading.words += words
    reading.language = languages.guess([word.text for word in reading.words])
    datings: list[tuple[Sign, int | None]] = []
    for name, folded, words in fields:
        hits = lexicon.find(lexicon.canonical(word.text for word in words), reading.language)
        prices = find_prices(folded, [Span(word.start, word.end) for word in words], hits)
        reading.signs += (Sign(name, *price, PRICE_ASKED) for price in prices)
        priced = places(prices)
        for hit in hits:
            start, end = words[hit.first].start, words[hit.last - 1].end
            if hit.family != PRICE and priced.isdisjoint(range(start, end)):
                reading.signs.append(Sign(name, start, end, hit.rule))
        # a date or measure that ends in a price is that price misread; "price 300 AD" ends after it
        for dating in find_dates(folded):
            if dating.end - 1 not in priced:
                datings.append((Sign(name, dating.start, dating.end, f"date:{dating.kind}"), dating.year))
        for measure in find_measures(folded):
            if measure.end - 1 not in priced:
                reading.signs.append(Sign(name, measure.start, measure.end, f"measure:{measure.kind}"))
    reading.signs += [sign for sign, _ in datings]
    reading.signs += _eras(reading.signs, datings)
    reading.telling = _telling(reading, lexicon.function_words)
    return reading


def join_spelled(words: list[Word], folded: str) -> list[Word]:
    """Words with every run of LEAST_SPELLED or more single letters, one same character apart, made one word.

    People write so to be found by buyers and not by a search: "a.n.t.i.q.u.e".
    """
    if not _SPELLED.search(folded):
        return words
    joined: list[Word] = []
    first = 0
    while first < len(words):
        last = first
        while last + 1 < len(words) and _spelled_on(words[last], words[last + 1], words[first], folded):
            last += 1
        if last - first + 1 >= LEAST_SPELLED:
            text = "".join(word.text for word in words[first : last + 1])
            joined.append(Word(words[first].field, words[first].start, words[last].end, text))
        else:
            joined += words[first : last + 1]
        first = last + 1
    return joined


def _spelled_on(word: Word, following: Word, first: Word, folded: str) -> bool:
    if not (len(word.text) == len(following.text) == 1 and word.text.isalpha() and following.text.isalpha()):
        return False
    return following.start == word.end + 1 and folded[word.end] == folded[first.end]


def _telling(reading: Reading, function_words: frozenset[str]) -> list[Word]:
    spoken: set[tuple[FieldName, int]] = set()
    for sign in reading.signs:
        if is_sale_talk(sign.rule) or sign.family in NAMED:
            spoken.update((sign.field, place) for place in range(sign.start, sign.end))
    return [
        word
        for word in reading.words
        if not word.text[0].isdigit() and word.text not in function_words and (word.field, word.start) not in spoken
    ]


def _eras(signs: list[Sign], datings: list[tuple[Sign, int | None]]) -> list[Sign]:
    """Whether each date lies before the end of antiquity where the work seems to come from."""
    elsewhere = any(sign.rule in OLD_ELSEWHERE for sign in signs)
    eras = []
    for sign, year in datings:
        if year is None:
            continue
        if year < LAST_ANCIENT_WEST:
            era = "ancient"
        elif year >= LAST_ANCIENT_ELSEWHERE:
            era = "later"
        else:
            era = "ancient_there" if elsewhere else "middle"
        eras.append(Sign(sign.field, sign.start, sign.end, f"era:{era}"))
    return eras


def name_features(reading: Reading, wanted: Container[str] | None = None) -> dict[str, list[Sign]]:
    """Lexicon features of a listing, each with the signs it rests on (none for the features of absence).

    Of the many features of two families together only the `wanted` ones, where that is given.
    """
    features: dict[str, list[Sign]] = {}
    families: dict[str, list[Sign]] = {}
    for sign in reading.signs:
        if is_sale_talk(sign.rule):
            if sign.family == "risk":
                features.setdefault(sign.rule, []).append(sign)
            continue
        features.setdefault(sign.rule, []).append(sign)
        family = sign.family
        families.setdefault(sign.rule if family == "era" else family, []).append(sign)
    for family, signs in families.items():
        features[f"any {family}"] = signs
        in_title = [sign for sign in signs if sign.field == "title"]
        if in_title:
            features[f"title {family}"] = in_title
        if len({(sign.field, sign.start) for sign in signs}) >= 3:
            features[f"many {family}"] = signs
    names = sorted(families)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            name = f"{one} & {other}"
            if wanted is None or name in wanted:
                features[name] = [*families[one], *families[other]]
    if not any(name.startswith("era:") for name in families):
        features["no date"] = []
    if not families.keys() & {"object", "thing", "coin", "slang", "find"}:
        features["no object"] = []
    if not families.keys() & {"period", "place", "ruler", "region", "deity"}:
        features["no culture"] = []
    if not any(word.field == "description" for word in reading.words):
        features["no description"] = []
    return features


def word_pairs(reading: Reading) -> list[tuple[Word, Word]]:
    """Neighbouring telling words of one field, over the words between that tell nothing."""
    return [(a, b) for a, b in pairwise(reading.telling) if a.field == b.field]
