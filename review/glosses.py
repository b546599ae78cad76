"""Known terms of a listing's text with their meaning in the reader's language, where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from classifiers.answers.meanings import UnknownMeaning, meaning

MOST_TERMS = 60
_ANSWERS = (
    ("types", "types"),
    ("periods", "periods"),
    ("materials", "materials"),
    ("origins", "countries"),
)
"""Answers whose findings have a name and meaning, with its kind (`classifiers.answers.meanings`)."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words of a text that have a meaning in the field."""

    field: str
    start: int
    end: int
    words: str
    name: str
    sentence: str
    anchor: str
    """Its id on the page."""
    direction: str
    """Of the reader's language."""


def terms_of(answers: Mapping[str, Any] | None, language: str) -> list[Term]:
    """The terms that the machine's answers found, each place once, in the order of the text."""
    found: dict[tuple[str, int, int], tuple[str, str, str]] = {}
    for kind, one in _findings(answers or {}):
        try:
            name, sentence = meaning(kind, one["id"], language)
        except UnknownMeaning:
            continue
        for reason in one.get("reasons", ()):
            if isinstance(reason.get("start"), int) and isinstance(reason.get("end"), int):
                place = (str(reason["field"]), reason["start"], reason["end"])
                # The country of a place name says nothing but the country; its long sentence is left to the answers.
                found.setdefault(place, (str(reason["text"]), name, "" if kind == "countries" else sentence))
    kept: list[Term] = []
    direction = "rtl" if language == "ar" else "ltr"
    for (field, start, end), (words, name, sentence) in sorted(found.items(), key=lambda one: (one[0][0], one[0][1])):
        if any(one.field == field and one.start < end and start < one.end for one in kept):
            continue
        kept.append(Term(field, start, end, words, name, sentence, f"term-{len(kept) + 1}", direction))
    return kept[:MOST_TERMS]


def _findings(answers: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Kind of meaning and finding, those that explain most first."""
    for name, kind in _ANSWERS:
        yield from ((kind, one) for one in answers.get(name) or ())
    flags = answers.get("red_flags") or {}
    yield from (("flags", one) for one in flags.get("flags") or ())
    yield from (("reassurance", one) for one in flags.get("reassurance") or ())
    yield from (("claims", one) for one in (answers.get("provenance") or {}).get("claims") or ())
    yield from (("replicas", one) for one in (answers.get("replica") or {}).get("findings") or ())
