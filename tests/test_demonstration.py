"""The whole job on the demo market: two crawls with a change between them, captures, a case, a verified bundle."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

import demonstration
from crawler.chromium import chromium_fault
from crawler.home import Home
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from storage.audit import AuditChain
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import Capture, Crawl, Job, Listing, Observation, utc_now
from storage.watches import list_watches
from tests.crawling import ended
from tests.needs import need_chromium
from tests.processes import LOOPBACK, below, listening_addresses, running

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ("Sumerian", "Osiris", "قديم")


@pytest.fixture(scope="module")
def quiet() -> Console:
    return Console(quiet=True)


@pytest.fixture
def demo_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: Console) -> Home:
    # What the demo puts into the environment goes away with the test.
    for name in ("HOME", "ALLOW_LOOPBACK", "OPERATOR", "CHROMIUM", "CHROMIUM_NO_SANDBOX", "DATABASE_URL"):
        monkeypatch.setenv(f"RELICWATCH_{name}", os.environ.get(f"RELICWATCH_{name}", ""))
        if not os.environ[f"RELICWATCH_{name}"]:
            monkeypatch.delenv(f"RELICWATCH_{name}")
    return demonstration._demo_home(tmp_path / "demo-home", quiet)


@pytest.fixture
def demo_database(demo_home: Home) -> Iterator[Database]:
    database = Database(demo_home.database_url)
    upgrade(database)
    ensure_signing_key(demo_home)
    yield database
    database.dispose()


def relicwatch(*arguments: str, status: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == status, ended.stderr
    return ended.stdout + ended.stderr


def crawl() -> dict[str, int]:
    asked = [part for query in QUERIES for part in ("--query", query)]
    counts: dict[str, int] = json.loads(relicwatch("crawl", "demo_auction", *asked, "--json"))["counts"]
    return counts


def test_the_whole_job_from_market_to_verified_bundle(demo_home: Home, demo_database: Database, quiet: Console) -> None:
    chain = AuditChain()
    with demonstration._demo_market(demo_home, quiet) as address:
        demonstration._switch_on(demo_home, demo_database, chain, address, quiet)
        first = crawl()
        request = urllib.request.Request(f"{address}/control/next-generation", method="POST")
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["generation"] == 1
        second = crawl()
        with demo_database.reading() as session:
            jobs = list(session.scalars(select(Job.id).where(Job.kind == "capture", Job.state == "queued")))
        for job in jobs:
            relicwatch("job", str(job))
    assert first["new"] == first["listings"] >= 2
    assert second["changed"] == 1  # the tablet's price
    assert second["gone"] == 1  # the Osiris bronze, which search does not show any more
    with demo_database.reading() as session:
        gone = session.scalars(select(Listing).where(Listing.state == "gone")).one()
        assert "HTTP 404" in (gone.state_proof or "")
        tablet = session.scalars(select(Observation.listing_id).where(Observation.title.contains("Sumerian"))).all()
        assert len(tablet) == 2
        prices = session.scalars(select(Observation.price).where(Observation.listing_id == tablet[0])).all()
        assert sorted(map(int, filter(None, prices))) == [950, 1150]
        kinds = set(session.scalars(select(Capture.kind).where(Capture.listing_id == tablet[0])))
    assert {"exchange", "thumbnail", "capture_report"} <= kinds
    if chromium_fault() is None:
        assert {"screenshot", "screenshot_viewport", "dom"} <= kinds
    reference = demonstration._open_case(demo_home, demo_database, chain)
    relicwatch("export", "--case", reference, "--to", str(demo_home.exports), "--lang", "ar,fr,en")
    (bundle,) = demo_home.exports.glob("*.zip")
    assert bundle.name.startswith("DEMO")
    verification = verify_bundle(bundle)
    assert verification.status == "valid", verification.faults
    assert verification.demo
    assert "VALID" in relicwatch("verify", str(bundle))
    bundle.write_bytes(bundle.read_bytes()[:-200])
    relicwatch("verify", str(bundle), status=3)


def test_the_demo_refuses_a_home_that_is_not_its_own(tmp_path: Path, demo_home: Home, quiet: Console) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "kept").write_text("something")
    with pytest.raises(demonstration.DemoFailed, match="no demo home"):
        demonstration._demo_home(tmp_path / "real", quiet)
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["kept"]


def test_the_demo_market_keeps_its_port_for_the_next_run(demo_home: Home, quiet: Console) -> None:
    with demonstration._demo_market(demo_home, quiet) as first:
        pass
    with demonstration._demo_market(demo_home, quiet) as second:
        assert second == first


@pytest.mark.parametrize(("state", "again"), [("failed", True), ("complete", False)])
def test_a_market_whose_last_crawl_failed_is_crawled_again_by_the_next_demo(
    demo_home: Home, demo_database: Database, state: str, again: bool
) -> None:
    chain = AuditChain()
    demonstration._add_watches(demo_database, chain, ["demo_auction"])
    later = utc_now() + timedelta(days=1)
    with demo_database.transaction() as session:
        list_watches(session)[0].next_due_at = later
        session.add_all(Crawl(market="demo_auction", queries=["all"], state=one) for one in ("complete", state))
    demonstration._add_watches(demo_database, chain, ["demo_auction"])
    with demo_database.reading() as session:
        (watch,) = list_watches(session)
        assert (watch.next_due_at < later) == again


def test_addresses_are_readable_and_carry_no_direction_signs() -> None:
    assert demonstration._readable("http://h/%D8%B1%D9%82/a%20b%E2%80%AEc") == "http://h/رق/a%20b%E2%80%AEc"


# -- the market's process -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program",
    ["import sys; sys.exit(1)", "import time; time.sleep(1000)", "print('half a line', end='', flush=True); input()"],
    ids=["fails", "says nothing", "half a line"],
)
def test_a_market_that_does_not_start_is_told_and_leaves_no_process(
    demo_home: Home, quiet: Console, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    (demo_home.root / "market-port").write_text("1")  # so that it is tried twice
    monkeypatch.setattr(demonstration, "MARKET_COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(demonstration, "MARKET_SECONDS", 0.5)
    before = {one.pid for one in below(os.getpid())}
    with (
        pytest.raises(demonstration.DemoFailed, match="did not start"),
        demonstration._demo_market(demo_home, quiet),
    ):
        pass
    assert {one.pid for one in below(os.getpid())} <= before


# -- without a browser --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    ['echo "$0: error while loading shared libraries: libnss3.so" >&2; exit 127', "exec sleep 1000"],
    ids=["library", "hangs"],
)
def test_with_a_chromium_that_does_not_start_the_demo_says_so_and_goes_on(
    demo_home: Home, demo_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("RELICWATCH_CHROMIUM", str(program))
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    monkeypatch.setattr("crawler.chromium.LAUNCH_SECONDS", 1.0)
    chain, told = AuditChain(), Console(record=True, width=80, file=io.StringIO())
    names = demonstration._switch_on(demo_home, demo_database, chain, "http://127.0.0.1:1", told)
    assert names == ["demo_auction"]
    reason = "shared libraries: libnss3.so" if "exit" in script else "it showed no empty page within 1 s"
    (line,) = told.export_text().splitlines()
    assert line.startswith("The demo goes on without the browser market and without screenshots. Chromium (")
    assert line.endswith(reason)
    assert os.environ["RELICWATCH_CHROMIUM"] == "off"  # for the capture jobs, each of which would try it again


def test_a_browser_market_of_an_earlier_run_waits_for_a_browser(demo_home: Home, demo_database: Database) -> None:
    chain = AuditChain()
    demonstration._add_watches(demo_database, chain, ["demo_auction", "demo_marketplace"])
    demonstration._add_watches(demo_database, chain, ["demo_auction"])
    with demo_database.reading() as session:
        due = {watch.name: watch.next_due_at > utc_now() for watch in list_watches(session)}
    assert due == {"DEMO auction": False, "DEMO marketplace": True}


# -- the command as a whole ---------------------------------------------------------------------------------------

NARROW = """
import sys
import demonstration
demonstration.QUERIES = {"demo_auction": ("Sumerian",), "demo_marketplace": ("Kufic",)}  # two listings instead of 120
from cli import main
sys.argv[0] = "relicwatch"
main()
"""


class Demo:
    """`relicwatch demo` in one home, where the runs follow each other."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELICWATCH_")}
        return subprocess.Popen(
            [sys.executable, "-c", NARROW, "demo", "--home", str(self.home), *arguments],
            cwd=ROOT,
            env={**kept, "COLUMNS": "100", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def jobs(self) -> list[tuple[int, str, str]]:
        database = Database(Home(self.home).database_url)
        try:
            with database.reading() as session:
                return [(job.id, job.kind, job.state) for job in session.scalars(select(Job).order_by(Job.id))]
        finally:
            database.dispose()


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, str]:
    need_chromium()
    demo = Demo(tmp_path_factory.mktemp("demo") / "home")
    end = ended(demo.start("--once"), 300)
    assert end.status == 0, end
    return demo, end.out


def test_the_command_shows_band_reasons_and_link_of_what_it_flagged_and_verifies_it(
    first_run: tuple[Demo, str],
) -> None:
    demo, said = first_run
    assert re.search(r"^DEMO: flagged listings \(a score is not a verdict", said, re.MULTILINE)
    assert re.search(r"(strong|medium|weak) [01]\.\d\d .*Sumerian cuneiform clay tablet", said)
    assert re.search(r"reasons: .*cuneiform", said)
    assert re.search(r"http://127\.0\.0\.1:\d+/auction/sale/4101/lot/27", said)
    assert re.search(r"(strong|medium|weak) [01]\.\d\d .*Kufic", said)
    assert re.search(r"DEMO evidence bundle of \S+: \S+/DEMO-\S+\.zip\nrelicwatch verify: valid\n", said)
    assert (
        sorted((kind, state) for _, kind, state in demo.jobs() if kind != "objects")
        == [("capture", "done")] * 2 + [("crawl", "done")] * 2
    )
    joined = [state for _, kind, state in demo.jobs() if kind == "objects"]
    assert len(joined) >= 2 and set(joined) == {"done"}  # after each crawl, and where a capture brought pictures


def test_a_second_run_crawls_nothing_anew(first_run: tuple[Demo, str]) -> None:
    demo, said = first_run
    before = demo.jobs()
    end = ended(demo.start("--once"), 120)
    assert end.status == 0, end
    assert demo.jobs() == before
    assert "relicwatch verify: valid" in end.out
    assert "2 listings are flagged" in end.out and "2 listings are flagged" in said


def test_ctrl_c_ends_the_demo_that_serves_the_desk_with_all_it_started(first_run: tuple[Demo, str]) -> None:
    demo, _ = first_run
    process = demo.start()
    try:
        assert process.stdout is not None
        desk = next(line for line in process.stdout if line.startswith("Review desk: "))
        assert re.match(r"Review desk: http://127\.0\.0\.1:\d+/sign-in\?code=", desk)
        processes = below(process.pid)
        assert processes  # the market, at least
        addresses = listening_addresses(process.pid)  # SEC-6
        assert addresses and addresses <= set(LOOPBACK)
        process.send_signal(signal.SIGINT)
        end = ended(process, 60)
    finally:
        if process.poll() is None:
            process.kill()
    assert end.status == 0, end
    assert "The demo has ended." in end.out
    assert running(processes) == []
