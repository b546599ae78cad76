"""Due watches become jobs, and each job gets a process of its own, supervised until it ends.

The truth of the schedule is `Watch.next_due_at` in the database; APScheduler only rings at those times. That of an
adaptive watch is planned anew when a crawl of it has ended (`markets.replanning`). So a watch
added by another process takes effect within seconds, and a time missed while nothing ran makes one run at start.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from crawler.free_space import space_fault
from crawler.home import Home
from markets.replanning import replan_ended
from storage.alerting_due import alerts_are_due
from storage.audit_chains import stamps_are_due
from storage.database import Database
from storage.jobs import (
    MAX_ATTEMPTS,
    ClaimedJob,
    LeaseLost,
    claim_job,
    fail_job,
    has_open_job,
    insert_job,
    list_jobs,
    outlived_claims,
    release_job,
    work_waits,
)
from storage.leases import process_holder
from storage.retention import purge_is_due
from storage.tables import Job, utc_now
from storage.watches import due_times, make_due_jobs, work_is_due

FEED_SECONDS = 2.0
SUPERVISE_SECONDS = 1.0
STOP_POLL_SECONDS = 0.05
START_LEASE_SECONDS = 120.0
"""For the process to start, load everything and take the claim over; after that its own heartbeat counts."""
AT_ONCE = ("alerts",)
"""Kinds of job that start though all processes are taken."""
CAPTURING = ("crawl", "capture")
"""Jobs that wait while the disk is nearly full; what is decided, exported or deleted goes on."""

_log = logging.getLogger(__name__)
# It warns whenever a round takes longer than its interval, which a busy database makes an everyday thing here.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)

Command = Callable[[int, int], Sequence[str]]
"""Job number and fencing token -> the command that does the job."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as a person may watch it."""

    id: int
    kind: str
    market: str | None
    state: str
    attempts: int
    progress: dict[str, Any]
    result: dict[str, Any]
    error: str | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Child:
    claimed: ClaimedJob
    process: subprocess.Popen[bytes]


class Scheduler:
    """Runs until `stop`: two threads of APScheduler, and at most `max_processes` job processes."""

    def __init__(
        self,
        database: Database,
        home: Home,
        max_processes: int = 2,
        command: Command | None = None,
        *,
        feed_seconds: float = FEED_SECONDS,
        supervise_seconds: float = SUPERVISE_SECONDS,
        retry_seconds: float | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        """`command` makes the command line of a job's process; the default is `relicwatch job`."""
        self._database = database
        self._home = home
        self._max_processes = max_processes
        self._command = command or _job_command
        self._retry_seconds = retry_seconds
        self._max_attempts = max_attempts
        self._holder = process_holder()
        self._children: list[_Child] = []
        self._lock = threading.Lock()
        self._stopping = False
        self._space_fault: str | None = None
        self._started_at = utc_now()
        self._clock = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._clock.add_job(self._feed, "interval", seconds=feed_seconds, id="feed", next_run_time=utc_now())
        self._clock.add_job(
            self._supervise, "interval", seconds=supervise_seconds, id="supervise", next_run_time=utc_now()
        )

    def start(self) -> None:
        """Begin; returns at once. Raises DatabaseError where the database is missing or of another version."""
        self._database.require_current()
        self._started_at = utc_now()
        self._clock.start()

    def stop(self, grace_seconds: float = 30.0, at_once: threading.Event | None = None) -> None:
        """Ask every job to stop, wait, then kill what is left; jobs that had not ended are queued again.

        `at_once`, set meanwhile, ends the wait.
        """
        hurry = at_once or threading.Event()
        self._stopping = True
        with self._lock:
            for child in self._children:
                if not _has_ended(child.process):
                    child.process.terminate()
        if self._clock.running:
            # Not wait=True: it waits for rounds while it holds a lock that they need. They are waited for by the lock
            # above, and those that come later return at once.
            self._clock.shutdown(wait=False)
        deadline = time.monotonic() + grace_seconds
        with self._lock:
            while not all(_has_ended(child.process) for child in self._children) and time.monotonic() < deadline:
                if hurry.wait(STOP_POLL_SECONDS):
                    break
            for child in self._children:
                if not _has_ended(child.process):
                    _log.warning("Job %s did not stop in time and is killed; it is queued again.", child.claimed.id)
                    _end_group(child.process)
            self._reap()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no job is queued or running and no watch is due; False where that takes longer."""
        deadline = time.monotonic() + timeout
        while True:
            with self._database.reading() as session:
                busy = work_is_due(session)
            if not busy:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))

    def snapshot(self) -> list[JobView]:
        """The jobs that are open or have ended since the start, the oldest first."""
        with self._database.reading() as session:
            return [_view(job) for job in reversed(list_jobs(session, since=self._started_at))]

    # -- the clock --

    def _feed(self) -> None:
        """Plan what has ended, and let the clock ring for each watch at the time the database says now.

        The ring of a watch that was paused or removed meanwhile stays: it finds nothing due.
        """
        with self._lock:
            if self._stopping:
                return
            replan_ended(self._database, self._home, self._max_processes)
            self._queue_stamps()
            self._queue_purge()
            self._queue_alerts()
            with self._database.reading() as session:
                due = due_times(session)
            rings = {job.id: job for job in self._clock.get_jobs() if job.id.startswith("watch:")}
            for watch_id, due_at in due.items():
                ring = rings.get(f"watch:{watch_id}")
                if ring is None or ring.trigger.run_date != due_at:
                    self._ring_at(watch_id, due_at)

    def _queue_stamps(self) -> None:
        """A job for trusted time where something waits for it or the log's daily head is due; one at a time."""
        with self._database.transaction() as session:
            if stamps_are_due(session) and not has_open_job(session, "stamp"):
                insert_job(session, "stamp", {}, f"stamp:{utc_now():%Y%m%dT%H%M}")

    def _queue_purge(self) -> None:
        """A job a day that deletes what has had its time; the day is its key, so that several schedulers make one."""
        with self._database.reading() as session:
            due = purge_is_due(session)
        if due:
            with self._database.transaction() as session:
                insert_job(session, "purge", {}, f"purge:{utc_now():%Y-%m-%d}")

    def _queue_alerts(self) -> None:
        """A job that tells people what they wait for, where there is anything; one at a time."""
        with self._database.reading() as session:
            due = alerts_are_due(session) and not has_open_job(session, "alerts")
        if due:
            with self._database.transaction() as session:
                insert_job(session, "alerts", {}, f"alerts:{utc_now():%Y%m%dT%H%M%S}")

    def _ring_at(self, watch_id: int, due_at: datetime) -> None:
        ring_id = f"watch:{watch_id}"
        self._clock.add_job(
            self._run_watch, "date", run_date=due_at, args=[watch_id], id=ring_id, replace_existing=True
        )

    def _run_watch(self, watch_id: int) -> None:
        with self._lock:
            if self._stopping:
                return
            made = make_due_jobs(self._database, watch_id)
        if made:
            _log.info("Watch %s is due: jobs %s", watch_id, made)

    # -- the processes --

    def _supervise(self) -> None:
        with self._lock:
            if self._stopping:
                return
            self._kill_outlived()
            self._reap()
            with self._database.reading() as session:
                if not work_waits(session):
                    return
            waiting = self._kept_waiting()
            while len(self._children) < self._max_processes:
                claimed = self._claim(but=waiting)
                if claimed is None:
                    return
                self._begin(claimed)
            # A warning of danger must not wait for the end of a crawl: one process more is there for it.
            if not any(child.claimed.kind in AT_ONCE for child in self._children):
                claimed = self._claim(AT_ONCE)
                if claimed is not None:
                    self._begin(claimed)

    def _claim(self, kinds: Sequence[str] | None = None, *, but: Sequence[str] = ()) -> ClaimedJob | None:
        return claim_job(
            self._database,
            self._holder,
            kinds,
            lease_seconds=START_LEASE_SECONDS,
            max_attempts=self._max_attempts,
            but=but,
        )

    def _kept_waiting(self) -> Sequence[str]:
        """The kinds of job that are not begun now; said once when it comes to that, and once when it is over. # RL-6"""
        before, self._space_fault = self._space_fault, space_fault(self._home)
        if self._space_fault and not before:
            _log.warning("%s", self._space_fault)
        if before and not self._space_fault:
            _log.warning("There is room on the disk again: crawls and captures go on.")
        return CAPTURING if self._space_fault else ()

    def _begin(self, claimed: ClaimedJob) -> None:
        environment = {
            **os.environ,
            "RELICWATCH_HOME": str(self._home.root),
            "RELICWATCH_DATABASE_URL": self._database.engine.url.render_as_string(hide_password=False),
        }
        try:
            self._home.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self._home.logs / f"job-{claimed.id}.log").open("ab") as output:
                process = subprocess.Popen(
                    [*self._command(claimed.id, claimed.token)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            self._fail(claimed, f"Its process could not be started ({error}).")
            return
        self._children.append(_Child(claimed, process))

    def _kill_outlived(self) -> None:
        """Kill the processes whose job was given to somebody else, has ended, or is without a heartbeat."""
        if not self._children:
            return
        with self._database.reading() as session:
            outlived = outlived_claims(session, [child.claimed for child in self._children])
        for child in self._children:
            if child.claimed in outlived and not _has_ended(child.process):
                _log.warning("The process of job %s no longer answers for it and is killed.", child.claimed.id)
                _end_group(child.process)

    def _reap(self) -> None:
        ended = [child for child in self._children if _has_ended(child.process)]
        self._children = [child for child in self._children if child not in ended]
        for child in ended:
            self._account_for(child.claimed, _end_group(child.process))

    def _account_for(self, claimed: ClaimedJob, status: int) -> None:
        """Queue the job again where its process ended without saying how the job went."""
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        log = self._home.logs / f"job-{claimed.id}.log"
        if not self._stopping:
            self._fail(claimed, f"Its process {how} without a result: see {log}.")
            return
        try:
            release_job(self._database, claimed)
        except LeaseLost:
            _log.debug("Job %s had ended by itself.", claimed.id)

    def _fail(self, claimed: ClaimedJob, error: str) -> None:
        try:
            state = fail_job(
                self._database,
                claimed,
                error,
                retry=True,
                retry_seconds=self._retry_seconds,
                max_attempts=self._max_attempts,
            )
        except LeaseLost:
            # The usual end: the process has recorded the job's result itself.
            return
        _log.warning("Job %s is %s: %s", claimed.id, state, error)


def _job_command(job_id: int, token: int) -> Sequence[str]:
    return [sys.executable, "-m", "cli", "job", str(job_id), "--token", str(token)]


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, without reaping it: until then its number, and that of its group, stays its own."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_group(process: subprocess.Popen[bytes]) -> int:
    """Kill a job's process and whatever it started (a browser), also where it has ended itself; its exit status."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        kind=job.kind,
        market=job.arguments.get("market"),
        state=job.state,
        attempts=job.attempts,
        progress=job.progress,
        result=job.result,
        error=job.error,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )
