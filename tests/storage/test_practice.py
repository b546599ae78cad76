"""Practice answers stand in a store of their own: kept once, and no decision, figure or log entry comes of them."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from storage.practice import (
    PracticeError,
    answers_of,
    begin_round,
    finish_round,
    keep_answer,
    last_finished,
    open_round,
)
from storage.tables import AuditEvent, Decision
from storage.users import create_user


def test_a_round_is_gone_on_with_until_it_is_finished(database):
    with database.transaction() as session:
        user = create_user(session, "Amina", "reviewer")
        assert open_round(session, user) is None and last_finished(session, user) is None
        round_ = begin_round(session, user)
        keep_answer(session, round_, "cat", "unsure", "ask_expert", None)
    with database.transaction() as session:
        again = open_round(session, user)
        assert again is not None and again.id == round_.id
        assert list(answers_of(session, again.id)) == ["cat"]
        finish_round(session, again)
    with database.transaction() as session:
        assert open_round(session, user) is None
        assert last_finished(session, user).id == round_.id
        assert begin_round(session, user).id != round_.id


def test_the_first_answer_stands_and_a_reason_belongs_to_a_dismissal_alone(database):
    with database.transaction() as session:
        round_ = begin_round(session, create_user(session, "Amina", "reviewer"))
        keep_answer(session, round_, "cat", "replica", "dismiss", "replica")
        keep_answer(session, round_, "cat", "antiquity", "refer", None)
        keep_answer(session, round_, "dog", "antiquity", "refer", "replica")
        kept = answers_of(session, round_.id)
        assert (kept["cat"].verdict, kept["cat"].reason, kept["dog"].reason) == ("replica", "replica", None)


@pytest.mark.parametrize("sent", [("", "refer", None), ("replica", "", None), ("replica", "dismiss", None)])
def test_a_half_answer_is_refused(database, sent):
    with database.transaction() as session:
        round_ = begin_round(session, create_user(session, "Amina", "reviewer"))
        with pytest.raises(PracticeError):
            keep_answer(session, round_, "cat", *sent)


def test_practice_leaves_no_decision_and_no_entry_in_the_log(database):
    with database.transaction() as session:
        round_ = begin_round(session, create_user(session, "Amina", "reviewer"))
        keep_answer(session, round_, "cat", "replica", "dismiss", "replica")
        for table in (Decision, AuditEvent):
            assert session.scalar(select(func.count()).select_from(table)) == 0
