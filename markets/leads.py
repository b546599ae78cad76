"""Markets worth watching that nobody has confirmed yet: where to begin a definition, and no more than that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "leads.yaml"


@dataclass(frozen=True, slots=True)
class Lead:
    """One site as general knowledge has it. No address here was tried."""

    name: str
    domains: tuple[str, ...]
    country: str | None
    """ISO 3166, None where the site serves several countries."""
    languages: tuple[str, ...]
    kind: str
    search: str | None
    """A search address with {query}, to be confirmed; None where none is known."""
    api: str | None
    scraping: str
    """What its terms say of machines, as far as known: forbidden, likely_forbidden, unclear."""
    login: str
    priority: int
    """1 first, 3 last."""
    note: str | None


@lru_cache(maxsize=1)
def leads() -> tuple[Lead, ...]:
    """Every lead, the most wanted first."""
    rows = yaml.safe_load(_FILE.read_text("utf-8"))["markets"]
    return tuple(sorted((_lead(row) for row in rows), key=lambda lead: (lead.priority, lead.name)))


def _lead(row: dict[str, Any]) -> Lead:
    search = row.get("search")
    domains = [row["domain"], *row.get("sites", [])]
    return Lead(
        name=row["id"],
        domains=tuple(domain for domain in domains if domain),
        country=None if row["country"] == "int" else row["country"],
        languages=tuple(row["langs"]),
        kind=row["kind"],
        search=search.replace("{q}", "{query}") if search else None,
        api=row.get("api"),
        scraping=row.get("scraping", "unclear"),
        login=row.get("login", "none"),
        priority=row["prio"],
        note=row.get("note"),
    )
