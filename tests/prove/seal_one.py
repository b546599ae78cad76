"""Seals one listing as its capture job would, without a browser: `python -m tests.prove.seal_one JOB LISTING`.

What a capture job adds to the disk and the database happens here alone: content-named files, the evidence file, one
commit. So strace can stop at each of its steps.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from crawler.home import Home
from evidence.sealing import Derivative, heal, seal_listing
from storage.audit import AuditChain
from storage.database import Database

BODIES = {"screenshot": b"a picture of the whole page" * 400, "dom": b"<html>as rendered</html>" * 50}


def main(job_id: int, listing_id: int) -> None:
    home = Home.from_environment()
    database = Database(home.database_url)
    chain = AuditChain()
    healed = heal(database, home, chain=chain, actor=f"job {job_id}")
    now = datetime.now(UTC)
    extra = [
        Derivative(kind, "http://127.0.0.1/", now, "application/octet-stream", body, "made by the proof", in_warc=True)
        for kind, body in BODIES.items()
    ]
    segment = seal_listing(database, home, listing_id, job_id=job_id, actor=f"job {job_id}", chain=chain, extra=extra)
    print(f"segment {segment}, healed {healed.count}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
