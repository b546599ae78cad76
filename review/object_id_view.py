"""The Object ID sheet of a listing: each field as the listing says it and as an officer states it, kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from evidence.object_id import FIELDS, completeness, listing_fields
from review.pictures import pictures_of
from storage.object_id import STATED_FIELDS, ObjectIdError, standing, statements_of
from storage.tables import Assessment, Capture, Listing, ObjectIdStatement, Observation


@dataclass(frozen=True, slots=True)
class SheetField:
    """One field of the sheet."""

    name: str
    value: Any
    """As the listing says it; "not stated" where it has no sources."""
    sources: Sequence[Mapping[str, Any]]
    stated: ObjectIdStatement | None
    """The officer's statement that counts."""
    earlier: Sequence[ObjectIdStatement]
    """Those before it, and those that took one back; newest first."""

    @property
    def can_be_stated(self) -> bool:
        return self.name in STATED_FIELDS


@dataclass(frozen=True, slots=True)
class Sheet:
    fields: Sequence[SheetField]
    by_listing: Mapping[str, Any]
    """filled, of, object_id_ready: by what the listing says."""
    with_officer: Mapping[str, Any]
    pictures: Sequence[Capture]
    """What a statement may rest on."""


def view_sheet(session: Session, listing: Listing) -> Sheet:
    """The sheet of a listing that is stored."""
    shown = _get(session, Observation, listing.current_observation_id)
    judged = _get(session, Assessment, listing.current_assessment_id)
    answers = judged.answers if judged is not None and shown is not None and judged.observation_id == shown.id else None
    pictures = [one.capture for one in pictures_of(session, listing.id, screenshots=True)]
    own = [one for one in pictures if not one.kind.startswith("screenshot")]
    fields = listing_fields(
        shown,
        answers or {},
        [{"file": f"capture {one.id}", "sha256": one.sha256, "url": one.url} for one in own],
    )
    statements = statements_of(session, listing.id)
    stands = standing(statements)
    return Sheet(
        [
            SheetField(
                name,
                fields[name]["value"],
                fields[name]["sources"],
                stands.get(name),
                [one for one in reversed(statements) if one.field == name and one is not stands.get(name)],
            )
            for name in FIELDS
        ],
        completeness(fields, ()),
        completeness(fields, [*stands]),
        pictures,
    )


def sheet_record(session: Session, listing_id: int) -> dict[str, Any]:
    """The sheet for the command line. Raises ObjectIdError for a listing that is not there."""
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise ObjectIdError(
            f"There is no listing {listing_id}: `relicwatch listings search` shows those there are.", "listing"
        )
    sheet = view_sheet(session, listing)
    return {
        "listing": listing.id,
        "completeness": sheet.by_listing,
        "with_officer": sheet.with_officer,
        "fields": {
            one.name: {
                "listing": one.value,
                "sources": list(one.sources),
                "officer": _statement_record(one.stated) if one.stated else None,
                "earlier": [_statement_record(other) for other in one.earlier],
            }
            for one in sheet.fields
        },
    }


def _statement_record(one: ObjectIdStatement) -> dict[str, Any]:
    return {
        "statement": one.id,
        "value": one.value,
        "source": one.source,
        "said_by": one.said_by,
        "said_at": one.said_at,
    }


def _get(session: Session, kind: type[Any], id_: int | None) -> Any:
    return None if id_ is None else session.get(kind, id_)
