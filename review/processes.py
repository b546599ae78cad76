"""`relicwatch serve`: the desk in processes of its own, so that no reader waits while another's page is made."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from crawler.home import Home
from review.binding import ON_LOOPBACK, Binding
from review.server import DeskError, DeskServer, Listening, ServerThread
from review.words import messages
from storage.database import Database
from storage.users import LANGUAGES

MOST_PROCESSES = 4
"""So many desk processes are started unless more are asked for; each takes about 200 MB."""
STOP_SECONDS = 10.0
"""A desk process that has not ended by then is killed."""
SHORT_LIFE_SECONDS = 10.0
LONGEST_REST_SECONDS = 60.0
"""Before a process is started anew whose forerunners ended as soon as they were started."""

_log = logging.getLogger(__name__)
_SPAWN = multiprocessing.get_context("spawn")


def usual_processes() -> int:
    """One for each core that this process may use: a page is made by one, and others are asked for meanwhile."""
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def serve(
    database: Database,
    home: Home,
    port: int,
    on_ready: Callable[[str], None],
    binding: Binding = ON_LOOPBACK,
    processes: int = 1,
) -> None:
    """Serve the desk until SIGINT or SIGTERM; `on_ready` is told its address. Port 0 takes a free one.

    The signal is raised again once the desk is down (SIGINT: KeyboardInterrupt), so that the caller ends as it should.

    Raises DeskError where the port is taken, DatabaseError where the database is not of this version.
    """
    asked: list[int] = []
    come = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        come.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with desk_server(database, home, port, binding, processes) as desk:
            if processes == 1:
                load_words()
                spare_collector()
            on_ready(desk.address)
            come.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    signal.raise_signal(asked[0])


def desk_server(
    database: Database, home: Home, port: int, binding: Binding = ON_LOOPBACK, processes: int = 1
) -> DeskServer | DeskProcesses:
    """A desk that starts with `with` and then has an address."""
    if processes == 1:
        return DeskServer(database, home, port, binding)
    return DeskProcesses(database, home, port, binding, processes)


def load_words() -> None:
    """Before anybody is answered: those who came first would each read the words at the same time."""
    for language in LANGUAGES:
        messages(language)


def spare_collector() -> None:
    """What was loaded stays to the end: the collector need not walk through it while a reader waits, nor start after
    every few hundred objects of a page."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)


class DeskProcesses(Listening):
    """The desk in several processes that listen on one socket: whichever is free answers. One that dies is replaced."""

    def __init__(
        self, database: Database, home: Home, port: int = 0, binding: Binding = ON_LOOPBACK, processes: int = 2
    ) -> None:
        super().__init__(database, home, port, binding)
        self.processes = [_Place() for _ in range(processes)]
        self._keeper: threading.Thread | None = None
        self._told_to_stop, self._stop = _SPAWN.Pipe(duplex=False)

    def _begin(self, listener: socket.socket) -> None:
        try:
            for place in self.processes:
                self._fill(place, listener)
        except OSError as error:
            raise DeskError(
                f"The review desk cannot start its {len(self.processes)} processes ({error.strerror or error}): "
                "free memory, or ask for fewer with --processes."
            ) from error
        self._keeper = threading.Thread(target=self._keep, args=(listener,), name="desk processes", daemon=True)
        self._keeper.start()

    def _end(self) -> None:
        if self._keeper is not None:
            self._stop.send(None)
            self._keeper.join()
            self._keeper = None
        for place in self.processes:
            place.end()
        until = time.monotonic() + STOP_SECONDS
        for place in self.processes:
            place.join(until - time.monotonic())

    def _fill(self, place: _Place, listener: socket.socket) -> None:
        url = self.database.engine.url.render_as_string(hide_password=False)
        place.start((url, self.home.root, self.binding, listener))

    def _keep(self, listener: socket.socket) -> None:
        """Start anew what has ended, until told to stop; what ends at once is left a growing while."""
        while True:
            now = time.monotonic()
            rests = [place.until - now for place in self.processes if place.process is None]
            running = [place.process.sentinel for place in self.processes if place.process is not None]
            ready = wait([self._told_to_stop, *running], max(0.0, min(rests)) if rests else None)
            if self._told_to_stop in ready:
                return
            for place in self.processes:
                place.note_end()
                if place.process is None and place.until <= time.monotonic():
                    try:
                        self._fill(place, listener)
                    except OSError as error:  # no memory or no process to be had: the others serve on meanwhile
                        place.rest_longer()
                        _log.error("A process of the review desk could not be started (%s); tried again later.", error)


@dataclass(slots=True)
class _Place:
    """A desk process, and the next one where that ended."""

    process: SpawnProcess | None = None
    started: float = 0.0
    rest: float = 0.0
    until: float = 0.0
    """No new process before this moment, by the monotonic clock."""
    lifeline: Connection | None = field(default=None, repr=False)
    """Held by this process alone: its end is the end of the other, however this one ends."""

    def start(self, arguments: tuple[str, Path, Binding, socket.socket]) -> None:
        """Raises OSError, and is as before, where the system has no memory or process left for it."""
        held_there, self.lifeline = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(target=_serve_until_told, args=(*arguments, held_there), name="review desk")
        try:
            process.start()
        except OSError:
            self.end()
            raise
        finally:
            held_there.close()
        self.process = process
        self.started = time.monotonic()

    def note_end(self) -> None:
        """Say that the process ended, where it did, and from when on another may start."""
        if self.process is None or self.process.is_alive():
            return
        _log.error("A process of the review desk ended (exit code %s); another takes its place.", self.process.exitcode)
        self.process = None
        self.end()
        if time.monotonic() - self.started < SHORT_LIFE_SECONDS:
            self.rest_longer()
        else:
            self.rest, self.until = 0.0, 0.0

    def rest_longer(self) -> None:
        """No new process for a second, or for twice as long as the last time."""
        self.rest = min(max(1.0, self.rest * 2), LONGEST_REST_SECONDS)
        self.until = time.monotonic() + self.rest

    def end(self) -> None:
        if self.lifeline is not None:
            self.lifeline.close()
            self.lifeline = None

    def join(self, seconds: float) -> None:
        if self.process is None:
            return
        self.process.join(max(0.0, seconds))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process = None


def _serve_until_told(url: str, root: Path, binding: Binding, listener: socket.socket, lifeline: Connection) -> None:
    """A desk process: ends when the one that started it says so, or has ended itself."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to all of a group at a terminal: the first process decides
        signal.signal(number, signal.SIG_IGN)
    load_words()
    database = Database(url)
    desk = ServerThread(database, Home(root), binding, listener)
    spare_collector()
    wait([lifeline])
    desk.stop()
    database.dispose()
