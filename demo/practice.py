"""The practice queue's make-believe offers with known answers, and their drawn pictures; all of it says DEMO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from demo.pictures import draw_picture

MARK = "DEMO"
PICTURE_WIDTH = 800
_FILE = Path(__file__).parent / "practice.yaml"
_LANGUAGES = ("en", "fr", "ar")


@dataclass(frozen=True, slots=True)
class Telling:
    """An item in one language."""

    title: str
    """It begins with DEMO."""
    text: str
    why: str
    """Why the expert answers so."""


@dataclass(frozen=True, slots=True)
class PracticeItem:
    """One offer and its right answer, in the desk's own words for verdicts, steps and reasons."""

    id: str
    figure: str
    price: Decimal
    currency: str
    ships_from: str
    """ISO 3166-1 alpha-2."""
    verdict: str
    steps: tuple[str, ...]
    """Next steps that are right, the expert's own first."""
    reason: str | None
    """Of a dismissal."""
    red_list: str | None
    type: str | None
    """The category of the Red List, as an object type of the lexicons."""
    told: Mapping[str, Telling]


@cache
def practice_items() -> tuple[PracticeItem, ...]:
    """All items in the order in which they are shown: kinds mixed, the same each time."""
    entries = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    items = [
        PracticeItem(
            id=entry["id"],
            figure=entry["figure"],
            price=Decimal(entry["price"]["amount"]),
            currency=entry["price"]["currency"],
            ships_from=entry["ships_from"],
            verdict=entry["verdict"],
            steps=tuple(entry["steps"]),
            reason=entry.get("reason"),
            red_list=entry.get("red_list"),
            type=entry.get("type"),
            told={language: _telling(entry[language]) for language in _LANGUAGES},
        )
        for entry in entries
    ]
    stride = 7  # prime to their number, so that each comes once and no kind stands in a row
    return tuple(items[(place * stride) % len(items)] for place in range(len(items)))


def practice_item(id_: str) -> PracticeItem | None:
    return next((item for item in practice_items() if item.id == id_), None)


def practice_picture(item: PracticeItem) -> bytes:
    """A JPEG, 800 px wide, with DEMO in its corner."""
    return draw_picture(item.figure, f"practice {item.id}", 1, PICTURE_WIDTH)


def _telling(words: list[str]) -> Telling:
    title, text, why = words
    return Telling(f"{MARK} · {title}", text, why)
