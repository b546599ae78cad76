"""`relicwatch demo`: the whole job on the make-believe market, in a home of the demo's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from select import select as select_files
from urllib.parse import quote, unquote

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bundling import write_bundle
from crawler.chromium import SWITCHED_OFF, chromium_fault
from crawler.errors import RelicwatchError
from crawler.home import Home
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from markets.approval import approve, standing_approval
from markets.catalog import get_market
from review.server import DeskServer
from scheduler import Scheduler
from service import GRACE_SECONDS, StopSignals
from storage.audit import AuditChain
from storage.cases import add_exhibit, list_cases, open_case
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import Assessment, Capture, Case, Crawl, Listing, Observation, utc_now
from storage.users import create_user, find_user, make_sign_in_code
from storage.watches import add_watch, list_watches

ACTOR = "demo"
TEMPLATES = Path(__file__).parent / "demo" / "markets"
PLACEHOLDER = "DEMO-HOST"
QUERIES = {"demo_auction": ("all",), "demo_marketplace": ("all",)}
WATCH_NAMES = {"demo_auction": "DEMO auction", "demo_marketplace": "DEMO marketplace"}
EVERY_SECONDS = 24 * 3600
LONGEST_SECONDS = 1200.0
MARKET_COMMAND = (sys.executable, "-m", "demo")
MARKET_SECONDS = 60.0
"""For the market to start; it takes one or two."""
SHOWN_REASONS = 3


class DemoFailed(RelicwatchError):
    """A step of the demo did not give what it should."""


def run_demo(root: Path, *, once: bool, console: Console) -> int:
    """Run the demo in the home `root`; returns the exit status. With `once` it ends when the bundle is verified."""
    home = _demo_home(root, console)
    database = Database(home.database_url)
    upgrade(database)
    ensure_signing_key(home)
    stop = StopSignals()
    chain = AuditChain()
    with _demo_market(home, console) as address:
        markets = _switch_on(home, database, chain, address, console)
        _add_watches(database, chain, markets)
        scheduler = Scheduler(database, home, max_processes=2)
        try:
            scheduler.start()
            if not _follow(database, scheduler, stop, console):
                return 130
            _show_flagged(database, console)
            case = _open_case(home, database, chain)
            verified = _export_and_verify(home, database, chain, case, console)
            if once or not verified:
                return 0 if verified else 1
            _serve(home, database, stop, console)
        finally:
            scheduler.stop(GRACE_SECONDS, stop.again)
    console.print("The demo has ended.")
    return 0


def _demo_home(root: Path, console: Console) -> Home:
    os.environ["RELICWATCH_HOME"] = str(root)
    os.environ.pop("RELICWATCH_DATABASE_URL", None)
    os.environ["RELICWATCH_ALLOW_LOOPBACK"] = "1"
    os.environ.setdefault("RELICWATCH_OPERATOR", "DEMO operator (no real person)")
    if os.geteuid() == 0 and "RELICWATCH_CHROMIUM_NO_SANDBOX" not in os.environ:
        os.environ["RELICWATCH_CHROMIUM_NO_SANDBOX"] = "1"
        console.print(
            "Running as root: the demo's Chromium runs without its sandbox (a real home never does by itself).",
            soft_wrap=True,
        )
    home = Home.from_environment()
    if root.exists() and any(root.iterdir()) and not home.is_demo:
        raise DemoFailed(f"{root} is no demo home: give another with --home, the demo writes only into its own.")
    home.create(demo=True)
    return home


@contextmanager
def _demo_market(home: Home, console: Console) -> Iterator[str]:
    """The demo market on loopback, on the port it had before where that is free: addresses are part of evidence."""
    remembered = home.root / "market-port"
    before = remembered.read_text().strip() if remembered.exists() else "0"
    process, line = _start_market(before)
    if not line and before != "0":
        process, line = _start_market("0")
    if not line:
        raise DemoFailed("The demo market did not start: see the lines above.")
    try:
        address = line.removeprefix("demo market at ").strip().rstrip("/")
        remembered.write_text(address.rsplit(":", 1)[1])
        console.print(
            f"DEMO market at {address}/ (make-believe offers, on this machine only)", highlight=False, soft_wrap=True
        )
        yield address
    finally:
        _end_market(process)


def _end_market(process: subprocess.Popen[bytes]) -> None:
    """Ask it to leave, and make it leave where it does not: it holds nothing that could be lost."""
    process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _start_market(port: str) -> tuple[subprocess.Popen[bytes], str]:
    """The market's process and its first line; that is empty where it did not start, and then nothing is left of it."""
    command = [*MARKET_COMMAND, "--port", port]
    here = Path(__file__).parent
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=here, start_new_session=True)
    line = ""
    try:
        line = _first_line(process)
    finally:
        if not line:
            _end_market(process)
    return process, line


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """What it prints first; empty where it ends, or says nothing for MARKET_SECONDS."""
    assert process.stdout is not None
    deadline = time.monotonic() + MARKET_SECONDS
    said = b""
    while not said.endswith(b"\n"):
        readable, _, _ = select_files([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        more = os.read(process.stdout.fileno(), 4096) if readable else b""
        if not more:
            return ""
        said += more
    return said.decode()


def _switch_on(home: Home, database: Database, chain: AuditChain, address: str, console: Console) -> list[str]:
    """Write the demo's definitions for this address and approve them; without Chromium the auction alone."""
    names = list(QUERIES)
    fault = chromium_fault()
    if fault is not None:
        names.remove("demo_marketplace")
        console.print(
            f"The demo goes on without the browser market and without screenshots. {fault}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        # For the jobs too: each would start it in vain, and wait where it hangs.
        os.environ["RELICWATCH_CHROMIUM"] = SWITCHED_OFF
    host = address.removeprefix("http://")
    for name in names:
        text = (TEMPLATES / f"{name}.yaml").read_text("utf-8").replace(PLACEHOLDER, host)
        path = home.markets / f"{name}.yaml"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
        definition = get_market(home, name)
        with database.transaction() as session:
            if standing_approval(session, definition) is None:
                approve(
                    session,
                    chain,
                    home,
                    definition,
                    actor=ACTOR,
                    legal_basis="DEMO: our own make-believe market on this machine",
                    rate_permission="DEMO: our own server",
                    terms=b"DEMO: automated visits are welcome.",
                    robots=b"User-agent: *\nAllow: /\n",
                )
    return names


def _add_watches(database: Database, chain: AuditChain, markets: list[str]) -> None:
    with database.transaction() as session:
        there = {watch.name: watch for watch in list_watches(session)}
        for market in WATCH_NAMES.keys() - set(markets):
            if (watch := there.get(WATCH_NAMES[market])) is not None:  # of a run that could do more than this one
                watch.next_due_at = utc_now() + timedelta(seconds=EVERY_SECONDS)
        for market in markets:
            watch = there.get(WATCH_NAMES[market])
            if watch is not None and _newest_state(session, market) == "failed":
                # Else the next run would pass over what this one could not do, and call the whole valid.
                watch.next_due_at = utc_now()
            if watch is None:
                add_watch(
                    session,
                    name=WATCH_NAMES[market],
                    markets=[market],
                    queries=list(QUERIES[market]),
                    every_seconds=EVERY_SECONDS,
                    actor=ACTOR,
                    audit=chain,
                )


def _newest_state(session: Session, market: str) -> str | None:
    return session.scalar(select(Crawl.state).where(Crawl.market == market).order_by(Crawl.id.desc()).limit(1))


def _follow(database: Database, scheduler: Scheduler, stop: StopSignals, console: Console) -> bool:
    """Show progress until the scheduler has nothing to do; False where the person ended it. Raises DemoFailed."""
    shown = ""
    deadline = time.monotonic() + LONGEST_SECONDS
    with console.status("the scheduler makes the crawl jobs") as status:
        while not scheduler.wait_idle(1.0):
            if stop.wait(0):
                return False
            line = _progress_line(database, scheduler)
            status.update(line)
            if line != shown and not console.is_terminal:
                console.print(line, highlight=False, soft_wrap=True)
            shown = line
            if time.monotonic() > deadline:
                raise DemoFailed(f"The jobs did not end within {LONGEST_SECONDS:.0f} s: {line}.")
    failed = [job for job in scheduler.snapshot() if job.state == "failed"]
    for job in failed:
        console.print(f"{job.kind} job {job.id} failed: {job.error}", style="yellow", markup=False, highlight=False)
    if any(job.kind == "crawl" for job in failed):
        raise DemoFailed("A crawl failed; the lines above say why.")
    with database.reading() as session:
        for crawl in session.scalars(select(Crawl).order_by(Crawl.id)):
            counts = crawl.counts.get("counts", {})
            console.print(
                f"{crawl.market}: {counts.get('pages', 0)} pages, {counts.get('listings', 0)} listings, "
                f"{counts.get('flagged', 0)} flagged",
                highlight=False,
            )
    return True


def _progress_line(database: Database, scheduler: Scheduler) -> str:
    jobs = scheduler.snapshot()
    crawls = [
        f"{job.market}: {job.progress.get('pages', 0)} pages, {job.progress.get('flagged', 0)} flagged"
        for job in jobs
        if job.kind == "crawl" and job.state == "running"
    ]
    captures = [job for job in jobs if job.kind == "capture"]
    if captures:
        done = sum(job.state == "done" for job in captures)
        crawls.append(f"evidence captured of {done} of {len(captures)} flagged listings")
    return "; ".join(crawls) or "the scheduler makes the crawl jobs"


def _show_flagged(database: Database, console: Console) -> None:
    """The table of flagged listings: strong, medium or weak beside the score, reasons in the listing's own words."""
    table = Table(
        title="DEMO: flagged listings (a score is not a verdict: a person decides)",
        title_justify="left",
        show_lines=True,
    )
    table.add_column("score", no_wrap=True)
    table.add_column("listing, reasons in its own words, link", overflow="fold")
    with database.reading() as session:
        rows = session.execute(
            select(Listing, Observation, Assessment)
            .join(Observation, Observation.id == Listing.current_observation_id)
            .join(Assessment, Assessment.id == Listing.current_assessment_id)
            .where(Assessment.flagged.is_(True))
            .order_by(Assessment.score.desc(), Listing.id)
        ).all()
    for listing, observation, assessment in rows:
        reasons = [str(reason["text"]) for reason in assessment.reasons if reason["weight"] > 0][:SHOWN_REASONS]
        lines = (observation.title or "", "reasons: " + " · ".join(reasons), _readable(listing.url))
        table.add_row(f"{assessment.band} {assessment.score:.2f}", Text("\n".join(lines)))
    console.print(table)
    console.print(f"{len(rows)} listings are flagged.", highlight=False)


def _readable(url: str) -> str:
    """The address with letters for escapes, as browsers show it; control and direction signs stay escaped."""
    return re.sub(r"[^\w/:.?&=%#~+,;@!$'()*-]", lambda sign: quote(sign[0]), unquote(url))


def _open_case(home: Home, database: Database, chain: AuditChain) -> str:
    """The demo's case: the strongest listing of each language that has a screenshot or, failing that, any capture."""
    with database.transaction() as session:
        for case, exhibits in list_cases(session):
            if exhibits:
                return case.reference
        captured = select(func.count()).select_from(Capture).where(Capture.listing_id == Listing.id)
        rows = session.execute(
            select(Listing, Assessment.language)
            .join(Assessment, Assessment.id == Listing.current_assessment_id)
            .where(Assessment.flagged.is_(True), captured.scalar_subquery() > 0)
            .order_by(Assessment.score.desc(), Listing.id)
        ).all()
        chosen = {language: listing for listing, language in reversed(rows)}
        if not chosen:
            raise DemoFailed("No listing was flagged, so there is no case to show: look at `relicwatch crawls list`.")
        opened: Case = open_case(session, chain, actor=ACTOR, title="DEMO case: offers to look at", demo=home.is_demo)
        for listing in chosen.values():
            assert listing.current_observation_id is not None
            add_exhibit(
                session,
                chain,
                case=opened,
                listing_id=listing.id,
                observation_id=listing.current_observation_id,
                actor=ACTOR,
            )
        return opened.reference


def _export_and_verify(home: Home, database: Database, chain: AuditChain, case: str, console: Console) -> bool:
    bundle = write_bundle(
        database,
        home,
        chain=chain,
        actor=ACTOR,
        to=home.exports,
        case=case,
        languages=("en", "fr", "ar"),
    )
    verification = verify_bundle(bundle.path)
    console.print(f"DEMO evidence bundle of {case}: {bundle.path}", highlight=False, soft_wrap=True)
    console.print(f"relicwatch verify: {verification.status}", highlight=False)
    for fault in verification.faults:
        console.print(f"  {fault}", markup=False, highlight=False, soft_wrap=True)
    return verification.status == "valid"


def _serve(home: Home, database: Database, stop: StopSignals, console: Console) -> None:
    with DeskServer(database, home, 0) as desk:
        with database.transaction() as session:
            user = find_user(session, ACTOR) or create_user(session, ACTOR, "admin")
            session.flush()
            code = make_sign_in_code(session, user, minutes=60)
        console.print(f"Review desk: {desk.address}/sign-in?code={code}", highlight=False, soft_wrap=True)
        console.print("That link signs in once, within an hour. Ctrl-C ends everything.")
        stop.wait()
        console.print("stopping")
