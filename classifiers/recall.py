"""How much the flags find, estimated from a random look among what they leave out.

Recall = found / (found + missed). `found` is counted: flagged listings that somebody decided to be antiquities.
`missed` is estimated from the audit share, as the elusion test of document review does: the share of antiquities in a
random sample of what was not flagged, times the size of that rest. Its 95 % interval is that of Fay and Feuer for a
weighted sum of rare events (Statistics in Medicine 16, 1997, 791-801; the exact Poisson interval where one share held
all the time). The interval of recall follows from it with `found` taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import gammaincinv

from crawler.errors import RelicwatchError

LEAST_AUDITED = 50
"""Below so many looked at by chance the interval says nothing that would help."""
TAIL = 0.025


class TooLittleAudited(RelicwatchError):
    """Too few drawn listings were decided on to say anything."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """What one share drew: the size of the rest, how many were looked at, how many of those were antiquities."""

    size: int
    looked_at: int
    antiquities: int


@dataclass(frozen=True, slots=True)
class Recall:
    value: float
    low: float
    high: float
    missed: float
    missed_low: float
    missed_high: float


def estimate_recall(found: int, strata: Sequence[Stratum]) -> Recall:
    """Recall with its 95 % interval. Raises TooLittleAudited with what lacks."""
    used = [one for one in strata if one.looked_at]
    looked_at = sum(one.looked_at for one in used)
    if looked_at < LEAST_AUDITED:
        raise TooLittleAudited(
            f"{looked_at} listings drawn by chance were decided on, and {LEAST_AUDITED} are needed before recall can be"
            f" estimated: decide on {LEAST_AUDITED - looked_at} more of those marked as random checks in the queue."
        )
    if not found:
        raise TooLittleAudited(
            "No flagged listing was decided to be an antiquity yet, so there is nothing found to compare what is missed"
            " with: decide on flagged listings first."
        )
    # what was drawn from while nothing was looked at is taken to be as the rest
    scale = sum(one.size for one in strata) / sum(one.size for one in used)
    weights = [scale * one.size / one.looked_at for one in used]
    missed = sum(weight * one.antiquities for weight, one in zip(weights, used, strict=True))
    variance = sum(weight**2 * one.antiquities for weight, one in zip(weights, used, strict=True))
    low, high = _gamma_interval(missed, variance, max(weights))
    return Recall(found / (found + missed), found / (found + high), found / (found + low), missed, low, high)


def _gamma_interval(value: float, variance: float, largest: float) -> tuple[float, float]:
    low = variance / value * float(gammaincinv(value**2 / variance, TAIL)) if value else 0.0
    above, spread = value + largest, variance + largest**2
    return low, spread / above * float(gammaincinv(above**2 / spread, 1 - TAIL))
