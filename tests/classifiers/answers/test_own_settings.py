"""The own country is written into a unit's file, and nothing else in it is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.answers.facts import FactsError, Settings
from classifiers.answers.own_settings import set_own_country

CODES = st.lists(st.from_regex(r"[A-Z]{2}", fullmatch=True), max_size=4, unique=True)


def test_a_file_is_made_and_its_country_changed(tmp_path):
    set_own_country(tmp_path, ["NO"])
    assert Settings.load(tmp_path).own_country == {"NO"}
    set_own_country(tmp_path, [])
    assert Settings.load(tmp_path).own_country == frozenset()


@pytest.mark.parametrize(
    "before", ["own_country: [TN]\n", "own_country:\n  - TN\n  - DZ\n", "own_country:\n- TN\n", "own_country: [TN]"]
)
def test_what_else_was_typed_stays(tmp_path, before):
    path = tmp_path / "answers.yaml"
    path.write_text(f"# of the unit\nconflict_zones: [LY]  # since 2011\n{before}", "utf-8")
    set_own_country(tmp_path, ["MA"])
    text = path.read_text("utf-8")
    assert text.startswith("# of the unit\nconflict_zones: [LY]  # since 2011\n")
    settings = Settings.load(tmp_path)
    assert (settings.own_country, settings.conflict_zones) == ({"MA"}, {"LY"})


@given(before=CODES, after=CODES, block=st.booleans())
def test_whatever_stood_there_the_new_countries_count(tmp_path_factory, before, after, block):
    home = tmp_path_factory.mktemp("home")
    listed = "".join(f'\n- "{code}"' for code in before) if block and before else f" {before}".replace("'", '"')
    (home / "answers.yaml").write_text(f"own_country:{listed}\npartner_countries: [IT]\n", "utf-8")
    set_own_country(home, after)
    assert Settings.load(home) == Settings(Settings.load().conflict_zones, frozenset(after), frozenset({"IT"}))


def test_a_broken_file_or_code_is_refused_and_the_file_stays(tmp_path):
    with pytest.raises(FactsError, match="country codes"):
        set_own_country(tmp_path, ["Tunisia"])
    path = tmp_path / "answers.yaml"
    path.write_text("own_country: Tunisia\n", "utf-8")
    with pytest.raises(FactsError):
        set_own_country(tmp_path, ["TN"])
    assert path.read_text("utf-8") == "own_country: Tunisia\n"
