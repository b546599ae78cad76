"""A browser that looks at the views of a running desk as people of every role and language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

from review.desk import COOKIE
from storage.database import Database
from storage.users import find_user, open_session
from tests.review.views import View

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


@dataclass
class Looker:
    """Opens views; whatever their pages complain of, ask of the network or say in a dialog is kept."""

    browser: Browser
    address: str
    database: Database
    complaints: list[str] = field(default_factory=list)
    _tokens: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def look(self, role: str | None, language: str, **options: Any) -> Iterator[Page]:
        """A page of somebody of this role who reads this language, signed in."""
        context = self.browser.new_context(**{"viewport": DESK, "locale": language} | options)
        context.set_default_timeout(120_000)
        try:
            if role is not None:
                context.add_cookies([{"name": COOKIE, "value": self._token(role, language), "url": self.address}])
            page = context.new_page()
            self._listen(page)
            yield page
        finally:
            context.close()

    def open(self, page: Page, view: View) -> None:
        page.goto(self.address + view.address)
        if view.act is not None:
            view.act(page)

    def _token(self, role: str, language: str) -> str:
        with self.database.transaction() as session:
            user = find_user(session, role)
            assert user is not None
            user.language = language
            if role not in self._tokens:
                self._tokens[role] = open_session(session, user).token
        return self._tokens[role]

    def _listen(self, page: Page) -> None:
        def complain(what: str) -> None:
            self.complaints.append(f"{page.url}: {what}")

        page.on("console", lambda message: _is_refusal(message) or complain(message.text))
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("dialog", lambda dialog: (complain(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._is_ours(request.url) or complain(f"asked for {request.url}"))
        page.on("popup", lambda popup: complain(f"opened {popup.url}"))
        page.on("download", lambda download: complain(f"downloaded {download.url}"))

    def _is_ours(self, address: str) -> bool:
        return address.startswith(f"{self.address}/")


def _is_refusal(message: ConsoleMessage) -> bool:
    """The browser's own note that a page came with 403, 404 or 422."""
    return message.text.startswith("Failed to load resource: the server responded with a status of 4")
