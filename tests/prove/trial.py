"""One trial of a kill proof: a home with the market in it, a disturbed crawl, and all that must hold afterwards."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crawler.home import Home
from evidence.sealing import find_orphans
from evidence.transit import FOUND_AGAIN
from evidence.warc_reading import WarcRecord, read_records
from storage.audit import chain_faults
from storage.database import Database
from storage.tables import (
    Assessment,
    AuditEvent,
    Capture,
    Crawl,
    FrontierEntry,
    Job,
    Listing,
    ListingAlias,
    Observation,
    Segment,
)
from tests.conftest import PostgresServer
from tests.prove.market import NAME, QUERY, Market

COMMAND_SECONDS = 120
SYNCS = "fsync,fdatasync"
NAMES = "rename,renameat,renameat2,unlink,unlinkat,truncate,ftruncate"
ROOT = Path(__file__).parents[2]
STRACE = shutil.which("strace")


def strace_works() -> bool:
    """Whether strace is there and may trace (ptrace is often forbidden in containers)."""
    if STRACE is None:
        return False
    tried = subprocess.run(
        [STRACE, "-f", "-o", os.devnull, "-e", "trace=fsync", "-e", "inject=fsync:error=ENOSPC", "true"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    return tried.returncode == 0


TIMED = ("times", "worked_seconds")
"""What a crawl counts that differs from run to run."""


@dataclass(slots=True)
class Site:
    """A home and the market that its definition names."""

    home: Home
    market: Market
    database_url: str
    postgres: PostgresServer | None = None
    """Where the database lies, if it is not a file of the home."""

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RELICWATCH_")}
        return {
            **kept,
            "RELICWATCH_HOME": str(self.home.root),
            "RELICWATCH_DATABASE_URL": self.database_url,
            "RELICWATCH_ALLOW_LOOPBACK": "1",
            "RELICWATCH_CHROMIUM_NO_SANDBOX": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, *arguments: str, before: Sequence[str] = (), module: str = "cli") -> subprocess.Popen[str]:
        """Start `relicwatch ARGUMENTS` as a user would, in a session of its own."""
        return subprocess.Popen(
            [*before, sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, before: Sequence[str] = (), module: str = "cli") -> Ended:
        process = self.start(*arguments, before=before, module=module)
        return finish(process)

    def crawl(self, before: Sequence[str] = ()) -> Ended:
        return self.run("crawl", NAME, "--query", QUERY, "--json", before=before)

    def copy_to(self, root: Path) -> Site:
        """The same home at another place, with a database of its own, to be disturbed there."""
        shutil.copytree(self.home.root, root, symlinks=True)
        home = Home(root)
        if self.postgres is not None:
            template, name = self.database_url.partition("?")[0].rpartition("/")[2], f"proof_{uuid.uuid4().hex}"
            self.postgres.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            return Site(home, self.market, self.postgres.url(name), self.postgres)
        return Site(home, self.market, f"sqlite:///{root / 'relicwatch.sqlite3'}")


def segment_of(site: Site) -> Path:
    """The segment that a crawl of today appends to."""
    return site.home.transit / NAME / f"{datetime.now(UTC):%Y-%m-%d}-0001.warc.gz"


def database_of(site: Site) -> Path:
    return site.home.root / "relicwatch.sqlite3"


def wal_of(site: Site) -> Path:
    return site.home.root / "relicwatch.sqlite3-wal"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; a negative status is the signal that ended it."""

    status: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


def finish(process: subprocess.Popen[str], seconds: float = COMMAND_SECONDS) -> Ended:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        out, err = process.communicate()
        raise AssertionError(f"no end within {seconds} s: {process.args}\n{out[-2000:]}\n{err[-4000:]}") from None
    return Ended(process.returncode, out, err)


def kill_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the process and whatever is in its group; it was started in a session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def prepare(home: Home, market: Market, postgres: PostgresServer | None = None) -> Site:
    """A fresh home with the market's definition, approved."""
    url = f"sqlite:///{home.root / 'relicwatch.sqlite3'}"
    if postgres is not None:
        name = f"proof_{uuid.uuid4().hex}"
        postgres.execute(f'CREATE DATABASE "{name}"')
        url = postgres.url(name)
    site = Site(home, market, url, postgres)
    made = site.run("db", "upgrade")
    assert made.status == 0, made
    (home.markets / f"{NAME}.yaml").write_text(market.definition(), "utf-8")
    approved = site.run("markets", "approve", NAME, "--basis", "our own server", "--rate-permission", "our own server")
    assert approved.status == 0, approved
    return site


def tracing(log: Path, *injections: str, calls: str, paths: Sequence[Path] = (), letters: int = 32) -> list[str]:
    """The strace command that injects; what it saw goes to `log`, file names beside the numbers.

    `letters`: how much of a buffer the log holds.

    Without --seccomp-bpf: with it strace 6.1 injects errors and no signals.
    """
    assert STRACE is not None
    command = [STRACE, "-f", "-y", "-s", str(letters), "-o", str(log), "-e", f"trace={calls}", "-e", "signal=none"]
    for path in paths:
        command += ["-P", str(path)]
    for injection in injections:
        command += ["-e", f"inject={injection}"]
    return command


def last_call(log: Path) -> str:
    """The call at which the traced program was killed, with the file it was for."""
    calls = [line for line in log.read_text("utf-8", "replace").splitlines() if "(" in line and "+++" not in line]
    if not calls:
        return "before its first call"
    found = re.search(r"(\w+)\(([^)]*)", calls[-1])
    assert found is not None
    name = re.search(r"<([^>]*)>|\"([^\"]*)\"", found[2])
    where = Path(next(part for part in name.groups() if part)).name if name else ""
    where = re.sub(r"\.writing-.*", ".writing-...", where)
    return f"{found[1]}({re.sub(r'[0-9a-f]{32,}', '<digest>', where)})"


def bytes_kept(log: Path, segment: Path, before: int) -> int:
    """How many bytes of the segment were fsynced by the time the trace ends; `before` were there at its start."""
    written = kept = before
    under_way: dict[str, tuple[str, int]] = {}
    for line in log.read_text("utf-8", "replace").splitlines():
        process, _, rest = line.partition(" ")
        began = re.match(rf"\s*(write|fsync)\(\d+<{re.escape(str(segment))}>", rest)
        ended = re.search(r"= (\d+)$", rest)
        if began and ended is None:
            under_way[process] = (began[1], written)
            continue
        call, at = (began[1], written) if began else ("", written)
        if " resumed>" in rest and ended and process in under_way:
            call, at = under_way.pop(process)
        if ended and call == "write":
            written += int(ended[1])
        elif ended and call == "fsync":
            kept = max(kept, at)
    return kept


# -- what must hold ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """What a home holds, without what may differ between two runs (ids, times, record ids)."""

    listings: list[Any] = field(default_factory=list)
    aliases: list[Any] = field(default_factory=list)
    observations: list[Any] = field(default_factory=list)
    assessments: list[Any] = field(default_factory=list)
    thumbnails: list[Any] = field(default_factory=list)
    capture_jobs: list[Any] = field(default_factory=list)
    frontier: list[Any] = field(default_factory=list)
    counts: list[Any] = field(default_factory=list)
    captured: Counter[str] = field(default_factory=Counter)
    """URL -> exchanges; a disturbed crawl may hold more of them, never fewer."""
    found_again: int = 0
    crawls: int = 0


def examine(site: Site) -> Found:
    """Read everything back and check what holds for any home; raises AssertionError with what is wrong."""
    database = Database(site.database_url)
    try:
        return _examine(site, database)
    finally:
        database.dispose()


def _examine(site: Site, database: Database) -> Found:
    found = Found()
    with database.reading() as session:
        listings = {row.id: row for row in session.scalars(select(Listing))}
        key = {id_: row.native_id for id_, row in listings.items()}
        assert len(set(key.values())) == len(key), "a listing is there twice"
        observations = list(session.scalars(select(Observation).order_by(Observation.id)))
        of = {row.id: row for row in observations}
        captures = {row.id: row for row in session.scalars(select(Capture))}
        segments = {row.id: row for row in session.scalars(select(Segment))}
        found.listings = sorted(
            (row.native_id, row.url, row.state, row.absent_from_crawls, of[row.current_observation_id].digest)
            for row in listings.values()
            if row.current_observation_id
        )
        assert len(found.listings) == len(listings), "a listing has no observation"
        found.aliases = sorted((key[row.listing_id], row.native_id) for row in session.scalars(select(ListingAlias)))
        found.observations = sorted(
            (key[row.listing_id], sum(o.listing_id == row.listing_id and o.id < row.id for o in observations),
             row.digest, row.title, str(row.price), row.state)
            for row in observations
        )  # fmt: skip
        found.assessments = sorted(
            (key[row.listing_id], of[row.observation_id].digest, row.model, row.score, row.flagged)
            for row in session.scalars(select(Assessment))
        )
        found.thumbnails = sorted(
            (key[row.listing_id or 0], row.sha256) for row in captures.values() if row.kind == "thumbnail"
        )
        jobs = list(session.scalars(select(Job)))
        found.capture_jobs = sorted(key[job.arguments["listing_id"]] for job in jobs if job.kind == "capture")
        crawls = list(session.scalars(select(Crawl).order_by(Crawl.id)))
        entries = list(session.scalars(select(FrontierEntry)))
        assert all(crawl.state == "complete" for crawl in crawls), [(c.state, c.fault) for c in crawls]
        assert [job.state for job in jobs if job.kind == "crawl"] == ["done"] * len(crawls), [j.state for j in jobs]
        assert all(entry.state == "done" for entry in entries), [(e.url, e.state, e.problem) for e in entries]
        found.crawls = len(crawls)
        found.frontier = [
            sorted((entry.url, entry.kind) for entry in entries if entry.crawl_id == crawl.id) for crawl in crawls
        ]
        # How long answers took is no two crawls' alike.
        found.counts = [{name: kept for name, kept in crawl.counts.items() if name not in TIMED} for crawl in crawls]
        for observation in observations:
            capture = captures.get(observation.capture_id or 0)
            assert capture is not None, f"observation {observation.id} has no capture"
            assert capture.url == listings[observation.listing_id].url, f"observation {observation.id}: other page"
        assert not chain_faults(session.scalars(select(AuditEvent).order_by(AuditEvent.chain, AuditEvent.sequence)))
    exchanges = [row for row in captures.values() if row.segment_id is not None]
    found.found_again = sum(row.note == FOUND_AGAIN for row in exchanges)
    for segment in segments.values():
        store = site.home.transit if segment.store == "transit" else site.home.evidence
        _check_segment(store / segment.name, segment, [row for row in exchanges if row.segment_id == segment.id])
        if segment.store == "transit":
            found.captured += Counter(row.url for row in exchanges if row.segment_id == segment.id)
    on_disk = {path.relative_to(site.home.transit).as_posix() for path in site.home.transit.glob("*/*")}
    assert on_disk == {s.name for s in segments.values() if s.store == "transit"}, f"segments without a row: {on_disk}"
    for row in captures.values():
        if row.segment_id is None and row.state != "FAILED":
            path = site.home.file_path(row.sha256)
            assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256, f"{row.kind} {row.id} is altered"
    assert find_orphans(database, site.home).count == 0, find_orphans(database, site.home).sentence
    return found


def _check_segment(path: Path, segment: Segment, rows: Sequence[Capture]) -> None:
    """Every record whole and right, a row for every exchange and an exchange for every row, and warcio agrees."""
    with path.open("rb") as file:
        records = {record.offset: record for record in read_records(file)}
    size = path.stat().st_size
    assert segment.length == size, f"{path}: {size} bytes, the row says {segment.length}"
    if segment.sha256:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == segment.sha256, f"{path} is altered"
    answers = {at: r for at, r in records.items() if r.type in ("response", "revisit")}
    doms = {at for at, r in records.items() if r.type == "resource"} if segment.store == "transit" else set()
    assert {row.offset for row in rows} == {*answers, *doms}, f"{path}: rows and records differ"
    for row in rows:
        if row.kind == "exchange":
            _check_exchange(path, row, records, answers)
    assert len({record.id for record in records.values()}) == len(records), f"{path}: a record id twice"
    checked = subprocess.run(
        [Path(sys.executable).parent / "warcio", "check", "-v", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0 and "no digest" not in checked.stdout, f"{path}: {checked.stdout}"


def _check_exchange(path: Path, row: Capture, records: dict[int, WarcRecord], answers: dict[int, WarcRecord]) -> None:
    assert row.offset is not None and row.length is not None
    where = f"{path} at {row.offset} ({row.url}, capture {row.id}, note {row.note!r})"
    answer = answers[row.offset]
    request = records[row.offset + answer.length]
    assert request.type == "request" and answer.length + request.length == row.length, f"{where}: not its request"
    assert request.headers["warc-concurrent-to"] == answer.id, f"{where}: another answer's request"
    assert answer.uri == row.url and answer.http_status == row.status, f"{where}: another page"
    if answer.type == "revisit":
        earlier = answers.get(row.refers_to_offset if row.refers_to_offset is not None else -1)
        assert earlier is not None, f"{where}: a revisit that refers to nothing ({row.refers_to_offset})"
        assert earlier.payload_sha256 == row.sha256 and answer.headers["warc-refers-to"] == earlier.id, where
    else:
        assert answer.payload_sha256 == row.sha256, f"{where}: another digest"
        assert answer.payload_bytes == row.payload_bytes, f"{where}: another length"
    if row.record_id:
        assert row.record_id == answer.id, f"{where}: another record id"


def compare(disturbed: Found, undisturbed: Found, *, crawls_before: int = 0) -> None:
    """Nothing missing, nothing doubled, nothing different. `crawls_before`: crawls that both homes began with."""
    for name in ("listings", "aliases", "observations", "assessments", "thumbnails", "capture_jobs"):
        assert getattr(disturbed, name) == getattr(undisturbed, name), f"{name} differ"
    missing = undisturbed.captured - disturbed.captured
    if disturbed.crawls == undisturbed.crawls:
        assert disturbed.frontier == undisturbed.frontier, "the frontier differs"
        assert disturbed.counts == undisturbed.counts, f"counts: {disturbed.counts} {undisturbed.counts}"
    assert not missing, f"pages without a capture: {missing}"


# -- a kill and what follows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """One line of the log."""

    what: str
    where: str
    reached: bool
    found_again: int = 0
    cut_bytes: int = 0
    repeated: int = 0

    def __str__(self) -> str:
        if not self.reached:
            return f"{self.what}: ended undisturbed"
        return (
            f"{self.what}: killed {self.where}; found again {self.found_again}, cut {self.cut_bytes} B, "
            f"repeated {self.repeated} requests: same"
        )


def cut_bytes(text: str) -> int:
    """What a start says it cut off the ends of segments."""
    return sum(int(size) for size in re.findall(r"a torn record of (\d+) bytes", " ".join(text.split())))


def _promised_after_fsync(origin: Site, site: Site, log: Path) -> None:
    """What the database says of a segment was on disk before it said so. # RL-2"""
    for name, length in _known_lengths(site).items():
        earlier = origin.home.transit / name
        kept = bytes_kept(log, site.home.transit / name, earlier.stat().st_size if earlier.exists() else 0)
        assert length <= kept, f"{name}: the database promises {length} bytes, {kept} were fsynced"


def _known_lengths(site: Site) -> dict[str, int]:
    database = Database(site.database_url)
    with database.reading() as session:
        known = {row.name: row.length for row in session.scalars(select(Segment).where(Segment.store == "transit"))}
    database.dispose()
    return known


def tear_tail(site: Site, seed: int) -> int:
    """What a power cut may do to bytes that were not fsynced: the end of the segment is lost at any byte.

    Returns how many bytes went; what the database was promised stays.
    """
    known = _known_lengths(site)
    lost = 0
    for path in sorted(site.home.transit.glob("*/*")):
        size, safe = path.stat().st_size, known.get(path.relative_to(site.home.transit).as_posix(), 0)
        if size > safe:
            left = random.Random(seed).randint(safe, size)
            os.truncate(path, left)
            lost += size - left
    return lost


@dataclass(slots=True)
class Ground:
    """A market, the homes every trial of it starts from, and what an undisturbed run of each finds."""

    market: Market
    directory: Path
    first: Site
    expected: Found
    second: Site | None = None
    """A home after one crawl; the market then changes. Its crawls meet unchanged pages and write revisits."""
    expected_second: Found | None = None
    requests: dict[int, int] = field(default_factory=dict)

    @classmethod
    def make(
        cls, directory: Path, market: Market, *, second: bool = True, postgres: PostgresServer | None = None
    ) -> Ground:
        first = prepare(Home(directory / "first"), market, postgres)
        market.begin(1)
        clean = first.copy_to(directory / "clean-1")
        ended = clean.crawl()
        assert ended.status == 0, ended
        ground = cls(market, directory, first, examine(clean))
        ground.requests[1] = sum(market.asked.values())
        if second:
            ground.second = clean
            clean_second = clean.copy_to(directory / "clean-2")
            market.begin(2)
            ended = clean_second.crawl()
            assert ended.status == 0, ended
            ground.expected_second = examine(clean_second)
            ground.requests[2] = sum(market.asked.values())
        return ground

    def trial(
        self,
        what: str,
        disturb: Callable[[Site, Path], tuple[Ended, str]],
        *,
        generation: int = 1,
        power_cut: int | None = None,
    ) -> Report:
        """Disturb a crawl, start it again, compare. `disturb` returns how it ended and where; see `Report`."""
        origin, expected = (self.first, self.expected) if generation == 1 else (self.second, self.expected_second)
        assert origin is not None and expected is not None
        root = self.directory / re.sub(r"\W+", "-", what)
        site = origin.copy_to(root)
        self.market.begin(generation)
        ended, where = disturb(site, root.with_suffix(".strace"))
        self.market.trigger = None
        if not ended.killed:
            assert ended.status == 0, (what, where, ended)
            compare(examine(site), expected)
            self._clear(root)
            return Report(what, where, reached=False)
        if root.with_suffix(".strace").exists():
            _promised_after_fsync(origin, site, root.with_suffix(".strace"))
        if power_cut is not None:
            where += f", power cut took {tear_tail(site, power_cut)} B more"
        again = site.crawl()
        assert again.status == 0, (what, where, again)
        found = examine(site)
        try:
            compare(found, expected)
        except AssertionError as error:
            raise AssertionError(f"{what}, killed {where}: {error} (home {root})") from error
        extra = sum(self.market.asked.values()) - self.requests[generation]
        self._clear(root)
        whole = found.crawls > expected.crawls
        if whole:
            where += " (the crawl had ended: a new one was made)"
        return Report(what, where, True, found.found_again, cut_bytes(again.err), extra)

    def _clear(self, root: Path) -> None:
        shutil.rmtree(root)
        root.with_suffix(".strace").unlink(missing_ok=True)
