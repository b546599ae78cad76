from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from markets.definition import Definition
from markets.health import FAULTS, Fault, PastCrawl, crawl_faults
from tests.markets.samples import changed, sample

GOOD: dict[str, Any] = {
    "listings": 40,
    "pages": 50,
    "failed": 1,
    "queries": 2,
    "filled": {"title": 40, "price": 38, "images": 40, "seller": 3},
}


USUAL = PastCrawl(listings=40, read=40, filled={"title": 40, "price": 38, "images": 40, "seller": 20}, seconds=0.5)


def crawl_fault(definition: Definition, counts: dict[str, Any]) -> str | None:
    """The sentences of all faults, None where there is none."""
    return " ".join(fault.sentence for fault in crawl_faults(definition, counts)) or None


def against_history(path: Path, changes: dict[str, Any], crawls: int = 3) -> list[Fault]:
    """The faults of a draft's crawl: only its own history says what is usual."""
    return crawl_faults(
        sample(path, changed("expect")), GOOD | {"filled": dict(USUAL.filled)} | changes, [USUAL] * crawls
    )


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


def test_a_crawl_like_those_before_it_has_no_fault(tmp_path: Path) -> None:
    assert against_history(tmp_path, {}) == []
    assert (
        against_history(tmp_path, {"listings": 17, "filled": {"title": 17, "price": 15, "images": 17, "seller": 8}})
        == []
    )
    assert against_history(tmp_path, {"median_seconds": 1.4}) == []


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        (
            {"listings": 15, "filled": {"title": 15, "price": 14, "images": 15, "seller": 7}},
            "few_before",
            "before found 40",
        ),
        ({"listings": 0, "filled": {}}, "nothing_unlike_before", "the layout of its search pages has changed"),
        ({"filled": {**USUAL.filled, "price": 0}}, "thin_before", "Of 40 listings 0% have price, where it was 95%"),
        ({"filled": {**USUAL.filled, "seller": 11}}, "thin_before", "28% have seller, where it was 50%"),
        ({"median_seconds": 1.6}, "slow", "answered in 1.6 s (median), where it took 0.5 s before"),
    ],
)
def test_a_crawl_that_breaks_with_its_markets_habit_is_told(
    tmp_path: Path, changes: dict[str, Any], code: str, reason: str
) -> None:  # RL-31
    (fault,) = against_history(tmp_path, changes)
    assert fault.code == code
    assert reason in fault.sentence
    assert fault.fails is (code != "slow")


def test_two_crawls_are_no_habit(tmp_path: Path) -> None:
    assert (
        against_history(tmp_path, {"filled": {"title": 15, "seller": 1}, "listings": 15, "median_seconds": 9}, crawls=2)
        == []
    )


def test_the_crawls_own_limit_is_no_drop(tmp_path: Path) -> None:
    changes = {"listings": 10, "max_listings": 10, "filled": {"title": 10, "price": 10, "images": 10, "seller": 5}}
    assert against_history(tmp_path, changes) == []


def test_a_field_below_expect_is_told_once(tmp_path: Path) -> None:
    faults = crawl_faults(sample(tmp_path), GOOD | {"filled": {**USUAL.filled, "price": 4}}, [USUAL] * 3)
    assert [fault.code for fault in faults] == ["thin_expected"]


def test_shares_are_of_the_listings_whose_page_was_read(tmp_path: Path) -> None:
    met_again = {"listings": 40, "listings_read": 20, "filled": {"title": 20, "price": 18, "images": 20, "seller": 10}}
    assert crawl_faults(sample(tmp_path), GOOD | met_again, [USUAL] * 3) == []
    without = met_again | {"filled": {"title": 20, "price": 9, "images": 20, "seller": 10}}
    assert crawl_faults(sample(tmp_path), GOOD | without, [USUAL] * 3) != []


def test_a_few_pages_read_again_say_nothing_of_a_market_s_fields(tmp_path: Path) -> None:
    met_again = {"listings": 40, "listings_read": 2, "filled": {"title": 2}}
    assert crawl_faults(sample(tmp_path), GOOD | met_again, [USUAL] * 3) == []
    assert crawl_faults(sample(tmp_path), GOOD | met_again | {"listings_read": 20}, [USUAL] * 3) != []
    ended = {"listings": 60, "listings_read": 10, "filled": {"title": 10, "price": 3, "images": 10}}
    assert crawl_faults(sample(tmp_path), GOOD | ended, [USUAL] * 3) == []


def test_shares_are_of_listings_that_are_live(tmp_path: Path) -> None:
    half_are_sold = {
        "listings": 40, "listings_read": 40, "live_listings_read": 20,
        "filled": {"title": 20, "price": 19, "images": 20, "seller": 10},
    }  # fmt: skip
    assert crawl_faults(sample(tmp_path), GOOD | half_are_sold, [USUAL] * 3) == []
    changed_layout = half_are_sold | {"filled": {"title": 20, "images": 20, "seller": 10}}
    (fault,) = crawl_faults(sample(tmp_path), GOOD | changed_layout, [USUAL] * 3)
    assert (fault.code, fault.values["field"], fault.values["listings"]) == ("thin_expected", "price", 20)


def test_listings_that_gave_nothing_but_a_title_are_told_without_expect_and_history(tmp_path: Path) -> None:
    bare = {"listings": 3, "queries": 1, "filled": {"title": 3}}
    (fault,) = crawl_faults(sample(tmp_path, changed("expect")), GOOD | bare)
    assert (fault.code, fault.fails) == ("bare", True)
    for other in ({"listings": 2, "filled": {"title": 2}}, {"filled": {"title": 3, "seller": 1}}):
        assert crawl_faults(sample(tmp_path, changed("expect")), GOOD | bare | other) == []


def test_every_code_is_listed(tmp_path: Path) -> None:
    assert {"few_before", "thin_before", "slow", "challenge"} <= set(FAULTS)


@pytest.mark.parametrize(
    ("reason", "code", "values"),
    [
        (
            "robots.txt of shop.example could not be read (HTTP 503), so nothing there is fetched; try again later",
            "robots_unreadable",
            {"host": "shop.example", "why": "HTTP 503"},
        ),
        ("robots.txt of shop.example does not allow this page", "robots_forbids", {"host": "shop.example"}),
        ("no answer within 30 s", "all_failed", {"pages": 3}),
    ],
)
def test_a_crawl_that_robots_txt_kept_out_says_so(
    tmp_path: Path, reason: str, code: str, values: dict[str, Any]
) -> None:
    counts = GOOD | {"pages": 3, "failed": 3, "listings": 0, "reason": reason}
    [fault] = crawl_faults(sample(tmp_path), counts)
    assert (fault.code, fault.values, fault.fails) == (code, values, True)
    assert code in FAULTS
