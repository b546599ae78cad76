"""Opening the database: the same promises on SQLite and PostgreSQL, and one clear sentence where it can't be had."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session, sessionmaker

from crawler.errors import RelicwatchError
from crawler.home import busy_seconds
from storage.queue_upkeep import bring_up_to_date
from storage.revision import current_revision, head_revision
from storage.tables import QueueStale

_READING = "relicwatch_reading"
FULL_BELOW_BYTES = 128 * 1024
"""With less than this free SQLite cannot even make the shared memory file beside its database."""


class DatabaseError(RelicwatchError):
    """The database is missing, locked, of another version or out of reach."""


class Database:
    """The engine of one database and its sessions."""

    def __init__(self, url: str) -> None:
        """`url`: sqlite:///PATH or postgresql://...; nothing is opened yet. Raises DatabaseError for other text."""
        self._busy_seconds = busy_seconds()
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.sqlite_path = Path(parsed.database or "") if parsed.drivername.startswith("sqlite") else None
            # Of the connections that rest, the one used last has its pages and statements still at hand.
            arguments: dict[str, Any] = {"pool_use_lifo": True}
            if self.sqlite_path is not None:
                arguments |= {"connect_args": {"timeout": self._busy_seconds, "check_same_thread": False}}
            else:
                arguments |= {
                    "pool_pre_ping": True,
                    "connect_args": {"options": f"-c lock_timeout={self._busy_seconds}s"},
                }
            self.engine: Engine = create_engine(parsed, **arguments)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise DatabaseError(
                f"RELICWATCH_DATABASE_URL {url!r} is no database address: use sqlite:///PATH or postgresql://USER@HOST/NAME."
            ) from error
        if self.sqlite_path is not None:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        event.listen(self._sessions, "before_commit", self._keep_queue)
        self._has_queue = False
        readers = self.engine.execution_options(**{_READING: True, "postgresql_readonly": True})
        self._readers = sessionmaker(readers, expire_on_commit=False)

    def session(self) -> Session:
        """A session the caller closes; prefer `transaction`."""
        return self._sessions()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error. Never hold it across a network wait.

        Raises DatabaseError where the database does not answer.
        """
        try:
            with self._sessions.begin() as session:
                yield session
        except DBAPIError as error:
            raise self._explained(error) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads: it waits for no writer and keeps none waiting.

        Raises DatabaseError where the database does not answer.
        """
        try:
            with self._readers.begin() as session:
                yield session
        except DBAPIError as error:
            raise self._explained(error) from error

    def _keep_queue(self, session: Session) -> None:
        """The queue's entries follow from what the transaction wrote, and are committed with it."""
        session.flush()
        self._has_queue = self._has_queue or inspect(session.connection()).has_table(QueueStale.__tablename__)
        if self._has_queue:  # a database that is still to be migrated has none
            bring_up_to_date(session)

    def require_current(self) -> None:
        """Raise DatabaseError unless the database is there and has this version's tables."""
        if self.sqlite_path is not None and not self.sqlite_path.exists():
            raise DatabaseError(f"There is no database at {self.sqlite_path}: run `relicwatch db upgrade` to make it.")
        try:
            found = current_revision(self.engine)
        except DBAPIError as error:
            raise self._explained(error) from error
        if found != head_revision():
            state = (
                "has no tables yet" if found is None else f"is of version {found}, this program needs {head_revision()}"
            )
            raise DatabaseError(f"The database {state}: run `relicwatch db upgrade`.")

    def table_names(self) -> list[str]:
        return inspect(self.engine).get_table_names()

    def dispose(self) -> None:
        self.engine.dispose()

    def _explained(self, error: DBAPIError) -> Exception:
        text = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
        where = (
            str(self.sqlite_path)
            if self.sqlite_path is not None
            else self.engine.url.render_as_string(hide_password=True)
        )
        if "locked" in text or "lock timeout" in text:
            return DatabaseError(
                f"The database {where} is locked by another program for more than {self._busy_seconds} s: "
                "close what holds it and start again; nothing was lost."
            )
        if "full" in text or "No space" in text or ("disk I/O error" in text and self._disk_is_full()):
            return DatabaseError(f"The disk under {where} is full: free space and start again; nothing was lost.")
        if "not a database" in text or "malformed" in text:
            return DatabaseError(f"The database {where} is damaged ({text}): restore it from a backup.")
        if "no such table" in text or "does not exist" in text:
            return DatabaseError(f"The database {where} lacks a table ({text}): run `relicwatch db upgrade`.")
        if error.connection_invalidated or type(error.orig).__name__ in ("OperationalError", "DatabaseError"):
            return DatabaseError(
                f"The database {where} cannot be used ({text}): see that it is there and may be written."
            )
        return error

    def _disk_is_full(self) -> bool:
        """SQLite says "disk I/O error" where a full disk has no room for its shared memory file."""
        path = self.sqlite_path
        return path is not None and path.parent.is_dir() and shutil.disk_usage(path.parent).free < FULL_BELOW_BYTES


def is_reading(session: Session) -> bool:
    """Whether the session is one of `Database.reading`."""
    return bool(session.get_bind().get_execution_options().get(_READING, False))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: it would defer them, and a deferred read-then-write fails
    # at once with "database is locked" where an immediate one waits.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Else INSERT OR REPLACE would delete a row of an append-only table without asking its trigger.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _begin(connection: Any) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
