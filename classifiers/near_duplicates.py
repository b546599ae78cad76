"""Texts that are nearly the same, found by MinHash over their letter groups (Broder 1997, "On the resemblance and
containment of documents")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from classifiers.normalise import code_points, fold
from classifiers.words import SpanHashes, mix

SHINGLE = 4
"""Letters a group."""
BANDS, ROWS = 24, 4
"""Two texts of resemblance .8 share a band with a chance of 1 - (1 - .8^4)^24, above .999."""
SAME = 0.8


def near_duplicates(texts: Sequence[str], same: float = SAME) -> list[tuple[int, int]]:
    """Pairs of indices (lower first) of texts whose sets of letter groups have a Jaccard index of `same` or more."""
    shingles = [_shingles(text) for text in texts]
    salts = mix(np.arange(1, BANDS * ROWS + 1, dtype=np.uint64))
    buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, some in enumerate(shingles):
        signature = mix(some[None, :] ^ salts[:, None]).min(axis=1).reshape(BANDS, ROWS)
        for band, row in enumerate(signature):
            buckets[band, row.tobytes()].append(index)
    candidates = {pair for bucket in buckets.values() if len(bucket) > 1 for pair in combinations(bucket, 2)}
    pairs = []
    for one, other in sorted(candidates):
        common = len(np.intersect1d(shingles[one], shingles[other], assume_unique=True))
        if common >= same * (len(shingles[one]) + len(shingles[other]) - common):
            pairs.append((one, other))
    return pairs


def _shingles(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    codes = code_points(f" {' '.join(fold(text).split())} ".ljust(SHINGLE))
    return np.unique(SpanHashes(codes).all_of(SHINGLE))
