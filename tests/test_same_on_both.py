"""What is found and said of objects is the same on SQLite and on PostgreSQL, listing by listing, to the figure."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from crawler.home import Home
from matching.stored_photos import StoredPhotos
from object_links import link_listings
from storage.database import Database
from storage.objects import group_of
from storage.tables import ObjectCandidate, ObjectStatement
from tests.matching.pictures import thing
from tests.test_object_links import SNAKE, offered, photo_of


@pytest.fixture
def both(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[list[Database]]:
    server, name = request.getfixturevalue("postgres_server"), f"test_{uuid.uuid4().hex}"
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "template_relicwatch"')
    shutil.copyfile(sqlite_template, tmp_path / "one.sqlite3")
    opened = [Database(f"sqlite:///{tmp_path / 'one.sqlite3'}"), Database(server.url(name))]
    yield opened
    for database in opened:
        database.dispose()
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def shown(database: Database, home: Home) -> dict[str, Any]:
    """A store of look-alikes, copies and lots, compared; all that a person would be shown of it."""
    with database.transaction() as session:
        ids = [
            offered(
                session,
                home,
                SNAKE if number % 3 else f"Bronze coin of type {number % 5}",
                photo=photo_of(number % 7),
                flagged=number % 2 == 0,
                seller=f"Seller {number % 4}",
                market=f"m{number % 3}",
                lot_number=str(number // 6),
                dimensions=(25.4 + number % 4, 24.9),
                weight=12.5 + (number % 5) / 10,
                days=number + 2,
            )
            for number in range(24)
        ]
    link_listings(database, home, actor="job 1")
    said = select(ObjectStatement.score, ObjectStatement.details, ObjectStatement.why).order_by(ObjectStatement.id)
    kept = select(
        ObjectCandidate.listing_id,
        ObjectCandidate.other_listing_id,
        ObjectCandidate.score,
        ObjectCandidate.why,
        ObjectCandidate.conflicts,
    ).order_by(ObjectCandidate.listing_id, ObjectCandidate.other_listing_id)
    part = home.root / "part.png"
    Image.fromarray(thing(3)[30:, 40:]).save(part)
    with database.reading() as session, StoredPhotos(database, home) as photos:
        return {
            "objects": [group_of(session, one) for one in ids],
            "statements": [tuple(row) for row in session.execute(said)],
            "candidates": [tuple(row) for row in session.execute(kept)],
            "photo": photos.ask(part),
        }


def test_both_databases_show_the_same(both: list[Database], tmp_path: Path) -> None:
    answers = []
    for number, database in enumerate(both):
        home = Home(tmp_path / f"home {number}")
        home.create()
        answers.append(shown(database, home))
    on_sqlite, on_postgresql = answers
    assert on_sqlite == on_postgresql
    assert any(len(group) > 1 for group in on_sqlite["objects"])
    assert on_sqlite["candidates"] and on_sqlite["photo"]
