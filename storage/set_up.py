"""How far an installation's set-up has come, and how far it is from its first hit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.tables import Crawl, Job, Listing, MarketApproval, SetUpStep, SourceReading, Watch, utc_now

STEPS = ("own", "lawful", "source", "searches")
"""In their order; each is done or skipped."""
OPENED = "opened"
"""Kept as a step once the set-up was shown, so that it opens by itself no second time."""


class UnknownStep(RelicwatchError):
    """There is no such step of the set-up."""


def steps_said(session: Session) -> dict[str, SetUpStep]:
    return {row.step: row for row in session.scalars(select(SetUpStep)) if row.step in STEPS}


def say_step(session: Session, step: str, state: str, actor: str) -> None:
    """Note a step as done or skipped; what was done stays so when it is skipped later. Raises UnknownStep."""
    if step not in (*STEPS, OPENED) or state not in ("done", "skipped"):
        raise UnknownStep(f"There is no step {step!r} that can be {state!r}.")
    row = session.get(SetUpStep, step)
    if row is None:
        session.add(SetUpStep(step=step, state=state, said_by=actor))
    elif state == "done":
        row.state, row.said_by, row.said_at = state, actor, utc_now()


def is_first_time(session: Session) -> bool:
    """Whether nobody has seen the set-up and nothing was set up without it."""
    seen = session.scalar(select(SetUpStep.step).limit(1))
    return seen is None and session.scalar(select(MarketApproval.id).limit(1)) is None


def last_reading(session: Session, market: str) -> SourceReading | None:
    """What the desk last read of a market's terms and robots.txt."""
    rows = select(SourceReading).where(SourceReading.market == market).order_by(SourceReading.id.desc())
    return session.scalars(rows.limit(1)).first()


@dataclass(frozen=True, slots=True)
class Progress:
    """What stands between an installation and its first hit."""

    approved: int
    """Markets with an approval that was not revoked."""
    watches: int
    next_due_at: datetime | None
    crawl: Crawl | None
    """The last one."""
    import_job: Job | None
    """The last import asked for at the desk."""
    waiting_jobs: int
    """Crawls and imports that wait for `relicwatch run`."""
    listings: int


def progress_of(session: Session) -> Progress:
    approved = select(func.count(MarketApproval.market.distinct())).where(MarketApproval.revoked_at.is_(None))
    runs = (Watch.removed_at.is_(None), Watch.paused.is_(False))
    imports = select(Job).where(Job.kind == "import").order_by(Job.id.desc()).limit(1)
    queued = (Job.kind.in_(("crawl", "import")), Job.state == "queued")
    return Progress(
        approved=session.scalar(approved) or 0,
        watches=session.scalar(select(func.count()).select_from(Watch).where(*runs)) or 0,
        next_due_at=session.scalar(select(func.min(Watch.next_due_at)).where(*runs)),
        crawl=session.scalars(select(Crawl).order_by(Crawl.id.desc()).limit(1)).first(),
        import_job=session.scalars(imports).first(),
        waiting_jobs=session.scalar(select(func.count()).select_from(Job).where(*queued)) or 0,
        listings=session.scalar(select(func.count()).select_from(Listing)) or 0,
    )
