"""What the queue's filters can be set to, counted anew every few seconds: it changes slowly and every page shows it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from review.desk import Desk
from storage.database import Database
from storage.queue import Choices, queue_choices

SECONDS_PER_ENTRY = 0.0003
"""Counts of fifty thousand entries stand for a quarter of a minute, those of a few hits for no time."""


@dataclass(slots=True)
class _Kept:
    choices: Choices | None = None
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_OF_DATABASES: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


def known_choices(desk: Desk, session: Session) -> Choices:
    """The choices as they were counted last; whoever comes while another counts gets the ones before."""
    kept = _OF_DATABASES.setdefault(desk.database, _Kept())
    if kept.choices is not None and (time.monotonic() < kept.until or kept.lock.locked()):
        return kept.choices
    with kept.lock:
        if kept.choices is not None and time.monotonic() < kept.until:  # another counted while this one waited
            return kept.choices
        kept.choices = queue_choices(session)
        kept.until = time.monotonic() + SECONDS_PER_ENTRY * sum(kept.choices.bands.values())
        return kept.choices
