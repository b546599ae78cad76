"""A labelled pool read in our order: how much of the reading that order saves.

Work saved over sampling (Cohen, Hersh, Peterson and Yen, JAMIA 13, 2006, 206-219): WSS@R = (TN + FN) / N - (1 - R) at
the place in the order where the recall R is reached first, that is the share of the pool that need not be read, less
the share that a reading by chance would save at that recall. `recall_5` is the share of the antiquities among the
first twentieth of the order, `recall_10` that among the first tenth.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.evaluation import Flags, Labelled, keyword_counts
from classifiers.listing import ListingClassifier
from classifiers.warm_start import STRENGTHS, Lesson, Pupil, source_weights
from crawler.errors import RelicwatchError

RECALL = 0.95
SHARES = (0.05, 0.10)
LEAST_OF_A_LABEL = 5
BATCH = 10
"""Rows read between two trainings, as long as few are read."""
GROWTH = 0.02
"""A training comes at the latest when so much more has been read: a large pool costs no more trainings than it must."""
STRENGTH = max(STRENGTHS)
"""What a decision weighs against the ridge. What is left to read is of the sources that were read, so that nothing
speaks for holding back, as `train` may for the sake of sources that nobody decided on."""
OURS, UNTAUGHT, KEYWORDS, ASREVIEW = "relicwatch", "relicwatch, untaught", "keyword counting", "ASReview"
ASREVIEW_SCRIPT = Path(__file__).parent.parent / "bench" / "asreview_order.py"

Order = NDArray[np.int64]


class SimulationError(RelicwatchError):
    """A pool cannot be replayed, or ASReview did not run."""


@dataclass(frozen=True, slots=True)
class Savings:
    """What one order of a pool saves; see the module."""

    wss_95: float
    recall_5: float
    recall_10: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """One order with what it saves. `seed` is None for the mean of all seeds."""

    order: str
    seed: int | None
    savings: Savings

    def as_record(self) -> dict[str, Any]:
        """As `relicwatch simulate` prints it."""
        figures = {name: round(value, 4) for name, value in asdict(self.savings).items()}
        return {"order": self.order, "seed": "mean" if self.seed is None else self.seed, **figures}


def work_saved(found: Flags, total: int, antiquities: int, recall: float = RECALL) -> float:
    """WSS at `recall` of a pool of `total` rows: `found` says of each row in the order read whether it is one of the
    `antiquities`; it may end where all are found.

    Raises SimulationError where the order ends before that recall.
    """
    counts = np.cumsum(found)
    wanted = math.ceil(recall * antiquities - 1e-9)
    if not len(counts) or counts[-1] < wanted:
        raise SimulationError(f"The order ends before {recall:.0%} of the antiquities are found.")
    read = int(np.searchsorted(counts, wanted)) + 1
    return (total - read) / total - (1 - recall)


def recall_after(found: Flags, total: int, antiquities: int, share: float) -> float:
    """The share of the antiquities that stand among the first `share` of the pool."""
    return float(found[: math.floor(share * total + 1e-9)].sum() / antiquities)


def savings(order: Order, labels: Flags) -> Savings:
    """The figures of one order."""
    found, total, antiquities = labels[order], len(labels), int(labels.sum())
    early = [recall_after(found, total, antiquities, share) for share in SHARES]
    return Savings(work_saved(found, total, antiquities), *early)


class Pool:
    """Labelled rows, read once by the model that the reading starts from."""

    def __init__(self, classifier: ListingClassifier, rows: Sequence[Labelled]) -> None:
        """Raises SimulationError for a pool with too few rows of either label to say anything."""
        self.rows = list(rows)
        self.labels: Flags = np.array([row.antiquity for row in rows], dtype=bool)
        antiquities, others = int(self.labels.sum()), int((~self.labels).sum())
        if min(antiquities, others) < LEAST_OF_A_LABEL:
            raise SimulationError(
                f"The pool holds {antiquities} antiquities and {others} others; {LEAST_OF_A_LABEL} of either label are"
                " needed."
            )
        self._classifier = classifier
        self._pupil = Pupil(classifier, [row.listing for row in rows])
        self._sources = [row.source for row in rows]

    def priors(self, seed: int, of_each: int) -> list[int]:
        """Rows of either label that are known before the reading begins, the same for every order of this seed."""
        chance = np.random.default_rng(seed)
        return [
            int(row)
            for label in (True, False)
            for row in chance.choice(np.flatnonzero(self.labels == label), of_each, replace=False)
        ]

    def untaught(self) -> Order:
        """By the score of the model alone; rows of equal score as they stand in the pool."""
        return np.argsort(-self._pupil.offsets, kind="stable")

    def by_keywords(self) -> Order:
        """By keyword counting, the baseline."""
        counts = keyword_counts(self._classifier, [row.listing for row in self.rows])
        return np.argsort(-counts, kind="stable")

    def taught(self, seed: int, priors: Sequence[int], *, batch: int = BATCH, by_chance: float = 0.0) -> Order:
        """The order in which we read the pool: best score first, the model taught anew after each batch.

        `by_chance` is the share of each batch that is drawn by chance, as the queue's random checks are. The order
        ends where all antiquities are found and a tenth is read. The same seed gives the same order.
        """
        chance = np.random.default_rng([seed, 1])
        shuffled = chance.permutation(len(self.rows))  # rows of equal score are taken as they come here
        left = np.ones(len(self.rows), dtype=bool)
        order = list(priors)
        left[order] = False
        lesson: Lesson | None = None
        wanted, least = int(self.labels.sum()), math.floor(SHARES[-1] * len(self.rows) + 1e-9)
        found = int(self.labels[order].sum())
        while found < wanted or len(order) < least:
            rest = shuffled[left[shuffled]]
            lesson = self._lesson(np.array(order, dtype=np.int64), lesson)
            scores = self._pupil.log_odds(lesson, rest)
            size = max(batch, int(GROWTH * len(order)))
            drawn = [int(one) for one in rest[chance.random(len(rest)) < by_chance * size / len(rest)]]
            best = rest[np.argsort(-scores, kind="stable")].tolist()
            chosen = list(dict.fromkeys([*best[: max(size - len(drawn), 0)], *drawn]))
            order += chosen
            left[chosen] = False
            found += int(self.labels[chosen].sum())
        return np.array(order, dtype=np.int64)

    def _lesson(self, read: Order, before: Lesson | None) -> Lesson:
        labels = self.labels[read]
        weights = source_weights([self._sources[row] for row in read]) if len(read) else np.zeros(0)
        return self._pupil.teach(read, labels, weights, STRENGTH, before)


def simulate(
    classifier: ListingClassifier,
    rows: Sequence[Labelled],
    *,
    seeds: Sequence[int],
    of_each: int = 1,
    batch: int = BATCH,
    by_chance: float = 0.0,
    asreview: Path | None = None,
) -> Iterator[Replayed]:
    """What each order of the pool saves: for each seed, then the mean; orders without chance once.

    `of_each` rows of either label are known at the start, drawn by the seed, the same for ours and for ASReview, and
    count as read. `asreview` is the Python of an environment that has it. Raises SimulationError.
    """
    pool = Pool(classifier, rows)
    if of_each < 0 or of_each >= min(pool.labels.sum(), (~pool.labels).sum()):
        raise SimulationError(f"{of_each} rows of either label cannot be known at the start: the pool has too few.")
    yield Replayed(KEYWORDS, None, savings(pool.by_keywords(), pool.labels))
    yield Replayed(UNTAUGHT, None, savings(pool.untaught(), pool.labels))
    known = [pool.priors(seed, of_each) for seed in seeds]
    orders = (pool.taught(s, priors, batch=batch, by_chance=by_chance) for s, priors in zip(seeds, known, strict=True))
    yield from _each_and_mean(OURS, seeds, orders, pool.labels)
    if asreview is not None:
        name, theirs = asreview_orders(asreview, pool, seeds, known)
        yield from _each_and_mean(name, seeds, theirs, pool.labels)


def _each_and_mean(name: str, seeds: Sequence[int], orders: Iterator[Order], labels: Flags) -> Iterator[Replayed]:
    each = []
    for seed, order in zip(seeds, orders, strict=True):
        each.append(savings(order, labels))
        yield Replayed(name, seed, each[-1])
    columns = zip(*(asdict(one).values() for one in each), strict=True)
    yield Replayed(name, None, Savings(*(float(np.mean(column)) for column in columns)))


def asreview_orders(
    python: Path, pool: Pool, seeds: Sequence[int], known: Sequence[Sequence[int]]
) -> tuple[str, Iterator[Order]]:
    """The name of ASReview with version and model, and its order for each seed; it retrains after every row.

    Raises SimulationError where it does not run.
    """
    asked = {
        "titles": [row.title for row in pool.rows],
        "abstracts": [row.description or "" for row in pool.rows],
        "labels": pool.labels.astype(int).tolist(),
        "runs": [{"seed": seed, "priors": list(priors)} for seed, priors in zip(seeds, known, strict=True)],
    }
    command = [str(python.absolute()), str(ASREVIEW_SCRIPT)]
    try:
        with tempfile.TemporaryDirectory() as own:  # it leaves a cache where it is started
            ended = subprocess.run(
                command, input=json.dumps(asked), capture_output=True, text=True, check=False, cwd=own
            )
    except OSError as error:
        raise SimulationError(f"{python} does not start ({error.strerror}): --asreview takes a Python.") from error
    if ended.returncode:
        told = (ended.stderr.strip() or "it said nothing").splitlines()[-1]
        raise SimulationError(
            f"ASReview did not run ({told}): make an environment for it (python -m venv DIR; DIR/bin/pip install"
            " asreview) and give its Python, DIR/bin/python."
        )
    answer = json.loads(ended.stdout)
    orders = (np.array(order, dtype=np.int64) for order in answer["orders"])
    return f"{ASREVIEW} {answer['version']} ({answer['model']})", orders
