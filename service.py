"""`relicwatch run`: scheduler, job processes and review desk in one place, until a signal ends them."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from rich.console import Console

from crawler.home import Home
from evidence.sealing import heal
from evidence.signing import ensure_signing_key
from markets.admission import watched_in_vain
from retention import finish_unlinking
from review.processes import desk_server, usual_processes
from scheduler import Scheduler
from storage.audit import AuditChain
from storage.database import Database

GRACE_SECONDS = 25.0
"""Jobs that have not stopped by then are killed; they go on where they were at the next start."""


def run_service(database: Database, home: Home, *, port: int, max_processes: int, console: Console) -> None:
    """Run until SIGINT or SIGTERM; a second signal stops the jobs at once. Raises DeskError where the port is taken."""
    ensure_signing_key(home)
    report = heal(database, home, chain=AuditChain())
    if report.count:
        console.print(report.sentence, highlight=False)
    unlinked = finish_unlinking(database, home).unlinked
    if unlinked:
        console.print(f"{unlinked} files whose deletion an interruption had left are gone.", highlight=False)
    for sentence in watched_in_vain(home, database):
        console.print(f"a saved search waits in vain: {sentence}", markup=False, highlight=False, soft_wrap=True)
    stop = StopSignals()
    scheduler = Scheduler(database, home, max_processes)
    with desk_server(database, home, port, processes=usual_processes()) as desk:
        scheduler.start()
        console.print(f"review desk at {desk.address} (Ctrl-C ends everything)", highlight=False)
        try:
            stop.wait()
            console.print("stopping: jobs finish what they are at", highlight=False)
        finally:
            scheduler.stop(GRACE_SECONDS, stop.again)
    console.print("stopped")


class StopSignals:
    """SIGINT and SIGTERM as something to wait for; made in the main thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.again = threading.Event()
        """Set by a second signal: do not wait any more. A third ends this process where it stands."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether a signal has come, waiting at most `seconds` for one."""
        return self._asked.wait(seconds)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked.is_set():
            self.again.set()
            for each in (signal.SIGINT, signal.SIGTERM):
                signal.signal(each, signal.SIG_DFL)
        self._asked.set()
