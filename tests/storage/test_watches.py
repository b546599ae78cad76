"""Saved searches: one run a due time, however many schedulers there are and however many times were missed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage.audit import AuditChain
from storage.database import Database
from storage.jobs import claim_job, finish_job
from storage.tables import AuditEvent, Job, Watch
from storage.watches import (
    WatchError,
    add_watch,
    due_times,
    find_watch,
    list_watches,
    make_due_jobs,
    pause_watch,
    remove_watch,
    resume_watch,
    work_is_due,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watch(database: Database, name: str = "amulets", **changes: Any) -> int:
    options: dict[str, Any] = {"markets": ["one", "two"], "queries": ["amulet"], "every_seconds": 3600}
    options |= {"first_due_at": NOON, "actor": "sami", "audit": AuditChain()} | changes
    with database.transaction() as session:
        return add_watch(session, name=name, **options).id


def jobs(database: Database) -> list[Job]:
    with database.transaction() as session:
        return list(session.scalars(select(Job).order_by(Job.id)))


def next_due(database: Database, watch_id: int) -> datetime:
    with database.transaction() as session:
        return session.get_one(Watch, watch_id).next_due_at


def test_a_due_watch_makes_one_crawl_a_market(database: Database) -> None:
    watch_id = watch(database, max_listings=5)
    made = make_due_jobs(database, watch_id, NOON)
    assert made == [job.id for job in jobs(database)]
    assert [job.arguments for job in jobs(database)] == [
        {"market": market, "queries": ["amulet"], "max_listings": 5} for market in ("one", "two")
    ]
    assert {(job.kind, job.state, job.watch_id) for job in jobs(database)} == {("crawl", "queued", watch_id)}
    assert next_due(database, watch_id) == NOON + HOUR
    assert make_due_jobs(database, watch_id, NOON + HOUR / 2) == []


def test_three_missed_times_make_one_run_and_keep_the_rhythm(database: Database) -> None:
    # RL-25
    watch_id = watch(database, markets=["one"])
    assert len(make_due_jobs(database, watch_id, NOON + 2.5 * HOUR)) == 1
    assert next_due(database, watch_id) == NOON + 3 * HOUR


def test_five_schedulers_at_once_make_one_run(database_url: str, database: Database) -> None:
    # RL-26
    watch_id = watch(database, markets=["one"])
    together = threading.Barrier(5)

    def run() -> list[int]:
        own = Database(database_url)
        together.wait()
        made = make_due_jobs(own, watch_id, NOON)
        own.dispose()
        return made

    with ThreadPoolExecutor(5) as pool:
        made = [future.result() for future in [pool.submit(run) for _ in range(5)]]
    assert sorted(map(len, made)) == [0, 0, 0, 0, 1]
    assert len(jobs(database)) == 1


def test_a_market_still_being_crawled_for_the_watch_is_not_queued_again(database: Database) -> None:
    watch_id = watch(database)
    make_due_jobs(database, watch_id, NOON)
    claimed = claim_job(database, "another-machine:1:x")
    assert claimed is not None
    finish_job(database, claimed, {})
    made = make_due_jobs(database, watch_id, NOON + HOUR)
    assert [job.arguments["market"] for job in jobs(database) if job.id in made] == [claimed.arguments["market"]]


def test_a_paused_watch_waits_and_then_runs_once(database: Database) -> None:
    watch_id, audit = watch(database, markets=["one"]), AuditChain()
    with database.transaction() as session:
        pause_watch(session, "amulets", actor="sami", audit=audit)
        assert due_times(session) == {}
    assert make_due_jobs(database, watch_id, NOON + 5 * HOUR) == []
    with database.transaction() as session:
        resume_watch(session, "amulets", actor="sami", audit=audit)
        assert due_times(session) == {watch_id: NOON}
    assert len(make_due_jobs(database, watch_id, NOON + 5 * HOUR)) == 1


def test_a_removed_watch_calls_off_what_was_queued_and_frees_its_name(database: Database) -> None:
    watch_id = watch(database)
    make_due_jobs(database, watch_id, NOON)
    with database.transaction() as session:
        remove_watch(session, "amulets", actor="sami", audit=AuditChain())
    assert {job.state for job in jobs(database)} == {"cancelled"}
    assert make_due_jobs(database, watch_id, NOON + 5 * HOUR) == []
    new = watch(database)
    with database.transaction() as session:
        assert [each.id for each in list_watches(session)] == [new]
        assert {each.id for each in list_watches(session, removed=True)} == {watch_id, new}
        assert find_watch(session, "amulets").id == new


def test_work_is_due_until_the_last_job_has_ended(database: Database) -> None:
    watch_id = watch(database, markets=["one"])

    def due(now: datetime) -> bool:
        with database.transaction() as session:
            return work_is_due(session, now)

    assert not due(NOON - HOUR)
    assert due(NOON)
    make_due_jobs(database, watch_id, NOON)
    assert due(NOON)
    claimed = claim_job(database, "another-machine:1:x")
    assert claimed is not None
    assert due(NOON)
    finish_job(database, claimed, {})
    assert not due(NOON)


def test_every_change_of_a_watch_is_in_the_log(database: Database) -> None:
    watch_id, audit = watch(database), AuditChain()
    with database.transaction() as session:
        pause_watch(session, "amulets", actor="rana", audit=audit)
        resume_watch(session, "amulets", actor="rana", audit=audit)
        remove_watch(session, "amulets", actor="rana", audit=audit)
    with database.transaction() as session:
        events = list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
    assert [(e.actor, e.action, e.object_id) for e in events] == [
        ("sami", "watch added", str(watch_id)),
        ("rana", "watch paused", str(watch_id)),
        ("rana", "watch resumed", str(watch_id)),
        ("rana", "watch removed", str(watch_id)),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "needs a name"),
        ({"markets": []}, "at least one market"),
        ({"every_seconds": 0}, "is no interval"),
        ({"name": "taken"}, "a watch called 'taken' already"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(database: Database, changes: dict[str, Any], message: str) -> None:
    watch(database, "taken")
    with pytest.raises(WatchError, match=message):
        watch(database, **changes)


def test_an_unknown_watch_is_named(database: Database) -> None:
    with database.transaction() as session, pytest.raises(WatchError, match="no watch called 'nothing'"):
        pause_watch(session, "nothing", actor="sami", audit=AuditChain())
