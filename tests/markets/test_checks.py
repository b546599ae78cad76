from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawler.home import Home
from markets import catalog
from markets.catalog import UnknownMarket
from markets.checks import check
from tests.markets.samples import changed, write

PAGE = """<!doctype html><html lang=en><meta charset=windows-1252><title>Lot 7</title>
<script type="application/ld+json">{"@type": "Product", "name": "Oil lamp, café find",
"offers": {"price": "120.00", "priceCurrency": "GBP"}}</script>
<h1>Oil lamp</h1><div class=house><a href=/h>Example House</a></div>"""
URL = "https://auction.example/sale/12/lot/7"
EXPECTED: dict[str, Any] = {
    "title": "Oil lamp, café find",
    "price": "120.00",
    "currency": "GBP",
    "seller": "Example House",
    "native_id": "12/7",
}


@pytest.fixture
def case(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A definition of the user's with one frozen page."""
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "none")
    write(home.markets)
    directory = home.markets / "fixtures" / "example_auction" / "lot_with_offer"
    directory.mkdir(parents=True)
    (directory / "page.html").write_bytes(PAGE.encode("windows-1252"))
    (directory / "meta.json").write_text(json.dumps({"url": URL, "frozen_at": "2026-11-20T10:00:00Z"}))
    (directory / "expected.json").write_text(json.dumps(EXPECTED))
    return directory


def differences(home: Home) -> tuple[str, ...]:
    (result,) = check(home)
    assert result.faults == ()
    (found,) = result.cases
    assert found.passed is (not found.differences)
    assert result.ok is found.passed
    return found.differences


def test_every_shipped_definition_passes_on_its_frozen_pages(home: Home) -> None:
    failed = [result for result in check(home) if not result.ok]
    assert failed == []


def test_a_frozen_page_that_reads_as_expected_passes(home: Home, case: Path) -> None:
    assert differences(home) == ()


def test_the_field_that_differs_is_named_with_both_values(home: Home, case: Path) -> None:
    (case / "expected.json").write_text(json.dumps(EXPECTED | {"price": "999"}))
    assert differences(home) == ('price: expected "999", found "120.00".',)


@pytest.mark.parametrize("price", ["120", "120.0", "120.00"])
def test_a_price_is_the_same_with_and_without_its_cents(home: Home, case: Path, price: str) -> None:
    (case / "expected.json").write_text(json.dumps(EXPECTED | {"price": price}))
    assert differences(home) == ()


@pytest.mark.parametrize("price", ["120 GBP", "", None])
def test_what_is_no_amount_is_not_the_price(home: Home, case: Path, price: str | None) -> None:
    (case / "expected.json").write_text(json.dumps(EXPECTED | {"price": price}))
    (difference,) = differences(home)
    assert difference == f'price: expected {json.dumps(price)}, found "120.00".'


def test_a_field_that_no_page_has_is_told(home: Home, case: Path) -> None:
    (case / "expected.json").write_text(json.dumps({"prise": "1"}))
    (difference,) = differences(home)
    assert "expected.json: 'prise' is no field of a page (did you mean price?)" in difference


@pytest.mark.parametrize("file", ["page.html", "meta.json", "expected.json"])
def test_a_missing_file_of_a_case_is_a_difference(home: Home, case: Path, file: str) -> None:
    (case / file).unlink()
    (difference,) = differences(home)
    assert file in difference


@pytest.mark.parametrize("content", ["{", "[]", "{}", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_broken_or_empty_expectation_never_passes(home: Home, case: Path, content: str | bytes) -> None:
    (case / "expected.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    (difference,) = differences(home)
    assert "expected.json" in difference


def test_a_page_from_outside_the_domains_is_no_case_of_the_market(home: Home, case: Path) -> None:
    (case / "meta.json").write_text(json.dumps({"url": "https://elsewhere.example/sale/1/lot/2"}))
    (difference,) = differences(home)
    assert "is not inside the domains" in difference


def test_a_case_reads_no_file_outside_its_directory(home: Home, case: Path) -> None:
    (case.parent / "outside.html").write_text(PAGE)
    (case / "meta.json").write_text(json.dumps({"url": URL, "page": "../outside.html"}))
    (difference,) = differences(home)
    assert "outside.html cannot be read" in difference


def test_a_wrong_definition_is_reported_and_the_others_are_checked(home: Home, case: Path) -> None:
    write(home.markets, changed("kind", "shop", changed("name", "second")), "second")
    first, second = check(home)
    assert first.ok
    assert not second.ok
    assert "second.yaml:9: kind: " in second.faults[0]


def test_only_the_markets_named_are_checked(home: Home, case: Path) -> None:
    write(home.markets, changed("name", "second"), "second")
    assert [result.market for result in check(home, ["second"])] == ["second"]
    with pytest.raises(UnknownMarket, match="did you mean second"):
        check(home, ["secnd"])


def test_a_check_reads_well_and_travels_as_json(home: Home, case: Path) -> None:
    (result,) = check(home)
    assert result.as_text() == "example_auction: the definition is right, 1 of 1 frozen pages pass"
    (case / "expected.json").write_text(json.dumps(EXPECTED | {"price": "999"}))
    (result,) = check(home)
    assert result.as_text().splitlines()[1] == '  lot_with_offer: price: expected "999", found "120.00".'
    record = json.loads(json.dumps(result.as_record()))
    assert (record["market"], record["ok"]) == ("example_auction", False)
    assert record["cases"][0]["case"] == "lot_with_offer"


def test_a_wrong_definition_is_told_fault_by_fault(home: Home, case: Path) -> None:
    write(home.markets, changed("kind", "shop", changed("currency", "POUND")))
    (result,) = check(home)
    assert [line.split(": ")[0].split(":")[-1] for line in result.as_text().splitlines()[1:]] == ["7", "9"]
