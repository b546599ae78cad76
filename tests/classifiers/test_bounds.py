"""Which way the lexicons may point, in name and in the shipped weights."""

import math

import pytest

from classifiers.bounds import bounds_of, is_sale_talk


@pytest.mark.parametrize("feature", ["object:oil_lamp", "any period", "title thing", "object & period", "era:ancient"])
def test_ancient_names_never_count_against(feature):
    assert bounds_of(feature) == (0.0, math.inf)


@pytest.mark.parametrize("feature", ["replica:style_words", "any goods", "object & replica", "era:later & measure"])
def test_copies_and_later_goods_never_count_for(feature):
    assert bounds_of(feature) == (-math.inf, 0.0)


def test_damage_counts_beside_what_a_thing_is_called_and_never_alone():
    assert bounds_of("condition:part_lost") == bounds_of("any condition") == (0.0, 0.0)
    assert bounds_of("condition & object") == (-math.inf, math.inf)
    assert bounds_of("condition & goods") == (-math.inf, 0.0)


def test_a_find_in_the_ground_is_evidence_and_private_chat_is_talk():
    assert not is_sale_talk("risk:found_in_ground")
    assert is_sale_talk("risk:move_to_private_chat")
    assert is_sale_talk("slang:ar_trade_talk")


def test_the_shipped_weights_keep_the_bounds(classifier):
    for name, weight in classifier.weights.lexicon.items():
        low, high = bounds_of(name)
        assert low - 1e-3 <= weight <= high + 1e-3, name
