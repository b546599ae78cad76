"""Stored answers in a reader's language: headings, names, meanings, and the listing's words that say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.answers.meanings import Meaning, UnknownMeaning, meaning

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing found."""

    id: str
    name: str
    sentence: str
    weight: float | None = None
    quotes: tuple[Record, ...] = ()
    """Reasons: the words in the listing's spelling, with field, place, weight and rule."""
    remarks: tuple[str, ...] = ()
    """What it rests on, what is claimed, what is to be confirmed."""


@dataclass(frozen=True, slots=True)
class Section:
    """One answer."""

    id: str
    name: str
    sentence: str
    lines: tuple[Line, ...]


def explain(answers: Record, language: str) -> list[Section]:
    """The sections of one listing's answers that say something, in the order in which a person reads them."""
    told = _Told(language)
    past, flags, years = answers.get("provenance"), answers.get("red_flags"), answers.get("years")
    priority = answers.get("priority")
    sections = [
        told.section("priority", [told.priority(priority)] if priority else []),
        told.section("red_flags", told.findings("flags", flags["flags"] if flags else ())),
        told.section("reassurance", told.findings("reassurance", flags["reassurance"] if flags else ())),
        told.section("types", told.findings("types", answers.get("types", ()))),
        told.section("periods", told.findings("periods", answers.get("periods", ()))),
        told.section("years", [told.years(years)] if years else []),
        told.section("materials", told.findings("materials", answers.get("materials", ()))),
        told.section("origins", told.findings("countries", answers.get("origins", ()))),
        told.section("red_list", [told.red_list(entry) for entry in answers.get("red_list", ())]),
        told.section("claims", told.findings("claims", past["claims"] if past else ())),
        told.section("dates", [told.legal_date(one) for one in (past["dates"] if past else ())]),
        told.section("replica", told.findings("replicas", answers.get("replica", {}).get("findings", ()))),
    ]
    return [section for section in sections if section.lines]


def as_lines(answers: Record, language: str) -> dict[str, str]:
    """The sections as lines of text, by heading: name, points, remarks, and the listing's own words in quotes."""
    return {
        section.name: "".join(f"\n{_as_text(line)}" for line in section.lines) for section in explain(answers, language)
    }


def _as_text(line: Line) -> str:
    points = f" ({line.weight:+g})" if line.weight is not None else ""
    remarks = "".join(f" [{remark}]" for remark in line.remarks)
    quotes = ", ".join(f"«{quote['text']}»" for quote in line.quotes)
    return f"{line.name}{points}{remarks}" + (f": {quotes}" if quotes else "")


def explain_alarm(kind: str, reasons: Sequence[Record], language: str) -> Line:
    """An alarm in the reader's language."""
    told = meaning("alarms", kind, language)
    return Line(kind, told.name, told.sentence, None, tuple(reasons))


class _Told:
    def __init__(self, language: str) -> None:
        self._language = language

    def _meaning(self, kind: str, id_: str) -> Meaning:
        """An id that this version no longer knows is shown as it was stored."""
        try:
            return meaning(kind, id_, self._language)
        except UnknownMeaning:
            return Meaning(id_, "")

    def _word(self, id_: str) -> str:
        return self._meaning("sections", id_).name

    def section(self, id_: str, lines: Iterable[Line]) -> Section:
        name, sentence = self._meaning("sections", id_)
        return Section(id_, name, sentence, tuple(lines))

    def findings(self, kind: str, findings: Iterable[Record]) -> list[Line]:
        lines = []
        for one in findings:
            name, sentence = self._meaning(kind, one["id"])
            basis = one.get("basis", "words")
            remarks = () if basis == "words" else (self._word(f"basis:{basis}"),)
            lines.append(Line(one["id"], name, sentence, one["weight"] or None, tuple(one["reasons"]), remarks))
        return lines

    def years(self, years: Record) -> Line:
        first, last = self._year(years["first"]), self._year(years["last"])
        name = first if first == last else f"{first} – {last}"
        remark = self._word(f"basis:{years['basis']}")
        return Line("years", name, "", None, tuple(years["reasons"]), (remark,))

    def _year(self, year: int) -> str:
        return f"{abs(year)} {self._word('bce' if year < 0 else 'ce')}"

    def red_list(self, entry: Record) -> Line:
        name, sentence = self._meaning("red_lists", entry["list"])
        category = self._meaning("types", entry["category"]).name
        country = self._meaning("countries", entry["country"]).name
        basis = () if entry["basis"] == "words" else (self._word("basis:culture"),)
        return Line(entry["list"], name, sentence, None, tuple(entry["reasons"]), (category, country, *basis))

    def legal_date(self, one: Record) -> Line:
        name, sentence = self._meaning("laws", one["law"])
        remarks = [one["date"], self._meaning("states", one["claim"]).name]
        if one["note"]:
            remarks.append(self._meaning("notes", one["note"]).name)
        if not one["confirmed"]:
            remarks.append(self._meaning("notes", "to_be_confirmed").name)
        return Line(one["law"], name, sentence, None, (), tuple(remarks))

    def priority(self, priority: Record) -> Line:
        name, sentence = self._meaning("priorities", priority["why"])
        remarks = (self._word("must_be_seen"),) if priority["must_be_seen"] else ()
        return Line(priority["why"], f"{priority['level']} · {name}", sentence, None, (), remarks)
