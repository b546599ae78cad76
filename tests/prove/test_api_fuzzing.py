"""The API asked at length by schemathesis: `tests/review/api/test_fuzzing.py` is the short form."""

from __future__ import annotations

import shutil

import pytest

from crawler.home import Home
from tests.needs import need_checkers
from tests.review.api.fuzzing import ask_all, lift_limits
from tests.review.stage import Ordinary, staged_desk


@pytest.mark.prove
@pytest.mark.parametrize("seed", [7, 11])
def test_no_call_that_follows_the_description_or_breaks_it_finds_a_failure(
    tmp_path, sqlite_template, monkeypatch, seed
):
    need_checkers("schemathesis")
    lift_limits(monkeypatch)
    monkeypatch.delenv("RELICWATCH_DATABASE_URL", raising=False)
    home = Home(tmp_path / "home")
    home.create()
    shutil.copyfile(sqlite_template, home.root / "relicwatch.sqlite3")
    with staged_desk(home, Ordinary()) as staged:
        print(ask_all(staged, tmp_path, examples=30, seed=seed)[-1500:])
