"""The facts hold together, and a unit's own settings and rates win over ours or are refused with what to mend."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from classifiers.answers.answering import own_lexicon
from classifiers.answers.facts import Currencies, FactsError, Settings, read_facts
from classifiers.lexicon import Lexicon

MODEL = Lexicon()


def groups(family: str) -> set[str]:
    return {rule.partition(":")[2] for rule in MODEL.rules if rule.startswith(f"{family}:")}


def test_every_period_of_the_lexicon_has_its_years():
    cultures = read_facts("cultures")
    assert set(cultures) == groups("period")
    assert all(first < last for first, last in (culture["years"] for culture in cultures.values()))


def test_red_lists_hints_and_flags_name_what_there_is():
    types = groups("object") | groups("thing")
    for name, facts in read_facts("red_lists").items():
        assert set(facts["categories"]) <= types, name
        assert all(len(country) == 2 for country in facts["countries"]), name
    hints = read_facts("hints")
    assert {hint["type"] for hint in hints["types"].values()} <= types
    assert {hint["period"] for hint in hints["periods"].values()} <= groups("period")
    assert set(hints["types"]) | set(hints["periods"]) <= set(MODEL.rules)
    assert groups("risk") - {"treasure_child_abuse_signal"} <= set(read_facts("red_flags")["flags"])
    assert {rule for rule in read_facts("replicas")["words"] if not rule.startswith("date:")} <= set(MODEL.rules)


def test_own_terms_name_types_and_periods_of_the_model():
    own = own_lexicon().rules
    assert {rule.partition(":")[2] for rule in own if rule.startswith(("kind:", "noun:"))} <= groups("object") | groups(
        "thing"
    )
    flags = {rule.partition(":")[2] for rule in own if rule.startswith("flag:")}
    assert flags <= set(read_facts("red_flags")["flags"])
    assert {rule.partition(":")[2] for rule in own if rule.startswith("culture:")} <= groups("period")
    assert not {rule.partition(":")[0] for rule in own} & {rule.partition(":")[0] for rule in MODEL.rules}


def test_laws_of_a_country_stand_oldest_first():
    for country, entry in read_facts("laws")["national"].items():
        days = [str(law["date"]) for law in entry["laws"]]
        assert days == sorted(days), country
        assert str(entry["vests"]) in {day[:4] for day in days}, country


def test_a_unit_s_own_settings_win(tmp_path):
    (tmp_path / "answers.yaml").write_text("own_country: [TN]\nconflict_zones: [LY]\n", "utf-8")
    settings = Settings.load(tmp_path)
    assert (settings.own_country, settings.conflict_zones) == (frozenset({"TN"}), frozenset({"LY"}))
    assert Settings.load().conflict_zones > {"IQ", "SY"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("own_country: TN\n", "own_country must be a list"),
        ("own_country: [Tunisia]\n", "own_country must be a list"),
        ("own_country: [NO]\n", '"NO"'),
        ("countries: [TN]\n", "'countries' is no setting"),
        ("[TN]\n", "not a mapping"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_settings_that_cannot_be_used_name_the_file_and_the_entry(tmp_path, content, told):
    (tmp_path / "answers.yaml").write_text(content, "utf-8")
    with pytest.raises(FactsError, match=r"answers\.yaml") as refused:
        Settings.load(tmp_path)
    assert told in str(refused.value)


def test_ten_rials_are_a_toman(tmp_path):
    (tmp_path / "currencies.yaml").write_text("as_of: 2026-11-01\nrates: {IRR: 50000}\n", "utf-8")
    money = Currencies.load(tmp_path)
    assert money.in_euro(Decimal(50_000), "IRR") == 1
    assert money.in_euro(Decimal(50_000), "IRT") == 10


def test_a_user_s_own_rates_win_and_are_dated(tmp_path):
    (tmp_path / "currencies.yaml").write_text("as_of: 2026-11-01\nrates: {TND: 4}\n", "utf-8")
    money = Currencies.load(tmp_path)
    assert money.as_of == date(2026, 11, 1)
    assert money.in_euro(Decimal(400), "TND") == 100
    assert money.in_euro(Decimal(400), "EUR") == 400
    assert money.in_euro(Decimal(400), "USD") is None
    assert money.in_euro(None, "EUR") is None
    assert money.in_euro(Decimal("NaN"), "EUR") is None
    assert money.in_euro(Decimal("1e999"), "EUR") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("rates: {USD: 1}\n", "as_of"),
        ("as_of: 2026-11-01\n", "rates"),
        ("as_of: 2026-11-01\nrates: {usd: 1}\n", "'usd'"),
        ("as_of: 2026-11-01\nrates: {USD: 0}\n", "USD"),
        ("as_of: 2026-11-01\nrates: {USD: much}\n", "USD"),
        ("as_of: 2026-11-01\nnear: 2\nrates: {USD: 1}\n", "near"),
    ],
)
def test_rates_that_cannot_be_used_name_the_file_and_the_entry(tmp_path, content, told):
    (tmp_path / "currencies.yaml").write_text(content, "utf-8")
    with pytest.raises(FactsError, match=r"currencies\.yaml") as refused:
        Currencies.load(tmp_path)
    assert told in str(refused.value)


def test_our_rates_know_the_currencies_of_the_markets_we_watch():
    assert {"EUR", "USD", "GBP", "TRY", "EGP", "MAD", "TND", "DZD", "AED", "ILS"} <= set(Currencies.load().rates)
