"""Screenshots of pages that say how to reach the seller are veiled until somebody says why they need that."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.tables import AuditEvent, Capture, utc_now
from tests.review.api.conftest import call, token
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing, keep_file

__all__ = ["call", "token"]


@pytest.fixture
def shot(desk_database, home):
    """`shot(description, page)`: a listing and its screenshot, and the page as the browser had rendered it."""

    def make(description, page=None):
        with desk_database.transaction() as session:
            listing = add_listing(session, home, Offer(description=description)).id
            if page is not None:
                kept = {"sha256": keep_file(home, page.encode()), "payload_bytes": len(page)}
                made = {"media_type": "text/html", "captured_at": utc_now(), "url": "https://market.example/1"}
                session.add(Capture(kind="dom", listing_id=listing, **kept, **made))
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


@pytest.mark.parametrize(
    "said",
    [
        "<p>Dr. Amin <b>+20 100</b> 123 4567</p>",
        "<button>Tel. 22 33 44 55</button>",
        "<footer>shop@example.org</footer>",
        "<td>٠١٠٠ ١٢٣ ٤٥٦٧</td>",
    ],
)
def test_contacts_that_stand_in_the_captured_page_alone_veil_its_screenshot_too(visit, shot, said):
    listing, capture = shot("A lamp", f"<html><body><h1>Lamp</h1>{said}</body></html>")
    client = visit("reviewer")
    assert client.get(f"/captures/{capture}/image").headers["cache-control"] == "no-store"
    page = client.get(f"/listings/{listing}").text
    assert "blurred until you say why" in page
    sent = {"csrf": field(page, "csrf"), "reason": "To name the seller to the police", "case": ""}
    address = client.post(f"/listings/{listing}/contacts", data=sent).headers["location"]
    assert "blurred until you say why" not in client.get(address).text


@pytest.mark.parametrize(
    "said",
    [
        "<p>Item number: 204512345678, lot 1250, 3 000 000 EUR, 01/12/2026 14:30</p>",
        "<script>var call = '+20 100 123 4567'</script><p hidden>shop@example.org</p>",
        "<p>Follow us on example.com/shop</p>",
    ],
)
def test_numbers_of_lots_and_what_is_hidden_veil_nothing(visit, shot, said):
    _, capture = shot("A lamp", f"<html><body>{said}</body></html>")
    assert visit("viewer").get(f"/captures/{capture}/image").headers.get("cache-control") != "no-store"


def test_a_page_too_large_to_be_read_counts_as_telling_contacts(visit, shot, monkeypatch):
    monkeypatch.setattr("review.page_contacts.MOST_BYTES", 10)
    _, capture = shot("A lamp", "<html><body>Lamp of a size</body></html>")
    assert visit("viewer").get(f"/captures/{capture}/image").headers["cache-control"] == "no-store"


def test_a_copy_of_a_page_with_contacts_is_kept_back_until_a_reason_is_given(visit, shot, desk_database):
    listing, _ = shot("A lamp", "<html><body>shop@example.org</body></html>")
    with desk_database.reading() as session:
        of_it = select(Capture.id).where(Capture.listing_id == listing, Capture.kind == "dom")
        copy = session.scalars(of_it).one()
    client = visit("reviewer")
    assert client.get(f"/captures/{copy}/image").status_code == 404
    page = client.get(f"/listings/{listing}").text
    sent = {"csrf": field(page, "csrf"), "reason": "To name the seller to the police", "case": ""}
    address = client.post(f"/listings/{listing}/contacts", data=sent).headers["location"]
    event = address.partition("contacts=")[2].partition("#")[0]
    assert "shop@example.org" in client.get(f"/captures/{copy}/image?contacts={event}").text
