"""The set-up's steps stay as they were said, and it opens by itself once."""

from __future__ import annotations

import pytest

from storage.set_up import OPENED, UnknownStep, is_first_time, progress_of, say_step, steps_said
from storage.tables import Crawl, Job, MarketApproval


def test_a_step_is_skipped_done_later_and_stays_done(database):
    with database.transaction() as session:
        assert steps_said(session) == {}
        say_step(session, "own", "skipped", "amina")
    with database.transaction() as session:
        assert steps_said(session)["own"].state == "skipped"
        say_step(session, "own", "done", "karim")
        say_step(session, "own", "skipped", "amina")
    with database.transaction() as session:
        assert (steps_said(session)["own"].state, steps_said(session)["own"].said_by) == ("done", "karim")


@pytest.mark.parametrize(("step", "state"), [("nothing", "done"), ("own", "half")])
def test_an_unknown_step_or_state_is_refused(database, step, state):
    with database.transaction() as session, pytest.raises(UnknownStep):
        say_step(session, step, state, "amina")


def test_it_is_the_first_time_until_it_was_opened_or_a_market_was_approved(database):
    with database.transaction() as session:
        assert is_first_time(session)
        say_step(session, OPENED, "done", "amina")
        assert not is_first_time(session) and steps_said(session) == {}


def test_whoever_approved_a_market_by_command_needs_no_set_up(database):
    with database.transaction() as session:
        session.add(MarketApproval(market="m", definition_sha256="a" * 64, approved_by="amina", legal_basis="law"))
        session.flush()
        assert not is_first_time(session)
        assert progress_of(session).approved == 1


def test_what_is_under_way_is_counted(database):
    with database.transaction() as session:
        session.add(Job(kind="import", arguments={}, idempotency_key="a", state="failed", error="broken"))
        session.add(Job(kind="crawl", arguments={}, idempotency_key="b"))
        session.add(Job(kind="match", arguments={}, idempotency_key="c"))
        session.add(Crawl(market="m", queries=[], state="running"))
        session.flush()
        found = progress_of(session)
        assert (found.waiting_jobs, found.crawl.state, found.import_job.error) == (1, "running", "broken")
        assert (found.listings, found.watches, found.next_due_at) == (0, 0, None)
