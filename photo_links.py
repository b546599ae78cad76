"""Photographs of the database compared: a counter photo, and flagged offers, with register entries and listings.

Only what is kept as a picture file is looked at: photos that came with a list, and the listings' first pictures, small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crawler.home import Home
from matching.links import Link
from matching.photo_matching import PhotoCollection
from matching.photo_reading import PhotoReader, PhotoUnreadable, read_photos
from matching.stored_photos import StoredPhotos
from storage.database import Database
from storage.registers import entry_photos, listing_pictures, told_by_picture

MOST_PHOTOS = 5_000
"""Of either kind the newest, that are read where nobody did before; all that was ever read is compared."""


@dataclass(frozen=True, slots=True)
class PhotoAnswer:
    """What a photo may show: an entry of a register, or a stored listing."""

    kind: str
    """register or listing."""
    id: int
    told: Mapping[str, Any]
    link: Link


class EntryPhotos:
    """The photos of the entries that are looked for, ready to be asked by pictures of listings."""

    def __init__(self, home: Home, photos: Sequence[tuple[int, str]]) -> None:
        """`photos`: (entry id, SHA-256 of its picture)."""
        self._home = home
        self._entries: dict[str, int] = {}
        names, features = [], []
        by_path = {home.file_path(sha256): entry for entry, sha256 in photos}
        for path, found in read_photos(by_path, processes=2):
            if not isinstance(found, PhotoUnreadable):
                names.append(path.name)
                features.append(found)
                self._entries[path.name] = by_path[path]
        self._collection = PhotoCollection(names, features)
        self._reader = PhotoReader() if names else None

    def ask(self, sha256: str) -> dict[int, Link]:
        """By entry the best link of a picture in the home; none where it cannot be read."""
        if self._reader is None:
            return {}
        path = self._home.file_path(sha256)
        best: dict[int, Link] = {}
        try:
            reader = self._reader
            links = self._collection.find(reader.query_of(path), lambda: reader.closer_look(path))
        except (PhotoUnreadable, OSError):
            return {}
        for link in links:
            best.setdefault(self._entries[link.other], link)
        return best

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


def ask_photo(database: Database, home: Home, photo: Path) -> Iterator[PhotoAnswer]:
    """What a photograph may show, best first: register entries and listings alike. Raises PhotoUnreadable."""
    with database.reading() as session:
        rows = [*entry_photos(session, MOST_PHOTOS), *listing_pictures(session, MOST_PHOTOS)]
    with StoredPhotos(database, home) as stored:
        stored.read_missing(sha256 for _, sha256, _ in rows)
        try:
            links = stored.ask(photo)
        except PhotoUnreadable as error:
            raise PhotoUnreadable(f"{photo} cannot be looked at: {error}.") from error
    with database.reading() as session:
        told = told_by_picture(session, {link.other for link in links})
    for link in links:
        if link.other in told:
            yield PhotoAnswer(*told[link.other], replace(link, other=home.file_path(link.other).as_posix()))
