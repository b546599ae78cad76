"""All kill proofs, with a log a person can read: `make prove`. Some ten minutes on two cores.

# RL-1 # RL-2 # RL-3 # RL-5 # RL-25 # RL-26
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tests.prove.full_disk import PLACES, full_disk
from tests.prove.kills import CALLS, at_call, at_moment, every_call, some_writes
from tests.prove.market import Market
from tests.prove.sealing import CALLS_OF_SEALING, seal_kills
from tests.prove.service import five_schedulers, service_kill, watched
from tests.prove.trial import Ground, Report, strace_works

MOMENTS = 30
SERVICE_MOMENTS = 6
WRITES = (("segment", 1, 10), ("WAL", 1, 8), ("segment", 2, 4), ("WAL", 2, 4), ("database", 1, 4))
"""File, crawl, and within how many of its writes the crawl is killed."""
WORKERS = 2

Task = Callable[[Ground], None]


class Log:
    """Lines as they come, and the sums at the end."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.faults: list[str] = []
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def say(self, line: Report | str) -> None:
        with self._lock:
            if isinstance(line, Report):
                self.reports.append(line)
            print(f"{time.monotonic() - self._began:6.0f} s  {line}", flush=True)

    def closing(self) -> str:
        kills = [report for report in self.reports if report.reached]
        return (
            f"{len(kills)} kills, {len(self.reports) - len(kills)} runs that ended before their kill; records found "
            f"again {sum(r.found_again for r in kills)}, torn bytes cut {sum(r.cut_bytes for r in kills)}, requests "
            f"repeated {sum(r.repeated for r in kills)}; {len(self.faults)} faults"
        )


@pytest.mark.prove
def test_whatever_is_killed_and_whenever_nothing_is_lost_or_doubled(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    log = Log()
    _prove(tmp_path, [*_traced(log), *_timed(log)], log, postgres_server)
    assert len([report for report in log.reports if report.reached]) > MOMENTS


@pytest.mark.prove
@pytest.mark.skipif(not strace_works(), reason="strace is absent or may not trace here")
def test_a_kill_in_the_middle_of_a_write_loses_and_doubles_nothing(tmp_path: Path) -> None:
    log = Log()

    def writes(file: str, generation: int, most: int) -> Task:
        return lambda ground: log.say(some_writes(ground, file, generation, most, log.say))

    _prove(tmp_path, [(f"crawl {one[1]}, writes to the {one[0]}", writes(*one)) for one in WRITES], log)
    assert sum(report.cut_bytes for report in log.reports) > 0, "no record was torn"


def _prove(
    directory: Path, all_tasks: list[tuple[str, Task]], log: Log, postgres: PostgresServer | None = None
) -> None:
    print()
    tasks: queue.SimpleQueue[tuple[str, Task]] = queue.SimpleQueue()
    for one in all_tasks:
        tasks.put(one)
    with ThreadPoolExecutor(WORKERS + 1) as pool:
        futures = [pool.submit(_work, directory / f"worker-{number}", tasks, log) for number in range(WORKERS)]
        if postgres is not None:
            futures.append(pool.submit(_on_postgres, directory / "postgres", postgres, log))
        for future in futures:
            future.result()
    log.say(log.closing())
    assert not log.faults, "\n\n".join(log.faults)


def _work(directory: Path, tasks: queue.SimpleQueue[tuple[str, Task]], log: Log) -> None:
    directory.mkdir()
    with Market() as market:
        ground = Ground.make(directory, market)
        while True:
            try:
                name, task = tasks.get_nowait()
            except queue.Empty:
                return
            _try(name, task, ground, log)


def _try(name: str, task: Task, ground: Ground, log: Log) -> None:
    try:
        task(ground)
    except Exception:
        # The other proofs go on: one fault must not hide the next.
        log.faults.append(f"{name}: {traceback.format_exc()}")
        log.say(f"{name}: FAULT, see the end")


def _traced(log: Log) -> list[tuple[str, Task]]:
    """Kills at system calls: fsyncs, commits and renames of a first crawl and of one that meets changes."""
    if not strace_works():
        log.say(f"strace is absent or may not trace here: {MOMENTS} seeded moments only")
        return []

    def calls(call: str, generation: int) -> Task:
        return lambda ground: log.say(
            f"crawl {generation}: killed at each of its {every_call(ground, call, generation, log.say)} {call} calls"
        )

    def seals(call: str) -> Task:
        return lambda ground: log.say(
            f"sealing: killed at each of its {seal_kills(ground, call, log.say)} {call} calls"
        )

    def full(place: str) -> Task:
        return lambda ground: log.say(full_disk(ground, place))

    return [
        *((f"crawl 1, {call}", calls(call, 1)) for call in CALLS),
        *((f"crawl 2, {call}", calls(call, 2)) for call in ("fdatasync", "fsync")),
        *((f"sealing, {call}", seals(call)) for call in CALLS_OF_SEALING),
        *((f"full disk, {place}", full(place)) for place in PLACES),
    ]


def _timed(log: Log) -> list[tuple[str, Task]]:
    def moment(seed: int) -> Task:
        power_cut = seed if seed % 3 == 0 else None
        generation = 1 + seed % 2

        def task(ground: Ground) -> None:
            disturb = at_moment(seed, ground.requests[generation])
            log.say(ground.trial(f"moment {seed}", disturb, generation=generation, power_cut=power_cut))

        return task

    def service(ground: Ground) -> None:
        origin = watched(ground)
        for seed in range(SERVICE_MOMENTS):
            log.say(service_kill(ground, origin, seed, with_jobs=seed % 2 == 0))
        log.say(five_schedulers(ground, origin))

    return [("relicwatch run", service), *((f"moment {seed}", moment(seed)) for seed in range(MOMENTS))]


def _on_postgres(directory: Path, server: PostgresServer, log: Log) -> None:
    directory.mkdir()
    with Market() as market:
        ground = Ground.make(directory, market, postgres=server)
        disturbances = [(f"PostgreSQL, moment {seed}", at_moment(seed)) for seed in (100, 102)]
        if strace_works():
            points = [("fsync", 1), ("sendto", 40), ("sendto", 70), ("sendto", 85), ("sendto", 100)]
            disturbances += [(f"PostgreSQL, {call} {number}", at_call(call, number)) for call, number in points]
        for name, disturb in disturbances:
            _try(name, lambda g, n=name, d=disturb: log.say(g.trial(n, d, generation=2)), ground, log)
