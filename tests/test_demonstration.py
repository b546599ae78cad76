"""The whole job on the demo market: two crawls with a change between them, captures, a case, a verified bundle."""

from __future__ import annotations

import json
import os
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
from crawler.chromium import find_chromium
from crawler.home import Home
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from storage.audit import AuditChain
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import Capture, Crawl, Job, Listing, Observation, utc_now
from storage.watches import list_watches

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ("Sumerian", "Osiris", "lampe", "قديم")


@pytest.fixture(scope="module")
def quiet() -> Console:
    return Console(quiet=True)


@pytest.fixture
def demo_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: Console) -> Home:
    # What the demo puts into the environment goes away with the test.
    for name in ("HOME", "ALLOW_LOOPBACK", "OPERATOR", "CHROMIUM_NO_SANDBOX", "DATABASE_URL"):
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
    if find_chromium() is not None:
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
