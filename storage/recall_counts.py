"""What the audit share counted: how many antiquities the flags found, how many a random look among the rest found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from storage.sampling import EVER_FLAGGED, never_flagged
from storage.tables import Decision, Listing, ReviewMark, ReviewSampling


@dataclass(slots=True)
class Drawn:
    """Listings drawn from under one setting of the share, flagged ones left out."""

    share: float
    unflagged: int = 0
    """How many there were to draw from."""
    audited: int = 0
    """Drawn, and decided on."""
    missed: int = 0
    """Of those, antiquities."""
    waiting: int = 0
    """Drawn, and not decided on yet, or unsure."""


@dataclass(slots=True)
class RecallCounts:
    """Everything that an estimate of recall needs."""

    found: int = 0
    """Flagged listings that somebody decided to be antiquities."""
    flagged_waiting: int = 0
    """Flagged listings that nobody decided on yet, or unsure."""
    drawn: list[Drawn] = field(default_factory=list)


def recall_counts(session: Session, since: datetime | None = None) -> RecallCounts:
    """Counts over listings first seen since then, or all.

    A listing counts as flagged or not as it stood when somebody first decided about it, so that a model that learned
    from the audit does not praise itself.
    """
    seen = Listing.first_seen_at >= since if since is not None else Listing.id > 0
    counts = RecallCounts()
    audited = _audited_unflagged(session, since)
    for sampling in session.scalars(select(ReviewSampling).order_by(ReviewSampling.id)):
        inside = and_(Listing.id > sampling.drawn_from, Listing.id <= sampling.drawn_to, seen)
        never = session.execute(
            select(func.count())
            .select_from(Listing)
            .where(inside, Listing.current_assessment_id.is_not(None), never_flagged())
        ).scalar_one()
        rows = audited.get(sampling.id, [])
        drawn = Drawn(sampling.audit_share, unflagged=never + sum(now_flagged for _, _, now_flagged in rows))
        for _, verdict, _ in rows:
            if verdict in (None, "unsure"):
                drawn.waiting += 1
            else:
                drawn.audited += 1
                drawn.missed += verdict == "antiquity"
        if drawn.unflagged:
            counts.drawn.append(drawn)
    out = {listing for rows in audited.values() for listing, _, now_flagged in rows if now_flagged}
    flagged = session.execute(
        select(Listing.id, Decision.verdict)
        .outerjoin(Decision, Decision.id == Listing.current_decision_id)
        .where(seen, ~never_flagged(), Listing.id <= _drawn_to(session))
    )
    for listing, verdict in flagged:
        if listing in out:
            continue
        if verdict in (None, "unsure"):
            counts.flagged_waiting += 1
        else:
            counts.found += verdict == "antiquity"
    return counts


def _drawn_to(session: Session) -> int:
    return session.execute(select(func.coalesce(func.max(ReviewSampling.drawn_to), 0))).scalar_one()


def _audited_unflagged(session: Session, since: datetime | None) -> dict[int, list[tuple[int, str | None, bool]]]:
    """Sampling -> (listing, verdict, flagged by now) of drawn listings that were not flagged when first decided on."""
    first_flag = (
        select(EVER_FLAGGED.listing_id, func.min(EVER_FLAGGED.assessed_at).label("at"))
        .where(EVER_FLAGGED.flagged)
        .group_by(EVER_FLAGGED.listing_id)
        .subquery("first_flag")
    )
    first_look = (
        select(Decision.listing_id, func.min(Decision.decided_at).label("at"))
        .group_by(Decision.listing_id)
        .subquery("first_look")
    )
    query = (
        select(ReviewMark.sampling_id, Listing.id, Decision.verdict, first_flag.c.at, first_look.c.at)
        .join(Listing, Listing.id == ReviewMark.listing_id)
        .outerjoin(Decision, Decision.id == Listing.current_decision_id)
        .outerjoin(first_flag, first_flag.c.listing_id == Listing.id)
        .outerjoin(first_look, first_look.c.listing_id == Listing.id)
        .where(ReviewMark.kind == "audit")
    )
    if since is not None:
        query = query.where(Listing.first_seen_at >= since)
    found: dict[int, list[tuple[int, str | None, bool]]] = defaultdict(list)
    for sampling, listing, verdict, flagged_at, looked_at in session.execute(query):
        if flagged_at is None or (looked_at is not None and looked_at < flagged_at):
            found[sampling].append((listing, verdict, flagged_at is not None))
    return found
