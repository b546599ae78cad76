"""What kind of object a listing offers, of what material and period, and from which country of today it may come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from classifiers.answers.facts import read_facts
from classifiers.answers.nearby import near
from classifiers.answers.signs import BatchSigns, Sign
from classifiers.answers.years import find_years
from crawler.items import Answers, Finding, Reason

WEIGHTS = {
    "object": (3.0, 1.5), "kind": (2.0, 1.0), "thing": (1.2, 0.5), "noun": (1.0, 0.3),
    "period": (3.0, 1.5), "culture": (3.0, 1.5),
    "material": (2.0, 1.0),
}  # fmt: skip
"""Points of a sign in the title and in the description. What names a material too counts as a `thing`, and for the type
only where nothing else names one."""
KINDS = {
    "object": "type", "kind": "type", "thing": "type", "noun": "type", "period": "period", "culture": "period",
    "material": "material",
}  # fmt: skip
ANCIENT_DATES = frozenset({"date:bc", "date:before_500", "date:before_1000"})
HINT_IN_DESCRIPTION = 0.5
LEAST, SHARE, MOST = 0.5, 0.4, 3
"""What is told: at least so many points, at least this share of the likeliest one's, and no more than so many."""
NAMED = (3.0, 2.0)
"""Points of a country named in the title and in the description."""
GODDESS, ARMED_GROUP = "deity:egyptian", "ISIS"
FEW = 2
"""A culture found in so few countries points to each of them."""
FROM_CULTURE = (2.0, 1.0)
"""Points of a country that a culture of few countries points to, and of one of many."""
SHIPPING = frozenset({"circumstance:ships", "circumstance:ships_to", "circumstance:refuses"})
AFTER_DENIAL, BEFORE_DENIAL = 5, 10
"""Characters: "pas de la Syrie", "Suriye'den değil"."""
BEFORE_HOLDER, AFTER_HOLDER, AFTER_SHIPS = 14, 10, 20
"""Characters: "Lebanese private collection", "collection libanaise", "ships from: Dubai"."""


@dataclass(slots=True)
class _Tally:
    """Points and signs of each id."""

    weights: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, list[Reason]] = field(default_factory=dict)

    def add(self, id_: str, weight: float, reason: Reason | None) -> None:
        self.weights[id_] = self.weights.get(id_, 0.0) + weight
        kept = self.reasons.setdefault(id_, [])
        if reason is not None and len(kept) < MOST:
            kept.append(reason)

    def findings(self, basis: str = "words") -> list[Finding]:
        if not self.weights:
            return []
        best = max(self.weights.values(), default=0.0)
        some = sorted(self.weights.items(), key=lambda item: -item[1])
        return [
            Finding(id_, round(weight, 2), tuple(self.reasons[id_]), basis)
            for id_, weight in some[:MOST]
            if weight >= LEAST and weight >= SHARE * best
        ]


def find_object(answers: Answers, signs: Sequence[Sign], batch: BatchSigns) -> None:
    """Set types, materials, periods and years."""
    hinted = _hints()
    tallies = {"type": _Tally(), "material": _Tally(), "period": _Tally()}
    met: set[tuple[str, bool]] = set()
    has_nouns = any(sign.family == "noun" for sign in signs)
    takes_nouns = has_nouns and any(_speaks_of_antiquity(sign) for sign in signs)
    materials = {(sign.start, sign.end) for sign in signs if sign.family == "material"}
    from_material: list[Sign] = []
    for sign in signs:
        if (sign.rule, sign.in_title) in met or _is_armed_group(sign, signs, batch):
            continue
        met.add((sign.rule, sign.in_title))
        if sign.family == "object" and (sign.start, sign.end) in materials:
            from_material.append(sign)
        elif sign.family in KINDS and (takes_nouns or sign.family != "noun"):
            weight = WEIGHTS[sign.family][not sign.in_title]
            tallies[KINDS[sign.family]].add(sign.group, weight, batch.quote(sign, weight))
        for kind, hint in hinted.get(sign.rule, ()):
            weight = hint["weight"] * (1.0 if sign.in_title else HINT_IN_DESCRIPTION)
            tallies[kind].add(hint[kind], weight, batch.quote(sign, weight))
    if not tallies["type"].weights:  # "terre cuite" alone is a vessel; beside a lamp it is what the lamp is made of
        for sign in from_material:
            weight = WEIGHTS["thing"][not sign.in_title]
            tallies["type"].add(sign.group, weight, batch.quote(sign, weight))
    answers.types = tallies["type"].findings()
    answers.materials = tallies["material"].findings()
    answers.periods = tallies["period"].findings()
    if answers.types or answers.periods:
        answers.years = find_years(signs, batch, [period.id for period in answers.periods])


def _is_armed_group(sign: Sign, signs: Sequence[Sign], batch: BatchSigns) -> bool:
    """Whether a name is that of an armed group: of the goddess, written ISIS beside words of war, or part of another's
    ("Islamic State")."""
    if any(o.family == "armed_group" and o.start <= sign.start and sign.end <= o.end for o in signs):
        return True
    if sign.rule != GODDESS or batch.quote(sign, 0.0).text != ARMED_GROUP:
        return False
    return any(other.family == "armed_group" for other in signs)


def _speaks_of_antiquity(sign: Sign) -> bool:
    return sign.family in ("period", "culture", "origin") or sign.rule in ANCIENT_DATES


@cache
def _hints() -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """For each rule the hints it gives: whether of the type or the period, and which."""
    facts = read_facts("hints")
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for kind in ("period", "type"):
        for rule, hint in facts[f"{kind}s"].items():
            found.setdefault(rule, []).append((kind, hint))
    return found


def find_origins(answers: Answers, signs: Sequence[Sign], batch: BatchSigns) -> None:
    """Set the likely countries of origin: those named, else those that the cultures found point to."""
    named, from_culture = _Tally(), _Tally()
    met: set[tuple[str, bool]] = set()
    denied = _denied_countries(signs, batch)
    for sign in signs:
        if sign.at in denied:
            continue  # a culture found there still points there: the seller's word weighs nothing against it
        if sign.family == "origin" and (sign.rule, sign.in_title) not in met and is_origin(sign, signs, batch):
            met.add((sign.rule, sign.in_title))
            weight = NAMED[not sign.in_title]
            named.add(sign.group, weight, batch.quote(sign, weight))
    cultures = read_facts("cultures")
    for period in answers.periods[:2]:
        countries = cultures[period.id].get("countries", ())
        weight = FROM_CULTURE[len(countries) > FEW]
        for country in countries:
            (named if country in named.weights else from_culture).add(country, weight, None)
            if country not in named.weights:
                from_culture.reasons[country] += period.reasons[: MOST - len(from_culture.reasons[country])]
    answers.origins = named.findings() or _all(from_culture)


def likeliest(origins: Sequence[Finding]) -> set[str]:
    """The countries that words name; where only a culture points to some, the first of them alone."""
    return {origin.id for place, origin in enumerate(origins) if place == 0 or origin.basis != "culture"}


def _all(tally: _Tally) -> list[Finding]:
    """Every country that a culture points to, so that none of their laws is left out."""
    some = sorted(tally.weights.items(), key=lambda item: -item[1])
    return [Finding(id_, round(weight, 2), tuple(tally.reasons[id_]), "culture") for id_, weight in some]


def is_origin(sign: Sign, signs: Sequence[Sign], batch: BatchSigns) -> bool:
    """Whether a country's name is meant as where the object comes from, not who held it or where it is sent from."""
    return not any(_is_aside(sign, other, batch) for other in signs if other.family == "circumstance")


def _is_aside(sign: Sign, other: Sign, batch: BatchSigns) -> bool:
    if other.rule == "circumstance:holder":
        return near(sign, other, batch, BEFORE_HOLDER) or near(other, sign, batch, AFTER_HOLDER)
    return other.rule in SHIPPING and near(other, sign, batch, AFTER_SHIPS)


def _denied_countries(signs: Sequence[Sign], batch: BatchSigns) -> set[int]:
    """Names of countries that the text keeps out: "not from Syria or Iraq", "Suriye değil", by their numbers."""
    words = [sign for sign in signs if sign.family == "denied_country"]
    denied: set[int] = set()
    if not words:
        return denied
    last: Sign | None = None
    for sign in signs:
        if sign.family != "origin":
            continue
        ahead = [one for one in words if one.rule == "denied_country:before" and near(one, sign, batch, AFTER_DENIAL)]
        behind = [one for one in words if one.rule == "denied_country:after" and near(sign, one, batch, BEFORE_DENIAL)]
        joined = last is not None and any(
            near(last, one, batch, AFTER_DENIAL) and near(one, sign, batch, AFTER_DENIAL)
            for one in words
            if one.rule == "denied_country:or"
        )
        if ahead or behind or joined:
            denied.add(sign.at)
            last = sign
    return denied


def refused_signs(signs: Sequence[Sign], batch: BatchSigns) -> list[Sign]:
    """The words by which a seller keeps a country of origin out, each followed by that country's name."""
    refusals = [sign for sign in signs if sign.rule == "circumstance:refuses"]
    countries = [sign for sign in signs if sign.family == "origin"]
    return [one for one in refusals if any(near(one, country, batch, AFTER_SHIPS) for country in countries)]


def dispatch_signs(signs: Sequence[Sign], batch: BatchSigns) -> list[Sign]:
    """Names of countries that the text gives as where the object is sent from."""
    ships = [sign for sign in signs if sign.rule == "circumstance:ships"]
    return [
        sign
        for sign in signs
        if sign.family in ("origin", "hub") and any(near(other, sign, batch, AFTER_SHIPS) for other in ships)
    ]
