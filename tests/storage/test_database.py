"""Opening databases: both kinds keep the same promises, and each fault is one clear sentence."""

from __future__ import annotations

from sqlalchemy import func, select

from storage.database import Database
from storage.tables import Job


def test_a_fresh_database_has_this_versions_tables_and_no_rows(database: Database) -> None:
    database.require_current()
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
