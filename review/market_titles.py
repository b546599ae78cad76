"""What a market is called on the desk: by the title of its definition, not by its key."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from crawler.home import Home
from markets.catalog import definition_files
from markets.definition import load_definition
from markets.faults import DefinitionError
from review.words import Words
from storage.imports import IMPORTED


def market_title(home: Home, name: str, words: Words) -> str:
    """The market's title; its key where its definition is gone or broken."""
    if name == IMPORTED:
        return words("market_imported")
    file = definition_files(home).get(name)
    try:
        return (_title(file, file.stat().st_mtime_ns) if file else None) or name
    except FileNotFoundError:  # removed since it was listed
        return name


@lru_cache(maxsize=1024)
def _title(file: Path, changed_ns: int) -> str | None:
    """`changed_ns` tells a definition from what it was before an edit."""
    try:
        return load_definition(file).title
    except DefinitionError:
        return None
