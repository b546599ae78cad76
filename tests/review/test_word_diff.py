"""What changed between two texts, word by word."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from review.word_diff import word_diff


def told(before: str, after: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in word_diff(before, after)]


def test_words_that_changed_stand_beside_those_that_stayed() -> None:
    assert told("a small lamp, Roman", "a small bowl, Roman") == [
        ("same", "a small"), ("del", " lamp"), ("ins", " bowl"), ("same", ", Roman"),
    ]  # fmt: skip
    assert told("مصباح روماني", "مصباح بيزنطي")[1:] == [("del", " روماني"), ("ins", " بيزنطي")]
    assert told("", "new") == [("ins", "new")]


def test_long_stretches_that_stayed_are_left_out() -> None:
    same = "word " * 100
    pieces = told(f"{same}lamp {same}", f"{same}bowl {same}")
    assert [kind for kind, _ in pieces] == ["gap", "same", "del", "ins", "same", "gap"]
    assert sum(len(text) for _, text in pieces) < 200


@given(st.text(alphabet="ab ,\n", max_size=60), st.text(alphabet="ab ,\n", max_size=60))
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "ins") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "del") == after


def test_texts_made_to_be_slow_are_shown_whole() -> None:
    began = time.monotonic()
    assert [piece.kind for piece in word_diff("a " * 5_000, "a " * 5_001)] == ["del", "ins"]
    assert time.monotonic() - began < 5
