"""The local features of a collection of a few thousand photos in memory: who shares a feature, and how rare it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from matching.photo_features import PhotoFeatures

Floats = npt.NDArray[np.float32]

_NEIGHBOURS = 16
_PROBES = 8
_SLACK = 1.15
_TRAINED_ON = 30_000


@dataclass(frozen=True)
class Neighbours:
    """For each feature of a query its nearest ones in the collection: n x k, nearest first.

    `rows`: which feature of that photo. Where fewer were found, the photo is -1 and the distance infinite.
    """

    photos: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    distances: Floats


_FEW_FEATURES = 20_000
_THREADS = faiss.omp_get_max_threads()


class FeaturePool:
    """All features of the photos given, ready to be asked for their neighbours."""

    def __init__(self, photos: Sequence[PhotoFeatures]) -> None:
        counts = [len(one.points) for one in photos]
        self._photo = np.repeat(np.arange(len(photos)), counts).astype(np.int64)
        self._row = np.concatenate(
            [np.arange(count, dtype=np.int64) for count in counts] or [np.zeros(0, np.int64)]
        ).astype(np.int64)
        self._size = len(photos)
        total = int(sum(counts))
        lists = max(1, min(2048, int(np.sqrt(total))))
        if total < 4000:
            lists = 1
        quantizer = faiss.IndexFlatL2(128)
        self._index: Any = faiss.IndexIVFScalarQuantizer(
            quantizer, 128, lists, faiss.ScalarQuantizer.QT_8bit_direct, faiss.METRIC_L2
        )
        self._index.cp.seed = 7
        self._index.cp.min_points_per_centroid = 1
        self._index.cp.niter = 5
        self._index.nprobe = min(lists, _PROBES)
        if total == 0:
            return
        rng = np.random.default_rng(7)
        take = np.sort(rng.permutation(total)[:_TRAINED_ON])
        starts = np.concatenate([[0], np.cumsum(counts)])
        sample = [
            photo.descriptors[take[(take >= starts[n]) & (take < starts[n + 1])] - starts[n]]
            for n, photo in enumerate(photos)
        ]
        self._index.train(np.concatenate(sample).astype(np.float32))
        for photo in photos:
            if len(photo.descriptors):
                self._index.add(photo.descriptors.astype(np.float32))

    def neighbours(self, query: PhotoFeatures) -> Neighbours:
        if not len(query.descriptors) or not len(self._photo):
            none = np.zeros((len(query.points), 0), np.int64)
            return Neighbours(none, none, none.astype(np.float32))
        # Threads that wait for each other cost a few photos more than they save.
        faiss.omp_set_num_threads(1 if len(self._photo) < _FEW_FEATURES else _THREADS)
        squares, rows = self._index.search(query.descriptors.astype(np.float32), _NEIGHBOURS)
        photos = np.where(rows >= 0, self._photo[rows], -1)
        return Neighbours(
            photos,
            np.where(rows >= 0, self._row[rows], -1),
            np.sqrt(np.where(rows >= 0, squares, np.inf)).astype(np.float32),
        )

    def votes(self, near: Neighbours) -> Floats:
        """For each photo how many features of the query point to it: those that point to many count less."""
        votes = np.zeros(self._size, np.float32)
        if near.photos.shape[1] == 0:
            return votes
        reach = near.distances[:, -1:]
        reach = np.where(
            np.isfinite(reach),
            reach,
            np.nanmax(np.where(np.isfinite(near.distances), near.distances, np.nan), axis=1, keepdims=True),
        )
        gain = np.maximum(0.0, 1.0 - (near.distances / np.maximum(reach, 1e-6)) ** 2)
        for place in range(near.photos.shape[1]):
            seen = (near.photos[:, :place] == near.photos[:, place : place + 1]).any(axis=1)
            valid = ~seen & (near.photos[:, place] >= 0)
            np.add.at(votes, near.photos[valid, place], gain[valid, place])
        return votes


def pairs_with(photo: int, near: Neighbours) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The pairs of features that the neighbours hold for a photo: rows of the query and of the photo."""
    mine = near.photos == photo
    rows = np.flatnonzero(mine.any(axis=1))
    return rows, near.rows[rows, mine[rows].argmax(axis=1)].astype(np.intp)


def rarity_towards(photo: int, near: Neighbours, own: npt.NDArray[np.bool_] | None = None) -> Floats:
    """For each feature of a query how much it counts for a photo: 1 where no other photo has one like it, else less."""
    if near.photos.shape[1] == 0:
        return np.ones(len(near.photos), np.float32)
    mine = near.photos == photo
    to_mine = np.where(mine, near.distances, np.inf).min(axis=1)
    limit = np.where(np.isfinite(to_mine), to_mine * _SLACK + 1e-3, np.inf)
    other = (near.photos >= 0) & ~mine & (near.distances < limit[:, None])
    if own is not None:
        other &= ~own[np.maximum(near.photos, 0)]
    count = np.zeros(len(near.photos), np.int64)
    for place in range(near.photos.shape[1]):
        repeated = (near.photos[:, :place] == near.photos[:, place : place + 1]) & other[:, :place]
        count += other[:, place] & ~repeated.any(axis=1)
    return (1.0 / (1.0 + count) ** 2).astype(np.float32)
