"""Sending what is due: tried again, given up, taken up after a kill, and never twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from alerts.outbox import send_due
from alerts.webhook import sign
from crawler.egress import Guard
from crawler.home import Home
from storage.alarm_notices import queue_alarm_notices
from storage.alarm_receipts import give_receipt, set_recipient
from storage.audit import AuditChain
from storage.database import Database
from storage.deliveries import PAUSES_SECONDS, deliveries_are_due, new_delivery, queue_alerts, send_again
from storage.notice_settings import set_email, set_webhook, settings_of, webhook_secret
from storage.tables import Alarm, Alert, Delivery, User, utc_now
from storage.users import create_user
from tests.alerts.conftest import Mailbox
from tests.alerts.test_webhook import Receiver, receiver
from tests.crawling import ROOT, Place
from tests.review.seed import Offer, add_listing

Queue = Callable[[], int]

__all__ = ["receiver"]


@pytest.fixture
def ann(desk_database: Database) -> int:
    with desk_database.transaction() as session:
        user = create_user(session, "ann", "reviewer")
        set_email(session, AuditChain(), user, email="ann@office.example", rhythm="at_once", confirmed=True)
        return user.id


@pytest.fixture
def queued(desk_database: Database, home: Home, ann: int) -> Queue:
    """`queued()`: an e-mail about a new hit waits; its number."""

    def make() -> int:
        with desk_database.transaction() as session:
            return queue_one(session, home, ann)

    return make


def queue_one(session, home: Home, user: int, offer: Offer | None = None) -> int:
    listing = add_listing(session, home, offer or Offer())
    alert = Alert(
        user_id=user,
        listing_id=listing.id,
        assessment_id=listing.current_assessment_id,
        kind="hit",
        searches=[],
        made_at=utc_now(),
    )
    session.add(alert)
    session.flush()
    queue_alerts(session, settings_of(session, user), [alert.id], now=utc_now())
    session.execute(update(Delivery).where(Delivery.state == "waiting").values(due_at=utc_now()))
    return session.scalars(select(Delivery.id).order_by(Delivery.id.desc())).first() or 0


def row(database: Database, delivery_id: int) -> Delivery:
    with database.reading() as session:
        return session.get_one(Delivery, delivery_id)


def make_due(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(Delivery).where(Delivery.state == "waiting").values(due_at=utc_now()))


def test_what_was_sent_is_not_sent_again(desk_database, home, queued, mailbox: Mailbox) -> None:
    one = queued()
    assert send_due(desk_database, home)["sent"] == 1
    assert send_due(desk_database, home)["sent"] == 0
    assert (row(desk_database, one).state, len(mailbox.messages)) == ("sent", 1)


def test_a_server_that_is_busy_is_asked_again_after_growing_pauses_and_then_given_up(
    desk_database, home, queued, mailbox: Mailbox
) -> None:
    one = queued()
    mailbox.answers = ["451 come back later"] * (len(PAUSES_SECONDS) + 1)
    pauses = []
    while row(desk_database, one).state == "waiting":
        before = utc_now()
        assert send_due(desk_database, home).total() == 1
        assert send_due(desk_database, home).total() == 0, "the pause is kept"
        pauses.append((row(desk_database, one).due_at - before).total_seconds())
        make_due(desk_database)
    ended = row(desk_database, one)
    assert [round(pause) for pause in pauses[:-1]] == list(PAUSES_SECONDS)
    assert ended.state == "failed"
    assert "Given up after 8 attempts" in (ended.error or "") and "451" in (ended.error or "")
    assert mailbox.messages == []


def test_a_refusal_for_good_ends_it_and_a_person_may_have_it_sent_again(
    desk_database, home, queued, mailbox: Mailbox
) -> None:
    one = queued()
    mailbox.answers = ["550 no such mailbox"]
    send_due(desk_database, home)
    assert (row(desk_database, one).state, row(desk_database, one).attempts) == ("failed", 1)
    with desk_database.transaction() as session:
        send_again(session, session.get_one(Delivery, one))
    send_due(desk_database, home)
    assert (row(desk_database, one).state, len(mailbox.messages)) == ("sent", 1)


def test_a_lost_answer_is_said_and_no_second_e_mail_goes_out(desk_database, home, queued, mailbox: Mailbox) -> None:
    one = queued()
    taken = mailbox.handle_DATA

    async def take_and_hang_up(server, session, envelope):
        await taken(server, session, envelope)
        server.transport.abort()
        return "250 taken"

    mailbox.handle_DATA = take_and_hang_up  # type: ignore[method-assign]
    send_due(desk_database, home)
    make_due(desk_database)
    send_due(desk_database, home)
    assert (row(desk_database, one).state, len(mailbox.messages)) == ("uncertain", 1)


@pytest.mark.parametrize(("rhythm", "state", "arrived"), [("at_once", "sent", 1), ("off", "void", 0)])
def test_what_waits_for_its_hour_follows_a_rhythm_chosen_anew(
    desk_database, home, ann, mailbox: Mailbox, rhythm: str, state: str, arrived: int
) -> None:
    with desk_database.transaction() as session:
        set_email(
            session,
            AuditChain(),
            session.get_one(User, ann),
            email="ann@office.example",
            rhythm="daily",
            confirmed=True,
        )
        listing = add_listing(session, home, Offer())
        alert = Alert(
            user_id=ann, listing_id=listing.id, assessment_id=listing.current_assessment_id, kind="hit", searches=[]
        )
        session.add(alert)
        session.flush()
        queue_alerts(session, settings_of(session, ann), [alert.id], now=utc_now())
        one = session.scalars(select(Delivery.id)).one()
    assert send_due(desk_database, home).total() == 0
    with desk_database.transaction() as session:
        set_email(
            session, AuditChain(), session.get_one(User, ann), email="ann@office.example", rhythm=rhythm, confirmed=True
        )
    send_due(desk_database, home)
    assert (row(desk_database, one).state, len(mailbox.messages)) == (state, arrived)


def test_a_webhook_is_told_masked_and_again_under_the_same_number_when_its_answer_was_lost(
    desk_database, home, ann, receiver: Receiver, monkeypatch
) -> None:
    monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
    with desk_database.transaction() as session:
        user = session.get_one(User, ann)
        set_email(session, AuditChain(), user, email="", rhythm="off", confirmed=True)
        set_webhook(session, AuditChain(), user, url=receiver.url(), guard=Guard(allow_loopback=True))
        one = queue_one(session, home, ann, Offer(title="Lamp\r\n0944 123 456"))
    receiver.silent = True
    send_due(desk_database, home)
    assert (row(desk_database, one).state, len(receiver.asked)) == ("waiting", 1)
    receiver.silent = False
    make_due(desk_database)
    assert send_due(desk_database, home)["sent"] == 1
    (_, first, _), (_, second, body) = receiver.asked
    assert first["x-relicwatch-delivery"] == second["x-relicwatch-delivery"]
    with desk_database.reading() as session:
        secret = webhook_secret(home, settings_of(session, ann))
    assert second["x-relicwatch-signature"] == sign(secret, second["x-relicwatch-timestamp"], body)
    told = json.loads(body)
    assert (told["event"], len(told["alerts"])) == ("alerts", 1)
    assert told["alerts"][0]["listing"]["title"] == "Lamp •••"
    assert "0944" not in body.decode()


def test_a_webhook_that_was_taken_away_leaves_nothing_to_send(desk_database, home, ann, receiver: Receiver) -> None:
    with desk_database.transaction() as session:
        user = session.get_one(User, ann)
        set_email(session, AuditChain(), user, email="", rhythm="off", confirmed=True)
        set_webhook(session, AuditChain(), user, url=receiver.url(), guard=Guard(allow_loopback=True))
        one = queue_one(session, home, ann)
        set_webhook(session, AuditChain(), user, url="", guard=Guard())
    send_due(desk_database, home)
    assert (row(desk_database, one).state, receiver.asked) == ("void", [])


def test_without_a_mail_server_messages_wait_and_say_why(desk_database, home, queued, monkeypatch) -> None:
    monkeypatch.delenv("RELICWATCH_SMTP_HOST", raising=False)
    one = queued()
    send_due(desk_database, home)
    assert row(desk_database, one).state == "waiting"
    assert "RELICWATCH_SMTP_HOST" in (row(desk_database, one).error or "")


def test_alerts_that_come_close_together_go_out_in_one_message(desk_database, home, ann, mailbox: Mailbox) -> None:
    with desk_database.transaction() as session:
        assert queue_one(session, home, ann) == queue_one(session, home, ann)
    send_due(desk_database, home)
    assert len(mailbox.messages) == 1
    assert "2 new hits" in mailbox.messages[0]["Subject"]


@pytest.mark.parametrize(("handed_over", "state", "arrived"), [(False, "sent", 1), (True, "uncertain", 0)])
def test_what_a_dead_sender_held_is_sent_or_stands_as_uncertain(
    desk_database, home, queued, mailbox: Mailbox, handed_over: bool, state: str, arrived: int
) -> None:
    one = queued()
    with desk_database.transaction() as session:
        dead = {"state": "sending", "held_by": dead_holder(), "held_at": utc_now(), "handed_over": handed_over}
        session.execute(update(Delivery).where(Delivery.id == one).values(**dead))
    with desk_database.reading() as session:
        assert deliveries_are_due(session)
    send_due(desk_database, home)
    assert (row(desk_database, one).state, len(mailbox.messages)) == (state, arrived)


def dead_holder() -> str:
    from storage.leases import process_holder

    host, _, rest = process_holder().rpartition(":")[0].rpartition(":")
    return f"{host}:{rest}:1"


def test_a_warning_of_danger_whose_answer_was_lost_is_sent_again(desk_database, home, ann, mailbox: Mailbox) -> None:
    alarm = named_alarm(desk_database, home, ann)
    with desk_database.transaction() as session:
        queue_alarm_notices(session)
        dead = {"state": "sending", "held_by": dead_holder(), "held_at": utc_now(), "handed_over": True}
        session.execute(update(Delivery).values(**dead))
    send_due(desk_database, home)
    make_due(desk_database)
    send_due(desk_database, home)
    assert len(mailbox.messages) == 1
    assert alarm


def named_alarm(database: Database, home: Home, user: int) -> int:
    with database.transaction() as session:
        person = session.get_one(User, user)
        set_recipient(session, AuditChain(), user=person, named=True, actor="admin")
        listing = add_listing(session, home, Offer(title="مطلوب طفل زوهري", flagged=False))
        found = Alarm(
            kind="treasure_child_abuse_signal",
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            model="x:1",
            reasons=[],
            raised_at=utc_now(),
        )
        session.add(found)
        session.flush()
        return found.id


def test_a_receipt_given_meanwhile_makes_the_message_needless(desk_database, home, ann, mailbox: Mailbox) -> None:
    alarm = named_alarm(desk_database, home, ann)
    with desk_database.transaction() as session:
        assert queue_alarm_notices(session) == 1
        give_receipt(session, AuditChain(), alarm_id=alarm, user=session.get_one(User, ann))
    assert send_due(desk_database, home)["void"] == 1
    assert mailbox.messages == []


def test_a_test_message_that_fails_ends_at_once_with_the_reason(desk_database, home, ann, mailbox: Mailbox) -> None:
    mailbox.answers = ["451 come back later"]
    with desk_database.transaction() as session:
        one = new_delivery(session, ann, "email", "test", utc_now()).id
    send_due(desk_database, home)
    assert row(desk_database, one).state == "failed"
    assert "451" in (row(desk_database, one).error or "")


SENDER = """
import os, signal
from pathlib import Path
import alerts.outbox, alerts.smtp
from crawler.home import Home
from storage.database import Database

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where = os.environ["DIES"]
if where == "before the text":
    import smtplib
    smtplib.SMTP.docmd = die
elif where == "after the answer":
    alerts.outbox.end_delivery = die
home = Home.from_environment()
alerts.outbox.send_due(Database(home.database_url), home)
"""


@pytest.mark.parametrize(
    ("dies", "after_kill", "state"), [("before the text", 0, "sent"), ("after the answer", 1, "uncertain")]
)
def test_killed_at_any_moment_nobody_gets_a_message_twice(
    place: Place, mailbox: Mailbox, dies: str, after_kill: int, state: str
) -> None:
    with place.database.transaction() as session:
        user = create_user(session, "ann", "reviewer")
        set_email(session, AuditChain(), user, email="ann@office.example", rhythm="at_once", confirmed=True)
        one = queue_one(session, place.home, user.id)
    environment = place.environment({**mailbox.environment(), "DIES": dies, "PYTHONPATH": str(ROOT)})
    killed = subprocess.run([sys.executable, "-c", SENDER], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(mailbox.messages) == after_kill
    for _ in range(2):
        send_due(place.database, place.home)
        make_due(place.database)
    assert (row(place.database, one).state, len(mailbox.messages)) == (state, 1)
