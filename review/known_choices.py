"""What the queue's filters can be set to, counted anew every few seconds: it changes slowly and every page shows it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from review.desk import Desk
from storage.database import Database
from storage.queue import Choices, queue_choices

SECONDS_PER_ENTRY = 0.0003
"""Counts of fifty thousand entries stand for a quarter of a minute, those of a few hits for no time."""
MANY = 5_000
"""Counting so many costs more than all else of a page: it is done once the page is on its way."""
SHOWN_SECONDS = 60.0
"""So much older than it stands a count of many may be shown."""


@dataclass(slots=True)
class _Kept:
    choices: Choices | None = None
    stands_until: float = 0.0
    shown_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, session: Session) -> Choices:
        self.choices = queue_choices(session)
        entries = sum(self.choices.bands.values())
        self.stands_until = time.monotonic() + SECONDS_PER_ENTRY * entries
        self.shown_until = self.stands_until + (SHOWN_SECONDS if entries >= MANY else 0.0)
        return self.choices


_OF_DATABASES: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


def known_choices(desk: Desk, session: Session) -> Choices:
    """The choices as they were counted last; whoever comes while another counts gets the ones before."""
    kept = _OF_DATABASES.setdefault(desk.database, _Kept())
    if kept.choices is not None and (time.monotonic() < kept.shown_until or kept.lock.locked()):
        return kept.choices
    with kept.lock:
        if kept.choices is not None and time.monotonic() < kept.shown_until:  # another counted while this one waited
            return kept.choices
        return kept.count(session)


def recount_afterwards(desk: Desk) -> BackgroundTask | None:
    """What is to be done once a page is sent: the choices counted anew, where they stand no longer."""
    kept = _OF_DATABASES.get(desk.database)
    if kept is None or time.monotonic() < kept.stands_until or kept.shown_until <= kept.stands_until:
        return None
    return BackgroundTask(_recount, desk, kept)


def _recount(desk: Desk, kept: _Kept) -> None:
    if kept.lock.acquire(blocking=False):
        try:
            with desk.reading() as session:
                kept.count(session)
        finally:
            kept.lock.release()
