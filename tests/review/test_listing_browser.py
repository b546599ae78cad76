"""A listing's pictures by keys in a real browser: large, larger, side by side, moved together, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from storage.objects import join
from storage.tables import Assessment, Capture
from storage.users import find_user, make_sign_in_code
from tests.review.seed import Offer, add_listing
from tests.review.test_browser import chromium, open_page, running  # noqa: F401
from tests.review.test_listing_page import ANSWERS

BOX = "box => [box.scrollLeft, box.scrollTop]"


@pytest.fixture
def pair(desk_database, home):
    """Two listings of one object."""
    with desk_database.transaction() as session:
        one, other = (add_listing(session, home, replace(Offer(), color=color)).id for color in ("#b5793f", "#3f79b5"))
        join(session, one, other, score=9.0, why=[], method="test", actor="job 1")
        for judged in session.scalars(select(Assessment)):
            judged.answers = ANSWERS
        return one, other


@pytest.mark.parametrize("language", ["en", "ar"])
def test_pictures_are_looked_at_and_compared_by_keys(open_page, desk_database, running, pair, language):  # noqa: F811
    one, _ = pair
    page = open_page("reviewer")
    with desk_database.transaction() as session:
        find_user(session, "reviewer").language = language
        thumbnails = session.scalars(select(Capture.id).where(Capture.kind == "thumbnail").order_by(Capture.id)).all()
    page.goto(f"{running.address}/listings/{one}")
    page.keyboard.press("n")
    page.keyboard.type("p")  # into the note
    assert page.url.endswith(f"/listings/{one}")
    page.locator("h1").click()
    page.keyboard.press("p")
    page.wait_for_url("**/pictures?left=*")
    page.locator(f".strip a[href*='right=c{thumbnails[1]}']").click()
    page.wait_for_selector(".panes.pair")
    page.wait_for_load_state()
    for zoom in ("2", "4"):
        page.keyboard.press("+")
        page.wait_for_selector(f".pane-box.zoom-{zoom}")
        page.wait_for_load_state()
    page.wait_for_load_state("networkidle")
    boxes = page.locator(".pane-box")
    start = boxes.nth(0).evaluate(BOX)
    assert min(start) > 0  # the middle of the picture
    for _ in range(2):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "start => [...document.querySelectorAll('.pane-box')].every("
        "box => Math.abs(box.scrollTop - start[1] - 160) < 2 && Math.abs(box.scrollLeft - start[0] - 160) < 2)",
        arg=start,
    )
    source = boxes.nth(0).locator("img").get_attribute("src")
    page.keyboard.press("x")
    page.wait_for_function(f"document.querySelectorAll('.pane-box img')[1].getAttribute('src') === '{source}'")
    page.wait_for_load_state()
    page.keyboard.press("1")
    page.wait_for_selector(".panes:not(.pair)")
    page.wait_for_load_state()  # its script too
    page.keyboard.press("-")
    page.wait_for_selector(".pane-box.zoom-2")
    page.wait_for_load_state()
    page.keyboard.press("b")
    page.wait_for_url(f"**/listings/{one}")


def test_a_terms_meaning_is_shown_where_it_is_focused_and_put_away_with_escape(open_page, running, pair):  # noqa: F811
    page = open_page("viewer")
    page.goto(f"{running.address}/listings/{pair[0]}")
    term = page.locator("h1 .gloss").first
    tip = term.locator(".tip")
    assert not tip.is_visible()
    term.focus()
    assert tip.is_visible() and "oil lamp" in tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.locator(".pager a").first.focus()
    term.focus()
    assert tip.is_visible()


def test_without_script_everything_is_reached_by_links(chromium, running, desk_database, pair):  # noqa: F811
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    with desk_database.transaction() as session:
        code = make_sign_in_code(session, find_user(session, "reviewer"), 5)
    page.goto(f"{running.address}/sign-in?code={code}")
    with page.expect_navigation():
        page.locator("button.primary").first.click()
    page.goto(f"{running.address}/listings/{pair[0]}")
    page.locator("#pictures p a").click()
    page.locator("a[data-viewer='+']").click()
    assert page.locator(".pane-box.zoom-2").count() == 1
    page.locator(".strip a[href*='right=']").last.click()
    assert page.locator(".pane-box.zoom-2").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
