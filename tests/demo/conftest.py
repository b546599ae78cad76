from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from demo.app import create_app

with warnings.catch_warnings():
    # Starlette would rather have httpx2, which this project does not depend on; with httpx it works the same.
    warnings.filterwarnings("ignore", message="Using `httpx`")
    from starlette.testclient import TestClient

STARTED_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A fresh demo market whose clock stands still, so that every page is the same on every day."""
    with TestClient(create_app(clock=lambda: STARTED_AT), follow_redirects=False) as client:
        yield client
