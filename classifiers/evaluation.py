"""How good a model is on labelled listings: figures by slice with bootstrap intervals, keyword counting beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.bounds import side_of
from classifiers.json_lines import Fault, ListingsFileError, numbered_lines_of, read_object
from classifiers.listing import BATCH, Listing, ListingClassifier

LABELS = {"antiquity": True, "not_antiquity": False}
DRAWS = 400
"""How often groups or rows are drawn anew for an interval."""
LEAST_GROUPS = 5
"""From so many groups of rows on, whole groups are drawn anew; fewer give no interval worth the name, and rows are."""
LEAST_POSITIVES = 5
"""Below so many of either label a slice gets no figures of its own: they would be noise."""
TARGET = 0.95
BINS = 10

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A listing whose label is known."""

    id: str
    title: str
    description: str | None
    antiquity: bool
    language: str = ""
    register: str = ""
    source: str = ""
    hard: bool = False
    """Not an antiquity, and easily taken for one: a replica, decor, a book about them."""
    group: str = ""
    """What is alike because it comes from one place: a source, a seller; empty where nothing is known of it."""

    @property
    def listing(self) -> Listing:
        return self.title, self.description


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval: percentiles of the values of groups or rows drawn anew (cluster bootstrap)."""

    value: float
    low: float
    high: float


def read_labelled(path: Path, fault: Fault) -> list[Labelled]:
    """The labelled listings of a JSON Lines file; bad lines are told to `fault` with line and field, the rest counts.

    Raises ListingsFileError where the file cannot be read.
    """
    rows: list[Labelled] = []
    for place, line in numbered_lines_of(path):
        try:
            rows.append(_read_row(line, place))
        except ListingsFileError as error:
            fault(error)
    return rows


def _read_row(line: bytes, place: str) -> Labelled:
    row = read_object(line, place)
    label, title, description = row.get("label"), row.get("title"), row.get("description")
    if not isinstance(label, str) or label not in LABELS:
        raise ListingsFileError(f"{place}: `label` is {label!r}; it must be one of {', '.join(LABELS)}.")
    for name, value in (("title", title), ("description", description)):
        if not isinstance(value, str | None):
            raise ListingsFileError(f"{place}: `{name}` must be text or null.")
    if not title and not description:
        raise ListingsFileError(f"{place}: neither `title` nor `description` is there to assess.")
    words = {name: row.get(name) or "" for name in ("language", "register", "group")}
    words["source"] = row.get("source") or row.get("source_repo") or row.get("group") or ""
    for name, value in words.items():
        if not isinstance(value, str):
            raise ListingsFileError(f"{place}: `{name}` must be text.")
    words["group"] = words["group"] or words["source"]
    hard = row.get("hard") or False
    if not isinstance(hard, bool):
        raise ListingsFileError(f"{place}: `hard` must be true or false.")
    return Labelled(str(row.get("id", place)), title or "", description, LABELS[label], hard=hard, **words)


def keyword_counts(classifier: ListingClassifier, listings: Sequence[Listing]) -> Numbers:
    """The baseline: how many different groups of words for ancient things each listing holds, less those against."""
    names = classifier.rules.names
    side = np.array([side_of(name if name.startswith("era:") else name.partition(":")[0]) for name in names])
    counts = np.zeros(len(listings))
    for at in range(0, len(listings), BATCH):
        signs = classifier.read(listings[at : at + BATCH]).signs
        cells = np.unique(signs.listings * len(names) + signs.rules)
        np.add.at(counts, at + cells // len(names), side[cells % len(names)])
    return counts


class Curve:
    """Scores in order with their labels; every figure is taken with a weight for each row, so that rows drawn anew
    cost one pass."""

    def __init__(self, labels: Flags, scores: Numbers) -> None:
        order = np.argsort(-scores, kind="stable")
        self._order = order
        self._labels = labels[order]
        self._scores = scores[order]
        self._ends = np.append(np.flatnonzero(np.diff(self._scores)), len(scores) - 1)
        """The last row of each run of equal scores: ties are taken together."""

    def _points(self, weights: Numbers) -> tuple[Numbers, Numbers]:
        """Precision and recall at every distinct score, best first."""
        weights = weights[self._order]
        hits = np.cumsum(weights * self._labels)[self._ends]
        seen = np.cumsum(weights)[self._ends]
        return hits / np.maximum(seen, 1e-12), hits / max(hits[-1], 1e-12)

    def average_precision(self, weights: Numbers) -> float:
        precision, recall = self._points(weights)
        return float(np.sum(precision * np.diff(recall, prepend=0.0)))

    def recall_at_precision(self, weights: Numbers) -> float:
        precision, recall = self._points(weights)
        return float(recall[precision >= TARGET].max(initial=0.0))

    def precision_at_recall(self, weights: Numbers) -> float:
        precision, recall = self._points(weights)
        return float(precision[recall >= TARGET - 1e-12].max(initial=0.0))

    def calibration_error(self, weights: Numbers) -> float:
        """Expected calibration error over ten equal bins of the score."""
        bins = np.minimum((self._scores * BINS).astype(np.int64), BINS - 1)
        gaps = np.bincount(bins, weights[self._order] * (self._scores - self._labels), minlength=BINS)
        return float(np.abs(gaps).sum() / weights.sum())


def measure(
    rows: Sequence[Labelled], scores: Numbers, flagged: Flags, keywords: Numbers, seed: int = 0
) -> dict[str, Any]:
    """The figures of some rows: n, positives, what was drawn anew for the intervals, and `Figure`s by name.

    A figure is None where there is too little of a label.
    """
    labels = np.array([row.antiquity for row in rows], dtype=bool)
    hard = np.array([row.hard for row in rows], dtype=bool) & ~labels
    redrawn, draws = _draws([row.group for row in rows], labels, seed)
    record: dict[str, Any] = {"n": len(rows), "positives": int(labels.sum()), "redrawn": redrawn}
    enough = min(labels.sum(), (~labels).sum()) >= LEAST_POSITIVES
    curve, counted = Curve(labels, scores), Curve(labels, keywords)
    for name, of in (
        ("average_precision", curve.average_precision),
        ("recall_at_precision_95", curve.recall_at_precision),
        ("precision_at_recall_95", curve.precision_at_recall),
        ("calibration_error", curve.calibration_error),
        ("keyword_average_precision", counted.average_precision),
        ("keyword_recall_at_precision_95", counted.recall_at_precision),
        ("keyword_precision_at_recall_95", counted.precision_at_recall),
    ):
        record[name] = _figure(of, draws) if enough else None
    shares = (("flagged_of_antiquities", labels), ("false_alarms", ~labels), ("hard_false_alarms", hard))
    for name, among in shares:
        some = among.sum() >= LEAST_POSITIVES
        record[name] = _figure(partial(_share, flagged, among), draws) if some else None
    return record


def _draws(groups: Sequence[str], labels: Flags, seed: int) -> tuple[str, NDArray[np.float64]]:
    """What is drawn anew, in words, and a weight for each row: first one for all, then DRAWS times as it was drawn.

    Rows of one group rise and fall together, so that whole groups are drawn where there are enough of them: rows alone
    would give intervals as if each row were news. Those with antiquities alone, with none and with both are drawn among
    themselves, as many as there are, so that no draw lacks a label. A row that names no group is one.
    """
    _, of_row = np.unique([group or f"\0{row}" for row, group in enumerate(groups)], return_inverse=True)
    count = int(of_row.max(initial=-1)) + 1
    redrawn = f"{count} groups" if LEAST_GROUPS <= count < len(labels) else "rows"
    if redrawn == "rows":
        of_row, count = np.arange(len(labels)), len(labels)
    antiquities = np.bincount(of_row, labels, minlength=count) > 0
    others = np.bincount(of_row, ~labels, minlength=count) > 0
    chance = np.random.default_rng(seed)
    drawn = np.ones((DRAWS + 1, count))
    for kind in (antiquities & ~others, others & ~antiquities, antiquities & others):
        at = np.flatnonzero(kind)
        if len(at):
            drawn[1:, at] = chance.multinomial(len(at), np.full(len(at), 1 / len(at)), size=DRAWS)
    return redrawn, drawn[:, of_row]


def _figure(of: Callable[[Numbers], float], draws: Numbers) -> Figure:
    values = [of(weights) for weights in draws]
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Figure(round(values[0], 4), round(float(low), 4), round(float(high), 4))


def _share(flagged: Flags, among: Flags, weights: Numbers) -> float:
    total = weights[among].sum()
    return float(weights[among & flagged].sum() / total) if total else 0.0


def evaluate(classifier: ListingClassifier, rows: Sequence[Labelled], seed: int = 0) -> list[dict[str, Any]]:
    """Figures of all rows, then by language, register and source.

    A source or register of one label has only shares. Raises ListingsFileError where no row is labelled.
    """
    if not rows:
        raise ListingsFileError("There is no labelled row to evaluate on: each line needs id, title and label.")
    listings = [row.listing for row in rows]
    assessed = list(classifier.assess_many(listings))
    scores = np.array([one.score for one in assessed])
    flagged = np.array([one.flagged for one in assessed], dtype=bool)
    keywords = keyword_counts(classifier, listings)
    records = []
    for by, name, chosen in _slices(rows):
        some = [rows[at] for at in chosen]
        figures = measure(some, scores[chosen], flagged[chosen], keywords[chosen], seed)
        records.append({"by": by, "slice": name, **figures})
    return records


def _slices(rows: Sequence[Labelled]) -> Iterable[tuple[str, str, list[int]]]:
    yield "all", "all", list(range(len(rows)))
    for by in ("language", "register", "source"):
        for name in sorted({getattr(row, by) for row in rows} - {""}):
            yield by, name, [at for at, row in enumerate(rows) if getattr(row, by) == name]
