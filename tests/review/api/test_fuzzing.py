"""The API asked by a foreign program that knows nothing of it but its description; `make prove` asks longer."""

from __future__ import annotations

import re

import pytest

from tests.needs import need_checkers
from tests.review.api.fuzzing import ask_all, lift_limits


@pytest.fixture(scope="module", autouse=True)
def without_limits():
    need_checkers("schemathesis")
    with pytest.MonkeyPatch.context() as patch:
        lift_limits(patch)
        yield


def test_a_stranger_who_follows_the_description_finds_no_failure_and_no_answer_unlike_it(staged, tmp_path):
    said = ask_all(staged, tmp_path, examples=1, seed=7, phases="fuzzing")
    assert int(re.search(r"Tested: (\d+)", said)[1]) >= 36
