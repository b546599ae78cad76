"""Register entries that a listing may be, side by side with it: both values in rows, what speaks for and against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from classifiers.answers.meanings import UnknownMeaning, meaning
from storage.tables import Match, MatchVerdict, Observation, RegisterEntry

MOST_MATCHES = 5
LEAST_TOLD = 0.3
"""A reason weaker than this speaks neither for nor against."""
_KINDS = {"type": "types", "material": "materials", "period": "periods"}
_PARTS = (
    "number",
    "type",
    "material",
    "period",
    "years",
    "size",
    "weight",
    "inscription",
    "words",
    "concepts",
    "photo",
)
"""Parts of the comparison in the order of the rows."""
_OF_ENTRY = {
    "type": ("object_type",),
    "material": ("materials",),
    "period": ("period", "culture"),
    "size": ("measurements", "height_mm", "width_mm", "depth_mm", "diameter_mm"),
    "weight": ("weight_g",),
    "inscription": ("inscriptions", "marks"),
    "number": ("inventory_no", "reference_no"),
}
"""Where the entry itself says it, for parts that were not compared: the listing says nothing there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that both may say."""

    part: str
    ours: str
    theirs: str
    weight: float
    """In natural logarithms, below 0 against; 0 where nothing was compared."""

    @property
    def speaks(self) -> str:
        return "for" if self.weight >= LEAST_TOLD else "against" if self.weight <= -LEAST_TOLD else ""


@dataclass(frozen=True, slots=True)
class RegisterMatch:
    match: Match
    entry: RegisterEntry
    title: str | None
    """Of the listing as it was compared."""
    rows: Sequence[Row]
    photos: Sequence[int]
    """Numbers of the entry's photographs that came along, from 1."""
    verdicts: Sequence[MatchVerdict]
    """Newest first."""

    @property
    def stands(self) -> bool:
        """Whether the list still has this entry as it was compared."""
        return self.entry.superseded_in_id is None

    @property
    def told(self) -> Mapping[str, Any]:
        return self.entry.fields


def register_matches(session: Session, listing_id: int, language: str) -> list[RegisterMatch]:
    """The strongest candidates of a listing, each entry once."""
    found = session.execute(
        select(Match, RegisterEntry, Observation)
        .join(RegisterEntry, RegisterEntry.id == Match.register_entry_id)
        .join(Observation, Observation.id == Match.observation_id)
        .where(Match.listing_id == listing_id)
        .order_by(Match.score.desc(), Match.id.desc())
        .limit(4 * MOST_MATCHES)
    ).all()
    newest = {entry.id: (match, entry, seen) for match, entry, seen in reversed(found)}
    kept = sorted(newest.values(), key=lambda one: (-one[0].score, one[0].id))[:MOST_MATCHES]
    verdicts = session.scalars(
        select(MatchVerdict)
        .where(MatchVerdict.match_id.in_([match.id for match, _, _ in kept]))
        .order_by(MatchVerdict.id.desc())
    ).all()
    return [
        RegisterMatch(
            match,
            entry,
            seen.title,
            _rows(match, entry, language),
            [number for number, _ in enumerate((one for one in entry.photos if "sha256" in one), 1)],
            [one for one in verdicts if one.match_id == match.id],
        )
        for match, entry, seen in kept
    ]


def _rows(match: Match, entry: RegisterEntry, language: str) -> list[Row]:
    compared = {str(one["part"]): one for one in match.why}
    rows = []
    for part in _PARTS:
        if part in compared:
            one = compared[part]
            ours, theirs = (_named(part, str(one[side]), language) for side in ("ours", "theirs"))
            rows.append(Row(part, ours, theirs, float(one["weight"])))
        elif told := _told(entry.fields, part):
            rows.append(Row(part, "", told, 0.0))
    return rows


def _told(fields: Mapping[str, Any], part: str) -> str:
    values = []
    for name in _OF_ENTRY.get(part, ()):
        value = fields.get(name)
        if value not in (None, "", []):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            values.append(f"{text} mm" if name.endswith("_mm") else f"{text} g" if name.endswith("_g") else text)
    return " · ".join(values)


def _named(part: str, value: str, language: str) -> str:
    """Ids of types, materials and periods by their names."""
    if part not in _KINDS:
        return value
    names = []
    for id_ in value.split(", "):
        try:
            names.append(meaning(_KINDS[part], id_, language).name)
        except UnknownMeaning:
            names.append(id_)
    return ", ".join(names)
