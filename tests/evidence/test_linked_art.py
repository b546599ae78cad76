"""Linked Art records keep to the rules of its API 1.0, and sellers' claims never become facts of the object.

The rules are restated here from https://linked.art/api/1.0/endpoint/physical_object/ (HumanMadeObject) and
https://linked.art/api/1.0/shared/ (statement, name, identifier, dimension, type, digital), each where it is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from crawler.home import Home
from evidence.linked_art import CONTEXT, ListingSheet, linked_art, sheet_of
from storage.audit import AuditChain
from storage.database import Database
from storage.object_id import examination_source, state_field
from storage.objects import join
from storage.tables import Listing, Observation
from tests.crawling import Place
from tests.evidence.factory import DESCRIPTION, TITLE, plant

REQUIRED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "LinguisticObject": {},
    "Name": {"content": str},
    "Identifier": {"content": str},
    "Dimension": {"value": (int, float), "unit": dict},
    "MeasurementUnit": {"id": str},
    "Type": {"id": str},
    "AttributeAssignment": {},
    "Person": {"_label": str},
    "TimeSpan": {"begin_of_the_begin": str, "end_of_the_end": str},
    "VisualItem": {},
    "DigitalObject": {},
    "HumanMadeObject": {"@context": str, "id": str},
}
"""Class -> what its page requires beside `type`; a class not named here has no place in our records."""
ARRAYS = frozenset(
    {
        "classified_as", "identified_by", "referred_to_by", "dimension", "representation", "subject_of",
        "attributed_by", "assigned", "carried_out_by", "digitally_shown_by", "digitally_carried_by", "access_point",
    }
)  # fmt: skip
SINGLE = frozenset({"unit", "timespan"})


def faults(record: dict[str, Any]) -> Iterator[str]:
    """What breaks a rule, by its place."""
    if record.get("@context") != CONTEXT:
        yield "@context MUST be the URI of the Linked Art context"
    if not str(record.get("id")).startswith(("http://", "https://")):
        yield "id MUST be an HTTP(S) URI"
    if record.get("type") != "HumanMadeObject":
        yield "type MUST be HumanMadeObject"
    yield from _of(record, "")


def _of(one: Any, place: str) -> Iterator[str]:
    if not isinstance(one, dict):
        yield f"{place} is no object"
        return
    kind = one.get("type")
    if kind not in REQUIRED:
        yield f"{place}: unknown class {kind}"
        return
    if place and "@context" in one:
        yield f"{place}: embedded structures have no @context of their own"
    for name, of_type in REQUIRED[kind].items():
        if not isinstance(one.get(name), of_type) or one[name] == "":
            yield f"{place}/{name} is required for {kind}"
    for name, value in one.items():
        if name in ARRAYS:
            if not isinstance(value, list) or not value:
                yield f"{place}/{name} must be an array that holds something"
                continue
            for at, child in enumerate(value):
                yield from _of(child, f"{place}/{name}/{at}")
        elif name in SINGLE:
            yield from _of(value, f"{place}/{name}")
        elif isinstance(value, dict | list):
            yield f"{place}/{name} holds a structure that the rules do not name"


@pytest.fixture
def sheets(database: Database, home: Home, tmp_path) -> list[ListingSheet]:
    planted = plant(database, home, tmp_path / "out")
    with database.transaction() as session:
        session.execute(
            update(Observation)
            .where(Observation.listing_id == planted.listing_ids[0])
            .values(dimensions=[{"kind": "height", "mm": "120"}, {"kind": None, "mm": "40.5"}])
        )
        said = {"source": examination_source("seen at the saleroom"), "actor": "amira"}
        state_field(session, AuditChain(), planted.listing_ids[0], field="maker", value="unknown workshop", **said)
        join(session, *planted.listing_ids, score=9.0, why=[], method="offers-1", actor="job 1")
    with database.reading() as session:
        return [sheet_of(session, one) for one in session.scalars(select(Listing).order_by(Listing.id))]


def test_a_record_of_a_listing_keeps_to_every_rule(sheets: list[ListingSheet]) -> None:
    record = linked_art(sheets[:1])
    assert list(faults(record)) == []
    assert [one["content"] for one in record["identified_by"] if one["type"] == "Name"] == [TITLE]
    height, other, *_ = record["dimension"]
    assert (height["value"], height["unit"]["_label"], height["classified_as"][0]["_label"]) == (
        120.0, "millimeters", "height",
    )  # fmt: skip
    assert other["value"] == 40.5 and "classified_as" not in other, "which side it is was not said"
    assert record["subject_of"][0]["digitally_carried_by"][0]["access_point"][0]["id"] == sheets[0].listing.url


def test_what_the_seller_says_and_what_an_officer_states_stand_apart(sheets: list[ListingSheet]) -> None:
    record = linked_art(sheets[:1])
    told = {one["_label"]: one["content"] for one in record["referred_to_by"]}
    assert told["Description, as listing 1 on example_auction says"] == DESCRIPTION
    assert not any("unknown workshop" in text for text in told.values())
    stated = next(one for one in record["attributed_by"] if one["assigned"][0]["content"] == "unknown workshop")
    assert stated["carried_out_by"] == [{"type": "Person", "_label": "amira"}]
    assert stated["timespan"]["begin_of_the_begin"] and stated["assigned_property"] == "referred_to_by"
    assert not {"classified_as", "made_of", "produced_by"} & record.keys(), "a listing proves none of them"


def test_an_object_of_several_listings_is_one_record_with_each_seller_s_words(sheets: list[ListingSheet]) -> None:
    record = linked_art(sheets, object_id=3, base="https://unit.example/")
    assert list(faults(record)) == [] and record["id"] == "https://unit.example/object/3"
    assert len({one["_label"] for one in record["subject_of"]}) == 1 and len(record["subject_of"]) == 2
    assert {"listing 1", "listing 2"} == {
        label for one in record["referred_to_by"] for label in ("listing 1", "listing 2") if label in one["_label"]
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [(("@context",), "x"), (("id",), "urn:x"), (("dimension", 0, "unit"), None), (("referred_to_by",), []),
     (("identified_by", 0, "content"), "")],
)  # fmt: skip
def test_what_breaks_a_rule_is_found(sheets: list[ListingSheet], path: tuple[Any, ...], value: Any) -> None:
    record = json.loads(json.dumps(linked_art(sheets[:1])))
    inner = record
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert list(faults(record))


def test_the_commands_write_both_forms(place: Place, tmp_path) -> None:
    plant(place.database, place.home, tmp_path / "out")
    own = place.run("listings", "object-id", "1").result
    assert own["format"].startswith("relicwatch-object-id") and own["fields"]["title"]["value"] == TITLE
    assert place.run("objects", "export", "1", "--to", str(tmp_path / "o.jsonld")).status == 0
    assert list(faults(json.loads((tmp_path / "o.jsonld").read_text("utf-8")))) == []
