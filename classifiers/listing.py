"""The listing classifier: how much a listing's text looks like an antiquity, and which of its words say so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from classifiers.bounds import answerable
from classifiers.hashing import distinct_pairs, distinct_words, pair_slot, word_slots
from classifiers.language import LanguageGuess
from classifiers.lexicon import Lexicon
from classifiers.reading import Reading, Sign, name_features, read_listing
from classifiers.reasons import WORDS, Share, build_reasons
from classifiers.weights import ModelError, Weights
from crawler.items import Assessment, Band

MODELS = Path(__file__).parent / "models"
LABEL_FAMILIES = frozenset({"object", "period", "replica", "coin", "risk"})


class ListingClassifier:
    """A linear model over words, letters, lexicon terms and dates. Safe to share between threads."""

    def __init__(self, weights: Weights, lexicon: Lexicon | None = None) -> None:
        self.weights = weights
        self.lexicon = lexicon or Lexicon()
        if weights.lexicon_digest != self.lexicon.digest:
            raise ModelError(
                f"The model {weights.name}:{weights.digest[:12]} was trained with other lexicons than those installed"
                f" ({weights.lexicon_digest[:12]}, not {self.lexicon.digest[:12]}): train it again (relicwatch train"
                " --to DIR), or bring back the lexicons it was trained with."
            )
        self.model = f"{weights.name}:{weights.digest[:12]}"
        self._languages = LanguageGuess(weights.languages)
        self._hashed: list[float] = weights.hashed.astype("float64").tolist()
        self._word_weight = lru_cache(maxsize=300_000)(self._find_word_weight)

    @classmethod
    def load(cls, path: Path | None = None) -> ListingClassifier:
        """The model in the directory `path`, or the one that ships. Raises ModelError."""
        return cls(Weights.load(path or MODELS))

    def _find_word_weight(self, form: str) -> tuple[float, bool]:
        """What a word adds, and whether it is known as a word: one judged by its letters alone gives no reason."""
        slots, values = word_slots(form)
        weight = math.fsum(self._hashed[slot] * value for slot, value in zip(slots, values, strict=True))
        return weight, self._hashed[slots[0]] != 0

    def assess(self, title: str, description: str | None) -> Assessment:
        """Score, band, labels and reasons of one listing's text."""
        return self._assess(title, description)

    def assess_many(self, listings: Iterable[tuple[str, str | None]]) -> list[Assessment]:
        """The same for many (title, description) pairs, in their order."""
        return [self._assess(title, description) for title, description in listings]

    def score(self, title: str, description: str | None) -> float:
        """The calibrated probability alone, without reasons."""
        return self._calibrate(
            self._margin(self._shares(read_listing(title, description, self.lexicon, self._languages)))
        )

    def _assess(self, title: str, description: str | None) -> Assessment:
        reading = read_listing(title, description, self.lexicon, self._languages)
        shares = self._shares(reading)
        score = self._calibrate(self._margin(shares))
        reasons = build_reasons(title, description or "", shares)
        spoken_for = any(reason.weight > 0 for reason in reasons)
        return Assessment(
            model=self.model,
            score=score,
            flagged=score >= self.weights.thresholds.flagged and spoken_for,
            band=self._band(score),
            language=reading.language,
            labels=_labels(reading),
            reasons=reasons,
        )

    def _shares(self, reading: Reading) -> list[Share]:
        """What each part of the text adds to the margin, in log-odds."""
        shares = []
        lexicon = self.weights.lexicon
        for name, found in name_features(reading, lexicon).items():
            weight = lexicon.get(name)
            if weight:
                shares.append(Share(weight, answerable(found, weight)))
        words = distinct_words(reading)
        for word, form, value in words:
            weight, known = self._word_weight(form)
            signs = (Sign(word.field, word.start, word.end, WORDS),) if known else ()
            shares.append(Share(value * weight, signs))
        for first, second, one, other, value in distinct_pairs(reading, words):
            weight = self._hashed[pair_slot(one, other)]
            if weight:
                both = tuple(Sign(word.field, word.start, word.end, WORDS) for word in (first, second))
                shares.append(Share(value * weight, both))
        return shares

    def _margin(self, shares: list[Share]) -> float:
        return self.weights.intercept + sum(share.weight for share in shares)

    def _calibrate(self, margin: float) -> float:
        exponent = self.weights.slope * margin + self.weights.shift
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, exponent))))

    def _band(self, score: float) -> Band:
        if score >= self.weights.thresholds.strong:
            return "strong"
        return "medium" if score >= self.weights.thresholds.medium else "weak"


def _labels(reading: Reading) -> list[str]:
    """Ids of what the lexicons found, in order of appearance."""
    return list(dict.fromkeys(sign.rule for sign in reading.signs if sign.family in LABEL_FAMILIES))
