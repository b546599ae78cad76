"""Throttled sign-in, the second factor, cookies under HTTPS, and where the desk listens."""

from __future__ import annotations

import time

import pyotp
import pytest
from sqlalchemy import select

from review.app import create_app
from review.binding import Binding, BindingRefused
from review.desk import COOKIE
from storage.audit import AuditChain
from storage.sign_in_throttle import MOST_OF_PAIR
from storage.tables import AuditEvent
from storage.users import create_user, find_user, make_sign_in_code
from tests.review.conftest import TestClient, field

PASSWORD = "four plain words here"


@pytest.fixture
def nadia(desk_database):
    with desk_database.transaction() as session:
        return create_user(session, "Nadia", "lead", password=PASSWORD)


def sign_in(client, **sent):
    csrf = field(client.get("/sign-in").text, "csrf")
    return client.post("/sign-in", data={"csrf": csrf, "name": "Nadia", "password": PASSWORD} | sent)


def set_up_second_factor(client):
    page = client.get("/second-factor").text
    secret = field(page, "secret")
    code = pyotp.TOTP(secret).at(int(time.time()) - 30)
    answer = client.post("/second-factor", data={"csrf": field(page, "csrf"), "secret": secret, "code": code})
    assert answer.status_code == 200
    return secret, answer.text


def test_the_sixth_try_waits_even_with_the_right_password_and_says_how_long(visit, nadia):
    client = visit(None)
    for _ in range(MOST_OF_PAIR):
        assert sign_in(client, password="wrong").status_code == 403
    answer = sign_in(client)
    assert answer.status_code == 429
    assert "Try again in 15 min" in answer.text
    assert COOKIE not in client.cookies


def test_an_unknown_name_waits_like_a_known_one(visit, nadia):
    client = visit(None)
    answers = [sign_in(client, name=name, password="wrong") for name in ("Nadia", "Nobody") for _ in range(6)]
    assert [answer.status_code for answer in answers] == ([403] * 5 + [429]) * 2
    assert answers[5].text == answers[11].text


def test_whoever_is_held_up_still_comes_in_by_a_one_time_code(visit, nadia, desk_database):
    client = visit(None)
    for _ in range(6):
        sign_in(client, password="wrong")
    with desk_database.transaction() as session:
        code = make_sign_in_code(session, find_user(session, "Nadia"), 5)
    assert sign_in(client, code=code).status_code == 303


def test_with_a_second_factor_the_password_alone_signs_nobody_in(visit, nadia):
    client = visit(None)
    assert sign_in(client).status_code == 303
    secret, page = set_up_second_factor(client)
    assert secret not in page
    wrong = sign_in(visit(None), password="wrong")
    without = sign_in(visit(None))
    assert without.status_code == wrong.status_code == 403
    code = pyotp.TOTP(secret).at(int(time.time()) + 30)
    other = visit(None)
    assert sign_in(other, second=code).status_code == 303
    assert sign_in(visit(None), second=code).status_code == 403


def test_a_wrong_second_factor_does_not_use_up_a_one_time_code(visit, nadia, desk_database):
    client = visit(None)
    sign_in(client)
    secret, _ = set_up_second_factor(client)
    with desk_database.transaction() as session:
        code = make_sign_in_code(session, find_user(session, "Nadia"), 5)
    assert sign_in(visit(None), code=code).status_code == 403
    right = pyotp.TOTP(secret).at(int(time.time()) + 30)
    assert sign_in(visit(None), code=code, second=right).status_code == 303


def test_an_open_browser_cannot_take_the_second_factor_away_without_a_code(visit, nadia, desk_database):
    client = visit(None)
    sign_in(client)
    secret, page = set_up_second_factor(client)
    csrf = field(page, "csrf")
    assert client.post("/second-factor/remove", data={"csrf": csrf, "code": "000000x"}).status_code == 400
    again = client.post("/second-factor", data={"csrf": csrf, "secret": secret, "code": pyotp.TOTP(secret).now()})
    assert again.status_code == 400
    code = pyotp.TOTP(secret).at(int(time.time()) + 30)
    assert client.post("/second-factor/remove", data={"csrf": csrf, "code": code}).status_code == 303
    with desk_database.transaction() as session:
        actions = [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert actions == [
        "signed in",
        "second factor set up",
        "removal of the second factor refused",
        "second factor removed",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "0.0.0.0"},
        {"address": "10.0.0.5", "names": ("desk.example",)},
        {"address": "::", "names": ("desk.example",)},
        {"address": "10.0.0.5", "behind_proxy": True},
        {"address": "desk.example"},
    ],
)
def test_plain_http_beyond_loopback_is_refused(wrong):
    with pytest.raises(BindingRefused):
        Binding(**wrong)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_loopback_needs_nothing(address):
    assert Binding(address).scheme == "http"


def test_a_certificate_needs_its_key_and_files_that_are_there(tmp_path):
    there = tmp_path / "desk.pem"
    there.write_text("x")
    for wrong in ({"certificate": there}, {"certificate": there, "key": tmp_path / "no"}):
        with pytest.raises(BindingRefused):
            Binding("10.0.0.5", ("desk.example",), **wrong)
    assert Binding("10.0.0.5", ("desk.example",), there, there).scheme == "https"


@pytest.fixture
def proxied(desk_database, home, nadia):
    binding = Binding("10.0.0.5", ("Desk.example",), behind_proxy=True)
    app = create_app(desk_database, home, chain=AuditChain(), binding=binding)
    with TestClient(
        app,
        base_url="https://desk.example",
        headers={"origin": "https://desk.example", "x-forwarded-proto": "https", "x-forwarded-for": "1.1.1.1, 9.9.9.9"},
        follow_redirects=False,
    ) as client:
        yield client


def test_under_https_the_cookie_is_bound_to_the_host(proxied):
    answer = sign_in(proxied)
    cookie = next(line for line in answer.headers.get_list("set-cookie") if COOKIE in line)
    assert cookie.startswith(f"__Host-{COOKIE}=")
    assert "Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert proxied.get("/").status_code == 200
    token = proxied.cookies[f"__Host-{COOKIE}"]
    proxied.cookies.clear()
    proxied.cookies.set(COOKIE, token)
    assert proxied.get("/").status_code == 303


def test_behind_a_proxy_plain_http_and_other_names_are_refused(proxied):
    assert proxied.get("/sign-in", headers={"x-forwarded-proto": "http"}).status_code == 400
    assert proxied.get("/sign-in", headers={"x-forwarded-proto": "https, http"}).status_code == 400
    assert proxied.get("/sign-in", headers={"host": "evil.example"}).status_code == 400
    assert proxied.get("/sign-in").status_code == 200


def test_behind_a_proxy_each_source_is_throttled_by_what_the_proxy_says_of_it(proxied):
    for number in range(6):
        # The first address of the header is what the client says of itself: it gains nothing by changing it.
        proxied.headers["x-forwarded-for"] = f"8.8.8.{number}, 9.9.9.9"
        answer = sign_in(proxied, password="wrong")
    assert answer.status_code == 429
    proxied.headers["x-forwarded-for"] = "8.8.8.8, 7.7.7.7"
    assert sign_in(proxied).status_code == 303


def test_a_search_is_audited_without_its_words(visit, desk_database):
    client = visit("auditor")
    client.get("/", params={"text": "Old Things of Lyon"})
    client.get("/")
    with desk_database.transaction() as session:
        (event,) = session.scalars(select(AuditEvent)).all()
    assert (event.actor, event.action, event.details["found"]) == ("auditor", "searched", 0)
    assert "Lyon" not in str(event.details)
