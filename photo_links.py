"""Photographs of the database compared: a counter photo, and flagged offers, with register entries and listings.

Only what is kept as a picture file is looked at: photos that came with a list, and the listings' first pictures, small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crawler.home import Home
from matching.links import Link
from matching.photo_reading import PhotoUnreadable
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
    """The photos of the entries that are looked for, ready to be asked by pictures of listings. A context.

    A photo is read once, by the first job after its register came, and has its trace from then on.
    """

    def __init__(self, database: Database, home: Home, photos: Sequence[tuple[int, str]]) -> None:
        """`photos`: (entry id, SHA-256 of its picture)."""
        self._home = home
        self._entries: dict[str, int] = {}
        for entry, picture in photos:
            self._entries.setdefault(picture, entry)
        self._stored = StoredPhotos(database, home)
        self._stored.read_missing(self._entries)
        self._index = self._stored.index_of(self._entries)

    def __enter__(self) -> EntryPhotos:
        return self

    def __exit__(self, *_: object) -> None:
        self._stored.close()

    def ask(self, sha256: str) -> dict[int, Link]:
        """By entry the best link of a picture in the home; none where it cannot be read."""
        best: dict[int, Link] = {}
        if len(self._index):
            with suppress(PhotoUnreadable, OSError):
                for link in self._stored.ask(self._home.file_path(sha256), among=self._index):
                    best.setdefault(self._entries[link.other], link)
        return best


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
