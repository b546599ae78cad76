"""A received case as the desk shows it: what another unit said, in plain values, whatever its bundle left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storage.received import ReceivedCase
from storage.tables import ReceivedBundle, ReceivedExhibit


@dataclass(frozen=True, slots=True)
class Said:
    """One statement of theirs: `what` is its word (verdict, result, kind of statement, action)."""

    what: str
    at: datetime | None
    by: str
    note: str = ""
    items: str = ""
    """For a statement on objects: the exhibits on either side; for the log: what it is about."""
    undone: bool = False


@dataclass(frozen=True, slots=True)
class ShownExhibit:
    exhibit: ReceivedExhibit
    decisions: Sequence[Said]
    outcomes: Sequence[Said]
    captures: int


@dataclass(frozen=True, slots=True)
class ReceivedView:
    bundle: ReceivedBundle
    trusted: bool
    exhibits: Sequence[ShownExhibit]
    objects: Sequence[Said]
    custody: Sequence[Said]
    earlier: int
    pictures: Mapping[int, int]
    """Listing -> received exhibit whose picture is shown where we have none of our own."""


def received_view(case: ReceivedCase) -> ReceivedView:
    return ReceivedView(
        case.bundle,
        case.trusted,
        [
            ShownExhibit(
                one.exhibit,
                [_said(told, "verdict", "decided_at") for told in one.decisions],
                [_said(told, "result", "recorded_at") for told in one.outcomes],
                one.captures,
            )
            for one in case.listings
        ],
        [_on_objects(told) for told in case.objects],
        [_event(told) for told in case.custody],
        len(case.earlier),
        case.pictures,
    )


def _said(told: Mapping[str, Any], word: str, moment: str) -> Said:
    by = told.get("by")
    name = by.get("name") if isinstance(by, dict) else by
    return Said(_text(told.get(word)), _moment(told.get(moment)), _text(name), _text(told.get("note")))


def _on_objects(told: Mapping[str, Any]) -> Said:
    sides = (", ".join(map(str, told.get(side) or ())) for side in ("one", "other"))
    undone = told.get("undone") is True
    by, note = _text(told.get("by")), _text(told.get("note"))
    return Said(_text(told.get("kind")), _moment(told.get("at")), by, note, " + ".join(sides), undone)


def _event(told: Mapping[str, Any]) -> Said:
    about = f"{_text(told.get('object_kind'))} {_text(told.get('object_id'))}"
    return Said(_text(told.get("action")), _moment(told.get("at")), _text(told.get("actor")), items=about)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
