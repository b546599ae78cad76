"""A made store of a million listings with words, figures and traces of pictures, for `bench/object_index.py`."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PIL import Image
from sqlalchemy import insert, text

from bench.photo_drawing import GROUNDS, draw_object, photograph
from bench.photo_edits import EDITS
from classifiers.corpus import load_corpus
from crawler.home import Home
from evidence.thumbnails import make_thumbnail, store_file
from matching.photo_index import FEATURES_KEPT
from matching.photo_words import VOCABULARY
from matching.text_keys import kept_keys
from object_links import offer_of
from storage.database import Database
from storage.registers import StoredOffer
from storage.tables import Assessment, Capture, Crawl, Listing, Observation

AT = datetime(2026, 11, 1, tzinfo=UTC)
Keys = np.ndarray[Any, np.dtype[np.int64]]
Made = tuple[dict[str, Any], dict[str, Any]]
PICTURES = 120
"""Drawn pictures, which the first so many listings show; the others' are made traces without a file."""
_KINDS = ("coin", "lamp", "pot")


def drawn(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    thing = draw_object(_KINDS[number % 3], number // 6, number // 3 % 2, 0)
    return photograph(thing, number, GROUNDS[number % len(GROUNDS)], bar=number % 2 == 0)


def store_pictures(home: Home) -> list[str]:
    """SHA-256 of the drawn pictures' thumbnails, which lie in the home's files."""
    return [_thumbnail(home, drawn(number)) for number in range(PICTURES)]


def edited_picture(home: Home, number: int, edit: str) -> str:
    """SHA-256 of a thumbnail of the numbered picture under one of the named edits."""
    return _thumbnail(home, EDITS[edit](drawn(number), np.random.default_rng(number)))


def _thumbnail(home: Home, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=92)
    return store_file(home, make_thumbnail(out.getvalue()))


def store_listings(
    database: Database, made: Iterator[Made], first: int, pictures: Sequence[str], *, crawl: int | None = None
) -> list[Any]:
    """Store the next listings, numbered from first + 1, one for each picture; empty: without one. Offers come back.

    Those of a crawl (its number) that have a picture are flagged.
    """
    rows = [next(made) for _ in pictures]
    for at, (listing, seen) in enumerate(rows, start=first + 1):
        listing |= {"id": at, "native_id": str(at), "current_observation_id": None, "seen_in_crawl_id": crawl}
        seen |= {"id": at, "listing_id": at}
    shown = [(at, sha256) for at, sha256 in enumerate(pictures, start=first + 1) if sha256]
    with database.transaction() as session:
        if crawl is not None:
            session.execute(insert(Crawl), [{"id": crawl, "market": "market_0", "queries": [], "state": "complete"}])
        session.execute(insert(Listing), [listing for listing, _ in rows])
        session.execute(insert(Observation), [seen for _, seen in rows])
        if shown:
            session.execute(insert(Capture), [_picture(at, sha256) for at, sha256 in shown])
        if shown and crawl is not None:
            session.execute(insert(Assessment), [_flag(at) for at, _ in shown])
            judged = "UPDATE listing SET current_assessment_id = id WHERE id = :at"
            session.execute(text(judged), [{"at": at} for at, _ in shown])
        session.execute(
            text("UPDATE listing SET current_observation_id = id WHERE id > :first AND id <= :last"),
            {"first": first, "last": first + len(pictures)},
        )
    return [offer_of(StoredOffer(Listing(**listing), Observation(**seen), None)) for listing, seen in rows]


def keys_of(offers: Sequence[Any]) -> Keys:
    """n x 2, key and listing, of the words and figures."""
    return np.array([(key, offer.id) for offer in offers for key in kept_keys(offer)], dtype=np.int64)


def made_traces(
    pictures: Sequence[str], like: Sequence[dict[str, Any]], draw: np.random.Generator
) -> list[dict[str, Any]]:
    """Traces as photographs have them, for pictures that are no files: words of two halves that real ones (`like`)
    have, their signatures with up to 24 bits turned, and hashes by chance."""
    words = np.frombuffer(b"".join(row["words"] for row in like), "<u2")
    signs = np.frombuffer(b"".join(row["signatures"] for row in like), "<u8")
    count = len(pictures) * FEATURES_KEPT
    take, beside = draw.integers(0, len(words), (2, count))
    turned = np.zeros(count, np.uint64)
    for _ in range(24):
        turned ^= np.uint64(1) << draw.integers(0, 64, count).astype(np.uint64)
    of_word = ((words[take] & 0xFF00) | (words[beside] & 0x00FF)).astype("<u2").reshape(-1, FEATURES_KEPT)
    of_sign = (signs[take] ^ turned).astype("<u8").reshape(-1, FEATURES_KEPT)
    hashes = draw.integers(0, 256, (len(pictures), 32), dtype=np.uint8)
    return [
        {
            "picture": picture, "vocabulary": VOCABULARY, "quality": 100, "hash": hashes[at].tobytes(),
            "words": of_word[at].tobytes(), "signatures": of_sign[at].tobytes(),
        }
        for at, picture in enumerate(pictures)
    ]  # fmt: skip


def keep_sorted(database: Database, keys: Keys) -> int:
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


def listings_without_end(draw: random.Random) -> Iterator[Made]:
    """A seller's words cut from two texts of the corpus, with figures of their own."""
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


def _picture(listing: int, sha256: str) -> dict[str, Any]:
    return {
        "kind": "thumbnail", "listing_id": listing, "url": "https://a.example/1.jpg", "captured_at": AT,
        "sha256": sha256, "state": "COMPLETE",
    }  # fmt: skip


def _flag(listing: int) -> dict[str, Any]:
    return {
        "id": listing, "listing_id": listing, "observation_id": listing, "model": "bench", "score": 0.9,
        "flagged": True, "band": "high", "labels": [], "reasons": [], "assessed_at": AT,
    }  # fmt: skip
