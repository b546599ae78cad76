"""docs/evidence-tests.md names for each line of the requirements the tests that show it, and it is true."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.needs import need_shared

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/evidence-tests.md"
LINES = [
    *(f"EV-{number}" for number in range(1, 43) if number != 39),  # there is no EV-39
    *(f"RL-{number}" for number in range(1, 7)),
    *(f"SEC-{number}" for number in (11, 22, 23, 32, 43)),
]


@cache
def listed() -> dict[str, list[str]]:
    """Line of the requirements -> the tests that the page names, as `file::test`."""
    parts = re.split(r"^\*\*([A-Z]+-\d+)\*\* ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        line: re.findall(r"^- `([^`]+)`$", text, re.MULTILINE) for line, text in zip(*[iter(parts)] * 2, strict=True)
    }


@cache
def sources_of(file: str) -> dict[str, str]:
    """Test -> its source, comments included."""
    source = (TESTS / file).read_text(encoding="utf-8")
    rows = source.splitlines()
    return {
        node.name: "\n".join(rows[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_page_has_every_line_once_and_in_order() -> None:
    assert list(listed()) == LINES


@pytest.mark.parametrize("line", LINES)
def test_each_line_has_a_test_that_is_there_and_names_it(line: str) -> None:
    assert listed()[line], "no test is named"
    for one in listed()[line]:
        file, _, name = one.partition("::")
        assert name in sources_of(file), f"{one} is not there"
        assert re.search(rf"\b{line}\b", sources_of(file)[name]), f"{one} does not name {line}"


def test_every_line_on_evidence_that_was_asked_for_is_on_the_page() -> None:
    asked = re.findall(r"^(EV-\d+) ", need_shared("requirements.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(asked) == {line for line in LINES if line.startswith("EV-")}
