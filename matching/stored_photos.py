"""The photographs of a home that were read once, ready to be asked: which are nearest to a picture, and which show it.

    with StoredPhotos(database, home) as photos:
        photos.ask(path)            # Links, best first; `other` is the SHA-256 of a picture among the home's files
        photos.nearest(query)       # the same without opening any picture: milliseconds

Each picture's trace stands in the database (`storage.photo_traces`); the index over them lies on disk and is made anew
from the database where it lacks, is torn, or holds what was erased.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from crawler.home import Home
from matching.links import Link
from matching.photo_features import PhotoFeatures, Pixels, mirrored
from matching.photo_index import PhotoIndex, Trace
from matching.photo_matching import PhotoCollection
from matching.photo_reading import PhotoReader, PhotoUnreadable, QueryPhoto
from matching.photo_shelf import PhotoShelf
from matching.photo_words import VOCABULARY, shipped_words
from storage.database import Database
from storage.photo_traces import (
    TraceRow,
    count_traces,
    forget_traces,
    going_pictures,
    keep_traces,
    pictures_of_traces,
    traces_after,
    traces_of,
)

_AGAIN = 1000
"""Traces looked for once more: on PostgreSQL a commit with lower numbers may have come after the last reading."""
_REMEMBERED = 300
"""Pictures whose features are kept in memory between questions, about 200 kB each."""
_LEAST_QUALITY = 50
"""Below it a picture is too plain for its hash to mean anything."""
_KEPT_TOGETHER = 50
_ASKED_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class NearPhoto:
    """A stored picture worth comparing: its PDQ distance (256: not near) and the weight of the words it shares."""

    picture: str
    hash_distance: int
    votes: float


class StoredPhotos:
    """The pictures of one home. Safe for threads: one question at a time. A context: its end closes the reader."""

    def __init__(self, database: Database, home: Home) -> None:
        self._database, self._home = database, home
        self._shelf = PhotoShelf(home.photo_index)
        self._index: PhotoIndex | None = None
        self._newest = 0
        self._recent: set[int] = set()
        self._reader: PhotoReader | None = None
        self._features: OrderedDict[str, PhotoFeatures | None] = OrderedDict()
        self._lock = threading.RLock()

    def __enter__(self) -> StoredPhotos:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    @property
    def reader(self) -> PhotoReader:
        self._reader = self._reader or PhotoReader()
        return self._reader

    def __len__(self) -> int:
        """Photographs that are found."""
        with self._lock:
            return len(self._refreshed())

    def count(self) -> int:
        """Pictures that have a trace. Unlike the length it waits for no question that is under way."""
        with self._database.reading() as session:
            return count_traces(session, VOCABULARY)

    def ask(self, photo: Path, most: int = 12, among: PhotoIndex | None = None) -> list[Link]:
        """What a photograph may show, best first; `Link.other` is the SHA-256 of a stored picture.

        `among`: an index of some of the pictures (`index_of`), in place of all. Raises PhotoUnreadable for the photo
        itself.
        """
        with self._lock:
            query = self.reader.query_of(photo)
            closer: list[PhotoFeatures] = []

            def closer_look() -> PhotoFeatures:
                if not closer:
                    closer.append(self.reader.closer_look(photo))
                return closer[0]

            looks = [query.features, mirrored(query.features)]
            if query.can_be_seen_closer:
                looks.append(closer_look())
            near = dict.fromkeys(one.picture for look in looks for one in self._near(query.hashes, look, most, among))
            return self.compare(query, list(near), closer_look)

    def nearest(self, query: QueryPhoto, most: int = 30) -> list[NearPhoto]:
        """The stored pictures most worth comparing with a photo; none is opened."""
        with self._lock:
            return self._near(query.hashes, query.features, most)

    def compare(
        self,
        query: QueryPhoto,
        pictures: Sequence[str],
        closer_look: Callable[[], PhotoFeatures] | None = None,
        *,
        mirrored_too: bool = True,
    ) -> list[Link]:
        """A photo beside stored pictures, which are opened; one that cannot be read is left out."""
        with self._lock:
            known = [(name, found) for name in pictures if (found := self.features_of(name)) is not None]
            if not known:
                return []
            collection = PhotoCollection([name for name, _ in known], [found for _, found in known])
            return collection.find(query, closer_look, mirrored_too=mirrored_too)

    def features_of(self, picture: str) -> PhotoFeatures | None:
        """The features of a stored picture, read anew unless it was asked for lately; None where it cannot be read."""
        if picture not in self._features:
            try:
                self.remember(picture, self.reader.features_of(self._home.file_path(picture)))
            except (PhotoUnreadable, OSError):
                self._features[picture] = None
        self._features.move_to_end(picture)
        return self._features[picture]

    def remember(self, picture: str, features: PhotoFeatures) -> None:
        self._features[picture] = features
        while len(self._features) > _REMEMBERED:
            self._features.popitem(last=False)

    def read_missing(self, pictures: Iterable[str], seconds: float | None = None) -> int:
        """Read those that have no trace yet and keep it, for at most `seconds`; how many are left unread.

        A file that is no picture gets an empty trace, and is not read again.
        """
        wanted = list(dict.fromkeys(pictures))
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._lock:
            missing = self.without_trace(wanted)
            for start in range(0, len(missing), _KEPT_TOGETHER):
                read: dict[str, PhotoFeatures | None] = {}
                for picture in missing[start : start + _KEPT_TOGETHER]:
                    if deadline is not None and time.monotonic() >= deadline:
                        self.keep(read)
                        return len(missing) - start - len(read)
                    read[picture] = self.features_of(picture)
                self.keep(read)
        return 0

    def without_trace(self, pictures: Sequence[str]) -> list[str]:
        with self._database.reading() as session:
            known = traces_of(session, pictures, VOCABULARY)
        return [one for one in pictures if one not in known]

    def keep(self, read: dict[str, PhotoFeatures | None]) -> None:
        """Keep the traces of pictures that were read and still stand: one may be erased while it is looked at.

        They are looked for once more after the commit: whoever erases forgets what it sees, and unlinks after that.
        """
        standing = self._standing(read)
        if standing:
            with self._database.transaction() as session:
                keep_traces(session, [_row(picture, read[picture]) for picture in standing])
        if gone := set(standing) - set(self._standing(standing)):
            with self._database.transaction() as session:
                forget_traces(session, gone)

    def _standing(self, pictures: Iterable[str]) -> list[str]:
        there = [one for one in pictures if self._home.file_path(one).exists()]
        if not there:
            return []
        with self._database.reading() as session:
            going = going_pictures(session, there)
        return [one for one in there if one not in going]

    def traces(self, pictures: Collection[str]) -> dict[str, Trace]:
        with self._database.reading() as session:
            return {picture: _trace(row) for picture, row in traces_of(session, pictures, VOCABULARY).items()}

    def rebuild(self) -> int:
        """Make the index anew from the database; how many photographs it holds."""
        with self._lock:
            self._shelf.clear()
            self._index, self._newest, self._recent = PhotoIndex(shipped_words()), 0, set()
            self._read_on(self._index)
            self._index.segments = self._shelf.save(self._index.segments, 1)
            return len(self._index)

    def index_of(self, pictures: Iterable[str]) -> PhotoIndex:
        """An index of these alone, as far as they have a trace."""
        index, wanted = PhotoIndex(shipped_words()), list(pictures)
        with self._database.reading() as session:
            for start in range(0, len(wanted), _ASKED_TOGETHER):
                if rows := traces_of(session, wanted[start : start + _ASKED_TOGETHER], VOCABULARY):
                    _add(index, list(rows.values()))
        index.settle()
        return index

    def _near(
        self, hashes: Pixels, features: PhotoFeatures, most: int, among: PhotoIndex | None = None
    ) -> list[NearPhoto]:
        index = among if among is not None else self._refreshed()
        with threadpool_limits(1):  # several would wait for each other
            found = index.candidates(hashes, features, most)
        with self._database.reading() as session:
            pictures = pictures_of_traces(session, [one.photo for one in found])
        return [NearPhoto(pictures[one.photo], one.hash_distance, one.votes) for one in found if one.photo in pictures]

    def _refreshed(self) -> PhotoIndex:
        if self._index is None:
            segments = self._shelf.load()
            self._newest = max((int(segment.photos.max()) for segment in segments), default=0)
            held = sum(len(segment) for segment in segments)
            with self._database.reading() as session:
                standing = count_traces(session, VOCABULARY, up_to=self._newest)
            if held != standing:
                self.rebuild()
            else:
                self._index = PhotoIndex(shipped_words(), segments)
                numbers = [segment.photos[segment.photos > self._newest - _AGAIN] for segment in segments]
                self._recent = {int(one) for some in numbers for one in some}
        assert self._index is not None
        self._read_on(self._index)
        return self._index

    def _read_on(self, index: PhotoIndex) -> None:
        """Take in what was kept since, by whomever; where nothing was, a glance at the newest numbers says so."""
        from_ = max(0, self._newest - _AGAIN)
        with self._database.reading() as session:
            if count_traces(session, VOCABULARY, after=from_) == len(self._recent):
                return
            standing: set[int] = set()
            for rows in traces_after(session, from_, VOCABULARY):
                standing |= {row[0] for row in rows}
                fresh = [row for row in rows if row[0] not in self._recent]
                if not fresh:
                    continue
                _add(index, fresh)
                self._newest = max(self._newest, fresh[-1][0])
                index.settle()
                index.segments = self._shelf.save(index.segments)
        self._recent = {one for one in standing if one > self._newest - _AGAIN}


def _add(index: PhotoIndex, rows: Sequence[TraceRow]) -> None:
    index.add_many(
        np.array([row[0] for row in rows], np.int64),
        np.frombuffer(b"".join(_hash_of(row) for row in rows), np.uint8).reshape(-1, 32),
        np.frombuffer(b"".join(row[4] for row in rows), "<u2").astype(np.uint16, copy=False),
        np.frombuffer(b"".join(row[5] for row in rows), "<u8").astype(np.uint64, copy=False),
        np.array([len(row[4]) // 2 for row in rows], np.int64),
    )


def _hash_of(row: TraceRow) -> bytes:
    """Plain pictures have like hashes and would crowd out the rest: each gets one that nothing is near to."""
    return row[3] if row[2] >= _LEAST_QUALITY else sha256(row[1].encode()).digest()


def _trace(row: TraceRow) -> Trace:
    return Trace(
        np.frombuffer(row[3], np.uint8),
        np.frombuffer(row[4], "<u2").astype(np.uint16, copy=False),
        np.frombuffer(row[5], "<u8").astype(np.uint64, copy=False),
    )


def _row(picture: str, found: PhotoFeatures | None) -> dict[str, Any]:
    row: dict[str, Any] = {"picture": picture, "vocabulary": VOCABULARY, "quality": 0, "hash": bytes(32)}
    if found is None:
        return row | {"words": b"", "signatures": b""}
    trace = PhotoIndex(shipped_words()).trace_of(found)
    return row | {
        "quality": found.hash_quality,
        "hash": trace.hash.tobytes(),
        "words": trace.words.astype("<u2").tobytes(),
        "signatures": trace.signatures.astype("<u8").tobytes(),
    }
