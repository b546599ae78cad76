"""Who is still to be told of a safety alarm: at once, then again and again until they say that they have seen it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.deliveries import new_delivery
from storage.tables import (
    Alarm,
    AlarmReceipt,
    AlarmRecipient,
    Delivery,
    DeliveryAlarm,
    NoticeSettings,
    User,
    utc_now,
)

REMINDERS = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240))
"""From one message about an alarm to the next; the last span from then on."""
UNDERWAY = ("waiting", "sending")


def alarm_notices_due(session: Session, now: datetime | None = None) -> dict[int, dict[int, int]]:
    """Person -> alarm -> which message about it is due (0: the first).

    An open alarm is due for each named person with an address who has given no receipt, unless a message to them is
    under way or the last one is too fresh. So it makes no difference who was named first or when the address came.
    """
    now = now or utc_now()
    people = _reachable(session)
    if not people:
        return {}
    standing = session.scalars(select(Alarm.id).where(Alarm.closed_at.is_(None)).order_by(Alarm.id)).all()
    if not standing:
        return {}
    seen = {
        (alarm, person)
        for alarm, person in session.execute(
            select(AlarmReceipt.alarm_id, AlarmReceipt.user_id).where(AlarmReceipt.alarm_id.in_(standing))
        )
    }
    told: dict[tuple[int, int], tuple[int, datetime, str]] = {}
    for notice, state in session.execute(
        select(DeliveryAlarm, Delivery.state)
        .join(Delivery, Delivery.id == DeliveryAlarm.delivery_id)
        .where(DeliveryAlarm.alarm_id.in_(standing))
        .order_by(DeliveryAlarm.number)
    ):
        told[notice.alarm_id, notice.user_id] = (notice.number, notice.made_at, state)
    due: dict[int, dict[int, int]] = defaultdict(dict)
    for person in people:
        for alarm in standing:
            if (alarm, person) in seen:
                continue
            last = told.get((alarm, person))
            if last is None:
                due[person][alarm] = 0
                continue
            number, made_at, state = last
            if state not in UNDERWAY and made_at + REMINDERS[min(number, len(REMINDERS) - 1)] <= now:
                due[person][alarm] = number + 1
    return dict(due)


def queue_alarm_notices(session: Session, now: datetime | None = None) -> int:
    """Put a message to each person who is to be told into the outbox, one for all their alarms; how many messages."""
    now = now or utc_now()
    due = alarm_notices_due(session, now)
    for person, alarms in due.items():
        delivery = new_delivery(session, person, "email", "alarm", now)
        session.add_all(
            DeliveryAlarm(alarm_id=alarm, user_id=person, number=number, delivery_id=delivery.id, made_at=now)
            for alarm, number in alarms.items()
        )
    session.flush()
    return len(due)


def alarms_in(session: Session, delivery: Delivery) -> list[tuple[Alarm, int]]:
    """What a message still has to tell, with its count: open alarms that its reader gave no receipt for."""
    receipt = select(AlarmReceipt.id).where(AlarmReceipt.alarm_id == Alarm.id, AlarmReceipt.user_id == delivery.user_id)
    rows = session.execute(
        select(Alarm, DeliveryAlarm.number)
        .join(DeliveryAlarm, DeliveryAlarm.alarm_id == Alarm.id)
        .where(DeliveryAlarm.delivery_id == delivery.id, Alarm.closed_at.is_(None), ~receipt.exists())
        .order_by(Alarm.id.desc())
    )
    return [(alarm, number) for alarm, number in rows]


def notices_of(session: Session, alarm_ids: list[int]) -> dict[tuple[int, int], tuple[int, Delivery]]:
    """(alarm, person) -> count and message of the newest notice."""
    rows = session.execute(
        select(DeliveryAlarm, Delivery)
        .join(Delivery, Delivery.id == DeliveryAlarm.delivery_id)
        .where(DeliveryAlarm.alarm_id.in_(alarm_ids))
        .order_by(DeliveryAlarm.number)
    )
    return {(notice.alarm_id, notice.user_id): (notice.number, delivery) for notice, delivery in rows}


def without_address(session: Session) -> list[str]:
    """Names of people named for alarms who cannot be written to."""
    reachable = _reachable(session)
    named = session.execute(
        select(User.id, User.name)
        .join(AlarmRecipient, AlarmRecipient.user_id == User.id)
        .where(AlarmRecipient.removed_at.is_(None), User.disabled.is_(False))
        .order_by(User.name)
    )
    return [name for id_, name in named if id_ not in reachable]


def _reachable(session: Session) -> list[int]:
    return list(
        session.scalars(
            select(AlarmRecipient.user_id)
            .join(User, User.id == AlarmRecipient.user_id)
            .join(NoticeSettings, NoticeSettings.user_id == User.id)
            .where(AlarmRecipient.removed_at.is_(None), User.disabled.is_(False))
            .where(NoticeSettings.email.is_not(None), NoticeSettings.email_confirmed_at.is_not(None))
            .order_by(AlarmRecipient.user_id)
        )
    )
