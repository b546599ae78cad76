"""Cases on both databases: references unique, exhibits fixed."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from storage.audit import AuditChain
from storage.cases import (
    CaseError,
    add_case_note,
    add_exhibit,
    cases_of_listing,
    exhibits_of,
    find_case,
    list_cases,
    notes_of,
    open_case,
)
from storage.tables import AuditEvent, Case, utc_now
from tests.review.seed import Offer, add_listing


def test_references_count_up_within_the_year(database):
    with database.transaction() as session:
        made = [open_case(session, AuditChain(), title="x", actor="n").reference for _ in range(3)]
    year = utc_now().year
    assert made == [f"RW-{year}-0001", f"RW-{year}-0002", f"RW-{year}-0003"]


def test_cases_opened_at_once_get_different_references(database):
    failed = []

    def opened():
        try:
            with database.transaction() as session:
                open_case(session, AuditChain(), title="x", actor="n")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=opened) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failed == []
    with database.transaction() as session:
        references = sorted(session.scalars(select(Case.reference)))
    assert [reference[-4:] for reference in references] == [f"{n:04}" for n in range(1, 9)]


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_case_needs_a_title(database, title):
    with pytest.raises(CaseError, match="title"), database.transaction() as session:
        open_case(session, AuditChain(), title=title, actor="n")


def test_a_listing_is_an_exhibit_once_with_the_observation_it_was_put_in_with(database, home):
    chain = AuditChain()
    with database.transaction() as session:
        case = open_case(session, chain, title="x", actor="n")
        first, second = (add_listing(session, home, Offer()) for _ in range(2))
        for listing in (first, first, second):
            add_exhibit(
                session,
                chain,
                case=case,
                listing_id=listing.id,
                observation_id=listing.current_observation_id,
                actor="n",
            )
    with database.transaction() as session:
        case = find_case(session, case.reference)
        assert [(e.number, listing.id) for e, listing, _ in exhibits_of(session, case)] == [
            (1, first.id),
            (2, second.id),
        ]
        assert [(c.id, count) for c, count in list_cases(session)] == [(case.id, 2)]
        assert [c.id for c in cases_of_listing(session, first.id)] == [case.id]
        actions = [(e.action, e.object_kind) for e in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
        assert actions == [("case opened", "case"), *[("exhibit added", "case"), ("added to case", "listing")] * 2]


def test_another_listings_observation_or_a_closed_case_is_refused(database, home):
    chain = AuditChain()
    with database.transaction() as session:
        case = open_case(session, chain, title="x", actor="n")
        first, second = (add_listing(session, home, Offer()) for _ in range(2))
        wrong = {"listing_id": first.id, "observation_id": second.current_observation_id, "actor": "n"}
        with pytest.raises(CaseError, match="does not belong"):
            add_exhibit(session, chain, case=case, **wrong)
        case.state = "closed"
        right = {"listing_id": first.id, "observation_id": first.current_observation_id, "actor": "n"}
        with pytest.raises(CaseError, match="not open"):
            add_exhibit(session, chain, case=case, **right)


def test_a_note_is_added_below_what_stood_there(database):
    chain = AuditChain()
    with database.transaction() as session:
        case = open_case(session, chain, title="x", actor="n")
        add_case_note(session, chain, case=case, text="first", actor="Nadia")
        add_case_note(session, chain, case=case, text="second", actor="Omar")
        assert [(note.text, note.written_by) for note in notes_of(session, case)] == [
            ("first", "Nadia"),
            ("second", "Omar"),
        ]
        with pytest.raises(CaseError, match="empty"):
            add_case_note(session, chain, case=case, text=" ", actor="n")
