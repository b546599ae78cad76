"""A text is spared a pattern only where the pattern cannot match it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.extraction import bids, kinds, rows, scope, unlabelled, visible
from crawler.extraction.document import Document
from crawler.extraction.openings import LENGTH, READERS, opening_of, openings, readers_of
from crawler.extraction.scope import Scope
from crawler.extraction.visible_words import BID_COUNT, GONE, IN_STOCK, LABEL, STILL_OFFERED

READING = [
    (rows._OPENINGS, LABEL),
    (bids._OPENINGS, bids._INLINE),
    *((unlabelled._OPENINGS, pattern) for pattern in (unlabelled._LOT, unlabelled._SELLER, unlabelled._ENDS)),
    *((visible._OPENINGS, pattern) for pattern in (GONE, STILL_OFFERED, IN_STOCK)),
]


@pytest.mark.parametrize(("known", "pattern"), READING, ids=lambda one: "")
@given(data=st.data())
@settings(max_examples=300)
def test_every_text_that_a_pattern_matches_has_one_of_its_openings(known, pattern, data) -> None:
    text = data.draw(st.from_regex(pattern))
    assert known.has(opening_of(text))
    assert readers_of(text) & known.bit
    for changed in (text.upper(), text.title(), text.swapcase()):
        assert not pattern.match(changed) or known.has(opening_of(changed))


@given(st.from_regex(BID_COUNT) | st.from_regex(bids._COUNT))
def test_every_text_that_counts_bids_is_one_of_the_counting_ones(text: str) -> None:
    if text[0].isdigit() or text[0] in "([" or not text[0].isalpha():
        assert readers_of(text) & scope.COUNTING
        assert scope._counts(text)


@given(st.from_regex(kinds._RESULT_WORDS))
def test_words_of_result_pages_hold_their_stems(text: str) -> None:
    assert any(stem in text.casefold() for stem in kinds._RESULT_STEMS)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\A\W*(?:seller|ends?)", "»» ſeller"),
        (r"\A(?:item )?location", "Item Location"),
        (r"\Aitem", "İtem"),
        (r"\A(?:# of )?bids", "# of bids"),
        (r"\Aa[bc]{2,3}x?\Z", "ABC"),
        (r"\Aab\d", "ab5"),
    ],
)
def test_case_signs_and_twins_of_letters_do_not_hide_an_opening(pattern: str, text: str) -> None:
    compiled = re.compile(pattern, re.I)
    assert compiled.match(text)
    assert openings(compiled).has(opening_of(text))


def test_what_begins_otherwise_has_none() -> None:
    known = openings(re.compile(r"\A\W*(?:seller|ab\d)", re.I))
    assert not any(map(known.has, map(opening_of, ("sold by", "se", "sel", "Ac5", "", "12", "٣"))))


def test_a_pattern_that_may_begin_with_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="first words"):
        openings(re.compile(r"\A\w+ by"))


def test_openings_made_later_are_known_for_starts_seen_before() -> None:
    document, _ = Document.parse("<p>Zwölf Krüge</p><p>Other</p>", "https://shop.example/1")
    assert document is not None
    assert READERS["Zwölf Krüge"[:LENGTH]] == 0
    known = openings(re.compile("zwölf"))
    assert [text for text, _ in Scope(document).texts_opening(known)] == ["Zwölf Krüge"]
