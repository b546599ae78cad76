"""A note that was begun is there again after whatever else was done, until it is kept or dropped; in a real browser."""

from __future__ import annotations

import pytest

from storage.users import end_sessions_of, find_user, make_sign_in_code
from tests.review.test_browser import chromium, open_page, running  # noqa: F401
from tests.review.test_keys import await_focus, decided, three  # noqa: F401

BEGUN = ".note-begun"


@pytest.fixture
def page(open_page, three):  # noqa: F811
    """A note was begun on the second card; then the first was decided on, and the page came anew."""
    page = open_page("reviewer")
    for key in ("j", "j", "u", "n"):
        page.keyboard.press(key)
    page.keyboard.type("Ask the museum")
    page.locator(f"#hit-{three[0]}").focus()
    page.keyboard.press("r")
    assert page.locator(f"li:has(#hit-{three[1]}) {BEGUN}").is_visible()
    page.keyboard.press("Enter")
    await_focus(page, three[1])
    return page


def note(page):
    return page.locator("#decision textarea[name=note]")


def test_a_note_begun_on_one_card_outlasts_the_decision_on_another(page, desk_database, three):  # noqa: F811
    assert page.locator(f"li:has(#hit-{three[1]}) {BEGUN}").inner_text() == "Note begun, not kept"
    assert page.locator(BEGUN).count() == 1
    page.keyboard.press("u")
    assert note(page).input_value() == "Ask the museum"
    assert page.locator(BEGUN).count() == 0
    page.keyboard.press("Enter")
    await_focus(page, three[2])
    assert decided(desk_database)[1] == (three[1], "unsure", "ask_expert", None, "Ask the museum")
    assert page.evaluate("Object.keys(sessionStorage).filter(name => name.includes('/listings/'))") == []
    page.keyboard.press("z")
    await_focus(page, three[1])
    page.keyboard.press("u")
    assert note(page).input_value() == ""


def test_escape_drops_a_note_that_was_begun(page):
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    assert note(page).input_value() == ""
    page.reload()
    assert page.locator(BEGUN).count() == 0


def test_the_listing_s_own_page_has_the_note_too_and_a_session_that_ran_out_does_not_lose_it(
    page,
    running,  # noqa: F811
    desk_database,
    three,  # noqa: F811
):
    page.goto(f"{running.address}/listings/{three[1]}")
    assert note(page).input_value() == "Ask the museum"
    note(page).fill("Ask the museum and the customs")
    with desk_database.transaction() as session:
        end_sessions_of(session, find_user(session, "reviewer"))
    page.reload()
    page.wait_for_url("**/sign-in*")
    with desk_database.transaction() as session:
        code = make_sign_in_code(session, find_user(session, "reviewer"), 5)
    page.goto(f"{running.address}/sign-in?code={code}")
    with page.expect_navigation():
        page.locator("button.primary").first.click()
    page.goto(running.address)
    assert page.locator(f"li:has(#hit-{three[1]}) {BEGUN}").is_visible()
    page.locator(f"#hit-{three[1]}").focus()
    page.keyboard.press("u")
    assert note(page).input_value() == "Ask the museum and the customs"


def test_signing_out_forgets_what_was_begun(page, desk_database, running):  # noqa: F811
    page.locator("details.who summary").click()
    page.locator("form[action='/sign-out'] button").click()
    page.wait_for_url("**/sign-in*")
    assert page.evaluate("Object.keys(sessionStorage).filter(name => name.includes('/listings/'))") == []


def test_another_person_s_page_in_the_same_tab_forgets_it(page, desk_database, running):  # noqa: F811
    page.evaluate("sessionStorage.setItem('notes of', 'somebody else')")
    page.goto(running.address)
    assert page.locator(BEGUN).count() == 0
