"""Counts for the overview: months, decisions by market and model, waits from first sight to hit, the newest crawls."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.decisions import undone_decisions
from storage.tables import Assessment, Crawl, Decision, Listing, Outcome

MOST_WAITS = 20_000
"""So many of the newest hits are asked how long they waited."""


@dataclass(slots=True)
class Month:
    """One month of UTC, as 2026-11."""

    month: str
    hits: int = 0
    """Listings flagged for the first time."""
    decisions: int = 0
    referrals: int = 0
    """Decisions to refer."""
    seizures: int = 0
    """Outcomes `seized`."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the flagged listings of one market that people decided on, how many they found to be antiquities."""

    market: str
    model: str
    decided: int
    """Without those left unsure."""
    antiquities: int

    @property
    def share(self) -> float:
        return self.antiquities / self.decided


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from the first sight of a listing to its first flag."""

    count: int
    median: float
    longest_of_nine_tenths: float


def months_of(session: Session, most: int = 12) -> list[Month]:
    """The newest months in which anything happened, oldest first."""
    first_flag = (
        select(func.min(Assessment.assessed_at).label("at"))
        .where(Assessment.flagged.is_(True))
        .group_by(Assessment.listing_id)
        .subquery()
    )
    stands = Decision.id.not_in(list(undone_decisions(session)))
    found: dict[str, Month] = {}
    asked: list[tuple[str, Any, Select[Any]]] = [
        ("hits", first_flag.c.at, select(first_flag.c.at)),
        ("decisions", Decision.decided_at, select(Decision).where(stands)),
        ("referrals", Decision.decided_at, select(Decision).where(stands, Decision.next_step == "refer")),
        ("seizures", Outcome.recorded_at, select(Outcome).where(Outcome.result == "seized")),
    ]
    for name, at, statement in asked:
        month = _month(session, at)
        for text, count in session.execute(statement.with_only_columns(month, func.count()).group_by(month)):
            setattr(found.setdefault(text, Month(text)), name, count)
    return [found[text] for text in sorted(found)][-most:]


def precisions(session: Session) -> list[Precision]:
    """By market and model, from the decisions that stand and the assessment that was on the screen."""
    rows = session.execute(
        select(Listing.market, Assessment.model, Decision.verdict, func.count())
        .join(Decision, Decision.id == Listing.current_decision_id)
        .join(Assessment, Assessment.id == Decision.assessment_id)
        .where(Assessment.flagged.is_(True), Decision.verdict != "unsure")
        .group_by(Listing.market, Assessment.model, Decision.verdict)
    )
    decided: dict[tuple[str, str], int] = defaultdict(int)
    antiquities: dict[tuple[str, str], int] = defaultdict(int)
    for market, model, verdict, count in rows:
        decided[market, model] += count
        antiquities[market, model] += count if verdict == "antiquity" else 0
    return [Precision(*key, decided[key], antiquities[key]) for key in sorted(decided)]


def waits_to_hit(session: Session) -> Waits | None:
    """How long the newest hits took; None where there is no hit yet."""
    rows = session.execute(
        select(Listing.first_seen_at, func.min(Assessment.assessed_at, type_=Assessment.assessed_at.type))
        .join(Assessment, Assessment.listing_id == Listing.id)
        .where(Assessment.flagged.is_(True))
        .group_by(Listing.id, Listing.first_seen_at)
        .order_by(Listing.id.desc())
        .limit(MOST_WAITS)
    )
    seconds = sorted(max(0.0, (flagged_at - seen_at).total_seconds()) for seen_at, flagged_at in rows)
    if not seconds:
        return None
    return Waits(len(seconds), statistics.median(seconds), seconds[min(len(seconds) - 1, len(seconds) * 9 // 10)])


def newest_crawls(session: Session) -> Sequence[Crawl]:
    """The newest crawl of each market, by the market's name."""
    newest = select(func.max(Crawl.id)).group_by(Crawl.market)
    return session.scalars(select(Crawl).where(Crawl.id.in_(newest)).order_by(Crawl.market)).all()


def listings_by_market(session: Session) -> dict[str, int]:
    rows = session.execute(select(Listing.market, func.count()).group_by(Listing.market))
    return dict(rows.all())


def _month(session: Session, at: ColumnElement[datetime] | InstrumentedAttribute[datetime]) -> ColumnElement[str]:
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", at), "YYYY-MM")
    return func.strftime("%Y-%m", at)
