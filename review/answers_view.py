"""The machine's answers on a listing as the reader sees them: in their language, and with the priority of this hour."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from classifiers.answers.explained import Line, Section, explain, explain_alarm
from classifiers.answers.facts import FactsError, Settings
from classifiers.answers.meanings import UnknownMeaning
from classifiers.answers.priority import at_this_hour
from crawler.home import Home
from review.listing_view import ListingView
from storage.tables import Alarm, Assessment, Listing, Observation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnswersView:
    """What the listing's page shows of the answers."""

    sections: Sequence[Section]
    alarms: Sequence[Line]


def view_answers(session: Session, home: Home, view: ListingView, language: str, now: datetime) -> AnswersView:
    """The answers of the newest assessment, and the alarms that stand open."""
    stored = view.assessment.answers if view.assessment is not None else None
    alarms = session.scalars(
        select(Alarm).where(Alarm.listing_id == view.listing.id, Alarm.closed_at.is_(None)).order_by(Alarm.id)
    )
    lines = [alarm_line(alarm.kind, alarm.reasons, language) for alarm in alarms]
    if not stored:
        return AnswersView((), lines)
    settings = _settings(home)
    if stored.get("priority") and settings is not None:
        priority = at_this_hour(
            stored["priority"],
            [origin["id"] for origin in stored["origins"]],
            settings,
            ends_at=view.observation.ends_at if view.listing.state == "live" else None,
            now=now,
            seller_flagged=_flagged_of_seller(session, view.observation.seller_id),
        )
        stored = stored | {"priority": priority}
    return AnswersView(explain(stored, language), lines)


def alarm_line(kind: str, reasons: Sequence[dict[str, Any]], language: str) -> Line:
    """A kind that this version no longer knows is shown as it was stored: no alarm is lost over its name."""
    try:
        return explain_alarm(kind, reasons, language)
    except UnknownMeaning:
        return Line(kind, kind, "", None, tuple(reasons))


def _settings(home: Home) -> Settings | None:
    """The unit's settings; None where they cannot be used: a page is not to be lost over them."""
    try:
        return Settings.load(home.root)
    except FactsError as error:
        logger.warning("Priorities are shown as they were stored: %s", error)
        return None


def _flagged_of_seller(session: Session, seller_id: int | None) -> int:
    if seller_id is None:
        return 0
    counted = (
        select(func.count())
        .select_from(Listing)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .join(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(Observation.seller_id == seller_id, Assessment.flagged.is_(True))
    )
    return session.scalar(counted) or 0
