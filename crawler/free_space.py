"""Whether the disk under the home has room for new captures. What is there must still be read, decided on, exported.

Where it has none, crawls and captures wait; nothing else does. They go on by themselves once there is room. # RL-6
"""

from __future__ import annotations

import os
import shutil

from crawler.errors import UsageError
from crawler.home import Home

LEAST_FREE = "RELICWATCH_LEAST_FREE_PERCENT"
"""Environment: below this part of the disk nothing new is captured; 0 switches the guard off."""
LEAST_FREE_PERCENT = 2.0


def space_fault(home: Home) -> str | None:
    """Why nothing new is captured at this moment, in one sentence with what to do; None where there is room.

    Raises UsageError for a bound that is no percentage.
    """
    least = _least_percent()
    disk = shutil.disk_usage(home.root)
    free = 100 * disk.free / disk.total if disk.total else 0.0
    if free >= least:
        return None
    return (
        f"Only {free:.1f} % of the disk under {home.root} is free, and below {least:g} % nothing new is captured: make "
        f"room (`relicwatch purge --dry-run` shows what may go), or set {LEAST_FREE}. Crawls and captures then go on."
    )


def _least_percent() -> float:
    text = os.environ.get(LEAST_FREE) or str(LEAST_FREE_PERCENT)
    try:
        least = float(text)
    except ValueError:
        least = -1.0
    if not 0 <= least < 100:
        raise UsageError(f"{LEAST_FREE} is {text!r}: it should be a percentage of the disk, such as 2.")
    return least
