"""Which listings are one object, said at the desk: confirmed, split, kept apart, taken back; each with its reason."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.object_index import keep_candidates
from storage.objects import group_of, join
from storage.tables import AuditEvent, ObjectStatement
from tests.review.seed import Offer, add_listing
from tests.review.test_listing_page import send, soup


@pytest.fixture
def three(desk_database, home):
    """The first two are one object, the third may be."""
    with desk_database.transaction() as session:
        listings = [add_listing(session, home, Offer(title=f"Lamp {number}")) for number in range(3)]
        join(session, listings[0].id, listings[1].id, score=9.0, why=[], method="test", actor="job 1")
        pair = {
            "listing_id": listings[2].id, "other_listing_id": listings[0].id,
            "observation_id": listings[2].current_observation_id,
            "other_observation_id": listings[0].current_observation_id, "score": 3.0,
            "why": [{"part": "weight", "weight": 2.0, "one": "340", "other": "340"}], "conflicts": [], "method": "test",
        }  # fmt: skip
        keep_candidates(session, [pair])
        return [listing.id for listing in listings]


def groups(desk_database, ids):
    with desk_database.reading() as session:
        return [group_of(session, one) for one in ids]


def newest(desk_database):
    with desk_database.reading() as session:
        return session.scalars(select(ObjectStatement).order_by(ObjectStatement.id.desc())).first()


def test_a_candidate_is_kept_apart_or_joined_and_each_word_is_taken_back(visit, desk_database, three):
    one, _, third = three
    client = visit("reviewer")
    section = soup(client, f"/listings/{one}").select_one("#same-object")
    assert {button["value"] for button in section.select("button[name=act]")} == {"same", "split", "apart", "undo"}
    assert "right=c" in section.select_one("a.beside-link")["href"]
    assert send(client, one, "same", act="apart", other=third, note="another die").status_code == 303
    assert newest(desk_database).note == "another die"
    section = soup(client, f"/listings/{one}").select_one("#same-object")
    assert "Lamp 2" not in section.text and "another die" in section.text
    said = newest(desk_database).id
    assert send(client, one, "same", act="undo", statement=said, note="looked again").status_code == 303
    assert "Lamp 2" in soup(client, f"/listings/{one}").select_one("#same-object").text
    assert send(client, one, "same", act="same", other=third, note="same chip").status_code == 303
    assert groups(desk_database, three) == [three] * 3
    with desk_database.reading() as session:
        acts = session.scalars(select(AuditEvent).where(AuditEvent.action.like("object %")).order_by(AuditEvent.id))
        assert [(event.action, event.actor) for event in acts] == [
            ("object split", "reviewer"), ("object undo", "reviewer"), ("object merge", "reviewer"),
        ]  # fmt: skip


def test_what_is_joined_is_confirmed_or_split_off(visit, desk_database, three):
    one, other, third = three
    client = visit("lead")
    assert send(client, one, "same", act="same", other=other, note="same crack").status_code == 303
    assert newest(desk_database).kind == "confirm"
    assert send(client, one, "same", act="split", other=other, note="another crack").status_code == 303
    assert groups(desk_database, three) == [[one], [other], [third]]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_what_has_no_reason_or_makes_no_sense_is_refused_and_told(visit, desk_database, three, language):
    one, _, third = three
    client = visit("reviewer")
    before = newest(desk_database).id
    for form in (
        {"act": "same", "other": third, "note": " "},
        {"act": "same", "other": one, "note": "x"},
        {"act": "same", "other": 9999, "note": "x"},
        {"act": "split", "other": third, "note": "x"},
        {"act": "undo", "statement": 9999, "note": "x"},
        {"act": "burn", "other": third, "note": "x"},
    ):
        assert send(client, one, "same", **form).status_code == 422, form
    assert newest(desk_database).id == before
    assert send(visit("viewer"), one, "same", act="same", other=third, note="x").status_code == 403
