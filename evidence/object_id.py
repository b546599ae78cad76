"""The Object ID record of a listing: the fields of the international standard, each with where it came from, or none.

Object ID (ICOM, "Introduction to Object ID", Getty Information Institute 1999) names nine kinds of information, with
photographs and a description, that police, customs and museums agreed on. A listing is a seller's claim: a value stands
among its fields only where the listing's text or pictures say it, with the words that do; nothing is inferred. What our
officers state of the object stands beside it, never among it, each with its own source. # EV-31
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from evidence.item import ListingRecords, item_id, utc
from storage.object_id import OBJECT_ID_FIELDS, standing
from storage.tables import ObjectIdStatement, Observation

FORMAT = "relicwatch-object-id-2"
NOT_STATED = "not stated"
FIELDS = OBJECT_ID_FIELDS
READY = frozenset(
    {
        "photographs",
        "object_type",
        "measurements",
        "materials_and_techniques",
        "date_or_period",
        "distinguishing_features",
    }
)
"""Filled, they make a record "Object ID ready"."""
NOTE = (
    "`fields`: what the seller's listing says, in its own words; not what the object is. `statements`: what officers "
    "state of the object, each by name, with what they rest on; no officer has examined the object unless one says so."
)


def build_object_id(records: ListingRecords, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The content of `object-id.json`: every field, with value and sources or "not stated", what officers stated, and
    how complete it is without and with them.
    """
    shown = records.observation
    own = [one for one in records.assessments if shown is not None and one.observation_id == shown.id]
    pictures = [one for one in images if one.get("of_listing")]
    fields = listing_fields(shown, (own[-1].answers if own else None) or {}, pictures)
    stands = {one.id for one in standing(records.statements).values()}
    return {
        "format": FORMAT,
        "item_id": item_id(records.listing),
        "note": NOTE,
        "observation": shown.id if shown else None,
        "fields": fields,
        "statements": [_stated(one, one.id in stands) for one in records.statements],
        "completeness": {
            **completeness(fields, ()),
            "with_officer": completeness(fields, [*standing(records.statements)]),
        },
    }


def listing_fields(
    shown: Observation | None, answers: Mapping[str, Any], pictures: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Field -> value and sources, from what the listing says and shows; `answers` are those of an assessment of it."""
    fields: dict[str, dict[str, Any]] = {name: {"value": NOT_STATED, "sources": []} for name in FIELDS}

    def state(name: str, value: Any, sources: list[dict[str, Any]]) -> None:
        if value and sources:
            fields[name] = {"value": value, "sources": sources}

    state(
        "photographs",
        [{"file": one["file"], "sha256": one["sha256"]} for one in pictures],
        [{"file": one["file"], "url": one["url"]} for one in pictures],
    )
    if shown is None:
        return fields
    for name, answer in (
        ("object_type", "types"),
        ("materials_and_techniques", "materials"),
        ("date_or_period", "periods"),
    ):
        quotes = _quotes(answers.get(answer) or ())
        if name == "date_or_period" and (years := answers.get("years")) and years.get("basis") == "text":
            quotes += [_quote(reason) for reason in years["reasons"]]
        state(name, _words(quotes), quotes)
    if shown.title:
        state("title", shown.title, [_whole("title", shown.title)])
    if shown.description:
        state("description", shown.description, [_whole("description", shown.description)])
    size = [shown.size] if shown.size else []
    size += [f"{shown.weight_grams.normalize():f} g"] if shown.weight_grams is not None else []
    where = [shown.sources[name] for name in ("size", "dimensions", "weight_grams") if name in (shown.sources or {})]
    state("measurements", "; ".join(size), [{"page": str(one)} for one in dict.fromkeys(map(str, where))])
    return fields


def completeness(fields: Mapping[str, Mapping[str, Any]], stated: Collection[str]) -> dict[str, Any]:
    """How many fields the listing fills, or an officer; and whether that makes the record Object ID ready."""
    filled = {name for name in FIELDS if fields[name]["sources"] or name in stated}
    return {"filled": len(filled), "of": len(FIELDS), "object_id_ready": filled >= READY}


def _stated(one: ObjectIdStatement, stands: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "field": one.field,
        "value": one.value,
        "source": one.source,
        "by": one.said_by,
        "at": utc(one.said_at),
        "stands": stands,
        "salt": one.salt,
    }


def _quotes(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The words of the findings that the text itself says, strongest first; those inferred from others are none."""
    told = sorted(
        (one for one in findings if one["weight"] > 0 and one["basis"] == "words"), key=lambda one: -one["weight"]
    )
    return [_quote(reason) for one in told for reason in one["reasons"]]


def _quote(reason: dict[str, Any]) -> dict[str, Any]:
    return {"field": reason["field"], "start": reason["start"], "end": reason["end"], "text": reason["text"]}


def _whole(field: str, text: str) -> dict[str, Any]:
    return {"field": field, "start": 0, "end": len(text), "text": text}


def _words(quotes: Sequence[dict[str, Any]]) -> str:
    return "; ".join(dict.fromkeys(quote["text"] for quote in quotes))
