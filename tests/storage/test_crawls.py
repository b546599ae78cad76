"""The crawl command takes up its own unfinished crawl, and begins anew where that one was given up."""

from __future__ import annotations

import subprocess
import sys

from storage.crawls import claim_crawl
from storage.database import Database
from storage.jobs import MAX_ATTEMPTS
from storage.leases import process_holder
from storage.tables import Job


def dead_holder() -> str:
    """The holder string of a process that was there and has ended."""
    code = "from storage.leases import process_holder; print(process_holder())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_crawl_whose_process_died_is_gone_on_with_and_begun_anew_once_it_died_too_often(database: Database) -> None:
    dead = dead_holder()
    jobs = {claim_crawl(database, "m", ["lamp"], None, dead).id for _ in range(MAX_ATTEMPTS)}
    assert len(jobs) == 1
    again = claim_crawl(database, "m", ["lamp"], None, process_holder())
    assert again.id not in jobs and again.attempt == 1
    with database.reading() as session:
        assert session.get_one(Job, jobs.pop()).state == "failed"
