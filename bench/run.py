"""`make bench`: what our whole path costs beside bare Scrapy, in one run, with the checks that make the figure count.

Each crawl is a process of its own; the server is another whose time is not counted. The cost of starting is taken off:
CPU per page = (CPU of the long crawl - CPU of a short one) / (their difference in pages). Crawls of the two kinds
alternate, and the one with the least CPU of each kind counts: other programs on the machine can only add to it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import browser_walk  # noqa: E402
import capturing  # noqa: E402
import exporting  # noqa: E402
import recrawl  # noqa: E402
import verifying  # noqa: E402
from checks import Check, check_run  # noqa: E402
from crawl import CONCURRENCY  # noqa: E402
from layers import LAYERS  # noqa: E402
from market import queue_crawl  # noqa: E402
from pages import PAGE_BYTES, lot_page, make_lot  # noqa: E402
from serving import serving  # noqa: E402
from sqlalchemy import select  # noqa: E402
from time_to_hit import measure_time_to_hit  # noqa: E402
from time_to_hit import table as time_to_hit_table  # noqa: E402

from classifiers.corpus import load_corpus  # noqa: E402
from classifiers.listing import Listing, ListingClassifier  # noqa: E402
from crawler.chromium import find_chromium  # noqa: E402
from crawler.extraction.page import extract_page  # noqa: E402
from storage.database import Database  # noqa: E402
from storage.tables import Capture  # noqa: E402

SHORT = 20
DRAWN_CONCURRENCY = 4
TARGET = 1.1


class BenchFailed(Exception):
    """A crawl of the benchmark did not end as it should; the text holds what it wrote."""


def main() -> int:
    parser = argparse.ArgumentParser(description="What our whole path costs beside bare Scrapy.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="few pages and one round: shows that the bench works")
    parser.add_argument("--no-browser", action="store_true", help="leave out the pages drawn by a browser")
    given = parser.parse_args()
    pages, rounds = (200, 1) if given.quick else (2000, 3)
    with tempfile.TemporaryDirectory(prefix="relicwatch-bench-") as place:
        figures = measure(Path(place), pages, rounds, drawn=not given.no_browser and (8 if given.quick else 60))
        figures["exporting"] = exporting.compare(Path(place) / "exporting", (10, 50) if given.quick else (100, 1000))
        figures["recrawl"] = recrawl.measure(20 if given.quick else 200, "cards show none, pages have ETags")
        if not given.no_browser and find_chromium():
            figures["capturing"] = capturing.compare(Path(place) / "capturing", 1 if given.quick else 5)
    figures["time_to_hit"] = measure_time_to_hit(markets=5, days=3) if given.quick else measure_time_to_hit()
    sys.stdout.write(table(figures))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0 if figures["valid"] else 1


def measure(place: Path, pages: int, rounds: int, drawn: int) -> dict[str, Any]:
    """All figures, as they are written with --json. Raises BenchFailed where a crawl does not end well."""
    os.environ["BENCH_LOG"] = str(place / "bare.log")
    runs: dict[str, list[dict[str, Any]]] = {"bare": [], "whole": [], "bare short": [], "whole short": []}
    checks: list[Check] = []
    with serving("server.py", pages) as address:

        def bare(lots: int) -> dict[str, Any]:
            return crawl("bare", address, str(lots))

        def whole(name: str, lots: int, *options: str) -> dict[str, Any]:
            home, job = queue_crawl(place / name, address, lots, drawn=False, concurrency=CONCURRENCY)
            said = crawl("whole", str(job), *options)
            checks.extend(check_run(home, lots, said))
            return said

        for number in range(rounds):
            runs["bare short"].append(bare(SHORT))
            runs["whole short"].append(whole(f"short-{number}", SHORT))
            runs["bare"].append(bare(pages))
            runs["whole"].append(whole(f"long-{number}", pages))
        layers = whole("layers", pages, "--layers")["layers"]
        browser = _drawn_rate(place / "drawn", address, drawn) if drawn and find_chromium() else None
    walk = browser_walk.compare(place, drawn) if browser else None
    least = {kind: min(run["cpu_seconds"] for run in of_kind) for kind, of_kind in runs.items()}
    per_page = {kind: 1000 * (least[kind] - least[f"{kind} short"]) / (pages - SHORT) for kind in ("bare", "whole")}
    complete = all(run["listings"] == pages for kind in ("bare", "whole") for run in runs[kind])
    return {
        "pages": pages,
        "page_bytes": PAGE_BYTES,
        "rounds": rounds,
        "concurrency": CONCURRENCY,
        "valid": complete and all(check.passed for check in checks),
        "checks": _summary(checks),
        "cpu_ms_per_page": per_page,
        "ratio": per_page["whole"] / per_page["bare"],
        "start_cpu_seconds": {kind: least[f"{kind} short"] - per_page[kind] * SHORT / 1000 for kind in per_page},
        "cpu_seconds_of_each_run": {kind: [run["cpu_seconds"] for run in of_kind] for kind, of_kind in runs.items()},
        "layer_shares": layers,
        "peak_megabytes": {kind: max(run["peak_megabytes"] for run in runs[kind]) for kind in ("bare", "whole")},
        "browser": browser,
        "browser_walk": walk,
        "verifying": verifying.compare(place / "verifying"),
        "classifier_listings_per_second": _classifier_rates(pages),
        "extraction_ms_per_page": _extraction_cost(min(pages, 400)),
    }


def crawl(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "crawl.py"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    if ended.returncode != 0:
        raise BenchFailed(f"crawl.py {' '.join(arguments)} ended with status {ended.returncode}:\n{ended.stderr}")
    said: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return said


def _drawn_rate(root: Path, address: str, items: int) -> dict[str, Any]:
    """Pages a second that the browser spider draws, from the first drawn page to the last: its start is left out."""
    home, job = queue_crawl(root, address, items, drawn=True, concurrency=DRAWN_CONCURRENCY)
    said = crawl("whole", str(job))
    database = Database(home.database_url)
    with database.reading() as session:
        moments = session.scalars(
            select(Capture.captured_at).where(Capture.kind == "dom", Capture.url.contains("/drawn/item/"))
        ).all()
    database.dispose()
    seconds = (max(moments) - min(moments)).total_seconds()
    return {
        "pages_per_second": (len(moments) - 1) / seconds,
        "pages": len(moments),
        "concurrency": DRAWN_CONCURRENCY,
        "crawl_peak_megabytes": said["peak_megabytes"],
        "largest_browser_process_megabytes": said["peak_child_megabytes"],
    }


def _classifier_rates(count: int) -> dict[str, float]:
    """Listings a second on one core: of its processor time, so that other programs do not show.

    Of the training corpus, which is as long as listings and records are (a title and a line or two), and of the lots of
    this bench, whose descriptions are a long paragraph.
    """
    classifier = ListingClassifier.load()
    kinds = {
        "corpus": [(example.title, example.description) for example in load_corpus()],
        "long lots": [(lot.title, lot.description) for lot in map(make_lot, range(1, count + 1))],
    }
    rates = {}
    for kind, listings in kinds.items():
        length = round(statistics.mean(len(title) + len(description or "") for title, description in listings))
        for name, judge in _ways_of_judging(classifier, listings).items():
            judge()
            before = time.process_time()
            judge()
            rates[f"{kind} ({length} characters), {name}"] = len(listings) / (time.process_time() - before)
    return rates


def _ways_of_judging(classifier: ListingClassifier, listings: list[Listing]) -> dict[str, Callable[[], object]]:
    return {
        "with reasons": lambda: list(classifier.assess_many(listings, answers=False)),
        "with reasons and all answers": lambda: list(classifier.assess_many(listings)),
        "score alone": lambda: classifier.scores(listings),
    }


def _extraction_cost(count: int) -> float:
    made = [(lot_page(number), f"http://127.0.0.1/sale/7/lot/{number}") for number in range(1, count + 1)]
    before = time.process_time()
    for body, url in made:
        extract_page(body, url, content_type="text/html; charset=utf-8")
    return 1000 * (time.process_time() - before) / count


def _summary(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """One line a check: the first run that failed it, else the last run."""
    chosen: dict[str, Check] = {}
    for check in checks:
        if check.name not in chosen or chosen[check.name].passed:
            chosen[check.name] = check
    return [{"name": check.name, "passed": check.passed, "found": check.found} for check in chosen.values()]


def table(figures: dict[str, Any]) -> str:
    """The figures for a reader; without a ratio where a check failed."""
    cost, start, peak = (figures[name] for name in ("cpu_ms_per_page", "start_cpu_seconds", "peak_megabytes"))
    lines = [
        f"{figures['pages']} pages of {figures['page_bytes'] / 1000:g} kB, concurrency {figures['concurrency']}, "
        f"delay 0, least CPU of {figures['rounds']} alternating rounds",
        "",
        f"{'':34}{'bare Scrapy':>14}{'whole path':>14}",
        f"{'CPU a page (ms)':34}{cost['bare']:14.2f}{cost['whole']:14.2f}",
        f"{'CPU of starting (s, not counted)':34}{start['bare']:14.2f}{start['whole']:14.2f}",
        f"{'peak memory (MB)':34}{peak['bare']:14.0f}{peak['whole']:14.0f}",
    ]
    if figures["valid"]:
        lines.append(f"{'ratio':34}{'':14}{figures['ratio']:14.2f}   (to reach: {TARGET} or less)")
    else:
        lines.append("ratio: NOT VALID, a check below failed")
    lines.append(
        "(in both: searching and fetching; in the whole path: all up to the database. Thumbnails and capture jobs"
    )
    lines.append("lie outside: the pages' pictures are on another host.)")
    lines += ["", "The whole path by layer (samples of the stack every 2 ms of CPU, while the loop runs):"]
    for layer in LAYERS:
        share = figures["layer_shares"][layer]
        lines.append(f"  {layer:32}{share:14.1%}{share * cost['whole']:14.2f} ms a page")
    lines += ["", "Checks, on every run of the whole path:"]
    lines += [f"  {'ok    ' if c['passed'] else 'FAILED'} {c['name']}: {c['found']}" for c in figures["checks"]]
    lines += ["", f"{'extraction (ms a page)':44}{figures['extraction_ms_per_page']:8.2f}"]
    for name, rate in figures["classifier_listings_per_second"].items():
        lines.append(f"classifier, one core, {name} (listings/s)".ljust(84) + f"{rate:8.0f}")
    browser = figures["browser"]
    if browser is None:
        lines.append("pages drawn by a browser: left out (not asked for, or no Chromium here)")
    else:
        drawn = f"pages drawn by a browser, {browser['concurrency']} at once (pages/s)"
        lines.append(f"{drawn:44}{browser['pages_per_second']:8.1f}")
        lines.append(f"{'  peak of the crawl process (MB)':44}{browser['crawl_peak_megabytes']:8.0f}")
        largest = browser["largest_browser_process_megabytes"]
        lines.append(f"{'  peak of the largest browser process (MB)':44}{largest:8.0f}")
    if figures.get("browser_walk"):
        lines.append(browser_walk.line(figures["browser_walk"]))
    if "verifying" in figures:
        lines.append(verifying.line(figures["verifying"]))
    if "exporting" in figures:
        lines += exporting.lines(figures["exporting"])
        lines.append(f"second, unchanged crawl, {recrawl.kept_line(figures['recrawl'])}")
    if "capturing" in figures:
        lines.append(capturing.line(figures["capturing"]))
    if "time_to_hit" in figures:
        lines += ["", time_to_hit_table(figures["time_to_hit"]).rstrip()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
