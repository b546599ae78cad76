"""Crawls as people ask for and look at them; what a running crawl writes lives in `storage.crawl_store`."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.database import Database
from storage.jobs import OPEN_STATES, ClaimedJob, claim_job, insert_job
from storage.leases import MarketBusy
from storage.response_times import median_seconds
from storage.tables import Crawl, Job

MOST_HISTORY = 10
"""So many crawls tell what is usual: enough for a median, few enough to follow a market that changes slowly."""


class NoSuchCrawl(RelicwatchError):
    """There is no crawl of that number."""


def claim_crawl(
    database: Database, market: str, queries: Sequence[str], max_listings: int | None, holder: str
) -> ClaimedJob:
    """A crawl job for this process: the same crawl left unfinished before, or a new one.

    Raises MarketBusy while another process crawls the market; a job made in vain is then taken back.
    """
    arguments = {"market": market, "queries": list(queries), "max_listings": max_listings}
    made: int | None = None
    with database.transaction() as session:
        open_jobs = session.scalars(select(Job).where(Job.kind == "crawl", Job.state.in_(OPEN_STATES)))
        same = [
            job.id
            for job in open_jobs
            if {**job.arguments, "max_listings": job.arguments.get("max_listings")} == arguments
        ]
        if not same:
            new = insert_job(session, "crawl", arguments, f"crawl:{market}:{uuid.uuid4()}")
            assert new is not None
            made = new.id
            same = [made]
        for job_id in same:
            job = session.get_one(Job, job_id)
            job.not_before = None
    for job_id in same:
        claimed = claim_job(database, holder, job_id=job_id)
        if claimed is not None:
            return claimed
    with database.transaction() as session:
        open_jobs = session.scalars(select(Job).where(Job.kind == "crawl", Job.state.in_(OPEN_STATES)))
        there = [job for job in open_jobs if job.arguments.get("market") == market]
        busy = next((job for job in there if job.state == "running"), None)
        if busy is not None:
            message = _busy(market, busy)
        session.execute(delete(Job).where(Job.id == made, Job.state == "queued", Job.attempts == 0))
    if busy is None:
        # Its process died too often, or ended just now: nobody is crawling.
        return claim_crawl(database, market, queries, max_listings, holder)
    raise MarketBusy(message)


def _busy(market: str, job: Job) -> str:
    until = job.lease_until
    free = f" Where that process runs no more, the crawl is free from {until:%H:%M:%S} UTC on." if until else ""
    return (
        f"Market {market} is being crawled by another process (job {job.id}, held by {job.lease_holder}): "
        f"wait for it to end, or stop it.{free}"
    )


def crawl_rows(database: Database, limit: int, *, before: int | None = None) -> list[dict[str, Any]]:
    """The last crawls, newest first, a row each; with `before` those of a lower number."""
    statement = select(Crawl).order_by(Crawl.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Crawl.id < before)
    with database.reading() as session:
        return [_row(crawl) for crawl in session.scalars(statement)]


def crawl_record(database: Database, crawl_id: int) -> dict[str, Any]:
    """One crawl with every problem it met. Raises NoSuchCrawl."""
    with database.reading() as session:
        crawl = session.get(Crawl, crawl_id)
        if crawl is None:
            raise NoSuchCrawl(f"There is no crawl {crawl_id}: `relicwatch crawls list` shows those there are.")
        return {
            **_row(crawl),
            "finished_at": crawl.finished_at,
            "queries": crawl.queries,
            "max_listings": crawl.max_listings,
            "counts": {name: kept for name, kept in crawl.counts.items() if name not in ("times", "worked_seconds")},
            "problems": crawl.problems,
        }


def complete_crawls_before(
    session: Session, crawl: Crawl, since: datetime, most: int = MOST_HISTORY
) -> list[dict[str, Any]]:
    """The `counts` of complete crawls of the same market, searches and limit begun after `since`, newest first."""
    rows = session.scalars(
        select(Crawl)
        .where(
            Crawl.market == crawl.market,
            Crawl.id < crawl.id,
            Crawl.state == "complete",
            Crawl.started_at >= since,
            Crawl.max_listings.is_not_distinct_from(crawl.max_listings),
        )
        .order_by(Crawl.id.desc())
        .limit(10 * most)  # searches are compared here: JSON has no order and no equality in SQL
    )
    same = (row.counts for row in rows if sorted(row.queries) == sorted(crawl.queries))
    return list(itertools.islice(same, most))


def _row(crawl: Crawl) -> dict[str, Any]:
    counts = crawl.counts.get("counts", {})
    seconds = (crawl.finished_at - crawl.started_at).total_seconds() if crawl.finished_at else None
    answer = median_seconds(crawl.counts.get("times", {}))
    return {
        "id": crawl.id,
        "market": crawl.market,
        "started_at": crawl.started_at,
        "state": crawl.state,
        "pages": counts.get("pages", 0),
        "failed": counts.get("failed", 0),
        "listings": counts.get("listings", 0),
        "new": counts.get("new", 0),
        "changed": counts.get("changed", 0),
        "flagged": counts.get("flagged", 0),
        "gone": counts.get("gone", 0),
        "problems": len(crawl.problems),
        "bytes": counts.get("bytes", 0),
        "seconds": None if seconds is None else round(seconds, 1),
        "median_answer_seconds": None if answer is None else round(answer, 2),
        "fault": crawl.fault,
    }
