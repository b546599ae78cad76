"""Names of countries in the reader's language: those of the CLDR, unless the unit names one otherwise."""

from __future__ import annotations

import yaml
from babel import Locale

from crawler.home import Home

FILE = "country-names.yaml"
"""In the home: `XK: {en: ..., fr: ..., ar: ...}`. Borders and names are disputed; each unit follows its own state."""


def country_name(home: Home, code: str, language: str) -> str:
    """The name of an ISO 3166-1 code; the code itself where nothing names it."""
    own = _own_names(home).get(code, {})
    name = own.get(language) if isinstance(own, dict) else None
    return str(name or Locale(language).territories.get(code, code))


def _own_names(home: Home) -> dict[str, object]:
    try:
        read = yaml.safe_load((home.root / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return read if isinstance(read, dict) else {}
