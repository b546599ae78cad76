"""Whether a market looks otherwise than before: told where it does, and not where chance moves it."""

import numpy as np

from classifiers.drift import LEAST_LISTINGS, Period, drift_sentence


def scores(chance, count, mean=0.1):
    return chance.beta(20 * mean, 20 * (1 - mean), size=count).tolist()


def test_markets_that_stay_as_they_are_are_hardly_ever_told():
    chance = np.random.default_rng(1)
    told = 0
    for _ in range(300):
        past, recent = scores(chance, 400), scores(chance, LEAST_LISTINGS)
        labels = {name: int(chance.binomial(400, 0.2)) for name in "abcdefgh"}
        now = {name: int(chance.binomial(LEAST_LISTINGS, 0.2)) for name in "abcdefgh"}
        told += drift_sentence("m", Period(past, labels), Period(recent, now)) is not None
    assert told <= 6


def test_other_scores_and_other_terms_are_told_with_what_they_were():
    chance = np.random.default_rng(2)
    past = Period(scores(chance, 500), {"object:coin": 50})
    said = drift_sentence("m", past, Period(scores(chance, 200, mean=0.5), {"object:coin": 21}))
    assert said is not None
    assert "scores are spread otherwise" in said
    said = drift_sentence("m", past, Period(scores(chance, 200), {"object:coin": 90}))
    assert said is not None
    assert "object:coin is in 45% of listings, was 10%" in said


def test_of_few_listings_nothing_is_said():
    assert drift_sentence("m", Period([0.9] * 99, {}), Period([0.1] * 500, {})) is None
    assert drift_sentence("m", Period([], {}), Period([], {})) is None
