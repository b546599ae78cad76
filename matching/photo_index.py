"""Candidates among a million photos within a gigabyte: a hash of each, and sixty of its features as words.

A feature becomes a word (two times 256 centres: 65,536 words) and a signature of 64 bits; the inverted file says which
photos have a word, and the signature which of them mean it (Hamming embedding, Jegou 2008). So a part of a picture is
found as well as the whole. What is found here is confirmed with all features by `photo_confirm`. The index holds no
truth of its own: it is rebuilt from stored features at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from matching.photo_features import PhotoFeatures, Pixels

Floats = npt.NDArray[np.float32]

WORDS = 65_536
FEATURES_KEPT = 60
"""Of each photo; 12 bytes each, so that a photo costs 752 bytes with its hash."""
FEATURES_ASKED = 400
MOST_ENTRIES = 400_000
"""How many entries of the inverted file a query reads, those of its rarest words: this bounds its time."""
HASH_NEAR = 48
"""PDQ distance up to which a whole picture is a candidate."""
_HALVES = 256
_SIGNATURE_NEAR = 15
_MOST_SEGMENTS = 6


@dataclass(frozen=True)
class PhotoCandidate:
    """A photo to compare: its number, its PDQ distance to the query (256 at most), and the weight of shared words."""

    photo: int
    hash_distance: int
    votes: float


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


@dataclass(frozen=True, eq=False)
class Segment:
    """Some photos' words, by word: entries `starts[w]` to `starts[w + 1]` are those of word w."""

    starts: npt.NDArray[np.int64]
    photos: npt.NDArray[np.uint32]
    signatures: npt.NDArray[np.uint64]

    @property
    def bytes_used(self) -> int:
        return int(self.starts.nbytes + self.photos.nbytes + self.signatures.nbytes)


Entries = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16], npt.NDArray[np.uint64]]
"""Photos, words and signatures of features, row by row."""


def make_segment(blocks: Sequence[Entries]) -> Segment:
    """Entries in the order of their words; needs little more memory than the outcome, whatever the blocks hold."""
    counts = np.zeros(WORDS + 1, np.int64)
    for _, words, _ in blocks:
        counts[1:] += np.bincount(words, minlength=WORDS)
    starts = counts.cumsum()
    photos = np.empty(int(starts[-1]), np.uint32)
    signatures = np.empty(int(starts[-1]), np.uint64)
    filled = starts[:-1].copy()
    for of_photo, words, signs in blocks:
        order = np.argsort(words, kind="stable")
        sorted_words = words[order].astype(np.int64)
        first = np.searchsorted(sorted_words, sorted_words, side="left")
        place = filled[sorted_words] + np.arange(len(order)) - first
        photos[place], signatures[place] = of_photo[order], signs[order]
        filled += np.bincount(words, minlength=WORDS)
    return Segment(starts, photos, signatures)


class PhotoIndex:
    """Photos by number, from 0 up in the order in which they are added. Not for threads.

    What is added is found at once: it waits in small segments, which are joined as they grow.
    """

    def __init__(self, words: PhotoWords) -> None:
        self._words = words
        self._hashes: Any = faiss.IndexBinaryFlat(256)
        self._segments: list[Segment] = []
        self._waiting: list[Entries] = []
        self._removed: set[int] = set()

    def __len__(self) -> int:
        return int(self._hashes.ntotal)

    @property
    def bytes_used(self) -> int:
        """What the index holds in memory, hashes included."""
        return sum(segment.bytes_used for segment in self._segments) + 32 * len(self)

    def add(self, photo: PhotoFeatures) -> int:
        """Adds a photo; returns its number."""
        return self.add_entries(photo.hash[None], *self.entries_of(photo))

    def entries_of(self, photo: PhotoFeatures) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint64]]:
        """The words and signatures that the index keeps of a photo: what to store, so that a rebuild is quick."""
        kept = photo.descriptors[:FEATURES_KEPT]
        return self._words.words(kept)[:, 0].astype(np.uint16), self._words.signatures(kept)

    def add_entries(self, hashes: Pixels, words: npt.NDArray[np.uint16], signatures: npt.NDArray[np.uint64]) -> int:
        """Adds a photo by what `entries_of` gave, or as many as there are hashes with equally many words each.

        Returns the number of the first.
        """
        first = len(self)
        photos = np.arange(first, first + len(hashes), dtype=np.uint32)
        self._hashes.add(np.ascontiguousarray(hashes))
        self._waiting.append((np.repeat(photos, len(words) // max(1, len(hashes))), words, signatures))
        return first

    def remove(self, photos: Iterable[int]) -> None:
        """They are no candidates any more; their room is freed by the next rebuild."""
        self._removed.update(photos)

    def settle(self) -> None:
        """Makes what waits searchable; called by each search, and worth calling after many additions."""
        if self._waiting:
            self._segments.append(make_segment(self._waiting))
            self._waiting = []
        if len(self._segments) > _MOST_SEGMENTS:
            self._segments[1:] = [make_segment([_as_block(segment) for segment in self._segments[1:]])]

    def candidates(self, hashes: Pixels, features: PhotoFeatures, most: int = 30) -> list[PhotoCandidate]:
        """The photos most worth comparing: those near by hash first, then those that share the most rare words."""
        self.settle()
        if not len(self):
            return []
        near, numbers = self._hashes.search(np.ascontiguousarray(hashes), min(len(self), 16))
        distance: dict[int, int] = {}
        for away, number in zip(near.ravel().tolist(), numbers.ravel().tolist(), strict=True):
            if number >= 0:
                distance[number] = min(away, distance.get(number, 256))
        photos, votes = self._votes(features.descriptors[:FEATURES_ASKED])
        by_votes = dict(zip(photos.tolist(), votes.tolist(), strict=True))
        found = [n for n, away in distance.items() if away <= HASH_NEAR]
        found = sorted(found, key=lambda n: distance[n])[: most // 2]
        chosen = dict.fromkeys([*found, *photos[np.argsort(-votes, kind="stable")].tolist()])
        return [
            PhotoCandidate(number, distance.get(number, 256), float(by_votes.get(number, 0.0)))
            for number in chosen
            if number not in self._removed
        ][:most]

    def _votes(self, descriptors: Pixels) -> tuple[npt.NDArray[np.int64], Floats]:
        """Photos that share words, and how much they weigh: each feature once a photo, less the more photos have it."""
        if not len(descriptors):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        words = self._words.words(descriptors, several=2)
        signs = self._words.signatures(descriptors)
        asked = np.repeat(np.arange(len(descriptors)), words.shape[1])
        flat = words.ravel()
        entries = np.sum([segment.starts[flat + 1] - segment.starts[flat] for segment in self._segments], axis=0)
        rarest = np.argsort(entries, kind="stable")
        rarest = rarest[np.cumsum(entries[rarest]) <= MOST_ENTRIES]
        asked, flat = asked[rarest], flat[rarest]
        keys = []
        for segment in self._segments:
            begin, end = segment.starts[flat], segment.starts[flat + 1]
            length = end - begin
            whose = np.repeat(asked, length)
            offset = np.arange(int(length.sum())) - np.repeat(length.cumsum() - length, length)
            place = np.repeat(begin, length) + offset
            away = np.bitwise_count(segment.signatures[place] ^ signs[whose])
            close = away <= _SIGNATURE_NEAR
            keys.append(segment.photos[place[close]].astype(np.int64) * len(descriptors) + whose[close])
        pairs = np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)
        of_photo, of_feature = pairs // len(descriptors), pairs % len(descriptors)
        share = np.bincount(of_feature, minlength=len(descriptors))
        photos, which = np.unique(of_photo, return_inverse=True)
        weights = (1.0 / np.sqrt(np.maximum(share, 1)))[of_feature]
        return photos, np.bincount(which, weights=weights, minlength=len(photos)).astype(np.float32)


def _as_block(segment: Segment) -> Entries:
    words = np.repeat(np.arange(WORDS, dtype=np.uint16), np.diff(segment.starts))
    return segment.photos, words, segment.signatures
