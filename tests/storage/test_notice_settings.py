"""Where people are told of alerts: addresses, rhythms, the webhook's secret."""

from __future__ import annotations

import stat
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.egress import Guard
from crawler.home import Home
from storage.audit import AuditChain
from storage.database import Database
from storage.notice_settings import (
    SettingsRefused,
    checked_address,
    set_email,
    set_webhook,
    settings_of,
    webhook_secret,
)
from storage.rhythms import DAILY_HOUR, GATHER, due_moment
from storage.tables import User, utc_now
from storage.users import create_user


@pytest.fixture
def ann(database: Database) -> int:
    with database.transaction() as session:
        return create_user(session, "ann", "lead").id


def test_what_was_chosen_is_kept_and_an_empty_address_ends_it(database: Database, ann: int) -> None:
    for email, kept in (("ann@office.example", "ann@office.example"), (" ", None)):
        with database.transaction() as session:
            set_email(session, AuditChain(), session.get_one(User, ann), email=email, rhythm="daily")
        with database.reading() as session:
            assert (settings_of(session, ann).email, settings_of(session, ann).rhythm) == (kept, "daily")
    with pytest.raises(SettingsRefused, match="no rhythm"), database.transaction() as session:
        set_email(session, AuditChain(), session.get_one(User, ann), email="", rhythm="yearly")


def test_an_address_in_another_script_is_written_as_mail_servers_take_it() -> None:
    assert checked_address(" ann@بريد.example ") == "ann@xn--ngbof4h.example"


@pytest.mark.parametrize(
    "text",
    [
        "", "ann", "ann@", "@office.example", "ann@office.example\r\nBcc: x@evil.example", "a b@office.example",
        "ann@office..example", "ann@-office.example", "Ann <ann@office.example>", "ann@office.example, x@evil.example",
        "أمينة@office.example", "ann@office.example\x00", "ann@[127.0.0.1]", "a@b@c.example", f"{'a' * 250}@x.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsRefused):
        checked_address(text)


@given(st.text(max_size=80) | st.emails())
def test_an_address_that_is_taken_stands_on_one_line_and_is_one_recipient(text: str) -> None:
    try:
        taken = checked_address(text)
    except SettingsRefused:
        return
    assert taken.isascii() and taken.isprintable()
    assert not set(taken.rpartition("@")[2]) & set(" ,;<>@\"'")


def test_a_webhook_passes_the_guard_and_gets_a_secret_that_no_table_holds(
    database: Database, ann: int, home: Home
) -> None:
    secrets = []
    for _ in range(2):
        with database.transaction() as session:
            user = session.get_one(User, ann)
            set_webhook(session, AuditChain(), user, url="https://cases.office.example/hook", guard=Guard())
        with database.reading() as session:
            row = settings_of(session, ann)
            secrets.append(webhook_secret(home, row))
            assert webhook_secret(home, row) == secrets[-1]
            assert secrets[-1] not in str(vars(row))
    assert len(set(secrets)) == 2, "kept anew, it has a new secret"
    (key,) = home.keys.glob("webhook.key*")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for url in ("http://127.0.0.1/", "http://10.1.2.3/", "ftp://x.example/", "nonsense"):
        with pytest.raises(SettingsRefused), database.transaction() as session:
            set_webhook(session, AuditChain(), session.get_one(User, ann), url=url, guard=Guard())
    with database.transaction() as session:
        set_webhook(session, AuditChain(), session.get_one(User, ann), url="", guard=Guard())
        assert settings_of(session, ann).webhook_url is None


def test_messages_at_once_leave_time_to_gather_and_others_wait_for_their_hour() -> None:
    now = datetime(2026, 11, 28, 9, 20).astimezone()
    assert due_moment("at_once", now, None) == now
    assert due_moment("at_once", now, now - timedelta(minutes=1)) == now - timedelta(minutes=1) + GATHER
    assert due_moment("at_once", now, now - timedelta(hours=1)) == now
    assert due_moment("hourly", now, None) == now.replace(hour=10, minute=0)
    assert due_moment("daily", now, None).date() == now.date() + timedelta(days=1)
    assert due_moment("daily", now, None).hour == DAILY_HOUR
    assert due_moment("daily", now.replace(hour=3), None).date() == now.date()
    assert due_moment("daily", utc_now(), None) > utc_now()
