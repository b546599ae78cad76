"""The listing classifier: how much a listing's text looks like an antiquity, and which of its words say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.answers.answering import Answerer
from classifiers.answers.offer import UNKNOWN_OFFER, Offer
from classifiers.hashing import Hashed
from classifiers.language import LANGUAGES, UNKNOWN, LanguageGuess
from classifiers.lexical import Lexical, LexicalWeights
from classifiers.lexicon import Lexicon
from classifiers.reading import Reading, Rules
from classifiers.reasons import build_reasons
from classifiers.weights import ModelError, Weights
from classifiers.words import Batch
from crawler.home import Home
from crawler.items import Alarm, Answers, Assessment, Band, Reason

MODELS = Path(__file__).parent / "models"
LABEL_FAMILIES = frozenset({"object", "period", "replica", "coin", "risk"})
BATCH = 256
"""Listings read at once: enough that the arrays are worth their making, few enough to stay in the processor's cache."""

Listing = tuple[str, str | None]
"""Title and description."""


@dataclass(frozen=True, slots=True)
class _Judged:
    reading: Reading
    scores: NDArray[np.float64]
    reasons: list[list[Reason]]


class ListingClassifier:
    """A linear model over words, letters, lexicon terms and dates. Safe to share between threads."""

    def __init__(self, weights: Weights, lexicon: Lexicon | None = None, home: Path | None = None) -> None:
        self.weights = weights
        self.lexicon = lexicon or Lexicon()
        if weights.lexicon_digest != self.lexicon.digest:
            raise ModelError(
                f"The model {weights.name}:{weights.digest[:12]} was trained with other lexicons than those installed"
                f" ({weights.lexicon_digest[:12]}, not {self.lexicon.digest[:12]}): train it again (relicwatch train"
                " --to DIR), or bring back the lexicons it was trained with."
            )
        self.model = f"{weights.name}:{weights.digest[:12]}"
        self.rules = Rules(self.lexicon)
        self._languages = LanguageGuess(weights.languages)
        self._hashed = weights.hashed.astype(np.float32)
        self._lexical = LexicalWeights(weights.lexicon, self.rules)
        families = (name.partition(":")[0] for name in self.rules.names)
        self._is_label = np.array([family in LABEL_FAMILIES for family in families], dtype=bool)
        self._answerer = Answerer.load(self.rules, home)

    @classmethod
    def load(cls, path: Path | None = None) -> ListingClassifier:
        """The model in the directory `path`, or the one that ships, with the settings and rates in the user's home.

        Raises ModelError, and FactsError where the home's settings cannot be used.
        """
        return cls(Weights.load(path or MODELS), home=Home.from_environment().root)

    def assess(self, title: str, description: str | None, offer: Offer = UNKNOWN_OFFER) -> Assessment:
        """Score, band, labels, reasons and answers of one listing: of its text, and of what is known of the offer."""
        return self._assess([(title, description)], [offer])[0]

    def assess_many(self, listings: Iterable[Listing], answers: bool = True) -> Iterator[Assessment]:
        """The same for many (title, description) pairs, in their order and many times faster.

        Faster still without the `answers`: score, band, labels and reasons alone.
        """
        return self.assess_offers(((listing, UNKNOWN_OFFER) for listing in listings), answers)

    def assess_offers(self, listings: Iterable[tuple[Listing, Offer]], answers: bool = True) -> Iterator[Assessment]:
        """The same with what is known of each offer beside its words."""
        rest = iter(listings)
        while some := list(islice(rest, BATCH)):
            yield from self._assess([listing for listing, _ in some], [offer for _, offer in some], answers)

    def scores(self, listings: Sequence[Listing]) -> NDArray[np.float64]:
        """The calibrated probabilities alone, without reasons."""
        parts = [self._judge(listings[at : at + BATCH], reasons=False).scores for at in range(0, len(listings), BATCH)]
        return np.concatenate([np.zeros(0), *parts])

    def read(self, listings: Sequence[Listing]) -> Reading:
        """What stands in the listings: words, terms, dates, languages."""
        return Reading(Batch(listings), self.lexicon, self.rules, self._languages)

    def _judge(self, listings: Sequence[Listing], reasons: bool) -> _Judged:
        reading = self.read(listings)
        hashed = Hashed.of(reading)
        word_weights, known, pair_weights = hashed.weigh(self._hashed)
        sign_weights, margins = self._lexical.weigh(reading, Lexical(reading))
        fields, size = reading.batch.words.fields, reading.batch.size
        margins += self.weights.intercept
        margins += np.bincount(fields[hashed.words] >> 1, word_weights, minlength=size)
        margins += np.bincount(fields[hashed.firsts] >> 1, pair_weights, minlength=size)
        margins += np.bincount(reading.signs.listings, sign_weights, minlength=size)
        exponents = np.clip(self.weights.slope * margins + self.weights.shift, -60.0, 60.0)
        told = build_reasons(reading, sign_weights, hashed, word_weights, known, pair_weights) if reasons else []
        # rounded, so that a listing has one score whatever batch it is read in
        return _Judged(reading, np.round(1 / (1 + np.exp(-exponents)), 6), told)

    def _assess(self, listings: Sequence[Listing], offers: Sequence[Offer], answering: bool = True) -> list[Assessment]:
        judged = self._judge(listings, reasons=True)
        labels = self._labels(judged.reading)
        thresholds = self.weights.thresholds
        languages = [None if code == UNKNOWN else LANGUAGES[code] for code in judged.reading.languages.tolist()]
        scores = judged.scores.tolist()
        flagged = [
            score >= thresholds.flagged and any(reason.weight > 0 for reason in reasons)
            for score, reasons in zip(scores, judged.reasons, strict=True)
        ]
        answered: list[tuple[Answers | None, list[Alarm]]] = [(None, [])] * len(scores)
        if answering:
            answered = list(self._answerer.answer(judged.reading, flagged, offers))
        return [
            Assessment(
                model=self.model,
                score=score,
                flagged=flag,
                band=self._band(score),
                language=language,
                labels=names,
                reasons=reasons,
                answers=answers,
                alarms=alarms,
            )
            for score, flag, language, names, reasons, (answers, alarms) in zip(
                scores, flagged, languages, labels, judged.reasons, answered, strict=True
            )
        ]

    def _band(self, score: float) -> Band:
        if score >= self.weights.thresholds.strong:
            return "strong"
        return "medium" if score >= self.weights.thresholds.medium else "weak"

    def _labels(self, reading: Reading) -> list[list[str]]:
        """Ids of what the lexicons found in each listing, in order of appearance."""
        signs = reading.signs
        at = np.flatnonzero(self._is_label[signs.rules])
        _, first = np.unique(signs.listings[at] * len(self.rules.names) + signs.rules[at], return_index=True)
        first.sort()
        labels: list[list[str]] = [[] for _ in range(reading.batch.size)]
        for listing, rule in zip(signs.listings[at[first]].tolist(), signs.rules[at[first]].tolist(), strict=True):
            labels[listing].append(self.rules.names[rule])
        return labels
