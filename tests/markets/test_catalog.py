from __future__ import annotations

from pathlib import Path

import pytest

from crawler.home import Home
from markets import catalog
from markets.catalog import UnknownMarket, all_markets, definition_files, get_market
from markets.faults import DefinitionError
from tests.markets.samples import changed, write


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Definitions of ours, as this test has them."""
    directory = tmp_path / "shipped"
    write(directory)
    monkeypatch.setattr(catalog, "SHIPPED", directory)
    return directory


def test_every_shipped_definition_is_right(home: Home) -> None:
    found = all_markets(home)
    assert dict(found.broken) == {}
    assert set(found.markets) == {file.stem for file in catalog.SHIPPED.glob("*.yaml")}


def test_a_market_of_ours_is_found(home: Home, shipped: Path) -> None:
    assert get_market(home, "example_auction").path == shipped / "example_auction.yaml"


def test_the_users_own_definition_wins_by_name(home: Home, shipped: Path) -> None:
    write(home.markets, changed("title", "My own words"))
    assert get_market(home, "example_auction").title == "My own words"
    assert all_markets(home).markets["example_auction"].title == "My own words"


def test_a_broken_own_definition_is_refused_and_not_replaced_by_ours(home: Home, shipped: Path) -> None:
    write(home.markets, changed("kind", "shop"))
    with pytest.raises(DefinitionError, match="kind"):
        get_market(home, "example_auction")
    assert "example_auction" in all_markets(home).broken


def test_a_broken_definition_hides_no_other(home: Home, shipped: Path) -> None:
    write(home.markets, "name: [", "broken_one")
    found = all_markets(home)
    assert list(found.markets) == ["example_auction"]
    assert "broken_one.yaml:" in str(found.broken["broken_one"])


def test_an_unknown_market_is_answered_with_the_near_name_and_the_list(home: Home, shipped: Path) -> None:
    with pytest.raises(UnknownMarket) as caught:
        get_market(home, "exampel_auction")
    assert "did you mean example_auction?" in str(caught.value)
    assert "relicwatch markets list" in str(caught.value)


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "example_auction.yaml", "a\x00b"])
def test_a_name_never_reaches_for_a_file_elsewhere(home: Home, shipped: Path, name: str) -> None:
    with pytest.raises(UnknownMarket):
        get_market(home, name)


def test_a_home_without_markets_has_ours_alone(tmp_path: Path, shipped: Path) -> None:
    assert list(definition_files(Home(tmp_path / "nothing"))) == ["example_auction"]
