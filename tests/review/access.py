"""What is looked for on a page so that nobody is kept out; each check gives its faults as (rule, place, why)."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any, Literal

from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
Fault = tuple[str, str, str]


@functools.cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def axe_faults(page: Page, *rules: str) -> list[Fault]:
    """What axe-core finds against WCAG 2.2 AA. It comes into the page by the browser's own door, past its CSP."""
    wanted: dict[str, Any] = {"runOnly": list(rules) or LEVELS, "resultTypes": ["violations"]}
    if not rules:
        wanted["rules"] = {"target-size": {"enabled": True}}
    page.evaluate(_axe())
    found = page.evaluate("options => axe.run(document, options)", wanted)
    return [
        (rule["id"], str(node["target"][0]), " ".join(node["failureSummary"].split())[:200])
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


SPACED = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    " p { margin-bottom: 2em !important }"
)
CUT = """() => [...document.querySelectorAll('body *')].filter(one => {
    const style = getComputedStyle(one);
    return !one.matches('.sr, .skip, svg, svg *, select, option') && style.overflowX === 'hidden'
        && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0;
}).map(one => one.outerHTML.slice(0, 120))"""
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const out = [...document.querySelectorAll('main *, header *')].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width && (box.right > width + 1 || box.left < -1) && !one.closest('.scroll, .chart, .skip');
    });
    return out.slice(-2).map(one => one.outerHTML.slice(0, 120)).concat(out.length ? [] : ['something']);
}"""


def reflow_faults(page: Page) -> list[Fault]:
    """What scrolls sideways or is cut at 320 pixels, at 200 % of a desk screen, and with the reader's own spacing."""
    before = page.viewport_size
    found: list[Fault] = []
    for name, width in (("320 px", 320), ("200 %", 683)):
        page.set_viewport_size({"width": width, "height": 640})
        found += [(name, place, "scrolls sideways") for place in page.evaluate(TOO_WIDE)]
        found += [(name, place, "is cut") for place in page.evaluate(CUT)]
    page.add_style_tag(content=SPACED)
    found += [("spacing", place, "is cut or scrolls") for place in page.evaluate(TOO_WIDE) + page.evaluate(CUT)]
    page.evaluate("document.head.lastElementChild.remove()")
    if before is not None:
        page.set_viewport_size(before)
    return found


def access_faults(page: Page) -> list[Fault]:
    # A page that waits for a capture comes anew until somebody touches it.
    page.evaluate("document.dispatchEvent(new Event('input'))")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    return [*axe_faults(page), *reflow_faults(page)]


STOPS = """() => {
    document.querySelectorAll('details').forEach(one => { one.open = true });
    const start = document.createElement('button');  // the walk starts above all, whatever had the focus
    document.body.prepend(start);
    start.focus();
    start.remove();
    const stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
        .filter(one => one.checkVisibility() && !one.disabled && one.tabIndex >= 0
            && !(one.type === 'radio' && one !== one.form.elements[one.name][0]));
    stops.forEach((one, number) => { one.dataset.stop = number });
    return stops.map(one => one.outerHTML.slice(0, 100));
}"""
STANDS_AT = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    return {
        stop: one.dataset.stop === undefined ? null : Number(one.dataset.stop),
        ended: one === document.body,
        seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
            && box.bottom > 0 && box.top < innerHeight && box.width > 0,
    };
}"""


def tab_faults(page: Page) -> list[Fault]:
    """What the Tab key does not reach, reaches out of order, or does not show that it has reached."""
    stops = page.evaluate(STOPS)
    visited: list[int] = []
    found: list[Fault] = []
    for _ in range(len(stops) + 20):
        page.keyboard.press("Tab")
        at = page.evaluate(STANDS_AT)
        if at["ended"] or (visited and at["stop"] == visited[0]):
            break
        if at["stop"] is None:  # a region that scrolls
            continue
        visited.append(at["stop"])
        if not at["seen"]:
            found.append(("focus", stops[at["stop"]], "has the focus unseen"))
    found += [("reach", stop, "is not reached") for number, stop in enumerate(stops) if number not in visited]
    if visited != sorted(visited):
        first = next(number for number, stop in enumerate(visited[1:]) if stop < visited[number])
        found.append(("order", stops[visited[first]], "comes before what stands above it"))
    return found


TURNED = """() => {
    const turned = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        for (const found of node.data.matchAll(/\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC/g)) {
            const place = (start, end) => {
                const range = document.createRange();
                range.setStart(node, found.index + start);
                range.setEnd(node, found.index + end);
                return range.getBoundingClientRect();
            };
            const year = place(0, 4), zone = place(17, 20);
            if (year.width && Math.abs(year.top - zone.top) < 4 && year.left > zone.left)
                turned.push(node.data.trim().slice(0, 80));
        }
    }
    return turned;
}"""


def dates_turned(page: Page) -> list[str]:
    """Texts in which a date stands with its parts turned round."""
    found: list[str] = page.evaluate(TURNED)
    return found
