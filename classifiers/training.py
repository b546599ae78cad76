"""Training of the listing classifier from a corpus directory, and its model card."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from classifiers import bounds
from classifiers.bounds import bounds_of
from classifiers.corpus import CorpusError, Example, load_corpus, load_records
from classifiers.hashing import SLOTS, Hashed
from classifiers.language import LATIN, LanguageGuess, train_table
from classifiers.lexical import feature_rows
from classifiers.lexicon import Lexicon
from classifiers.listing import BATCH, Listing
from classifiers.normalise import fold
from classifiers.reading import Reading, Rules
from classifiers.weights import CARD_FILE, Thresholds, Weights
from classifiers.words import TOKEN, Batch

NAME = "text-1"
RARE = 4
"""A lexicon feature in fewer examples than this gets no weight of its own."""
LEXICON_SCALE = 0.6
HASHED_SCALE = 2.0
"""Features that are scaled up are held less closely to zero by the ridge."""
ORIGIN_COUNTS = {"written": 2.0, "composed": 1.0}
RECORD_COUNT = 0.5
"""How often an example counts, by its origin: what reads like the trade teaches most, museum records least."""
STRICTNESS = 4.0
"""C of the logistic regression: higher fits the corpus more closely."""
SEARCH = {"maxiter": 100, "maxcor": 10, "ftol": 1e-6, "gtol": 1e-2}
FOLDS = 5
EXPECTED_SHARE = 0.20
"""The share of antiquities among what a market's search brings up; the corpus holds more of them."""
HARD_SHARE = 0.5
"""The share of hard ones among what else it brings up; of the corpus's negatives most are hard."""
THRESHOLDS = Thresholds(flagged=0.4, medium=0.5, strong=0.85)
BANDS = (
    "Set by hand on the calibrated score. Flagged from 0.4, below an even chance, because a missed antiquity costs"
    " more than a glance; chosen after a look at the project's validation listings, where it keeps false alarms below"
    " one in a hundred, so figures for `flagged` on those listings are kinder than on unseen ones. Medium from 0.5,"
    " where the model holds an antiquity for likelier than not; strong from 0.85. A flagged listing between 0.4"
    " and 0.5 is weak,"
    " and is meant to be: look, but expect to dismiss it often. held_out_at_thresholds says what each threshold finds"
    " in kinds of offer left out of training."
)


def train(corpus_dir: Path, out_dir: Path, records: Path | None = None, seed: int = 0) -> Weights:
    """Train on the corpus, and on the free ones of labelled `records`, and write model and card into `out_dir`.

    The same files give the same digest. Raises CorpusError.
    """
    examples = load_corpus(corpus_dir) + (load_records(records) if records else [])
    lexicon = Lexicon()
    languages = train_table(_words_by_language(examples))
    names, features = read_features([(e.title, e.description) for e in examples], lexicon, languages)
    labels = np.array([e.label == "antiquity" for e in examples])
    counts = np.array([ORIGIN_COUNTS.get(e.origin, RECORD_COUNT) for e in examples])
    hard = np.array([e.hard for e in examples])
    margins = _held_out_margins(features, labels, names, counts, [e.group for e in examples], seed)
    slope, shift = _calibrate(margins, labels, hard)
    model = _fit(features, labels, names, counts)
    hashed = np.round(model.coefficients[:SLOTS] * HASHED_SCALE, 3).astype(np.float16)
    lexicon_weights = model.coefficients[SLOTS:] * LEXICON_SCALE
    weights = Weights(
        name=NAME,
        hashed=hashed,
        lexicon={name: round(float(w), 3) for name, w in zip(names, lexicon_weights, strict=True) if abs(w) >= 0.001},
        languages=languages,
        intercept=round(model.intercept, 4),
        slope=round(slope, 4),
        shift=round(shift, 4),
        thresholds=THRESHOLDS,
        lexicon_digest=lexicon.digest,
    )
    weights.save(out_dir)
    card = _describe(examples, labels, margins, weights)
    text = json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True)
    (out_dir / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    return weights


def _words_by_language(examples: Sequence[Example]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {language: [] for language in LATIN}
    for example in examples:
        if example.language in words:
            text = fold(f"{example.title} {example.description or ''}")
            words[example.language] += (w for w in TOKEN.findall(text) if not w[0].isdigit())
    return words


def read_features(
    listings: Sequence[Listing], lexicon: Lexicon, languages: NDArray[np.float16]
) -> tuple[list[str], csr_matrix]:
    """Names of the lexicon features, and a row a listing: the hashed slots, then the lexicon features."""
    rules, guess = Rules(lexicon), LanguageGuess(languages)
    hashed, named, names = [], [], list[str]()
    for at in range(0, len(listings), BATCH):
        reading = Reading(Batch(listings[at : at + BATCH]), lexicon, rules, guess)
        hashed.append(Hashed.of(reading).rows(reading))
        names, rows = feature_rows(reading)
        named.append(rows)
    lexical = vstack(named, format="csc")
    common = np.flatnonzero(np.diff(lexical.indptr) >= RARE)
    matrix = hstack([vstack(hashed) * HASHED_SCALE, lexical[:, common] * LEXICON_SCALE], format="csr")
    return [names[column] for column in common.tolist()], matrix


@dataclass(frozen=True, slots=True)
class _Model:
    coefficients: NDArray[np.float64]
    intercept: float

    def margins(self, features: csr_matrix) -> NDArray[np.float64]:
        margins: NDArray[np.float64] = features @ self.coefficients + self.intercept
        return margins


def _fit(features: csr_matrix, labels: NDArray[np.bool_], names: Sequence[str], counts: NDArray[np.float64]) -> _Model:
    """Logistic regression with a ridge, its lexicon weights within the bounds of their names.

    An example counts as often as `counts` says.
    """
    limits = [bounds_of(name) for name in names]
    low = np.concatenate([np.full(SLOTS, -np.inf), [least / LEXICON_SCALE for least, _ in limits], [-np.inf]])
    high = np.concatenate([np.full(SLOTS, np.inf), [most / LEXICON_SCALE for _, most in limits], [np.inf]])
    used = np.append(np.flatnonzero(np.diff(features.tocsc().indptr)), features.shape[1])
    matrix = hstack([features, np.ones((features.shape[0], 1))], format="csr")[:, used].astype(np.float64)
    turned = matrix.T.tocsr()
    signs = np.where(labels, 1.0, -1.0)

    strictness = STRICTNESS * counts

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (matrix @ weights)
        slopes = -strictness * signs / (1 + np.exp(np.minimum(margins, 500.0)))
        total = strictness @ np.logaddexp(0, -margins) + 0.5 * weights @ weights
        return float(total), weights + turned @ slopes

    start = np.clip(np.zeros(len(used)), low[used], high[used])
    limited = Bounds(low[used], high[used])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limited, options=SEARCH)
    weights = np.zeros(features.shape[1] + 1)
    weights[used] = found.x
    return _Model(weights[:-1], float(weights[-1]))


def _held_out_margins(
    features: csr_matrix,
    labels: NDArray[np.bool_],
    names: Sequence[str],
    counts: NDArray[np.float64],
    groups: list[str],
    seed: int,
) -> NDArray[np.float64]:
    """Each example's margin from a model that never saw its group."""
    margins = np.zeros(len(labels))
    folds = min(FOLDS, len(set(groups)))
    for train_rows, test_rows in GroupKFold(folds, shuffle=True, random_state=seed).split(features, groups=groups):
        if len(set(labels[train_rows])) < 2:
            continue  # a very small corpus: these rows keep margin 0
        model = _fit(features[train_rows], labels[train_rows], names, counts[train_rows])
        margins[test_rows] = model.margins(features[test_rows])
    return margins


def _calibrate(margins: NDArray[np.float64], labels: NDArray[np.bool_], hard: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and shift of the sigmoid, the corpus weighted to the shares of antiquities and hard ones that markets show.

    Raises CorpusError where held-out margins do not rise with the label: such a model would be upside down.
    """
    shares = {"antiquity": EXPECTED_SHARE, "hard": (1 - EXPECTED_SHARE) * HARD_SHARE}
    shares["easy"] = 1 - sum(shares.values())
    kinds = {"antiquity": labels, "hard": ~labels & hard, "easy": ~labels & ~hard}
    weights = np.zeros(len(labels))
    for kind, rows in kinds.items():
        weights[rows] = shares[kind] / max(rows.mean(), 1e-9)
    sigmoid = LogisticRegression(C=1e3, solver="lbfgs").fit(margins.reshape(-1, 1), labels, sample_weight=weights)
    slope, shift = float(sigmoid.coef_[0][0]), float(sigmoid.intercept_[0])
    if slope <= 0:
        raise CorpusError(
            "The corpus teaches nothing that holds for kinds of offer left out of training:"
            " add examples of more kinds, of both labels, to it."
        )
    return slope, shift


def _describe(
    examples: Sequence[Example], labels: NDArray[np.bool_], margins: NDArray[np.float64], weights: Weights
) -> dict[str, Any]:  # the card is JSON for people
    rows = "\n".join(f"{e.title}\t{e.description}\t{e.language}\t{e.label}\t{e.kind}" for e in examples)
    return {
        "model": f"{weights.name}:{weights.digest[:12]}",
        "purpose": "Orders listings for review by how much they look like antiquities; a score is no verdict.",
        "not_for": "Deciding whether an object is genuine or its sale lawful: the text says only what is offered.",
        "corpus": {
            "examples": len(examples),
            "antiquities": int(labels.sum()),
            "by_language": dict(Counter(f"{e.language} {e.label}" for e in examples)),
            "by_origin": dict(Counter(e.origin for e in examples)),
            "by_kind": dict(Counter(f"{e.group} {e.label}" for e in examples if e.origin in ("written", "composed"))),
            "sha256": hashlib.sha256(rows.encode()).hexdigest(),
            "origin": "Written and composed for this project; records of other sources by their licence.",
        },
        "thresholds": {**asdict(weights.thresholds), "chosen": BANDS},
        "held_out_at_thresholds": _at_thresholds(labels, np.array([e.hard for e in examples]), margins, weights),
        "limits_on_weights": (bounds.__doc__ or "").strip(),
        "held_out_by_kind": _figures(labels, margins),
        "held_out_by_language": {
            language: _figures(labels[chosen], margins[chosen])
            for language in sorted({e.language for e in examples})
            if 0 < labels[chosen := np.array([e.language == language for e in examples])].sum() < chosen.sum()
        },
        "expected_share_of_antiquities": EXPECTED_SHARE,
        "lexicon_digest": weights.lexicon_digest,
        "features": {"hashed_slots": SLOTS, "lexicon": len(weights.lexicon)},
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
    }


def _at_thresholds(
    labels: NDArray[np.bool_], hard: NDArray[np.bool_], margins: NDArray[np.float64], weights: Weights
) -> dict[str, Any]:
    scores = 1 / (1 + np.exp(-(weights.slope * margins + weights.shift)))
    return {
        name: {
            "found_of_antiquities": round(float((scores[labels] >= least).mean()), 3),
            "raised_of_others": round(float((scores[~labels] >= least).mean()), 3),
            "raised_of_hard_others": round(float((scores[hard] >= least).mean()), 3) if hard.any() else None,
        }
        for name, least in asdict(weights.thresholds).items()
    }


def _figures(labels: NDArray[np.bool_], margins: NDArray[np.float64]) -> dict[str, float]:
    return {
        "average_precision": round(float(average_precision_score(labels, margins)), 3),
        "roc_auc": round(float(roc_auc_score(labels, margins)), 3),
    }
