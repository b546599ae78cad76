"""A unit's own country, written into answers.yaml of its home; what else stands in that file stays as it was typed."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from classifiers.answers.facts import SETTINGS, FactsError, Settings

_ENTRY = re.compile(r"^own_country:[^\n]*(?:\n(?:[ \t]+[^\n]*|-[^\n]*))*\n?", re.M)
"""The key with its value, in one line or in a list below it."""


def set_own_country(home: Path, countries: Collection[str]) -> None:
    """Keep the own countries (ISO 3166-1 alpha-2). Raises FactsError for what is none or for a file not understood."""
    Settings.load(home)
    path = home / SETTINGS
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if not all(re.fullmatch(r"[A-Z]{2}", one) for one in countries):
        raise FactsError(f"{sorted(countries)} are no country codes of two letters.")
    entry = f"own_country: [{', '.join(f'{chr(34)}{one}{chr(34)}' for one in sorted(countries))}]\n"
    kept = _ENTRY.sub("", before)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    draft = path.with_suffix(".draft")
    draft.write_text(kept + entry, encoding="utf-8")
    draft.replace(path)
    Settings.load(home)
