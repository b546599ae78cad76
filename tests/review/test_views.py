"""What holds on every view of the desk: it is known, light, and in one language."""

from __future__ import annotations

import re
import string

import pytest
from bs4 import BeautifulSoup

from crawler.home import Home
from review.app import STATIC, create_app
from review.desk import COOKIE
from review.words import messages
from storage.audit import AuditChain
from storage.users import LANGUAGES, find_user, open_session
from tests.review.conftest import ADDRESS, TestClient
from tests.review.seed import add_listing
from tests.review.stage import OFFERS
from tests.review.views import NO_PAGES, PAGES, gets_of, views_of

MOST_BYTES = 100_000
"""Of a page with its styles and script, before any picture."""


@pytest.fixture(scope="module")
def show(staged):
    """`show(view, language)`: the page as HTML, without a browser."""
    app = create_app(staged.database, staged.home, chain=AuditChain())
    with TestClient(app, base_url=ADDRESS, headers={"origin": ADDRESS}, follow_redirects=False) as client:

        def show(view, language):
            client.cookies.clear()
            if view.role is not None:
                with staged.database.transaction() as session:
                    user = find_user(session, view.role)
                    user.language = language
                    client.cookies.set(COOKIE, open_session(session, user).token)
            separator = "&" if "?" in view.address else "?"
            return client.get(f"{view.address}{separator}lang={language}")

        yield show


def test_every_page_that_the_desk_answers_with_is_known(desk_database, home: Home):
    routes = {route.path for route in gets_of(create_app(desk_database, home, chain=AuditChain()))}
    assert routes == set(PAGES) | set(NO_PAGES), "give a new page its line in tests/review/views.py"


def test_a_first_look_costs_less_than_100_kb(staged, show):
    static = sum(
        len((STATIC / name).read_bytes())
        for name in ("desk.css", "queue.css", "dark.css", "desk.js", "notes.js", "icon.svg")
    )
    for view in views_of(staged.stage):
        sent = int(show(view, "ar").headers["content-length"]) + static
        assert sent < MOST_BYTES, (view.name, sent)


SHOWN_ATTRIBUTES = ("title", "aria-label", "alt", "placeholder")
NOT_OURS = (
    "[lang]:not(html), bdi, code, kbd, mark, textarea, title, svg text, [dir=auto], script, option:not([value]),"
    " select[name=market] option, select[name=case] option, select[name=user] option,"
    " select[name=assignee] option"
)
"""What people and markets wrote, what was recorded in English, and names, each in a direction of its own."""
SAME_EVERYWHERE = re.compile(
    r"relicwatch|UTC|SHA-256|HTTP|PDF|PNG|JPEG|CSV|Ctrl|Webhook|https://|docs/\w+\.md|DEMO|DOM|JSON|ICOM|WhatsApp|robots\.txt|English|Français|\b[A-Z]{3}\b|"
    r"RW-\d{4}-\d+|\bEnter\b|`[^`]*`"
)
"""Names and signs that no language changes."""

ISOLATED = re.compile("\u2068[^\u2069]*\u2069")


def own_words(page):
    """What the desk itself says on a page: its texts and the words that only a screen reader or a pointer meets."""
    soup = BeautifulSoup(page, "lxml")
    for node in soup.select(NOT_OURS):
        node.extract()
    spoken = [node[name].partition(": ")[0] for name in SHOWN_ATTRIBUTES for node in soup.select(f"[{name}]")]
    return [" ".join(ISOLATED.sub("", text).split()) for text in [*soup.stripped_strings, *spoken]]


def sentences(language, other):
    """What is said in a language and not in the other, cut at its fields: enough of it to tell them apart."""
    there = messages(other)
    for key, text in messages(language).items():
        for part, *_ in string.Formatter().parse(text):
            if len(part.strip(" .:·")) >= 12 and part not in there[key]:
                yield key, part.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_view_speaks_two_languages(staged, show, language):
    others = [one for other in LANGUAGES if other != language for one in sentences(other, language)]
    alien = re.compile("[A-Za-z]{2}" if language == "ar" else "[\u0600-\u06ff]")
    found = set()
    for view in views_of(staged.stage):
        answer = show(view, language)
        assert answer.status_code in (200, 403, 404), view.name
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in answer.text
        words = own_words(answer.text)
        found |= {(view.name, key) for key, part in others if part in "\n".join(words)}
        found |= {(view.name, word) for word in words if alien.search(SAME_EVERYWHERE.sub("", word))}
    assert not found, "\n".join(map(str, sorted(found)))


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_figures_are_written_as_the_language_writes_them(staged, show, language):
    page = show(next(view for view in views_of(staged.stage) if view.name == "queue"), language).text
    text = BeautifulSoup(page, "lxml").get_text()
    french = language == "fr"
    assert ("0,97" in text, "0.97" in text) == (french, not french)
    assert ("2\u202f499,80" in text, "2,499.80" in text) == (french, not french)
    assert not re.search("Nov |ago|hours", text)


def test_no_view_shows_unasked_how_to_reach_a_seller(staged, show):
    ways = ("+20 100 123 4567", "seller@example.org")
    for view in views_of(staged.stage):
        text = BeautifulSoup(show(view, "en").text, "lxml")
        text.title.extract()
        shown = [way for way in ways if way in text.get_text()]
        assert shown == [], view.name


def test_no_link_leaves_the_desk_by_itself(staged, show):  # SEC-10
    for view in views_of(staged.stage):
        page = BeautifulSoup(show(view, "en").text, "lxml")
        links = [node[name] for name in ("href", "src", "action", "formaction") for node in page.select(f"[{name}]")]
        outward = [link for link in links if not re.match(r"/(?!/)|[?#]", link)]
        if view.name != "leaving":
            assert outward == [], view.name
            continue
        (link,) = page.select('a[rel~="noreferrer"][rel~="noopener"][rel~="nofollow"][target=_blank]')
        assert outward == [link["href"]], "the page that warns holds the one link out"


FORBIDDEN = re.compile("loot|stolen|pill(?:é|age)|volé|مسروق|منهوب", re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_desk_never_judges_in_its_own_words(staged, show, language):
    for view in views_of(staged.stage):
        assert [word for word in own_words(show(view, language).text) if FORBIDDEN.search(word)] == [], view.name


def test_a_full_page_of_hard_hits_costs_less_than_100_kb_too(visit, desk_database, home):
    with desk_database.transaction() as session:
        for number in range(25):
            add_listing(session, home, OFFERS[number % 5])
    client = visit("admin")
    with desk_database.transaction() as session:
        find_user(session, "admin").language = "ar"
    answer = client.get("/", headers={"accept-encoding": "gzip"})
    assert answer.text.count("data-hit") == 25
    assert int(answer.headers["content-length"]) < MOST_BYTES, answer.headers
