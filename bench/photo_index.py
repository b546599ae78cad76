"""What finding candidates among a million photos costs: memory, build, time a query, and what is found.

    python bench/photo_index.py [--photos 1000000] [--json FILE]

The million are made: each word of two halves that drawn photos have, each signature one of theirs with up to 24 of its
64 bits turned, and hashes by chance. Among them stand drawn photos, and the queries are their edits.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from photo_drawing import GROUNDS, draw_object, photograph  # noqa: E402
from photo_edits import EDITS  # noqa: E402

from matching.photo_features import PhotoFeatures, Pixels, describe_photo, hash_dihedral, mirrored  # noqa: E402
from matching.photo_index import FEATURES_KEPT, PhotoIndex  # noqa: E402
from matching.photo_shelf import PhotoShelf  # noqa: E402
from matching.photo_words import shipped_words  # noqa: E402

KINDS = ("coin", "lamp", "pot")
_BLOCK = 20_000


def drawn(number: int) -> Pixels:
    thing = draw_object(KINDS[number % 3], number // 6, number // 3 % 2, 0)
    return photograph(thing, number, GROUNDS[number % len(GROUNDS)], bar=number % 2 == 0)


def described(number: int) -> PhotoFeatures:
    return describe_photo(drawn(number))


def asked(one: tuple[int, str]) -> tuple[int, str, Pixels, PhotoFeatures]:
    number, edit = one
    picture = EDITS[edit](drawn(number), np.random.default_rng(number))
    return number, edit, hash_dihedral(picture), describe_photo(picture)


def measure(photos: int, real: int, queried: int) -> dict[str, Any]:
    """The index is built, and asked, in a process of its own each, so that the memory of each is told apart."""
    with TemporaryDirectory(prefix="relicwatch-photos-") as name:
        place = Path(name)
        return _alone(_built, place, photos, real) | _alone(_asked, place, real, queried)


def _alone(work: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *given).result()


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _built(place: Path, photos: int, real: int) -> dict[str, Any]:
    index, shelf = PhotoIndex(shipped_words()), PhotoShelf(place)
    with ProcessPoolExecutor(2) as processes:
        pool = [index.trace_of(photo) for photo in processes.map(described, range(real), chunksize=4)]
    rng = np.random.default_rng(5)
    all_words = np.concatenate([one.words for one in pool])
    all_signs = np.concatenate([one.signatures for one in pool])
    begun = time.process_time()
    with threadpool_limits(1):
        for number, trace in enumerate(pool):
            index.add(number, trace)
        index.settle()
        while len(index) < photos:
            count = min(_BLOCK, photos - len(index))
            take, beside = rng.integers(0, len(all_words), (2, count * FEATURES_KEPT))
            made = (all_words[take] & 0xFF00) | (all_words[beside] & 0x00FF)
            turned = np.zeros(len(take), np.uint64)
            for _ in range(24):
                turned ^= np.uint64(1) << rng.integers(0, 64, len(take)).astype(np.uint64)
            hashes = rng.integers(0, 256, (count, 32)).astype(np.uint8)
            numbers = np.arange(len(index), len(index) + count)
            index.add_many(numbers, hashes, made, all_signs[take] ^ turned, np.full(count, FEATURES_KEPT))
            index.settle()
            index.segments = shelf.save(index.segments)
        index.segments = shelf.save(index.segments, 1)
    return {
        "photos": len(index),
        "bytes_a_photo": round(index.bytes_used / len(index), 1),
        "index_mib": round(index.bytes_used / 2**20),
        "build_cpu_seconds": round(time.process_time() - begun, 1),
        "build_memory_mib": _most_memory(),
    }


def _asked(place: Path, real: int, queried: int) -> dict[str, Any]:
    index = PhotoIndex(shipped_words(), PhotoShelf(place).load())
    found: dict[str, list[bool]] = defaultdict(list)
    spent, second = [], []
    with ProcessPoolExecutor(2) as processes, threadpool_limits(1):
        edits = [(number, edit) for number in range(0, real, real // queried) for edit in EDITS]
        for number, edit, hashes, features in processes.map(asked, edits, chunksize=4):
            begun = time.process_time()
            first = [one.photo for one in index.candidates(hashes, features)]
            spent.append(time.process_time() - begun)
            if number not in first:
                begun = time.process_time()
                first = [one.photo for one in index.candidates(hashes, mirrored(features))]
                second.append(time.process_time() - begun)
            found[edit].append(number in first)
    return {
        "query_cpu_ms_median": round(1000 * statistics.median(spent), 1),
        "query_cpu_ms_worst": round(1000 * max(spent), 1),
        "second_query_cpu_ms_median": round(1000 * statistics.median(second), 1) if second else None,
        "query_memory_mib": _most_memory(),
        f"found_among_{queried}": {edit: round(statistics.mean(hits), 3) for edit, hits in found.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="What finding candidates among a million photos costs.")
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--real", type=int, default=300, help="drawn photos among them")
    parser.add_argument("--queried", type=int, default=30, help="of these, so many are asked about under each edit")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    figures = measure(given.photos, given.real, given.queried)
    text = json.dumps(figures, indent=2) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
