"""Who is told of an alarm, when, and when no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from crawler.home import Home
from storage.alarm_notices import REMINDERS, alarm_notices_due, queue_alarm_notices, without_address
from storage.alarm_receipts import give_receipt, set_recipient
from storage.alarms import close_alarm
from storage.alerting_due import alerts_are_due
from storage.audit import AuditChain
from storage.database import Database
from storage.deliveries import end_delivery
from storage.notice_settings import set_email
from storage.tables import Alarm, Delivery, DeliveryAlarm, User, utc_now
from storage.users import create_user, set_disabled
from tests.review.seed import Offer, add_listing


@pytest.fixture
def ann(database: Database) -> int:
    with database.transaction() as session:
        return create_user(session, "ann", "lead").id


@pytest.fixture
def alarms(database: Database, home: Home) -> list[int]:
    """Two open alarms."""
    with database.transaction() as session:
        made = []
        for kind in ("treasure_child_abuse_signal", "khums_or_tax"):
            listing = add_listing(session, home, Offer(flagged=False))
            alarm = Alarm(
                kind=kind,
                listing_id=listing.id,
                observation_id=listing.current_observation_id,
                model="x:1",
                reasons=[],
                raised_at=utc_now(),
            )
            session.add(alarm)
            session.flush()
            made.append(alarm.id)
        return made


def name(database: Database, user: int, email: str = "ann@office.example") -> None:
    with database.transaction() as session:
        person = session.get_one(User, user)
        set_recipient(session, AuditChain(), user=person, named=True, actor="admin")
        if email:
            set_email(session, AuditChain(), person, email=email, rhythm="off", confirmed=True)


def due(database: Database, now: datetime | None = None) -> dict[int, dict[int, int]]:
    with database.reading() as session:
        return alarm_notices_due(session, now)


def sent(database: Database, now: datetime | None = None) -> int:
    """Queue what is due and mark it as sent; how many messages."""
    with database.transaction() as session:
        count = queue_alarm_notices(session, now)
        for delivery in session.scalars(select(Delivery).where(Delivery.state == "waiting")):
            end_delivery(session, delivery, "sent")
        return count


def test_whoever_is_named_is_told_at_once_of_all_that_stands_open_in_one_message(
    database: Database, ann: int, alarms: list[int]
) -> None:
    assert due(database) == {}
    name(database, ann)
    with database.reading() as session:
        assert alerts_are_due(session)
    assert due(database) == {ann: dict.fromkeys(alarms, 0)}
    assert sent(database) == 1
    assert due(database) == {}
    with database.reading() as session:
        assert {row.alarm_id for row in session.scalars(select(DeliveryAlarm))} == set(alarms)
        assert not alerts_are_due(session)


def test_reminders_follow_with_growing_pauses_until_there_is_a_receipt(
    database: Database, ann: int, alarms: list[int]
) -> None:
    name(database, ann)
    now = utc_now()
    pauses = [*REMINDERS, REMINDERS[-1], REMINDERS[-1]]
    for number, pause in enumerate(pauses):
        assert due(database, now) == {ann: dict.fromkeys(alarms, number)}
        assert sent(database, now) == 1
        assert due(database, now + pause - timedelta(seconds=1)) == {}
        now += pause
    with database.transaction() as session:
        give_receipt(session, AuditChain(), alarm_id=alarms[0], user=session.get_one(User, ann))
    assert due(database, now) == {ann: {alarms[1]: len(pauses)}}
    with database.transaction() as session:
        close_alarm(session, AuditChain(), alarms[1], actor="ben", note="Police told")
    assert due(database, now) == {}


def test_while_a_message_is_under_way_no_reminder_joins_it(database: Database, ann: int, alarms: list[int]) -> None:
    name(database, ann)
    with database.transaction() as session:
        assert queue_alarm_notices(session) == 1
    assert due(database, utc_now() + timedelta(days=2)) == {}


def test_a_message_that_failed_for_good_is_followed_by_a_reminder(
    database: Database, ann: int, alarms: list[int]
) -> None:
    name(database, ann)
    with database.transaction() as session:
        queue_alarm_notices(session)
        end_delivery(session, session.scalars(select(Delivery)).one(), "failed", "550")
    assert due(database, utc_now() + REMINDERS[0]) == {ann: dict.fromkeys(alarms, 1)}


def test_an_address_that_comes_later_is_written_to(database: Database, ann: int, alarms: list[int]) -> None:
    name(database, ann, email="")
    assert due(database) == {}
    with database.reading() as session:
        assert without_address(session) == ["ann"]
    name(database, ann)
    assert set(due(database)) == {ann}
    with database.reading() as session:
        assert without_address(session) == []


def test_a_disabled_account_is_told_nothing(database: Database, ann: int, alarms: list[int]) -> None:
    name(database, ann)
    with database.transaction() as session:
        set_disabled(session, session.get_one(User, ann), True)
    assert due(database) == {}
