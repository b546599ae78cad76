"""The program's own English notes in the words of a report's language; what they were filled with stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

_FILLED = re.compile(r"\{([a-z])\}")


class Piece(NamedTuple):
    """A part of a note as the report shows it."""

    text: str
    own: bool
    """Our words in the report's language; else a filling or an unknown text, shown as it is."""


class _Note(NamedTuple):
    pattern: re.Pattern[str]
    words: dict[str, str]


def note_pieces(note: str, language: str) -> list[Piece]:
    """The note, sentence by sentence. What the table does not know is handed back word for word, never dropped."""
    if language == "en":
        return [Piece(note, False)]
    pieces: list[Piece] = []
    at = 0
    while at < len(note):
        hits = [(hit.end(), n, one, hit) for n, one in enumerate(_notes()) if (hit := one.pattern.match(note, at))]
        if not hits:
            end = note.find(". ", at)
            end = len(note) if end < 0 else end + 2
            pieces.append(Piece(note[at:end], False))
        else:
            # The shortest: a longer one would take the next sentence for a filling.
            end, _, one, hit = min(hits, key=lambda found: found[:2])
            pieces += _filled(one.words[language], hit.groupdict(), language)
            if note[end : end + 1] == " ":
                pieces.append(Piece(" ", True))
                end += 1
        at = end
    return pieces


def _filled(words: str, fillings: dict[str, str], language: str) -> Iterator[Piece]:
    for n, part in enumerate(_FILLED.split(words)):
        if n % 2 == 0:
            yield from [Piece(part, True)] if part else []
        else:
            own = _exact().get(fillings[part])
            yield Piece(own[language], True) if own else Piece(fillings[part], False)


@cache
def _notes() -> list[_Note]:
    """Those with the most words of their own first: of two that match alike, the special one counts."""
    table = sorted(_table(), key=lambda words: -len(_FILLED.sub("", words["en"])))
    return [_Note(_pattern(words["en"]), words) for words in table]


@cache
def _exact() -> dict[str, dict[str, str]]:
    return {words["en"]: words for words in _table() if not _FILLED.search(words["en"])}


def _pattern(english: str) -> re.Pattern[str]:
    parts = _FILLED.split(english)
    first = 1 if not parts[0] else 0
    text = "".join(
        (f"(?P<{part}>\\S+?)" if n == first else f"(?P<{part}>.+?)") if n % 2 else re.escape(part)
        for n, part in enumerate(parts)
    )
    # A sentence ends at a space or the end; a phrase without a full stop is the last.
    return re.compile(text + (r"(?= |$)" if english.endswith(".") else r"(?= Its file|$)"), re.DOTALL)


@cache
def _table() -> list[dict[str, str]]:
    table: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "notes.yaml").read_text("utf-8"))
    return table
