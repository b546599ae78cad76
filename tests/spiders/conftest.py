from collections.abc import Iterator

import pytest

from tests.market_server import MarketServer, serving


@pytest.fixture
def market() -> Iterator[MarketServer]:
    with serving() as server:
        yield server
