"""What a visitor sees of the marketplace, in a real Chromium."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from crawler.extraction.page import extract_page
from demo.catalogue import load_listings
from markets.definition import parse_definition
from tests.demo.test_definitions import TEMPLATES
from tests.needs import options_of_chromium

ITEMS = {one.key: one for one in load_listings() if one.sale is None}

pytestmark = pytest.mark.needs_chromium


@pytest.fixture(scope="module")
def base():
    with subprocess.Popen([sys.executable, "-m", "demo"], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(**options_of_chromium())
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    faults = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    opened.close()
    assert faults == []


@pytest.fixture(scope="module")
def rules(base):
    text = (TEMPLATES / "demo_marketplace.yaml").read_text(encoding="utf-8").replace("http://DEMO-HOST", base)
    return parse_definition(Path("demo_marketplace.yaml"), text.encode()).page_rules()


def test_cards_of_all_pages_lead_to_all_items(page, base):
    page.goto(f"{base}/marketplace/search?q=&page=1")
    hrefs, pages = [], 1
    page.wait_for_selector("a.card")
    hrefs += page.eval_on_selector_all("a.card", "cards => cards.map(card => card.href)")
    while page.locator("a[rel=next]").count():
        page.click("a[rel=next]")
        pages += 1
        page.wait_for_url(f"**page={pages}*")
        page.wait_for_selector("a.card")
        hrefs += page.eval_on_selector_all("a.card", "cards => cards.map(card => card.href)")
    assert pages == 5
    assert sorted(href.split("/item/")[1].split("-")[0] for href in hrefs) == sorted(ITEMS)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_drawn_item_is_read_right_through_the_definition(page, base, rules, language):
    item = next(one for one in ITEMS.values() if one.language == language and one.picture_count > 1)
    page.goto(base + item.path)
    page.wait_for_selector("h1")
    found = extract_page(page.content().encode(), page.url, rules=rules)
    assert (found.title, found.description) == (item.title, item.description)
    assert (found.price, found.currency) == (Decimal(item.price), item.currency)
    assert (found.seller, found.location) == (item.seller, item.location)
    assert found.images == [base + item.picture_path(view, 800) for view in range(1, item.picture_count + 1)]
    assert found.kind == "listing"
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    assert page.evaluate("document.documentElement.lang") == language


def test_cards_far_down_load_their_pictures_only_when_they_come_near(page, base):
    page.set_viewport_size({"width": 390, "height": 600})
    page.goto(f"{base}/marketplace/search?q=&page=1")
    page.wait_for_selector("a.card")
    last = page.locator("a.card img").last
    assert last.get_attribute("src") is None
    assert last.get_attribute("data-src").startswith("/pictures/")
    last.scroll_into_view_if_needed()
    page.wait_for_function("image => image.naturalWidth > 0", arg=last.element_handle())


def test_the_search_form_finds_an_arabic_word_in_another_form(page, base):
    page.goto(f"{base}/marketplace/")
    page.fill("input[name=q]", "الفرعونى")
    page.press("input[name=q]", "Enter")
    page.wait_for_url("**/marketplace/search?**")
    page.wait_for_selector("a.card")
    assert page.locator("a.card[dir=rtl]").count() == page.locator("a.card").count() >= 2


def test_an_item_that_is_gone_says_so(page, base):
    page.goto(f"{base}/marketplace/item/1-nothing")
    page.wait_for_selector("h1")
    assert page.inner_text("h1") == "Not found"
