"""The plans of adaptive watches: one row for each search at each market, turned into a crawl when it is due.

What is learned and when a search is due again is decided in `markets.replanning`; here are only the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.jobs import OPEN_STATES, insert_job
from storage.tables import Assessment, Crawl, Job, Listing, Observation, Watch, WatchPlan

FIRST = "never asked before"
ASKED = "being asked now; planned anew when that crawl has ended"
_MOST_ENDS = 500


def take_due_plans(session: Session, watch: Watch, now: datetime) -> list[int]:
    """Queue a crawl for each search that is due, and move the watch on; the numbers of the jobs made.

    The watch's row is locked by the caller. A search whose last crawl is still open waits for that.
    """
    made = []
    plans = plans_of(session, watch)
    longest = now + timedelta(seconds=watch.every_seconds)
    for plan in plans:
        if plan.due_at > now:
            continue
        if plan.job_id is None:
            queries = [plan.query] if plan.query else []
            arguments = {"market": plan.market, "queries": queries, "max_listings": watch.max_listings}
            key = f"watch:{watch.id}:{plan.market}:{plan.query}:{plan.due_at.isoformat()}"
            job = insert_job(session, "crawl", arguments, key, watch.id)
            if job is not None:
                plan.job_id, plan.why = job.id, ASKED
                made.append(job.id)
        # Should nobody plan it anew, it is asked at the longest interval: never is a search forgotten.
        plan.due_at = longest
    move_on(watch, plans)
    return made


def plans_of(session: Session, watch: Watch) -> list[WatchPlan]:
    """The plans of a watch; those of searches never asked are made here, due when the watch is."""
    kept = select(WatchPlan).where(WatchPlan.watch_id == watch.id).order_by(WatchPlan.id)
    there = {(plan.market, plan.query): plan for plan in session.scalars(kept)}
    for market in watch.markets:
        for query in watch.queries or [""]:
            if (market, query) not in there:
                plan = WatchPlan(watch_id=watch.id, market=market, query=query, due_at=watch.next_due_at, why=FIRST)
                session.add(plan)
                there[market, query] = plan
    session.flush()
    return list(there.values())


def move_on(watch: Watch, plans: Sequence[WatchPlan]) -> None:
    """Make `next_due_at`, the truth of the schedule, the time of the search that is planned first."""
    if plans:
        watch.next_due_at = min(plan.due_at for plan in plans)


def watches_with_ended_crawls(session: Session) -> list[int]:
    """Watches with a plan whose crawl has ended, by number: there is something to learn."""
    ended = select(WatchPlan.watch_id).join(Job, Job.id == WatchPlan.job_id).where(Job.state.not_in(OPEN_STATES))
    return sorted(set(session.scalars(ended)))


def active_plans(session: Session) -> list[tuple[WatchPlan, Watch]]:
    """All plans of watches that are on: what shares the processes and the markets' rates."""
    statement = (
        select(WatchPlan, Watch)
        .join(Watch, Watch.id == WatchPlan.watch_id)
        .where(Watch.removed_at.is_(None), Watch.paused.is_(False), Watch.adaptive.is_(True))
    )
    return [(plan, watch) for plan, watch in session.execute(statement)]


def next_flagged_end(session: Session, market: str, query: str, after: datetime) -> datetime | None:
    """When the first sale after `after` ends of those flagged listings that this search met last; None for none."""
    rows = session.execute(
        select(Observation.ends_at, Crawl.queries)
        .select_from(Listing)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .join(Assessment, Assessment.id == Listing.current_assessment_id)
        .join(Crawl, Crawl.id == Listing.seen_in_crawl_id)
        .where(
            Listing.market == market,
            Listing.state == "live",
            Assessment.flagged.is_(True),
            Observation.ends_at > after,
        )
        .order_by(Observation.ends_at)
        .limit(_MOST_ENDS)
    )
    return next((ends_at for ends_at, queries in rows if (query in queries if query else not queries)), None)


def watch_rows(database: Database) -> list[dict[str, Any]]:
    """What `watch list` shows: a row for each watch, and for each search of an adaptive one once it was asked."""
    with database.reading() as session:
        watches = session.scalars(select(Watch).where(Watch.removed_at.is_(None)).order_by(Watch.name))
        return [row for watch in watches for row in _rows(session, watch)]


def _rows(session: Session, watch: Watch) -> list[dict[str, Any]]:
    plans = session.scalars(select(WatchPlan).where(WatchPlan.watch_id == watch.id).order_by(WatchPlan.due_at)).all()
    every = written_span(watch.every_seconds)
    state = "paused" if watch.paused else "on"

    def row(markets: list[Any], queries: list[Any], due_at: datetime, why: str) -> dict[str, Any]:
        due = None if watch.paused else f"{due_at:%Y-%m-%d %H:%M:%S}"
        shown = f"at least every {every}" if watch.adaptive else every
        return {
            "name": watch.name,
            "markets": markets,
            "queries": queries,
            "every": shown,
            "next due (UTC)": due,
            "why": why,
            "state": state,
        }

    if watch.adaptive and plans:
        return [row([plan.market], [plan.query], plan.due_at, _why(session, plan)) for plan in plans]
    why = FIRST if watch.adaptive else "fixed interval, as asked for"
    return [row(watch.markets, watch.queries, watch.next_due_at, why)]


def _why(session: Session, plan: WatchPlan) -> str:
    """The plan's reason; of a search that was turned into a job, what has become of that by now."""
    job = session.get(Job, plan.job_id) if plan.job_id is not None else None
    if job is None or job.state == "running":
        return plan.why
    if job.state != "queued":
        return f"job {job.id} has ended, and `relicwatch run` plans it anew" + (f". {job.error}" if job.error else "")
    if job.error:
        return f"job {job.id} is tried again: {job.error}"
    return f"job {job.id} waits until `relicwatch run` begins it"


def written_span(seconds: int) -> str:
    """A span of time as it is typed, in its largest whole unit: 21600 -> 6h."""
    units = {"w": 604800, "d": 86400, "h": 3600, "m": 60}
    unit = next((unit for unit, size in units.items() if seconds % size == 0), "s")
    return f"{seconds // units.get(unit, 1)}{unit}"
