"""Whoever works at the desk is told that the disk is nearly full, in their language, on every page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crawler.free_space import LEAST_FREE
from tests.review.conftest import TestClient


def test_every_page_says_that_nothing_new_is_captured_and_only_to_who_is_signed_in(
    visit: Callable[[str | None], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    # RL-6
    words = {"en": "The disk is nearly full", "fr": "Le disque est presque plein", "ar": "القرص ممتلئ تقريبًا"}
    viewer = visit("viewer")
    assert words["en"] not in viewer.get("/?lang=en").text
    monkeypatch.setenv(LEAST_FREE, "99.99")
    for language, said in words.items():
        for path in ("/", "/cases"):
            answer = viewer.get(f"{path}?lang={language}")
            assert answer.status_code == 200 and said in answer.text
    assert words["en"] not in visit(None).get("/sign-in?lang=en").text
