"""What several modules of these tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.evidence.factory import Stamped, stamped_bundle


@pytest.fixture(scope="session")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stamped]:
    """One stamped bundle for all tests that only read it or change copies of it."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    with stamped_bundle(tmp_path_factory.mktemp("stamped")) as made:
        yield made
