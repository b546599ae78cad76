"""A listing whose picture came with a capture job gets its thumbnail, and is compared by it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, select

from crawler.home import Home
from late_photos import keep_missing_thumbnail
from storage.database import Database
from storage.jobs import queue_comparison
from storage.object_index import pictures_of
from storage.tables import Capture, Job
from tests.evidence.factory import plant


def test_the_first_sealed_picture_of_the_page_becomes_the_thumbnail_once(
    database: Database, home: Home, tmp_path: Path
) -> None:
    listing = plant(database, home, tmp_path / "out").listing_ids[0]
    with database.transaction() as session:
        session.execute(delete(Capture).where(Capture.kind == "thumbnail"))
    assert keep_missing_thumbnail(database, home, listing)
    with database.reading() as session:
        sha256 = pictures_of(session, [listing])[listing]
        drawn = session.scalars(select(Capture).where(Capture.kind == "thumbnail")).one()
        assert session.get_one(Capture, drawn.source_id).url == drawn.url == "https://auction.example/img/1-1.png"
    assert home.file_path(sha256).read_bytes()[:3] == b"\xff\xd8\xff"
    assert not keep_missing_thumbnail(database, home, listing), "there is one already"


def test_a_listing_without_a_sealed_picture_gets_none(database: Database, home: Home, tmp_path: Path) -> None:
    listing = plant(database, home, tmp_path / "out").listing_ids[0]
    with database.transaction() as session:
        for row in session.scalars(select(Capture).where(Capture.listing_id == listing)):
            row.state = "FAILED"
    assert not keep_missing_thumbnail(database, home, listing)


def test_one_reason_queues_one_comparison(database: Database) -> None:
    with database.transaction() as session:
        for _ in range(2):
            queue_comparison(session, 7, "capture:3")
        assert [job.arguments for job in session.scalars(select(Job))] == [{"listing": 7}]
