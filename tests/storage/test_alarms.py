"""Alarms are kept beside the queue, once for a listing while they stand, and closed with what was done."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from crawler.items import Alarm as Raised
from crawler.items import Answers, ExtractedPage, Finding, ListingItem, Reason
from crawler.items import Assessment as Assessed
from storage.alarms import NoSuchAlarm, close_alarm, list_alarms
from storage.audit import AuditChain
from storage.database import Database
from storage.listings import ListingWriter
from storage.objects import join
from storage.tables import Alarm, Assessment, AuditEvent, Crawl, Job, Listing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REASON = Reason("title", 6, 15, "طفل زوهري", 5.0, "safety:zouhri")


def keep(database: Database, native_id: str, price: int = 5, *kinds: str) -> None:
    """One commit of one listing whose assessment raises these alarms."""
    page = ExtractedPage(url=f"http://a/{native_id}", title="مطلوب طفل زوهري", price=Decimal(price))
    item = ListingItem("m", "m", native_id, page.url, page, NOW)
    answers = Answers(types=[Finding("oil_lamp", 3.0, (REASON,))])
    item.assessment = Assessed(
        "text-1:x", 0.1, False, "weak", "ar", answers=answers, alarms=[Raised(kind, (REASON,)) for kind in kinds]
    )
    with database.transaction() as session:
        crawl = Crawl(market="m", queries=[])
        session.add(crawl)
        session.flush()
        writer = ListingWriter(crawl_id=crawl.id, market="m", demo=False)
        writer.begin(session, [item])
        writer.keep(session, item, [])
        writer.end(session)


def test_answers_are_kept_with_the_assessment(database: Database) -> None:
    keep(database, "1")
    with database.reading() as session:
        answers = session.scalars(select(Assessment)).one().answers
    assert answers is not None
    assert answers["types"] == [
        {
            "id": "oil_lamp",
            "weight": 3.0,
            "basis": "words",
            "reasons": [
                {"field": "title", "start": 6, "end": 15, "text": "طفل زوهري", "weight": 5.0, "rule": "safety:zouhri"}
            ],
        }
    ]
    assert answers["provenance"] is None


def test_an_alarm_stands_with_its_words_though_the_listing_is_not_flagged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        keep(database, "1", 5, "treasure_child_abuse_signal")
    [alarm] = list_alarms(database)
    assert (alarm["kind"], alarm["title"], alarm["market"]) == ("treasure_child_abuse_signal", "مطلوب طفل زوهري", "m")
    assert alarm["reasons"][0]["text"] == "طفل زوهري"
    assert "danger to a person" in caplog.text
    with database.reading() as session:
        assert session.scalars(select(Job.kind)).all() == ["capture"]


def test_while_it_stands_it_is_not_raised_again_and_after_that_it_is(database: Database) -> None:
    keep(database, "1", 5, "treasure_child_abuse_signal")
    keep(database, "1", 6, "treasure_child_abuse_signal", "khums_or_tax")
    assert sorted(alarm["kind"] for alarm in list_alarms(database)) == ["khums_or_tax", "treasure_child_abuse_signal"]
    with database.transaction() as session:
        first = session.scalars(select(Alarm).where(Alarm.kind == "treasure_child_abuse_signal")).one().id
        close_alarm(session, AuditChain(), first, actor="Amina", note="Police told, ref. 77/26")
    keep(database, "1", 7, "treasure_child_abuse_signal")
    assert sorted(alarm["kind"] for alarm in list_alarms(database)) == ["khums_or_tax", "treasure_child_abuse_signal"]
    assert len(list_alarms(database, closed=True)) == 3


def test_who_closes_one_says_what_was_done_and_the_log_says_who(database: Database) -> None:
    keep(database, "1", 5, "khums_or_tax")
    [alarm] = list_alarms(database)
    with database.transaction() as session, pytest.raises(NoSuchAlarm, match="--note"):
        close_alarm(session, AuditChain(), alarm["id"], actor="Amina", note=" ")
    with database.transaction() as session:
        close_alarm(session, AuditChain(), alarm["id"], actor="Amina", note="Police told")
    assert list_alarms(database) == []
    [closed] = list_alarms(database, closed=True)
    assert (closed["closed_by"], closed["note"]) == ("Amina", "Police told")
    with database.transaction() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "alarm closed")).one()
        assert (event.actor, event.object_id) == ("Amina", str(alarm["id"]))
        with pytest.raises(NoSuchAlarm, match="closed already by Amina"):
            close_alarm(session, AuditChain(), alarm["id"], actor="Omar", note="again")
        with pytest.raises(NoSuchAlarm, match="no alarm 99"):
            close_alarm(session, AuditChain(), 99, actor="Omar", note="x")


def test_an_object_that_is_offered_again_raises_no_second_alarm_while_the_first_stands(database: Database) -> None:
    keep(database, "1", 5, "zouhri")
    keep(database, "2", 5)
    with database.transaction() as session:
        first, second = session.scalars(select(Listing.id).order_by(Listing.id)).all()
        join(session, first, second, score=9.0, why=[], method="test", actor="job 1")
    keep(database, "2", 6, "zouhri")
    (alarm,) = list_alarms(database)
    assert (alarm["listing"], alarm["same_object"]) == (first, [])
    with database.transaction() as session:
        close_alarm(session, AuditChain(), alarm["id"], actor="amina", note="told the police")
    keep(database, "2", 7, "zouhri")
    assert [one["listing"] for one in list_alarms(database)] == [second]


def test_alarms_raised_before_the_join_name_each_other(database: Database) -> None:
    keep(database, "1", 5, "zouhri")
    keep(database, "2", 5, "zouhri")
    with database.transaction() as session:
        first, second = session.scalars(select(Listing.id).order_by(Listing.id)).all()
        join(session, first, second, score=9.0, why=[], method="test", actor="job 1")
    newer, older = list_alarms(database)
    assert (newer["same_object"], older["same_object"]) == ([older["id"]], [newer["id"]])
