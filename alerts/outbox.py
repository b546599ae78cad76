"""Sends what is due in the outbox: each message made from the records as they are now, and its end kept."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.letters import alarms_letter, alerts_letter, confirm_letter, desk_address, flat, test_letter
from alerts.mail_settings import MailSettings, mail_settings
from alerts.sending import AnswerLost, NotSent, Refused
from alerts.smtp import send_mail
from alerts.webhook import post
from crawler.egress import Guard
from crawler.errors import RelicwatchError
from crawler.home import Home, loopback_allowed
from storage.alarm_notices import alarms_in
from storage.alerts import AlertRow, alerts_in
from storage.database import Database
from storage.deliveries import due_deliveries, end_delivery, hand_over, hold, lost_answer, put_off, take_up_left
from storage.leases import process_holder
from storage.notice_settings import confirmation_code, settings_of, webhook_secret, written_to
from storage.tables import Delivery, Listing, Observation, User

logger = logging.getLogger(__name__)
Send = Callable[[Callable[[], None]], None]
"""Sends one message; calls what it is given just before the other side can have it."""


class HeldByAnother(RelicwatchError):
    """Another process has taken the message over: it is not sent here."""


def send_due(database: Database, home: Home) -> Counter[str]:
    """Send every message that is due; how many ended or stand in which state."""
    holder = process_holder()
    counts: Counter[str] = Counter()
    with database.transaction() as session:
        counts["taken_up"] = take_up_left(session)
        due = due_deliveries(session)
    for delivery_id in due:
        state = send_one(database, home, delivery_id, holder)
        if state:
            counts[state] += 1
    return counts


def send_one(database: Database, home: Home, delivery_id: int, holder: str) -> str:
    """Send one message and keep how that went; its state afterwards, "" where another process has it.

    No transaction is open while the other side is spoken to.
    """
    with database.transaction() as session:
        delivery = hold(session, delivery_id, holder)
        if delivery is None:
            return ""
        try:
            send = _prepared(session, home, delivery)
        except RelicwatchError as error:  # no mail server is set, or a definition is broken: both can be mended
            put_off(session, delivery, str(error))
            return delivery.state
        if send is None:
            end_delivery(session, delivery, "void")
            return "void"

    def handing_over() -> None:
        with database.transaction() as session:
            if not hand_over(session, delivery_id, holder):
                raise HeldByAnother(f"Message {delivery_id} is being sent by another process.")

    try:
        send(handing_over)
    except HeldByAnother:
        return ""
    except (NotSent, Refused, AnswerLost) as error:
        return _keep_failure(database, delivery_id, holder, error)
    with database.transaction() as session:
        if (ours := _ours(session, delivery_id, holder)) is not None:
            end_delivery(session, ours, "sent")
    return "sent"


def _keep_failure(database: Database, delivery_id: int, holder: str, error: RelicwatchError) -> str:
    logger.warning("Message %s was not sent: %s", delivery_id, error)
    with database.transaction() as session:
        delivery = _ours(session, delivery_id, holder)
        if delivery is None:
            return ""
        if isinstance(error, Refused):
            end_delivery(session, delivery, "failed", str(error))
        elif isinstance(error, AnswerLost):
            lost_answer(session, delivery, str(error))
        else:
            put_off(session, delivery, str(error))
        return delivery.state


def _ours(session: Session, delivery_id: int, holder: str) -> Delivery | None:
    mine = select(Delivery).where(Delivery.id == delivery_id, Delivery.state == "sending", Delivery.held_by == holder)
    return session.scalars(mine.with_for_update()).one_or_none()


def _prepared(session: Session, home: Home, delivery: Delivery) -> Send | None:
    """The message, made and addressed; None where there is nothing left to say or nobody to say it to."""
    user = session.get_one(User, delivery.user_id)
    chosen = settings_of(session, user.id)
    if user.disabled:
        return None
    if delivery.way == "webhook":
        if not chosen.webhook_url:
            return None
        record = _record(session, home, delivery)
        return None if record is None else _posting(chosen.webhook_url, webhook_secret(home, chosen), delivery, record)
    recipient = chosen.email if delivery.about == "confirm" else written_to(chosen)
    if recipient is None:
        return None
    return _mailing(session, home, delivery, user, recipient, mail_settings())


def _mailing(
    session: Session, home: Home, delivery: Delivery, user: User, recipient: str, mail: MailSettings
) -> Send | None:
    to = {"sender": mail.sender, "recipient": recipient}
    if delivery.about == "alerts":
        rows = alerts_in(session, delivery)
        letter = alerts_letter(delivery, rows, user.language, home, **to) if rows else None
    elif delivery.about == "alarm":
        told = [
            (alarm, number, listing, session.get_one(Observation, alarm.observation_id))
            for alarm, number in alarms_in(session, delivery)
            if (listing := session.get(Listing, alarm.listing_id)) is not None
        ]
        letter = alarms_letter(delivery, told, user.language, home, **to) if told else None
    elif delivery.about == "confirm":
        code = confirmation_code(home, settings_of(session, user.id))
        letter = confirm_letter(delivery.token, code, user.name, user.language, home, **to) if code else None
    else:
        letter = test_letter(delivery.token, user.language, home, **to)
    if letter is None:
        return None
    ready = letter
    return lambda handing_over: send_mail(mail, ready, recipient, handing_over)


def _posting(url: str, secret: str, delivery: Delivery, record: dict[str, Any]) -> Send:
    token = delivery.token
    guard = Guard(allow_loopback=loopback_allowed())
    return lambda handing_over: post(url, secret, token, record, guard, handing_over)


def _record(session: Session, home: Home, delivery: Delivery) -> dict[str, Any] | None:
    """What a webhook is sent; texts are masked as in e-mails, and no personal data beyond them."""
    head = {"version": 1, "delivery": delivery.token, "event": delivery.about, "demo": home.is_demo}
    if delivery.about == "test":
        return {**head, "alerts": []}
    rows = alerts_in(session, delivery)
    return {**head, "alerts": [_alert_record(row) for row in rows]} if rows else None


def _alert_record(row: AlertRow) -> dict[str, Any]:
    seen, judged, desk = row.observation, row.assessment, desk_address()
    return {
        "alert": row.alert.id,
        "kind": row.alert.kind,
        "made_at": row.alert.made_at.isoformat(),
        "searches": list(row.searches),
        "listing": {
            "number": row.listing.id,
            "market": row.listing.market,
            "desk_url": f"{desk}/listings/{row.listing.id}" if desk else None,
            "title": flat(seen.title) or None,
            "price": str(seen.price) if seen.price is not None else None,
            "currency": seen.currency,
            "ends_at": seen.ends_at.isoformat() if seen.ends_at else None,
            "first_seen_at": row.listing.first_seen_at.isoformat(),
        },
        "assessment": {
            "model": judged.model,
            "score": judged.score,
            "band": judged.band,
            "reasons": [flat(str(one["text"])) for one in judged.reasons[:5]],
        },
    }
