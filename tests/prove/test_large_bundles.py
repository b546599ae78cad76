"""Bundles as large as they may get: 10,000 files, and one of more than the 4 GiB that a plain zip can tell of."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from crawler.home import Home
from evidence.mutant_bag import ITEM, Bag
from evidence.plain_zip import PlainZipWriter
from evidence.signing import ensure_signing_key
from storage.database import Database
from storage.migrate import upgrade
from tests.evidence.factory import plant

pytestmark = pytest.mark.prove
GIB = 1 << 30
MOST_MEMORY = 400 << 20


class SparseFile:
    """An open file in which zeros take no room on the disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")

    def write(self, data: bytes) -> int:
        if len(data) > 4096 and not any(data):
            self._file.seek(len(data), 1)
        else:
            self._file.write(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Bag, Home]]:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    upgrade(database)
    home = Home(tmp_path / "home")
    bundle = plant(database, home, tmp_path / "out").export().path
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path / "large")
    yield Bag(tmp_path / "large" / bundle.stem), home
    database.dispose()


def thumbnails(bag: Bag, sizes: list[int]) -> None:
    """Derivatives more, each of zeros of that size, told in item.json as the first one is."""
    import hashlib

    item = json.loads(bag.read(ITEM))
    captures = item["captured_fact"]["captures"]
    like = next(capture for capture in captures if capture["kind"] == "thumbnail")
    folder = bag.root / "data/items/001"
    for number, size in enumerate(sizes, 1):
        name = f"images/thumbnail-{number + 500:05}.png"
        with (folder / name).open("wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            file.truncate(size)
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        captures.append({**like, "id": 100_000 + number, "file": name, "bytes": size, "sha256": digest})
    bag.write(ITEM, json.dumps(item).encode())


def packed(bag: Bag, to: Path) -> Path:
    sparse = SparseFile(to)
    with PlainZipWriter(cast(Any, sparse)) as package:
        for name in bag.names():
            package.add_file(f"{bag.root.name}/{name}", bag.root / name)
    sparse.close()
    return to


def verified(path: Path) -> dict[str, Any]:
    """In a process of its own, with the memory it took at most."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "evidence.verify", "--json", path], capture_output=True, text=True)
    print(f"{path.stat().st_size / (1 << 20):,.0f} MiB verified in {time.monotonic() - began:.1f} s")
    assert done.stderr == ""
    return cast(dict[str, Any], json.loads(done.stdout))


def whole(path: Path) -> bool:
    """As `unzip -t` sees it."""
    return subprocess.run(["unzip", "-tq", path], capture_output=True).returncode == 0


def peak_of_children() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


def test_a_bundle_of_ten_thousand_files_is_valid(made: tuple[Bag, Home]) -> None:  # EV-26, EV-40
    bag, home = made
    thumbnails(bag, [100 + number for number in range(10_000)])
    bag.reseal(ensure_signing_key(home))
    for path in (bag.root, packed(bag, bag.root.with_suffix(".zip"))):
        result = verified(path)
        assert (result["status"], result["faults"]) == ("valid", [])
        assert result["files"] > 10_000
    assert whole(path)
    assert peak_of_children() < MOST_MEMORY


def test_a_bundle_beyond_four_gibibytes_is_valid_and_a_byte_changed_in_it_is_found(made: tuple[Bag, Home]) -> None:
    # EV-26, EV-40
    bag, home = made
    thumbnails(bag, [5 * GIB, 1000])
    bag.reseal(ensure_signing_key(home))
    path = packed(bag, bag.root.with_suffix(".zip"))
    assert path.stat().st_size > 5 * GIB
    result = verified(path)
    assert (result["status"], result["faults"]) == ("valid", [])
    assert whole(path)
    with path.open("r+b") as file:
        file.seek(4 * GIB + 4321)
        file.write(b"\1")
    rules = {fault["rule"] for fault in verified(path)["faults"]}
    assert {"zip.crc", "manifest.hash"} <= rules
    assert peak_of_children() < MOST_MEMORY
