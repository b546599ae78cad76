"""Whether a market's listings still look to the model as they did: scores and terms against the market's own past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

LEAST_LISTINGS = 100
"""In each period; with fewer nothing is said."""
CHANGED = 0.25
"""A population stability index from here on is a change by the usual reading of it."""
CHANCE = 0.999
"""An index must also be greater than chance gives with these numbers: it is then about chi-squared over n and m."""
TERM_GAP = 0.10
TERM_Z = 4.0
MOST_TERMS = 3
EDGES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.95)


@dataclass(frozen=True, slots=True)
class Period:
    """The scores of a period's listings, and in how many of them each label was found."""

    scores: Sequence[float]
    labels: Mapping[str, int]


def stability_index(past: Sequence[float], recent: Sequence[float]) -> float:
    """The population stability index of two sets of scores over fixed bins."""
    counts = [np.bincount(np.digitize(scores, EDGES), minlength=len(EDGES) + 1) + 0.5 for scores in (past, recent)]
    one, other = (count / count.sum() for count in counts)
    return float(np.sum((other - one) * np.log(other / one)))


def drift_sentence(market: str, past: Period, recent: Period) -> str | None:
    """What has changed, in one sentence for people; None where nothing has or too little is known."""
    n, m = len(past.scores), len(recent.scores)
    if min(n, m) < LEAST_LISTINGS:
        return None
    index = stability_index(past.scores, recent.scores)
    scores_changed = index > max(CHANGED, 2 * float(gammaincinv(len(EDGES) / 2, CHANCE)) * (1 / n + 1 / m))
    terms = _changed_terms(past, recent)
    if not scores_changed and not terms:
        return None
    said = []
    if scores_changed:
        mean, was = float(np.mean(recent.scores)), float(np.mean(past.scores))
        said.append(f"scores are spread otherwise than before (mean {mean:.2f}, was {was:.2f}; index {index:.2f})")
    said += [f"{label} is in {now:.0%} of listings, was {was:.0%}" for label, was, now in terms]
    return (
        f"{market}: {'; '.join(said)}. Either what is offered there has changed, or its pages are read otherwise:"
        " look at some listings, and decide on a few of them."
    )


def _changed_terms(past: Period, recent: Period) -> list[tuple[str, float, float]]:
    n, m = len(past.scores), len(recent.scores)
    changed = []
    for label in sorted(set(past.labels) | set(recent.labels)):
        one, other = past.labels.get(label, 0), recent.labels.get(label, 0)
        was, now, pooled = one / n, other / m, (one + other) / (n + m)
        error = (pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5
        if error and abs(now - was) >= TERM_GAP and abs(now - was) / error >= TERM_Z:
            changed.append((label, was, now))
    return sorted(changed, key=lambda one: -abs(one[2] - one[1]))[:MOST_TERMS]
