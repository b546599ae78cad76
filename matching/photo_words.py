"""How local features become words of an index: learnt once, shipped with the program, and the same in every home.

`photo_words.npz` is made by `python bench/photo_words.py` from drawn pictures and scikit-learn's two sample photos.
Another file means another index and other stored traces: `VOCABULARY` is then raised.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from matching.photo_features import Pixels

Floats = npt.NDArray[np.float32]

VOCABULARY = 1
"""Which words a stored trace is written in."""
WORDS = 65_536
_HALVES = 256
_FILE = Path(__file__).parent / "photo_words.npz"


class PhotoWords:
    """How descriptors become words and signatures. Learnt once from a sample; an index and its queries share it."""

    def __init__(self, centres: Floats, rotation: Floats, middles: Floats) -> None:
        """`centres`: 2 x 256 x 64; `rotation`: 64 x 128 with orthonormal rows; `middles`: 64."""
        self.centres, self.rotation, self.middles = centres, rotation, middles

    @classmethod
    def learn(cls, descriptors: Pixels, seed: int = 7) -> PhotoWords:
        """From some ten thousand descriptors (n x 128). Raises ValueError for fewer than 256."""
        if len(descriptors) < _HALVES:
            raise ValueError(
                f"{len(descriptors)} descriptors are too few to learn words from: give at least {_HALVES}."
            )
        rows = descriptors.astype(np.float32)
        centres = []
        for half in (rows[:, :64], rows[:, 64:]):
            means: Any = faiss.Kmeans(64, _HALVES, niter=10, seed=seed, min_points_per_centroid=1)
            means.train(np.ascontiguousarray(half))
            centres.append(np.asarray(means.centroids, dtype=np.float32))
        rng = np.random.default_rng(seed)
        rotation = np.linalg.qr(rng.normal(size=(128, 64)))[0].T.astype(np.float32)
        return cls(np.stack(centres), rotation, np.median(rows @ rotation.T, axis=0).astype(np.float32))

    def words(self, descriptors: Pixels, several: int = 1) -> npt.NDArray[np.int64]:
        """The word of each descriptor, n x 1; with `several` = 2 its four nearest, n x 4."""
        rows = descriptors.astype(np.float32)
        nearest = []
        for half, centres in ((rows[:, :64], self.centres[0]), (rows[:, 64:], self.centres[1])):
            away = (centres**2).sum(1)[None] - 2 * half @ centres.T
            nearest.append(
                away.argmin(1)[:, None] if several == 1 else np.argpartition(away, several, axis=1)[:, :several]
            )
        pairs = nearest[0][:, :, None] * _HALVES + nearest[1][:, None, :]
        return pairs.reshape(len(rows), several * several).astype(np.int64)

    def signatures(self, descriptors: Pixels) -> npt.NDArray[np.uint64]:
        bits = descriptors.astype(np.float32) @ self.rotation.T > self.middles
        return np.packbits(bits, axis=1).view(np.uint64).reshape(-1)

    def save(self, path: Path = _FILE) -> None:
        np.savez_compressed(path, centres=self.centres, rotation=self.rotation, middles=self.middles)


@cache
def shipped_words() -> PhotoWords:
    """The words that stored traces are written in."""
    with np.load(_FILE, allow_pickle=False) as arrays:
        return PhotoWords(
            arrays["centres"].astype(np.float32),
            arrays["rotation"].astype(np.float32),
            arrays["middles"].astype(np.float32),
        )
