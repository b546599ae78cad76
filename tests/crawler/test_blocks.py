"""Pages that keep crawlers out are known as such; real pages of markets never are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crawler.blocks import Block, find_challenge, find_login_wall, is_login_address
from tests.market_server import lot_page, results_page
from tests.needs import need_shared

ASKED = "https://market.example/search?q=lamp"


def page(title: str, text: str = "", head: str = "") -> bytes:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body><p>{text}</p></body></html>".encode()


def challenge(body: bytes, status: int = 200, **headers: bytes) -> Block | None:
    return find_challenge(status, {name.replace("_", "-").encode(): [value] for name, value in headers.items()}, body)


CHALLENGES = {
    "script challenge": (
        403,
        page("Just a moment...", "Enable JavaScript and cookies to continue", "<script>window._cf_chl_opt={}</script>"),
    ),
    "the same behind a 503": (503, page("Just a moment...", "", "<script>window._cf_chl_opt={}</script>")),
    "captcha frame": (403, page("market.example", "", "<script src='https://ct.captcha-delivery.com/c.js'></script>")),
    "captcha as JSON": (403, b'{"url": "https://geo.captcha-delivery.com/captcha/?initialCid=A"}'),
    "press and hold": (
        403,
        page("Access to this page has been denied", "Please verify you are a human", "<div id=px-captcha></div>"),
    ),
    "edge refusal": (
        403,
        page("Access Denied", "You don't have permission. Reference #18.2d https://errors.edgesuite.net/18"),
    ),
    "a frame and nothing else": (200, page("", "Request unsuccessful. Incapsula incident ID: 1-2")),
    "too many requests with a CAPTCHA": (429, page("Sorry", "Unusual traffic", "<div class=g-recaptcha></div>")),
    "a robot check that answers 200": (
        200,
        page("Robot Check", "Type the characters you see. We need to be sure you are not a robot."),
    ),
    "French": (200, page("Vérification de sécurité", "Confirmez que vous êtes un humain pour continuer.")),
    "Arabic": (200, page("لحظة من فضلك", "يرجى التحقق من أنك إنسان عبر متصفحك")),
    "German": (200, page("Einen Moment bitte", "Wir prüfen, ob Sie ein Mensch sind. Bitte JavaScript aktivieren.")),
    "Spanish": (200, page("Verificación de seguridad", "Confirma que eres humano. Tu navegador...")),
    "Italian": (200, page("Un attimo...", "Verifica di essere umano")),
    "Turkish": (200, page("Bir dakika lütfen", "insan olduğunuzu doğrulayın")),
}
ORDINARY = {
    "a lot": (200, lot_page("Roman oil lamp").encode()),
    "a lot titled like a challenge": (
        200,
        lot_page("Just a moment - human figure, bronze", text="A robot and a human").encode(),
    ),
    "search results": (200, results_page(["/sale/1/lot/1"]).encode()),
    "no results": (200, page("Search results", "Nothing was found for these words.")),
    "a script that watches for robots": (
        200,
        page("Lamps", "word " * 300, "<script src=/_Incapsula_Resource?a></script>"),
    ),
    "a page that only scripts fill": (
        200,
        b"<html><head><title>Market</title></head><body><div id=app></div><script src=/a.js></script></body></html>",
    ),
    "a market that is closed for the night": (503, page("Down for maintenance", "We are back at six.")),
    "a plain refusal": (403, page("403 Forbidden", "nginx")),
    "a lot that is gone": (404, page("Not found", "This lot is not there any more.")),
    "a search form guarded by a CAPTCHA": (
        200,
        page("Ask the seller", "word " * 200, "<script src=https://www.google.com/recaptcha/api.js></script>"),
    ),
}


@pytest.mark.parametrize(
    "body",
    [
        b"<title>" * 25_000,
        b"<title" * 25_000,
        page("Robot check", "are you human", '<meta og:type"' + 'og:type"' * 40_000),
        page("Robot check", "are you human", '"@type":' + " " * 200_000),
    ],
    ids=["titles that never end", "titles that never begin", "kinds of page", "a kind far away"],
)
def test_a_page_made_to_keep_the_look_for_challenges_busy_is_read_in_one_go(body: bytes) -> None:
    begun = time.process_time()
    challenge(body)
    assert time.process_time() - begun < 3


def test_a_title_is_read_whatever_stands_in_it_and_before_it() -> None:
    for title in ("Just a moment < <b>human</b>", "<title>Just a moment"):
        assert challenge(page(title, "Are you human?")) is not None


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_challenge_is_known(name: str) -> None:  # RL-31
    status, body = CHALLENGES[name]
    block = challenge(body, status)
    assert block is not None
    assert block.code == "challenge"
    assert f"HTTP {status}" in block.sentence


def test_a_header_that_says_challenge_is_enough() -> None:
    assert challenge(b"", 403, cf_mitigated=b"challenge") is not None
    assert challenge(b"", 202, x_amzn_waf_action=b"challenge") is not None


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Just a Moment, Roman theatre mask", "A human face of marble."),
        ("Un instant d'éternité, stèle", "Visage humain, calcaire."),
        ("Captcha II - robot sculpture", "A robot of bronze."),
    ],
)
def test_a_title_alone_is_no_sure_sign(title: str, text: str) -> None:
    doubtful = challenge(page(title, text))
    assert doubtful is not None and not doubtful.sure
    sure = challenge(page(title, text, "<script>window._cf_chl_opt={}</script>"))
    assert sure is not None and sure.sure
    refused = challenge(page(title, text), 403)
    assert refused is not None and refused.sure


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_page_is_none(name: str) -> None:
    status, body = ORDINARY[name]
    assert challenge(body, status) is None
    assert find_login_wall(ASKED, ASKED, status, body) is None


LOGIN_FORM = "<form method=post><input name=user><input type=password name=word><button>Go</button></form>"


@pytest.mark.parametrize(
    "title",
    [
        "Log in",
        "Sign in | Market",
        "Connexion",
        "Se connecter",
        "Anmelden",
        "Iniciar sesión",
        "Accedi",
        "Giriş Yap",
        "تسجيل الدخول",
    ],
)
def test_a_page_that_asks_for_a_password_in_place_of_listings_is_a_log_in_wall(title: str) -> None:  # RL-31
    block = find_login_wall(ASKED, ASKED, 200, page(title, LOGIN_FORM))
    assert block is not None
    assert block.code == "login_wall"
    assert "market.example/search" in block.sentence


def test_a_log_in_form_beside_listings_is_none() -> None:
    form = LOGIN_FORM
    assert find_login_wall(ASKED, ASKED, 200, page("Lamps | Market", form + "word " * 50)) is None
    assert find_login_wall(ASKED, ASKED, 200, lot_page("Sign in silver, Roman", extra=form).encode()) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://market.example/login?next=/search",
        "https://market.example/customer/account/login/",
        "https://market.example/users/sign_in",
        "https://market.example/fr/connexion",
        "https://market.example/Account/Login.aspx",
        "https://accounts.market.example/",
        "https://market.example/session/new",
        "https://market.example/oauth2/start",
    ],
)
def test_a_redirect_to_a_log_in_address_is_a_log_in_wall(address: str) -> None:
    assert is_login_address(address)
    assert find_login_wall(ASKED, address, 200, page("Market")) is not None


@pytest.mark.parametrize(
    "address",
    [
        "https://market.example/lot/123-login-box-victorian",
        "https://market.example/lots/sign-in-sheet",
        "https://market.example/search?q=login",
        "https://market.example/author/oauth",
        "https://market.example/authentic-antiquities/1",
        "https://loginov.example/lot/1",
        "https://idol.example/lot/1",
    ],
)
def test_an_address_that_only_looks_a_little_like_it_is_none(address: str) -> None:
    assert not is_login_address(address)


def test_no_real_page_of_a_market_is_taken_for_a_block() -> None:
    found = []
    pages = sorted(Path(need_shared("data/pages")).glob("*/*.html"))
    assert len(pages) > 50
    for path in pages:
        body = path.read_bytes()
        block = challenge(body) or find_login_wall(ASKED, ASKED, 200, body)
        if block is not None:
            found.append((path.name, block.sentence))
    assert found == []
