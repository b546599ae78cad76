"""A case goes from one installation to another, on either database, and what is theirs stays theirs."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from crawler.home import Home
from crawler.items import ListingItem
from evidence.mutants import MUTANTS, write_mutants
from evidence.receiving import KeyNotTrusted, NotReceived, Received, receive_bundle
from evidence.recipients import Request
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from storage.audit import AuditChain
from storage.database import Database
from storage.erasing import Erasure, erase_case, erase_listing
from storage.objects import join
from storage.received import list_units, received_case, say_trust
from storage.tables import (
    AuditEvent,
    Capture,
    Case,
    Decision,
    Exhibit,
    Job,
    Listing,
    Observation,
    ReceivedBundle,
    ReceivedExhibit,
    ReceivedRecord,
    utc_now,
)
from tests.evidence.factory import DESCRIPTION, TITLE, Planted, plant


@pytest.fixture
def sender(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    """The other unit, with a database and a key of its own."""
    path = tmp_path / "theirs.sqlite3"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    monkeypatch.setenv("RELICWATCH_OPERATOR", "Unit of Tunis <unit@tunis.example>")
    planted = plant(database, Home(tmp_path / "theirs"), tmp_path / "out")
    with database.transaction() as session:
        join(session, *planted.listing_ids, score=9.5, why=[{"part": "lot"}], method="offers-1", actor="job 3")
    yield planted
    database.dispose()


@pytest.fixture
def bundle(sender: Planted) -> Path:
    return sender.export(request=Request("unit", asked="Please go on")).path


def fingerprint(sender: Planted) -> str:
    return ensure_signing_key(sender.home).fingerprint


def receive(database: Database, home: Home, path: Path, trust: str | None = None) -> Received:
    return receive_bundle(database, home, path, chain=AuditChain(), actor="noor", trust=trust)


def counted(database: Database) -> dict[str, int]:
    tables = (Listing, Observation, Exhibit, Case, ReceivedBundle, ReceivedExhibit, ReceivedRecord, Decision, Capture)
    with database.reading() as session:
        return {one.__tablename__: session.scalar(select(func.count()).select_from(one)) or 0 for one in tables}


def test_a_case_arrives_with_its_listings_decisions_custody_and_objects_under_their_origin(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    got = receive(database, home, bundle, fingerprint(sender))
    assert (got.listings, got.new_listings, got.was_known) == (2, 2, False)
    with database.reading() as session:
        case = session.scalars(select(Case).where(Case.reference == got.case)).one()
        told = received_case(session, case)
        assert told is not None
        assert (case.title, told.bundle.their_reference) == ("Shabtis <autumn>", "2026/17")
        assert told.bundle.unit_name == "Unit of Tunis <unit@tunis.example>"
        assert told.bundle.fingerprint == fingerprint(sender).replace(":", "").lower()
        decisions = [one for listing in told.listings for one in listing.decisions]
        assert {one["by"]["name"] for one in decisions} == {"amira"} and all(one["verdict"] for one in decisions)
        assert {event["action"] for event in told.custody} >= {"export.started"}
        assert [(one["kind"], one["one"], one["other"], one["by"]) for one in told.objects] == [
            ("join", ["001"], ["002"], "job 3")
        ]
        shown = session.get_one(Observation, told.listings[0].exhibit.observation_id)
        assert (shown.title, shown.description, shown.capture_id) == (TITLE, DESCRIPTION, None)
        assert told.bundle.bundle_id in shown.sources["*"], "every row names where it came from"
        assert home.file_path(str(told.listings[0].exhibit.picture_sha256)).is_file()
        kept = home.received / f"{told.bundle.file_sha256}.zip"
        assert kept.read_bytes() == bundle.read_bytes() and verify_bundle(kept).status == "valid"
        jobs = session.scalars(select(Job).where(Job.kind == "objects")).all()
        assert {job.arguments["listing"] for job in jobs} == {one.exhibit.listing_id for one in told.listings}


def test_nothing_of_theirs_enters_our_own_decisions_captures_or_log(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    receive(database, home, bundle, fingerprint(sender))
    found = counted(database)
    assert (found["decision"], found["capture"]) == (0, 0)
    with database.reading() as session:
        events = session.scalars(select(AuditEvent)).all()
        assert {event.actor for event in events} == {"noor"}
        theirs = {told["hash"] for told in session.scalars(_records("custody"))}
        assert theirs and not theirs & {event.hash for event in events}
        for statement in ("UPDATE received_record SET kind = 'x'", "UPDATE unit_trust SET trusted = true"):
            with pytest.raises(DatabaseError), session.begin_nested():
                session.execute(text(statement))


def _records(kind: str):
    return select(ReceivedRecord.told).where(ReceivedRecord.kind == kind)


def test_receiving_twice_adds_nothing_and_a_later_bundle_of_the_case_joins_the_same_case(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    first = receive(database, home, bundle, fingerprint(sender))
    before = counted(database)
    again = receive(database, home, bundle)
    assert again.was_known and again.case == first.case and counted(database) == before
    later = receive(database, home, sender.export(request=Request("unit")).path)
    after = counted(database)
    assert later.case == first.case and not later.was_known
    same = ("case", "listing", "observation", "exhibit")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    with database.reading() as session:
        told = received_case(session, session.scalars(select(Case)).one())
        assert told is not None and len(told.earlier) == 1


def test_a_key_nobody_trusts_is_told_with_its_fingerprint_and_pinned_by_a_person_s_yes(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    with pytest.raises(KeyNotTrusted, match="by another way") as refused:
        receive(database, home, bundle)
    assert refused.value.fingerprint == fingerprint(sender)
    with pytest.raises(KeyNotTrusted, match="not with the one that you were told"):
        receive(database, home, bundle, "ab" * 32)
    assert counted(database)["received_bundle"] == 0 and not any(home.received.iterdir())
    receive(database, home, bundle, fingerprint(sender).replace(":", "").upper())
    with database.transaction() as session:
        pinned = list_units(session)
        assert [(one.trusted, one.said_by) for one in pinned] == [(True, "noor")]
        say_trust(session, AuditChain(), pinned[0].fingerprint, name=pinned[0].name, trusted=False, actor="noor")
    with pytest.raises(KeyNotTrusted, match="ended the trust"):
        receive(database, home, sender.export(request=Request("unit")).path)


def test_another_key_in_a_known_unit_s_name_is_told_with_the_one_known_so_far(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    receive(database, home, bundle, fingerprint(sender))
    for path in sender.home.keys.iterdir():
        path.unlink()
    ensure_signing_key(sender.home)
    with pytest.raises(KeyNotTrusted, match="be wary"):
        receive(database, home, sender.export(request=Request("unit")).path)


@pytest.mark.parametrize("name", ["decision-turned", "objects-of-another-case", "picture-is-a-page"])
def test_a_bundle_that_fails_verification_is_refused_with_the_fault_even_from_a_trusted_key(
    database: Database, home: Home, sender: Planted, bundle: Path, tmp_path: Path, name: str
) -> None:
    receive(database, home, bundle, fingerprint(sender))
    before = counted(database)
    only = [mutant for mutant in MUTANTS if mutant.name == name]
    assert only, "the damage is still among the mutants"
    ((mutant, damaged),) = write_mutants(bundle, tmp_path / "damaged", ensure_signing_key(sender.home), only)
    with pytest.raises(NotReceived, match=mutant.rule):
        receive(database, home, damaged)
    assert counted(database) == before and len(list(home.received.iterdir())) == 1


def test_a_copy_with_parts_left_out_and_one_s_own_bundle_are_refused(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    with pytest.raises(NotReceived, match="parts left out"):
        receive(database, home, sender.export(request=Request("expert")).path, fingerprint(sender))
    with pytest.raises(NotReceived, match="signed the bundle itself"):
        receive(sender.database, sender.home, bundle, fingerprint(sender))
    with pytest.raises(NotReceived, match="directory"):
        receive(database, home, bundle.parent, fingerprint(sender))


def test_what_we_saw_ourselves_stays_what_the_listing_shows(
    database: Database, home: Home, sender: Planted, bundle: Path, tmp_path: Path
) -> None:
    ours = plant(database, home, tmp_path / "ours", title="Shabti, as we saw it")
    with database.reading() as session:
        standing = {one.id: one.current_observation_id for one in session.scalars(select(Listing))}
    got = receive(database, home, bundle, fingerprint(sender))
    assert (got.listings, got.new_listings) == (2, 0)
    with database.reading() as session:
        assert {one.id: one.current_observation_id for one in session.scalars(select(Listing))} == standing
        brought = session.scalars(select(ReceivedExhibit).order_by(ReceivedExhibit.number)).all()
        assert [one.listing_id for one in brought] == ours.listing_ids
        assert session.get_one(Observation, brought[0].observation_id).title == TITLE, "theirs is kept beside ours"


def test_our_own_first_sight_of_a_received_listing_is_an_observation_of_our_own(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    receive(database, home, bundle, fingerprint(sender))
    seen: list[ListingItem] = []
    with database.transaction() as session:
        from evidence.receiving import _item
        from storage.listings import ListingWriter

        with zipfile.ZipFile(bundle) as package:
            name = next(one for one in package.namelist() if one.endswith("items/001/item.json"))
            seen.append(_item(json.loads(package.read(name))["captured_fact"], "none"))
        writer = ListingWriter(crawl_id=None, market=seen[0].market, demo=False)
        writer.begin(session, seen)
        writer.keep(session, seen[0], [])
        writer.end(session)
        session.flush()
        listing = session.scalars(select(Listing).where(Listing.native_id == seen[0].native_id)).one()
        assert (
            session.scalar(select(func.count()).select_from(Observation).where(Observation.listing_id == listing.id))
            == 2
        )


def test_a_received_case_goes_whole_when_its_time_is_over(
    database: Database, home: Home, sender: Planted, bundle: Path
) -> None:
    receive(database, home, bundle, fingerprint(sender))
    erasure = Erasure(AuditChain(), "case", "its time is over", "noor", utc_now())
    with database.transaction() as session:
        case = session.scalars(select(Case)).one()
        for id_ in session.scalars(select(Listing.id)).all():
            erase_listing(session, erasure, id_)
        erase_case(session, erasure, case, [])
    found = counted(database)
    assert {found[name] for name in ("listing", "received_exhibit", "received_record")} == {0}
    with database.reading() as session:
        names = session.execute(text("SELECT store, name FROM pending_unlink WHERE store = 'received'")).all()
        assert [name for _, name in names] == [f"{session.scalars(select(ReceivedBundle)).one().file_sha256}.zip"]
