"""Retention: what goes when, what keeps it, what stays of it; a kill leaves nothing half done. # EV-34, SEC-35"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

import retention
from crawler.home import Home
from evidence.custody_heads import make_head, verify_custody
from evidence.retention_plan import Plan, make_plan
from evidence.sealing import find_orphans, seal_listing
from evidence.segments import SegmentWriter
from evidence.signing import ensure_signing_key
from evidence.transit import recover_market
from evidence.verify import verify_bundle
from retention import erase_subject, finish_unlinking, purge
from storage.audit import AuditChain
from storage.cases import add_exhibit, open_case
from storage.database import Database
from storage.decisions import decide
from storage.erasing import NAMED_FILES
from storage.holds import lift_hold, place_hold
from storage.jobs import insert_job
from storage.object_id import examination_source, state_field, text_source
from storage.objects import join
from storage.retention import set_case_schedule, set_period
from storage.tables import (
    Assessment,
    AuditEvent,
    Base,
    Capture,
    Case,
    Decision,
    Job,
    Listing,
    MarketApproval,
    ObjectCandidate,
    ObjectIdStatement,
    ObjectStatement,
    Observation,
    PendingUnlink,
    Segment,
    Seller,
    Tombstone,
    User,
)
from tests.crawling import ROOT, Place
from tests.evidence.factory import plant
from tests.evidence.test_sealing import NAME, crawl, exchange
from tests.market_server import lot_page, reply, results_page, serving
from tests.review.seed import NOW, Offer, add_listing

DAY = timedelta(days=1)
PRIVATE = "Karim Haddadson"
PHONE = "+961 70 123 456"
CALM = Offer(
    title="Brass lamp, new",
    description=f"Ask {PRIVATE} at {PHONE} or k.h@mail.example",
    marked={},
    labels=[],
    score=0.1,
    band="weak",
    flagged=False,
    seller=PRIVATE,
)
OTHERS = Offer(title="Roman lamp, terracotta", seller="Old Things")
FLAGGED = Offer(description=f"Found in an old tomb. Ask {PRIVATE} at {PHONE}.", seller=PRIVATE)


def keep(database: Database, home: Home, offer: Offer) -> int:
    with database.transaction() as session:
        id_ = add_listing(session, home, offer).id
    age_files(home)
    return id_


def log_faults(database: Database, home: Home) -> list[str]:
    """What `relicwatch custody verify` finds after a head was made."""
    ensure_signing_key(home)
    make_head(database, home, chain=AuditChain(), actor="n")
    return verify_custody(database, home).faults


def age_files(home: Home, days: float = 1) -> None:
    """As if the files were written so long ago."""
    then = datetime.now(UTC).timestamp() - days * 86400
    for path in home.files.glob("??/*"):
        os.utime(path, (then, then))


def dismiss(database: Database, listing_id: int, next_step: str = "dismiss") -> None:
    with database.transaction() as session:
        user = session.scalars(select(User)).first()
        if user is None:
            user = User(name="amira", role="reviewer")
            session.add(user)
            session.flush()
        listing = session.get_one(Listing, listing_id)
        decide(
            session,
            AuditChain(),
            user=user,
            listing_id=listing_id,
            observation_id=listing.current_observation_id,
            assessment_id=listing.current_assessment_id,
            verdict="replica" if next_step == "dismiss" else "antiquity",
            next_step=next_step,
            reason="replica" if next_step == "dismiss" else None,
            note=f"{PRIVATE} sells copies",
            request_key=f"k{listing_id}",
            expected_decision_id=None,
        )


def run(database: Database, home: Home, days: float) -> retention.Purged:
    return purge(database, home, chain=AuditChain(), actor="job 1", now=NOW + days * DAY)


def planned(database: Database, home: Home, days: float) -> list[tuple[str, str]]:
    return [(due.rule, due.object_id) for due in make_plan(database, home, NOW + days * DAY).due]


def everything(database: Database) -> str:
    """The whole database as text, the log and the tombstones included."""
    with database.engine.connect() as connection:
        return "\n".join(
            str(dict(row._mapping))
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
        )


def count(database: Database, table: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_listing_that_nothing_flagged_goes_with_all_that_was_kept_of_it(database: Database, home: Home) -> None:
    listing_id = keep(database, home, CALM)
    assert PRIVATE in everything(database)
    assert planned(database, home, 29) == []
    assert planned(database, home, 30) == [("non_hit", str(listing_id))]
    promised = make_plan(database, home, NOW + 30 * DAY).summary()[0]
    done = run(database, home, 30)
    assert done.deleted == {"non_hit": 1}
    assert (promised["count"], promised["bytes"]) == (1, done.freed_bytes)
    assert done.freed_bytes > 0
    assert list(home.files.glob("??/*")) == []
    left = everything(database)
    for told in (PRIVATE, PHONE, "k.h@mail.example", CALM.url):
        assert told not in left
    for table in (Listing, Observation, Assessment, Seller, Capture, PendingUnlink):
        assert count(database, table) == 0
    with database.reading() as session:
        stones = list(session.scalars(select(Tombstone)))
        assert {stone.kind for stone in stones} == {"listing", "file", "seller"}
        assert all(stone.rule == "non_hit" and stone.erased_by == "job 1" for stone in stones)
        assert all(stone.sha256 for stone in stones if stone.kind != "seller")
    assert log_faults(database, home) == []
    assert planned(database, home, 400) == []


def test_a_dismissed_hit_loses_what_is_personal_and_later_the_rest(database: Database, home: Home) -> None:
    listing_id = keep(database, home, FLAGGED)
    dismiss(database, listing_id)
    assert planned(database, home, 29) == []
    assert planned(database, home, 31) == [("dismissed_personal", str(listing_id))]
    run(database, home, 31)
    with database.reading() as session:
        seen = session.scalars(select(Observation)).one()
        assert (seen.seller_id, seen.location, seen.images) == (None, None, [])
        assert seen.title == FLAGGED.title
        assert seen.description is not None
        assert seen.description.startswith("Found in an old tomb. Ask █")
        assert len(seen.description) == len(FLAGGED.description or ""), "reasons still point at their words"
        for reason in session.scalars(select(Assessment)).one().reasons:
            assert getattr(seen, reason["field"])[reason["start"] : reason["end"]] == reason["text"]
        assert count(database, Seller) == 0
    assert PHONE not in everything(database)
    assert list(home.files.glob("??/*")) == []
    assert find_orphans(database, home).count == 0
    assert planned(database, home, 179) == []
    assert planned(database, home, 181) == [("dismissed_record", str(listing_id))]
    run(database, home, 181)
    assert (count(database, Listing), count(database, Decision)) == (0, 0)
    assert PRIVATE not in everything(database)
    assert log_faults(database, home) == []


def test_the_database_refuses_to_delete_a_decision_or_a_tombstone_that_no_rule_buried(
    database: Database, home: Home
) -> None:
    listing_id = keep(database, home, FLAGGED)
    dismiss(database, listing_id)
    other = keep(database, home, CALM)
    run(database, home, 31)  # buries the other listing, and not this one's record
    assert other != listing_id
    for statement in ("DELETE FROM decision", "UPDATE decision SET note = NULL", "DELETE FROM tombstone"):
        with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
            connection.execute(text(statement))


def test_what_an_officer_stated_is_masked_with_the_listing_and_goes_with_it(database: Database, home: Home) -> None:
    listing_id = keep(database, home, FLAGGED)
    with database.transaction() as session:
        quoted = text_source(session, listing_id, f"Ask {PRIVATE}")
        for value, source in (("seller " + PRIVATE, quoted), ("clay", examination_source(f"rang {PHONE}"))):
            state_field(session, AuditChain(), listing_id, field="maker", value=value, source=source, actor="amira")
    for statement in ("DELETE FROM object_id_statement", "UPDATE object_id_statement SET value = 'gold'"):
        with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
            connection.execute(text(statement))
    dismiss(database, listing_id)
    run(database, home, 31)
    with database.reading() as session:
        first, second = session.scalars(select(ObjectIdStatement).order_by(ObjectIdStatement.id))
        said = session.get_one(Observation, first.source["observation"]).description
        assert first.source["text"] == said[first.source["start"] : first.source["end"]]
        assert (second.value, second.said_by) == ("clay", "amira")
        left = repr([(one.value, one.source) for one in (first, second)])
        assert PRIVATE not in left
        assert PHONE not in left
    run(database, home, 181)
    assert count(database, ObjectIdStatement) == 0


def test_a_hit_that_waits_for_a_person_stays_and_is_told(database: Database, home: Home) -> None:
    undecided, referred = keep(database, home, FLAGGED), keep(database, home, FLAGGED)
    dismiss(database, referred, "refer")
    plan = make_plan(database, home, NOW + 400 * DAY)
    assert plan.due == ()
    assert set(plan.hits_to_review) == {undecided, referred}


@pytest.mark.parametrize("kind", ["listing", "case", "seller"])
def test_a_hold_beats_every_period_until_it_is_lifted(database: Database, home: Home, kind: str) -> None:
    listing_id = keep(database, home, FLAGGED)
    dismiss(database, listing_id)
    with database.transaction() as session:
        listing = session.get_one(Listing, listing_id)
        seen = session.get_one(Observation, listing.current_observation_id)
        case = open_case(session, AuditChain(), title="x", actor="n")
        if kind == "case":
            add_exhibit(session, AuditChain(), case=case, listing_id=listing_id, observation_id=seen.id, actor="n")
            set_case_schedule(
                session,
                AuditChain(),
                reference=case.reference,
                keep_until=NOW + DAY,
                reason="rule",
                actor="n",
                role="admin",
            )
        held = {"listing": listing_id, "case": case.id, "seller": seen.seller_id}[kind]
        hold = place_hold(
            session, AuditChain(), object_kind=kind, object_id=held, reason="Letter of the court", actor="n"
        ).id
    plan = make_plan(database, home, NOW + 500 * DAY)
    assert plan.due == ()
    assert f"hold {hold}" in {why for one in plan.kept for why in one.why}
    assert plan.summary()[0]["held"] >= 1
    assert run(database, home, 500).deleted == {}
    assert (
        erase_subject(database, home, seen.seller_id, reason="asked", chain=AuditChain(), actor="dpo")["kept"][0][
            "why"
        ][0]
        == f"hold {hold}"
    )
    assert PHONE in everything(database)
    with database.transaction() as session:
        lift_hold(session, AuditChain(), hold, reason="Proceedings closed", actor="n")
    assert sum(run(database, home, 500).deleted.values()) >= 1
    assert PHONE not in everything(database)
    with database.reading() as session:
        actions = session.scalars(select(AuditEvent.action).where(AuditEvent.object_kind == kind)).all()
    assert {"hold placed", "hold lifted"} <= set(actions)


def test_a_hold_placed_between_the_plan_and_its_turn_keeps_the_thing(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing_id = keep(database, home, CALM)
    made = retention.make_plan

    def then_held(*arguments: object) -> Plan:
        plan = made(*arguments)
        with database.transaction() as session:
            place_hold(session, AuditChain(), object_kind="listing", object_id=listing_id, reason="r", actor="n")
        return plan

    monkeypatch.setattr(retention, "make_plan", then_held)
    done = run(database, home, 60)
    assert (done.deleted, done.stayed) == ({}, 1)
    assert count(database, Listing) == 1


def test_a_case_stays_until_its_own_rule_and_then_goes_with_its_exhibits(database: Database, home: Home) -> None:
    listing_id = keep(database, home, FLAGGED)
    dismiss(database, listing_id)
    bundle = home.exports / "RW.zip"
    bundle.write_bytes(b"zip")
    with database.transaction() as session:
        case = open_case(session, AuditChain(), title=f"Lamps of {PRIVATE}", actor="n", note=PHONE)
        seen = session.get_one(Listing, listing_id).current_observation_id
        add_exhibit(session, AuditChain(), case=case, listing_id=listing_id, observation_id=seen, actor="n")
        session.execute(
            Base.metadata.tables["export"]
            .insert()
            .values(
                bundle_id="b-1",
                case_id=case.id,
                path=str(bundle),
                sha256="a" * 64,
                exported_by="n",
                exported_at=NOW,
                languages=[],
            )
        )
    assert planned(database, home, 5000) == []
    with database.transaction() as session:
        set_case_schedule(
            session,
            AuditChain(),
            reference=case.reference,
            keep_until=NOW + 90 * DAY,
            reason="r",
            actor="n",
            role="admin",
        )
    assert planned(database, home, 89) == []
    assert planned(database, home, 91) == [("case", str(listing_id)), ("case", str(case.id))]
    run(database, home, 91)
    assert not bundle.exists()
    with database.reading() as session:
        left = session.get_one(Case, case.id)
        assert (left.title, left.note, left.state) == (case.reference, None, "erased")
        assert {"export", "case", "listing"} <= set(session.scalars(select(Tombstone.kind)))
    left = everything(database)
    assert PRIVATE not in left
    assert PHONE not in left


def test_a_listing_that_changed_after_its_dismissal_is_not_deleted(database: Database, home: Home) -> None:
    listing_id = keep(database, home, FLAGGED)
    dismiss(database, listing_id)
    with database.transaction() as session:
        session.get_one(Listing, listing_id).changed_after_decision = True
    assert planned(database, home, 400) == []


# -- transit ----------------------------------------------------------------------------------------------------


def in_transit(database: Database, home: Home, *, flagged: bool) -> int:
    listing_id = crawl(database, home, [(exchange("/other", b"other" * 400), False), (exchange("/1", b"page"), True)])
    with database.transaction() as session:
        capture = session.scalars(select(Capture).where(Capture.listing_id == listing_id)).one()
        session.scalars(select(Segment)).one().created_at = NOW
        session.get_one(Listing, listing_id).last_seen_at = NOW
        seen = Observation(
            listing_id=listing_id, capture_id=capture.id, observed_at=NOW, digest="d" * 64, title="t", state="live"
        )
        session.add(seen)
        session.flush()
        session.add(
            Assessment(
                listing_id=listing_id,
                observation_id=seen.id,
                model="m",
                score=0.5,
                flagged=flagged,
                band="strong",
                labels=[],
                reasons=[],
                assessed_at=NOW,
            )
        )
    return listing_id


def test_a_transit_segment_goes_after_its_time_and_is_no_damage_at_the_next_crawl(
    database: Database, home: Home
) -> None:
    in_transit(database, home, flagged=False)
    path = home.transit / NAME
    size = path.stat().st_size
    assert planned(database, home, 29) == []
    summary = {row["rule"]: row for row in make_plan(database, home, NOW + 31 * DAY).summary()}
    assert (summary["transit"]["count"], summary["transit"]["bytes"]) == (1, size)
    run(database, home, 31)
    assert not path.exists()
    assert recover_market(database, home, "fair").too_short == ()
    assert count(database, Capture) == 0, "rows of captures that nothing names go too"
    with database.reading() as session:
        stone = session.scalars(select(Tombstone).where(Tombstone.kind == "segment")).one()
        assert (stone.size, stone.rule, len(stone.sha256 or "")) == (size, "transit", 64)


def test_a_transit_segment_stays_while_a_hit_was_read_from_it_and_is_not_sealed(database: Database, home: Home) -> None:
    listing_id = in_transit(database, home, flagged=True)
    with database.transaction() as session:
        session.delete(session.get_one(Job, 7))
    (kept,) = make_plan(database, home, NOW + 31 * DAY).kept
    assert kept.why == (f"not sealed yet: listing {listing_id}",)
    assert run(database, home, 31).deleted == {}
    seal_listing(database, home, listing_id, actor="n", chain=AuditChain())
    assert run(database, home, 31).deleted == {"transit": 1}
    assert find_orphans(database, home).count == 0
    assert seal_listing(database, home, listing_id, actor="n", chain=AuditChain()) is None
    with database.reading() as session:
        copy = session.scalars(select(Capture).where(Capture.source_id.is_not(None))).one()
        assert session.get_one(Capture, copy.source_id).sha256 == copy.sha256, "the digest stays"


def test_a_transit_file_that_a_kill_left_behind_is_neither_damage_nor_found_again(
    database: Database, home: Home
) -> None:
    in_transit(database, home, flagged=False)
    with SegmentWriter(home.transit / NAME, NAME) as writer:  # a record that no commit knew of
        writer.append(exchange("/late", b"late"))
        writer.sync()
    with database.transaction() as session:
        session.scalars(select(Segment)).one().state = "deleted"
    recovery = recover_market(database, home, "fair")
    assert (recovery.too_short, recovery.found_again) == ((), 0)


# -- files ------------------------------------------------------------------------------------------------------


def test_old_logs_and_files_that_nothing_names_go_and_young_ones_stay(database: Database, home: Home) -> None:
    sha256 = "ab" * 32
    for path, age in (
        (home.logs / "crawl-1.log", 366),
        (home.logs / "crawl-2.log", 300),
        (home.file_path(sha256), 31),
        (home.evidence / "orphans" / "x.warc.gz", 31),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
        then = NOW.timestamp() - age * 86400
        os.utime(path, (then, then))
    rows = {row["rule"]: (row["count"], row["bytes"]) for row in make_plan(database, home, NOW).summary()}
    assert rows == {"log": (1, 10), "orphan": (2, 20)}
    assert run(database, home, 0).freed_bytes == 30
    assert [path.name for path in home.logs.iterdir()] == ["crawl-2.log"]


def test_a_picture_that_another_listing_shows_too_stays(database: Database, home: Home) -> None:
    keep(database, home, CALM)
    other = keep(database, home, FLAGGED)
    run(database, home, 31)
    with database.reading() as session:
        for capture in session.scalars(select(Capture).where(Capture.listing_id == other, Capture.kind != "exchange")):
            assert home.file_path(capture.sha256).is_file()
    assert find_orphans(database, home).count == 0


def test_a_file_that_somebody_stores_again_at_this_moment_waits(database: Database, home: Home) -> None:
    keep(database, home, CALM)
    age_files(home, 0)
    done = run(database, home, 31)
    assert (done.waiting, done.unlinked) == (2, 0)
    age_files(home)
    assert finish_unlinking(database, home).unlinked == 2
    assert count(database, PendingUnlink) == 0


KILLED = """
    import os, signal, sys
    from datetime import datetime
    from pathlib import Path
    import retention
    from crawler.home import Home
    from storage.audit import AuditChain
    from storage.database import Database

    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    url, root, now = sys.argv[1:]
    unlink = retention.finish_unlinking
    calls = iter((unlink, killed))
    retention.finish_unlinking = lambda *given: next(calls)(*given)  # the second call follows the first deletion
    retention.purge(Database(url), Home(Path(root)), chain=AuditChain(), actor="job 1", now=datetime.fromisoformat(now))
"""


def test_a_kill_between_commit_and_unlink_comes_back_whole(database: Database, database_url: str, home: Home) -> None:
    listing_id = keep(database, home, FLAGGED)
    segment = home.evidence / "example_auction" / "1.warc.gz"
    segment.parent.mkdir()
    segment.write_bytes(b"evidence")
    with database.transaction() as session:
        row = Segment(store="evidence", name="example_auction/1.warc.gz", state="sealed", length=8, sha256="e" * 64)
        session.add(row)
        session.flush()
        session.add(
            Capture(
                kind="exchange",
                listing_id=listing_id,
                segment_id=row.id,
                url=FLAGGED.url,
                captured_at=NOW,
                sha256="e" * 64,
                offset=0,
                length=8,
            )
        )
    dismiss(database, listing_id)
    files = [segment, *home.files.glob("??/*")]
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), database_url, str(home.root), (NOW + 40 * DAY).isoformat()],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert all(path.exists() for path in files), "the kill came before any file went"
    assert count(database, PendingUnlink) == len(files) == 3
    assert find_orphans(database, home).files_without_row == (), "what is about to go is not set aside as an orphan"
    assert make_plan(database, home, NOW + 40 * DAY).pending_files == 3
    assert finish_unlinking(database, home).unlinked == 3
    assert not any(path.exists() for path in files)
    assert count(database, PendingUnlink) == 0
    assert find_orphans(database, home).count == 0
    assert log_faults(database, home) == []


# -- a person who asks, the bundle, the command -------------------------------------------------------------------


def test_a_seller_who_asks_is_erased_but_for_what_a_case_needs(database: Database, home: Home) -> None:  # EV-34
    calm, flagged, exhibit = (keep(database, home, offer) for offer in (CALM, FLAGGED, FLAGGED))
    with database.transaction() as session:
        seller = session.scalars(select(Seller)).one().id
        case = open_case(session, AuditChain(), title="x", actor="n")
        seen = session.get_one(Listing, exhibit).current_observation_id
        add_exhibit(session, AuditChain(), case=case, listing_id=exhibit, observation_id=seen, actor="n")
    done = erase_subject(database, home, seller, reason="ref. 4", chain=AuditChain(), actor="dpo")
    assert (done["erased"], done["kept"]) == (
        [calm, flagged],
        [{"listing": exhibit, "why": [f"case {case.reference}"]}],
    )
    assert done["seller_erased"] is False
    with database.reading() as session:
        assert session.get(Listing, calm) is None
        erased = session.scalars(select(Observation.description).where(Observation.listing_id == flagged)).one()
        assert PHONE not in erased
        assert {stone.rule for stone in session.scalars(select(Tombstone))} == {"request"}
        events = json.dumps([event.details for event in session.scalars(select(AuditEvent))], ensure_ascii=False)
    assert PRIVATE not in events
    assert PHONE not in events
    assert log_faults(database, home) == []


def test_what_spoke_for_one_object_is_masked_with_the_texts_it_quotes(database: Database, home: Home) -> None:
    # EV-34
    calm, flagged, other = keep(database, home, CALM), keep(database, home, FLAGGED), keep(database, home, OTHERS)
    quoted = f"haddadson, lamp, {PHONE}"
    why = [{"part": "words", "weight": 2.5, "ours": quoted, "theirs": f"ask {PRIVATE}"}]
    with database.transaction() as session:
        seller = session.scalars(select(Seller.id).where(Seller.name == PRIVATE)).one()
        for one, with_ in ((flagged, other), (calm, other)):
            assert join(session, one, with_, score=3.0, why=why, method="test", actor="job 1")
        seen = {id_: session.get_one(Listing, id_).current_observation_id for id_ in (other, flagged)}
        session.add(
            ObjectCandidate(
                listing_id=other, other_listing_id=flagged, observation_id=seen[other], score=1.0, why=why,
                other_observation_id=seen[flagged], conflicts=[], method="test",
            )
        )  # fmt: skip
    erase_subject(database, home, seller, reason="ref. 5", chain=AuditChain(), actor="dpo")
    with database.reading() as session:
        of_flagged, of_calm = session.scalars(select(ObjectStatement).order_by(ObjectStatement.id))
        assert [one["weight"] for one in (*of_flagged.why, *of_calm.why)] == [2.5, 2.5]
        assert "lamp" in of_flagged.why[0]["ours"] and of_calm.why[0] == {**why[0], "ours": "", "theirs": ""}
    held = everything(database).casefold()
    assert [word for word in (PRIVATE, "haddadson", PHONE) if word.casefold() in held] == []
    for table in ("object_statement", "object_candidate"):
        with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
            connection.execute(text(f"UPDATE {table} SET score = 9"))
    assert log_faults(database, home) == []


def test_a_deletion_stands_in_the_custody_log_of_a_later_bundle(database: Database, home: Home, tmp_path: Path) -> None:
    planted = plant(database, home, tmp_path / "out")  # EV-34
    with database.transaction() as session:
        thumbnail = session.scalars(select(Capture).where(Capture.kind == "thumbnail").order_by(Capture.id)).first()
        thumbnail.state = "DELETED"
        retention.bury(
            session,
            retention.Erasure(planted.chain, "non_hit", "its days were over", "job 9", NOW),
            kind="file",
            object_id=thumbnail.id,
            sha256=thumbnail.sha256,
            size=thumbnail.payload_bytes,
            listing_id=thumbnail.listing_id,
            event_on=("listing", thumbnail.listing_id),
            files=[("files", thumbnail.sha256)],
        )
    age_files(home)
    assert finish_unlinking(database, home).unlinked == 1
    bundle = planted.export()
    with ZipFile(bundle.path) as package:
        (name,) = [one for one in package.namelist() if one.endswith("custody/custody.json")]
        events = json.loads(package.read(name))["events"]
        (item, *_) = [one for one in package.namelist() if one.endswith("item.json")]
        told = package.read(item).decode()
    (deleted,) = [event for event in events if event["action"] == "deleted"]
    assert deleted["details"]["sha256"] == thumbnail.sha256
    assert deleted["details"]["rule"] == "non_hit"
    assert "deleted by a rule of retention" in told
    assert verify_bundle(bundle.path).status == "valid"


@pytest.mark.parametrize(
    ("kind", "days", "reason", "role", "fault"),
    [
        ("non_hit", 5, "why", "reviewer", "administrator"),
        ("non_hit", 5, " ", "admin", "Say why"),
        ("non_hit", 0, "why", "admin", "no number of days"),
        ("everything", 5, "why", "admin", "no kind of data"),
        ("dismissed_record", 5, "why", "admin", "cannot be shorter"),
    ],
)
def test_a_period_is_changed_by_an_administrator_with_a_reason_only(
    database: Database, kind: str, days: int, reason: str, role: str, fault: str
) -> None:
    with pytest.raises(Exception, match=fault), database.transaction() as session:
        set_period(session, AuditChain(), kind=kind, days=days, reason=reason, actor="n", role=role)


def test_every_table_that_names_a_listing_is_emptied_with_it(database: Database) -> None:
    """A table added later must be thought of here."""
    known = {
        "listing_alias", "observation", "assessment", "alarm", "review_mark", "match", "match_verdict", "decision",
        "outcome", "exhibit", "export", "capture", "object_look", "object_move", "object_candidate", "object_member",
        "seller_sign", "attachment", "alarm_receipt", "alert", "raised_hit", "delivery_alarm", "object_id_statement",
        "queue_entry", "queue_facet", "listing_assignment", "listing_note", "received_exhibit",
    }  # fmt: skip
    rows = {"listing", "observation", "assessment", "decision", "match", "exhibit", "alarm"}
    naming = {
        table.name
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in rows and table.name != "listing"
    }
    assert naming <= known


def test_the_commands_as_a_data_protection_officer_uses_them(place: Place, tmp_path: Path) -> None:
    listing_id = keep(place.database, place.home, CALM)
    shown = place.run("retention", "show", "--json")
    assert {json.loads(line)["kind"]: json.loads(line)["days"] for line in shown.out.splitlines()}["non_hit"] == 30
    assert place.run("retention", "set", "non_hit", "10", "--reason", " ").status == 1
    assert place.run("retention", "set", "non_hit", "10", "--reason", "DPO").status == 0
    (row,) = (json.loads(place.run("subject", "search", PHONE, "--json").out.splitlines()[0]),)
    assert (row["name"], row["listings"]) == (PRIVATE, [listing_id])
    answer = tmp_path / "answer.json"
    assert place.run("subject", "export", str(row["seller"]), "--to", str(answer)).status == 0
    assert PHONE in answer.read_text()
    assert (answer.stat().st_mode & 0o777) == 0o600
    assert place.run("hold", "set", "listing", str(listing_id), "--reason", "court").status == 0
    assert "court" in place.run("hold", "list").out
    assert place.run("hold", "lift", "1", "--reason", "over").status == 0
    assert json.loads(place.run("purge", "--dry-run", "--json").out)["due"] == []
    ended = place.run("purge")
    assert ended.status == 0, ended.err
    assert count(place.database, Listing) == 1
    done = json.loads(place.run("subject", "erase", str(row["seller"]), "--reason", "ref. 1", "--json").out)
    assert (done["erased"], done["seller_erased"]) == ([listing_id], True)
    assert log_faults(place.database, place.home) == []
    assert place.run("custody", "verify").status == 0
    assert PRIVATE not in everything(place.database)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
def test_after_its_days_by_the_machines_clock_a_listing_is_gone(place: Place) -> None:  # SEC-35
    listing_id = keep(place.database, place.home, CALM)
    clock = {"NO_FAKE_STAT": "1"}
    before = place.run("purge", "--dry-run", "--json", prefix=["faketime", "-f", "+29d"], more=clock)
    assert json.loads(before.out)["due"] == [], before.err
    after = place.run("purge", "--json", prefix=["faketime", "-f", "+31d"], more=clock)
    assert json.loads(after.out)["deleted"] == {"non_hit": 1}, after.err
    assert listing_id
    assert count(place.database, Listing) == 0
    assert list(place.home.files.glob("??/*")) == []
    assert log_faults(place.database, place.home) == []
    assert place.run("custody", "verify").status == 0


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
def test_a_market_is_crawled_on_after_the_purge_of_its_working_copies(place: Place) -> None:
    """The whole way: crawl, the purge job a month later, crawl again, in processes with the machine's clock moved."""
    with serving() as market:
        market.routes["/search"] = reply(results_page(["/sale/1/lot/1"]))
        market.routes["/sale/1/lot/1"] = reply(lot_page("Garden chair"))
        place.define(market)
        assert place.crawl("chair").status == 0
        (segment,) = place.segments()
        with place.database.transaction() as session:
            job = insert_job(session, "purge", {}, "purge:test")
        later = {"NO_FAKE_STAT": "1"}
        ended = place.run("job", str(job.id), prefix=["faketime", "-f", "+40d"], more=later)
        assert ended.status == 0, ended.err
        (done,) = place.rows(select(Job).where(Job.kind == "purge"))
        assert done.result["deleted"] == {"non_hit": 1, "transit": 1}
        assert not segment.exists()
        assert count(place.database, Listing) == 0
        (approval,) = place.rows(select(MarketApproval))
        assert place.home.file_path(approval.definition_sha256).is_file(), "what a market's approval names stays"
        again = place.crawl("chair")
        assert again.status == 0, again.err
        assert "recovered" not in again.result
        assert count(place.database, Listing) == 1, "what is still offered is met as new"
    assert log_faults(place.database, place.home) == []


def test_every_digest_in_the_tables_is_known_to_name_a_file_of_the_home_or_not() -> None:
    """A column added later must be thought of: a file that nothing seems to name is deleted as an orphan."""
    asked = {"capture.sha256", *(f"{column.class_.__tablename__}.{column.key}" for column in NAMED_FILES)}
    no_file = {
        "segment.sha256",  # of an evidence file, by its own name
        "export.sha256",
        "received_bundle.file_sha256",  # of a zip in the home's `received`
        "register_list.file_sha256",  # read and not kept
        "sign_in_code.code_sha256",
        "recovery_code.code_sha256",
        "user_session.token_sha256",
        "api_token.token_sha256",
        "stamp_subject.sha256",
        "stamp_leaf.sha256",
        "tombstone.sha256",
    }
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "sha256" in column.name
    }
    assert found <= asked | no_file
