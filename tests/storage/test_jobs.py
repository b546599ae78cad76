"""The queue: inserted once, claimed by one, finished only by the last claimant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from storage.database import Database
from storage.jobs import (
    ClaimedJob,
    JobHeartbeat,
    LeaseLost,
    adopt_claim,
    claim_job,
    extend_lease,
    fail_job,
    finish_job,
    insert_job,
    job_by_key,
    list_jobs,
    outlived_claims,
    release_job,
    save_progress,
)
from storage.leases import is_gone, process_holder
from storage.tables import Job, utc_now
from tests.conftest import eventually

ELSEWHERE = "another-machine:1:x"


def queue(database: Database, key: str = "k", kind: str = "export", **arguments: Any) -> int:
    with database.transaction() as session:
        job = insert_job(session, kind, arguments, key)
        assert job is not None
        return job.id


def stored(database: Database, job_id: int) -> Job:
    with database.transaction() as session:
        return session.get_one(Job, job_id)


def claimed_by(database: Database, holder: str = ELSEWHERE, **options: Any) -> ClaimedJob:
    claimed = claim_job(database, holder, **options)
    assert claimed is not None
    return claimed


def dead_holder() -> str:
    """The holder string of a process that was there and has ended."""
    code = "from storage.leases import process_holder; print(process_holder())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_key_is_queued_once(database: Database) -> None:
    first = queue(database, "same")
    with database.transaction() as session:
        assert insert_job(session, "export", {}, "same") is None
        found = job_by_key(session, "same")
        assert found is not None and found.id == first
    with database.transaction() as session:
        assert len(list_jobs(session)) == 1


def test_five_inserts_at_once_queue_one_job(database_url: str) -> None:
    # RL-26
    together = threading.Barrier(5)

    def insert() -> bool:
        own = Database(database_url)
        together.wait()
        with own.transaction() as session:
            made = insert_job(session, "crawl", {"market": "m"}, "same") is not None
        own.dispose()
        return made

    with ThreadPoolExecutor(5) as pool:
        made = [future.result() for future in [pool.submit(insert) for _ in range(5)]]
    assert sorted(made) == [False, False, False, False, True]


def test_five_claims_at_once_give_five_jobs_to_five_holders(database_url: str, database: Database) -> None:
    jobs = {queue(database, str(number)) for number in range(4)}
    together = threading.Barrier(5)

    def claim(number: int) -> int | None:
        own = Database(database_url)
        together.wait()
        claimed = claim_job(own, f"{ELSEWHERE}{number}")
        own.dispose()
        return claimed.id if claimed else None

    with ThreadPoolExecutor(5) as pool:
        got = list(pool.map(claim, range(5)))
    assert got.count(None) == 1
    assert {job for job in got if job} == jobs


def test_the_oldest_job_is_claimed_first_and_only_of_the_kinds_asked_for(database: Database) -> None:
    first, second = queue(database, "a", "export"), queue(database, "b", "capture")
    assert claimed_by(database, kinds=["capture"]).id == second
    assert claimed_by(database).id == first
    assert claim_job(database, ELSEWHERE) is None


def test_a_named_job_is_claimed_and_no_other(database: Database) -> None:
    queue(database, "a")
    second = queue(database, "b")
    assert claimed_by(database, job_id=second).id == second
    assert claim_job(database, ELSEWHERE, job_id=second) is None


def test_a_job_waits_for_its_time(database: Database) -> None:
    with database.transaction() as session:
        insert_job(session, "export", {}, "later", not_before=utc_now() + timedelta(hours=1))
    assert claim_job(database, ELSEWHERE) is None


def test_one_crawl_a_market_at_a_time(database: Database) -> None:
    queue(database, "a", "crawl", market="one")
    queue(database, "b", "crawl", market="one")
    third = queue(database, "c", "crawl", market="two")
    first = claimed_by(database)
    assert claimed_by(database).id == third
    assert claim_job(database, ELSEWHERE) is None
    finish_job(database, first, {})
    assert claimed_by(database).arguments == {"market": "one"}


def test_a_finished_job_keeps_its_result_and_nobody_holds_it(database: Database) -> None:
    job_id = queue(database)
    claimed = claimed_by(database)
    save_progress(database, claimed, {"pages": 3})
    finish_job(database, claimed, {"listings": 7})
    job = stored(database, job_id)
    assert (job.state, job.progress, job.result, job.lease_holder) == ("done", {"pages": 3}, {"listings": 7}, None)
    assert job.started_at is not None and job.finished_at is not None and job.started_at <= job.finished_at
    assert claim_job(database, ELSEWHERE) is None


def test_a_job_whose_lease_ran_out_is_taken_over_and_its_late_result_refused(database: Database) -> None:
    # RL-27
    job_id = queue(database)
    late = claimed_by(database, lease_seconds=0)
    new = claimed_by(database)
    assert (new.id, new.token, new.attempt) == (job_id, late.token + 1, 2)
    writes: list[Callable[[], object]] = [
        lambda: extend_lease(database, late),
        lambda: save_progress(database, late, {"pages": 1}),
        lambda: finish_job(database, late, {"listings": 1}),
        lambda: fail_job(database, late, "late", retry=True),
        lambda: release_job(database, late),
        lambda: adopt_claim(database, job_id, late.token, "late"),
    ]
    for write in writes:
        with pytest.raises(LeaseLost, match=f"Job {job_id} is no longer"):
            write()
    finish_job(database, new, {"listings": 2})
    assert stored(database, job_id).result == {"listings": 2}


def test_a_job_with_a_living_holder_is_left_alone(database: Database) -> None:
    queue(database)
    claimed_by(database, process_holder())
    assert claim_job(database, ELSEWHERE) is None


def test_a_job_of_a_dead_process_on_this_machine_is_taken_over_at_once(database: Database) -> None:
    job_id = queue(database)
    claimed_by(database, dead_holder(), lease_seconds=3600)
    assert claimed_by(database).id == job_id


def test_a_failed_job_is_tried_again_later_and_given_up_in_the_end(database: Database) -> None:
    # RL-30
    job_id = queue(database)
    for attempt in (1, 2):
        claimed = claimed_by(database)
        assert claimed.attempt == attempt
        assert fail_job(database, claimed, "no answer", retry=True, retry_seconds=0, max_attempts=3) == "queued"
    assert fail_job(database, claimed_by(database), "no answer", retry=True, max_attempts=3) == "failed"
    job = stored(database, job_id)
    assert (job.state, job.error) == ("failed", "Given up after 3 attempts: no answer")
    assert claim_job(database, ELSEWHERE) is None


def test_the_pause_before_the_next_try_grows(database: Database) -> None:
    job_id = queue(database)
    fail_job(database, claimed_by(database), "no answer", retry=True)
    not_before = stored(database, job_id).not_before
    assert not_before is not None and 3 < (not_before - utc_now()).total_seconds() <= 5
    assert claim_job(database, ELSEWHERE) is None


def test_a_failure_that_trying_again_cannot_mend_is_final(database: Database) -> None:
    job_id = queue(database)
    assert fail_job(database, claimed_by(database), "unknown market", retry=False) == "failed"
    assert stored(database, job_id).error == "unknown market"


def test_a_job_that_kills_its_process_each_time_is_given_up_with_its_last_error(database: Database) -> None:
    # RL-30
    job_id = queue(database)
    fail_job(database, claimed_by(database), "out of memory", retry=True, retry_seconds=0)
    for _ in range(2):
        last = claimed_by(database, lease_seconds=0, max_attempts=3)
    assert claim_job(database, ELSEWHERE, max_attempts=3) is None
    job = stored(database, job_id)
    assert job.state == "failed"
    assert job.error is not None and job.error.startswith("Given up after 3 attempts") and "out of memory" in job.error
    with pytest.raises(LeaseLost):
        finish_job(database, last, {})


def test_a_released_job_is_queued_again_and_the_attempt_does_not_count(database: Database) -> None:
    queue(database)
    release_job(database, claimed_by(database))
    assert claimed_by(database).attempt == 1


def test_the_started_process_takes_the_claim_over_and_knows_who_started_it(database: Database) -> None:
    job_id = queue(database, key="x", kind="crawl", market="m")
    claimed = claimed_by(database, "scheduler:1:a")
    adopted = adopt_claim(database, job_id, claimed.token, process_holder())
    assert (adopted.token, adopted.arguments, adopted.started_by) == (claimed.token, {"market": "m"}, "scheduler:1:a")
    assert stored(database, job_id).lease_holder == process_holder()
    finish_job(database, adopted, {})


def test_processes_that_outlived_their_claim_are_named(database: Database) -> None:
    for key in ("taken", "silent", "alive"):
        queue(database, key)
    taken, silent = claimed_by(database, lease_seconds=0), None
    claimed_by(database, job_id=taken.id)
    silent = claimed_by(database, lease_seconds=0)
    alive = claimed_by(database, job_id=3)
    with database.transaction() as session:
        assert outlived_claims(session, [taken, silent, alive]) == [taken, silent]


def test_the_heartbeat_holds_the_lease(database: Database) -> None:
    job_id = queue(database)
    claimed = claimed_by(database, lease_seconds=0.5)
    before = stored(database, job_id).lease_until
    assert before is not None
    with JobHeartbeat(database, claimed, lease_seconds=30, every_seconds=0.05) as heartbeat:
        eventually(lambda: (stored(database, job_id).lease_until or before) > before + timedelta(seconds=20))
    assert not heartbeat.should_stop.is_set()


def test_the_heartbeat_says_when_the_lease_is_lost(database: Database) -> None:
    # RL-27
    queue(database)
    claimed = claimed_by(database, lease_seconds=0)
    claimed_by(database)
    told: list[str] = []
    with JobHeartbeat(database, claimed, every_seconds=0.05, on_stop=told.append) as heartbeat:
        assert heartbeat.should_stop.wait(10)
    assert heartbeat.why is not None and "taken it over" in heartbeat.why
    assert told == [heartbeat.why]


def test_the_heartbeat_says_when_the_scheduler_is_gone(database: Database) -> None:
    # RL-33
    queue(database)
    code = "from storage.leases import process_holder; print(process_holder(), flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdin is not None
    claimed = claimed_by(database, parent.stdout.readline().strip())
    adopted = adopt_claim(database, claimed.id, claimed.token, process_holder())
    with JobHeartbeat(database, adopted, every_seconds=0.05) as heartbeat:
        assert not heartbeat.should_stop.wait(0.3)
        parent.kill()
        assert heartbeat.should_stop.wait(10)
    parent.communicate()
    assert heartbeat.why == "The scheduler that started this job is gone."


def test_a_stopped_process_is_not_taken_for_a_dead_one_but_a_zombie_is() -> None:
    code = "from storage.leases import process_holder; print(process_holder(), flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    holder = process.stdout.readline().strip()
    os.kill(process.pid, signal.SIGSTOP)
    assert not is_gone(holder)
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: is_gone(holder))
    process.communicate()
    assert is_gone(holder)


def test_a_holder_elsewhere_or_of_unknown_shape_is_never_called_dead() -> None:
    assert not is_gone(ELSEWHERE)
    assert not is_gone("nonsense")
    assert not is_gone(process_holder())
