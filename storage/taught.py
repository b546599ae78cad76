"""What people decided, as training reads it: the text that was on the screen, its market and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.decisions import undone_decisions
from storage.tables import Assessment, Decision, Listing, Observation, User

VERDICTS = {"antiquity": True, "replica": False, "other": False}
"""Unsure teaches nothing."""
SILENT_REASONS = frozenset({"duplicate", "lawful_documented", "not_an_offer"})
"""Dismissals for these say nothing of what the text describes: it may well be an antiquity."""


@dataclass(frozen=True, slots=True)
class DecidedText:
    """A text with what was decided about it."""

    decision_id: int
    decided_at: datetime
    market: str
    seller: str
    language: str
    title: str
    description: str | None
    verdict: str
    reviewer: str
    """Who decided."""

    @property
    def antiquity(self) -> bool:
        return VERDICTS[self.verdict]


def decided_texts(session: Session) -> list[DecidedText]:
    """One row for each text decided on, with the last word about it; what is unsure, has no words, or was dismissed
    for a reason that says nothing of its text, is left out.

    A listing that changed and was decided on again gives both texts, each with its own verdict. The demo's are never
    among them.
    """
    rows = session.execute(
        select(Decision, Listing.market, Observation, Assessment.language, User.name)
        .join(Listing, Listing.id == Decision.listing_id)
        .join(Observation, Observation.id == Decision.observation_id)
        .join(User, User.id == Decision.user_id)
        .outerjoin(Assessment, Assessment.id == Decision.assessment_id)
        .where(~Listing.demo)
        .order_by(Decision.id)
    ).all()
    undone = undone_decisions(session)
    last = {row[0].observation_id: row for row in rows if row[0].id not in undone}
    return [
        DecidedText(
            decision.id,
            decision.decided_at,
            market,
            seen.seller_name or "",
            language or "",
            seen.title or "",
            seen.description,
            decision.verdict,
            reviewer,
        )
        for decision, market, seen, language, reviewer in sorted(last.values(), key=lambda one: one[0].id)
        if decision.verdict in VERDICTS
        and (seen.title or seen.description)
        and (VERDICTS[decision.verdict] or decision.reason not in SILENT_REASONS)
    ]
