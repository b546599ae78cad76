"""The ways in which the proofs disturb a crawl: at a system call, or at a moment that the market or the clock gives."""

from __future__ import annotations

import contextlib
import os
import random
import re
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from tests.prove.market import NAME, QUERY
from tests.prove.trial import (
    NAMES,
    SYNCS,
    Ended,
    Ground,
    Report,
    Site,
    database_of,
    finish,
    kill_group,
    last_call,
    segment_of,
    tracing,
    wal_of,
)

CALLS = ("fdatasync", "fsync", "rename", "unlink", "ftruncate")
"""What strace counts one by one, each from its first to its last: strace keeps one count a call and thread."""
REQUESTS = 17
BYTES = 25_000
"""A little less than the market serves in a crawl, so that most moments come before its end."""

WRITTEN: dict[str, tuple[str, Callable[[Site], Path]]] = {
    "segment": ("write", segment_of),
    "WAL": ("pwrite64", wal_of),
    "database": ("pwrite64", database_of),
}
"""What is torn in the middle of a write: the call that writes it, and the file."""
NEVER = 65_535
"""The number of a call that no crawl reaches: the highest that strace takes."""
_BUFFER = 1 << 20
_FULL_WAL = 970 * 4120
"""Some pages below the thousand at which SQLite copies its WAL into the database."""

Disturb = Callable[[Site, Path], tuple[Ended, str]]


def at_call(call: str, number: int) -> Disturb:
    """SIGKILL as the crawl enters its `number`-th call of that name."""

    def disturb(site: Site, log: Path) -> tuple[Ended, str]:
        ended = site.crawl(tracing(log, f"{call}:signal=KILL:when={number}", calls=f"{SYNCS},{NAMES},write,{call}"))
        return ended, f"at {last_call(log)}"

    return disturb


def at_write(file: str, number: int) -> Disturb:
    """SIGKILL in the middle of the crawl's `number`-th write to that file: a part of its bytes, drawn from the number.

    strace can kill before a write and after it, not within; so the kill comes before, and the part is written then,
    at the place and with the bytes that the crawl was about to write.
    """

    def disturb(site: Site, log: Path) -> tuple[Ended, str]:
        call, path_of = WRITTEN[file]
        if file == "database":
            _fill_wal(site)
        calls = f"{SYNCS},{NAMES},write,pwrite64"
        # The segment stands in the trace of every kill: what the database promises of it is compared with that.
        paths = [path_of(site)] if file == "segment" else [path_of(site), segment_of(site)]
        ended = site.crawl(tracing(log, f"{call}:signal=KILL:when={number}", calls=calls, paths=paths, letters=_BUFFER))
        if not ended.killed:
            return ended, f"never: {len(_writes(log, call, path_of(site)))} writes"
        torn, whole = _tear(log, call, path_of(site), random.Random(number))
        return ended, f"in {call}({path_of(site).name}), {torn} of its {whole} bytes written"

    return disturb


def _writes(log: Path, call: str, path: Path) -> list[re.Match[str]]:
    """Text of the buffer, its length, and for pwrite64 the offset, of each write to the file."""
    pattern = rf'^\d+ +{call}\(\d+<{re.escape(str(path))}>, "((?:[^"\\]|\\.)*)", (\d+)(?:, (\d+))?'
    return list(re.finditer(pattern, log.read_text("ascii"), re.MULTILINE))


def _tear(log: Path, call: str, path: Path, draw: random.Random) -> tuple[int, int]:
    """Write a part of what the last traced write was about to write; returns how much of how much."""
    last = _writes(log, call, path)[-1]
    body = last[1].encode("ascii").decode("unicode_escape").encode("latin-1")
    assert len(body) == int(last[2]), "the trace does not hold the whole buffer"
    torn = draw.randint(1, len(body) - 1)
    with path.open("r+b") as out:
        out.seek(*((int(last[3]), os.SEEK_SET) if last[3] else (0, os.SEEK_END)))
        out.write(body[:torn])
    return torn, len(body)


def _fill_wal(site: Site) -> None:
    """Bring the WAL near the size at which SQLite copies it into the database, so that a crawl lives to see that."""
    database, wal = database_of(site), wal_of(site)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        while wal.stat().st_size < _FULL_WAL:
            connection.execute(f"PRAGMA user_version={version + 1}")
            connection.execute(f"PRAGMA user_version={version}")
        kept = database.read_bytes(), wal.read_bytes()
    database.write_bytes(kept[0])  # closing it has copied the WAL
    wal.write_bytes(kept[1])


def at_moment(seed: int, requests: int = REQUESTS) -> Disturb:
    """SIGKILL at a moment drawn from the seed: at a request or a served byte of a crawl of so many requests."""

    def disturb(site: Site, log: Path) -> tuple[Ended, str]:
        draw = random.Random(seed)
        reached = threading.Event()
        pause = draw.choice([0.0, 0.0, draw.uniform(0, 0.05), draw.uniform(0, 0.5), draw.uniform(0, 0.9)])
        if draw.random() < 0.5:
            request = draw.randint(1, requests)
            site.market.when(reached.set, request=request)
            where = f"{pause:.2f} s after request {request}"
        else:
            byte = draw.randint(1, BYTES * requests // REQUESTS)
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


def some_writes(ground: Ground, file: str, generation: int, most: int, say: Callable[[Report], None]) -> str:
    """Kill within so many of the crawl's writes to that file, its first among them; says within how many.

    How many there are differs a little from run to run (commits are grouped by time), so the last may not be reached.
    """
    counted = ground.trial(f"crawl {generation}, {file}", at_write(file, NEVER), generation=generation)
    found = re.search(r"(\d+) writes", counted.where)
    assert found is not None and int(found[1]) > 1, counted
    writes = int(found[1])
    say(counted)
    numbers = sorted({1, *random.Random(most).sample(range(2, writes + 1), min(writes, most) - 1)})
    reached = 0
    for number in numbers:
        what = f"crawl {generation}, {file}, write {number}"
        report = ground.trial(what, at_write(file, number), generation=generation)
        say(report)
        reached += report.reached
    assert reached >= 2 * len(numbers) / 3, "hardly a write was reached"
    return f"crawl {generation}: killed within {reached} of its {writes} writes to the {file}"
