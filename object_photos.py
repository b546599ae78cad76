"""Pictures of flagged offers, some at a time: the keys under which copies meet, and what two have in common."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from crawler.home import Home
from matching.links import Link
from matching.photo_matching import PhotoCollection
from matching.photo_reading import PhotoReader, PhotoUnreadable, QueryPhoto

_BANDS = 16
"""A hash of 256 bits is cut into so many; a copy that differs in 24 bits still shares some three of them."""
LEAST_PHOTO_KEYS = 2
_LEAST_QUALITY = 50
"""Below it a picture is too plain for its hash to mean anything."""


class OfferPhotos:
    """The pictures of one batch of offers; the reader's process is started with the first."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._reader: PhotoReader | None = None
        self._pictures: dict[int, str] = {}
        self._photos: dict[int, QueryPhoto] = {}

    def __enter__(self) -> OfferPhotos:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()

    @property
    def listings(self) -> list[int]:
        """Those whose picture could be read."""
        return list(self._photos)

    def read(self, pictures: Mapping[int, str]) -> None:
        """Take the next batch: listing -> SHA-256 of its picture. One that cannot be read is left out."""
        self._pictures, self._photos = dict(pictures), {}
        for listing, sha256 in pictures.items():
            self._reader = self._reader or PhotoReader()
            try:
                self._photos[listing] = self._reader.query_of(self._home.file_path(sha256))
            except (PhotoUnreadable, OSError):
                continue

    def kept_keys(self, listing: int) -> list[int]:
        """Under which its copies find it."""
        photo = self._photos.get(listing)
        return [] if photo is None or _is_plain(photo) else hash_keys(photo.features.hash.tobytes())

    def asked_keys(self, listing: int) -> list[int]:
        """Under which its copies are found, turned and mirrored ones too."""
        photo = self._photos.get(listing)
        if photo is None or _is_plain(photo):
            return []
        return sorted({key for one in photo.hashes for key in hash_keys(one.tobytes())})

    def compare(self, listing: int, others: Mapping[int, str]) -> dict[int, Link]:
        """Listing -> what its picture has in common with the one of `listing`; none for one that cannot be read."""
        reader, photo = self._reader, self._photos.get(listing)
        if reader is None or photo is None:
            return {}
        names, features = [], []
        for other, sha256 in others.items():
            if other in self._photos:
                names.append(str(other))
                features.append(self._photos[other].features)
                continue
            try:
                features.append(reader.features_of(self._home.file_path(sha256)))
            except (PhotoUnreadable, OSError):
                continue
            names.append(str(other))
        path = self._home.file_path(self._pictures[listing])
        try:
            found = PhotoCollection(names, features).find(photo, lambda: reader.closer_look(path)) if names else []
        except (PhotoUnreadable, OSError):
            return {}
        best: dict[int, Link] = {}
        for link in found:
            best.setdefault(int(link.other), link)
        return best


def _is_plain(photo: QueryPhoto) -> bool:
    return photo.features.hash_quality < _LEAST_QUALITY


def hash_keys(digest: bytes) -> list[int]:
    """Of a picture's PDQ hash: a key for each of its parts."""
    width = len(digest) // _BANDS
    parts = (digest[at * width : (at + 1) * width].hex() for at in range(_BANDS))
    return [
        int.from_bytes(blake2b(f"p {band} {part}".encode(), digest_size=8).digest(), "big", signed=True)
        for band, part in enumerate(parts)
    ]
