"""The facts that the answers rest on, read once from the YAML beside this file, and a unit's own settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from crawler.errors import RelicwatchError
from crawler.items import TOMAN
from crawler.yaml_text import read_yaml

FACTS = Path(__file__).parent / "facts"
SETTINGS, CURRENCIES = "answers.yaml", "currencies.yaml"
"""A unit's own files in its home."""
_SETTINGS = ("conflict_zones", "own_country", "partner_countries")


class FactsError(RelicwatchError):
    """A file of settings or of exchange rates in the home cannot be used; it names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a unit decides for itself (ISO 3166-1 alpha-2)."""

    conflict_zones: frozenset[str]
    own_country: frozenset[str]
    partner_countries: frozenset[str]

    @classmethod
    def load(cls, home: Path | None = None) -> Settings:
        """Ours, with what the file answers.yaml in `home` sets instead. Raises FactsError."""
        content = dict(read_facts("settings"))
        own = home / SETTINGS if home else None
        if own is not None and own.exists():
            given = _read(own)
            for key, value in given.items():
                if key not in _SETTINGS:
                    raise FactsError(f"{own}: {key!r} is no setting: use {', '.join(_SETTINGS)}.")
                if not isinstance(value, list) or not all(_is_country(one) for one in value):
                    raise FactsError(
                        f"{own}: {key} must be a list of two-letter country codes, such as [IQ, SY]; the code of"
                        ' Norway needs quotes ("NO").'
                    )
            content |= given
        return cls(*(frozenset(content[key]) for key in _SETTINGS))


@dataclass(frozen=True, slots=True)
class Currencies:
    """Units of each currency for one euro on a day."""

    as_of: date
    near: float
    """So near a threshold, as a share of it, the rate of the day decides."""
    rates: Mapping[str, float]

    @classmethod
    def load(cls, home: Path | None = None) -> Currencies:
        """The table in `home`, else ours. Raises FactsError."""
        own = home / CURRENCIES if home else None
        path = own if own is not None and own.exists() else FACTS / CURRENCIES
        content = _read(path)
        as_of, near, rates = content.get("as_of"), content.get("near", 0.1), content.get("rates")
        if not isinstance(as_of, date):
            raise FactsError(f"{path}: as_of must be the day of the rates, such as 2025-10-31.")
        if not _is_number(near) or not 0 <= near < 1:
            raise FactsError(f"{path}: near must be a share from 0 to 1, such as 0.1.")
        if not isinstance(rates, dict) or not rates:
            raise FactsError(f"{path}: rates must map currencies to their units for one euro, such as USD: 1.16.")
        for code, rate in rates.items():
            if not isinstance(code, str) or len(code) != 3 or not code.isupper():
                raise FactsError(f"{path}: {code!r} is no currency code (three capital letters).")
            if not _is_number(rate) or rate <= 0:
                raise FactsError(f"{path}: the rate of {code} must be a number above zero.")
        found = {code: float(rate) for code, rate in rates.items()} | {"EUR": 1.0}
        if "IRR" in found:
            found.setdefault(TOMAN, found["IRR"] / 10)
        return cls(as_of, float(near), found)

    def in_euro(self, amount: Decimal | None, currency: str | None) -> float | None:
        """The amount in euro; None without an amount, or for a currency that the table lacks."""
        rate = self.rates.get(currency or "")
        if amount is None or rate is None or not amount.is_finite():
            return None
        value = float(amount) / rate
        return round(value, 2) if math.isfinite(value) else None


@cache
def read_facts(name: str) -> Mapping[str, Any]:
    """The content of one of our own files of facts."""
    return _read(FACTS / f"{name}.yaml")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FactsError(f"{path} cannot be read: {error}. Mend it, or take it away to use ours.") from error
    if not isinstance(content, dict):
        raise FactsError(f"{path} is not a mapping of names to values. Mend it, or take it away to use ours.")
    return content


def _is_country(value: object) -> bool:
    return isinstance(value, str) and len(value) == 2 and value.isascii() and value.isupper()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
