"""Whether people of every kind can use every view: WCAG 2.2 AA by axe-core, keys alone, 200 % and a phone's width.

The short form looks at each view once, in one language and one light; `make prove` looks at all of them
(tests/prove/test_every_view.py).
"""

from __future__ import annotations

import itertools

import pytest

from storage.users import LANGUAGES
from tests.review.access import SCHEMES, access_faults, axe_faults, dates_turned, tab_faults
from tests.review.views import View, distinct_views


def seen(looker, chosen, **options):
    """Each (view, language, scheme) with its page; the browser's window is opened once for each kind."""

    def kind(one):
        return one[0].role or "", *one[1:]

    for (role, language, scheme), group in itertools.groupby(sorted(chosen, key=kind), kind):
        with looker.look(role or None, language, color_scheme=scheme, bypass_csp=True, **options) as page:
            for view, _, _ in group:
                looker.open(page, view)
                yield view, language, scheme, page


def in_turn(views):
    """Each view once, in one of the languages and lights after the other."""
    return [(view, LANGUAGES[n % 3], SCHEMES[n // 3 % 2]) for n, view in enumerate(views)]


def told(faults):
    return "\n".join(" | ".join(map(str, fault)) for fault in faults)


def test_no_view_keeps_anybody_out(looker, staged):
    found = [
        (view.name, language, scheme, *fault)
        for view, language, scheme, page in seen(looker, in_turn(distinct_views(staged.stage)))
        for fault in access_faults(page)
    ]
    assert not found, told(found)


def test_every_action_is_reached_by_keys_in_order_and_the_focus_is_seen(looker, staged):
    chosen = in_turn([view for view in distinct_views(staged.stage) if view.act is None and view.name != "audit"])
    found = [
        (view.name, language, *fault) for view, language, _, page in seen(looker, chosen) for fault in tab_faults(page)
    ]
    assert not found, told(found)


def test_the_checks_find_what_is_amiss(looker, staged):
    """A field without a name, too pale a text, a line too long, a button out of order, a focus unseen: all are told."""
    worse = """
        const main = document.querySelector('main');
        main.insertAdjacentHTML('beforeend', `<input id=nameless><p style="color:#bbb;background:#fff">pale</p>
            <p style="width:60rem">long</p><button tabindex=3>first</button><a href=/ style="outline:none">unseen</a>`);
    """
    with looker.look("viewer", "en", bypass_csp=True) as page:
        looker.open(page, View("cases", "/cases"))
        page.evaluate(worse)
        rules = {fault[0] for fault in access_faults(page)}
        assert {"label", "color-contrast", "320 px"} <= rules
        assert {"focus", "reach"} <= {fault[0] for fault in tab_faults(page)}


def test_dates_keep_their_order_among_arabic_words(looker, staged):
    views = [view for view in distinct_views(staged.stage) if view.act is None and view.role]
    found = [
        (view.name, words)
        for view, _, _, page in seen(looker, [(view, "ar", "light") for view in views])
        for words in dates_turned(page)
    ]
    assert not found, told(found)


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_head_of_a_page_takes_two_rows_of_a_phone_and_all_of_it_is_reached(looker, staged, language):
    with looker.look("admin", language, viewport={"width": 390, "height": 844}) as page:
        page.goto(staged.address)
        tops = page.locator("header.top > *").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
        rows = {round(top / 20) for top in tops}
        assert len(rows) <= 2 and page.evaluate("document.querySelector('header').offsetHeight") < 110
        assert (
            len(
                {
                    round(top)
                    for top in page.locator("header nav a").evaluate_all(
                        "all => all.map(one => one.getBoundingClientRect().top)"
                    )
                }
            )
            == 1
        )
        last = page.locator("header nav a").last
        last.focus()
        box = last.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_charts_and_marks_stay_where_the_system_gives_the_colours(looker, staged):
    with looker.look("admin", "en", forced_colors="active") as page:
        looker.open(page, View("overview", "/overview"))
        ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
        for name in ("text", "rect"):
            assert page.evaluate(f"getComputedStyle(document.querySelector('.chart {name}')).fill") == ink
        looker.open(page, View("queue", "/?state=all"))
        for name in (".chip.for", ".score"):
            assert page.evaluate(f"getComputedStyle(document.querySelector('{name}')).borderTopStyle") != "none", name


def test_nothing_moves_for_whoever_asked_for_rest(looker, staged):
    moving = """[...document.querySelectorAll('*')].filter(one => {
        const style = getComputedStyle(one);
        return parseFloat(style.transitionDuration) > 0.01 || (style.animationName !== 'none');
    }).map(one => one.outerHTML.slice(0, 80))"""
    with looker.look("admin", "en", reduced_motion="reduce") as page:
        for address in ("/", f"/listings/{staged.stage.listings[0]}"):
            page.goto(staged.address + address)
            assert page.evaluate(moving) == []


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_the_first_key_leads_past_the_navigation(looker, staged, language):
    with looker.look("reviewer", language) as page:
        page.goto(staged.address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert axe_faults(page, "color-contrast") == []
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
