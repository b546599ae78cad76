"""Pictures of flagged offers, some at a time: which stored pictures are near, and what two have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crawler.home import Home
from matching.links import Link
from matching.photo_index import shared_features
from matching.photo_matching import HASH_LINKS, STOCK_FROM, same_picture
from matching.photo_reading import PhotoUnreadable, QueryPhoto
from matching.photo_words import shipped_words
from matching.stored_photos import NearPhoto, StoredPhotos
from storage.database import Database

MOST_NEAR = 3
"""Pictures found by the index alone that are opened for one offer."""
LEAST_VOTES = 4.0
"""Weight of shared words below which a picture of a million is not opened: what is shared by chance stays below."""
LEAST_SHARED = 3
"""Features shared with the trace of a picture found by words, below which it is not opened."""


class OfferPhotos:
    """The pictures of one batch of offers. A context."""

    def __init__(self, database: Database, home: Home) -> None:
        self._home = home
        self._stored = StoredPhotos(database, home)
        self._pictures: dict[int, str] = {}
        self._photos: dict[int, QueryPhoto] = {}

    def __enter__(self) -> OfferPhotos:
        return self

    def __exit__(self, *_: object) -> None:
        self._stored.close()

    @property
    def listings(self) -> list[int]:
        """Those whose picture could be read."""
        return list(self._photos)

    def read(self, pictures: Mapping[int, str]) -> None:
        """Take the next batch: listing -> SHA-256 of its picture. One that cannot be read is left out."""
        self._pictures, self._photos = dict(pictures), {}
        same: dict[str, QueryPhoto | None] = {}
        for listing, picture in pictures.items():
            if picture not in same:
                try:
                    same[picture] = self._stored.reader.query_of(self._home.file_path(picture))
                except (PhotoUnreadable, OSError):
                    same[picture] = None
            if (photo := same[picture]) is not None:
                self._photos[listing] = photo
                self._stored.remember(picture, photo.features)
        self._stored.keep({picture: photo.features if photo else None for picture, photo in same.items()})

    def picture_of(self, listing: int) -> str:
        return self._pictures[listing]

    def near(self, listing: int) -> list[NearPhoto]:
        """The other stored pictures that may be the one of `listing`: all that hardly differ, else the few most alike.

        A picture that stands on many listings is found here in its many copies, and so known for a stock picture.
        """
        own = self._pictures[listing]
        found = [one for one in self._stored.nearest(self._photos[listing], 2 * STOCK_FROM) if one.picture != own]
        if same := [one for one in found if one.hash_distance <= HASH_LINKS]:
            return same
        alike = sorted((one for one in found if one.votes >= LEAST_VOTES), key=lambda one: -one.votes)[:MOST_NEAR]
        return [one for one in alike if one.votes >= alike[0].votes / 2]

    def worth_opening(self, listing: int, pictures: Mapping[int, str]) -> dict[int, str]:
        """Of listings found by words those whose picture shares something with the one of `listing`, as far as known.

        One that was never read is worth it: it gets its trace by that.
        """
        photo = self._photos[listing]
        self._stored.read_missing(pictures.values())
        traces = self._stored.traces(list(pictures.values()))
        return {
            other: picture
            for other, picture in pictures.items()
            if picture in traces and shared_features(photo.features, traces[picture], shipped_words()) >= LEAST_SHARED
        }

    def compare(self, listing: int, others: Mapping[int, str], stock: frozenset[str] = frozenset()) -> dict[int, Link]:
        """Listing -> what its picture has in common with the one of `listing`; none for one that cannot be read.

        What is the same as a picture of `stock` does not link: it stands on too many listings to tell of one.
        """
        photo = self._photos.get(listing)
        if photo is None or not others:
            return {}
        pictures = set(others.values())
        links: dict[str, Link] = {}
        for picture, trace in self._stored.traces(pictures).items():
            if (same := same_picture(photo, picture, trace.hash)) is not None:
                links[picture] = same
        # What words of the index found was found as it stands, and a mirrored picture is found by its hash.
        for link in self._stored.compare(photo, sorted(pictures - links.keys()), mirrored_too=False):
            links.setdefault(link.other, link)
        links = {picture: _as_stock(link) if picture in stock else link for picture, link in links.items()}
        return {other: links[picture] for other, picture in others.items() if picture in links}


def _as_stock(link: Link) -> Link:
    said = f"this picture stands on {STOCK_FROM} listings or more: a stock picture or a logo"
    return replace(link, score=min(link.score, 0.4), links=False, reasons=(*link.reasons, said))
