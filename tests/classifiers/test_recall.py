"""Recall estimated from a random look at what was not flagged, with an interval that keeps its promise."""

import numpy as np
import pytest

from classifiers.recall import LEAST_AUDITED, Stratum, TooLittleAudited, estimate_recall


@pytest.mark.parametrize(
    ("events", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (3, 0.6187, 8.7673), (10, 4.7954, 18.3904)],
)
def test_of_one_share_the_interval_of_what_is_missed_is_the_exact_poisson_one(events, low, high):
    found = estimate_recall(100, [Stratum(size=1000, looked_at=100, antiquities=events)])
    assert (found.missed_low / 10, found.missed_high / 10) == pytest.approx((low, high), abs=1e-3)
    assert found.missed == 10 * events


def test_of_several_shares_the_interval_is_that_of_the_gamma_method():
    """The formula as its authors' own program has it: shape y2 / v below, (y + w)2 / (v + w2) above, w the largest."""
    from scipy.stats import gamma

    found = estimate_recall(50, [Stratum(2000, 100, 2), Stratum(900, 300, 5)])
    y, v, w = 20 * 2 + 3 * 5, 20**2 * 2 + 3**2 * 5, 20.0
    assert found.missed == y
    assert found.missed_low == pytest.approx(gamma.ppf(0.025, y**2 / v, scale=v / y))
    assert found.missed_high == pytest.approx(gamma.ppf(0.975, (y + w) ** 2 / (v + w**2), scale=(v + w**2) / (y + w)))


@pytest.mark.parametrize("rates", [(0.01, 0.01), (0.002, 0.03), (0.03, 0.002)])
def test_nineteen_intervals_of_twenty_hold_what_was_really_missed(rates):
    chance = np.random.default_rng(20261127)
    sizes, shares = (4000, 20_000), (0.05, 0.02)
    held, trials = 0, 1000
    for _ in range(trials):
        strata, missed = [], 0
        for size, share, rate in zip(sizes, shares, rates, strict=True):
            antiquities = int(chance.binomial(size, rate))
            looked_at = int(chance.binomial(size, share))
            seen = int(chance.hypergeometric(antiquities, size - antiquities, looked_at))
            strata.append(Stratum(size, looked_at, seen))
            missed += antiquities
        found = estimate_recall(300, strata)
        held += found.low <= 300 / (300 + missed) <= found.high
    assert held / trials >= 0.94


def test_nothing_is_said_before_enough_was_looked_at_or_where_nothing_was_found():
    with pytest.raises(TooLittleAudited, match="decide on 1 more"):
        estimate_recall(5, [Stratum(1000, LEAST_AUDITED - 1, 0)])
    with pytest.raises(TooLittleAudited, match="0 listings"):
        estimate_recall(5, [])
    with pytest.raises(TooLittleAudited, match="No flagged listing"):
        estimate_recall(0, [Stratum(1000, LEAST_AUDITED, 3)])


def test_what_nobody_looked_at_is_taken_to_be_as_the_rest():
    assert estimate_recall(9, [Stratum(500, 100, 1), Stratum(500, 0, 0)]).missed == 10
