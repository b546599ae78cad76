"""The outbox: messages that wait, are being sent, were sent or could not be, and what a killed sender left.

A message is held by one process. Before the other side can have it, that is committed (`hand_over`): of a sender that
died earlier it is sent again, of one that died later nobody knows. An e-mail about alerts is then not sent a second
time and stands as uncertain; a warning of danger is, and so is a webhook's, which its receiver knows by its token.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from storage.leases import is_gone
from storage.rhythms import due_moment
from storage.tables import Delivery, DeliveryAlert, NoticeSettings, utc_now

WAYS = ("email", "webhook")
STATES = ("waiting", "sending", "sent", "failed", "uncertain", "void")
ABOUT = ("alerts", "alarm", "test", "confirm")
PAUSES_SECONDS = (60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
"""Before each further attempt; after the last of them it is given up."""
LONGEST_ALARM_PAUSE_SECONDS = 300
HOLD = timedelta(minutes=15)
"""A sender that is not known to be dead has so long."""
MOST_ERROR = 500


def queue_alerts(session: Session, settings: NoticeSettings, alerts: Sequence[int], *, now: datetime) -> None:
    """Put alerts of one person into the messages that tell of them, by each way that the person has set."""
    if settings.email_confirmed_at is not None and settings.rhythm != "off":
        _put(session, _gathering(session, settings, now), "email", alerts)
    if settings.webhook_url:
        _put(session, new_delivery(session, settings.user_id, "webhook", "alerts", now), "webhook", alerts)


def new_delivery(session: Session, user_id: int, way: str, about: str, due_at: datetime) -> Delivery:
    row = Delivery(user_id=user_id, way=way, about=about, token=secrets.token_hex(16), due_at=due_at)
    session.add(row)
    session.flush()
    return row


def _gathering(session: Session, settings: NoticeSettings, now: datetime) -> Delivery:
    """The e-mail that still waits to go out, or a new one."""
    waiting = session.scalars(_untried(settings.user_id).limit(1).with_for_update()).first()
    if waiting is not None:
        return waiting
    last = session.scalars(_emails(settings.user_id).order_by(Delivery.id.desc()).limit(1)).first()
    due = due_moment(settings.rhythm, now, last.due_at if last else None)
    return new_delivery(session, settings.user_id, "email", "alerts", due)


def follow_rhythm(session: Session, user_id: int, rhythm: str) -> None:
    """What waits untried for its hour goes out as the rhythm that was chosen now has it."""
    now = utc_now()
    for delivery in session.scalars(_untried(user_id).with_for_update()):
        if rhythm == "off":
            end_delivery(session, delivery, "void")
        else:
            delivery.due_at = due_moment(rhythm, now, None)


def _untried(user_id: int) -> Select[Delivery]:
    """E-mails about alerts that no attempt was made at yet."""
    return _emails(user_id).where(Delivery.state == "waiting", Delivery.attempts == 0).order_by(Delivery.id)


def _emails(user_id: int) -> Select[Delivery]:
    return select(Delivery).where(Delivery.user_id == user_id, Delivery.way == "email", Delivery.about == "alerts")


def _put(session: Session, delivery: Delivery, way: str, alerts: Sequence[int]) -> None:
    session.execute(
        insert(DeliveryAlert), [{"alert_id": one, "way": way, "delivery_id": delivery.id} for one in alerts]
    )


# -- sending ----------------------------------------------------------------------------------------------------


def deliveries_are_due(session: Session, now: datetime | None = None) -> bool:
    """Whether a message waits to be sent, or somebody died over one."""
    now = now or utc_now()
    waits = select(Delivery.id).where(Delivery.state == "waiting", Delivery.due_at <= now).limit(1)
    return session.scalar(waits) is not None or bool(_left(session, now))


def due_deliveries(session: Session, now: datetime | None = None, limit: int = 200) -> list[int]:
    """Messages to send now, warnings of danger first."""
    now = now or utc_now()
    return list(
        session.scalars(
            select(Delivery.id)
            .where(Delivery.state == "waiting", Delivery.due_at <= now)
            .order_by(Delivery.about != "alarm", Delivery.due_at, Delivery.id)
            .limit(limit)
        )
    )


def hold(session: Session, delivery_id: int, holder: str) -> Delivery | None:
    """Take a message to send it; None where another process has it."""
    return session.scalars(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == "waiting")
        .values(state="sending", held_by=holder, held_at=utc_now(), attempts=Delivery.attempts + 1, handed_over=False)
        .returning(Delivery)
    ).one_or_none()


def hand_over(session: Session, delivery_id: int, holder: str) -> bool:
    """Note that the other side may have it from now on; False where this process no longer holds it."""
    done = session.scalars(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == "sending", Delivery.held_by == holder)
        .values(handed_over=True)
        .returning(Delivery.id)
    )
    return done.first() is not None


def end_delivery(session: Session, delivery: Delivery, state: str, error: str | None = None) -> None:
    """Sent, failed, uncertain or void: nothing more is done about it."""
    delivery.state, delivery.ended_at, delivery.held_by = state, utc_now(), None
    delivery.error = error[:MOST_ERROR] if error else None


def put_off(session: Session, delivery: Delivery, error: str) -> None:
    """Try again later, after a longer pause each time; given up after the last. Of a test its sender waits for word."""
    if delivery.about == "test":
        end_delivery(session, delivery, "failed", error)
        return
    if delivery.attempts > len(PAUSES_SECONDS):
        end_delivery(session, delivery, "failed", f"Given up after {delivery.attempts} attempts: {error}")
        return
    pause = PAUSES_SECONDS[delivery.attempts - 1]
    if delivery.about == "alarm":
        pause = min(pause, LONGEST_ALARM_PAUSE_SECONDS)
    delivery.state, delivery.held_by, delivery.handed_over = "waiting", None, False
    delivery.due_at = utc_now() + timedelta(seconds=pause)
    delivery.error = error[:MOST_ERROR]


def lost_answer(session: Session, delivery: Delivery, error: str) -> None:
    """It was handed over and the answer never came."""
    if delivery.way == "email" and delivery.about == "alerts":
        end_delivery(session, delivery, "uncertain", error)
    else:
        put_off(session, delivery, error)


def take_up_left(session: Session, now: datetime | None = None) -> int:
    """What dead senders left: waits again, or stands as uncertain; how many."""
    left = _left(session, now or utc_now())
    for delivery in left:
        if delivery.handed_over:
            lost_answer(session, delivery, "The sending process was killed before the answer came.")
        else:
            delivery.state, delivery.held_by, delivery.attempts = "waiting", None, max(0, delivery.attempts - 1)
    return len(left)


def send_again(session: Session, delivery: Delivery) -> None:
    """A person wants what failed or is uncertain to be tried anew."""
    if delivery.state in ("failed", "uncertain"):
        delivery.state, delivery.attempts, delivery.due_at = "waiting", 0, utc_now()
        delivery.handed_over, delivery.ended_at = False, None


def recent_deliveries(session: Session, user_id: int, limit: int = 20) -> list[Delivery]:
    """The newest messages to a person."""
    mine = select(Delivery).where(Delivery.user_id == user_id)
    return list(session.scalars(mine.order_by(Delivery.id.desc()).limit(limit)))


def counts_by_state(session: Session) -> dict[str, int]:
    """How many messages stand in which state."""
    rows = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {row[0]: row[1] for row in rows}


def _left(session: Session, now: datetime) -> list[Delivery]:
    held = session.scalars(select(Delivery).where(Delivery.state == "sending")).all()
    return [one for one in held if is_gone(one.held_by or "") or one.held_at is None or one.held_at <= now - HOLD]
