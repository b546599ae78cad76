"""What one job process does: crawl a market, capture a listing, export a bundle. Started by `relicwatch job ID`.

The job is claimed before this runs; here its lease is kept alive, its work done and its end recorded.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from scrapy.crawler import CrawlerProcess
from scrapy.settings import Settings
from sqlalchemy import select
from sqlalchemy.orm import Session
from twisted.python.failure import Failure

from bundling import write_bundle
from classifiers.registry import judged_by
from crawler.egress import Guard
from crawler.errors import RelicwatchError
from crawler.free_space import space_fault
from crawler.home import Home, loopback_allowed
from evidence.custody_heads import make_head, write_stamps
from evidence.page_capture import capture_listing
from evidence.recipients import Request
from evidence.saved_files import SavedBy
from evidence.sealing import heal
from evidence.segments import StoreError
from evidence.stamping import ask_pending, note_captures, note_ending
from evidence.transit import Recovery, recover_market
from markets.admission import admit
from markets.approval import standing_approval
from markets.definition import Definition
from markets.health import PastCrawl, crawl_faults
from markets.vocabulary import API_WALKERS
from storage.audit import AuditChain
from storage.audit_chains import head_is_due
from storage.crawls import complete_crawls_before
from storage.database import Database, DatabaseError
from storage.jobs import (
    ClaimedJob,
    JobHeartbeat,
    LeaseLost,
    fail_job,
    finish_job,
    insert_job,
    queue_comparison,
    release_job,
)
from storage.leases import MARKET_LEASE_SECONDS, reserve_request, take_market
from storage.registers import has_registers
from storage.response_times import median_seconds
from storage.sampling import draw
from storage.tables import Crawl, Listing

logger = logging.getLogger(__name__)

Progress = Callable[[Mapping[str, Any]], None]


class JobFailed(RelicwatchError):
    """The work ended without what was asked for; the sentence says why."""


class StorageRefused(JobFailed):
    """The disk or the database refused what was found; the job is tried again and goes on where it was."""


class MarketAsksForPause(JobFailed):
    """The market is to be left alone for longer than a capture waits; the job is tried again later."""


class Stopped(RelicwatchError):
    """The process was asked to stop; the job goes back to the queue and goes on later."""


LONGEST_CAPTURE_WAIT_SECONDS = 300.0
_PASSING = (StorageRefused, StoreError, DatabaseError, MarketAsksForPause)
"""What passes, or a person mends outside relicwatch (space, a lock): the same job then goes on."""


def run_job(database: Database, home: Home, job: ClaimedJob, progress: Progress | None = None) -> dict[str, Any]:
    """Do the job and record how it ended; returns its result. Raises what ended it, after recording that.

    A stop by signal puts the job back into the queue. LeaseLost records nothing: the job is another process's now.
    """
    work = {
        "crawl": crawl_market,
        "capture": capture,
        "export": export,
        "retrain": learn,
        "rescore": learn,
        "stamp": stamp,
        "match": match,
        "purge": purge,
        "objects": join_offers,
        "import": import_saved,
        "alerts": alert,
    }[job.kind]
    try:
        # The end is recorded after the last heartbeat: one that came between would find the job over, take that for a
        # lost lease and end this process.
        with JobHeartbeat(database, job, on_stop=_end_this_process):
            result = work(database, home, job, progress)
    except LeaseLost:
        raise
    except Stopped:
        release_job(database, job)
        raise
    except RelicwatchError as error:
        fail_job(database, job, str(error), retry=isinstance(error, _PASSING))
        raise
    except BaseException as error:
        fail_job(database, job, f"{type(error).__name__}: {error}", retry=True)
        raise
    finish_job(database, job, result)
    return result


def learn(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Train a model from the decisions, or judge stored listings anew by the model in use."""
    from learning import rescore, retrain_job  # loads scikit-learn, which no crawl needs

    work = {"retrain": retrain_job, "rescore": rescore}[job.kind]
    return work(database, home, job, progress)


def match(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Ask the registers of missing objects for stored offers."""
    from linking import match_job

    return match_job(database, home, job, progress)


def purge(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Delete what has had its time; what keeps the rest is in the result. # SEC-35"""
    from retention import purge as delete_due

    done = delete_due(database, home, chain=AuditChain(), actor=f"job {job.id}", progress=progress)
    return done.as_record()


def join_offers(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Compare listings with what is stored, and join those that offer one object."""
    from object_links import link_job

    return link_job(database, home, job, progress)


def alert(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Tell people of new hits of their saved searches, and of alarms that nobody gave a receipt for."""
    from alerting import alert_job

    return alert_job(database, home, job, progress)


def import_saved(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Import a file that somebody sent to the desk; it is sealed, and the copy that was sent goes."""
    from importing import Importer

    arguments = job.arguments
    saved_by = SavedBy(str(arguments["who"]), datetime.fromisoformat(str(arguments["when"])), str(arguments["actor"]))
    folder = home.root / "uploads" / str(arguments["upload"])
    sent = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if not sent:
        raise JobFailed("The file that was sent is not there any more: send it again.")
    done = Importer(database, home, saved_by=saved_by, chain=AuditChain()).import_file(sent[0])
    if done.sha256 is not None:  # its bytes are sealed
        shutil.rmtree(folder, ignore_errors=True)
    if done.error is not None:
        raise JobFailed(done.error)
    return {"listings": len(done.listings), "flagged": sum(one.flagged for one in done.listings)}


def crawl_market(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Crawl one market, or go on with the crawl that this job began. Raises JobFailed for a crawl with a fault."""
    _require_space(home)
    market = str(job.arguments["market"])
    definition = admit(market, home, database)
    definition.search_urls(job.arguments["queries"])  # a query that cannot be asked is refused before anything starts
    log = _writable_log(home, job)
    take_market(database, market, job.holder, MARKET_LEASE_SECONDS)
    healed = heal(database, home, chain=AuditChain(), actor=f"job {job.id}").count
    recovery = recover_market(database, home, market)
    if recovery.too_short:
        raise JobFailed(
            f"Damage: {', '.join(recovery.too_short)} under {home.transit} is shorter than what was recorded. "
            "Restore it from the backup before crawling this market again."
        )
    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    settings.setdict(
        {
            "RELICWATCH_JOB_ID": job.id,
            "RELICWATCH_JOB_TOKEN": job.token,
            "RELICWATCH_HOLDER": job.holder,
            "RELICWATCH_ON_COMMIT": progress,
            "LOG_FILE": str(log),
        },
        priority="cmdline",
    )
    judges = judged_by(home)
    process = CrawlerProcess(settings)  # from here on what is logged goes into the crawl's log
    if recovered := _recovered(recovery, healed):
        logger.warning("After an interruption: %s", json.dumps(recovered))
    crawler = process.create_crawler(definition.spider)
    started = time.monotonic()
    crawling = process.crawl(
        crawler,
        market=market,
        query=json.dumps(job.arguments["queries"], ensure_ascii=False),
        max_listings=job.arguments.get("max_listings"),
    )
    not_started: list[BaseException] = []

    def note(failure: Failure) -> None:
        if failure.value is not None:
            not_started.append(failure.value)

    crawling.addErrback(note)
    process.start()
    if not_started:  # a component could not be made: the model does not fit its lexicons, the database went away
        raise not_started[0]
    if judged_by(home) != judges:  # what this crawl judged since the change was judged by the model before
        with database.transaction() as session:
            insert_job(session, "rescore", {"crawl_job": job.id}, f"rescore:crawl job:{job.id}:{job.token}")
    return _crawl_result(database, job, definition, time.monotonic() - started) | recovered


def _require_space(home: Home) -> None:
    """Raises StorageRefused where the disk is so full that nothing new is captured. # RL-6"""
    if (fault := space_fault(home)) is not None:
        raise StorageRefused(fault)


def _recovered(recovery: Recovery, healed: int) -> dict[str, Any]:
    """What an interruption had left and this start set right, for the job's result; empty where nothing. # RL-3"""
    if not (recovery.found_again or recovery.cut_bytes or healed):
        return {}
    found = {"captures_found_again": recovery.found_again, "torn_bytes_cut": recovery.cut_bytes, "orphans": healed}
    return {"recovered": found}


def _crawl_result(database: Database, job: ClaimedJob, definition: Definition, seconds: float) -> dict[str, Any]:
    with database.transaction() as session:
        crawl = session.scalars(select(Crawl).where(Crawl.job_id == job.id)).one_or_none()
        if crawl is None:
            raise JobFailed(f"The crawl of {definition.name} could not start: see its log.")
        counts = {**crawl.counts.get("counts", {}), "queries": len(crawl.queries)}
        if crawl.state == "running" or (crawl.state == "stopped" and crawl.fault):
            why = (
                crawl.fault or "How the crawl ended could not be recorded (its log says why): see to disk and database."
            )
            raise StorageRefused(f"{definition.name}: {why} Started again, the crawl goes on where it was.")
        if crawl.state == "stopped":
            raise Stopped(f"The crawl of {definition.name} was stopped; it goes on where it was.")
        if crawl.state == "complete":
            _judge(session, definition, crawl)
        fault, failed = crawl.fault, crawl.state == "failed"
        draw(session)
        if has_registers(session):
            insert_job(session, "match", {"crawl": crawl.id}, f"match:crawl:{crawl.id}")
        if crawl.counts.get("counts", {}).get("listings"):
            insert_job(session, "objects", {"crawl": crawl.id}, f"objects:crawl:{crawl.id}")
        result = {"crawl": crawl.id, "counts": counts, "problems": len(crawl.problems), "seconds": round(seconds, 1)}
    if fault:
        logger.error("%s: %s", definition.name, fault)
    if failed:
        raise JobFailed(f"{definition.name}: {fault}")
    return result | ({"fault": fault} if fault else {})


def _judge(session: Session, definition: Definition, crawl: Crawl) -> None:
    """Compare a crawl that went to its end with what is expected and with those before; what is found stays with it."""
    approval = standing_approval(session, definition)
    before = complete_crawls_before(session, crawl, approval.approved_at) if approval is not None else []
    counts = {
        **crawl.counts.get("counts", {}),
        "queries": len(crawl.queries),
        "filled": crawl.counts.get("filled", {}),
        "max_listings": crawl.max_listings,
        "reason": next((str(problem["reason"]) for problem in crawl.problems), None),
        "median_seconds": median_seconds(crawl.counts.get("times", {})),
    }
    faults = crawl_faults(definition, counts, [_past(one) for one in before])
    crawl.fault = " ".join(fault.sentence for fault in faults) or None
    crawl.counts = {**crawl.counts, "faults": [fault.as_record() for fault in faults]}
    crawl.state = "failed" if any(fault.fails for fault in faults) else "complete"


def _past(kept: Mapping[str, Any]) -> PastCrawl:
    counts = kept.get("counts", {})
    listings = int(counts.get("listings", 0))
    return PastCrawl(
        listings=listings,
        read=int(counts.get("live_listings_read", counts.get("listings_read", listings))),
        filled=kept.get("filled", {}),
        seconds=median_seconds(kept.get("times", {})),
    )


def capture(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Capture a listing as evidence: seal what transit holds, then page, images, screenshots and DOM.

    Of a market that is read through its official API the page is left alone.
    """
    _require_space(home)
    listing_id = int(job.arguments["listing_id"])
    with database.transaction() as session:
        listing = _listing(session, listing_id)
        market = listing.market
    definition = admit(market, home, database)

    def wait() -> None:
        """The capture's page load is a request to the market like any other: it keeps the market's pause."""
        start = reserve_request(database, market, definition.rate.delay, most_seconds=LONGEST_CAPTURE_WAIT_SECONDS)
        pause = start.timestamp() - time.time()
        if pause > LONGEST_CAPTURE_WAIT_SECONDS:
            raise MarketAsksForPause(f"{market} asked for a pause, {pause:.0f} s of which are left: tried again later.")
        time.sleep(max(0.0, pause))

    result = capture_listing(
        database,
        home,
        listing_id,
        job_id=job.id,
        actor=f"job {job.id}",
        chain=AuditChain(),
        guard=Guard(allow_loopback=loopback_allowed()),
        open_page=definition.spider not in API_WALKERS,  # their terms bar automated views of the pages
        wait=wait,
    )
    note_captures(database, home)
    from late_photos import keep_missing_thumbnail

    keep_missing_thumbnail(database, home, listing_id)
    with database.transaction() as session:
        queue_comparison(session, listing_id, f"capture:{job.id}")
    return {"listing": listing_id, "state": result.state, "reason": result.reason}


def export(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Export a case's bundle into the home's exports."""
    arguments = job.arguments
    cover = arguments.get("cover")
    bundle = write_bundle(
        database,
        home,
        chain=AuditChain(),
        actor=str(arguments["actor"]),
        to=Path(home.exports),
        case=str(arguments["case"]),
        languages=tuple(arguments.get("languages") or ("en",)),
        request=Request(**cover) if cover else None,
        progress=progress,
    )
    return {"bundle": bundle.bundle_id, "path": str(bundle.path), "sha256": bundle.sha256}


def stamp(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Trusted time: gather what is unstamped, make the day's head of the log, ask the authorities. # EV-21, EV-33"""
    guard, chain, actor = Guard(allow_loopback=loopback_allowed()), AuditChain(), f"job {job.id}"
    with database.reading() as session:
        due = head_is_due(session)
    head = make_head(database, home, chain=chain, actor=actor) if due else None
    captures = note_captures(database, home)
    ending = note_ending(database, home)
    counts = ask_pending(database, home, guard, chain=chain, actor=actor)
    written = write_stamps(database, home)
    return {
        **counts,
        "captures": captures,
        "stamped_again": ending,
        "head": head.path.name if head else None,
        "head_stamps": written,
    }


def _writable_log(home: Home, job: ClaimedJob) -> Path:
    log = home.logs / f"crawl-{job.id}.log"
    try:
        log.open("a").close()
    except OSError as error:
        raise StorageRefused(f"The log {log} cannot be written ({error.strerror}): see to the home's place.") from error
    return log


def _listing(session: Session, listing_id: int) -> Listing:
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise JobFailed(f"There is no listing {listing_id}: `relicwatch listings search` shows those there are.")
    return listing


def _end_this_process(why: str) -> None:
    """From the heartbeat's thread: let the main thread end its work as on Ctrl-C."""
    logger.warning("%s This process stops.", why)
    os.kill(os.getpid(), signal.SIGTERM)
