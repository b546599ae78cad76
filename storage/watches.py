"""Saved searches: who asked for what, and turning one that is due into crawl jobs exactly once.

The plans of adaptive ones are rows of `storage.watch_plans`; what fills them is `markets.replanning`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.database import Database
from storage.jobs import OPEN_STATES, insert_job
from storage.tables import Job, Watch, utc_now
from storage.watch_plans import take_due_plans

LEAST_SECONDS = 900
"""The shortest interval of an adaptive watch unless it was given another."""


class WatchError(RelicwatchError):
    """A watch is unknown, or what was asked for it makes no sense."""


def add_watch(
    session: Session,
    *,
    name: str,
    markets: Sequence[str],
    queries: Sequence[str],
    every_seconds: int,
    actor: str,
    audit: AuditChain,
    max_listings: int | None = None,
    told: Sequence[str] = (),
    first_due_at: datetime | None = None,
    adaptive: bool = False,
    least_seconds: int = LEAST_SECONDS,
) -> Watch:
    """Save a search; it is due at once unless `first_due_at` says otherwise. Raises WatchError.

    Adaptive: each of its searches has a plan of its own, made anew after each crawl by what appears; `every_seconds` is
    then the longest interval and `least_seconds` the shortest.
    """
    name = name.strip()
    if not name or not markets or not all(market.strip() for market in markets):
        raise WatchError("A watch needs a name and at least one market.")
    if every_seconds < 1:
        raise WatchError(f"Watch {name!r}: {every_seconds} s is no interval, give 1 s or more.")
    if adaptive and not 1 <= least_seconds <= every_seconds:
        raise WatchError(
            f"Watch {name!r}: its shortest interval ({least_seconds} s) has to be 1 s or more and no longer than its "
            f"longest ({every_seconds} s)."
        )
    if session.scalar(select(Watch.id).where(Watch.name == name)) is not None:
        raise WatchError(f"There is a watch called {name!r} already: choose another name, or remove that one first.")
    watch = Watch(
        name=name,
        markets=list(dict.fromkeys(markets)),
        queries=list(dict.fromkeys(queries)),
        every_seconds=every_seconds,
        next_due_at=first_due_at or utc_now(),
        told=list(told),
        max_listings=max_listings,
        adaptive=adaptive,
        least_seconds=least_seconds,
        created_by=actor,
    )
    session.add(watch)
    session.flush()
    _record(session, watch, "watch added", actor, audit)
    return watch


def list_watches(session: Session, *, removed: bool = False) -> list[Watch]:
    """Watches by name; those that were removed only on request."""
    statement = select(Watch).order_by(Watch.name)
    return list(session.scalars(statement if removed else statement.where(Watch.removed_at.is_(None))))


def find_watch(session: Session, name: str) -> Watch:
    """The watch of this name. Raises WatchError where there is none."""
    watch = session.scalars(select(Watch).where(Watch.name == name, Watch.removed_at.is_(None))).one_or_none()
    if watch is None:
        raise WatchError(f"There is no watch called {name!r}: `relicwatch watch list` shows those there are.")
    return watch


def pause_watch(session: Session, name: str, *, actor: str, audit: AuditChain) -> Watch:
    """Make no more jobs for it until it is resumed; a crawl that runs goes on. Raises WatchError."""
    watch = find_watch(session, name)
    watch.paused = True
    _record(session, watch, "watch paused", actor, audit)
    return watch


def resume_watch(session: Session, name: str, *, actor: str, audit: AuditChain) -> Watch:
    """Go on with it; times missed meanwhile make one run at once. Raises WatchError."""
    watch = find_watch(session, name)
    watch.paused = False
    _record(session, watch, "watch resumed", actor, audit)
    return watch


def remove_watch(session: Session, name: str, *, actor: str, audit: AuditChain) -> Watch:
    """End it for good and call off its queued jobs; what it found stays, its name is free again. Raises WatchError."""
    watch = find_watch(session, name)
    watch.removed_at = utc_now()
    _record(session, watch, "watch removed", actor, audit)
    watch.name = f"{name} (removed, number {watch.id})"
    session.execute(
        update(Job)
        .where(Job.watch_id == watch.id, Job.state == "queued")
        .values(state="cancelled", finished_at=watch.removed_at, error="Its watch was removed.")
    )
    return watch


def due_times(session: Session) -> dict[int, datetime]:
    """When each watch that is on is due next, by its number."""
    rows = session.execute(
        select(Watch.id, Watch.next_due_at).where(Watch.removed_at.is_(None), Watch.paused.is_(False))
    )
    return {row.id: row.next_due_at for row in rows}


def make_due_jobs(database: Database, watch_id: int, now: datetime | None = None) -> list[int]:
    """Queue the crawls of a watch that is due, one a market, and move its next due time on, in one transaction.

    However many times were missed, they make one run. An adaptive watch has one crawl for each search that is due, and
    its next time is that of the search planned first. Nothing is made where the watch is not due (another scheduler
    was first), paused or removed, nor for a market that an earlier run of the watch is still waiting for or crawling.
    """
    now = now or utc_now()
    with database.transaction() as session:
        watch = session.scalars(select(Watch).where(Watch.id == watch_id).with_for_update()).one_or_none()
        if watch is None or watch.paused or watch.removed_at is not None or watch.next_due_at > now:
            return []
        if watch.adaptive:
            return take_due_plans(session, watch, now)
        due_at = watch.next_due_at
        interval = timedelta(seconds=watch.every_seconds)
        watch.next_due_at = due_at + ((now - due_at) // interval + 1) * interval
        open_markets = _open_markets(session, watch_id)
        made = []
        for market in watch.markets:
            if market in open_markets:
                continue
            arguments = {"market": market, "queries": watch.queries, "max_listings": watch.max_listings}
            job = insert_job(session, "crawl", arguments, f"watch:{watch_id}:{market}:{due_at.isoformat()}", watch_id)
            if job is not None:
                made.append(job.id)
        return made


def work_is_due(session: Session, now: datetime | None = None) -> bool:
    """Whether a job is queued or running, or a watch is due that has not been turned into jobs yet."""
    open_job = select(Job.id).where(Job.state.in_(OPEN_STATES)).limit(1)
    due_watch = (
        select(Watch.id)
        .where(Watch.removed_at.is_(None), Watch.paused.is_(False), Watch.next_due_at <= (now or utc_now()))
        .limit(1)
    )
    return session.scalar(open_job) is not None or session.scalar(due_watch) is not None


def _open_markets(session: Session, watch_id: int) -> set[str]:
    arguments = session.scalars(
        select(Job.arguments).where(Job.watch_id == watch_id, Job.kind == "crawl", Job.state.in_(OPEN_STATES))
    )
    return {str(each["market"]) for each in arguments}


def _record(session: Session, watch: Watch, action: str, actor: str, audit: AuditChain) -> None:
    details = {"name": watch.name, "markets": watch.markets, "queries": watch.queries, "every_s": watch.every_seconds}
    if watch.adaptive:
        details["adaptive_from_s"] = watch.least_seconds
    audit.record(session, actor=actor, action=action, object_kind="watch", object_id=watch.id, details=details)
