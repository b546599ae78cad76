"""Every route of desk and API, as the running application has them, against the table of who may use it. # SEC-19

A route that lacks a row fails; the desk's rows stand in `tests.review.test_desk`, the API's here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from starlette.routing import Mount

from review.api.app import PATH
from review.desk import RIGHTS
from storage.audit import AuditChain
from storage.tables import AuditEvent, UserSession
from storage.tokens import SCOPES, create_token
from storage.users import ROLES, find_user
from tests.review.seed import Offer, add_listing
from tests.review.test_desk import NEEDS, OPEN_TO_ALL

OPEN_TO_STRANGERS = {("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/health")}
"""What needs no session; the others of `OPEN_TO_ALL` are for whoever has signed in, whatever their role."""
ANY = ""
"""Any token that opens anything."""
API_NEEDS = {
    ("GET", "/openapi.json"): ANY,
    ("GET", "/queue"): "read",
    ("GET", "/listings"): "read",
    ("GET", "/listings/{listing_id}"): "read",
    ("GET", "/listings/{listing_id}/assignee"): "read",
    ("POST", "/listings/{listing_id}/assignee"): "decide",
    ("GET", "/listings/{listing_id}/notes"): "read",
    ("POST", "/listings/{listing_id}/notes"): "decide",
    ("GET", "/captures/{capture_id}/image"): "read",
    ("POST", "/listings/{listing_id}/decisions"): "decide",
    ("GET", "/cases"): "read",
    ("POST", "/cases"): "cases",
    ("GET", "/cases/{reference}"): "read",
    ("POST", "/cases/{reference}/notes"): "cases",
    ("POST", "/cases/{reference}/exhibits"): "cases",
    ("POST", "/cases/{reference}/assignee"): "cases",
    ("POST", "/cases/{reference}/state"): "cases",
    ("POST", "/cases/{reference}/referrals"): "cases",
    ("POST", "/cases/{reference}/exhibits/{listing_id}/outcomes"): "cases",
    ("GET", "/cases/{reference}/exports"): "read",
    ("POST", "/cases/{reference}/exports"): "export",
    ("POST", "/export-requests/{request_id}/answer"): "export",
    ("GET", "/exports/{bundle_id}"): "export",
    ("GET", "/objects"): "read",
    ("GET", "/objects/{object_id}"): "read",
    ("GET", "/listings/{listing_id}/object"): "read",
    ("GET", "/sellers"): "read",
    ("GET", "/sellers/{seller_id}"): "read",
    ("POST", "/sellers/{seller_id}/follow"): "decide",
    ("GET", "/registers"): "read",
    ("GET", "/matches"): "read",
    ("POST", "/matches/{match_id}/verdicts"): "decide",
    ("POST", "/photo-matches"): "read",
    ("GET", "/alarms"): "read",
    ("GET", "/markets"): "audit",
    ("GET", "/markets/{name}"): "audit",
    ("GET", "/crawls"): "read",
    ("GET", "/crawls/{crawl_id}"): "read",
    ("GET", "/watches"): "audit",
    ("GET", "/figures"): "read",
    ("GET", "/audit"): "audit",
    ("GET", "/audit/check"): "audit",
    ("GET", "/models"): "audit",
    ("GET", "/users"): "administer",
    ("POST", "/users/{user_id}/state"): "administer",
    ("POST", "/markets/{name}/revocations"): "administer",
    ("POST", "/watches/{watch_id}/state"): "administer",
}
PARTS = {"listing_id": "1", "reference": "RW-2026-0001", "bundle_id": "none", "name": "none", "what": "terms"}


@pytest.fixture
def app(visit, desk_database, home):
    with desk_database.transaction() as session:
        add_listing(session, home, Offer())
    app = visit(None).app
    api = next(route.app for route in app.routes if isinstance(route, Mount) and route.path == PATH)
    api.state.limits.calls.burst = api.state.limits.refused.burst = 100_000
    return app


def routes(app, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of mounted applications too."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield from routes(route, prefix + route.path)
            continue
        for one in getattr(getattr(route, "original_router", None), "routes", [route]):
            yield from ((method, prefix + one.path) for method in one.methods - {"HEAD"})


def address(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda part: PARTS.get(part[1], "999"), path)


def session_of(desk_database, role):
    """The newest session of a role's person."""
    with desk_database.reading() as session:
        user = find_user(session, role)
        return session.scalars(
            select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.id.desc())
        ).first()


def test_every_route_has_a_row_that_says_who_may_use_it(app):
    assert set(routes(app)) == set(NEEDS) | OPEN_TO_ALL | {(method, PATH + path) for method, path in API_NEEDS}


def test_a_stranger_gets_the_sign_in_page_and_the_health_of_the_desk_alone(app, visit):
    stranger = visit(None)
    for method, path in set(NEEDS) | OPEN_TO_ALL:
        answer = stranger.request(method, address(path), data={} if method == "POST" else None)
        if (method, path) in OPEN_TO_STRANGERS:
            assert "/sign-in" not in answer.headers.get("location", ""), path
        else:
            led_away = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
            assert led_away if method == "GET" else answer.status_code == 403, (method, path, answer.status_code)


@pytest.mark.parametrize("role", ROLES)
def test_a_signed_in_person_may_what_the_table_says_of_their_role(app, visit, desk_database, role):
    client = visit(role)
    for (method, path), right in [*NEEDS.items(), *((one, ANY) for one in OPEN_TO_ALL - OPEN_TO_STRANGERS)]:
        if right == ANY:
            client = visit(role)  # some of these end the session
        data = {"csrf": session_of(desk_database, role).csrf_token} if method == "POST" else None
        status = client.request(method, address(path), data=data).status_code
        assert status < 500, (method, path, status)
        assert (status == 403) == (right not in RIGHTS[role] | {ANY}), (role, method, path, status)


def test_no_call_of_the_api_goes_without_a_token_nor_by_a_cookie(app, visit):
    for client in (visit(None), visit("admin")):
        for method, path in API_NEEDS:
            answer = client.request(method, PATH + address(path), content=b"")
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("role", ROLES)
def test_a_token_may_what_both_its_scopes_and_its_owners_role_allow(app, visit, desk_database, role):
    tokens = {left_out: made(desk_database, role, set(SCOPES) - {left_out}) for left_out in (ANY, *SCOPES)}
    client = visit(None)
    for (method, path), right in API_NEEDS.items():
        for left_out in {ANY, right}:
            headers = {"authorization": f"Bearer {tokens[left_out]}"}
            answer = client.request(method, PATH + address(path), content=b"", headers=headers)
            allowed = right == ANY or (right in RIGHTS[role] and left_out == ANY)
            assert (answer.status_code == 403) == (not allowed), (role, left_out, method, path, answer.text)
            assert answer.status_code not in (401, 429, 500), (role, method, path, answer.text)


def test_what_was_refused_stands_in_the_log_by_token(app, visit, desk_database):
    client = visit(None)
    client.headers["authorization"] = f"Bearer {made(desk_database, 'viewer', ['read'])}"
    assert client.get(f"{PATH}/audit").status_code == 403
    with desk_database.reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.actor, event.action, event.object_id) == ("viewer", "refused", f"GET {PATH}/audit")
        assert event.details == {"purpose": "triage", "token": 1}


def made(desk_database, role, scopes) -> str:
    with desk_database.transaction() as session:
        user = find_user(session, role)
        return create_token(session, AuditChain(), user=user, name="test", scopes=scopes, actor=role).secret
