"""The queue by the API: the desk's order and filters, page by page while hits arrive and are decided."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.review.api.test_api import decision
from tests.review.seed import Offer, add_listing


@pytest.fixture
def hits(desk_database, home):
    with desk_database.transaction() as session:
        return [
            add_listing(session, home, Offer(title=f"Lampe {n}", score=0.9 - n / 100, seller=f"seller {n}"))
            for n in range(6)
        ]


def read(client, **asked):
    answer = client.get("queue", params={name: value for name, value in asked.items() if value is not None})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_most_pressing_comes_first_with_what_a_decision_has_to_name(call, hits, desk_database, home):
    with desk_database.transaction() as session:
        urgent = add_listing(session, home, Offer(ends_in=timedelta(hours=3), band="weak", score=0.5, seller="s"))
    client = call("reviewer", "read", "decide")
    page = read(client, limit=1)
    (first,) = page["items"]
    assert (first["listing_id"], first["ends_soon"], page["total"]) == (urgent.id, "24h", 7)
    assert [reason["text"] for reason in first["reasons"]] == ["museum copy", "oil lamp"]
    sent = {
        "observation_id": first["observation_id"],
        "assessment_id": first["assessment_id"],
        "expected_decision_id": first["decision"],
        "verdict": "antiquity",
        "next_step": "refer",
        "request_key": "key-00000001",
    }
    assert client.post(f"listings/{first['listing_id']}/decisions", json=sent).status_code == 201
    assert read(client)["total"] == 6


def test_pages_neither_repeat_nor_hide_while_hits_arrive(call, hits, desk_database, home):
    client, seen, cursor = call("viewer", "read"), [], None
    while True:
        page = read(client, limit=2, cursor=cursor)
        seen += [item["listing_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        with desk_database.transaction() as session:
            add_listing(session, home, Offer(title="Before all others", score=0.99, seller=f"new {len(seen)}"))
    assert seen == [hit.id for hit in hits]


def test_pages_neither_repeat_nor_hide_while_they_are_decided(call, hits):
    client, seen, cursor = call("reviewer", "read", "decide"), [], None
    by_id = {hit.id: hit for hit in hits}
    while True:
        page = read(client, limit=2, cursor=cursor)
        for item in page["items"]:
            seen.append(item["listing_id"])
            sent = decision(by_id[seen[-1]], request_key=f"key-{seen[-1]:08}")
            assert client.post(f"listings/{seen[-1]}/decisions", json=sent).status_code == 201
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [hit.id for hit in hits]
    assert read(client)["total"] == 0


def test_the_filters_are_the_desks_and_what_is_not_understood_is_named(call, hits):
    client = call("viewer", "read")
    assert [item["title"] for item in read(client, text="LÀMPE 3")["items"]] == ["Lampe 3"]
    assert read(client, seller="seller 2", currency="EUR", price_min="100,5")["total"] == 1
    assert read(client, state="decided")["total"] == 0
    answer = client.get("queue", params={"price_min": "x", "country": "France"}, headers={"accept-language": "fr"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:relicwatch:problem:filters")
    assert {error["pointer"] for error in answer.json()["errors"]} == {"query/price_min", "query/country"}
    assert "deux lettres" in answer.text
    assert client.get("queue", params={"band": "purple"}).status_code == 422


@pytest.mark.parametrize("cursor", ["W10", "W1sieCJdXQ", "W1stMV1d", "W1sxZTQwMF1d", "WzFd"])
def test_a_cursor_that_was_made_up_is_refused(call, cursor):
    assert call("viewer", "read").get("queue", params={"cursor": cursor}).status_code == 400
