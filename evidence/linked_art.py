"""Object ID records as Linked Art 1.0 (JSON-LD), for collection systems that read it.

The rules are those of https://linked.art/api/1.0/endpoint/physical_object/ and of the structures that it shares; the
terms are the Getty AAT's. Two layers stay apart: what sellers' listings say stands in `referred_to_by`, each statement
called so; what an officer states is an `AttributeAssignment` with who and when. Nothing a seller says becomes a type,
material or date of the object itself: a listing proves none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from evidence.item import load_listing
from evidence.object_id import NOT_STATED, build_object_id
from storage.tables import Listing, Observation

CONTEXT = "https://linked.art/ns/v1/linked-art.json"
NOWHERE = "https://relicwatch.invalid/"
"""Where records stand that nobody publishes: the name is reserved for addresses that lead nowhere (RFC 2606)."""
_AAT = "http://vocab.getty.edu/aat/"
BRIEF_TEXT, PRIMARY_NAME, IDENTIFICATION, WEB_PAGE = 300418049, 300404670, 300404012, 300264578
_STATEMENTS: dict[str, tuple[str, int | None]] = {
    "object_type": ("Type of object", None),
    "measurements": ("Dimensions", 300435430),
    "materials_and_techniques": ("Materials", 300435429),
    "inscriptions_and_markings": ("Inscriptions", 300435414),
    "date_or_period": ("Date or period", None),
    "maker": ("Maker", None),
    "subject": ("Subject", None),
    "title": ("Title", None),
    "distinguishing_features": ("Distinguishing features", None),
    "description": ("Description", 300435416),
}
"""Field of Object ID -> what the statement is called, and its kind in the AAT where that has one."""
_SIDES = {
    "height": 300055644,
    "width": 300055647,
    "depth": 300072633,
    "diameter": 300055624,
    "length": 300055645,
    "thickness": 300055646,
}
_WEIGHT, _MILLIMETRES, _GRAMS = 300056240, 300379097, 300379225


@dataclass(frozen=True, slots=True)
class ListingSheet:
    """A listing with its Object ID record, as it stands now."""

    listing: Listing
    shown: Observation | None
    record: Mapping[str, Any]


def sheet_of(session: Session, listing: Listing) -> ListingSheet:
    """The record of a stored listing; its photographs are those that were captured or saved with it."""
    records = load_listing(session, listing, None)
    shown = records.observation
    of_listing = set(shown.images) if shown is not None else set()
    images = {
        one.sha256: {"of_listing": True, "file": one.url, "url": one.url, "sha256": one.sha256}
        for one in records.captures
        if one.kind == "saved_photo" or (one.url in of_listing and (one.media_type or "").startswith("image/"))
    }
    return ListingSheet(listing, shown, build_object_id(records, list(images.values())))


def linked_art(sheets: Sequence[ListingSheet], *, object_id: int | None = None, base: str = NOWHERE) -> dict[str, Any]:
    """One record of one object: of a listing, or of several that were joined into the object of that number.

    `base`: an address, with its last slash, below which whoever publishes the record makes it available.
    """
    first = sheets[0]
    own = f"object/{object_id}" if object_id is not None else f"listing/{first.listing.id}"
    uri = f"{base}{own}"
    titles = _each(_value(sheet, "title") for sheet in sheets)
    record: dict[str, Any] = {
        "@context": CONTEXT,
        "id": uri,
        "type": "HumanMadeObject",
        "_label": titles[0] if titles else own,
        "identified_by": [
            *(_name(title, PRIMARY_NAME, "Primary Name") for title in titles),
            {
                "type": "Identifier",
                "content": str(first.record["item_id"]) if object_id is None else own,
                "classified_as": [_type(IDENTIFICATION, "Unique identifier")],
            },
        ],
    }
    parts = {
        "dimension": [one for sheet in sheets[:1] for one in _dimensions(sheet)],
        "referred_to_by": [one for sheet in sheets for one in _said_by_seller(sheet)],
        "attributed_by": [one for sheet in sheets for one in _said_by_officers(sheet)],
        "representation": [one for sheet in sheets for one in _photographs(sheet)],
        "subject_of": [_page(sheet) for sheet in sheets if sheet.listing.url.startswith(("http://", "https://"))],
    }
    return record | {name: some for name, some in parts.items() if some}


def _said_by_seller(sheet: ListingSheet) -> Iterator[dict[str, Any]]:
    for field in _STATEMENTS:
        if (value := _value(sheet, field)) is not None:
            yield _statement(field, value, f"as listing {sheet.listing.id} on {sheet.listing.market} says")


def _said_by_officers(sheet: ListingSheet) -> Iterator[dict[str, Any]]:
    for said in sheet.record["statements"]:
        if not said["stands"] or said["value"] is None:
            continue
        yield {
            "type": "AttributeAssignment",
            "_label": f"{_STATEMENTS[said['field']][0]}, as {said['by']} states",
            "assigned_property": "referred_to_by",
            "assigned": [_statement(said["field"], said["value"], f"as {said['by']} states")],
            "carried_out_by": [{"type": "Person", "_label": said["by"]}],
            "timespan": {"type": "TimeSpan", "begin_of_the_begin": said["at"], "end_of_the_end": said["at"]},
        }


def _statement(field: str, text: str, by: str) -> dict[str, Any]:
    label, kind = _STATEMENTS[field]
    own = [] if kind is None else [{**_type(kind, label), "classified_as": [_type(BRIEF_TEXT, "Brief Text")]}]
    return {
        "type": "LinguisticObject",
        "_label": f"{label}, {by}",
        "content": text,
        "classified_as": own or [_type(BRIEF_TEXT, "Brief Text")],
        "identified_by": [{"type": "Name", "content": f"{label}, {by}"}],
    }


def _dimensions(sheet: ListingSheet) -> Iterator[dict[str, Any]]:
    """As the seller gives them, in millimetres and grams; each says so."""
    shown = sheet.shown
    if shown is None:
        return
    for side in shown.dimensions or ():
        kind = _SIDES.get(str(side.get("kind")))
        yield _dimension(float(side["mm"]), kind, str(side.get("kind") or "size"), _MILLIMETRES, "millimeters")
    if shown.weight_grams is not None:
        yield _dimension(float(shown.weight_grams), _WEIGHT, "weight", _GRAMS, "grams")


def _dimension(value: float, kind: int | None, label: str, unit: int, unit_label: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": "Dimension",
        "_label": f"{label}, as the listing says",
        "value": value,
        "unit": {"id": f"{_AAT}{unit}", "type": "MeasurementUnit", "_label": unit_label},
    }
    return told | ({"classified_as": [_type(kind, label)]} if kind is not None else {})


def _photographs(sheet: ListingSheet) -> Iterator[dict[str, Any]]:
    value = sheet.record["fields"]["photographs"]["value"]
    for photo in value if isinstance(value, list) else ():
        shown: dict[str, Any] = {"type": "DigitalObject", "_label": f"SHA-256 {photo['sha256']}"}
        if str(photo["file"]).startswith(("http://", "https://")):
            shown["access_point"] = [{"id": photo["file"], "type": "DigitalObject"}]
        yield {"type": "VisualItem", "digitally_shown_by": [shown]}


def _page(sheet: ListingSheet) -> dict[str, Any]:
    """The page on which the object was offered."""
    page = {
        "type": "DigitalObject",
        "classified_as": [_type(WEB_PAGE, "Web Page")],
        "access_point": [{"id": sheet.listing.url, "type": "DigitalObject"}],
    }
    return {"type": "LinguisticObject", "_label": f"Listing on {sheet.listing.market}", "digitally_carried_by": [page]}


def _name(content: str, kind: int, label: str) -> dict[str, Any]:
    return {"type": "Name", "content": content, "classified_as": [_type(kind, label)]}


def _type(number: int, label: str) -> dict[str, Any]:
    return {"id": f"{_AAT}{number}", "type": "Type", "_label": label}


def _value(sheet: ListingSheet, field: str) -> str | None:
    value = sheet.record["fields"][field]["value"]
    return value if isinstance(value, str) and value != NOT_STATED else None


def _each(values: Iterator[str | None]) -> list[str]:
    return list(dict.fromkeys(one for one in values if one))
