"""Kills of `relicwatch run` as a whole while a watch's crawl and capture jobs are under way."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass

import psutil
from sqlalchemy import select

from storage.database import Database
from storage.tables import Crawl, Job, Segment
from tests.conftest import eventually
from tests.prove.market import NAME, QUERY
from tests.prove.trial import Ended, Ground, Report, Site, compare, examine, finish

WHOLE_SECONDS = 150.0
REQUESTS_WITH_CAPTURES = 27
"""Of one crawl and the captures of its two flagged listings."""


@dataclass(slots=True)
class Service:
    """`relicwatch run` as a process; it prints a few lines only, which fit into its pipe."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, site: Site) -> Service:
        return cls(site.start("run", "--port", "0"))

    def kill(self, *, with_jobs: bool) -> None:
        """SIGKILL to the scheduler alone, or to it and every process below it, browsers included."""
        below = psutil.Process(self.process.pid).children(recursive=True) if with_jobs else []
        self.process.kill()
        for one in below:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue

    def stop(self) -> Ended:
        self.process.send_signal(signal.SIGTERM)
        return finish(self.process, 60)


def watched(ground: Ground) -> Site:
    """A home with one watch that is due now."""
    site = ground.first.copy_to(ground.directory / "watched")
    added = site.run("watch", "add", "proof", "--market", NAME, "--query", QUERY, "--every", "30d")
    assert added.status == 0, added
    return site


def service_kill(ground: Ground, origin: Site, seed: int, *, with_jobs: bool) -> Report:
    """Kill the service at a moment drawn from the seed, start it again, wait until all jobs are done, compare."""
    draw = random.Random(seed)
    request, pause = draw.randint(1, REQUESTS_WITH_CAPTURES), draw.choice([0.0, draw.uniform(0, 1.5)])
    what = f"run {'with its jobs' if with_jobs else 'alone'}, moment {seed}"
    site = origin.copy_to(ground.directory / re.sub(r"\W+", "-", what))
    market = ground.market
    market.begin(1)
    reached = threading.Event()
    market.when(reached.set, request=request)
    service = Service.start(site)
    assert reached.wait(WHOLE_SECONDS), f"{what}: request {request} never came"
    threading.Event().wait(pause)
    service.kill(with_jobs=with_jobs)
    finish(service.process)
    open_jobs = _states(site)
    again = Service.start(site)
    try:
        eventually(lambda: _all_ended(site), WHOLE_SECONDS, every=0.5)
    finally:
        ended = again.stop()
    assert ended.status == 0, (what, ended)
    found = examine(site)
    compare(found, ground.expected)
    _one_evidence_file_a_capture(site)
    extra = market.pages_repeated()
    shutil.rmtree(site.home.root)
    where = f"{pause:.2f} s after request {request} (jobs then: {open_jobs})"
    return Report(what, where, True, found.found_again, 0, extra)


def five_schedulers(ground: Ground, origin: Site) -> str:
    """Five services started at once on one due watch: one run. # RL-26"""
    site = origin.copy_to(ground.directory / "five")
    ground.market.begin(1)
    services = [Service.start(site) for _ in range(5)]
    try:
        eventually(lambda: _all_ended(site), WHOLE_SECONDS, every=0.5)
    finally:
        ended = [service.stop() for service in services]
    assert [one.status for one in ended] == [0] * 5, ended
    compare(examine(site), ground.expected)
    _one_evidence_file_a_capture(site)
    repeated = ground.market.pages_repeated()
    assert repeated == 0, f"{repeated} search pages were asked for twice"
    shutil.rmtree(site.home.root)
    captures = len(ground.expected.capture_jobs)
    return f"five schedulers at once: one crawl, {captures} captures, no search page asked for twice"


def _states(site: Site) -> str:
    database = Database(site.database_url)
    with database.reading() as session:
        text = ", ".join(f"{job.kind} {job.state}" for job in session.scalars(select(Job).order_by(Job.id)))
    database.dispose()
    return text or "none"


def _all_ended(site: Site) -> bool:
    database = Database(site.database_url)
    with database.reading() as session:
        jobs = list(session.scalars(select(Job)))
        crawls = list(session.scalars(select(Crawl)))
    database.dispose()
    failed = [job.error for job in jobs if job.state == "failed"]
    assert not failed, failed
    return bool(crawls) and all(job.state == "done" for job in jobs)


def _one_evidence_file_a_capture(site: Site) -> None:
    database = Database(site.database_url)
    with database.reading() as session:
        jobs = sorted(job.id for job in session.scalars(select(Job).where(Job.kind == "capture")))
        segments = session.scalars(select(Segment).where(Segment.store == "evidence"))
        made_by = sorted(int(re.sub(r".*-job(\d+)\..*", r"\1", segment.name)) for segment in segments)
    database.dispose()
    assert made_by == jobs, f"evidence files of jobs {made_by}, capture jobs {jobs}"
