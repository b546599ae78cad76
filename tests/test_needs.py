"""That a test is skipped where something lacks, with the reason, and fails where nothing may lack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.crawling import ROOT

NEEDS_CHROMIUM = "tests/demo/test_in_browser.py::test_an_item_that_is_gone_says_so"


def run_without_chromium(no_skips: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", NEEDS_CHROMIUM],
        cwd=ROOT,
        env={**os.environ, "RELICWATCH_CHROMIUM": "off", "RELICWATCH_NO_SKIPS": no_skips, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_chromium_a_test_of_it_is_skipped_with_the_reason() -> None:
    ended = run_without_chromium("")
    assert ended.returncode == 0, ended.stdout
    assert "1 skipped" in ended.stdout
    assert "Chromium is switched off (RELICWATCH_CHROMIUM=off)" in ended.stdout


def test_where_nothing_may_be_skipped_it_fails_with_the_reason() -> None:
    ended = run_without_chromium("1")
    assert ended.returncode == 1, ended.stdout
    assert "may not be skipped here (RELICWATCH_NO_SKIPS=1): Chromium is switched off" in ended.stdout


@pytest.mark.parametrize(
    ("folder", "no_skips", "outcome"),
    [
        (True, "1", pytest.fail.Exception),
        (True, "", pytest.skip.Exception),
        (False, "1", pytest.skip.Exception),
        (False, "", pytest.skip.Exception),
    ],
)
def test_what_lacks_in_the_folder_beside_fails_only_where_the_folder_is(
    folder: bool, no_skips: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELICWATCH_NO_SKIPS", no_skips)
    monkeypatch.setattr(needs, "SHARED", tmp_path if folder else tmp_path / "nowhere")
    with pytest.raises(outcome, match="data/pages"):
        needs.need_shared("data/pages")


def test_what_is_there_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "SHARED", tmp_path)
    (tmp_path / "domain").mkdir()
    assert needs.need_shared("domain") == tmp_path / "domain"


def test_ci_lets_nothing_be_skipped() -> None:
    assert "\nexport RELICWATCH_NO_SKIPS=1\n" in (ROOT / ".ci" / "run").read_text("utf-8")
