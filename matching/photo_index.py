"""Candidates among a million photos within a gigabyte: a hash of each, and sixty of its features as words.

A feature becomes a word (two times 256 centres: 65,536 words) and a signature of 64 bits; the inverted file says which
photos have a word, and the signature which of them mean it (Hamming embedding, Jegou 2008). So a part of a picture is
found as well as the whole. What is found here is confirmed with all features by `photo_confirm`. The index holds no
truth of its own: it is rebuilt from stored traces at any time. `photo_shelf` keeps it on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from matching.photo_features import PhotoFeatures, Pixels
from matching.photo_words import WORDS, PhotoWords

Floats = npt.NDArray[np.float32]

FEATURES_KEPT = 60
"""Of each photo; 12 bytes each, so that a photo costs some 760 bytes with its hash."""
FEATURES_ASKED = 400
MOST_ENTRIES = 400_000
"""How many entries of the inverted file a query reads, those of its rarest words: this bounds its time."""
HASH_NEAR = 48
"""PDQ distance up to which a whole picture is a candidate."""
_HASHES_FOUND = 16
_WHOLE = 200_000
"""Photos from which a segment is joined with no other: joining needs the memory of both once more."""
_SIGNATURE_NEAR = 15


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What an index keeps of a photo, and a database stores: its hash, words and signatures, feature by feature."""

    hash: Pixels
    words: npt.NDArray[np.uint16]
    signatures: npt.NDArray[np.uint64]


@dataclass(frozen=True)
class PhotoCandidate:
    """A photo to compare: its number, its PDQ distance to the query (256 at most), and the weight of shared words."""

    photo: int
    hash_distance: int
    votes: float


@dataclass(frozen=True, eq=False)
class Segment:
    """Some photos by number, and their words: entries `starts[w]` to `starts[w + 1]` are those of word w.

    An entry says which row of the segment has the word (`rows`) with which signature.
    """

    photos: npt.NDArray[np.int64]
    hashes: Pixels
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.uint32]
    signatures: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {name: getattr(self, name) for name in ("photos", "hashes", "starts", "rows", "signatures")}

    @property
    def bytes_used(self) -> int:
        return sum(int(array.nbytes) for array in self.arrays.values())


Entries = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16], npt.NDArray[np.uint64]]
"""Rows, words and signatures of features."""


def make_segment(photos: npt.NDArray[np.int64], hashes: Pixels, blocks: Sequence[Entries]) -> Segment:
    """Entries in the order of their words; needs little more memory than the outcome, whatever the blocks hold."""
    counts = np.zeros(WORDS + 1, np.int64)
    for _, words, _ in blocks:
        counts[1:] += np.bincount(words, minlength=WORDS)
    starts = counts.cumsum()
    rows = np.empty(int(starts[-1]), np.uint32)
    signatures = np.empty(int(starts[-1]), np.uint64)
    filled = starts[:-1].copy()
    for of_row, words, signs in blocks:
        order = np.argsort(words, kind="stable")
        sorted_words = words[order].astype(np.int64)
        first = np.searchsorted(sorted_words, sorted_words, side="left")
        place = filled[sorted_words] + np.arange(len(order)) - first
        rows[place], signatures[place] = of_row[order], signs[order]
        filled += np.bincount(words, minlength=WORDS)
    return Segment(photos, np.ascontiguousarray(hashes), starts, rows, signatures)


def join_segments(segments: Sequence[Segment]) -> Segment:
    """One of several, their photos one after the other."""
    blocks, before = [], 0
    for segment in segments:
        words = np.repeat(np.arange(WORDS, dtype=np.uint16), np.diff(segment.starts))
        blocks.append((segment.rows + np.uint32(before), words, segment.signatures))
        before += len(segment)
    return make_segment(
        np.concatenate([segment.photos for segment in segments]),
        np.concatenate([segment.hashes for segment in segments]),
        blocks,
    )


class PhotoIndex:
    """Photos by the numbers that they are given. Not for threads.

    What is added is found at once: it waits in small segments, which are joined as they grow, each with one that is
    not much larger. So a million photos, added one by one, are written some twenty times and lie in few segments.
    """

    def __init__(self, words: PhotoWords, segments: Sequence[Segment] = ()) -> None:
        self._words = words
        self.segments: list[Segment] = list(segments)
        self._waiting: list[tuple[int, Trace]] = []
        self._blocks: list[Segment] = []
        self._removed: set[int] = set()

    def __len__(self) -> int:
        return sum(len(segment) for segment in (*self.segments, *self._blocks)) + len(self._waiting)

    @property
    def bytes_used(self) -> int:
        """What the index holds, hashes included."""
        return sum(segment.bytes_used for segment in self.segments)

    def trace_of(self, photo: PhotoFeatures) -> Trace:
        """What the index keeps of a photo: to be stored, so that a rebuild is quick."""
        return trace_of(photo, self._words)

    def add(self, photo: int, trace: Trace) -> None:
        """Adds a photo under a number that no other has."""
        self._waiting.append((photo, trace))

    def add_many(
        self,
        photos: npt.NDArray[np.int64],
        hashes: Pixels,
        words: npt.NDArray[np.uint16],
        signatures: npt.NDArray[np.uint64],
        counts: npt.NDArray[np.int64],
    ) -> None:
        """Adds photos at once: the words and signatures of all, one after the other, `counts` of each photo."""
        rows = np.repeat(np.arange(len(photos), dtype=np.uint32), counts)
        self._blocks.append(make_segment(photos, hashes, [(rows, words, signatures)]))

    def remove(self, photos: Iterable[int]) -> None:
        """They are no candidates any more; their room is freed by the next rebuild."""
        self._removed.update(photos)

    def settle(self) -> None:
        """Makes what waits searchable; called by each search, and worth calling after many additions."""
        if self._waiting:
            numbers = np.array([photo for photo, _ in self._waiting], np.int64)
            hashes = np.array([trace.hash for _, trace in self._waiting], np.uint8).reshape(-1, 32)
            self.add_many(
                numbers,
                hashes,
                np.concatenate([trace.words for _, trace in self._waiting]),
                np.concatenate([trace.signatures for _, trace in self._waiting]),
                np.array([len(trace.words) for _, trace in self._waiting], np.int64),
            )
            self._waiting = []
        if not self._blocks:
            return
        joining, self._blocks = self._blocks, []
        while self.segments and len(self.segments[-1]) < min(2 * sum(len(one) for one in joining), _WHOLE):
            joining.insert(0, self.segments.pop())
        self.segments.append(joining[0] if len(joining) == 1 else join_segments(joining))

    def candidates(self, hashes: Pixels, features: PhotoFeatures, most: int = 30) -> list[PhotoCandidate]:
        """The photos most worth comparing: those near by hash first, then those that share the most rare words."""
        self.settle()
        if not len(self):
            return []
        distance = self._near(hashes)
        photos, votes = self._votes(features.descriptors[:FEATURES_ASKED])
        by_votes = dict(zip(photos.tolist(), votes.tolist(), strict=True))
        found = sorted(distance, key=lambda n: (distance[n], n))[: most // 2]
        chosen = dict.fromkeys([*found, *photos[np.argsort(-votes, kind="stable")[: 4 * most]].tolist()])
        return [
            PhotoCandidate(number, distance.get(number, 256), float(by_votes.get(number, 0.0)))
            for number in chosen
            if number not in self._removed
        ][:most]

    def _near(self, hashes: Pixels) -> dict[int, int]:
        """Photo -> least PDQ distance to any of the hashes, of the nearest ones that are near enough."""
        distance: dict[int, int] = {}
        asked = np.ascontiguousarray(hashes)
        for segment in self.segments:
            away, rows = faiss.knn_hamming(asked, segment.hashes, min(len(segment), _HASHES_FOUND))
            close = (rows >= 0) & (away <= HASH_NEAR)
            numbers = segment.photos[rows[close]]
            for number, bits in zip(numbers.tolist(), away[close].tolist(), strict=True):
                distance[number] = min(int(bits), distance.get(number, 256))
        return distance

    def _votes(self, descriptors: Pixels) -> tuple[npt.NDArray[np.int64], Floats]:
        """Photos that share words, and how much they weigh: each feature once a photo, less the more photos have it."""
        if not len(descriptors):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        words = self._words.words(descriptors, several=2)
        signs = self._words.signatures(descriptors)
        asked = np.repeat(np.arange(len(descriptors)), words.shape[1])
        flat = words.ravel()
        entries = np.sum([segment.starts[flat + 1] - segment.starts[flat] for segment in self.segments], axis=0)
        rarest = np.argsort(entries, kind="stable")
        rarest = rarest[np.cumsum(entries[rarest]) <= MOST_ENTRIES]
        asked, flat = asked[rarest], flat[rarest]
        keys = []
        for segment in self.segments:
            begin, end = segment.starts[flat], segment.starts[flat + 1]
            length = end - begin
            whose = np.repeat(asked, length)
            offset = np.arange(int(length.sum())) - np.repeat(length.cumsum() - length, length)
            place = np.repeat(begin, length) + offset
            away = np.bitwise_count(segment.signatures[place] ^ signs[whose])
            close = np.flatnonzero(away <= _SIGNATURE_NEAR)
            keys.append(segment.photos[segment.rows[place[close]]] * len(descriptors) + whose[close])
        pairs = np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)
        of_photo, of_feature = pairs // len(descriptors), pairs % len(descriptors)
        share = np.bincount(of_feature, minlength=len(descriptors))
        photos, which = np.unique(of_photo, return_inverse=True)
        weights = (1.0 / np.sqrt(np.maximum(share, 1)))[of_feature]
        return photos, np.bincount(which, weights=weights, minlength=len(photos)).astype(np.float32)


def trace_of(photo: PhotoFeatures, words: PhotoWords) -> Trace:
    """A photo's hash, and the words and signatures of its strongest features."""
    kept = photo.descriptors[:FEATURES_KEPT]
    return Trace(photo.hash, words.words(kept)[:, 0].astype(np.uint16), words.signatures(kept))


def shared_features(features: PhotoFeatures, trace: Trace, words: PhotoWords) -> int:
    """How many features in the trace of a photo another one has too: whether it is worth opening, without opening."""
    if not len(trace.words) or not len(features.descriptors):
        return 0
    asked = features.descriptors[:FEATURES_ASKED]
    of_query, of_trace = np.nonzero((words.words(asked, several=2)[:, :, None] == trace.words[None, None]).any(axis=1))
    away = np.bitwise_count(words.signatures(asked)[of_query] ^ trace.signatures[of_trace])
    return len(np.unique(of_trace[away <= _SIGNATURE_NEAR]))
