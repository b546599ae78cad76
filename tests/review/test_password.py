"""Choosing a password at the desk."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from review.desk import COOKIE
from storage.audit import AuditChain
from storage.tables import AuditEvent
from storage.tokens import create_token, find_token
from storage.users import find_user, make_sign_in_code
from tests.review.conftest import field

LONG = "seven blue horses by the river"


def choose(client, first, second=None, next_address="/"):
    csrf = field(client.get("/password").text, "csrf")
    form = {"csrf": csrf, "password": first, "password_again": second or first, "next": next_address}
    return client.post("/password", data=form)


def sign_in(client, **details):
    page = client.get("/sign-in")
    return client.post("/sign-in", data={"csrf": field(page.text, "csrf"), "next": "/cases"} | details)


def hash_of(database, name):
    with database.transaction() as session:
        return find_user(session, name).password_hash


def code_for(database, name):
    with database.transaction() as session:
        return make_sign_in_code(session, find_user(session, name), 5)


def test_a_stranger_is_led_to_the_sign_in_page(visit):
    assert visit(None).get("/password").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("role", ["viewer", "auditor", "admin"])
def test_a_password_chosen_at_the_desk_signs_in(visit, role):
    answer = choose(visit(role), LONG, next_address="/cases")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    assert sign_in(visit(None), name=role, password=LONG).headers["location"] == "/cases"


def test_a_password_of_several_scripts_fits_however_the_keyboard_composes_it(visit):
    choose(visit("viewer"), "déjà vu مرحبا")
    assert sign_in(visit(None), name="viewer", password="de\u0301ja\u0300 vu مرحبا").status_code == 303


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("abcdefg", None, "8 to 256"),
        ("a" * 257, None, "8 to 256"),
        ("abcdefgh", "abcdefgi", "not the same"),
        ("password1", None, "common or breached"),
        ("", None, "8 to 256"),
    ],
)
def test_an_unusable_password_changes_nothing(visit, desk_database, first, second, said):
    client = visit("viewer")
    answer = choose(client, first, second)
    assert answer.status_code == 400
    assert said in answer.text
    assert not first or first not in answer.text
    assert hash_of(desk_database, "viewer") is None
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("password", ["وردة حمرا", "seven blue horses " * 14, "   tea   pot   "])
def test_no_kind_of_character_is_demanded(visit, password):
    assert choose(visit("viewer"), password).status_code == 303


def test_other_sessions_of_the_user_end_and_nobody_else_s(visit):
    here, elsewhere, other = visit("viewer"), visit("viewer"), visit("lead")
    old = here.cookies[COOKIE]
    new = choose(here, LONG).cookies[COOKIE]
    here.cookies.clear()
    here.cookies.set(COOKIE, old)
    assert here.get("/").status_code == 303
    here.cookies.set(COOKIE, new)
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303
    assert other.get("/").status_code == 200


def test_a_changed_password_ends_the_tokens_of_its_owner_and_nobody_else_s(visit, desk_database):
    chain, secrets = AuditChain(), {}
    with desk_database.transaction() as session:
        for name in ("reviewer", "lead"):
            user = find_user(session, name)
            secrets[name] = create_token(session, chain, user=user, name="engine", scopes=["read"], actor=name).secret
    choose(visit("reviewer"), "a heron on a cedar beam")
    with desk_database.reading() as session:
        assert find_token(session, secrets["reviewer"]) is None
        assert find_token(session, secrets["lead"]) is not None
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "API token revoked")).all()
        assert event.actor == "reviewer"


def test_the_audit_log_names_the_act_and_not_the_password(visit, desk_database):
    choose(visit("viewer"), LONG)
    choose(visit("viewer"), LONG + "!")
    with desk_database.transaction() as session:
        events = [e for e in session.scalars(select(AuditEvent).order_by(AuditEvent.id)) if "password" in e.action]
        assert [(e.actor, e.action, e.details) for e in events] == [
            ("viewer", "password chosen", {"purpose": "triage"}),
            ("viewer", "password changed", {"purpose": "triage"}),
        ]


def test_a_form_without_its_token_changes_nothing(visit, desk_database):
    client = visit("viewer")
    assert client.post("/password", data={"csrf": "x", "password": LONG, "password_again": LONG}).status_code == 403
    assert hash_of(desk_database, "viewer") is None


def test_whoever_signs_in_by_code_is_offered_a_password_until_there_is_one(visit, desk_database):
    client = visit(None)
    answer = sign_in(client, code=code_for(desk_database, "lead"))
    assert answer.headers["location"] == "/password?next=/cases"
    assert '<a href="/cases">Not now</a>' in client.get(answer.headers["location"]).text
    choose(client, LONG)
    assert sign_in(visit(None), code=code_for(desk_database, "lead")).headers["location"] == "/cases"


def test_the_demo_s_user_is_asked_for_no_password(visit, desk_database, home):
    home.create(demo=True)
    assert sign_in(visit(None), code=code_for(desk_database, "lead")).headers["location"] == "/cases"


def test_the_page_leads_nowhere_else(visit):
    client = visit("viewer")
    assert '<a href="/">Not now</a>' in client.get("/password", params={"next": "https://evil.example"}).text
    assert choose(client, LONG, next_address="//evil.example").headers["location"] == "/"


@pytest.mark.parametrize(("language", "words"), [("en", "Choose a password"), ("fr", "Choisir"), ("ar", "كلمة مرور")])
def test_every_page_s_header_links_it_in_the_reader_s_language(visit, language, words):
    client = visit("viewer")
    assert 'href="/password?next=/cases"' in client.get("/cases").text
    assert words in client.get("/password", params={"lang": language}).text
