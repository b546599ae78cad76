"""How often a person is written to about new hits, and when the next e-mail goes out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args

Rhythm = Literal["off", "at_once", "hourly", "daily"]
RHYTHMS: tuple[Rhythm, ...] = get_args(Rhythm)
DAILY_HOUR = 7
"""When a daily e-mail goes out, by the clock of the machine."""
GATHER = timedelta(minutes=5)
"""E-mails at once follow each other no quicker: what is found meanwhile goes into one."""


def due_moment(rhythm: str, now: datetime, last: datetime | None) -> datetime:
    """When the next e-mail about alerts goes out; `last`: when the one before it did."""
    local = now.astimezone()
    if rhythm == "hourly":
        return local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if rhythm == "daily":
        today = local.replace(hour=DAILY_HOUR, minute=0, second=0, microsecond=0)
        return today if today > local else today + timedelta(days=1)
    return max(now, last + GATHER) if last is not None else now
