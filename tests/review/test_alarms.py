"""The page of safety alarms: named recipients, receipts, closing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.tables import Alarm, AlarmReceipt, AuditEvent, utc_now
from storage.users import find_user, set_disabled
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing


@pytest.fixture
def alarm(desk_database, home):
    with desk_database.transaction() as session:
        listing = add_listing(session, home, Offer(title="<i>مطلوب", flagged=False))
        found = Alarm(
            kind="danger_to_person",
            listing_id=listing.id,
            observation_id=listing.current_observation_id,
            model="x:1",
            reasons=[{"field": "title", "start": 3, "end": 8, "text": "مطلوب", "weight": 5.0, "rule": "safety:x"}],
            raised_at=utc_now(),
        )
        session.add(found)
        session.flush()
        return found.id


def send(client, address, **data):
    return client.post(address, data={"csrf": field(client.get("/alarms").text, "csrf")} | data)


def test_an_alarm_waits_for_the_receipts_of_those_who_are_named(visit, alarm, desk_database):
    admin, lead = visit("admin"), visit("lead")
    assert "Nobody is named yet" in lead.get("/alarms").text
    for name in ("lead", "auditor"):
        assert send(admin, "/alarms/recipients", user=name, named="1").status_code == 303
    for _ in range(2):
        assert send(lead, f"/alarms/{alarm}/receipt").status_code == 303
    page = lead.get("/alarms").text
    missing = page[page.index("Not seen yet by") :].split("</p>")[0]
    assert "auditor" in missing and "lead" not in missing
    assert "&lt;i&gt;" in page and "<i>" not in page
    with desk_database.transaction() as session:
        assert len(session.scalars(select(AlarmReceipt)).all()) == 1
        seen = [event for event in session.scalars(select(AuditEvent)) if event.action == "alarm seen"]
        assert [(event.actor, event.object_id) for event in seen] == [("lead", str(alarm))]
        set_disabled(session, find_user(session, "auditor"), True)
    assert "Not seen yet by" not in lead.get("/alarms").text


def test_a_recipient_who_is_taken_off_is_waited_for_no_longer(visit, alarm):
    admin = visit("admin")
    for named in ("1", "1", "0", "0"):
        assert send(admin, "/alarms/recipients", user="lead", named=named).status_code == 303
    assert "Not seen yet by" not in admin.get("/alarms").text
    assert send(admin, "/alarms/recipients", user="nobody", named="1").status_code == 404


def test_an_alarm_is_closed_once_and_with_what_was_done(visit, alarm):
    reviewer = visit("reviewer")
    assert send(reviewer, f"/alarms/{alarm}/close", note=" ").status_code == 422
    assert send(reviewer, f"/alarms/{alarm}/close", note="Police told").status_code == 303
    assert send(reviewer, f"/alarms/{alarm}/close", note="again").status_code == 422
    assert "No alarm stands open" in reviewer.get("/alarms").text
    page = reviewer.get("/alarms?all=1").text
    assert "Police told" in page and "again" not in page


def test_there_is_no_receipt_for_an_alarm_that_is_not_there(visit, alarm):
    assert send(visit("viewer"), f"/alarms/{alarm + 1}/receipt").status_code == 404


def test_an_alarm_of_a_kind_that_is_no_longer_known_is_still_shown(visit, alarm, desk_database):
    with desk_database.transaction() as session:
        session.get_one(Alarm, alarm).kind = "of_old"
    assert "of_old" in visit("viewer").get("/alarms").text
