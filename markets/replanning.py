"""After a crawl of an adaptive watch: learn what it met, and say when its search is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.catalog import get_market
from markets.definition import DEFAULT_DELAY_SECONDS
from markets.planning import (
    ENDS_LEAD_SECONDS,
    START_SECONDS,
    Arrivals,
    Plan,
    Target,
    market_prices,
    plan_next,
    shape_of_day,
)
from storage.database import Database
from storage.jobs import OPEN_STATES
from storage.tables import Crawl, Job, Watch, WatchPlan, utc_now
from storage.watch_plans import active_plans, move_on, next_flagged_end, plans_of, watches_with_ended_crawls

COST_WEIGHT = 0.3
"""How much the last crawl's cost counts beside those before it."""
_UNKNOWN_REQUESTS = 2


def replan_ended(database: Database, home: Home, processes: int, now: datetime | None = None) -> int:
    """Plan anew every search whose crawl has ended, however it ended; how many.

    What was learned, the next time and the reason are kept in one transaction; several schedulers learn once.
    """
    with database.reading() as session:
        if not watches_with_ended_crawls(session):
            return 0
    now = now or utc_now()
    with database.transaction() as session:
        watch_ids = watches_with_ended_crawls(session)
        # The watches first, in order, as `make_due_jobs` does: two schedulers never wait for each other.
        locked = select(Watch).where(Watch.id.in_(watch_ids)).order_by(Watch.id).with_for_update()
        watches = list(session.scalars(locked))
        ended = [pair for watch in watches for pair in _ended(session, watch)]
        for plan, job in ended:
            _learn(session, home, plan, job)
        active = active_plans(session)
        days = _days(plan for plan, _ in active)
        prices = market_prices([_target(plan, watch, days) for plan, watch in active], processes)
        by_id = {watch.id: watch for watch in watches}
        for plan, job in ended:
            planned = _plan(session, plan, job, by_id[plan.watch_id], prices, days, now)
            plan.due_at, plan.why, plan.job_id = planned.due_at, planned.why, None
        for watch in watches:
            move_on(watch, plans_of(session, watch))
        return len(ended)


def _ended(session: Session, watch: Watch) -> list[tuple[WatchPlan, Job]]:
    statement = (
        select(WatchPlan, Job)
        .join(Job, Job.id == WatchPlan.job_id)
        .where(WatchPlan.watch_id == watch.id, Job.state.not_in(OPEN_STATES))
    )
    return [(plan, job) for plan, job in session.execute(statement)]


def _learn(session: Session, home: Home, plan: WatchPlan, job: Job) -> None:
    crawl = _told(session, job)
    if crawl is None or crawl.finished_at is None:
        return
    counts = crawl.counts.get("counts", {})
    new = int(counts.get("new", 0))
    of_new_listings = new + int(counts.get("thumbnails", 0))
    delay = _delay(home, plan.market)
    requests = max(1, int(counts.get("pages", 0)) - of_new_listings)
    seconds = (crawl.finished_at - crawl.started_at).total_seconds() - of_new_listings * delay
    cost = max(START_SECONDS + requests * delay, seconds)
    before = plan.learned.get("cost_seconds", cost)
    arrivals = Arrivals.from_json(plan.learned.get("arrivals", {})).learn(crawl.started_at, new)
    plan.learned = {
        "arrivals": arrivals.as_json(),
        "cost_seconds": before + COST_WEIGHT * (cost - before),
        "delay_seconds": delay,
    }


def _told(session: Session, job: Job) -> Crawl | None:
    """The job's crawl where it says what there is to find; None where the market gave nothing (a block, an error)."""
    crawl = session.scalars(select(Crawl).where(Crawl.job_id == job.id)).first()
    if crawl is None or crawl.state not in ("complete", "failed"):
        return None
    met = crawl.counts.get("counts", {}).get("listings", 0)
    return crawl if crawl.state == "complete" or met else None


def _plan(
    session: Session,
    plan: WatchPlan,
    job: Job,
    watch: Watch,
    prices: dict[str, float],
    days: Mapping[str, Sequence[float]],
    now: datetime,
) -> Plan:
    target = _target(plan, watch, days)
    crawl = _told(session, job)
    if crawl is None or plan.market not in prices:
        # To insist where nothing came would be rude at a site that is ill or does not want us.
        how = (
            "its watch is paused or removed"
            if plan.market not in prices
            else f"its last crawl gave nothing (job {job.id})"
        )
        told = f". {job.error}" if job.error else ""
        return Plan(now + timedelta(seconds=target.ceiling_seconds), f"{how}: the longest interval{told}")
    soonest = now + timedelta(seconds=ENDS_LEAD_SECONDS)
    ends_at = next_flagged_end(session, plan.market, plan.query, soonest)
    planned = plan_next(target, prices[plan.market], crawl.started_at, ends_at)
    # A crawl that took longer than its interval is followed by the next one, never overtaken.
    return Plan(max(planned.due_at, now), planned.why)


def _days(plans: Iterable[WatchPlan]) -> dict[str, tuple[float, ...]]:
    """The shape of each market's day, by what all its searches have learned."""
    by_market: dict[str, list[Arrivals]] = {}
    for plan in plans:
        by_market.setdefault(plan.market, []).append(Arrivals.from_json(plan.learned.get("arrivals", {})))
    return {market: shape_of_day(own) for market, own in by_market.items()}


def _target(plan: WatchPlan, watch: Watch, days: Mapping[str, Sequence[float]]) -> Target:
    learned: dict[str, Any] = plan.learned
    delay = float(learned.get("delay_seconds", DEFAULT_DELAY_SECONDS))
    return Target(
        market=plan.market,
        hourly=Arrivals.from_json(learned.get("arrivals", {})).hourly(days.get(plan.market)),
        cost_seconds=float(learned.get("cost_seconds", START_SECONDS + _UNKNOWN_REQUESTS * delay)),
        least_seconds=watch.least_seconds,
        most_seconds=watch.every_seconds,
        delay_seconds=delay,
    )


def _delay(home: Home, market: str) -> float:
    try:
        return get_market(home, market).rate.delay
    except RelicwatchError:  # its definition was removed or broken since: no crawl starts until it is mended
        return DEFAULT_DELAY_SECONDS
