"""Migrations go up and down on both databases, and what they make is what the tables in the code say."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

import storage.migrate
from crawler.home import Home
from storage.database import Database
from storage.migrate import downgrade, upgrade
from storage.revision import current_revision, head_revision
from storage.tables import Assessment, Base, Job, Watch, utc_now
from tests.review.seed import Offer, add_listing


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    opened = Database(empty_database_url)
    yield opened
    opened.dispose()


def leftovers(database: Database) -> set[str]:
    """Everything that a program could have left in a database without tables."""
    if database.sqlite_path is not None:
        query = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '%alembic%'"
    else:
        query = (
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'public' AND relname NOT LIKE 'alembic%' "
            "UNION SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'public'"
        )
    with database.engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def is_search_index(name: str) -> bool:
    """The index that each database keeps in its own way, so that the tables in the code do not have it."""
    return name == "queue_text" or name.startswith("queue_text_")


def test_up_makes_every_table_and_down_leaves_nothing_and_up_again_works(empty: Database) -> None:
    upgrade(empty)
    made = {name for name in empty.table_names() if not is_search_index(name)}
    assert made == set(Base.metadata.tables) | {"alembic_version"}
    assert current_revision(empty.engine) == head_revision()
    downgrade(empty, "base")
    assert leftovers(empty) == set()
    assert current_revision(empty.engine) is None
    upgrade(empty)
    empty.require_current()


def test_watches_keep_their_jobs_when_the_database_goes_back_a_version_and_up_again(empty: Database) -> None:
    upgrade(empty)
    with empty.transaction() as session:
        watch = Watch(
            name="lamps", markets=["m"], queries=["lamp"], every_seconds=3600, next_due_at=utc_now(), created_by="Ann"
        )
        session.add(watch)
        session.flush()
        session.add(Job(kind="crawl", arguments={}, idempotency_key="1", watch_id=watch.id))
    for _ in range(2):
        downgrade(empty, "0004")
        with empty.engine.connect() as connection:
            names = connection.execute(text("SELECT watch.name FROM watch JOIN job ON job.watch_id = watch.id"))
            assert names.scalars().all() == ["lamps"]
        upgrade(empty)
    empty.require_current()
    with empty.reading() as session:
        assert session.scalars(select(Job.watch_id)).one() == session.scalars(select(Watch.id)).one()


def test_the_queue_order_of_assessments_from_before_is_read_out_of_their_answers(empty: Database, home: Home) -> None:
    upgrade(empty)
    with empty.transaction() as session:
        ids = []
        for priority in ({"why": "museum_number", "must_be_seen": True}, None):
            listing = add_listing(session, home, Offer())
            judged = session.get_one(Assessment, listing.current_assessment_id)
            judged.answers = {"priority": priority}
            ids.append(judged.id)
        without = session.get_one(Assessment, add_listing(session, home, Offer()).current_assessment_id)
        without.answers = None
        ids.append(without.id)
    step = importlib.import_module("storage.migrations.versions.0011_priorities")
    downgrade(empty, step.down_revision)
    upgrade(empty)
    with empty.reading() as session:
        kept = [session.get_one(Assessment, id_) for id_ in ids]
        assert [(one.priority, one.must_be_seen) for one in kept] == [
            ("museum_number", True),
            (None, False),
            (None, False),
        ]


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    empty.require_current()


def test_the_migrations_and_the_tables_in_the_code_do_not_drift_apart(database: Database) -> None:
    with database.engine.connect() as connection:
        options = {"compare_type": True, "include_name": lambda name, *_: not is_search_index(name or "")}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_a_migration_that_fails_leaves_the_old_version(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # RL-36

    original = storage.migrate.command.upgrade

    def upgrade_and_fail(*arguments: object) -> None:
        original(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("killed here")

    monkeypatch.setattr(storage.migrate.command, "upgrade", upgrade_and_fail)
    with pytest.raises(RuntimeError, match="killed here"):
        upgrade(empty)
    monkeypatch.undo()
    assert leftovers(empty) == set()
    upgrade(empty)
    empty.require_current()


def test_the_newest_migration_by_its_files_name_is_the_one_that_alembic_finds() -> None:
    script = ScriptDirectory.from_config(storage.migrate._config())
    assert head_revision() == script.get_current_head()
    assert all(Path(one.path).name.startswith(f"{one.revision}_") for one in script.walk_revisions())
