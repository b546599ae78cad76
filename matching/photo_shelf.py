"""The segments of a photo index on disk, read where they lie: a start costs nothing, and memory is the system's.

Nothing here is the truth: what is torn, lacks or is written in other words is left aside, and the index is made anew
from the database. A segment is written whole before the list of segments names it, so that a kill at any moment leaves
the list of before or the one of after.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from matching.photo_index import Segment
from matching.photo_words import VOCABULARY, WORDS

SAVED_FROM = 5_000
"""Photos that are not on disk yet: fewer are read from the database at each start, which takes milliseconds."""
_LIST = "segments.json"


class PhotoShelf:
    """The segments in one directory, which is made when needed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._names: dict[int, str] = {}
        """Which directory holds a segment, by the segment's identity in this process."""

    def load(self) -> list[Segment]:
        """The segments of the list; none where any of it cannot be trusted."""
        self._names = {}
        try:
            listed = json.loads((self._place / _LIST).read_text("utf-8"))
            if listed["vocabulary"] != VOCABULARY:
                return []
            loaded = [(str(name), _load(self._place / str(name))) for name in listed["segments"]]
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return []
        self._names = {id(segment): name for name, segment in loaded}
        return [segment for _, segment in loaded]

    def save(self, segments: Sequence[Segment], at_least: int = SAVED_FROM) -> list[Segment]:
        """Write those that are not on disk, where they hold so many photos; the segments come back as they lie there.

        Where another process writes, or the disk refuses, they come back as they were: it is tried again later.
        """
        if sum(len(one) for one in segments if id(one) not in self._names) < at_least:
            return list(segments)
        try:
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone() as is_alone:
                return self._write(segments) if is_alone else list(segments)
        except OSError:
            return list(segments)

    def clear(self) -> None:
        """What lies here goes: it is made anew."""
        self._names = {}
        shutil.rmtree(self._place, ignore_errors=True)

    def _write(self, segments: Sequence[Segment]) -> list[Segment]:
        kept: dict[str, Segment] = {}
        for segment in segments:
            name = self._names.get(id(segment))
            if name is None or not (self._place / name).is_dir():
                name = uuid.uuid4().hex
                _store(self._place / name, segment)
                segment = _load(self._place / name)
            kept[name] = segment
        written = self._place / f"{_LIST}.{uuid.uuid4().hex}"
        with written.open("w", encoding="utf-8") as file:
            json.dump({"vocabulary": VOCABULARY, "segments": list(kept)}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._place / _LIST)
        for stray in self._place.iterdir():
            if stray.is_dir() and stray.name not in kept:
                shutil.rmtree(stray, ignore_errors=True)  # whoever has it open keeps it until they close it
        self._names = {id(segment): name for name, segment in kept.items()}
        return list(kept.values())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        with (self._place / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def _store(place: Path, segment: Segment) -> None:
    place.mkdir(mode=0o700)
    for name, array in segment.arrays.items():
        with (place / f"{name}.npy").open("wb") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())


def _load(place: Path) -> Segment:
    """Raises OSError or ValueError where the files do not fit each other."""
    segment = Segment(
        *(
            np.load(place / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("photos", "hashes", "starts", "rows", "signatures")
        )
    )
    entries = int(segment.starts[-1])
    whole = (
        len(segment.starts) == WORDS + 1
        and segment.hashes.shape == (len(segment.photos), 32)
        and len(segment.rows) == len(segment.signatures) == entries
    )
    if not whole:
        raise ValueError(f"{place} does not hold a whole segment.")
    return segment
