"""JSON Lines from people: one object a line, and a sentence with file and line for every line that is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from crawler.errors import RelicwatchError


class ListingsFileError(RelicwatchError):
    """A file of listings cannot be read, or a line of it is not a listing."""


Fault = Callable[[ListingsFileError], None]
"""Told of each line that is no listing; what it raises ends the reading."""


def numbered_lines(lines: Iterable[bytes], name: str) -> Iterator[tuple[str, bytes]]:
    """The lines that hold something, each with its place in words: "FILE, line 3"."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{name}, line {number}", line


def numbered_lines_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The same of a file. Raises ListingsFileError where it cannot be read."""
    try:
        with path.open("rb") as lines:
            yield from numbered_lines(lines, str(path))
    except OSError as error:
        raise ListingsFileError(f"The file {path} cannot be read: {error.strerror}.") from error


def read_object(line: bytes, place: str) -> dict[str, Any]:
    """The object on a line. Raises ListingsFileError with its place."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ListingsFileError(f"{place}: not UTF-8 ({error.reason}); save the file as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise ListingsFileError(f"{place}: not JSON ({error}); each line must be one object.") from error
    if not isinstance(row, dict):
        raise ListingsFileError(f"{place}: not an object; each line must be one, in curly brackets.")
    return row
