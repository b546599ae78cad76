import re

import pytest

from markets.drafting.listing_pattern import listing_pattern
from markets.patterns import pattern_fault

SITE = "https://shop.example"


@pytest.mark.parametrize(
    ("paths", "others", "ids"),
    [
        (["/lamp_12/", "/bronze-lamp_7/", "/coin-of-117_3/"], ["/about/"], [("12",), ("7",), ("3",)]),
        (
            ["/sale/12/lot/7", "/sale/12/lot/8", "/sale/12/lot/9"],
            ["/sale/12", "/sale"],
            [("12", "7"), ("12", "8"), ("12", "9")],
        ),
        (
            ["/item.php?id=71&x=1", "/item.php?id=72&x=1", "/item.php?id=73&x=1"],
            ["/item.php"],
            [("71",), ("72",), ("73",)],
        ),
        (["/p/12-lamp", "/p/13-coin", "/p/14-flask-2"], ["/p/help"], [("12",), ("13",), ("14",)]),
        (
            ["/products/oil-lamp", "/products/flask", "/products/coin"],
            ["/pages/faq"],
            [("oil-lamp",), ("flask",), ("coin",)],
        ),
        (["/lamps/9001.html", "/coins/9002.html", "/glass/9003.html"], ["/lamps/"], [("9001",), ("9002",), ("9003",)]),
        (["/a/x-1/lamp", "/a/x-1/coin", "/a/y-1/lamp"], [], [("x-1", "lamp"), ("x-1", "coin"), ("y-1", "lamp")]),
    ],
)
def test_the_pattern_matches_each_listing_with_an_id_of_its_own_and_no_other_link(
    paths: list[str], others: list[str], ids: list[tuple[str, ...]]
) -> None:
    found = listing_pattern([SITE + path for path in paths], [SITE + path for path in others])
    assert found is not None
    compiled = re.compile(found.pattern)
    matches = [compiled.search(SITE + path) for path in paths]
    assert [tuple(sorted(match.groups())) if match else None for match in matches] == [tuple(sorted(i)) for i in ids]
    assert found.also == ()
    assert pattern_fault(found.pattern) is None
    assert not any(compiled.search(SITE + path) for path in others)


@pytest.mark.parametrize(
    ("searched", "paths", "elsewhere", "number"),
    [
        ("lamp", ["/lots/lamp/10001", "/lots/lamp/10002", "/lots/lamp/10003"], "/lots/coin/20001", "20001"),
        ("Oil Lamp", ["/lots/oil-lamps/1", "/lots/oil-lamps/2", "/lots/oil-lamps/3"], "/lots/seals/4", "4"),
        ("lampe à huile", ["/lots/LAMPE-A-HUILE/1", "/lots/LAMPE-A-HUILE/2"], "/lots/sceau/4", "4"),
        (
            "مصباح",
            ["/lots/%D9%85%D8%B5%D8%A8%D8%A7%D8%AD/1", "/lots/%D9%85%D8%B5%D8%A8%D8%A7%D8%AD/2"],
            "/lots/x/4",
            "4",
        ),
        ("lamp", ["/lot/lamp-1", "/lot/lamp-2", "/lot/lamp-3"], "/lot/coin-4", "4"),
        ("lamp", ["/lamp/item?id=1", "/lamp/item?id=2", "/lamp/item?id=3"], "/coin/item?id=4", "4"),
    ],
)
def test_the_word_searched_for_is_no_fixed_part_of_an_address(
    searched: str, paths: list[str], elsewhere: str, number: str
) -> None:
    found = listing_pattern([SITE + path for path in paths], [f"{SITE}/about"], searched)
    assert found is not None
    assert set(re.compile(found.pattern).groupindex) == {"id"}
    match = re.search(found.pattern, SITE + elsewhere)
    assert match is not None and match["id"] == number
    assert len(found.covered) == len(paths)


def test_a_word_that_nobody_searched_for_stays() -> None:
    found = listing_pattern([f"{SITE}/lots/lamp/{n}" for n in (1, 2, 3)], (), "coin")
    assert found is not None
    assert not re.search(found.pattern, f"{SITE}/lots/seal/4")


def test_groups_are_named_by_the_word_before_the_number() -> None:
    found = listing_pattern([f"{SITE}/sale/3/lot/{n}" for n in (1, 2, 3)])
    assert found is not None
    assert list(re.compile(found.pattern).groupindex) == ["sale", "lot"]


def test_a_link_that_cannot_be_told_from_a_listing_is_named() -> None:
    found = listing_pattern([f"{SITE}/{n}-lamp-of-bronze" for n in "abc"], [f"{SITE}/privacy"])
    assert found is not None
    assert found.also == (f"{SITE}/privacy",)


def test_links_of_another_form_are_left_out() -> None:
    listings = [f"{SITE}/lot/{n}" for n in (1, 2, 3)]
    found = listing_pattern([*listings, f"{SITE}/news/2026/lamp"])
    assert found is not None
    assert list(found.covered) == listings


def test_a_text_with_signs_of_the_pattern_language_is_taken_as_it_stands() -> None:
    found = listing_pattern([f"{SITE}/a.b(c)/lot-{n}.htm" for n in (1, 2, 3)])
    assert found is not None
    assert not re.search(found.pattern, f"{SITE}/aXb(c)/lot-1.htm")


def test_no_address_makes_no_pattern() -> None:
    assert listing_pattern([]) is None
