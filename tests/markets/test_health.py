from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from markets.health import crawl_fault
from tests.markets.samples import changed, sample

GOOD: dict[str, Any] = {
    "listings": 40,
    "pages": 50,
    "failed": 1,
    "queries": 2,
    "filled": {"title": 40, "price": 38, "images": 40, "seller": 3},
}


def test_a_crawl_as_expected_has_no_fault(tmp_path: Path) -> None:
    assert crawl_fault(sample(tmp_path), GOOD) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pages": 0, "listings": 0, "failed": 0}, "No page was read"),
        ({"pages": 3, "listings": 0, "failed": 3}, "All 3 pages failed"),
        ({"listings": 0}, "no listing was found"),
        ({"listings": 8, "queries": 2, "filled": {"title": 8, "price": 8, "images": 8}}, "4.0 listings a query"),
        ({"filled": {"title": 40, "price": 20, "images": 40}}, "price in 50% (expected 90%)"),
        ({"filled": {}}, "title in 0% (expected 100%)"),
    ],
)
def test_a_crawl_is_never_quietly_empty(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    fault = crawl_fault(sample(tmp_path), GOOD | changes)
    assert fault is not None
    assert reason in fault


def test_nothing_counted_at_all_is_a_fault(tmp_path: Path) -> None:
    assert crawl_fault(sample(tmp_path), {}) is not None


def test_the_first_problem_is_told_with_the_fault(tmp_path: Path) -> None:
    fault = crawl_fault(sample(tmp_path), {"pages": 1, "failed": 1, "reason": "HTTP 403 at the search page."})
    assert fault is not None
    assert fault.endswith("First problem: HTTP 403 at the search page.")


def test_reaching_the_crawls_own_limit_is_no_fault(tmp_path: Path) -> None:
    counts = GOOD | {"listings": 3, "queries": 1, "filled": {"title": 3, "price": 3, "images": 3}}
    assert crawl_fault(sample(tmp_path), counts) is not None
    assert crawl_fault(sample(tmp_path), counts | {"max_listings": 3}) is None


def test_a_draft_expects_no_figures_but_never_nothing(tmp_path: Path) -> None:
    draft = sample(tmp_path, changed("expect"))
    assert crawl_fault(draft, {"listings": 1, "pages": 2, "queries": 1}) is None
    assert crawl_fault(draft, {"listings": 0, "pages": 2, "queries": 1}) is not None
