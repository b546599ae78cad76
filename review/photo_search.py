"""A counter photo beside flagged listings and entries of registers: what it may show, and why, in the reader's words.

The photo lies in a temporary file while it is compared, and is then gone. Its small redrawing stays in memory for ten
minutes, for the page that shows it beside what was found.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.numbers import format_percent

from crawler.errors import RelicwatchError
from crawler.home import Home
from matching.links import Link
from matching.photo_reading import PhotoReader
from matching.stored_photos import StoredPhotos
from review.words import Words
from storage.database import Database
from storage.registers import entry_photos, listing_pictures, told_by_picture

MOST_UNREAD = 1_500
"""Of either kind the newest, that a question reads where nobody did before; all that was ever read is compared."""
SECONDS = 25.0
"""So long a question may read such pictures."""
SHOWN_SECONDS = 600.0
MOST_SHOWN = 40
MOST_AT_A_TIME = 3
"""Photos that are compared or wait for it: each holds a thread of the desk."""
STRONG, MEDIUM = 0.9, 0.3
TURNED_DEGREES = 2.0
PART_SHOWN = 0.93


class PhotoSearchBusy(RelicwatchError):
    """So many photos are being compared that another one would only wait."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listing or an entry that may show the same object."""

    kind: str
    """listing, register."""
    id: int
    told: dict[str, Any]
    sha256: str
    band: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhotoSearched:
    """What came of one photo."""

    candidates: tuple[Candidate, ...]
    pictures: int
    unread: int
    shown_as: str
    """The key of its redrawing."""


class PhotoSearch:
    """The photo search of one desk."""

    def __init__(self, database: Database, home: Home) -> None:
        self._database = database
        self._stored = StoredPhotos(database, home)
        self._shown: OrderedDict[str, tuple[float, int, bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_AT_A_TIME)

    def ready(self) -> int:
        """So many pictures can be compared now, those among them that were not read yet."""
        return self._stored.count() + len(self._stored.without_trace(self._wanted()))

    def ask(self, photo: bytes, user_id: int, words: Words) -> PhotoSearched:
        """Compare a photo with the pictures of flagged listings and of entries; no transaction may wait meanwhile.

        Raises PhotoUnreadable, PhotoSearchBusy.
        """
        if not self._places.acquire(blocking=False):
            raise PhotoSearchBusy("Other photos are being compared: try again in a minute.")
        try:
            return self._ask(photo, user_id, words)
        finally:
            self._places.release()

    def _ask(self, photo: bytes, user_id: int, words: Words) -> PhotoSearched:
        with tempfile.NamedTemporaryFile(prefix="relicwatch-photo-") as file:
            file.write(photo)
            file.flush()
            path = Path(file.name)
            with PhotoReader() as reader:
                redrawn = reader.redrawn(path)
            with self._stored as stored:
                unread = stored.read_missing(self._wanted(), SECONDS)
                links = stored.ask(path)
        with self._database.reading() as session:
            told = told_by_picture(session, {link.other for link in links}, flagged=True)
        candidates = tuple(
            Candidate(*told[link.other], link.other, _band(link), tuple(reasons_of(link, words)))
            for link in links
            if link.other in told
        )
        return PhotoSearched(candidates, self._stored.count(), unread, self._show(redrawn, user_id))

    def _wanted(self) -> list[str]:
        """The pictures that have to be read before a photo is compared with all, entries before listings."""
        with self._database.reading() as session:
            rows = [*entry_photos(session, MOST_UNREAD), *listing_pictures(session, MOST_UNREAD, flagged=True)]
        return list(dict.fromkeys(sha256 for _, sha256, _ in rows))

    def shown(self, key: str, user_id: int) -> bytes | None:
        """The redrawing, for who asked and for ten minutes."""
        with self._lock:
            at, owner, picture = self._shown.get(key, (0.0, 0, b""))
        return picture if owner == user_id and time.monotonic() - at < SHOWN_SECONDS else None

    def _show(self, picture: bytes, user_id: int) -> str:
        key, now = secrets.token_urlsafe(16), time.monotonic()
        with self._lock:
            for old in [name for name, (at, _, _) in self._shown.items() if now - at >= SHOWN_SECONDS]:
                del self._shown[old]
            while len(self._shown) >= MOST_SHOWN:
                self._shown.popitem(last=False)
            self._shown[key] = (now, user_id, picture)
        return key


def reasons_of(link: Link, words: Words) -> list[str]:
    """Why, out of the figures behind a link."""
    parts: Mapping[str, Any] = link.parts

    def share(name: str) -> str:
        return format_percent(float(parts[name]), locale=words.language)

    reasons = []
    if "taken" in parts:
        reasons.append(words("photo_why_same", bits=words.number(parts["hash_distance"])))
    if "inliers" in parts:
        reasons.append(words("photo_why_details", count=words.number(parts["inliers"]), share=share("agreeing")))
        if parts["overlap"] < PART_SHOWN:
            reasons.append(words("photo_why_part", share=share("overlap")))
        if abs(parts["turn"]) > TURNED_DEGREES:
            reasons.append(words("photo_why_turned", degrees=words.number(round(abs(parts["turn"])))))
    if "mirrored" in parts or "mirror" in str(parts.get("taken", "")):
        reasons.append(words("photo_why_mirrored"))
    if "repeats" in parts:
        reasons.append(words("photo_why_stock", count=words.number(parts["repeats"])))
    reasons += [words(f"photo_why_{name}") for name in ("same_surroundings", "too_plain") if name in parts]
    return reasons


def _band(link: Link) -> str:
    if link.links or link.score >= STRONG:
        return "strong"
    return "medium" if link.score >= MEDIUM else "weak"
