"""Alerts on the desk: read marks, the count in the head, ways that they take, messages that failed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.deliveries import end_delivery, new_delivery
from storage.tables import Alert, AuditEvent, Delivery, DeliveryAlert, NoticeSettings, utc_now
from storage.users import find_user
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing


@pytest.fixture
def told(desk_database, home):
    """`told(role, offer)`: an alert for whoever has that role, and the number of its listing."""

    def make(role="viewer", offer=None, state="sent"):
        with desk_database.transaction() as session:
            listing = add_listing(session, home, offer or Offer())
            user = find_user(session, role)
            alert = Alert(
                user_id=user.id,
                listing_id=listing.id,
                assessment_id=listing.current_assessment_id,
                kind="relisted",
                searches=[],
            )
            session.add(alert)
            session.flush()
            delivery = new_delivery(session, user.id, "email", "alerts", utc_now())
            session.add(DeliveryAlert(alert_id=alert.id, way="email", delivery_id=delivery.id))
            end_delivery(session, delivery, state, None if state == "sent" else "550 no such mailbox")
            return listing.id

    return make


def send(client, address, **data):
    return client.post(address, data={"csrf": field(client.get("/alerts").text, "csrf")} | data)


def unread(client):
    page = client.get("/overview").text
    return page[page.index('href="/alerts"') :].split("</a>")[0]


def test_an_alert_counts_in_the_head_until_its_listing_was_opened(visit, told):
    listing = told()
    told(offer=Offer(title="Second lamp"))
    client = visit("viewer")
    assert ">2</span>" in unread(client)
    page = client.get("/alerts").text
    assert "Relisted after removal" in page and "E-mail: sent" in page
    client.get(f"/listings/{listing}")
    assert ">1</span>" in unread(client)
    assert "Second lamp" in client.get("/alerts?unread=1").text
    assert "Terracotta" not in client.get("/alerts?unread=1").text
    assert "unread" not in unread(visit("reviewer")), "another person's alerts are theirs"


def test_marks_are_set_and_taken_back_one_by_one_or_all_at_once(visit, told, desk_database):
    told()
    told()
    client = visit("viewer")
    send(client, "/alerts/read", read="1", alert="1")
    assert ">1</span>" in unread(client)
    send(client, "/alerts/read", read="0", alert="1")
    assert ">2</span>" in unread(client)
    send(visit("reviewer"), "/alerts/read", read="1")
    assert ">2</span>" in unread(client)
    send(client, "/alerts/read", read="1")
    assert "unread" not in unread(client)


def test_a_title_is_escaped_and_its_contacts_are_masked(visit, told):
    told(offer=Offer(title="<script>x</script> 0944 123 456"))
    page = visit("viewer").get("/alerts").text
    assert "<script>x" not in page and "0944" not in page


def test_an_address_is_kept_with_its_rhythm_and_a_wrong_one_is_refused(visit, desk_database):
    client = visit("viewer")
    assert send(client, "/alerts/email", email="ann@office.example", rhythm="daily").status_code == 303
    for wrong in ("ann", "ann@office.example\r\nBcc: x@evil.example"):
        answer = send(client, "/alerts/email", email=wrong, rhythm="daily")
        assert answer.status_code == 422
        assert "no e-mail address" in answer.text
    with desk_database.reading() as session:
        (row,) = session.scalars(select(NoticeSettings)).all()
        assert (row.email, row.rhythm) == ("ann@office.example", "daily")
        details = [event.details for event in session.scalars(select(AuditEvent))]
        assert "office.example" not in str(details)


def test_a_webhook_is_for_leads_and_goes_nowhere_inside(visit, desk_database, monkeypatch):
    monkeypatch.delenv("RELICWATCH_ALLOW_LOOPBACK", raising=False)
    assert "Webhook" not in visit("viewer").get("/alerts").text
    lead = visit("lead")
    for inside in ("http://127.0.0.1/", "http://169.254.169.254/", "file:///etc/passwd"):
        answer = send(lead, "/alerts/webhook", url=inside)
        assert answer.status_code == 422
        assert "The guard refused" in answer.text
    assert send(lead, "/alerts/webhook", url="https://cases.office.example/hook").status_code == 303
    assert 'class="secret"' in lead.get("/alerts").text


def test_a_test_message_is_queued_and_a_failed_one_sent_again_by_its_reader_alone(visit, told, desk_database):
    told(state="failed")
    client = visit("viewer")
    page = client.get("/alerts").text
    assert "550 no such mailbox" in page
    assert send(visit("reviewer"), "/alerts/deliveries/1/again").status_code == 404
    assert send(client, "/alerts/deliveries/1/again").status_code == 303
    assert send(client, "/alerts/test", way="email").status_code == 303
    assert send(client, "/alerts/test", way="pigeon").status_code == 404
    with desk_database.reading() as session:
        made = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        assert [(one.about, one.state) for one in made] == [("alerts", "waiting"), ("test", "waiting")]


def test_many_alerts_come_in_pages(visit, told, monkeypatch):
    for module in ("storage.alerts", "review.pages.alerts"):
        monkeypatch.setattr(f"{module}.PAGE_SIZE", 2)
    monkeypatch.setattr("storage.alerts.list_alerts.__kwdefaults__", {"unread": False, "limit": 2, "offset": 0})
    for number in range(3):
        told(offer=Offer(title=f"Lamp number {number}"))
    client = visit("viewer")
    assert "Lamp number 0" not in client.get("/alerts").text
    assert "Lamp number 0" in client.get("/alerts?page=2").text
