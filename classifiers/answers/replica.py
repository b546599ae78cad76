"""Whether a listing offers a replica or a modern thing, and which of its words say so."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.answers.facts import read_facts
from classifiers.answers.nearby import is_denied
from classifiers.answers.objects import ANCIENT_DATES
from classifiers.answers.signs import BatchSigns, Sign
from crawler.items import Answers, Band, Finding

IN_DESCRIPTION = 0.5
BESIDE_AN_ANTIQUITY = 0.25
"""Sellers name catalogues, boxes and photographs beside the object: a word of the description counts less."""
BANDS: tuple[Band, ...] = ("strong", "medium", "weak")
ANCIENT = frozenset({"object", "period", "culture", "ruler", "coin"})
PLAIN = "replica:explicit_replica"


def find_replica(answers: Answers, signs: Sequence[Sign], batch: BatchSigns) -> None:
    """Set the findings and the band of `answers`."""
    facts = read_facts("replicas")
    weights = facts["words"]
    told = [sign for sign in signs if sign.rule in weights]
    if not told:
        return
    is_ancient = any(sign.family in ANCIENT or sign.rule in ANCIENT_DATES for sign in signs)
    denials = [sign for sign in signs if sign.family == "denial"]
    found: dict[str, list[tuple[float, Sign]]] = {}
    for sign in told:
        if sign.family == "date" and is_ancient:
            continue  # years of a purchase or a find stand beside ancient things
        weight = weights[sign.rule]
        if sign.family == "replica" and is_denied(sign, denials, batch):
            weight = facts["denied"]
        elif not sign.in_title and sign.rule != PLAIN:
            weight *= BESIDE_AN_ANTIQUITY if is_ancient else IN_DESCRIPTION
        found.setdefault(sign.rule, []).append((weight, sign))
    total = 0.0
    for rule, some in found.items():
        strongest = max((weight for weight, _ in some), key=abs)
        total += strongest
        reasons = tuple(batch.quote(sign, weight) for weight, sign in some[:3])
        answers.replica.append(Finding(rule, strongest, reasons))
    answers.replica.sort(key=lambda finding: -finding.weight)
    answers.replica_band = next((band for band in BANDS if total >= facts[band]), "none")
