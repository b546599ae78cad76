"""The desk in several processes: all of them answer, one that dies is replaced, none outlives the first."""

from __future__ import annotations

import errno
import http.client
import itertools
import os
import signal
import subprocess
import urllib.parse
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess

import psutil
import pytest

from review.processes import DeskProcesses, usual_processes
from review.server import DeskError
from storage.database import Database
from tests.conftest import eventually
from tests.crawling import Place, ended
from tests.processes import below, running


@pytest.fixture
def desk(desk_database: Database, home) -> Iterator[DeskProcesses]:
    with DeskProcesses(desk_database, home, processes=2) as started:
        yield started


def status(address: str, path: str = "/health") -> int:
    """Over a connection of its own, so that whichever process is free may take it."""
    asked = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(asked.hostname or "", asked.port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def served_by(desk: DeskProcesses) -> list[int]:
    return [place.process.pid for place in desk.processes if place.process and place.process.pid]


def test_it_answers_while_one_of_its_processes_does_not(desk: DeskProcesses) -> None:
    assert status(desk.address) == 200
    for held in served_by(desk):
        psutil.Process(held).suspend()
        try:
            os.waitid(os.P_PID, held, os.WSTOPPED)  # none of its threads takes a request any more
            assert [status(desk.address) for _ in range(5)] == [200] * 5
        finally:
            psutil.Process(held).resume()


def test_a_process_that_is_killed_is_replaced(desk: DeskProcesses) -> None:
    assert status(desk.address) == 200
    before = served_by(desk)
    for pid in before:
        psutil.Process(pid).kill()
    eventually(lambda: len(served_by(desk)) == 2 and not set(served_by(desk)) & set(before), 60)
    assert status(desk.address) == 200


def refused(times: int, monkeypatch: pytest.MonkeyPatch, after: int = 0) -> list[str]:
    """The system starts `after` more processes, then none that is asked for so many `times`; told what was refused."""
    start, told = SpawnProcess.start, []
    asked = itertools.count()

    def begin(process: SpawnProcess) -> None:
        if after <= next(asked) < after + times:
            told.append(process.name)
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        start(process)

    monkeypatch.setattr(SpawnProcess, "start", begin)
    return told


def test_where_the_system_refuses_a_process_for_a_while_one_is_started_later(
    desk: DeskProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.processes.LONGEST_REST_SECONDS", 0.01)
    told = refused(3, monkeypatch)
    before = served_by(desk)
    psutil.Process(before[0]).kill()
    eventually(lambda: len(served_by(desk)) == 2 and served_by(desk) != before)
    assert len(told) == 3 and served_by(desk)[1] == before[1]
    psutil.Process(before[1]).kill()
    assert status(desk.address) == 200


def test_a_start_that_the_system_refuses_is_told_and_leaves_nothing_behind(
    desk_database: Database, home, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(1, monkeypatch, after=1)
    desk = DeskProcesses(desk_database, home, processes=2)
    with pytest.raises(DeskError, match=r"2 processes .*unavailable.* --processes"):
        desk.start()
    assert served_by(desk) == []
    assert [one for one in running(below(os.getpid())) if "spawn_main" in one] == []
    with pytest.raises(ConnectionRefusedError):
        status(desk.address)


def test_once_stopped_none_is_left_and_nobody_listens(desk_database: Database, home) -> None:
    desk = DeskProcesses(desk_database, home, processes=2)
    desk.start()
    assert status(desk.address) == 200
    processes = [psutil.Process(pid) for pid in served_by(desk)]
    desk.stop()
    desk.stop()
    assert running(processes) == []
    with pytest.raises(ConnectionRefusedError):
        status(desk.address)


@pytest.fixture
def served(place: Place) -> Iterator[subprocess.Popen[str]]:
    """`relicwatch serve` by two processes, once it answers."""
    started = place.start("serve", "--port", "0", "--processes", "2")
    try:
        assert started.stdout is not None
        assert status(started.stdout.readline().removeprefix("review desk at ").strip()) == 200
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_them(served: subprocess.Popen[str], number: int) -> None:
    processes = below(served.pid)
    assert len(processes) >= 2
    served.send_signal(number)
    end = ended(served, 60)
    assert end.status in (-number, 128 + number), end
    eventually(lambda: running(processes) == [])


def test_they_end_where_the_first_is_killed(served: subprocess.Popen[str]) -> None:
    processes = below(served.pid)
    served.kill()
    served.wait()
    eventually(lambda: running(processes) == [], 60)
    served.communicate()


def test_a_process_is_started_for_each_core_but_not_for_each_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, 1), (2, 2), (64, 4)):
        monkeypatch.setattr("os.sched_getaffinity", lambda pid, cores=cores: set(range(cores)))
        assert usual_processes() == expected
