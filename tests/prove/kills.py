"""The ways in which the proofs disturb a crawl: at a system call, or at a moment that the market or the clock gives."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

from tests.prove.market import NAME, QUERY
from tests.prove.trial import NAMES, SYNCS, Ended, Ground, Report, Site, finish, kill_group, last_call, tracing

CALLS = ("fdatasync", "fsync", "rename", "unlink", "ftruncate")
"""What strace counts one by one, each from its first to its last: strace keeps one count a call and thread."""
REQUESTS = 17
BYTES = 25_000
"""A little less than the market serves in a crawl, so that most moments come before its end."""

Disturb = Callable[[Site, Path], tuple[Ended, str]]


def at_call(call: str, number: int) -> Disturb:
    """SIGKILL as the crawl enters its `number`-th call of that name."""

    def disturb(site: Site, log: Path) -> tuple[Ended, str]:
        ended = site.crawl(tracing(log, f"{call}:signal=KILL:when={number}", calls=f"{SYNCS},{NAMES},write,{call}"))
        return ended, f"at {last_call(log)}"

    return disturb


def at_moment(seed: int) -> Disturb:
    """SIGKILL at a moment drawn from the seed: at a request, at a served byte, or some time after the start."""

    def disturb(site: Site, log: Path) -> tuple[Ended, str]:
        draw = random.Random(seed)
        reached = threading.Event()
        pause = draw.choice([0.0, 0.0, draw.uniform(0, 0.05), draw.uniform(0, 0.5), draw.uniform(0, 0.9)])
        if draw.random() < 0.5:
            request = draw.randint(1, REQUESTS)
            site.market.when(reached.set, request=request)
            where = f"{pause:.2f} s after request {request}"
        else:
            byte = draw.randint(1, BYTES)
            site.market.when(reached.set, byte=byte)
            where = f"{pause:.2f} s after body byte {byte}"
        process = site.start("crawl", NAME, "--query", QUERY, "--json")
        killer = threading.Thread(target=_kill_after, args=(reached, pause, lambda: kill_group(process)))
        killer.start()
        ended = finish(process)
        reached.set()
        killer.join()
        return ended, where

    return disturb


def _kill_after(reached: threading.Event, pause: float, kill: Callable[[], None]) -> None:
    reached.wait()
    threading.Event().wait(pause)
    kill()


def every_call(ground: Ground, call: str, generation: int, say: Callable[[Report], None]) -> int:
    """Kill at the 1st, 2nd, ... call of that name until a crawl ends undisturbed; returns how many kills that were."""
    number = 0
    while True:
        number += 1
        what = f"crawl {generation}, {call} {number}"
        report = ground.trial(what, at_call(call, number), generation=generation)
        say(report)
        if not report.reached:
            return number - 1
