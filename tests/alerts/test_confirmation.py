"""An address that a person enters is asked first, by a code that counts once and not for ever."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from alerts.outbox import send_due
from storage.alarm_notices import _reachable
from storage.alarm_receipts import set_recipient
from storage.audit import AuditChain
from storage.deliveries import new_delivery, queue_alerts
from storage.notice_settings import CONFIRM_WITHIN, MOST_CONFIRMATIONS, set_email, settings_of
from storage.tables import Delivery, utc_now
from storage.users import find_user
from tests.alerts.conftest import part
from tests.review.conftest import field, visit

__all__ = ["visit"]
CODE = re.compile(r"\b[A-Z2-7]{16}\b")


@pytest.fixture
def ask(visit, desk_database, home, mailbox):
    """`ask(client, email)`: the address is kept and asked; the code that arrived."""

    def act(client, email="ann@office.example"):
        sent = {"csrf": field(client.get("/alerts").text, "csrf"), "email": email, "rhythm": "at_once"}
        assert client.post("/alerts/email", data=sent).status_code == 303
        send_due(desk_database, home)
        return CODE.search(part(mailbox.messages[-1], "plain"))[0]

    return act


def confirm(client, code):
    sent = {"csrf": field(client.get("/alerts").text, "csrf"), "code": code}
    return client.post("/alerts/confirm", data=sent).status_code


def settings(database, name):
    with database.reading() as session:
        return settings_of(session, find_user(session, name).id)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_question_comes_in_the_readers_language_and_its_code_counts_once(
    ask, visit, desk_database, mailbox, language
):
    with desk_database.transaction() as session:
        find_user(session, "viewer").language = language
    client = visit("viewer")
    code = ask(client)
    (message,) = mailbox.messages
    assert message["To"] == "ann@office.example" and message["Content-Language"] == language
    for kind in ("plain", "html"):
        assert f"https://desk.office.example/alerts/confirm?code={code}" in part(message, kind)
    assert client.get(f"/alerts/confirm?code={code}").status_code == 200
    assert settings(desk_database, "viewer").email_confirmed_at is None  # looked at only
    assert confirm(client, "A" * 16) == 422
    assert confirm(visit("lead"), code) == 422
    assert confirm(client, f" {code.lower()} ") == 303
    assert settings(desk_database, "viewer").email_confirmed_at is not None
    assert confirm(client, code) == 422


def test_until_it_is_confirmed_nothing_but_the_question_goes_there(ask, visit, desk_database, home, mailbox):
    client = visit("lead")
    code = ask(client)
    with desk_database.transaction() as session:
        user = find_user(session, "lead")
        set_recipient(session, AuditChain(), user=user, named=True, actor="admin")
        chosen = settings_of(session, user.id)
        queue_alerts(session, chosen, [], now=utc_now())
        assert _reachable(session) == []
        for about in ("test", "alarm", "alerts"):
            new_delivery(session, user.id, "email", about, utc_now())
    send_due(desk_database, home)
    assert len(mailbox.messages) == 1
    with desk_database.reading() as session:
        ends = session.execute(select(Delivery.about, Delivery.state).order_by(Delivery.id)).all()
        assert [tuple(row) for row in ends] == [
            ("confirm", "sent"), ("test", "void"), ("alarm", "void"), ("alerts", "void")
        ]  # fmt: skip
    assert confirm(client, code) == 303
    with desk_database.transaction() as session:
        user = find_user(session, "lead")
        assert _reachable(session) == [user.id]
        new_delivery(session, user.id, "email", "test", utc_now())
    send_due(desk_database, home)
    assert len(mailbox.messages) == 2


def test_another_address_is_asked_anew_and_the_older_code_is_worth_nothing(ask, visit, desk_database):
    client = visit("viewer")
    first = ask(client)
    assert confirm(client, first) == 303
    second = ask(client, "other@office.example")
    assert settings(desk_database, "viewer").email_confirmed_at is None
    third = ask(client, "third@office.example")
    assert [confirm(client, code) for code in (first, second, third)] == [422, 422, 303]


def test_a_code_ends_after_two_days(ask, visit, desk_database):
    client = visit("viewer")
    code = ask(client)
    with desk_database.transaction() as session:
        row = settings_of(session, find_user(session, "viewer").id)
        row.confirm_until = row.confirm_until - CONFIRM_WITHIN - timedelta(seconds=1)
    assert confirm(client, code) == 422


def test_a_rhythm_changed_later_asks_nobody_and_an_administrators_word_is_enough(visit, desk_database):
    with desk_database.transaction() as session:
        user = find_user(session, "viewer")
        set_email(session, AuditChain(), user, email="ann@office.example", rhythm="daily", confirmed=True)
        set_email(session, AuditChain(), user, email="ann@office.example", rhythm="off")
    assert settings(desk_database, "viewer").email_confirmed_at is not None
    with desk_database.reading() as session:
        assert session.scalars(select(Delivery)).all() == []


def test_the_desk_fills_no_strangers_mailbox(visit, desk_database):
    client = visit("viewer")
    csrf = field(client.get("/alerts").text, "csrf")
    answers = [
        client.post("/alerts/email", data={"csrf": csrf, "email": f"a{n}@office.example", "rhythm": "off"}).status_code
        for n in range(MOST_CONFIRMATIONS + 1)
    ]
    assert answers == [303] * MOST_CONFIRMATIONS + [422]
