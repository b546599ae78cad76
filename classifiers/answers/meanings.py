"""The name of everything that an answer can say, and its meaning in one sentence, in Arabic, French and English.

New staff learn the field from these sentences; our own text never judges an object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from babel import Locale

from classifiers.answers.facts import read_facts
from classifiers.answers.laws import law_ids
from crawler.errors import RelicwatchError
from crawler.yaml_text import read_yaml

MEANINGS = Path(__file__).parent / "meanings"
LANGUAGES = ("en", "fr", "ar")
PLAIN_KINDS = (
    "types", "periods", "materials", "replicas", "flags", "reassurance", "red_lists", "claims", "priorities", "alarms",
    "states", "notes", "sections",
)  # fmt: skip
"""Kinds whose meanings stand in a file of their own, id by id."""


class UnknownMeaning(RelicwatchError):
    """Something was asked for by an id that has no name and meaning."""


class Meaning(NamedTuple):
    """What a thing is called, and what it is, in one language."""

    name: str
    sentence: str


def meaning(kind: str, id_: str, language: str) -> Meaning:
    """The meaning of an id of one of PLAIN_KINDS, of "laws" or of "countries". Raises UnknownMeaning."""
    if language not in LANGUAGES:
        raise UnknownMeaning(f"{language!r} is no language of relicwatch: use one of {', '.join(LANGUAGES)}.")
    if kind == "countries":
        return _country(id_, language)
    if kind == "laws":
        return _law(id_, language)
    entry = _read(kind).get(id_)
    if entry is None:
        raise UnknownMeaning(f"{id_!r} of {kind} has no meaning: add it to {MEANINGS / kind}.yaml.")
    return Meaning(*entry[language])


def all_ids() -> Iterator[tuple[str, str]]:
    """The kind and id of everything that has a name and meaning."""
    for kind in PLAIN_KINDS:
        yield from ((kind, id_) for id_ in _read(kind))
    yield from (("laws", id_) for id_ in law_ids())
    countries = set(read_facts("laws")["national"]) | set(read_facts("laws")["us_first_restrictions"])
    yield from (("countries", country) for country in sorted(countries))


def _country(code: str, language: str) -> Meaning:
    name = _locale(language).territories.get(code)
    if name is None:
        raise UnknownMeaning(f"{code!r} is no country code (ISO 3166-1 alpha-2).")
    return Meaning(name, meaning("sections", "origins", language).sentence)


def _law(id_: str, language: str) -> Meaning:
    general = _read("laws").get(id_)
    if general is not None:
        return Meaning(*general[language])
    head, _, rest = id_.partition(":")
    facts, forms = read_facts("laws"), _read("law_forms")
    if head == "us_cpia" and rest in facts["us_first_restrictions"]:
        day = str(facts["us_first_restrictions"][rest]["date"])
        name, sentence = forms["us_first"][language]
        return Meaning(name.format(country=_country(rest, language).name, year=day[:4]), sentence)
    national = facts["national"].get(head, {})
    law = next((one for one in national.get("laws", ()) if str(one["date"]) == rest), None)
    if law is None:
        raise UnknownMeaning(f"{id_!r} is no law that is known here.")
    year = rest[:4]
    form = forms["kinds"][law["kind"]][language]["number" in law]
    name = form.format(country=_country(head, language).name, number=law.get("number"), year=year)
    vests = int(national["vests"])
    role = national["state"] if int(year) == vests else "before" if int(year) < vests else "after"
    return Meaning(name, forms["says"][role][language])


@cache
def _read(kind: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = read_yaml((MEANINGS / f"{kind}.yaml").read_text(encoding="utf-8"))
    return content


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
