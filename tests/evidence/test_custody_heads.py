"""Heads of the log: edit, reorder, deletion and truncation are each found, on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from crawler.egress import Guard
from crawler.home import Home
from evidence.custody_heads import COPIES, make_head, read_heads, verify_custody, write_stamps
from evidence.signing import ensure_signing_key
from evidence.stamping import ask_pending
from storage.audit import AuditChain, as_entry, event_hash
from storage.audit_chains import head_is_due
from storage.database import Database
from storage.tables import AuditEvent
from tests.evidence.authority import TestAuthority, configure, serving_authority


@pytest.fixture
def log(database: Database, home: Home) -> AuditChain:
    """Two chains with five entries each, a head over them, and the chain that goes on."""
    ensure_signing_key(home)
    ours, other = AuditChain("ours"), AuditChain("other")
    with database.transaction() as session:
        for number in range(5):
            for chain in (ours, other):
                chain.record(session, actor="amina", action="viewed", object_kind="listing", object_id=number)
    make_head(database, home, chain=AuditChain("head"), actor="test")
    return ours


def tamper(database: Database, *statements: str) -> None:
    """As somebody with the database's own password could: past the triggers that refuse it."""
    with database.engine.begin() as connection:
        if database.sqlite_path is not None:
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'")
            ).scalars()
            for name in list(names):
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            connection.execute(text("ALTER TABLE audit_event DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))


def test_an_untouched_log_is_whole(database: Database, home: Home, log: AuditChain) -> None:
    report = verify_custody(database, home)
    assert report.faults == []
    assert (report.heads, report.chains, report.entries) == (1, 3, 11)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit_event SET actor = 'nobody' WHERE chain = 'ours' AND sequence = 2", "does not match its hash"),
        ("DELETE FROM audit_event WHERE chain = 'ours' AND sequence = 2", "were deleted or moved"),
        ("DELETE FROM audit_event WHERE chain = 'ours' AND sequence >= 4", "is gone: entries were cut off"),
        ("DELETE FROM audit_event WHERE chain = 'other'", "is gone: entries were cut off"),
    ],
    ids=["edit", "deletion", "truncation", "a whole chain"],
)
def test_each_way_to_change_the_log_is_found(
    database: Database, home: Home, log: AuditChain, statement: str, said: str
) -> None:
    # EV-32, EV-33
    tamper(database, statement)
    assert any(said in fault for fault in verify_custody(database, home).faults)


def test_two_entries_that_changed_places_are_found(database: Database, home: Home, log: AuditChain) -> None:
    # EV-32
    swap = "UPDATE audit_event SET sequence = {} WHERE chain = 'ours' AND sequence = {}"
    tamper(database, swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    assert any("it does not follow from the entry before it" in f for f in verify_custody(database, home).faults)


def test_a_history_made_anew_with_right_hashes_no_longer_agrees_with_its_head(
    database: Database, home: Home, log: AuditChain
) -> None:
    # EV-33: all that follows is computed again, as the holder of the database could
    tamper(database, "UPDATE audit_event SET actor = 'nobody' WHERE chain = 'ours' AND sequence = 3")
    with database.transaction() as session:
        events = [e for e in session.query(AuditEvent).order_by(AuditEvent.sequence) if e.chain == "ours"]
        for before, event in itertools.pairwise(events):
            event.previous_hash = before.hash
            event.hash = event_hash(as_entry(event))
    report = verify_custody(database, home)
    assert any("is another than on" in fault and "was rewritten" in fault for fault in report.faults)
    assert not any("does not match its hash" in fault for fault in report.faults)


def test_heads_are_a_chain_of_their_own(database: Database, home: Home, log: AuditChain) -> None:
    for _ in range(2):
        make_head(database, home, chain=AuditChain("head"), actor="test")
    assert verify_custody(database, home).faults == []
    middle = read_heads(home.custody_heads)[1].path
    content = middle.read_bytes()
    middle.unlink()
    faults = verify_custody(database, home).faults
    assert any("a head was taken out or put in" in fault for fault in faults)
    assert any(fault.startswith(middle.name) and "lacks it" in fault for fault in faults)
    middle.write_bytes(content.replace(b'"sequence":', b'"sequence": '))
    assert any("the signed digest is not that of these bytes" in f for f in verify_custody(database, home).faults)


def test_a_head_names_only_what_has_grown_since_the_one_before(database: Database, home: Home, log: AuditChain) -> None:
    with database.transaction() as session:
        log.record(session, actor="amina", action="viewed", object_kind="listing", object_id=9)
    head = make_head(database, home, chain=AuditChain("head"), actor="test")
    told = {one["chain"]: one["sequence"] for one in head.content["chains"]}
    assert told == {"ours": 6, "head": 1}


def test_a_head_whose_row_a_kill_prevented_is_taken_up_by_the_next(
    database: Database, home: Home, log: AuditChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    # RL-3
    import evidence.custody_heads as heads

    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(heads, "want_stamps", kill)
    with pytest.raises(Killed):
        make_head(database, home, chain=AuditChain("head"), actor="test")
    monkeypatch.undo()
    make_head(database, home, chain=AuditChain("head"), actor="test")
    report = verify_custody(database, home)
    assert (report.heads, report.faults) == (3, [])


def test_copies_lie_in_a_second_place_and_verify_there(
    database: Database, home: Home, log: AuditChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COPIES, str(tmp_path / "safe"))
    make_head(database, home, chain=AuditChain("head"), actor="test")
    shutil.copytree(home.custody_heads, tmp_path / "all", dirs_exist_ok=True)
    assert {p.name for p in (tmp_path / "safe").iterdir()} < {p.name for p in home.custody_heads.iterdir()}
    shutil.rmtree(home.custody_heads)
    assert verify_custody(database, home, tmp_path / "all").faults == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_a_head_is_stamped_and_its_token_lies_beside_it(
    database: Database, home: Home, log: AuditChain, tmp_path: Path
) -> None:
    # EV-33
    authority = TestAuthority(tmp_path / "authority")
    with serving_authority(authority) as url:
        configure(home.root, ("local", url, authority.roots))
        head = make_head(database, home, chain=AuditChain("head"), actor="test")
        ask_pending(database, home, Guard(allow_loopback=True), chain=AuditChain(), actor="test")
    assert write_stamps(database, home) == 1
    report = verify_custody(database, home)
    assert (report.faults, report.stamped) == ([], 1)
    token = head.path.with_name(head.path.name + ".local.tsr")
    token.chmod(0o644)
    token.write_bytes(token.read_bytes()[:-8] + b"\0" * 8)
    assert any(token.name in fault for fault in verify_custody(database, home).faults)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_a_bad_stamp_is_told_although_another_authority_has_one_that_holds(
    database: Database, home: Home, log: AuditChain, tmp_path: Path
) -> None:
    # EV-33
    authority = TestAuthority(tmp_path / "authority")
    with serving_authority(authority) as url:
        configure(home.root, ("first", url, authority.roots), ("second", url, authority.roots))
        head = make_head(database, home, chain=AuditChain("head"), actor="test")
        ask_pending(database, home, Guard(allow_loopback=True), chain=AuditChain(), actor="test")
    assert write_stamps(database, home) == 2
    token = head.path.with_name(head.path.name + ".second.tsr")
    token.chmod(0o644)
    token.write_bytes(token.read_bytes()[:-8] + b"\0" * 8)
    report = verify_custody(database, home)
    assert report.stamped == 1
    assert [token.name in fault for fault in report.faults] == [True]


def test_heads_of_a_former_key_are_good_and_those_of_a_stranger_s_are_not(
    database: Database, home: Home, log: AuditChain, tmp_path: Path
) -> None:
    # EV-33: a key is replaced, by its owner or by another
    key = home.keys / "signing.pem"
    key.rename(tmp_path / "former.pem")
    ensure_signing_key(home)
    make_head(database, home, chain=AuditChain("head"), actor="test")
    report = verify_custody(database, home)
    assert (report.heads, report.faults) == (2, [])
    first, second = read_heads(home.custody_heads)
    assert first.content["signer"] != second.content["signer"]
    (home.keys / "certificates" / f"{first.content['signer']}.pem").unlink()
    (fault,) = verify_custody(database, home).faults
    assert fault.startswith(first.path.name) and "none of this installation's" in fault


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_a_stamp_of_an_authority_no_longer_configured_is_still_judged(
    database: Database, home: Home, log: AuditChain, tmp_path: Path
) -> None:
    # EV-33
    authority = TestAuthority(tmp_path / "authority")
    with serving_authority(authority) as url:
        configure(home.root, ("local", url, authority.roots))
        head = make_head(database, home, chain=AuditChain("head"), actor="test")
        ask_pending(database, home, Guard(allow_loopback=True), chain=AuditChain(), actor="test")
    assert write_stamps(database, home) == 1
    (home.root / "authorities.yaml").unlink()
    token = head.path.with_name(head.path.name + ".local.tsr")
    report = verify_custody(database, home)
    assert (report.faults, report.stamped) == ([], 1)
    assert [token.name in note and "no longer configured" in note for note in report.notes] == [True]
    roots = token.with_name(token.name + ".pem")
    roots.rename(tmp_path / "roots.pem")
    report = verify_custody(database, home)
    assert (report.faults, report.stamped) == ([], 0)
    assert ["cannot be judged" in note and roots.name in note for note in report.notes] == [True]
    (tmp_path / "roots.pem").rename(roots)
    token.chmod(0o644)
    token.write_bytes(token.read_bytes()[:-8] + b"\0" * 8)
    report = verify_custody(database, home)
    assert report.stamped == 0 and [token.name in fault for fault in report.faults] == [True]


def test_a_head_is_due_once_a_day(database: Database, home: Home) -> None:
    from datetime import timedelta

    from storage.tables import utc_now

    ensure_signing_key(home)
    tomorrow = utc_now() + timedelta(hours=25)
    with database.transaction() as session:
        assert not head_is_due(session, now=tomorrow)
        AuditChain().record(session, actor="a", action="viewed", object_kind="listing", object_id=1)
        assert not head_is_due(session)
        assert head_is_due(session, now=tomorrow)
    make_head(database, home, chain=AuditChain(), actor="test")
    with database.reading() as session:
        assert not head_is_due(session, now=tomorrow - timedelta(hours=2))
        assert head_is_due(session, now=tomorrow + timedelta(hours=1))


def test_the_command_ends_with_1_for_a_changed_log(place, capsys: Callable[[], object]) -> None:
    ensure_signing_key(place.home)
    with place.database.transaction() as session:
        AuditChain("ours").record(session, actor="a", action="viewed", object_kind="listing", object_id=1)
    assert place.run("custody", "head").status == 0
    assert json.loads(place.run("custody", "verify", "--json").out)["faults"] == []
    tamper(place.database, "DELETE FROM audit_event WHERE chain = 'ours'")
    said = place.run("custody", "verify")
    assert said.status == 1
    assert "entries were cut off" in said.err
