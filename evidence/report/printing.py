"""The report on paper: one PDF a language, printed by our Chromium from memory, with no network, file or script.

Every address that the page may load is one of its own pictures, answered from memory; anything else is refused, and the
browser resolves no name and has no way out. # SEC-43
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Mapping

from playwright.sync_api import Error, Route, sync_playwright

from crawler.chromium import NOBODY_LISTENS, ChromiumMissing, ChromiumRefused, launch_options
from crawler.errors import RelicwatchError

HOST = "http://report.invalid/"
_DATE = re.compile(rb"(/(?:Creation|Mod)Date ?\(D:)\d{14}")
PRINT_SECONDS = 120.0
_FOOT = (
    '<div style="font-size:7px;width:100%;text-align:center">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)

Printer = Callable[[Mapping[str, bytes], Mapping[str, Callable[[], bytes | None]]], dict[str, bytes]]
"""Gets pages by language, and by address in them what gives a picture; gives PDFs by language. Raises NotPrinted."""


class NotPrinted(RelicwatchError):
    """There is no PDF; the sentence says why. A bundle without one is whole all the same: index.html says the same."""


def without_date(pdf: bytes) -> bytes:
    """The same file with the moment of printing set to a fixed one: the same evidence gives the same bytes. # EV-36"""
    return _DATE.sub(rb"\g<1>19800101000000", pdf)


def print_pages(pages: Mapping[str, bytes], pictures: Mapping[str, Callable[[], bytes | None]]) -> dict[str, bytes]:
    """Print each page. Raises NotPrinted where no Chromium starts, or it fails."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(HOST)
        held = pictures[name]() if name in pictures else None
        if name in pages:
            route.fulfill(body=pages[name], content_type="text/html; charset=utf-8")
        elif held is None or not route.request.url.startswith(HOST):
            route.abort()
        else:
            route.fulfill(body=held, content_type=mimetypes.guess_type(name)[0] or "application/octet-stream")

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch_options(NOBODY_LISTENS))
            try:
                context = browser.new_context(java_script_enabled=False, service_workers="block")
                context.set_default_timeout(PRINT_SECONDS * 1000)
                context.route("**/*", answer)
                printed = {}
                for language in pages:
                    page = context.new_page()
                    page.goto(f"{HOST}{language}", wait_until="load")
                    printed[language] = without_date(
                        page.pdf(
                            format="A4",
                            print_background=True,
                            display_header_footer=True,
                            header_template="<span></span>",
                            footer_template=_FOOT,
                            margin={"top": "14mm", "bottom": "16mm", "left": "12mm", "right": "12mm"},
                            tagged=True,
                            outline=True,
                        )
                    )
                    page.close()
                return printed
            finally:
                browser.close()
    except (ChromiumMissing, ChromiumRefused) as error:
        raise NotPrinted(str(error)) from error
    except (Error, OSError) as error:
        raise NotPrinted(f"Chromium could not print the report ({str(error).splitlines()[0][:200]}).") from error
