"""The order of the queue, as the field works: people first, the value of the object last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from classifiers.answers.facts import Settings
from classifiers.answers.priority import at_this_hour, rank

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SETTINGS = Settings(frozenset({"SY"}), frozenset({"TN"}), frozenset({"IT"}))


def ranked(**given):
    given.setdefault("likely", given.get("countries", ()))
    known = {"flags": (), "floors": (), "alarmed": False, "countries": (), "has_find_word": False, "settings": SETTINGS}
    return rank(**(known | given))


def test_each_rule_comes_before_the_next():
    soon, later = NOW + timedelta(hours=3), NOW + timedelta(hours=60)
    cases = [
        {"alarmed": True, "flags": {"museum_number"}},
        {"registered": True, "has_find_word": True, "countries": ["SY"]},
        {"flags": {"museum_number"}, "has_find_word": True, "countries": ["SY"]},
        {"has_find_word": True, "countries": ["SY"], "ends_at": soon, "now": NOW},
        {"ends_at": soon, "now": NOW, "seller_flagged": 5},
        {"ends_at": later, "now": NOW, "seller_flagged": 5},
        {"seller_flagged": 3, "countries": ["TN"]},
        {"countries": ["TN", "IT"], "value_eur": 1.0},
        {"countries": ["IT"], "value_eur": 1.0},
        {"value_eur": 1e9},
    ]
    why = [ranked(**case).why for case in cases]
    assert why == [
        "danger_to_person", "register_match", "museum_number", "conflict_zone_find", "ends_within_24_hours",
        "ends_within_72_hours", "seller_with_several", "own_country", "partner_country", "no_rule_before",
    ]  # fmt: skip
    levels = [ranked(**case).level for case in cases]
    assert levels == sorted(levels)


def test_a_zone_without_a_find_word_and_a_find_word_without_a_zone_move_nothing():
    assert ranked(countries=["SY"]).why == "no_rule_before"
    assert ranked(has_find_word=True, countries=["FR"]).why == "no_rule_before"


@pytest.mark.parametrize(
    ("stored", "hours", "flagged", "why"),
    [
        ("museum_number", 1, 9, "museum_number"),
        ("no_rule_before", 1, 0, "ends_within_24_hours"),
        ("ends_within_24_hours", -1, 0, "no_rule_before"),
        ("ends_within_24_hours", -1, 3, "seller_with_several"),
    ],
)
def test_a_stored_priority_is_told_as_it_stands_now(stored, hours, flagged, why):
    level = {"museum_number": 2, "ends_within_24_hours": 4, "no_rule_before": 7}[stored]
    record = {"level": level, "why": stored, "must_be_seen": False, "value_eur": 5.0}
    now = at_this_hour(record, [], SETTINGS, ends_at=NOW + timedelta(hours=hours), now=NOW, seller_flagged=flagged)
    assert (now["why"], now["value_eur"]) == (why, 5.0)
