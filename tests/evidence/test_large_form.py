"""The form of bundles larger than a plain zip can tell of, on a small one: the bounds are lowered, not the checks.

`make prove` does the same with 5 GiB and 10,000 files.
"""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from crawler.home import Home
from evidence import plain_zip
from evidence.verify import verify_bundle
from storage.database import Database
from storage.migrate import upgrade
from tests.evidence.factory import plant

LIMIT, COUNT = 3000, 20


@pytest.fixture
def large_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle as it is packed beyond the bounds of a plain zip, the packages in it too."""
    for module, name, value in (
        (plain_zip, "_LIMIT", LIMIT),
        (plain_zip, "_COUNT_LIMIT", COUNT),
        (zipfile, "ZIP64_LIMIT", LIMIT),
        (zipfile, "ZIP_FILECOUNT_LIMIT", COUNT),
    ):
        monkeypatch.setattr(module, name, value)
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    upgrade(database)
    made = plant(database, Home(tmp_path / "home"), tmp_path / "out").export().path
    database.dispose()
    data = made.read_bytes()
    assert b"PK\x06\x06" in data and b"PK\x06\x07" in data, "no ZIP64 end"
    with zipfile.ZipFile(made) as package:
        assert len(package.namelist()) > COUNT
    return made


def test_a_bundle_beyond_the_bounds_of_a_plain_zip_is_valid_and_whole(large_form: Path) -> None:  # EV-40
    result = verify_bundle(large_form)
    assert (result.status, result.faults) == ("valid", [])
    if shutil.which("unzip") is None:
        pytest.skip("needs unzip")
    done = subprocess.run(["unzip", "-tq", large_form], capture_output=True, text=True)
    assert done.returncode == 0 and "No errors detected" in done.stdout, done.stdout + done.stderr


def test_a_large_form_that_tells_two_counts_is_found(large_form: Path) -> None:  # EV-40
    data = bytearray(large_form.read_bytes())
    data[data.rindex(b"PK\x06\x06") + 32] ^= 1
    large_form.write_bytes(data)
    assert {"zip.count", "zip.form"} & {fault.rule for fault in verify_bundle(large_form).faults}
