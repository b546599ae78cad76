"""Features of the pictures that photos are asked about, kept in memory between questions: about 100 kB a picture.

Each picture is read once, in child processes of bounded means. A question that has little time reads as many as it can;
the next one goes on from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from crawler.home import Home
from matching.links import Link
from matching.photo_features import PhotoFeatures
from matching.photo_matching import PhotoCollection
from matching.photo_reading import PhotoReader, PhotoUnreadable


@dataclass(frozen=True, slots=True)
class Compared:
    """What a photo may show. `Link.other` is the SHA-256 of a picture."""

    links: tuple[Link, ...]
    pictures: int
    """So many it was compared with."""
    unread: int
    """So many were not read yet, for want of time."""


class PhotoMemory:
    """The pictures of one home. Safe for threads: one question at a time."""

    def __init__(self, home: Home, processes: int = 2) -> None:
        self._home = home
        self._processes = processes
        self._features: dict[str, PhotoFeatures | None] = {}
        """By SHA-256; None for a file that is no picture to compare."""
        self._built: tuple[tuple[str, ...], PhotoCollection] | None = None
        self._lock = threading.Lock()

    def ask(self, wanted: Iterable[str], photo: Path, seconds: float | None = None) -> Compared:
        """Compare a photo with the pictures `wanted` (SHA-256), reading new ones for at most `seconds`.

        What is not wanted any more is forgotten. Raises PhotoUnreadable for the photo itself.
        """
        with self._lock, PhotoReader() as reader:
            query = reader.query_of(photo)
            names = list(dict.fromkeys(wanted))
            self._read(names, None if seconds is None else time.monotonic() + seconds)
            known = tuple(name for name in names if self._features.get(name) is not None)
            unread = sum(name not in self._features for name in names)
            links = self._collection(known).find(query, lambda: reader.closer_look(photo))
            return Compared(tuple(links), len(known), unread)

    def _read(self, names: list[str], deadline: float | None) -> None:
        self._features = {name: self._features[name] for name in names if name in self._features}
        waiting = iter([name for name in names if name not in self._features])
        turn = threading.Lock()

        def read() -> None:
            with PhotoReader() as reader:
                while deadline is None or time.monotonic() < deadline:
                    with turn:
                        name = next(waiting, None)
                    if name is None:
                        return
                    try:
                        found: PhotoFeatures | None = reader.features_of(self._home.file_path(name))
                    except PhotoUnreadable:
                        found = None
                    self._features[name] = found

        with ThreadPoolExecutor(self._processes) as threads:
            for one in [threads.submit(read) for _ in range(self._processes)]:
                one.result()

    def _collection(self, known: tuple[str, ...]) -> PhotoCollection:
        if self._built is None or self._built[0] != known:
            features = [one for name in known if (one := self._features[name]) is not None]
            self._built = known, PhotoCollection(known, features)
        return self._built[1]
