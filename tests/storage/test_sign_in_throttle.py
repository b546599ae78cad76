"""Refused sign-ins are counted for account and source, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update

from storage.sign_in_throttle import (
    COUNTED,
    MOST_OF_PAIR,
    MOST_OF_SOURCE,
    forget_failures,
    note_failure,
    wait_until,
)
from storage.tables import SignInFailure, utc_now


def test_an_account_waits_after_five_failures_from_one_source_and_not_from_another(database):
    with database.transaction() as session:
        for number in range(MOST_OF_PAIR):
            assert wait_until(session, "Amina", "10.0.0.1") is None, number
            note_failure(session, "Amina", "10.0.0.1")
        until = wait_until(session, " Amina ", "10.0.0.1")
        assert until is not None and timedelta() < until - utc_now() <= COUNTED
        assert wait_until(session, "Amina", "10.0.0.2") is None
        assert wait_until(session, "Basil", "10.0.0.1") is None


def test_a_source_that_tries_many_names_waits_for_all_of_them(database):
    with database.transaction() as session:
        for number in range(MOST_OF_SOURCE):
            note_failure(session, f"name {number}", "10.0.0.1")
        assert wait_until(session, "Amina", "10.0.0.1") is not None
        assert wait_until(session, "Amina", "10.0.0.2") is None


def test_failures_are_forgotten_after_their_time_and_after_a_sign_in(database):
    with database.transaction() as session:
        for _ in range(MOST_OF_PAIR):
            note_failure(session, "Amina", "10.0.0.1")
            note_failure(session, "Basil", "10.0.0.1")
        forget_failures(session, "Amina", "10.0.0.1")
        assert wait_until(session, "Amina", "10.0.0.1") is None
        assert wait_until(session, "Basil", "10.0.0.1") is not None
        session.execute(update(SignInFailure).values(at=utc_now() - COUNTED - timedelta(seconds=1)))
        assert wait_until(session, "Basil", "10.0.0.1") is None
        note_failure(session, "Basil", "10.0.0.1")
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 1


def test_no_name_and_no_address_is_kept(database):
    with database.transaction() as session:
        note_failure(session, "Amina", "10.0.0.1")
        row = session.scalars(select(SignInFailure)).one()
        assert "Amina" not in row.account and "10.0" not in row.source
