"""Hostile words in every field on every view of the desk, in a real browser: nothing acts, asks or speaks. # SEC-9

The short form takes our own payloads and some of the lists by a fixed seed; `make prove` takes all of them.
"""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest

from tests.review.conftest import migrated_home
from tests.review.looking import Looker
from tests.review.payloads import OWN, Hostile, grammar, naughty
from tests.review.stage import staged_desk
from tests.review.views import View, views_of

GROWN = """() => {
    const alien = 'script, iframe, object, embed, meta, base, style, link, math, video, svg:not(figure svg)';
    const places = ['href', 'src', 'action', 'formaction'];
    const all = [...document.querySelectorAll('main *, title *')];
    const ours = one => places.every(name => /^([/](?![/])|[?#]|$)/.test(one.getAttribute(name) || ''));
    const acts = one => [...one.attributes].some(({name}) => /^on|^style$|^srcdoc$/.test(name));
    return all.filter(one => one.matches(alien) || acts(one) || !ours(one)).map(one => one.outerHTML.slice(0, 200));
}"""
"""What no page of ours holds: elements and attributes that came out of words, addresses of others."""


def reflecting(payload: str) -> list[View]:
    """Addresses that the desk repeats on the page."""
    said = quote(payload, safe="")
    return [
        View("search", f"/?text={said}&market={said}&seller={said}&language={said}&priority={said}"),
        View("audit-search", f"/audit?actor={said}&action={said}&object_id={said}"),
        View("sign-in-back", f"/sign-in?code={said}&next={said}", role=None),
        View("password-back", f"/password?next={said}"),
        View("nowhere", f"/nothing/{said}"),
        View("no-listing", f"/listings/{said}"),
    ]


def visit_all(browser, home, payloads, pick=None):
    """The faults that the payloads make on every view; `pick` chooses of the addresses that repeat them."""
    with staged_desk(home, *(Hostile(payload) for payload in payloads)) as desk:
        looker = Looker(browser, desk.address, desk.database)
        again = [view for payload in payloads for view in (pick or list)(reflecting(payload))]
        views = sorted([*views_of(desk.stage), *again], key=lambda view: view.role or "")
        found = []
        for number, role in enumerate(dict.fromkeys(view.role for view in views)):
            with looker.look(role, ("en", "ar", "fr")[number % 3]) as page:
                for view in (one for one in views if one.role == role):
                    looker.open(page, view)
                    found += [(view.name, view.address[:80], grown) for grown in page.evaluate(GROWN)]
                    if not page.url.startswith(desk.address):
                        found.append((view.name, view.address[:80], f"led to {page.url}"))
        return len(views), [*found, *looker.complaints]


@pytest.fixture
def home_of_its_own(tmp_path, sqlite_template):
    with migrated_home(tmp_path / "home", sqlite_template) as home:
        yield home


def test_hostile_words_do_nothing_on_any_view(chromium_alone, home_of_its_own):
    chance = random.Random(7)
    payloads = [*chance.sample(OWN, 7), *chance.sample(naughty(), 3), *grammar(7, 2)]
    seen, found = visit_all(chromium_alone, home_of_its_own, payloads, pick=lambda views: chance.sample(views, 2))
    assert seen > 50
    assert not found, "\n".join(map(str, found))


def test_words_that_act_are_found(chromium_alone, home_of_its_own):
    """The hooks hear what they are there for: a dialog, a request to others, an element out of words."""
    with staged_desk(home_of_its_own) as desk:
        looker = Looker(chromium_alone, desk.address, desk.database)
        with looker.look("viewer", "en", bypass_csp=True) as page:
            page.goto(desk.address)
            with page.expect_event("dialog"):
                page.evaluate("""() => {
                    const words = '<img src="//evil.example/x.png" onerror="alert(1)">';
                    document.querySelector('main').insertAdjacentHTML('beforeend', words);
                }""")
            assert page.evaluate(GROWN)
            assert any("evil.example" in complaint for complaint in looker.complaints)
