"""Screenshots of pages that say how to reach the seller are veiled until somebody says why they need that."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.tables import AuditEvent, Capture
from tests.review.api.conftest import call, token
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing

__all__ = ["call", "token"]


@pytest.fixture
def shot(desk_database, home):
    """`shot(description)`: a listing and its screenshot."""

    def make(description):
        with desk_database.transaction() as session:
            listing = add_listing(session, home, Offer(description=description)).id
            of_it = select(Capture.id).where(Capture.listing_id == listing, Capture.kind == "screenshot")
            return listing, session.scalars(of_it).one()

    return make


def test_a_screenshot_with_contacts_is_blurred_until_a_reason_is_given_and_logged(visit, shot, desk_database):
    listing, capture = shot("Call 0944 123 456 or write to seller@example.org")
    client, viewer = visit("reviewer"), visit("viewer")
    for path in ("image", "picture?size=small"):
        whole = client.get(f"/captures/{capture}/{path}")
        assert whole.headers["cache-control"] == "no-store"
    page = client.get(f"/listings/{listing}").text
    assert "blurred until you say why" in page
    sent = {"csrf": field(page, "csrf"), "reason": "To name the seller to the police", "case": ""}
    address = client.post(f"/listings/{listing}/contacts", data=sent).headers["location"]
    event = address.partition("contacts=")[2].partition("#")[0]
    shown = client.get(address).text
    assert f"/captures/{capture}/image?shown=0&amp;contacts={event}" in shown or f"contacts={event}" in shown
    assert "blurred until you say why" not in shown
    clear = client.get(f"/captures/{capture}/image?contacts={event}")
    assert clear.headers.get("cache-control") != "no-store"
    assert viewer.get(f"/captures/{capture}/image?contacts={event}").headers["cache-control"] == "no-store"
    pictures = client.get(f"/listings/{listing}/pictures").text
    assert "blurred until you say why" in pictures
    pictures = client.get(f"/listings/{listing}/pictures?contacts={event}").text
    assert "blurred until you say why" not in pictures and f"contacts={event}" in pictures
    with desk_database.reading() as session:
        kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "contacts shown")).one()
        assert kept.details["reason"] == "To name the seller to the police"


def test_a_screenshot_without_contacts_and_a_photograph_stay_as_they_are(visit, shot, desk_database):
    listing, capture = shot("A lamp from a private collection")
    client = visit("viewer")
    assert client.get(f"/captures/{capture}/image").headers.get("cache-control") != "no-store"
    assert "blurred until you say why" not in client.get(f"/listings/{listing}").text
    other, _ = shot("Call 0944 123 456")
    with desk_database.reading() as session:
        of_it = select(Capture.id).where(Capture.listing_id == other, Capture.kind == "thumbnail")
        photograph = session.scalars(of_it).first()
    assert client.get(f"/captures/{photograph}/image").headers.get("cache-control") != "no-store"


def test_the_api_asks_for_the_same_reason(call, shot):
    _, capture = shot("Call 0944 123 456 or write to seller@example.org")
    reason = {"relicwatch-reason": "Named%20to%20the%20police"}
    client = call("reviewer", "read", "decide")
    veiled = client.get(f"captures/{capture}/image")
    assert veiled.headers["cache-control"] == "no-store"
    clear = client.get(f"captures/{capture}/image", headers=reason)
    assert clear.status_code == 200 and clear.content != veiled.content
    assert call("reviewer", "read").get(f"captures/{capture}/image", headers=reason).status_code == 403
    assert client.get("captures/999/image", headers=reason).status_code == 404
