"""Saved searches: whose they are, what they ask, and who is alerted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from storage.audit import AuditChain
from storage.database import Database
from storage.erasing import Erasure, erase_unnamed_sellers
from storage.queue_filters import FiltersRefused
from storage.saved_searches import (
    MOST_NAME,
    MOST_OF_ONE,
    SearchRefused,
    _one_line,
    filters_of,
    get_search,
    noticed_by,
    remove_search,
    save_search,
    set_notice,
    set_shared,
    visible_searches,
)
from storage.tables import AuditEvent, SavedSearch, SearchNotice, Seller, User, utc_now
from storage.users import create_user, find_user


@pytest.fixture
def people(database: Database) -> Database:
    with database.transaction() as session:
        for name in ("ann", "ben"):
            create_user(session, name, "reviewer")
    return database


def user(session, name: str) -> User:
    found = find_user(session, name)
    assert found is not None
    return found


def test_a_search_is_kept_as_the_queue_writes_it_and_asks_the_same_again(people: Database) -> None:
    with people.transaction() as session:
        row = save_search(
            session,
            AuditChain(),
            user(session, "ann"),
            " Cheap\r\nlamps ",
            query="band=strong&page=3&text=lamp&lang=fr",
        )
        assert (row.name, row.query, row.kind) == ("Cheap lamps", "text=lamp&band=strong", "search")
        assert (filters_of(row).text, filters_of(row).band) == ("lamp", "strong")


def test_the_same_sent_twice_is_one_search_and_the_second_may_turn_alerts_on(people: Database) -> None:
    with people.transaction() as session:
        ann, chain = user(session, "ann"), AuditChain()
        first = save_search(session, chain, ann, "Lamps", query="text=lamp")
        second = save_search(session, chain, ann, "Lamps", query="text=lamp", notify=True)
        other = save_search(session, chain, ann, "Lamps again", query="text=lamp")
        assert (first.id, noticed_by(session, ann)) == (second.id, {first.id})
        assert other.id != first.id


def test_a_term_is_called_by_its_own_words(people: Database) -> None:
    with people.transaction() as session:
        row = save_search(session, AuditChain(), user(session, "ann"), "", term="سراج روماني")
        assert (row.kind, row.name, filters_of(row).text) == ("term", "سراج روماني", "سراج روماني")


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        ({"name": " "}, SearchRefused),
        ({"name": "\u200e\x00"}, SearchRefused),
        ({"name": "x", "query": "band=weird"}, FiltersRefused),
        ({"name": "x", "seller_id": 99}, SearchRefused),
    ],
)
def test_what_cannot_be_asked_is_not_kept(people: Database, given_: dict, error: type[Exception]) -> None:
    with pytest.raises(error), people.transaction() as session:
        save_search(session, AuditChain(), user(session, "ann"), **given_)
    with people.reading() as session:
        assert session.scalars(select(SavedSearch)).all() == []


def test_others_see_what_is_shared_and_change_nothing_of_it(people: Database) -> None:
    with people.transaction() as session:
        ann, ben = user(session, "ann"), user(session, "ben")
        own = save_search(session, AuditChain(), ann, "Own", query="text=a")
        shared = save_search(session, AuditChain(), ann, "Shared", query="text=b", shared=True)
        assert [row.name for row in visible_searches(session, ben)] == ["Shared"]
        assert [row.name for row in visible_searches(session, ann)] == ["Own", "Shared"]
        assert get_search(session, ben, shared.id).id == shared.id
        for search, need_own in ((own, False), (shared, True)):
            with pytest.raises(SearchRefused, match=r"no saved search \d of ben"):
                get_search(session, ben, search.id, own=need_own)


def test_what_is_shared_no_longer_alerts_its_owner_alone(people: Database) -> None:
    with people.transaction() as session:
        ann, ben = user(session, "ann"), user(session, "ben")
        search = save_search(session, AuditChain(), ann, "Lamps", query="text=lamp", shared=True, notify=True)
        set_notice(session, AuditChain(), search, ben, wanted=True)
        set_notice(session, AuditChain(), search, ben, wanted=True)
        assert noticed_by(session, ben) == {search.id}
        set_shared(session, AuditChain(), search, shared=False, actor="ann")
        assert (noticed_by(session, ann), noticed_by(session, ben)) == ({search.id}, set())


def test_a_removed_search_is_gone_for_everybody_and_the_log_names_no_words(people: Database) -> None:
    with people.transaction() as session:
        ann, chain = user(session, "ann"), AuditChain()
        search = save_search(session, chain, ann, "Canary name", query="text=canaryword", shared=True, notify=True)
        remove_search(session, chain, search, actor="ann")
        assert visible_searches(session, ann) == visible_searches(session, user(session, "ben")) == []
        assert session.scalars(select(SearchNotice)).all() == []
        events = session.scalars(select(AuditEvent).where(AuditEvent.chain == chain.name)).all()
        assert [event.action for event in events] == ["search saved", "alerts on", "search removed"]
        assert "canary" not in str([event.details for event in events]).lower()


def test_nobody_saves_without_end(people: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.saved_searches.MOST_OF_ONE", 2)
    assert MOST_OF_ONE > 100
    with people.transaction() as session:
        for number in range(2):
            save_search(session, AuditChain(), user(session, "ann"), f"Search {number}", query="text=x")
        with pytest.raises(SearchRefused, match="remove one first"):
            save_search(session, AuditChain(), user(session, "ann"), "One more", query="text=x")


def test_searches_for_a_seller_go_with_the_seller_and_those_for_a_namesake_stay(people: Database) -> None:
    with people.transaction() as session:
        ann, now = user(session, "ann"), utc_now()
        sellers = [
            Seller(id_space=space, native_id=name, name=name, first_seen_at=now, last_seen_at=now)
            for space, name in (("one", "Old Things"), ("one", "Both"), ("two", "Both"))
        ]
        session.add_all(sellers)
        session.flush()
        save_search(session, AuditChain(), ann, "By number", seller_id=sellers[0].id, notify=True)
        save_search(session, AuditChain(), ann, "By name", query="seller=Old+Things&text=lamp", notify=True)
        save_search(session, AuditChain(), ann, "Namesake", query="seller=Both", notify=True)
        erasure = Erasure(AuditChain(), "request", "ref. 1", "dpo", now)
        assert erase_unnamed_sellers(session, erasure, {sellers[0].id, sellers[1].id}) == 2
        assert [row.name for row in visible_searches(session, ann)] == ["Namesake"]


def test_a_seller_whose_name_shows_nothing_is_searched_for_by_number(people: Database) -> None:
    with people.transaction() as session:
        now = utc_now()
        seller = Seller(id_space="one", native_id="7", name="\ufeff\u200b", first_seen_at=now, last_seen_at=now)
        session.add(seller)
        session.flush()
        assert save_search(session, AuditChain(), user(session, "ann"), "", seller_id=seller.id).name == f"#{seller.id}"


@given(st.text(max_size=200))
def test_a_name_is_one_printable_line(text: str) -> None:
    name = _one_line(text)
    assert len(name) <= MOST_NAME
    assert name.isprintable()
