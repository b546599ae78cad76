"""Stored listings judged anew by the model in use: new assessments beside the old ones, which all stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.orm import Session

from crawler.items import Assessment as Assessed
from storage.alarms import raise_alarms
from storage.alerts import note_raised
from storage.assessments import alarm_rows, assessment_row, is_for_a_person, is_hit
from storage.jobs import insert_jobs
from storage.tables import Assessment, Listing, Observation, utc_now

RECENT_DAYS = 90
"""Listings seen in so many days are judged anew, and all that are live."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A listing's newest text, and what stands about it."""

    listing: Listing
    observation: Observation
    flagged: bool


def listings_to_judge(
    session: Session, model: str, *, after: int = 0, limit: int = 500, now: datetime | None = None
) -> list[Standing]:
    """Active and recent listings whose newest assessment is not of `model`, by id, from the one after `after`."""
    rows = session.execute(
        select(Listing, Observation, func.coalesce(Assessment.flagged, False))
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(Listing.id > after, _worth_it(now or utc_now()))
        .where(or_(Assessment.id.is_(None), Assessment.model != model, Assessment.observation_id != Observation.id))
        .order_by(Listing.id)
        .limit(limit)
    )
    return [Standing(listing, observation, bool(flagged)) for listing, observation, flagged in rows]


def count_to_judge(session: Session, model: str, *, now: datetime | None = None) -> int:
    """How many listings `listings_to_judge` would give in all."""
    return session.execute(
        select(func.count())
        .select_from(Listing)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(_worth_it(now or utc_now()))
        .where(or_(Assessment.id.is_(None), Assessment.model != model, Assessment.observation_id != Observation.id))
    ).scalar_one()


def keep_assessments(
    session: Session, judged: Sequence[tuple[Standing, Assessed]], *, now: datetime | None = None
) -> dict[str, int]:
    """Keep the new assessments and make them the listings' current ones. A newly flagged listing waits in the queue.

    A listing that changed since it was read is passed over: the crawl that saw the change has judged it. Counts come
    back: rescored, newly_flagged, no_longer_flagged.
    """
    now = now or utc_now()
    ids = [standing.listing.id for standing, _ in judged]
    current = dict(
        session.execute(
            select(Listing.id, Listing.current_observation_id)
            .where(Listing.id.in_(ids))
            .order_by(Listing.id)  # whoever locks several does so in this order, so that no two wait for each other
            .with_for_update()
        ).all()
    )
    held = [one for one in judged if current.get(one[0].listing.id) == one[0].observation.id]
    observations = [standing.observation.id for standing, _ in held]
    there = {
        observation: id_
        for observation, id_, model in session.execute(
            select(Assessment.observation_id, Assessment.id, Assessment.model).where(
                Assessment.observation_id.in_(observations)
            )
        )
        if held and model == held[0][1].model
    }
    new = [one for one in held if one[0].observation.id not in there]
    if new:
        rows = [assessment_row(s.listing.id, s.observation.id, found, now) for s, found in new]
        statement = insert(Assessment).returning(Assessment.id, sort_by_parameter_order=True)
        for (standing, _), id_ in zip(new, session.scalars(statement, rows), strict=True):
            there[standing.observation.id] = id_
        raise_alarms(session, [row for s, f in new for row in alarm_rows(s.listing.id, s.observation.id, f, now)])
    if held:
        session.execute(
            update(Listing),
            [{"id": s.listing.id, "current_assessment_id": there[s.observation.id]} for s, _ in held],
        )
    new_to_people = [standing for standing, found in held if is_for_a_person(found) and not standing.flagged]
    hits = [one for one, found in held if is_hit(found) and not one.flagged]
    note_raised(session, [(one.listing.id, there[one.observation.id]) for one in hits])
    insert_jobs(
        session,
        "capture",
        (
            ({"listing_id": s.listing.id, "reason": "flagged"}, f"capture:observation:{s.observation.id}")
            for s in new_to_people
            if s.listing.state == "live" and s.observation.crawl_id is not None
        ),
    )
    return {
        "rescored": len(held),
        "newly_flagged": sum(found.flagged and not standing.flagged for standing, found in held),
        "no_longer_flagged": sum(standing.flagged and not found.flagged for standing, found in held),
    }


def _worth_it(now: datetime) -> ColumnElement[bool]:
    return or_(Listing.state == "live", Listing.last_seen_at >= now - timedelta(days=RECENT_DAYS))
