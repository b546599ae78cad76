"""Registers from file to candidate: import, versions, matching both ways, verdicts; on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from crawler.home import Home
from linking import import_register, match_registers
from storage.audit import AuditChain
from storage.database import Database
from storage.registers import RegisterError, list_matches, list_registers, say_verdict
from storage.tables import AuditEvent, RegisterEntry
from tests.crawling import Place
from tests.review.seed import Offer, add_listing

HEAD = "record_id,object_type,materials,period,description,height_mm,width_mm,inventory_no,status\n"
LION = "7,figurine,bronze,Assyrian,recumbent lion with its head turned back; left ear missing,62,118,IM 55123,stolen\n"
SEAL = "8,cylinder seal,hematite,Old Babylonian,worshipper before a seated god; chip at the top,24,11,IM 60001,stolen\n"
BACK = "9,figurine,bronze,Roman,Mercury with purse,90,30,IM 70001,recovered\n"


def kept(database: Database, home: Home, tmp_path: Path, *rows: str, **given: object):
    path = tmp_path / "losses.csv"
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return import_register(database, home, path, chain=AuditChain(), actor="amina", source="IQ", **given)


def offered(database: Database, home: Home, title: str, description: str) -> int:
    with database.transaction() as session:
        return add_listing(session, home, Offer(title=title, description=description)).id


def candidates(database: Database, listing: int) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [(one["record"], one["band"]) for one in list_matches(session, listing_id=listing)]


def test_an_offer_in_other_words_and_another_language_becomes_a_candidate_and_an_ordinary_one_does_not(
    database: Database, home: Home, tmp_path: Path
) -> None:
    lion = offered(database, home, "Lion couché en bronze", "Tête retournée, oreille manquante. 11,8 x 6,2 cm")
    mug = offered(database, home, "Coffee mug with a lion", "Dishwasher safe, 9 cm, 300 g")
    kept(database, home, tmp_path, LION, SEAL, BACK)
    match_registers(database, home)
    assert [record for record, _ in candidates(database, lion)][:1] == ["7"]
    assert candidates(database, mug) == []


def test_a_number_in_the_text_is_a_strong_candidate_whatever_the_title_says(
    database: Database, home: Home, tmp_path: Path
) -> None:
    listing = offered(database, home, "Old stone bead", "with an inked mark IM-60001, from an estate")
    kept(database, home, tmp_path, LION, SEAL)
    match_registers(database, home, listings=[listing])
    assert candidates(database, listing)[0] == ("8", "strong")


def test_what_is_back_is_not_looked_for(database: Database, home: Home, tmp_path: Path) -> None:
    listing = offered(database, home, "Roman bronze Mercury with purse", "9 x 3 cm, IM 70001")
    kept(database, home, tmp_path, BACK, LION)
    match_registers(database, home)
    assert "9" not in [record for record, _ in candidates(database, listing)]


def test_versions_keep_what_was_matched_and_say_what_changed(database: Database, home: Home, tmp_path: Path) -> None:
    first = kept(database, home, tmp_path, LION, SEAL)
    assert first.version.counts == {"new": 2, "changed": 0, "unchanged": 0, "withdrawn": 0, "refused": 0}
    with pytest.raises(RegisterError, match="version 1 of IQ already"):
        kept(database, home, tmp_path, LION, SEAL)
    second = kept(database, home, tmp_path, LION.replace("62", "67"), BACK)
    assert second.version.counts == {"new": 1, "changed": 1, "unchanged": 0, "withdrawn": 1, "refused": 0}
    third = kept(database, home, tmp_path, SEAL, whole=False)
    assert third.version.counts["withdrawn"] == 0
    with database.reading() as session:
        (listed,) = list_registers(session)
        assert (listed["version"], listed["entries"]) == (3, 3)
        assert len(session.scalars(select(RegisterEntry)).all()) == 5
        actions = session.scalars(select(AuditEvent.action)).all()
    assert actions.count("register imported") == 3


def test_comparing_again_adds_nothing_and_verdicts_pile_up(database: Database, home: Home, tmp_path: Path) -> None:
    listing = offered(database, home, "Haematite seal IM 60001", "worshipper and seated god, 24 mm")
    kept(database, home, tmp_path, SEAL)
    assert match_registers(database, home)["candidates"] == 1
    assert match_registers(database, home)["candidates"] == 0
    with database.transaction() as session:
        (match,) = list_matches(session, listing_id=listing)
        say_verdict(session, AuditChain(), match["match"], verdict="unsure", actor="amina")
        say_verdict(session, AuditChain(), match["match"], verdict="same", actor="basel", note="same chip")
    with database.reading() as session:
        (match,) = list_matches(session)
    assert (match["verdict"], match["said_by"]) == ("same", "basel")
    with database.transaction() as session, pytest.raises(RegisterError, match="There is no candidate 999"):
        say_verdict(session, AuditChain(), 999, verdict="same", actor="amina")


def test_the_command_keeps_good_rows_tells_bad_ones_and_ends_with_1(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    path.write_text(HEAD + LION + ",,,,,,,,\n,lamp,,,,,,,\n", encoding="utf-8")
    said = place.run("registers", "import", str(path), "--source", "IQ", "--json")
    assert said.status == 1
    assert json.loads(said.out)["new"] == 1
    assert "line 4: left out: has no record number" in said.err
    listed = json.loads(place.run("registers", "list", "--json").out)
    assert (listed["source"], listed["entries"]) == ("IQ", 1)
    assert place.run("registers", "match").status == 0
    assert "There is no candidate 5" in place.run("registers", "judge", "5", "same").err


def test_a_crawl_s_offers_are_compared_by_a_job_of_their_own(place: Place, tmp_path: Path) -> None:
    from storage.jobs import claim_job, insert_job
    from work import run_job

    listing = offered(place.database, place.home, "Haematite seal IM 60001", "worshipper and seated god, 24 mm")
    kept(place.database, place.home, tmp_path, SEAL)
    with place.database.transaction() as session:
        insert_job(session, "match", {"source": "IQ"}, "match:IQ:1")
    job = claim_job(place.database, "test:1:1")
    assert job is not None
    assert run_job(place.database, place.home, job)["candidates"] == 1
    assert candidates(place.database, listing) == [("8", "strong")]


def drawn(seed: int, size: int = 420) -> bytes:
    """A picture with detail of its own."""
    from io import BytesIO
    from random import Random

    from PIL import Image, ImageDraw

    draw_from = Random(seed)
    image = Image.new("RGB", (size, size), (200, 190, 170))
    draw = ImageDraw.Draw(image)
    for _ in range(160):
        x, y = draw_from.randrange(40, size - 60), draw_from.randrange(40, size - 60)
        colour = tuple(draw_from.randrange(30, 200) for _ in range(3))
        draw.polygon([(x + draw_from.randrange(40), y + draw_from.randrange(40)) for _ in range(5)], fill=colour)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_a_photograph_alone_makes_a_strong_candidate_and_the_counter_photo_finds_entry_and_listing(
    place: Place, tmp_path: Path
) -> None:
    from datetime import UTC, datetime

    from evidence.thumbnails import make_thumbnail, store_file
    from storage.captures import thumbnail

    small = make_thumbnail(drawn(1))
    with place.database.transaction() as session:
        listing = add_listing(session, place.home, Offer(title="Curio", description="Nice thing for the shelf"))
        sha256 = store_file(place.home, small)
        session.add(thumbnail("https://x.example/1.png", sha256, len(small), None, listing.id, datetime.now(UTC)))
        listing_id = listing.id
    (tmp_path / "lost.png").write_bytes(drawn(1))
    (tmp_path / "other.png").write_bytes(drawn(2))
    rows = "record_id,object_type,photo\nA1,stela,lost.png\nA2,vessel,other.png\nA3,mask,gone.png\n"
    (tmp_path / "list.csv").write_text(rows)
    said = place.run("registers", "import", str(tmp_path / "list.csv"), "--source", "IQ", "--json")
    assert said.status == 0, said.err
    assert json.loads(said.out)["photos"] == 2
    assert "photo gone.png did not come along" in said.err
    found = candidates(place.database, listing_id)
    assert found[0] == ("A1", "strong")
    with place.database.reading() as session:
        why = {one["part"]: one for one in list_matches(session, listing_id=listing_id)[0]["why"]}
    assert why["photo"]["weight"] == 18.0

    counter = tmp_path / "counter.png"
    counter.write_bytes(drawn(1, 420))
    answers = [
        json.loads(line) for line in place.run("registers", "match", "--photo", str(counter), "--json").out.splitlines()
    ]
    assert {("register", "A1"), ("listing", None)} <= {
        (one["kind"], one.get("record")) for one in answers if one["sure"]
    }
    assert not any(one.get("record") == "A2" and one["sure"] for one in answers)
    said = place.run("registers", "match", "--photo", str(tmp_path / "list.csv"))
    assert said.status == 1
    assert "list.csv cannot be looked at" in said.err
