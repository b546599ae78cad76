"""The training corpus: listings as sellers write them, one JSON Lines file for each language and kind of offer.

`corpus/<language>/<kind>.jsonl`, a line a listing: title, description (or null), label, and for what is no antiquity
`hard` (it shares its words with antiquities); for antiquities `type` and `period` where the text tells them. Files
named `composed_*` are made by `classifiers.composing`, all others were written by hand. See corpus/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from classifiers.json_lines import ListingsFileError, read_object
from classifiers.language import LANGUAGES
from crawler.errors import RelicwatchError

CORPUS = Path(__file__).parent / "corpus"
COMPOSED = "composed_"
Label = Literal["antiquity", "not_antiquity"]
LABELS = ("antiquity", "not_antiquity")
FREE_LICENCES = ("CC0", "MIT", "BSD-3", "own words")
"""How the licences of records begin that may train a model which is given away."""


class CorpusError(RelicwatchError):
    """A corpus file is not in the form that training reads."""


@dataclass(frozen=True, slots=True)
class Example:
    """One listing with its label. Examples of one `group` are held out together."""

    title: str
    description: str | None
    language: str
    label: Label
    kind: str
    group: str
    hard: bool = False
    origin: str = "written"
    """`written`, `composed`, or the licence of a record from elsewhere."""
    type: str | None = None
    period: str | None = None


def load_corpus(directory: Path = CORPUS) -> list[Example]:
    """Every example of a corpus directory, each once, in the order of the files. Raises CorpusError."""
    paths = sorted(directory.glob("*/*.jsonl"))
    examples = list(dict.fromkeys(example for path in paths for example in _read_file(path)))
    _ask_for_both(examples, f"The corpus in {directory}")
    return examples


def load_records(path: Path) -> list[Example]:
    """Labelled records of other sources: JSON Lines with title, description, language, label, kind, group and licence.

    Those whose licence is not free are left out. Raises CorpusError.
    """
    examples = []
    for number, row in _read_rows(path):
        licence = row.get("licence")
        if not isinstance(licence, str):
            raise CorpusError(f"{path}, line {number}: `licence` is missing; without one no record may train a model.")
        if licence.startswith(FREE_LICENCES):
            group = f"record {_text(row, 'group', path, number)}"
            language = _text(row, "language", path, number)
            examples.append(_example(row, path, number, language, _text(row, "kind", path, number), group, licence))
    return examples


def _read_file(path: Path) -> Iterator[Example]:
    language, kind = path.parent.name, path.stem
    if language not in LANGUAGES:
        raise CorpusError(f"{path}: {language} is no language of ours; use one of {', '.join(LANGUAGES)}.")
    origin = "composed" if kind.startswith(COMPOSED) else "written"
    for number, row in _read_rows(path):
        yield _example(row, path, number, language, kind, f"{language}/{kind}", origin)


def _read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if line.strip():
                yield number, read_object(line, f"{path}, line {number}")
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error}.") from error
    except ListingsFileError as error:
        raise CorpusError(str(error)) from error


def _text(row: dict[str, Any], field: str, path: Path, number: int) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise CorpusError(f"{path}, line {number}: `{field}` must be text, not {value!r}.")
    return value


def _example(
    row: dict[str, Any], path: Path, number: int, language: str, kind: str, group: str, origin: str
) -> Example:
    description, label = row.get("description"), row.get("label")
    if not isinstance(description, str | None):
        raise CorpusError(f"{path}, line {number}: `description` must be text or null, not {description!r}.")
    if label not in LABELS:
        raise CorpusError(f"{path}, line {number}: `label` is {label!r}, neither of {', '.join(LABELS)}.")
    return Example(
        title=_text(row, "title", path, number),
        description=description,
        language=language,
        label=label,
        kind=kind,
        group=group,
        hard=bool(row.get("hard")),
        origin=origin,
        type=row.get("type"),
        period=row.get("period"),
    )


def _ask_for_both(examples: list[Example], whose: str) -> None:
    if {example.label for example in examples} != set(LABELS):
        raise CorpusError(f"{whose} needs examples of both labels ({' and '.join(LABELS)}).")
