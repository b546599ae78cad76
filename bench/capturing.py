"""Seconds that a capture on flag takes for a listing, by step, in Chromium against pages on loopback.

The page has four pictures and leads to the terms; four more photos stand on another host name. Before a linked page the
market is given its pause of 2 s: that part is politeness, not work.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from sqlalchemy import select  # noqa: E402

from crawler.egress import Guard  # noqa: E402
from crawler.home import Home  # noqa: E402
from evidence.page_capture import REPORT_KIND, CaptureLimits, capture_listing  # noqa: E402
from storage.audit import AuditChain  # noqa: E402
from storage.database import Database  # noqa: E402
from storage.migrate import upgrade  # noqa: E402
from storage.tables import Capture, Listing, Observation  # noqa: E402
from tests.evidence.factory import png  # noqa: E402
from tests.evidence.web import Web, serving  # noqa: E402

PHOTOS = 4
PHOTO_BYTES = 100_000


def compare(place: Path, listings: int = 5) -> dict[str, Any]:
    """Seconds for a listing, of each step and of all; the median. Raises RuntimeError where one is not COMPLETE."""
    place.mkdir(parents=True)
    home = Home(place / "home")
    home.create()
    database = Database(f"sqlite:///{place / 'db.sqlite3'}")
    upgrade(database)
    with serving() as web:
        runs = [_capture(database, home, web, number) for number in range(1, listings + 1)]
    database.dispose()
    steps = {step: sorted(run[step] for run in runs)[len(runs) // 2] for step in runs[0]}
    return {"listings": listings, "seconds": steps, "pause": CaptureLimits().linked_pause_seconds}


def line(figures: dict[str, Any]) -> str:
    told = figures["seconds"]
    steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in told.items() if step != "all")
    return f"capture on flag, seconds a listing (median of {figures['listings']}): {told['all']:.1f} ({steps})"


def _capture(database: Database, home: Home, web: Web, number: int) -> dict[str, float]:
    draw = random.Random(number)
    elsewhere = web.address.replace("127.0.0.1", "localhost")
    shown = "".join(f'<img src="{_photo(web, draw, number, n)}">' for n in range(PHOTOS))
    offered = [f"{elsewhere}{_photo(web, draw, number, n)}" for n in range(PHOTOS, 2 * PHOTOS)]
    url = web.add(f"/lot/{number}", f'<h1>Lamp {number}</h1>{shown}<a href="/terms">Terms of sale</a>'.encode())
    web.add("/terms", b"Terms")
    web.add("/robots.txt", b"User-agent: *\nAllow: /\n", ("Content-Type", "text/plain"))
    moment = datetime.now(UTC)
    with database.transaction() as session:
        listing = Listing(
            market="bench", id_space="bench", native_id=str(number), url=url, first_seen_at=moment, last_seen_at=moment
        )
        session.add(listing)
        session.flush()
        observation = Observation(
            listing_id=listing.id, observed_at=moment, digest=f"{number:064}", title="Lamp", images=offered,
            state="live", sources={},
        )  # fmt: skip
        session.add(observation)
        session.flush()
        listing.current_observation_id = observation.id
        listing_id = listing.id
    before = time.monotonic()
    guard = Guard(allow_loopback=True)
    result = capture_listing(database, home, listing_id, job_id=None, actor="bench", chain=AuditChain(), guard=guard)
    seconds = time.monotonic() - before
    if result.state != "COMPLETE":
        raise RuntimeError(f"the capture is {result.state}: {result.reason}")
    with database.reading() as session:
        wanted = select(Capture.sha256).where(Capture.listing_id == listing_id, Capture.kind == REPORT_KIND)
        told: dict[str, float] = json.loads(home.file_path(session.scalars(wanted).one()).read_bytes())["seconds"]
    return {**told, "all": seconds}


def _photo(web: Web, draw: random.Random, number: int, n: int) -> str:
    path = f"/photo/{number}-{n}.png"
    web.add(path, png(60, 140, 150) + draw.randbytes(PHOTO_BYTES), ("Content-Type", "image/png"))
    return path


if __name__ == "__main__":
    import tempfile

    os.environ.setdefault("RELICWATCH_ALLOW_LOOPBACK", "1")
    with tempfile.TemporaryDirectory() as where:
        sys.stdout.write(line(compare(Path(where) / "capturing")) + "\n")
