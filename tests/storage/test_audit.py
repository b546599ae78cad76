"""The log can only be added to, and whatever is done to it behind the program's back shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from storage.audit import GENESIS, AuditChain, as_entry, chain_faults, event_hash, events_about
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import AuditEvent


def record(database: Database, chain: AuditChain, action: str, object_id: object = 1, **details: Any) -> None:
    with database.transaction() as session:
        chain.record(session, actor="sami", action=action, object_kind="listing", object_id=object_id, details=details)


def events(database: Database) -> list[AuditEvent]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent).order_by(AuditEvent.chain, AuditEvent.sequence)))


def three_events(database: Database) -> None:
    chain = AuditChain("a")
    for action in ("opened", "seen", "exported"):
        record(database, chain, action, note="تمثال", count=3)


def unlocked(database: Database, *statements: str) -> None:
    """What somebody with the database's own tools could do."""
    with database.engine.begin() as connection:
        if database.sqlite_path is not None:
            for act in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER refuse_{act}_audit_event"))
        else:
            connection.execute(text("ALTER TABLE audit_event DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))


def test_events_follow_from_one_another_and_survive_the_round_trip(database: Database) -> None:
    three_events(database)
    found = events(database)
    assert [event.sequence for event in found] == [1, 2, 3]
    assert [event.previous_hash for event in found] == [GENESIS, found[0].hash, found[1].hash]
    assert chain_faults(found) == []


def test_two_chains_are_independent(database: Database) -> None:
    first, second = AuditChain(), AuditChain()
    for chain in (first, second, first):
        record(database, chain, "seen")
    assert chain_faults(events(database)) == []
    assert sorted(event.sequence for event in events(database)) == [1, 1, 2]


def test_a_chain_goes_on_in_a_new_process_under_its_name(database: Database) -> None:
    record(database, AuditChain("a"), "seen")
    record(database, AuditChain("a"), "seen")
    assert chain_faults(events(database)) == []


def test_an_event_stands_only_if_the_act_does(database: Database) -> None:
    chain = AuditChain()
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        chain.record(session, actor="sami", action="seen", object_kind="listing", object_id=1)
        _ = 1 / 0
    record(database, chain, "seen")
    assert [event.sequence for event in events(database)] == [1]
    assert chain_faults(events(database)) == []


@pytest.mark.parametrize("statement", [update(AuditEvent).values(actor="rana"), delete(AuditEvent)])
def test_the_database_itself_refuses_to_change_or_delete_an_event(database: Database, statement: Any) -> None:
    three_events(database)
    with pytest.raises(DBAPIError, match="audit_event is append-only"), database.transaction() as session:
        session.execute(statement)
    assert len(events(database)) == 3
    assert chain_faults(events(database)) == []


def test_an_event_cannot_be_replaced_on_sqlite_either(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    three_events(database)
    with pytest.raises(DBAPIError, match="audit_event is append-only"), database.transaction() as session:
        session.execute(text("INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE sequence = 2"))
    database.dispose()


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE audit_event SET actor = 'rana' WHERE sequence = 2", "2 of chain a: its content does not match"),
        ("UPDATE audit_event SET details = '{}' WHERE sequence = 3", "3 of chain a: its content does not match"),
        ("DELETE FROM audit_event WHERE sequence = 2", "3 of chain a: number 2 was expected"),
        ("DELETE FROM audit_event WHERE sequence = 1", "2 of chain a: number 1 was expected"),
        (f"UPDATE audit_event SET previous_hash = '{GENESIS}' WHERE sequence = 2", "2 of chain a: it does not follow"),
        (f"UPDATE audit_event SET hash = '{GENESIS}' WHERE sequence = 1", "1 of chain a: its content does not match"),
    ],
)
def test_tampering_with_the_log_shows(database: Database, tampering: str, fault: str) -> None:
    # EV-32
    three_events(database)
    unlocked(database, tampering)
    assert any(fault in found for found in chain_faults(events(database)))


def test_an_event_rewritten_with_a_fitting_hash_no_longer_fits_the_next(database: Database) -> None:
    three_events(database)
    forged = events(database)
    forged[1].actor = "rana"
    forged[1].hash = event_hash(as_entry(forged[1]))
    assert chain_faults(forged) == ["audit event 3 of chain a: it does not follow from the event before it"]


def test_the_events_about_some_objects_are_found_in_order_of_time(database: Database) -> None:
    first, second = AuditChain("a"), AuditChain("b")
    record(database, second, "seen", 1)
    record(database, first, "seen", 2)
    record(database, first, "flagged", 1)
    with database.reading() as session:
        assert [e.action for e in events_about(session, [("listing", 1)])] == ["seen", "flagged"]
        assert len(events_about(session, [("listing", 1), ("listing", 2)])) == 3
        assert events_about(session, [("case", 1)]) == []
        assert events_about(session, []) == []
        thousands = [("listing", id_) for id_ in range(1, 5000)] * 2
        assert [e.action for e in events_about(session, thousands)] == ["seen", "seen", "flagged"]
