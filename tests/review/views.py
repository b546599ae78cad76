"""Every view of the desk and how it is reached, taken from its routes: a page that has no line here fails the tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from playwright.sync_api import Page

from demo.practice import practice_items
from tests.review.seed import png
from tests.review.stage import Stage


@dataclass(frozen=True, slots=True)
class View:
    """One page, or one state of it."""

    name: str
    address: str
    role: str | None = "admin"
    """Who looks at it; None: nobody who is signed in."""
    act: Callable[[Page], None] | None = None
    """What is done on the page to reach the state."""


def press(selector: str) -> Callable[[Page], None]:
    """Press a button as it stands, with what the browser itself would refuse let through."""

    def act(page: Page) -> None:
        page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true })")
        with page.expect_navigation():
            page.locator(selector).first.click()

    return act


def choose_wrong_code(page: Page) -> None:
    page.locator("input[name=code]").fill("000000")
    press("form[action^='/second-factor'] button")(page)


def send_photo(page: Page) -> None:
    """The picture of the first listings, as if a phone had taken it."""
    page.locator("input[name=photo]").set_input_files(
        {"name": "عداد.png", "mimeType": "image/png", "buffer": png("#b5793f", (640, 640))}
    )
    press("form[action^='/photos'] button")(page)


TERM = "form:has(input[name=term]) button"
"""Of the form that saves a term: without one it is refused."""


PAGES: dict[str, Callable[[Stage], list[View]]] = {
    "/": lambda s: [
        View("queue", "/"),
        View("queue-decided", "/?state=decided"),
        View("queue-none", "/?text=nothing+is+like+this&seller=x"),
    ],
    "/listings/{listing_id}": lambda s: [
        *(View(f"listing-{number}", f"/listings/{id_}") for number, id_ in enumerate(s.listings)),
        View("listing-unveiled", f"/listings/{s.listings[3]}?shown=1"),
        View("listing-refused", f"/listings/{s.listings[0]}", act=press("#decision button.primary")),
        View("listing-read", f"/listings/{s.listings[0]}", role="viewer"),
    ],
    "/listings/{listing_id}/pictures": lambda s: [
        View("pictures", f"/listings/{s.listings[0]}/pictures"),
        View("pictures-pair", f"/listings/{s.listings[0]}/pictures?right={s.beside}&zoom=2"),
        View("pictures-unveiled", f"/listings/{s.listings[3]}/pictures?shown=1", role="viewer"),
    ],
    "/leaving": lambda s: [View("leaving", f"/leaving?of=listing&id={s.listings[0]}", role="viewer")],
    "/cases": lambda s: [View("cases", "/cases")],
    "/cases/{reference}": lambda s: [View(f"case-{n}", f"/cases/{one}") for n, one in enumerate(s.cases)],
    "/sellers/{seller_id}": lambda s: [View(f"seller-{one}", f"/sellers/{one}") for one in (1, 2)],
    "/crawls": lambda s: [View("crawls", "/crawls")],
    "/searches": lambda s: [View("searches", "/searches"), View("searches-refused", "/searches", act=press(TERM))],
    "/alerts": lambda s: [View("alerts", "/alerts"), View("alerts-read", "/alerts?unread=1", role="viewer")],
    "/alerts/confirm": lambda s: [
        View("alerts-confirm", "/alerts/confirm?code=ABCD", role="viewer"),
    ],
    "/alarms": lambda s: [View("alarms", "/alarms?all=1")],
    "/overview": lambda s: [View("overview", "/overview")],
    "/audit": lambda s: [View("audit", "/audit?check=1"), View("audit-page", "/audit?page=2", role="auditor")],
    "/administration/users": lambda s: [
        View("users", "/administration/users"),
        View("users-code", "/administration/users", act=press("button[name=change][value=code]")),
    ],
    "/administration/markets": lambda s: [View("markets", "/administration/markets")],
    "/administration/watches": lambda s: [View("watches", "/administration/watches")],
    "/administration/models": lambda s: [View("models", "/administration/models")],
    "/first-hour": lambda s: [
        *(
            View(f"first-hour-{one}", f"/first-hour?step={one}")
            for one in ("own", "lawful", "source", "searches", "end")
        ),
        View("first-hour-source-chosen", "/first-hour?step=source&market=ebay_fr"),
        View("first-hour-refused", "/first-hour?step=lawful", act=press("form[action$=lawful] button")),
    ],
    "/administration/retention": lambda s: [View("retention", "/administration/retention?plan=1")],
    "/tokens": lambda s: [
        View("tokens", "/tokens"),
        View("tokens-refused", "/tokens", act=press("section.narrow button.primary")),
    ],
    "/purpose": lambda s: [View("purpose", "/purpose")],
    "/photos": lambda s: [
        View("photos", "/photos"),
        View("photos-found", "/photos", act=send_photo),
        View("photos-refused", "/photos", act=press(".photo-ask button")),
    ],
    "/practice": lambda s: [View("practice", "/practice")],
    "/practice/{name}": lambda s: [
        View("practice-item", f"/practice/{practice_items()[1].id}"),
        View("practice-answered", f"/practice/{practice_items()[0].id}"),
    ],
    "/practice/result/{round_id}": lambda s: [View("practice-result", f"/practice/result/{s.practised}")],
    "/password": lambda s: [
        View("password", "/password"),
        View("password-refused", "/password", act=press("main form button.primary")),
    ],
    "/second-factor": lambda s: [
        View("second-factor", "/second-factor"),
        View("second-factor-refused", "/second-factor", act=choose_wrong_code),
    ],
    "/sign-in": lambda s: [
        View("sign-in", "/sign-in", role=None),
        View("sign-in-code", "/sign-in?code=abc", role=None),
    ],
}
PROBLEMS = (
    View("not-there", "/nothing/here"),
    View("not-allowed", "/administration/users", role="viewer"),
)
"""What stands where a page cannot be shown."""

NO_PAGES = {
    "/health": "JSON",
    "/queue/new": "JSON",
    "/queue.csv": "a file",
    "/searches/open": "the way to the queue",
    "/captures/{capture_id}/image": "a picture",
    "/captures/{capture_id}/picture": "a picture",
    "/registers/entries/{entry_id}/photos/{number}": "a picture",
    "/exports/{bundle_id}": "a file",
    "/received/{bundle_id}": "a file",
    "/received-exhibits/{exhibit_id}/image": "a picture",
    "/attachments/{attachment_id}": "a file",
    "/overview/months.csv": "a file",
    "/photos/asked/{key}.jpg": "a picture",
    "/photos/listings/{listing_id}/{sha256}": "a picture",
    "/photos/entries/{entry_id}/{sha256}": "a picture",
    "/practice/pictures/{name}.jpg": "a picture",
    "/practice/next": "leads on to a page",
    "/administration/approvals/{approval_id}/{what}": "a file",
}
"""Routes that answer with something else than a page."""


def views_of(stage: Stage) -> list[View]:
    return [*(view for make in PAGES.values() for view in make(stage)), *PROBLEMS]


def gets_of(app: FastAPI) -> Iterator[Any]:
    """The routes that a browser may ask for."""
    for route in app.routes:
        inner = getattr(getattr(route, "original_router", None), "routes", [route])
        yield from (one for one in inner if "GET" in getattr(one, "methods", ()))


def distinct_views(stage: Stage) -> list[View]:
    """Each kind of view once: of several listings that are laid out alike, the hardest."""
    return [view for view in views_of(stage) if not re.fullmatch(r"(listing|case)-[1-9]\d*", view.name)]
