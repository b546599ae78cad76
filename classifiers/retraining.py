"""A model trained from decisions: which sources validate it, what it gained, and the card that says so."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.evaluation import Figure, Labelled, keyword_counts, measure
from classifiers.listing import ListingClassifier
from classifiers.own_terms import own_terms_of
from classifiers.warm_start import Pupil, Taught, apply_lesson, choose_strength, row_weights, seller_of
from classifiers.weights import CARD_FILE, Weights
from crawler.errors import RelicwatchError

LEAST_DECISIONS = 20
LEAST_OF_A_LABEL = 5
HELD_OUT_SHARE = 0.2
HELD_OUT_SOURCES = 3
"""With fewer sources than this that have both labels, sellers are held out instead of sources."""
SURE = 0.9
DOUBTFUL_SHARE = 0.2
"""A reviewer who goes against a sure model in so many cases makes wrong decisions, or knows what it does not know."""
COMPARED = ("average_precision", "recall_at_precision_95", "precision_at_recall_95", "calibration_error")


class TooFewDecisions(RelicwatchError):
    """There is too little to learn from."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """The new model with its card, JSON for people."""

    weights: Weights
    card: dict[str, Any]

    def save(self, directory: Path) -> None:
        """Write model and card."""
        self.weights.save(directory)
        text = json.dumps(self.card, ensure_ascii=False, indent=1, sort_keys=True)
        (directory / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def retrain(
    base: ListingClassifier,
    in_use: ListingClassifier,
    rows: Sequence[Taught],
    name: str,
    *,
    validate: Sequence[str] = (),
    seed: int = 0,
) -> Retrained:
    """Teach the base model these decisions and compare with the model in use on sources that taught nothing.

    `validate` names sources to hold out; without it a fifth of them is chosen by a digest of their names, so that the
    same ones are held out each time. The same rows give the same model. Raises TooFewDecisions.
    """
    _require_enough(rows)
    held, how = held_out(rows, validate)
    taught = np.flatnonzero(~held)
    labels = np.array([row.antiquity for row in rows], dtype=bool)
    if min(labels[taught].sum(), (~labels[taught]).sum()) < LEAST_OF_A_LABEL:
        raise TooFewDecisions(
            f"What is left to teach with ({len(taught)} decisions, {int(labels[taught].sum())} of them antiquities)"
            f" is too little: hold out fewer sources, or decide about more listings."
        )
    pupil = Pupil(base, rows)
    strength, losses = choose_strength(pupil, rows, taught, seed)
    lesson = pupil.teach(taught, labels[taught], row_weights([rows[at] for at in taught.tolist()]), strength)
    weights = apply_lesson(base.weights, lesson, name)
    new = ListingClassifier(weights, base.lexicon)
    new.model += own_terms_of(base.model)  # as it will be called once it is loaded beside the same terms
    asked = [rows[at] for at in np.flatnonzero(held).tolist()]
    card = _card(base, in_use, new, rows, held, how, strength, losses) | {
        "validation": _validate({"new": new, "in_use": in_use, "shipped": base}, asked, seed)
    }
    return Retrained(weights, card)


def _require_enough(rows: Sequence[Taught]) -> None:
    of_antiquities = sum(row.antiquity for row in rows)
    if len(rows) < LEAST_DECISIONS or min(of_antiquities, len(rows) - of_antiquities) < LEAST_OF_A_LABEL:
        raise TooFewDecisions(
            f"There are {len(rows)} decisions to learn from, {of_antiquities} of them antiquities: a model needs"
            f" {LEAST_DECISIONS}, at least {LEAST_OF_A_LABEL} of antiquities and {LEAST_OF_A_LABEL} of other things."
            " Decide about more listings on the review desk; unsure ones teach nothing."
        )


def held_out(rows: Sequence[Taught], validate: Sequence[str] = ()) -> tuple[NDArray[np.bool_], str]:
    """Which rows validate and teach nothing, and how they were chosen, in words.

    Raises TooFewDecisions where a named source has no decision.
    """
    sources = sorted({row.source for row in rows})
    if validate:
        unknown = sorted(set(validate) - set(sources))
        if unknown:
            raise TooFewDecisions(f"No decision was made about {', '.join(unknown)}: there are {', '.join(sources)}.")
        return np.array([row.source in validate for row in rows]), f"sources named: {', '.join(sorted(set(validate)))}"
    both = [s for s in sources if len({row.antiquity for row in rows if row.source == s}) == 2]
    if len(both) >= HELD_OUT_SOURCES:
        chosen = _lot(both)[: max(1, round(HELD_OUT_SHARE * len(both)))]
        return np.array([row.source in chosen for row in rows]), f"whole sources: {', '.join(sorted(chosen))}"
    keys = [seller_of(row) for row in rows]
    sellers = _lot(sorted(set(keys)))
    out = set(sellers[: round(HELD_OUT_SHARE * len(sellers))])
    return (
        np.array([key in out for key in keys]),
        "sellers, because fewer than three sources have decisions of both labels: kinder figures than for a new source",
    )


def _lot(names: Sequence[str]) -> list[str]:
    """The names in an order that nobody chose, the same each time."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def _validate(models: dict[str, ListingClassifier], rows: Sequence[Taught], seed: int) -> dict[str, Any]:
    if not rows:
        return {"note": "Nothing was held out, so nothing is known of how the new model does."}
    labelled = [
        Labelled(
            str(at), row.title, row.description, row.antiquity, row.language, source=row.source, group=seller_of(row)
        )
        for at, row in enumerate(rows)
    ]
    keywords = keyword_counts(models["shipped"], [row.listing for row in rows])
    found: dict[str, Any] = {}
    for name, model in models.items():
        assessed = list(model.assess_many([row.listing for row in rows]))
        scores = np.array([one.score for one in assessed])
        flagged = np.array([one.flagged for one in assessed], dtype=bool)
        slices = {"all": list(range(len(rows)))}
        for by in ("language", "source"):
            for value in sorted({getattr(row, by) for row in labelled} - {""}):
                slices[f"{by} {value}"] = [at for at, row in enumerate(labelled) if getattr(row, by) == value]
        found[name] = {
            title: _plain(measure([labelled[a] for a in at], scores[at], flagged[at], keywords[at], seed))
            for title, at in slices.items()
        }
    found["better"] = _better(found["new"]["all"], found["in_use"]["all"])
    return found


def reviewers_beside(model: ListingClassifier, rows: Sequence[Taught]) -> dict[str, dict[str, int]]:
    """For each reviewer how many decisions there are, and how many go against a model that was sure of the other."""
    scores = model.scores([row.listing for row in rows])
    labels = np.array([row.antiquity for row in rows], dtype=bool)
    against = np.where(labels, scores <= 1 - SURE, scores >= SURE)
    found: dict[str, dict[str, int]] = {}
    for row, contrary in zip(rows, against.tolist(), strict=True):
        counts = found.setdefault(row.reviewer, {"decisions": 0, "against_a_sure_model": 0})
        counts["decisions"] += 1
        counts["against_a_sure_model"] += contrary
    return found


def doubts(reviewers: dict[str, dict[str, int]]) -> list[str]:
    """A sentence for each reviewer who goes against a sure model too often for chance or a blind spot of the model."""
    return [
        f"{name or 'Somebody'} decided against a model that was sure of the other in"
        f" {counts['against_a_sure_model']} of {counts['decisions']} cases: look at some of them before this model is"
        " used, or train with --without."
        for name, counts in sorted(reviewers.items())
        if counts["decisions"] >= LEAST_DECISIONS
        and counts["against_a_sure_model"] >= DOUBTFUL_SHARE * counts["decisions"]
    ]


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: asdict(value) if isinstance(value, Figure) else value for name, value in figures.items()}


def _better(new: dict[str, Any], old: dict[str, Any]) -> str:
    one, other = new["average_precision"], old["average_precision"]
    if one is None or other is None:
        return "unknown: too few of one label were held out to compare"
    gain = one["value"] - other["value"]
    certain = one["low"] > other["high"] or one["high"] < other["low"]
    word = "better" if gain > 0 else "worse" if gain < 0 else "equal"
    return f"{word} by {abs(gain):.3f} of average precision" + ("" if certain or not gain else ", within chance")


def _card(
    base: ListingClassifier,
    in_use: ListingClassifier,
    new: ListingClassifier,
    rows: Sequence[Taught],
    held: NDArray[np.bool_],
    how: str,
    strength: float,
    losses: dict[str, dict[float, float]],
) -> dict[str, Any]:
    reviewers = reviewers_beside(base, rows)
    text = "\n".join(f"{r.source}\t{r.title}\t{r.description}\t{r.antiquity}" for r in rows)
    return {
        "model": new.model,
        "warm_started_from": base.model,
        "compared_with": in_use.model,
        "purpose": "Orders listings for review by how much they look like antiquities; a score is no verdict.",
        "not_for": "Deciding whether an object is genuine or its sale lawful: the text says only what is offered.",
        "decisions": {
            "in_all": len(rows),
            "antiquities": sum(row.antiquity for row in rows),
            "taught": int((~held).sum()),
            "held_out": int(held.sum()),
            "by_source": dict(Counter(f"{r.source} {'antiquity' if r.antiquity else 'other'}" for r in rows)),
            "by_language": dict(Counter(f"{r.language or 'unknown'}" for r in rows)),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "weighting": "A source counts by the square root of its decisions, and so does a reviewer.",
            "by_reviewer": reviewers,
        },
        "to_look_at": doubts(reviewers),
        "held_out": how,
        "strength": strength,
        "strength_log_loss_on_left_out": {
            name: {str(one): loss for one, loss in of.items()} for name, of in losses.items()
        },
        "thresholds": asdict(new.weights.thresholds),
        "limits": [
            "Decisions are made about what was flagged or drawn: what nobody was shown teaches nothing.",
            "Scores keep the shipped calibration, made for one antiquity in five of what a search brings up.",
            "Figures of a source or language with few decisions have wide intervals: read low and high.",
            *(
                ["The decisions taught nothing that holds elsewhere: this is the shipped model."]
                if not strength
                else []
            ),
        ],
    }
