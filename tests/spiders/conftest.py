from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crawling import Place
from tests.market_server import MarketServer, serving


@pytest.fixture
def market() -> Iterator[MarketServer]:
    with serving() as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, sqlite_template: Path) -> Iterator[Place]:
    made = Place(tmp_path / "home", sqlite_template)
    yield made
    made.close()
