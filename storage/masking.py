"""What a text tells of how to reach a person, made unreadable in place: each character becomes one block.

The length stays, so that the reasons of an assessment, which point into the text, still point at their words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crawler.blackening import BLACK as BLOCK
from crawler.blackening import black_spans, contacts, name_pattern

__all__ = ["BLOCK", "mask_contacts", "mask_record"]
_SHORTEST_NAME = 3
_LATEST_YEAR = 2100
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"[+(]?\d(?:[\s().\-/\u200e\u200f\u202a-\u202e]{0,2}\d){7,}")
"""`\\d` takes Arabic-Indic digits too; direction marks stand in numbers copied from right-to-left text."""


def mask_contacts(text: str, names: Sequence[str] = ()) -> str:
    """The text with telephone numbers, addresses, handles and these names as blocks, and of the same length.

    As in a copy that is handed over (`crawler.blackening`), and further: what is erased need not stay readable, so that
    longer numbers and names within words go too.
    """
    literal = [re.compile(re.escape(name), re.IGNORECASE) for name in names if len(name) >= _SHORTEST_NAME]
    pattern = name_pattern(names)
    while True:  # what is masked may bare what was no contact before
        spans = [found.span() for found in _PHONE.finditer(text) if not _is_span_of_years(found[0])]
        spans += [found.span() for one in (_EMAIL, *literal) for found in one.finditer(text)]
        masked = black_spans(text, [*contacts(text), *spans], pattern)
        if masked == text:
            return text
        text = masked


def _is_span_of_years(text: str) -> bool:
    """1200-1150: what a listing says of its object's time."""
    years = re.fullmatch(r"(\d{4}) ?[-/] ?(\d{4})", text)
    return years is not None and all(int(year) <= _LATEST_YEAR for year in years.groups())


def mask_record(value: Any, names: Sequence[str] = ()) -> Any:
    """The same within every text of a JSON value."""
    if isinstance(value, str):
        return mask_contacts(value, names)
    if isinstance(value, list):
        return [mask_record(one, names) for one in value]
    if isinstance(value, dict):
        return {key: mask_record(one, names) for key, one in value.items()}
    return value
