"""Retraining from decisions: the model in force, moved no further than the decisions ask for.

Nothing is trained from nothing. The margin of a listing is that of the base model plus what the decisions teach; a
ridge holds what they teach towards zero, its strength chosen on sellers and sources left out of each fold, and the
choice may be that the decisions teach nothing yet. So a unit with few decisions keeps what the shipped corpus taught.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from scipy.sparse import csr_matrix, hstack
from sklearn.model_selection import GroupKFold

from classifiers.bounds import bounds_of
from classifiers.hashing import SLOTS
from classifiers.listing import Listing, ListingClassifier
from classifiers.training import HASHED_SCALE, LEXICON_SCALE, read_features
from classifiers.weights import Weights

STRENGTHS = (0.0, 0.1, 0.3, 1.0, 3.0)
"""What a decision weighs against the ridge; 0: the decisions change nothing."""
FOLDS = 4
SEARCH = {"maxiter": 200, "maxcor": 10, "ftol": 1e-7, "gtol": 1e-4}
LEAST_GAIN = 0.002
"""Log loss a stronger choice must gain on left-out sellers to be taken: what is less is chance."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Taught:
    """A text that somebody decided on."""

    title: str
    description: str | None
    antiquity: bool
    source: str
    """The market: decisions are weighted by it and held out with it."""
    group: str = ""
    """What is left out together inside one source; the seller, where known."""
    language: str = ""
    reviewer: str = ""
    """Who decided."""

    @property
    def listing(self) -> Listing:
        return self.title, self.description


def seller_of(row: Taught) -> str:
    """What is left out together inside one source: a seller's rows; a row whose seller is not known with its like."""
    return f"{row.source}\0{row.group or row.title}"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What decisions teach a base model."""

    change: Numbers
    """Of the margin, for each feature; the last is the intercept."""
    names: list[str]
    strength: float

    def margins(self, features: csr_matrix) -> Numbers:
        margins: Numbers = features @ self.change[:-1] + self.change[-1]
        return margins


def row_weights(rows: Sequence[Taught]) -> Numbers:
    """Each row's weight: that of its source, and the same of its reviewer, so that none teaches by mere number."""
    weights = source_weights([row.source for row in rows]) * source_weights([row.reviewer for row in rows])
    weighed: Numbers = weights / weights.mean()
    return weighed


def source_weights(sources: Sequence[str]) -> Numbers:
    """Each row's weight: a source counts by the square root of its rows, so that a busy one drowns no other.

    The weights have mean 1.
    """
    counts = Counter(sources)
    weights = np.array([counts[source] ** -0.5 for source in sources])
    weighed: Numbers = weights / weights.mean()
    return weighed


class Pupil:
    """Texts read once, ready to be taught from with any rows and strength."""

    def __init__(self, base: ListingClassifier, rows: Sequence[Taught | Listing]) -> None:
        listings = [row.listing if isinstance(row, Taught) else row for row in rows]
        self.base = base
        self.names, self.features = read_features(listings, base.lexicon, base.weights.languages)
        scores = np.clip(base.scores(listings), 1e-6, 1 - 1e-6)
        self.offsets: Numbers = np.log(scores / (1 - scores))

    def probabilities(self, lesson: Lesson, at: NDArray[np.int64]) -> Numbers:
        """The scores of rows after a lesson."""
        probabilities: Numbers = 1 / (1 + np.exp(-np.clip(self.log_odds(lesson, at), -60, 60)))
        return probabilities

    def log_odds(self, lesson: Lesson, at: NDArray[np.int64]) -> Numbers:
        """The same as log odds, in which no two high scores become one."""
        odds: Numbers = self.offsets[at] + self.base.weights.slope * lesson.margins(self.features[at])
        return odds

    def teach(
        self,
        at: NDArray[np.int64],
        labels: NDArray[np.bool_],
        weights: Numbers,
        strength: float,
        before: Lesson | None = None,
    ) -> Lesson:
        """What the rows `at` with these labels teach; each lexicon weight stays within the bounds of its name.

        A lesson `before` from fewer rows is where the search begins, which spares time and changes little else.
        """
        width = self.features.shape[1]
        if strength <= 0 or not len(at):
            return Lesson(np.zeros(width + 1), self.names, 0.0)
        rows = self.features[at]
        used = np.append(np.flatnonzero(np.diff(rows.tocsc().indptr)), width)
        matrix = hstack([rows, np.ones((len(at), 1))], format="csr")[:, used].astype(np.float64)
        turned = matrix.T.tocsr()
        signs = np.where(labels, 1.0, -1.0)
        slope, offsets, costs = self.base.weights.slope, self.offsets[at], strength * weights

        def loss(change: Numbers) -> tuple[float, Numbers]:
            margins = signs * (offsets + slope * (matrix @ change))
            slopes = -costs * slope * signs / (1 + np.exp(np.clip(margins, -500.0, 500.0)))
            total = (costs * np.logaddexp(0, -margins)).sum() + 0.5 * change @ change
            return float(total), change + turned @ slopes

        low, high = self._limits()
        limited = Bounds(low[used], high[used])
        start = before.change[used] if before is not None else np.zeros(len(used))
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limited, options=SEARCH)
        change = np.zeros(width + 1)
        change[used] = found.x
        return Lesson(change, self.names, strength)

    def _limits(self) -> tuple[Numbers, Numbers]:
        """How far each feature may move: a lexicon weight as far as its bounds allow."""
        known = self.base.weights.lexicon
        low, high = np.full(self.features.shape[1] + 1, -np.inf), np.full(self.features.shape[1] + 1, np.inf)
        for place, name in enumerate(self.names, start=SLOTS):
            least, most = bounds_of(name)
            now = known.get(name, 0.0)
            low[place] = min(0.0, (least - now) / LEXICON_SCALE)
            high[place] = max(0.0, (most - now) / LEXICON_SCALE)
        return low, high


def choose_strength(
    pupil: Pupil, rows: Sequence[Taught], at: NDArray[np.int64], seed: int = 0
) -> tuple[float, dict[str, dict[float, float]]]:
    """The strength to teach with, and the weighted log loss of each on what its folds left out: sources, and sellers.

    What comes next is of the same sources, of sellers not met before: the strength that loses least on left-out
    sellers is taken, among those that lose nothing on left-out sources. With few sources sellers alone decide. No
    losses and strength 0 where the rows cannot be parted.
    """
    labels = np.array([rows[row].antiquity for row in at], dtype=bool)
    sellers = [seller_of(rows[row]) for row in at.tolist()]
    sources = [rows[row].source for row in at.tolist()]
    if len(set(sellers)) < 2 or labels.all() or not labels.any():
        return 0.0, {}
    weights = row_weights([rows[row] for row in at.tolist()])
    losses = {"sellers": _losses(pupil, at, labels, weights, sellers, seed)}
    if len(set(sources)) >= FOLDS:
        losses["sources"] = _losses(pupil, at, labels, weights, sources, seed)
    chosen = 0.0
    for strength in STRENGTHS[1:]:
        harmless = "sources" not in losses or losses["sources"][strength] <= losses["sources"][0.0]
        if harmless and losses["sellers"][strength] < losses["sellers"][chosen] - LEAST_GAIN:
            chosen = strength
    return chosen, {
        name: {strength: round(loss, 5) for strength, loss in of.items()} for name, of in sorted(losses.items())
    }


def _losses(
    pupil: Pupil, at: NDArray[np.int64], labels: NDArray[np.bool_], weights: Numbers, groups: Sequence[str], seed: int
) -> dict[float, float]:
    """The weighted log loss of each strength on the groups that its folds left out."""
    losses = dict.fromkeys(STRENGTHS, 0.0)
    folds = GroupKFold(min(FOLDS, len(set(groups))), shuffle=True, random_state=seed)
    for taught, asked in folds.split(at, groups=groups):
        for strength in STRENGTHS:
            lesson = pupil.teach(at[taught], labels[taught], weights[taught], strength)
            chances = np.clip(pupil.probabilities(lesson, at[asked]), 1e-6, 1 - 1e-6)
            right = np.where(labels[asked], chances, 1 - chances)
            losses[strength] -= float((weights[asked] * np.log(right)).sum()) / len(at)
    return losses


def apply_lesson(base: Weights, lesson: Lesson, name: str) -> Weights:
    """The base model's weights with the lesson in them, under a name of its own."""
    hashed = base.hashed.astype(np.float64)
    hashed += lesson.change[:SLOTS] * HASHED_SCALE
    lexicon = dict(base.lexicon)
    for place, feature in enumerate(lesson.names, start=SLOTS):
        weight = round(lexicon.get(feature, 0.0) + float(lesson.change[place]) * LEXICON_SCALE, 3)
        if weight:
            lexicon[feature] = weight
        else:
            lexicon.pop(feature, None)
    return replace(
        base,
        name=name,
        hashed=np.round(hashed, 3).astype(np.float16),
        lexicon=lexicon,
        intercept=round(base.intercept + float(lesson.change[-1]), 4),
    )
