"""How often and how much at once: a bucket for each token and each source, and costly work one at a time.

Counted in memory: each desk process counts for itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CALLS_A_MINUTE = 300
CALLS_AT_ONCE = 60
"""Of one token; a dear call counts as several."""
REFUSED_A_MINUTE = 30
"""Of one source: calls without a token that opens anything."""
MOST_KEPT = 10_000
"""So many buckets are held; full ones are forgotten before that."""


@dataclass(slots=True)
class Buckets:
    """Each key may spend `burst` at once and `per_minute` in the long run."""

    per_minute: float
    burst: float
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, key: str, cost: float = 1) -> int:
        """0 where this may go ahead, else after how many seconds to ask again."""
        with self._lock:
            now = self.clock()
            left = self._now(key, now)
            if left >= cost or left >= self.burst:
                self._left[key] = (left - cost, now)
                self._forget(now)
                return 0
            return max(1, round((min(cost, self.burst) - left) * 60 / self.per_minute + 0.5))

    def wait(self, key: str) -> int:
        """The same for a cost of 1, without spending it."""
        with self._lock:
            left = self._now(key, self.clock())
            return 0 if left >= 1 else max(1, round((1 - left) * 60 / self.per_minute + 0.5))

    def _now(self, key: str, now: float) -> float:
        left, at = self._left.get(key, (self.burst, now))
        return min(self.burst, left + (now - at) * self.per_minute / 60)

    def _forget(self, now: float) -> None:
        if len(self._left) > MOST_KEPT:
            self._left = {key: kept for key, kept in self._left.items() if self._now(key, now) < self.burst}


@dataclass(slots=True)
class Limits:
    """The limits of one running API."""

    calls: Buckets = field(default_factory=lambda: Buckets(CALLS_A_MINUTE, CALLS_AT_ONCE))
    refused: Buckets = field(default_factory=lambda: Buckets(REFUSED_A_MINUTE, REFUSED_A_MINUTE))
    _dear: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1))

    @contextmanager
    def one_at_a_time(self) -> Iterator[bool]:
        """Whether the place for dear work (comparing photographs) is ours; never waited for."""
        ours = self._dear.acquire(blocking=False)
        try:
            yield ours
        finally:
            if ours:
                self._dear.release()
