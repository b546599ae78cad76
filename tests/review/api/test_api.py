"""The API answers."""

import pytest

from tests.review.seed import Offer, add_listing


@pytest.fixture
def listing(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer())


def test_the_schema_is_served_to_who_has_a_token(call):
    answer = call("viewer", "read").get("openapi.json")
    assert answer.status_code == 200, answer.text
    assert "/listings/{listing_id}" in answer.json()["paths"]
    assert call(None).get("openapi.json").status_code == 401


def test_x(call, listing):
    client = call("admin")
    for path in (
        "listings",
        f"listings/{listing.id}",
        "cases",
        "objects",
        f"listings/{listing.id}/object",
        "sellers",
        "sellers/1",
        "registers",
        "matches",
        "alarms",
        "markets",
        "crawls",
        "watches",
        "figures",
        "audit",
        "audit/check",
    ):
        answer = client.get(path)
        print(path, answer.status_code, answer.text[:600])
        assert answer.status_code == 200, (path, answer.text)
