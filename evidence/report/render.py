"""The pages that people read in a bundle: index.html, custody log, VERIFY.txt. Static, escaped, no link out."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from evidence.cover import Cover
from evidence.redaction import PARTS, Part
from evidence.report.notes import note_pieces

_HERE = Path(__file__).parent
LANGUAGES = ("en", "fr", "ar")
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


Explain = Callable[[Mapping[str, Any], str], Sequence["ReportAnswer"]]
"""Tells stored answers in a language, heading by heading; the classifiers know how, and a caller hands it in."""


class ReportLine(Protocol):
    """One thing that an answer found."""

    @property
    def name(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def weight(self) -> float | None: ...
    @property
    def quotes(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def remarks(self) -> Sequence[str]: ...


class ReportAnswer(Protocol):
    """One answer of the machine as a reader sees it."""

    @property
    def name(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def lines(self) -> Sequence[ReportLine]: ...


class ReportListing(Protocol):
    """What the report needs of a packed listing."""

    @property
    def number(self) -> str: ...
    @property
    def item(self) -> dict[str, Any]: ...
    @property
    def analysis(self) -> dict[str, Any]: ...
    @property
    def decisions(self) -> dict[str, Any]: ...
    @property
    def object_id(self) -> dict[str, Any]: ...
    @property
    def screenshots(self) -> Sequence[dict[str, Any]]: ...
    @property
    def images(self) -> Sequence[dict[str, Any]]: ...
    @property
    def files(self) -> Sequence[tuple[str, str]]: ...


def render_index(
    listings: Sequence[ReportListing],
    custody: Mapping[str, Any],
    *,
    case: Mapping[str, str] | None,
    languages: Sequence[str],
    demo: bool,
    explain: Explain | None = None,
    base: str = "data/",
    cover: Cover | None = None,
    withheld: frozenset[Part] = frozenset(),
    printed: Collection[str] | None = None,
    apart: bool = False,
) -> bytes:
    """`index.html`, or with one language the text of its printed report.

    `apart`: each listing has a page of its own (`render_listing`), and this one leads to them.

    Without a `cover` it holds nothing of the export itself, so that the same evidence gives the same page. `base` leads
    to the payload; `withheld` is what is left out of a copy; `printed` are the pictures at hand, by their addresses in
    the page, where not all are: the others are named.
    """
    events = [event for event in custody["events"] if event["object_kind"] != "export"]
    return _render(
        "index.html.jinja",
        listings=listings,
        events=events,
        case=case,
        languages=languages,
        demo=demo,
        explain=explain,
        base=base,
        cover=cover,
        withheld=withheld,
        printed=printed,
        apart=apart,
        parts=PARTS,
    )


def render_listing(
    listing: ReportListing,
    *,
    languages: Sequence[str],
    demo: bool,
    explain: Explain | None = None,
    withheld: frozenset[Part] = frozenset(),
) -> bytes:
    """`data/items/NNN/listing.html`: one listing of a bundle that has too many for one page."""
    return _render(
        "listing_page.html.jinja",
        l=listing,
        languages=languages,
        demo=demo,
        explain=explain,
        base="../../",
        withheld=withheld,
        printed=None,
    )


def render_custody(custody: Mapping[str, Any], *, languages: Sequence[str], demo: bool, bundle_id: str) -> bytes:
    """`data/custody/custody.html`: every entry, exports included."""
    return _render("custody.html.jinja", events=custody["events"], languages=languages, demo=demo, bundle_id=bundle_id)


def render_instructions(*, demo: bool, fingerprint: str) -> bytes:
    """VERIFY.txt: commands for coreutils, unzip and openssl, to be run where the file lies."""
    return _render("VERIFY.txt.jinja", demo=demo, fingerprint=fingerprint)


def shown(text: object) -> str:
    """Text safe to look at: control characters and signs that turn the writing direction become visible."""
    return "".join(_visible(character) for character in str(text))


def pieces(text: str | None, field: str, reasons: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The text in pieces of ("", words), ("for", words) or ("against", words); stronger reasons win an overlap."""
    text = text or ""
    marks = [""] * len(text)
    for reason in sorted(reasons, key=lambda r: abs(float(r["weight"]))):
        if reason["field"] == field:
            kind = "for" if reason["weight"] > 0 else "against"
            start, end = max(0, int(reason["start"])), min(len(text), int(reason["end"]))
            marks[start:end] = [kind] * max(0, end - start)
    found: list[tuple[str, str]] = []
    for character, kind in zip(text, marks, strict=True):
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + character)
        else:
            found.append((kind, character))
    return found


def moment(text: str | None) -> str:
    """A stored time as read by people: `2026-11-23 14:03:22`."""
    return (text or "")[:19].replace("T", " ")


def probability(score: float) -> str:
    """A score as read by people; it never rounds to certainty."""
    if score > 0.99:
        return "> 0.99"
    return "< 0.01" if score < 0.01 else f"{score:.2f}"


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    if character in _BIDI_CONTROLS or unicodedata.category(character) in ("Cc", "Cs", "Co"):
        return f"[U+{ord(character):04X}]"
    return character


@cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load((_HERE / "words.yaml").read_text("utf-8"))
    return words


@cache
def _environment() -> Environment:
    # VERIFY.txt is no HTML; it is filled with our own values alone.
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(enabled_extensions=("html.jinja",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(shown=shown, moment=moment, probability=probability)
    environment.globals.update(pieces=pieces, note_pieces=note_pieces)
    return environment


def _render(template: str, **values: Any) -> bytes:
    written = io.BytesIO()  # in pieces: the whole text of a large case is not held a second time as characters
    pieces_of_it = _environment().get_template(template).stream(words=_words(), **values)
    pieces_of_it.enable_buffering(500)
    pieces_of_it.dump(written, "utf-8", "replace")
    return written.getvalue()
