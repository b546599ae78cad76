"""What must hold for a run's figure to count: digests, fsyncs, a WARC that verifies, every title and price."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawl import CONCURRENCY
from pages import lot_page, make_lot
from sqlalchemy import func, select

from crawler.home import Home
from evidence.warc_reading import WarcFault, WarcRecord, read_records
from storage.database import Database
from storage.group_commit import MOST_PAGES
from storage.tables import Assessment, Capture, Crawl, FrontierEntry, Listing, Observation, Segment

SQLITE_FULL = 2


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    passed: bool
    found: str


def check_run(home: Home, lots: int, said: Mapping[str, Any]) -> list[Check]:
    """All checks of one finished whole run; `said` is what its process printed."""
    database = Database(home.database_url)
    try:
        return [
            _fsynced(said, lots),
            *_warc_verified(home, database, lots),
            _warcio_agrees(home),
            _extracted(database, lots),
            _stored(database, lots),
        ]
    finally:
        database.dispose()


def _fsynced(said: Mapping[str, Any], lots: int) -> Check:
    commits, fsyncs, ahead = int(said["commits"]), int(said["fsyncs"]), int(said["ahead"])
    often = commits * (MOST_PAGES + CONCURRENCY) >= lots  # else findings waited longer than the group commit allows
    full = said["sqlite_synchronous"] == SQLITE_FULL
    found = (
        f"{fsyncs} fsyncs of the segment, {commits} group commits, {ahead} of them before their bytes were fsynced; "
        f"SQLite synchronous {'FULL' if full else 'off'}"
    )
    return Check("group fsync on", often and fsyncs > 0 and ahead == 0 and full, found)


def _warc_verified(home: Home, database: Database, lots: int) -> list[Check]:
    """Every record is read again and its digests recomputed; every lot's payload is what the server sent."""
    name = "WARC re-read, digests recomputed"
    records: dict[str, WarcRecord] = {}
    count = 0
    for path in _segments(home):
        try:
            with path.open("rb") as file:
                for record in read_records(file):
                    count += 1
                    records[record.id] = record
        except WarcFault as fault:
            return [Check(name, False, f"{path.name}: {fault}")]
    with database.reading() as session:
        rows = session.execute(select(Capture).where(Capture.kind == "exchange")).scalars().all()
        lengths = dict(session.execute(select(Segment.name, Segment.length)).tuples().all())
    whole = all((home.transit / segment).stat().st_size == length for segment, length in lengths.items())
    by_path = {row.url.partition("/sale/")[2]: row for row in rows}
    right = 0
    for number in range(1, lots + 1):
        row = by_path.get(f"7/lot/{number}")
        sent = hashlib.sha256(lot_page(number)).hexdigest()
        right += row is not None and row.sha256 == sent and records[row.record_id or ""].payload_sha256 == sent
    return [
        Check(name, count >= 2 * len(rows) and whole, f"{count} records, {len(rows)} exchanges"),
        Check("payload digests are those of what was served", right == lots, f"{right} of {lots}"),
    ]


def _warcio_agrees(home: Home) -> Check:
    command = [str(Path(sys.executable).parent / "warcio"), "check", "-v", *map(str, _segments(home))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    passed, without = ended.stdout.count("digest pass"), ended.stdout.count("no digest to check")
    found = f"exit status {ended.returncode}, {passed} records pass, {without} without a digest"
    return Check("warcio check -v", ended.returncode == 0 and passed > 0 and without == 0, found)


def _extracted(database: Database, lots: int) -> Check:
    """The extraction score: title, price and currency of every page against what it was made from."""
    statement = select(Listing.native_id, Listing.url, Observation.title, Observation.price, Observation.currency).join(
        Observation, Observation.id == Listing.current_observation_id
    )
    with database.reading() as session:
        rows = {
            url.rsplit("/", 1)[1]: (title, price, currency)
            for _, url, title, price, currency in session.execute(statement)
        }
    right = sum(rows.get(str(n)) == ((lot := make_lot(n)).title, lot.price, lot.currency) for n in range(1, lots + 1))
    return Check("extraction score unchanged", right == len(rows) == lots, f"{right} of {lots} titles and prices right")


def _stored(database: Database, lots: int) -> Check:
    with database.reading() as session:
        crawl = session.scalars(select(Crawl)).one()
        pending = session.scalar(select(func.count()).where(FrontierEntry.state != "done"))
        counts = [
            session.scalar(select(func.count()).select_from(table)) for table in (Listing, Observation, Assessment)
        ]
    found = f"crawl {crawl.state}, {pending} pages not done, {counts[0]} listings, {counts[2]} assessed"
    return Check("all stored", crawl.state == "complete" and not pending and counts == [lots] * 3, found)


def _segments(home: Home) -> list[Path]:
    return sorted(home.transit.rglob("*.warc.gz"))
