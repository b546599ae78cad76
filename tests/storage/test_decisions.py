"""Decisions on both databases: kept once, never over one another."""

from __future__ import annotations

import threading
import uuid

import pytest
from sqlalchemy import select

from storage.audit import AuditChain, chain_faults
from storage.decisions import DecisionError, StaleDecision, decide, decisions_of, undo_decision
from storage.tables import AuditEvent, Decision, Listing
from storage.taught import decided_texts
from storage.users import create_user
from tests.review.seed import Offer, add_listing


@pytest.fixture
def desk(database, home):
    with database.transaction() as session:
        user = create_user(session, "Nadia", "reviewer")
        return database, user, add_listing(session, home, Offer())


def make(session, chain, user, listing, **other):
    values = {
        "observation_id": listing.current_observation_id,
        "assessment_id": listing.current_assessment_id,
        "verdict": "unsure",
        "next_step": "ask_expert",
        "reason": None,
        "note": None,
        "request_key": uuid.uuid4().hex,
        "expected_decision_id": None,
    }
    return decide(session, chain, user=user, listing_id=listing.id, **(values | other))


def test_a_later_decision_supersedes_the_earlier_which_stays(desk):
    database, user, listing = desk
    chain = AuditChain()
    with database.transaction() as session:
        first = make(session, chain, user, listing)
    with database.transaction() as session:
        second = make(session, chain, user, listing, verdict="replica", expected_decision_id=first.id)
    with database.transaction() as session:
        assert [d.id for d, _ in decisions_of(session, listing.id)] == [second.id, first.id]
        assert second.supersedes_id == first.id
        assert session.get(Listing, listing.id).current_decision_id == second.id
        events = list(session.scalars(select(AuditEvent)))
        assert [e.details["decision"] for e in events] == [first.id, second.id]
        assert chain_faults(events) == []


def test_a_decision_that_is_rolled_back_leaves_no_audit_event(desk):
    database, user, listing = desk
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        make(session, AuditChain(), user, listing)
        raise ZeroDivisionError
    with database.transaction() as session:
        assert session.scalars(select(AuditEvent)).all() == []
        assert session.scalars(select(Decision)).all() == []


@pytest.mark.parametrize("same_key", [True, False])
def test_of_many_at_once_one_decides(desk, same_key):  # RL-29
    database, user, listing = desk
    outcomes = []

    def one(number):
        key = "the same" if same_key else str(number)
        try:
            with database.transaction() as session:
                outcomes.append(make(session, AuditChain(), user, listing, request_key=key).id)
        except StaleDecision as stale:
            outcomes.append(stale.newer_id)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with database.transaction() as session:
        kept = session.scalars(select(Decision)).one()
        assert outcomes == [kept.id] * 8
        assert len(session.scalars(select(AuditEvent)).all()) == 1


def test_fifty_who_decide_at_once_lose_no_decision(desk):  # RL-29
    database, user, listing = desk
    turned_away = []

    def one(number):
        """Decides; where somebody was faster, looks at their decision and decides anew on top of it."""
        expected = None
        while True:
            try:
                with database.transaction() as session:
                    make(
                        session, AuditChain(), user, listing, request_key=str(number), expected_decision_id=expected,
                        note=f"writer {number}",
                    )  # fmt: skip
                return
            except StaleDecision as stale:
                turned_away.append(number)
                expected = stale.newer_id

    threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with database.reading() as session:
        rows = session.scalars(select(Decision).order_by(Decision.id)).all()
        assert {row.note for row in rows} == {f"writer {number}" for number in range(50)}
        assert [row.supersedes_id for row in rows] == [None, *(row.id for row in rows[:-1])]
        assert session.get_one(Listing, listing.id).current_decision_id == rows[-1].id
        assert len(turned_away) >= 49


def test_a_decision_undone_leaves_its_row_and_lets_the_listing_wait_again(desk):
    database, user, listing = desk
    with database.transaction() as session:
        first = make(session, AuditChain(), user, listing, request_key="1")
        second = make(session, AuditChain(), user, listing, request_key="2", expected_decision_id=first.id)
        with pytest.raises(StaleDecision):
            undo_decision(session, AuditChain(), user=user, decision_id=first.id)
        undo_decision(session, AuditChain(), user=user, decision_id=second.id)
        assert session.get_one(Listing, listing.id).current_decision_id == first.id
        undo_decision(session, AuditChain(), user=user, decision_id=first.id)
        assert session.get_one(Listing, listing.id).current_decision_id is None
        assert len(session.scalars(select(Decision)).all()) == 2
        assert decided_texts(session) == []
        make(session, AuditChain(), user, listing, request_key="3")
        assert [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))] == [
            "decided", "decided", "decision undone", "decision undone", "decided",
        ]  # fmt: skip
    with database.transaction() as session, pytest.raises(DecisionError, match="one's own"):
        other = create_user(session, "Somebody else", "lead")
        undo_decision(session, AuditChain(), user=other, decision_id=first.id)


def test_a_form_key_of_another_decision_is_refused(desk, home):
    database, user, listing = desk
    with database.transaction() as session:
        make(session, AuditChain(), user, listing, request_key="k")
        other = add_listing(session, home, Offer())
    with pytest.raises(DecisionError, match="another decision"), database.transaction() as session:
        make(session, AuditChain(), user, other, request_key="k")


def test_an_observation_of_another_listing_is_refused(desk, home):
    database, user, listing = desk
    with database.transaction() as session:
        other = add_listing(session, home, Offer())
    with pytest.raises(DecisionError, match="does not belong"), database.transaction() as session:
        make(session, AuditChain(), user, listing, observation_id=other.current_observation_id)
    with pytest.raises(DecisionError, match="does not belong"), database.transaction() as session:
        make(session, AuditChain(), user, listing, assessment_id=other.current_assessment_id)
