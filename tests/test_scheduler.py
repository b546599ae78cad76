"""The scheduler with real processes: one run a due time, bounded retries, clean ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crawler.home import Home
from scheduler import Command, Scheduler
from storage.audit import AuditChain
from storage.database import Database
from storage.deliveries import new_delivery
from storage.jobs import adopt_claim, claim_job, insert_job
from storage.leases import is_gone, process_holder
from storage.retention import purge_is_due
from storage.tables import Job, Watch, WatchPlan, utc_now
from storage.users import create_user
from storage.watches import add_watch, pause_watch
from tests.conftest import eventually

ROOT = Path(__file__).parent.parent

JOB = """
import os, signal, sys, time
from storage.database import Database
from storage.jobs import JobHeartbeat, adopt_claim, extend_lease, finish_job, release_job, save_progress
from storage.leases import process_holder

database = Database(os.environ["RELICWATCH_DATABASE_URL"])
claimed = adopt_claim(database, int(sys.argv[1]), int(sys.argv[2]), process_holder())
what, lease = claimed.arguments.get("what", "finish"), claimed.arguments.get("lease", 30)
extend_lease(database, claimed, lease)
if what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if what == "ignore":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with JobHeartbeat(database, claimed, every_seconds=0.1, lease_seconds=lease) as heartbeat:
    if what == "wait":
        signal.signal(signal.SIGTERM, lambda *_: heartbeat.should_stop.set())
    save_progress(database, claimed, {"pid": os.getpid(), "attempt": claimed.attempt})
    if what != "finish" and not (what == "wait once" and claimed.attempt > 1):
        while not heartbeat.should_stop.wait(0.05):
            pass
        release_job(database, claimed)
        sys.exit(0)
finish_job(database, claimed, {"pid": os.getpid(), "home": os.environ["RELICWATCH_HOME"]})
print("finished")
"""

SCHEDULER = """
import sys, threading
from pathlib import Path
from crawler.home import Home
from scheduler import Scheduler
from storage.database import Database

url, root, program = sys.argv[1:]
command = lambda job, token: [sys.executable, program, str(job), str(token)]
running = Scheduler(Database(url), Home(Path(root)), command=command, feed_seconds=0.1, supervise_seconds=0.1)
running.start()
print("started", flush=True)
sys.stdin.readline()
running.stop()
"""


@pytest.fixture(autouse=True)
def modules_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "job.py"
    path.write_text(JOB)
    return path


@pytest.fixture
def command(program: Path) -> Command:
    def made(job_id: int, token: int) -> Sequence[str]:
        return [sys.executable, str(program), str(job_id), str(token)]

    return made


@pytest.fixture
def scheduler(database: Database, home: Home, command: Command) -> Iterator[Scheduler]:
    made = quick(database, home, command)
    yield made
    made.stop(grace_seconds=0)


def quick(database: Database, home: Home, command: Command, **options: Any) -> Scheduler:
    options = {"feed_seconds": 0.1, "supervise_seconds": 0.1, "retry_seconds": 0} | options
    return Scheduler(database, home, command=command, **options)


def queue(database: Database, key: str = "k", kind: str = "export", **arguments: Any) -> int:
    with database.transaction() as session:
        job = insert_job(session, kind, arguments, key)
        assert job is not None
        return job.id


def watch(database: Database, **changes: Any) -> int:
    options: dict[str, Any] = {"name": "w", "markets": ["one"], "queries": ["q"], "every_seconds": 3600}
    options |= {"actor": "sami", "audit": AuditChain()} | changes
    with database.transaction() as session:
        return add_watch(session, **options).id


def jobs(database: Database) -> list[Job]:
    with database.reading() as session:
        return list(session.scalars(select(Job).order_by(Job.id)))


def states(database: Database) -> list[str]:
    return [job.state for job in jobs(database)]


def job_pid(database: Database) -> int | None:
    """The number of the process that works on the only job, once it has said so."""
    (job,) = jobs(database)
    return job.progress.get("pid") if job.state == "running" else None


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def started(database_url: str, home: Home, program: Path) -> Iterator[Callable[[], SchedulerProcess]]:
    """Starts schedulers in processes of their own; those that still run when the test is over are killed."""
    running: list[SchedulerProcess] = []

    def start() -> SchedulerProcess:
        running.append(SchedulerProcess(database_url, home, program))
        return running[-1]

    yield start
    for each in running:
        each.kill()


class SchedulerProcess:
    """`relicwatch run` in small: a scheduler in a process of its own."""

    def __init__(self, url: str, home: Home, program: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCHEDULER, url, str(home.root), str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_started(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "started\n"

    def end(self) -> None:
        self.process.communicate("\n", timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


def test_a_due_watch_runs_in_a_process_of_its_own(database: Database, home: Home, scheduler: Scheduler) -> None:
    watch_id = watch(database)
    scheduler.start()
    assert scheduler.wait_idle(60)
    (job,) = jobs(database)
    assert (job.state, job.watch_id, job.result["home"]) == ("done", watch_id, str(home.root))
    assert job.result["pid"] != os.getpid()
    assert eventually(lambda: (home.logs / f"job-{job.id}.log").read_text()) == "finished\n"
    (view,) = scheduler.snapshot()
    assert (view.id, view.market, view.state, view.attempts) == (job.id, "one", "done", 1)


def test_a_purge_is_queued_once_a_day_and_not_on_the_first(database: Database, home: Home, program: Path) -> None:
    one = Scheduler(database, home, command=lambda job, token: [sys.executable, str(program), str(job), str(token)])
    other = Scheduler(database, home)
    with database.transaction() as session:
        AuditChain().record(session, actor="n", action="made", object_kind="user", object_id=1)
    one._queue_purge()
    assert jobs(database) == []
    with database.reading() as session:
        assert not purge_is_due(session, utc_now() + timedelta(hours=23))
        assert purge_is_due(session, utc_now() + timedelta(hours=25))
    with database.transaction() as session:
        session.add(
            Job(kind="purge", arguments={}, idempotency_key="purge:before", created_at=utc_now() - timedelta(hours=25))
        )
    for scheduler in (one, other, one):
        scheduler._queue_purge()
    assert [job.idempotency_key for job in jobs(database)] == ["purge:before", f"purge:{utc_now():%Y-%m-%d}"]


def test_a_watch_added_by_another_process_takes_effect_while_the_scheduler_runs(
    database: Database, scheduler: Scheduler
) -> None:
    scheduler.start()
    code = (
        "import sys\nfrom storage.audit import AuditChain\nfrom storage.database import Database\n"
        "from storage.watches import add_watch\n"
        "with Database(sys.argv[1]).transaction() as session:\n"
        "    add_watch(session, name='new', markets=['one'], queries=[], every_seconds=60, actor='x',\n"
        "              audit=AuditChain())"
    )
    url = database.engine.url.render_as_string(hide_password=False)
    subprocess.run([sys.executable, "-c", code, url], check=True)
    eventually(lambda: states(database) == ["done"])


def test_times_missed_while_nothing_ran_make_one_run_at_start(database: Database, scheduler: Scheduler) -> None:
    # RL-25
    began = utc_now()
    watch_id = watch(database, first_due_at=began - timedelta(hours=2, minutes=30))
    scheduler.start()
    assert scheduler.wait_idle(60)
    assert states(database) == ["done"]
    with database.transaction() as session:
        due = session.get_one(Watch, watch_id).next_due_at
    assert due == began + timedelta(minutes=30)


def test_a_watch_runs_again_when_it_is_due_again(database: Database, scheduler: Scheduler) -> None:
    watch(database, every_seconds=1)
    scheduler.start()
    eventually(lambda: states(database).count("done") >= 2)


def test_an_adaptive_watch_is_planned_anew_when_its_crawl_has_ended(database: Database, scheduler: Scheduler) -> None:
    watch_id = watch(database, adaptive=True, every_seconds=86400)
    scheduler.start()

    def planned() -> WatchPlan | None:
        with database.reading() as session:
            return session.scalars(select(WatchPlan).where(WatchPlan.job_id.is_(None))).one_or_none()

    eventually(lambda: states(database) == ["done"])
    plan = eventually(planned)
    assert "gave nothing" in plan.why, "these jobs crawl nothing"
    with database.reading() as session:
        assert session.get_one(Watch, watch_id).next_due_at == plan.due_at


def test_a_paused_watch_makes_no_job(database: Database, scheduler: Scheduler) -> None:
    watch(database, first_due_at=utc_now() + timedelta(seconds=1))
    scheduler.start()
    with database.transaction() as session:
        pause_watch(session, "w", actor="sami", audit=AuditChain())
    watch(database, name="later", markets=["two"], first_due_at=utc_now() + timedelta(seconds=1))
    eventually(lambda: states(database) == ["done"])
    assert jobs(database)[0].arguments["market"] == "two"


def test_five_schedulers_at_once_run_a_due_watch_once(
    database: Database, started: Callable[[], SchedulerProcess]
) -> None:
    # RL-26
    watch(database, markets=["one", "two"], first_due_at=utc_now() + timedelta(seconds=2))
    running = [started() for _ in range(5)]
    for each in running:
        each.wait_started()
    eventually(lambda: states(database) == ["done", "done"])
    for each in running:
        each.end()
    assert [(job.state, job.attempts, job.fencing_token) for job in jobs(database)] == [("done", 1, 1)] * 2


def test_never_more_processes_than_allowed_nor_two_crawls_of_one_market(
    database: Database, home: Home, command: Command
) -> None:
    for key, market in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "three")):
        queue(database, key, "crawl", market=market, what="wait")
    scheduler = quick(database, home, command)
    scheduler.start()
    try:
        eventually(lambda: sum(bool(job.progress) for job in jobs(database)) == 2)
        assert states(database) == ["running", "queued", "running", "queued"]
        assert not scheduler.wait_idle(0.3)
        assert states(database) == ["running", "queued", "running", "queued"]
    finally:
        scheduler.stop()
    assert set(states(database)) == {"queued"}


def test_people_are_told_though_every_process_is_taken(database: Database, scheduler: Scheduler) -> None:
    """A warning of danger does not wait for the end of a crawl; a second teller of news does wait."""
    held = [queue(database, f"k{number}", what="wait") for number in range(3)]
    scheduler.start()
    eventually(lambda: states(database).count("running") == 2)
    with database.transaction() as session:
        user = create_user(session, "ann", "lead")
        new_delivery(session, user.id, "email", "test", utc_now())
    eventually(lambda: any(job.kind == "alerts" and job.state == "done" for job in jobs(database)))
    waited = [job for job in jobs(database) if job.id in held]
    assert sorted(job.state for job in waited) == ["queued", "running", "running"]


def test_a_job_that_kills_its_process_is_tried_a_bounded_number_of_times(
    database: Database, home: Home, command: Command
) -> None:
    # RL-30
    queue(database, "poison", what="die")
    queue(database, "good")
    scheduler = quick(database, home, command, max_attempts=3, max_processes=1)
    scheduler.start()
    try:
        assert scheduler.wait_idle(60)
    finally:
        scheduler.stop(grace_seconds=0)
    poison, good = jobs(database)
    assert (poison.state, poison.attempts, good.state) == ("failed", 3, "done")
    assert poison.error is not None
    assert poison.error.startswith("Given up after 3 attempts: Its process was ended by signal 9")
    assert poison.error.endswith(f"job-{poison.id}.log.")


def test_a_process_that_cannot_be_started_fails_the_job_with_the_reason(database: Database, home: Home) -> None:
    queue(database)
    scheduler = quick(database, home, lambda job, token: ["/nowhere/program"], max_attempts=1)
    scheduler.start()
    try:
        assert scheduler.wait_idle(60)
    finally:
        scheduler.stop(grace_seconds=0)
    (job,) = jobs(database)
    assert job.state == "failed"
    assert job.error is not None and "could not be started" in job.error and "/nowhere/program" in job.error


def test_a_hung_process_loses_its_job_and_is_killed(database: Database, scheduler: Scheduler) -> None:
    # RL-27
    queue(database, what="wait once", lease=3)
    scheduler.start()
    pid = eventually(lambda: job_pid(database))
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: states(database) == ["done"])
    (job,) = jobs(database)
    assert (job.attempts, job.fencing_token) == (2, 2)
    assert job.result["pid"] != pid
    eventually(lambda: ended(pid))


def test_stop_lets_jobs_end_well_within_the_grace(database: Database, scheduler: Scheduler) -> None:
    # RL-33
    queue(database, what="wait")
    scheduler.start()
    pid = eventually(lambda: job_pid(database))
    began = time.monotonic()
    scheduler.stop(grace_seconds=30)
    assert time.monotonic() - began < 15
    assert ended(pid)
    (job,) = jobs(database)
    assert (job.state, job.attempts, job.lease_holder) == ("queued", 0, None)


def test_stop_kills_what_does_not_end_and_queues_its_job_again(database: Database, scheduler: Scheduler) -> None:
    # RL-33
    queue(database, what="ignore")
    scheduler.start()
    pid = eventually(lambda: job_pid(database))
    scheduler.stop(grace_seconds=0.2)
    assert ended(pid)
    (job,) = jobs(database)
    assert (job.state, job.attempts, job.lease_holder) == ("queued", 0, None)


def test_a_second_signal_does_not_wait_for_jobs_that_do_not_stop(database: Database, scheduler: Scheduler) -> None:
    # RL-33
    queue(database, what="ignore")
    scheduler.start()
    pid = eventually(lambda: job_pid(database))
    again = threading.Event()
    stopping = threading.Thread(target=scheduler.stop, args=(600.0, again), daemon=True)
    stopping.start()
    again.set()
    stopping.join(60)
    assert not stopping.is_alive()
    assert ended(pid)
    (job,) = jobs(database)
    assert (job.state, job.attempts, job.lease_holder) == ("queued", 0, None)


def test_jobs_of_a_killed_scheduler_stop_and_the_next_scheduler_finishes_them(
    database: Database, started: Callable[[], SchedulerProcess], scheduler: Scheduler
) -> None:
    queue(database, what="wait")
    first = started()
    first.wait_started()
    pid = eventually(lambda: job_pid(database))
    first.kill()
    eventually(lambda: ended(pid))
    assert states(database) == ["queued"]
    scheduler.start()
    eventually(lambda: job_pid(database) not in (None, pid))


def test_a_job_whose_scheduler_and_process_were_both_killed_is_taken_over_at_once(
    database: Database, started: Callable[[], SchedulerProcess], scheduler: Scheduler
) -> None:
    queue(database, what="wait once")
    first = started()
    first.wait_started()
    pid = eventually(lambda: job_pid(database))
    first.process.send_signal(signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    first.kill()
    holder = jobs(database)[0].lease_holder
    assert holder is not None and eventually(lambda: is_gone(holder))
    scheduler.start()
    assert scheduler.wait_idle(60)
    assert [(job.state, job.attempts) for job in jobs(database)] == [("done", 2)]


def test_stop_ends_at_once_even_in_the_middle_of_a_round(database: Database, home: Home, command: Command) -> None:
    # RL-33: APScheduler waits for its rounds while it holds the lock they need, unless told not to.
    for _ in range(10):
        scheduler = quick(database, home, command, feed_seconds=0.01, supervise_seconds=0.01)
        scheduler.start()
        assert scheduler.wait_idle(60)
        stopping = threading.Thread(target=scheduler.stop, daemon=True)
        stopping.start()
        stopping.join(30)
        assert not stopping.is_alive()


def test_a_job_claimed_elsewhere_is_left_to_its_holder(database: Database, scheduler: Scheduler) -> None:
    mine = queue(database, "mine")
    other = queue(database, "other")
    claimed = claim_job(database, process_holder(), job_id=mine)
    assert claimed is not None
    scheduler.start()
    eventually(lambda: {job.id: job.state for job in jobs(database)}[other] == "done")
    adopt_claim(database, mine, claimed.token, process_holder())


def test_while_the_disk_is_nearly_full_nothing_is_captured_and_all_else_goes_on(
    database: Database, home: Home, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    # RL-6
    usage = shutil.disk_usage(home.root)
    monkeypatch.setattr("crawler.free_space.shutil.disk_usage", lambda _: usage._replace(free=usage.total // 100))
    waiting = [queue(database, kind, kind, market="one", listing_id=1) for kind in ("crawl", "capture")]
    done = queue(database, "e", "export")
    scheduler.start()
    eventually(lambda: state_of(database, done) == "done")
    assert [state_of(database, job) for job in waiting] == ["queued", "queued"]
    assert "below 2 % nothing new is captured: make room" in caplog.text
    monkeypatch.setattr("crawler.free_space.shutil.disk_usage", lambda _: usage._replace(free=usage.total // 2))
    eventually(lambda: [state_of(database, job) for job in waiting] == ["done", "done"])
    assert "crawls and captures go on" in caplog.text


def state_of(database: Database, job_id: int) -> str:
    with database.reading() as session:
        return session.get_one(Job, job_id).state
