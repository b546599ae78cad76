"""The queue of work: inserted once by its key, claimed by one process at a time, finished only by its last claimant.

A claim raises the job's fencing token, and whatever comes with an older token is refused, so a process that slept
through its lease can do no harm when it wakes up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, CursorResult, Row, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.database import Database, DatabaseError
from storage.leases import is_gone
from storage.tables import Job, utc_now

LEASE_SECONDS = 30.0
HEARTBEAT_SECONDS = 5.0
PARENT_CHECK_SECONDS = 0.5
MAX_ATTEMPTS = 5
FIRST_RETRY_SECONDS = 5.0
LINGER_SECONDS = 30.0
OPEN_STATES = ("queued", "running")
_CLAIM_LOCK = 7_415_265_001
"""Any number will do that nobody else locks in this database."""

_log = logging.getLogger(__name__)


class LeaseLost(RelicwatchError):
    """Another process has taken the job over, or it was ended meanwhile: stop working on it and store nothing more."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job as this process holds it."""

    id: int
    kind: str
    arguments: dict[str, Any]
    token: int
    holder: str
    attempt: int
    """1 for the first run."""
    watch_id: int | None
    started_by: str | None = None
    """The holder string of the scheduler that started this process for the job; None where the process claimed it."""


def insert_job(
    session: Session,
    kind: str,
    arguments: dict[str, Any],
    idempotency_key: str,
    watch_id: int | None = None,
    not_before: datetime | None = None,
) -> Job | None:
    """Queue a job; None where one with this key is there already, in whatever state (see `job_by_key`)."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(Job)
        .values(
            kind=kind,
            arguments=arguments,
            idempotency_key=idempotency_key,
            watch_id=watch_id,
            not_before=not_before,
        )
        .on_conflict_do_nothing(index_elements=[Job.idempotency_key])
        .returning(Job)
    )
    return session.scalars(statement).one_or_none()


def insert_jobs(session: Session, kind: str, jobs: Iterable[tuple[dict[str, Any], str]]) -> None:
    """Queue many jobs at once, each (arguments, idempotency key); those whose key is there already are left alone."""
    rows = [{"kind": kind, "arguments": arguments, "idempotency_key": key} for arguments, key in jobs]
    if rows:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(Job).on_conflict_do_nothing(index_elements=[Job.idempotency_key]), rows)


def queue_comparison(session: Session, listing_id: int, because: str) -> None:
    """A listing or its pictures came outside a crawl: it is compared with what is stored, once for each reason."""
    insert_job(session, "objects", {"listing": listing_id}, f"objects:{because}")


def job_by_key(session: Session, idempotency_key: str) -> Job | None:
    return session.scalars(select(Job).where(Job.idempotency_key == idempotency_key)).one_or_none()


def has_open_job(session: Session, kind: str) -> bool:
    """Whether a job of this kind is queued or running."""
    return (
        session.scalars(select(Job.id).where(Job.kind == kind, Job.state.in_(OPEN_STATES)).limit(1)).first() is not None
    )


def claim_job(
    database: Database,
    holder: str,
    kinds: Collection[str] | None = None,
    job_id: int | None = None,
    lease_seconds: float = LEASE_SECONDS,
    max_attempts: int = MAX_ATTEMPTS,
    but: Collection[str] = (),
) -> ClaimedJob | None:
    """Claim the job that waits longest (or the one named), or None where there is none to be had now.

    Of `kinds` alone where they are named, and of none that are in `but`.

    Also takes over a running job whose lease ran out or whose holder is dead; one that was tried `max_attempts` times
    that way is marked failed instead. A crawl of a market that another job is crawling is passed over.
    """
    with database.transaction() as session:
        _one_claim_at_a_time(session)
        now = utc_now()
        job = _next_job(session, now, kinds, but, job_id, max_attempts)
        if job is None:
            return None
        claimed = session.execute(
            update(Job)
            .where(Job.id == job.id, Job.fencing_token == job.fencing_token, Job.state == job.state)
            # A holder that was only late may have extended its lease since it was read: then it keeps the job.
            .where(Job.lease_until.is_not_distinct_from(job.lease_until))
            .values(
                state="running",
                lease_holder=holder,
                lease_until=now + timedelta(seconds=lease_seconds),
                fencing_token=Job.fencing_token + 1,
                attempts=Job.attempts + 1,
                started_at=job.started_at or now,
            )
            .returning(Job.id, Job.kind, Job.arguments, Job.fencing_token, Job.attempts, Job.watch_id)
        ).one_or_none()
        if claimed is None:
            return None
        return ClaimedJob(
            id=claimed.id,
            kind=claimed.kind,
            arguments=claimed.arguments,
            token=claimed.fencing_token,
            holder=holder,
            attempt=claimed.attempts,
            watch_id=claimed.watch_id,
        )


def work_waits(session: Session) -> bool:
    """Whether a claim may find something; it only reads, so that asking often keeps no writer waiting."""
    now = utc_now()
    if any(_is_left(job, now) for job in session.scalars(select(Job).where(Job.state == "running"))):
        return True
    return session.scalar(select(Job.id).where(_is_due(now)).limit(1)) is not None


def adopt_claim(
    database: Database, job_id: int, token: int, holder: str, lease_seconds: float = LEASE_SECONDS
) -> ClaimedJob:
    """Carry a claim over to the process that was started for it; the first thing that process does.

    Raises LeaseLost where the token is not the job's last one.
    """
    with database.transaction() as session:
        job = session.scalars(
            select(Job).where(Job.id == job_id, Job.fencing_token == token, Job.state == "running").with_for_update()
        ).one_or_none()
        if job is None:
            raise _lost(job_id)
        started_by = job.lease_holder
        job.lease_holder = holder
        job.lease_until = utc_now() + timedelta(seconds=lease_seconds)
        return ClaimedJob(
            id=job.id,
            kind=job.kind,
            arguments=job.arguments,
            token=token,
            holder=holder,
            attempt=job.attempts,
            watch_id=job.watch_id,
            started_by=started_by if started_by != holder else None,
        )


def extend_lease(database: Database, claimed: ClaimedJob, lease_seconds: float = LEASE_SECONDS) -> None:
    """Hold the job for `lease_seconds` from now. Raises LeaseLost."""
    _write(database, claimed, lease_until=utc_now() + timedelta(seconds=lease_seconds))


def save_progress(database: Database, claimed: ClaimedJob, progress: dict[str, Any]) -> None:
    """Keep what a person may watch meanwhile (counts, a sentence). Raises LeaseLost."""
    _write(database, claimed, progress=progress)


def finish_job(database: Database, claimed: ClaimedJob, result: dict[str, Any]) -> None:
    """Mark the job done with its result. Raises LeaseLost, and then the result is not kept."""
    _write(database, claimed, state="done", result=result, error=None, finished_at=utc_now(), **_NOBODY)


def fail_job(
    database: Database,
    claimed: ClaimedJob,
    error: str,
    retry: bool,
    retry_seconds: float | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> str:
    """Record why the job did not end well; the state it has now: queued (tried again later) or failed.

    The pause before the next try grows fourfold from 5 s unless `retry_seconds` says otherwise. Raises LeaseLost.
    """
    if not retry or claimed.attempt >= max_attempts:
        if retry:
            error = f"Given up after {claimed.attempt} attempts: {error}"
        _write(database, claimed, state="failed", error=error, finished_at=utc_now(), **_NOBODY)
        return "failed"
    pause = FIRST_RETRY_SECONDS * 4 ** (claimed.attempt - 1) if retry_seconds is None else retry_seconds
    _write(database, claimed, state="queued", error=error, not_before=utc_now() + timedelta(seconds=pause), **_NOBODY)
    return "queued"


def release_job(database: Database, claimed: ClaimedJob) -> None:
    """Put the job back because this process was asked to stop: not an attempt that counts. Raises LeaseLost."""
    _write(database, claimed, state="queued", attempts=max(claimed.attempt - 1, 0), **_NOBODY)


def list_jobs(
    session: Session, states: Sequence[str] | None = None, since: datetime | None = None, limit: int = 200
) -> list[Job]:
    """Jobs, the newest first; with `since`, those still open or ended after it."""
    statement = select(Job).order_by(Job.id.desc()).limit(limit)
    if states is not None:
        statement = statement.where(Job.state.in_(states))
    if since is not None:
        statement = statement.where(or_(Job.state.in_(OPEN_STATES), Job.finished_at >= since))
    return list(session.scalars(statement))


def count_open_jobs(session: Session) -> int:
    """How many jobs are queued or running."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.state.in_(OPEN_STATES))) or 0


def outlived_claims(session: Session, claims: Iterable[ClaimedJob]) -> list[ClaimedJob]:
    """Those whose process should no longer be there: taken over, without a heartbeat, or ended for a while."""
    now = utc_now()
    outlived = []
    for claimed in claims:
        job = session.get_one(Job, claimed.id)
        taken = job.fencing_token != claimed.token
        silent = job.state == "running" and job.lease_until is not None and job.lease_until <= now
        lingering = job.finished_at is not None and job.finished_at <= now - timedelta(seconds=LINGER_SECONDS)
        if taken or silent or lingering:
            outlived.append(claimed)
    return outlived


class JobHeartbeat:
    """Keeps the lease while the work goes on in the `with` block, and says when to stop.

    `should_stop` is set, and `why` says why in one sentence, when the lease is lost or when the scheduler that started
    this process is gone. `on_stop(why)` is then called once, in the heartbeat's own thread.
    """

    def __init__(
        self,
        database: Database,
        claimed: ClaimedJob,
        *,
        lease_seconds: float = LEASE_SECONDS,
        every_seconds: float = HEARTBEAT_SECONDS,
        on_stop: Callable[[str], None] | None = None,
    ) -> None:
        self.should_stop = threading.Event()
        self.why: str | None = None
        self._database = database
        self._claimed = claimed
        self._lease_seconds = lease_seconds
        self._every_seconds = every_seconds
        self._on_stop = on_stop
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of job {claimed.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        held_until = time.monotonic() + self._lease_seconds
        next_beat = time.monotonic()
        while True:
            if self._claimed.started_by is not None and is_gone(self._claimed.started_by):
                return self._stop("The scheduler that started this job is gone.")
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + self._every_seconds
                try:
                    extend_lease(self._database, self._claimed, self._lease_seconds)
                    held_until = time.monotonic() + self._lease_seconds
                except LeaseLost as error:
                    return self._stop(str(error))
                except DatabaseError as error:
                    # The lease still stands for a while, and the database may answer again before it ends.
                    _log.warning("The lease of job %s could not be extended: %s", self._claimed.id, error)
            if time.monotonic() >= held_until:
                return self._stop(f"The lease of job {self._claimed.id} ran out: the database did not answer in time.")
            if self._over.wait(min(PARENT_CHECK_SECONDS, self._every_seconds)):
                return None

    def _stop(self, why: str) -> None:
        self.why = why
        self.should_stop.set()
        if self._on_stop is not None:
            self._on_stop(why)


_NOBODY: dict[str, Any] = {"lease_holder": None, "lease_until": None}


def _one_claim_at_a_time(session: Session) -> None:
    """Two claimants must not each find a market free and start two crawls of it; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))


def _next_job(
    session: Session,
    now: datetime,
    kinds: Collection[str] | None,
    but: Collection[str],
    job_id: int | None,
    max_attempts: int,
) -> Row[Any] | None:
    columns = (
        Job.id, Job.kind, Job.arguments, Job.state, Job.lease_holder, Job.lease_until, Job.fencing_token, Job.attempts,
        Job.error, Job.started_at,
    )  # fmt: skip
    left, busy_markets = [], set()
    for job in session.execute(select(*columns).where(Job.state == "running").order_by(Job.id)):
        if not _is_left(job, now):
            busy_markets.add(_market_of(job))
        elif job.attempts >= max_attempts:
            _give_up(session, job, now)
        else:
            left.append(job)
    queued = select(*columns).where(_is_due(now)).order_by(Job.created_at, Job.id)
    if job_id is not None:
        queued = queued.where(Job.id == job_id)
    if kinds is not None:
        queued = queued.where(Job.kind.in_(kinds))
    if but:
        queued = queued.where(Job.kind.not_in(but))
    for job in left:
        if job_id in (None, job.id) and (kinds is None or job.kind in kinds) and job.kind not in but:
            return job
    busy_markets |= {_market_of(job) for job in left}
    busy_markets.discard(None)
    return next((job for job in session.execute(queued) if _market_of(job) not in busy_markets), None)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(Job.state == "queued", or_(Job.not_before.is_(None), Job.not_before <= now))


def _is_left(job: Row[Any] | Job, now: datetime) -> bool:
    """Whether nobody works on this running job any more."""
    return job.lease_holder is None or job.lease_until is None or job.lease_until <= now or is_gone(job.lease_holder)


def _market_of(job: Row[Any]) -> str | None:
    return job.arguments.get("market") if job.kind == "crawl" else None


def _give_up(session: Session, job: Row[Any], now: datetime) -> None:
    error = f"Given up after {job.attempts} attempts: its process died or hung each time without a result."
    if job.error:
        error = f"{error} Before that: {job.error}"
    session.execute(
        update(Job)
        .where(Job.id == job.id, Job.fencing_token == job.fencing_token, Job.state == "running")
        .where(Job.lease_until.is_not_distinct_from(job.lease_until))
        # The token rises too, so that a process that only hung cannot report a result for a job that was given up.
        .values(state="failed", error=error, finished_at=now, fencing_token=Job.fencing_token + 1, **_NOBODY)
    )


def _write(database: Database, claimed: ClaimedJob, **values: Any) -> None:
    with database.transaction() as session:
        done = session.execute(
            update(Job)
            .where(Job.id == claimed.id, Job.fencing_token == claimed.token, Job.state == "running")
            .values(**values)
        )
        assert isinstance(done, CursorResult)
        if done.rowcount != 1:
            raise _lost(claimed.id)


def _lost(job_id: int) -> LeaseLost:
    return LeaseLost(f"Job {job_id} is no longer this process's: another one has taken it over, or it has ended.")
