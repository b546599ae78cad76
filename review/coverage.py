"""How much of a listing was really seen: by whom it was met last, what failed, which captures wait or were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.imports import NotFetchable, check_fetchable
from storage.jobs import OPEN_STATES
from storage.tables import Capture, Crawl, Job, Listing, Observation, Segment

MOST_JOBS = 5
MOST_RECEIPT = 40


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """A capture that was asked for, and its receipt once it is made."""

    job: Job
    segment: Segment | None
    captures: Sequence[Capture]
    """What this job took, with digests."""

    @property
    def is_open(self) -> bool:
        return self.job.state in OPEN_STATES

    @property
    def asked_by(self) -> str | None:
        """Who asked for it; None where a flag did."""
        return self.job.arguments.get("actor")

    @property
    def state(self) -> str | None:
        """COMPLETE, PARTIAL or FAILED, as the finished job told; None before."""
        told = self.job.result.get("state")
        return str(told) if self.job.state == "done" and told else None

    @property
    def reason(self) -> str | None:
        """Why it is not complete, or why the job failed, as recorded."""
        return self.job.result.get("reason") or self.job.error


@dataclass(frozen=True, slots=True)
class Coverage:
    seen_in: Crawl | None
    """The crawl that met the listing last."""
    newest: Crawl | None
    """The market's newest crawl, where that is another one."""
    troubled: Sequence[Capture]
    """Captures that are not complete, newest first."""
    problems: Sequence[str]
    """What could not be read of the page when it was seen last, as recorded."""
    jobs: Sequence[CaptureJob]
    can_capture: bool
    """Whether the market can be asked for the page."""

    @property
    def waits(self) -> bool:
        return any(one.is_open for one in self.jobs)


def view_coverage(session: Session, listing: Listing, observation: Observation) -> Coverage:
    """The coverage of a listing that is stored."""
    seen_in = session.get(Crawl, listing.seen_in_crawl_id) if listing.seen_in_crawl_id is not None else None
    newest = session.scalars(
        select(Crawl).where(Crawl.market == listing.market).order_by(Crawl.id.desc()).limit(1)
    ).first()
    troubled = session.scalars(
        select(Capture)
        .where(Capture.listing_id == listing.id, Capture.state.in_(("PARTIAL", "FAILED")))
        .order_by(Capture.captured_at.desc(), Capture.id.desc())
        .limit(10)
    ).all()
    jobs = _capture_jobs(session, listing.id)
    problems = [str(one.get("reason") or one.get("problem") or one) if isinstance(one, dict) else str(one)
                for one in observation.problems]  # fmt: skip
    return Coverage(
        seen_in=seen_in,
        newest=newest if newest is not None and newest is not seen_in else None,
        troubled=troubled,
        problems=problems,
        jobs=[_capture_job(session, job, listing.id) for job in jobs],
        can_capture=_can_capture(session, listing.id),
    )


def _capture_jobs(session: Session, listing_id: int) -> list[Job]:
    """The newest: those that left captures, and those that wait or failed. The many done ones are never searched."""
    left = select(Capture.job_id).where(Capture.listing_id == listing_id, Capture.job_id.is_not(None)).distinct()
    done = session.scalars(select(Job).where(Job.id.in_(left), Job.kind == "capture")).all()
    others = session.scalars(
        select(Job).where(
            Job.state.in_((*OPEN_STATES, "failed")),
            Job.kind == "capture",
            Job.arguments["listing_id"].as_integer() == listing_id,
        )
    ).all()
    found = {job.id: job for job in (*done, *others)}
    return [found[id_] for id_ in sorted(found, reverse=True)][:MOST_JOBS]


def _capture_job(session: Session, job: Job, listing_id: int) -> CaptureJob:
    taken = session.scalars(
        select(Capture)
        .where(Capture.job_id == job.id, Capture.listing_id == listing_id)
        .order_by(Capture.id)
        .limit(MOST_RECEIPT)
    ).all()
    place = next((one.segment_id for one in taken if one.segment_id is not None), None)
    return CaptureJob(job, session.get(Segment, place) if place is not None else None, taken)


def _can_capture(session: Session, listing_id: int) -> bool:
    try:
        check_fetchable(session, listing_id)
    except NotFetchable:
        return False
    return True
