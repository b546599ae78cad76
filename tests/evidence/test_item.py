import json
import shutil
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import select

from crawler.home import Home
from evidence.item import NOT_A_VERDICT, amount
from evidence.object_id import FIELDS, NOT_STATED
from storage.database import Database
from storage.tables import Capture, Segment
from tests.evidence.factory import PROGRAM, Planted, plant


@pytest.fixture
def planted(sqlite_template: Path, home: Home, tmp_path: Path) -> Iterator[Planted]:
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    yield plant(database, home, tmp_path / "out")
    database.dispose()


def item(planted: Planted, number: int = 1, file: str = "items/{}/item.json") -> dict[str, Any]:
    path = planted.export().path
    with zipfile.ZipFile(path) as package:
        found: dict[str, Any] = json.loads(package.read(f"{path.stem}/data/{file.format(f'{number:03}')}"))
    return found


def test_it_names_what_was_asked_what_answered_who_and_with_what(planted: Planted) -> None:  # EV-17
    record = item(planted)
    facts = record["captured_fact"]
    assert record["item_id"] == "urn:relicwatch:item:ex:3/1"
    assert record["tool"] == {"name": "relicwatch", "version": "0.1.0", "commit": PROGRAM.commit}
    assert (facts["url_asked"], facts["final_url"], facts["http_status"]) == (
        "https://auction.example/lot/1",
        "https://auction.example/sale/3/lot/1",
        200,
    )
    assert facts["capture_started_at"] == "2026-11-20T15:03:22.123456Z" < facts["capture_ended_at"]
    assert (facts["site_item_id"], facts["config_sha256"]) == ("3/1", "d" * 64)
    shown = facts["shown"]
    assert (shown["price"], shown["currency"], shown["lot_number"]) == ("1350", "GBP", "1")
    assert shown["seller"] == {"name_as_shown": "Old & Rare", "site_id": "s-77", "url": None}


def test_every_hop_of_a_redirect_is_told(planted: Planted) -> None:  # EV-6
    hops = item(planted)["captured_fact"]["redirects"]
    assert [(hop["status"], hop["location"]) for hop in hops] == [(302, "/sale/3/lot/1"), (200, None)]


def test_fact_opinion_and_decision_stand_apart(planted: Planted) -> None:  # EV-30
    record = item(planted)
    assert [o["price"] for o in record["captured_fact"]["observations"]] == ["1200.50", "1350"]
    assert not {"machine_opinion", "human_decision"} & record.keys()
    opinion = item(planted, file="analysis/{}.json")
    assert opinion["note"] == NOT_A_VERDICT and opinion["assessments"][0]["reasons"][0]["text"] == "faience"
    decision = item(planted, file="decisions/{}.json")["decisions"][0]
    assert (decision["by"]["name"], decision["by"]["role"], decision["verdict"]) == ("amira", "reviewer", "antiquity")
    assert item(planted, 2, "decisions/{}.json")["decisions"] == []


def test_pictures_are_taken_out_of_the_exchanges_the_offered_one_first(planted: Planted) -> None:  # EV-13
    images = item(planted)["captured_fact"]["images"]
    assert [(i["file"], i["of_listing"]) for i in images] == [
        ("images/image-001.png", True),
        ("images/image-002.png", False),
    ]


def test_a_derivative_points_to_its_exchange_and_what_is_cut_says_so(planted: Planted) -> None:  # EV-7, EV-14
    with planted.database.transaction() as session:
        cut = session.scalars(select(Capture).where(Capture.kind == "exchange")).all()[3]
        cut.truncated, cut.state, cut.note = "disconnect", "PARTIAL", "the server hung up"
    captures = {c["id"]: c for c in item(planted)["captured_fact"]["captures"]}
    shot = next(c for c in captures.values() if c["kind"] == "screenshot")
    assert captures[shot["source"]]["url"] == "https://auction.example/sale/3/lot/1"
    assert (captures[cut.id]["truncated"], captures[cut.id]["state"]) == ("disconnect", "PARTIAL")


def test_working_copies_are_named_but_not_packed(planted: Planted) -> None:
    with planted.database.transaction() as session:
        transit = Segment(store="transit", name="ex/t.warc.gz", state="open")
        session.add(transit)
        session.flush()
        one = session.scalars(select(Capture).where(Capture.kind == "exchange")).first()
        row = Capture(kind="exchange", listing_id=one.listing_id, url=one.url, captured_at=one.captured_at)
        row.sha256, row.segment_id, row.offset = one.sha256, transit.id, 0
        session.add(row)
        session.flush()
    left_out = item(planted)["captured_fact"]["captures_left_out"]
    assert [(entry["id"], entry["reason"][:12]) for entry in left_out] == [(row.id, "working copy")]


@pytest.mark.parametrize(("value", "text"), [("1200.5", "1200.50"), ("1350", "1350"), ("0.125", "0.125")])
def test_amounts_read_as_people_write_them(value: str, text: str) -> None:
    assert amount(Decimal(value)) == text


def test_changes_and_prices_stand_by_themselves(planted: Planted) -> None:  # EV-35
    history = item(planted, file="items/{}/observations.json")
    assert [price["price"] for price in history["prices"]] == ["1200.50", "1350"]
    assert history["versions"][0]["changes"] == []
    assert {"field": "price", "before": "1200.50", "after": "1350"} in history["versions"][1]["changes"]


def test_object_id_states_what_the_listing_says_with_its_source_and_nothing_else(planted: Planted) -> None:  # EV-31
    record = item(planted, file="items/{}/object-id.json")
    assert list(record["fields"]) == list(FIELDS)
    shown = item(planted)["captured_fact"]["shown"]
    for name, field in record["fields"].items():
        if not field["sources"]:
            assert field["value"] == NOT_STATED, name
        for source in field["sources"]:
            if "start" in source:
                assert shown[source["field"]][source["start"] : source["end"]] == source["text"], name
    assert record["fields"]["maker"]["value"] == record["fields"]["distinguishing_features"]["value"] == NOT_STATED
    assert record["fields"]["photographs"]["sources"][0]["file"] == "images/image-001.png"
    assert record["completeness"]["filled"] == sum(bool(field["sources"]) for field in record["fields"].values())
    assert record["completeness"]["object_id_ready"] is False


def test_what_an_officer_states_stands_apart_from_what_the_listing_says(planted: Planted) -> None:  # EV-31
    record = item(planted, file="items/{}/object-id.json")
    assert record["fields"]["maker"] == {"value": NOT_STATED, "sources": []}
    stated = [(one["field"], one["value"], one["source"]["kind"], one["stands"]) for one in record["statements"]]
    assert stated == [
        ("subject", "standing figure", "text", True),
        ("distinguishing_features", "chip at the base", "photo", True),
        ("maker", "unknown workshop", "examination", False),
        ("maker", "workshop of Deir el-Medina", "examination", True),
    ]
    assert {one["by"] for one in record["statements"]} == {"amira"}
    figures = record["completeness"]
    assert figures["with_officer"]["filled"] == figures["filled"] + 3
    assert item(planted, 2, file="items/{}/object-id.json")["statements"] == []


def test_item_json_keeps_to_the_schema_that_the_bundle_carries(planted: Planted) -> None:  # EV-17
    schema = item(planted, file="schema/item.schema.json")
    checker = jsonschema.Draft202012Validator(schema)
    for number in (1, 2):
        assert list(checker.iter_errors(item(planted, number))) == []
    broken = item(planted)
    broken["captured_fact"]["capture_started_at"] = "yesterday"
    broken["machine_opinion"] = {}
    assert len(list(checker.iter_errors(broken))) == 2
