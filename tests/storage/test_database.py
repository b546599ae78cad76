"""Opening databases: both kinds keep the same promises, and each fault is one clear sentence."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from storage.database import Database, DatabaseError
from storage.tables import Exhibit, MarketLease, Watch


def lease(market: str) -> MarketLease:
    return MarketLease(market=market, holder=None, lease_until=None, next_request_not_before=None)


def count(database: Database) -> int | None:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(MarketLease))


def test_a_fresh_database_has_this_versions_tables_and_no_rows(database: Database) -> None:
    database.require_current()
    assert count(database) == 0
    assert {"job", "watch", "listing", "audit_event"} <= set(database.table_names())


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        session.add(lease("one"))
        session.flush()
        _ = 1 / 0
    assert count(database) == 0


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(Exhibit(case_id=1, listing_id=1, observation_id=1, number=1, added_by="sami"))


def test_reading_waits_for_no_writer_and_sees_only_what_was_committed(database: Database) -> None:
    with database.transaction() as writing:
        writing.add(lease("one"))
        writing.flush()
        assert count(database) == 0
    assert count(database) == 1


def test_two_writers_that_read_first_both_get_through(database_url: str) -> None:
    # RL-8: a deferred transaction would fail here at once with "database is locked".
    first, second = Database(database_url), Database(database_url)
    with first.transaction() as session:
        session.add(lease("one"))
    begun = threading.Event()

    def change() -> None:
        begun.set()
        with second.transaction() as session:
            row = session.scalars(select(MarketLease).with_for_update()).one()
            row.holder = f"{row.holder} second"

    other = threading.Thread(target=change)
    with first.transaction() as session:
        row = session.scalars(select(MarketLease).with_for_update()).one()
        other.start()
        begun.wait()
        row.holder = "first"
    other.join()
    with first.reading() as session:
        assert session.scalars(select(MarketLease.holder)).one() == "first second"
    first.dispose()
    second.dispose()


def test_a_locked_database_is_one_clear_sentence(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # RL-8
    holder = Database(database_url)
    with holder.transaction() as session:
        session.add(lease("one"))
    monkeypatch.setenv("RELICWATCH_BUSY_SECONDS", "1")
    waiting = Database(database_url)
    with holder.transaction() as session:
        session.scalars(select(MarketLease).with_for_update()).one()
        with (
            pytest.raises(
                DatabaseError, match=r"is locked by another program for more than 1 s: .* nothing was lost\.$"
            ),
            waiting.transaction() as late,
        ):
            late.scalars(select(MarketLease).with_for_update()).one()
    holder.dispose()
    waiting.dispose()


def test_a_missing_sqlite_file_is_named_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite3"
    missing = Database(f"sqlite:///{path}")
    with pytest.raises(DatabaseError, match=rf"There is no database at {path}: run `relicwatch db upgrade`"):
        missing.require_current()
    assert not path.exists()


def test_a_missing_postgresql_database_is_named_without_its_password() -> None:
    missing = Database("postgresql://sami:secret@/none?host=/nowhere")
    with pytest.raises(DatabaseError, match="cannot be used") as caught:
        missing.require_current()
    assert "secret" not in str(caught.value)
    with pytest.raises(DatabaseError, match="cannot be used"), missing.transaction() as session:
        session.execute(text("SELECT 1"))


def test_a_database_without_tables_is_told_from_one_of_another_version(empty_database_url: str) -> None:
    from storage.migrate import upgrade

    empty = Database(empty_database_url)
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE other (id INTEGER)"))
    with pytest.raises(DatabaseError, match="has no tables yet: run `relicwatch db upgrade`"):
        empty.require_current()
    with pytest.raises(DatabaseError, match="lacks a table"), empty.transaction() as session:
        session.scalars(select(Watch)).all()
    upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    with pytest.raises(DatabaseError, match="is of version older, this program needs"):
        empty.require_current()
    empty.dispose()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"this is no database at all" * 100)
    broken = Database(f"sqlite:///{path}")
    with pytest.raises(DatabaseError, match=rf"{path} is damaged \(file is not a database\): restore"):
        broken.require_current()
    broken.dispose()


def test_an_unusable_address_is_refused() -> None:
    for url in ("nonsense", "nodatabase://x/y", ""):
        with pytest.raises(DatabaseError, match="is no database address"):
            Database(url)


def test_a_full_disk_is_one_clear_sentence(tmp_path: Path) -> None:
    # RL-5
    from storage.migrate import upgrade

    small = Database(f"sqlite:///{tmp_path / 'small.sqlite3'}")
    upgrade(small)
    with pytest.raises(DatabaseError, match=r"The disk under .* is full: free space"), small.transaction() as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        session.add(MarketLease(market="y" * 500_000))
    small.dispose()


@pytest.mark.parametrize(
    ("free", "said"), [(4096, r"The disk under .* is full: free space"), (1 << 30, "cannot be used")]
)
def test_an_io_error_is_called_a_full_disk_only_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    # RL-5: with no room for its shared memory file SQLite says no more than "disk I/O error"
    opened = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("storage.database.shutil.disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(DatabaseError, match=said), opened.transaction():
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk I/O error"))
    opened.dispose()


def test_sqlite_is_set_for_durability(tmp_path: Path) -> None:
    opened = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with opened.engine.connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert values == ["wal", 2]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    opened.dispose()


def test_a_writing_transaction_holds_sqlites_write_lock_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    opened = Database(f"sqlite:///{path}")
    with opened.transaction() as session:
        session.connection()
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    opened.dispose()


def test_a_reading_transaction_cannot_write_and_the_next_one_can(database: Database) -> None:
    with pytest.raises((DBAPIError, DatabaseError), match=r"read-?only"), database.reading() as session:
        session.add(lease("one"))
        session.flush()
    with database.transaction() as session:
        session.add(lease("one"))
    assert count(database) == 1
