"""MB/s of verifying a bundle beside `sha256sum` over the same zip, in one run: processor time, start left out."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from crawler.home import Home  # noqa: E402
from evidence.mutant_bag import ITEM, Bag  # noqa: E402
from evidence.plain_zip import PlainZipWriter  # noqa: E402
from evidence.signing import ensure_signing_key  # noqa: E402
from storage.database import Database  # noqa: E402
from storage.migrate import upgrade  # noqa: E402
from tests.evidence.factory import plant  # noqa: E402

TARGET = 1.3
ROUNDS = 3
PHOTOS = 200
PHOTO_BYTES = 2 << 20
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def compare(place: Path) -> dict[str, Any]:
    """Processor seconds for each and their ratio, on a bundle of 200 pictures of 2 MiB."""
    place.mkdir(parents=True)
    database = Database(f"sqlite:///{place / 'db.sqlite3'}")
    upgrade(database)
    home = Home(place / "home")
    small = plant(database, home, place / "out").export().path
    database.dispose()
    large = _with_pictures(small, home, place)
    least: dict[str, float] = {}
    for name, path in (("small", small), ("large", large)):
        verify = [sys.executable, "-m", "evidence.verify", str(path)]
        least[f"verify {name}"] = min(_cpu(verify) for _ in range(ROUNDS))
    digest = min(_cpu(["sha256sum", str(large)]) for _ in range(ROUNDS))
    spent, megabytes = least["verify large"] - least["verify small"], large.stat().st_size / 1e6
    return {"verify": megabytes / spent, "sha256sum": megabytes / digest, "ratio": spent / digest}


def line(figures: dict[str, Any]) -> str:
    return (
        f"verify {figures['verify']:.0f} MB/s, sha256sum {figures['sha256sum']:.0f} MB/s of processor time: "
        f"{figures['ratio']:.2f} times its cost (to reach: {TARGET} or less)"
    )


def _with_pictures(bundle: Path, home: Home, place: Path) -> Path:
    with zipfile.ZipFile(bundle) as package:
        package.extractall(place / "large")
    bag = Bag(place / "large" / bundle.stem)
    item = json.loads(bag.read(ITEM))
    captures = item["captured_fact"]["captures"]
    like = next(capture for capture in captures if capture["kind"] == "thumbnail")
    generator = random.Random(3)
    for number in range(1, PHOTOS + 1):
        name = f"images/thumbnail-{number + 500}.png"
        bag.write(f"data/items/001/{name}", PNG_HEAD + generator.randbytes(PHOTO_BYTES - len(PNG_HEAD)))
        digest = bag.sha256(f"data/items/001/{name}")
        captures.append({**like, "id": 100_000 + number, "file": name, "bytes": PHOTO_BYTES, "sha256": digest})
    bag.write(ITEM, json.dumps(item).encode())
    bag.reseal(ensure_signing_key(home))
    made = bag.root.with_suffix(".zip")
    with made.open("wb") as file, PlainZipWriter(file) as out:
        for name in bag.names():
            out.add_file(f"{bag.root.name}/{name}", bag.root / name)
    return made


def _cpu(command: list[str]) -> float:
    """Of a process that must end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=HERE.parent)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
