"""Time and peak memory of exporting a case, for a small case and for one ten times its size: memory is to stay flat.

Each export is a process of its own, so that its peak resident memory is its alone. The printed report is left out: it
is Chromium's work.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from crawler.home import Home  # noqa: E402
from evidence.bundle import export_bundle  # noqa: E402
from evidence.signing import ensure_signing_key  # noqa: E402
from evidence.thumbnails import store_file  # noqa: E402
from storage.audit import AuditChain  # noqa: E402
from storage.database import Database  # noqa: E402
from storage.migrate import upgrade  # noqa: E402
from storage.tables import Capture, Case, Exhibit, Listing, Observation, Segment  # noqa: E402
from tests.evidence.factory import WarcFactory, png  # noqa: E402

TARGET = 1.5
"""Peak of the large case beside that of the small one; the report's text grows with the case."""
PHOTOS = 2
PHOTO_BYTES = 100_000
PAGE_BYTES = 40_000
START = datetime(2026, 11, 20, 14, 0, 0, tzinfo=UTC)


def compare(place: Path, sizes: tuple[int, int] = (100, 1000)) -> dict[str, Any]:
    """For each size: seconds, peak megabytes, megabytes of the bundle; and how the peaks compare."""
    of_size = []
    for listings in sizes:
        root = place / str(listings)
        plant(root, listings)
        command = [sys.executable, str(HERE / "exporting.py"), str(root)]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent)
        of_size.append({"listings": listings, **json.loads(ended.stdout.splitlines()[-1])})
    return {"sizes": of_size, "peak_ratio": of_size[1]["peak_megabytes"] / of_size[0]["peak_megabytes"]}


def lines(figures: dict[str, Any]) -> list[str]:
    told = [
        f"export of a case of {one['listings']} listings: {one['seconds']:.1f} s ({one['cpu_seconds']:.1f} s of "
        f"processor time), bundle {one['megabytes']:.0f} MB, peak memory {one['peak_megabytes']:.0f} MB"
        for one in figures["sizes"]
    ]
    return [*told, f"  peak of the large beside the small: {figures['peak_ratio']:.2f} (to reach: {TARGET} or less)"]


def plant(root: Path, listings: int) -> None:
    """A home with one case of so many listings: a page, two photos and a screenshot each."""
    root.mkdir(parents=True)
    home = Home(root / "home")
    home.create()
    ensure_signing_key(home)
    database = _database(root)
    upgrade(database)
    draw = random.Random(5)
    with database.transaction() as session:
        case = Case(reference="bench", title="Bench", opened_by="bench", opened_at=START)
        session.add(case)
        session.flush()
        for number in range(1, listings + 1):
            moment = START + timedelta(minutes=number)
            url = f"https://auction.example/lot/{number}"
            listing = Listing(
                market="bench", id_space="bench", native_id=str(number), url=url, first_seen_at=moment,
                last_seen_at=moment,
            )  # fmt: skip
            session.add(listing)
            session.flush()
            photos = [f"https://auction.example/photo/{number}-{n}.png" for n in range(PHOTOS)]
            observation = Observation(
                listing_id=listing.id, observed_at=moment, digest=hashlib.sha256(url.encode()).hexdigest(),
                title=f"Oil lamp no. {number}", description="Clay, pierced handle. " * 40, images=photos, state="live",
            )  # fmt: skip
            session.add(observation)
            session.flush()
            listing.current_observation_id = observation.id
            warc = WarcFactory()
            page = draw.randbytes(PAGE_BYTES // 2).hex().encode()
            warc.exchange(url, page, headers=[("Content-Type", "text/html")], at=moment)
            for photo in photos:
                body = png(60, 140, 150) + draw.randbytes(PHOTO_BYTES)
                warc.exchange(photo, body, headers=[("Content-Type", "image/png")], at=moment)
            _seal(session, home, listing, warc, number)
            screenshot = png(235, 235, 240) + draw.randbytes(PHOTO_BYTES)
            session.add(
                Capture(
                    kind="screenshot", listing_id=listing.id, url=url, captured_at=moment, media_type="image/png",
                    sha256=store_file(home, screenshot), payload_bytes=len(screenshot),
                )
            )  # fmt: skip
            session.add(
                Exhibit(case_id=case.id, listing_id=listing.id, observation_id=observation.id, number=number,
                        added_by="bench", added_at=moment)
            )  # fmt: skip
    database.dispose()


def _seal(session: Any, home: Home, listing: Listing, warc: WarcFactory, number: int) -> None:
    data = warc.data()
    name = f"bench/{number}.warc.gz"
    path = home.evidence / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    segment = Segment(
        store="evidence", name=name, state="sealed", length=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    session.add(segment)
    session.flush()
    session.add_all(
        Capture(kind="exchange", listing_id=listing.id, segment_id=segment.id, **place) for place in warc.places
    )


def _database(root: Path) -> Database:
    return Database(f"sqlite:///{root / 'db.sqlite3'}")


def export(root: Path) -> dict[str, float]:
    """Export the planted case in this process."""
    database = _database(root)
    before, cpu = time.monotonic(), time.process_time()
    bundle = export_bundle(
        database, Home(root / "home"), chain=AuditChain("bench"), actor="bench", to=root / "out", case="bench",
        languages=("en", "fr", "ar"),
    )  # fmt: skip
    seconds, spent = time.monotonic() - before, time.process_time() - cpu
    database.dispose()
    return {
        "seconds": seconds,
        "cpu_seconds": spent,
        "megabytes": bundle.path.stat().st_size / 1e6,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(export(Path(sys.argv[1]))) + "\n")
