"""Alerts: what people were told of new hits, read or not; and the hits that are still to be compared with searches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from storage.saved_searches import names_of
from storage.tables import (
    Alert,
    Assessment,
    Delivery,
    DeliveryAlert,
    Listing,
    Observation,
    RaisedHit,
    SearchNotice,
    User,
    utc_now,
)

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert with what it is about."""

    alert: Alert
    listing: Listing
    observation: Observation
    """As the listing stands now."""
    assessment: Assessment
    """That raised it."""
    searches: tuple[str, ...]
    """Names of the person's searches that it matched."""


def note_raised(session: Session, raised: Iterable[tuple[int, int]]) -> None:
    """Have hits (listing, assessment) compared with saved searches; in the transaction that keeps the assessments."""
    rows = [{"listing_id": listing, "assessment_id": assessment} for listing, assessment in raised]
    # What is raised while nobody is to be alerted is no new hit for whoever wants it later.
    if rows and session.scalar(select(SearchNotice.id).limit(1)) is not None:
        session.execute(insert(RaisedHit), rows)


def hits_wait(session: Session) -> bool:
    return session.scalar(select(RaisedHit.id).limit(1)) is not None


def waiting_hits(session: Session, limit: int) -> list[RaisedHit]:
    """Hits to be compared with saved searches, the oldest first."""
    return list(session.scalars(select(RaisedHit).order_by(RaisedHit.id).limit(limit)))


def list_alerts(
    session: Session, user: User, *, unread: bool = False, limit: int = PAGE_SIZE, offset: int = 0
) -> list[AlertRow]:
    """A person's alerts, the newest first."""
    wanted = select(Alert.id).where(Alert.user_id == user.id)
    if unread:
        wanted = wanted.where(Alert.read_at.is_(None))
    return alert_rows(session, session.scalars(wanted.order_by(Alert.id.desc()).limit(limit).offset(offset)).all())


def alert_rows(session: Session, ids: Collection[int]) -> list[AlertRow]:
    """These alerts, the newest first."""
    found = session.execute(
        select(Alert, Listing, Observation, Assessment)
        .join(Listing, Listing.id == Alert.listing_id)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .join(Assessment, Assessment.id == Alert.assessment_id)
        .where(Alert.id.in_(ids))
        .order_by(Alert.id.desc())
    ).all()
    names = names_of(session, {int(one) for alert, *_ in found for one in alert.searches})
    return [
        AlertRow(alert, listing, seen, judged, tuple(names[one] for one in alert.searches if one in names))
        for alert, listing, seen, judged in found
    ]


def alerts_in(session: Session, delivery: Delivery) -> list[AlertRow]:
    """What a message tells of: less than was put into it where listings were deleted meanwhile."""
    ids = session.scalars(select(DeliveryAlert.alert_id).where(DeliveryAlert.delivery_id == delivery.id)).all()
    return alert_rows(session, ids)


def deliveries_of(session: Session, alert_ids: Collection[int]) -> dict[int, list[Delivery]]:
    """Alert -> the messages that tell of it."""
    rows = session.execute(
        select(DeliveryAlert.alert_id, Delivery)
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(DeliveryAlert.alert_id.in_(alert_ids))
        .order_by(Delivery.way)
    )
    found: dict[int, list[Delivery]] = {}
    for alert_id, delivery in rows:
        found.setdefault(alert_id, []).append(delivery)
    return found


def count_alerts(session: Session, user: User, *, unread: bool = False) -> int:
    statement = select(func.count()).select_from(Alert).where(Alert.user_id == user.id)
    return session.scalar(statement.where(Alert.read_at.is_(None)) if unread else statement) or 0


def mark_read(session: Session, user: User, alert_ids: Collection[int] | None = None, *, read: bool = True) -> None:
    """Mark a person's alerts as read, or as unread again; all of them where none are named."""
    statement = update(Alert).where(Alert.user_id == user.id, Alert.read_at.is_(None) == read)
    if alert_ids is not None:
        statement = statement.where(Alert.id.in_(alert_ids))
    session.execute(statement.values(read_at=utc_now() if read else None))


def mark_listing_read(session: Session, user: User, listing_id: int) -> None:
    """Who has the listing before them has read its alert."""
    mine = (Alert.user_id == user.id, Alert.listing_id == listing_id, Alert.read_at.is_(None))
    session.execute(update(Alert).where(*mine).values(read_at=utc_now()))
