"""Scores and labels of each market's listings, recent ones beside those before."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Assessment, Listing, utc_now

RECENT_DAYS = 14
PAST_DAYS = 90
Seen = tuple[list[float], Counter[str]]


def market_periods(session: Session, model: str, *, now: datetime | None = None) -> dict[str, tuple[Seen, Seen]]:
    """Market -> (past, recent): scores, and in how many listings each label was found.

    Only assessments by `model` count, since two models cannot be compared; recent are listings first seen in the last
    RECENT_DAYS, past those of the PAST_DAYS before.
    """
    now = now or utc_now()
    split = now - timedelta(days=RECENT_DAYS)
    rows = session.execute(
        select(Listing.market, Listing.first_seen_at, Assessment.score, Assessment.labels)
        .join(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(Assessment.model == model, Listing.first_seen_at >= split - timedelta(days=PAST_DAYS))
        .execution_options(yield_per=2000)
    )
    periods: dict[str, tuple[Seen, Seen]] = {}
    for market, first_seen_at, score, labels in rows:
        of_market = periods.setdefault(market, (([], Counter()), ([], Counter())))
        scores, counts = of_market[first_seen_at >= split]
        scores.append(score)
        counts.update(set(map(str, labels)))
    return periods
