"""`markets check`: every definition as written, and against the pages of its market that were saved and frozen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from crawler.extraction.batch import page_as_json
from crawler.extraction.page import extract_page
from crawler.home import Home
from markets.catalog import UnknownMarket, definition_files
from markets.definition import Definition, load_definition
from markets.faults import DefinitionError
from markets.source_answers import read_source_answer
from markets.vocabulary import near

_AMOUNTS = frozenset({"price", "estimate_low", "estimate_high"})
SHIPPED_CASES = Path(__file__).parent.parent / "tests" / "fixtures"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One frozen page: `differences` holds one sentence for each field that is not as expected."""

    case: str
    differences: tuple[str, ...]
    unchecked: bool = False
    """Whether its meta.json says that no person has read the page yet (`"checked_by": null`)."""

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class MarketCheck:
    """What became of one market's check."""

    market: str
    file: Path
    faults: tuple[str, ...]
    """What is wrong with the definition itself: `FILE:LINE: FIELD: REASON`."""
    cases: tuple[CaseResult, ...]
    draft: bool

    @property
    def ok(self) -> bool:
        return not self.faults and all(case.passed for case in self.cases)

    def as_record(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        return {
            "market": self.market,
            "file": str(self.file),
            "ok": self.ok,
            "draft": self.draft,
            "faults": list(self.faults),
            "cases": [
                {"case": case.case, "differences": list(case.differences), "unchecked": case.unchecked}
                for case in self.cases
            ],
        }

    def as_text(self) -> str:
        """The check for a person: one line a market, and below it one line for each thing that is wrong."""
        if self.faults:
            return "\n".join([f"{self.market}: the definition is wrong", *self.faults])
        passed = sum(case.passed for case in self.cases)
        pages = f"{passed} of {len(self.cases)} frozen pages pass" if self.cases else "no frozen pages"
        head = f"{self.market}: the definition is right, {pages}{' (draft)' if self.draft else ''}"
        wrong = [f"  {case.case}: {difference}" for case in self.cases for difference in case.differences]
        unread = [
            f"  {case.case}: no person has checked it yet: read the page, correct expected.json, and put your name "
            "into `checked_by` of meta.json."
            for case in self.cases
            if case.unchecked
        ]
        return "\n".join([head, *wrong, *unread])


def check(home: Home, names: Iterable[str] | None = None) -> list[MarketCheck]:
    """Check the markets named, or all. Raises UnknownMarket for a name that no definition has.

    A market's cases are the directories `tests/fixtures/MARKET/CASE/` of this program and `MARKET/CASE/` below
    `fixtures/` in the home's markets.
    """
    files = definition_files(home)
    chosen = list(files) if names is None else list(names)
    for name in chosen:
        if name not in files:
            raise UnknownMarket(
                f"There is no market {name!r}{near(name, files)}: `relicwatch markets list` shows those there are."
            )
    return [check_file(files[name], [SHIPPED_CASES, home.markets / "fixtures"]) for name in chosen]


def check_file(file: Path, case_roots: Iterable[Path] = ()) -> MarketCheck:
    """Check one definition file, with its cases below `ROOT/MARKET/` of each root."""
    try:
        definition = load_definition(file)
    except DefinitionError as error:
        return MarketCheck(file.stem, file, tuple(map(str, error.faults)), (), draft=False)
    cases = tuple(
        run_case(definition, directory)
        for root in case_roots
        for directory in sorted((root / definition.name).glob("*/"))
        if directory.is_dir()
    )
    return MarketCheck(definition.name, file, (), cases, draft=definition.is_draft)


def run_case(definition: Definition, directory: Path) -> CaseResult:
    """Extract a frozen page and compare every field that its expected.json names.

    meta.json: {"url", "page" (file name, default page.html), "charset", "content_type", "frozen_at", "asked" ("search"
    for a page of the market's search, "answer" for what a `source` answered), "checked_by"}; expected.json: fields as
    `relicwatch extract` prints them, or any part of these. A missing or broken file is a difference too.
    """
    try:
        meta = _object(directory / "meta.json")
        expected = _object(directory / "expected.json")
        page_file = directory / Path(str(meta.get("page", "page.html"))).name
        body = page_file.read_bytes()
    except _WrongCase as wrong:
        return CaseResult(directory.name, (str(wrong),))
    except OSError as error:
        return CaseResult(directory.name, (f"{error.filename} cannot be read ({error.strerror}).",))
    url = meta.get("url")
    if not isinstance(url, str) or not definition.in_domains(url):
        return CaseResult(directory.name, (f"{directory / 'meta.json'}: `url` {url!r} is not inside the domains.",))
    if meta.get("asked") == "answer":
        page = read_source_answer(definition, body, url)
        differences = tuple(_differences(expected, page_as_json(page), directory))
        return CaseResult(directory.name, differences, unchecked=meta.get("checked_by", "") is None)
    page = extract_page(
        body,
        url,
        content_type=meta.get("content_type"),
        charset=meta.get("charset"),
        rules=definition.page_rules(),
        expected="search" if meta.get("asked") == "search" else None,
    )
    differences = tuple(_differences(expected, page_as_json(page), directory))
    return CaseResult(directory.name, differences, unchecked=meta.get("checked_by", "") is None)


class _WrongCase(Exception):
    """A case's own files are not what they must be."""


def _object(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except ValueError as error:
        raise _WrongCase(f"{file} is no JSON ({error}).") from error
    if not isinstance(value, dict) or not value:
        raise _WrongCase(f"{file} must hold a JSON object with at least one field.")
    return value


def _differences(expected: dict[str, Any], found: dict[str, Any], directory: Path) -> Iterable[str]:
    for field, value in expected.items():
        if field not in found:
            yield f"{directory / 'expected.json'}: {field!r} is no field of a page{near(field, found)}."
        elif not _same(field, value, found[field]):
            yield f"{field}: expected {_short(value)}, found {_short(found[field])}."


def _same(field: str, expected: object, found: object) -> bool:
    """Whether two values of a field say the same: "120" and "120.00" are one price."""
    if field in _AMOUNTS and isinstance(expected, str) and isinstance(found, str):
        try:
            return Decimal(expected) == Decimal(found)
        except InvalidOperation:
            return False
    return expected == found


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"
