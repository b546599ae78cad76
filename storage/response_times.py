"""How long a market took to answer, as counts of steps: small enough for a row, and added up across restarts."""

from __future__ import annotations

import math
from collections.abc import Mapping

_STEPS_TO_DOUBLE = 4
"""Four steps to twice the time: a median read from steps is off by a tenth at most."""


def time_step(seconds: float) -> str:
    """The step that a response time falls into, as a key of JSON."""
    return str(round(_STEPS_TO_DOUBLE * math.log2(max(seconds, 0.001))))


def median_seconds(steps: Mapping[str, int]) -> float | None:
    """The median of the times counted in steps; None where nothing was timed."""
    total = sum(steps.values())
    passed = 0
    for step in sorted(steps, key=int):
        passed += steps[step]
        if 2 * passed >= total:
            return float(2 ** (int(step) / _STEPS_TO_DOUBLE))
    return None
