"""By the API: who is to look at a listing, notes on it, and what administrators' programs do."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.audit import AuditChain
from storage.tables import AuditEvent, MarketApproval, Watch
from storage.users import find_user
from storage.watches import add_watch
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing

TYPE = "urn:relicwatch:problem:"


@pytest.fixture
def listing(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer())


def last_event(database):
    with database.reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        return event.actor, event.action, event.object_kind, event.object_id


def test_a_listing_is_given_to_who_decides_and_back_to_nobody(call, listing, desk_database):
    client = call("lead", "read", "decide")
    where = f"listings/{listing.id}/assignee"
    assert client.get(where).json() == {"listing_id": listing.id, "assignee": None}
    assert client.post(where, json={"user": "reviewer"}).json()["assignee"] == "reviewer"
    assert last_event(desk_database) == ("lead", "assigned", "listing", str(listing.id))
    assert client.get(where).json()["assignee"] == "reviewer"
    assert client.get(f"listings/{listing.id}").json()["assignee"] == "reviewer"
    for name in ("viewer", "nobody of that name"):
        answer = client.post(where, json={"user": name})
        assert (answer.status_code, answer.json()["type"]) == (422, f"{TYPE}assignee")
    assert client.get(where).json()["assignee"] == "reviewer"
    assert client.post(where, json={"user": None}).json()["assignee"] is None
    assert client.post("listings/999/assignee", json={"user": None}).status_code == 404
    assert client.get("listings/999/assignee").status_code == 404


def test_notes_on_a_listing_are_added_and_stand_on_its_page(call, visit, listing, desk_database):
    client = call("reviewer", "read", "decide")
    where = f"listings/{listing.id}/notes"
    assert client.get(where).json() == {"items": []}
    made = client.post(where, json={"text": " ملاحظة: <b>JE 4711</b> \n"})
    assert (made.status_code, made.json()["text"], made.json()["written_by"]) == (
        201,
        "ملاحظة: <b>JE 4711</b>",
        "reviewer",
    )
    desk = visit("lead")
    page = desk.get(f"/listings/{listing.id}").text
    assert "ملاحظة: &lt;b&gt;JE 4711&lt;/b&gt;" in page
    sent = {"csrf": field(page, "csrf"), "note": "Same soil"}
    assert desk.post(f"/{where}", data=sent).headers["location"] == f"/listings/{listing.id}#notes"
    assert [one["written_by"] for one in client.get(where).json()["items"]] == ["reviewer", "lead"]
    empty = client.post(where, json={"text": " \n "})
    assert (empty.status_code, empty.json()["type"]) == (422, f"{TYPE}note")
    refused = desk.post(f"/{where}", data={**sent, "note": "x" * 4001})
    assert refused.status_code == 422 and "x" * 4001 in refused.text
    assert client.post("listings/999/notes", json={"text": "x"}).status_code == 404
    assert len(client.get(where).json()["items"]) == 2


def test_a_leavers_account_is_disabled_by_machine_and_nobodys_own(call, visit, desk_database):
    leaver, client = visit("lead"), call("admin", "administer")
    assert leaver.get("/").status_code == 200
    rows = {row["name"]: row for row in client.get("users").json()["items"]}
    assert rows["lead"]["role"] == "lead" and not rows["lead"]["disabled"]
    assert not {"password_hash", "second_factor"} & set(rows["lead"])
    assert last_event(desk_database) == ("admin", "viewed", "page", "users")
    answer = client.post(f"users/{rows['lead']['id']}/state", json={"state": "disabled"})
    assert answer.json()["disabled"] is True
    assert last_event(desk_database)[:2] == ("admin", "user disabled")
    assert leaver.get("/").headers["location"].startswith("/sign-in")
    assert client.post(f"users/{rows['lead']['id']}/state", json={"state": "open"}).json()["disabled"] is False
    own = client.post(f"users/{rows['admin']['id']}/state", json={"state": "disabled"})
    assert (own.status_code, own.json()["type"]) == (422, f"{TYPE}own_account")
    with desk_database.reading() as session:
        assert not find_user(session, "admin").disabled


def test_a_market_is_turned_off_with_a_reason_and_a_watch_is_paused(call, desk_database):
    with desk_database.transaction() as session:
        approval = MarketApproval(
            market="example", definition_sha256="0" * 64, approved_by="admin", legal_basis="Law 1"
        )
        session.add(approval)
        watch = add_watch(
            session, name="lamps", markets=["example"], queries=["lamp"], every_seconds=3600, actor="admin",
            audit=AuditChain(),
        )  # fmt: skip
        session.flush()
        approval_id, watch_id = approval.id, watch.id
    client = call("admin", "administer")
    assert client.post("markets/example/revocations", json={"reason": ""}).status_code == 422
    off = client.post("markets/example/revocations", json={"reason": "They asked for it"})
    assert (off.status_code, off.json()) == (201, {"market": "example", "approvals": 1})
    assert client.post("markets/example/revocations", json={"reason": "again"}).status_code == 404
    for state in ("paused", "running"):
        answer = client.post(f"watches/{watch_id}/state", json={"state": state})
        assert answer.json()["paused"] == (state == "paused")
        with desk_database.reading() as session:
            assert session.get_one(Watch, watch_id).paused == (state == "paused")
    assert client.post("watches/999/state", json={"state": "paused"}).status_code == 404
    with desk_database.reading() as session:
        assert session.get_one(MarketApproval, approval_id).revoked_by == "admin"


def test_models_are_told_with_the_one_in_use(call):
    told = call("auditor", "audit").get("models").json()
    assert [row["in_use"] for row in told["items"]].count(True) == 1
    assert told["uses"] == []
