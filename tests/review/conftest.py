"""A desk over a fresh SQLite database, people of every role, and a browser that is signed in."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from crawler.home import Home
from review.app import create_app
from review.desk import COOKIE
from storage.audit import AuditChain
from storage.database import Database
from storage.users import ROLES, create_user, find_user, open_session
from tests.needs import need_chromium, options_of_chromium
from tests.review.looking import Looker
from tests.review.stage import Ordinary, Staged, staged_desk

with warnings.catch_warnings():
    # The client prefers a newer httpx than the one we have for everything else; it does its work with ours.
    warnings.filterwarnings("ignore", message="Using `httpx`")
    from starlette.testclient import TestClient

ADDRESS = "http://127.0.0.1:8765"


@pytest.fixture
def desk_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    path = tmp_path / "desk.sqlite3"
    shutil.copyfile(sqlite_template, path)
    opened = Database(f"sqlite:///{path}")
    with opened.transaction() as session:
        for role in ROLES:
            create_user(session, role, role)
    yield opened
    opened.dispose()


@pytest.fixture
def visit(desk_database: Database, home: Home) -> Iterator[Callable[[str | None], TestClient]]:
    """`visit("reviewer")`: a client signed in with that role; `visit(None)`: one that is not signed in."""
    app = create_app(desk_database, home, chain=AuditChain())
    clients: list[TestClient] = []

    def make(role: str | None) -> TestClient:
        client = TestClient(app, base_url=ADDRESS, headers={"origin": ADDRESS}, follow_redirects=False)
        clients.append(client)
        if role is not None:
            with desk_database.transaction() as session:
                user = find_user(session, role)
                assert user is not None
                client.cookies.set(COOKIE, open_session(session, user).token)
        return client

    yield make
    for client in clients:
        client.close()


def field(page: str, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no field {name}"
    return found.group(1)


def decision_form(page: str, **chosen: str) -> dict[str, str]:
    """What a browser would send for the decision form of this page."""
    part = page[page.index('id="decision"') :]
    names = ("csrf", "observation", "assessment", "expected_decision", "request_key", "filters")
    return {name: field(part, name) for name in names} | {"verdict": "unsure", "next_step": "ask_expert"} | chosen


@contextmanager
def migrated_home(root: Path, template: Path) -> Iterator[Home]:
    home = Home(root)
    home.create()
    shutil.copyfile(template, home.root / "relicwatch.sqlite3")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RELICWATCH_DATABASE_URL", raising=False)
        yield home


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Staged]:
    """A running desk with something in every corner, told in ordinary words."""
    place = tmp_path_factory.mktemp("staged") / "home"
    with migrated_home(place, sqlite_template) as home, staged_desk(home, Ordinary()) as staged:
        yield staged


@pytest.fixture(scope="module")
def chromium_alone() -> Iterator[Browser]:
    need_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options_of_chromium())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def looker(chromium_alone: Browser, staged: Staged) -> Looker:
    return Looker(chromium_alone, staged.address, staged.database)
