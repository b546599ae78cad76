"""One crawl in a process of its own, measured by itself: `crawl.py bare ADDRESS LOTS` or `crawl.py whole JOB`.

The last line on stdout is JSON: CPU seconds of this process alone (user and system, from its start to its end), its
peak memory, and what the crawl says of itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from layers import LayerSampler

CONCURRENCY = 16


def crawl_bare(address: str, lots: int) -> dict[str, Any]:
    """Scrapy as it comes: its own download handler and loop, title and price by CSS, nothing kept."""
    from scrapy import Request, Spider
    from scrapy.crawler import CrawlerProcess
    from scrapy.http import Response

    class BareSpider(Spider):
        name = "bare"
        found = 0

        async def start(self) -> Any:
            yield Request(f"{address}/search?q={lots}&page=1")

        def parse(self, response: Response) -> Iterator[Any]:
            yield from response.follow_all(css="a.lot", callback=self.parse_lot, priority=10)
            yield from response.follow_all(css="a[rel=next]")

        def parse_lot(self, response: Response) -> Iterator[Any]:
            title, price = response.css("h1::text").get(), response.css(".price::text").get()
            BareSpider.found += bool(title and price)
            yield {"title": title, "price": price}

    process = CrawlerProcess(
        {
            "LOG_LEVEL": "INFO",
            "LOG_FILE": os.environ["BENCH_LOG"],
            "ROBOTSTXT_OBEY": False,
            "CONCURRENT_REQUESTS": CONCURRENCY,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
        }
    )
    process.crawl(BareSpider)
    process.start()
    return {"listings": BareSpider.found}


def crawl_whole(job_id: int) -> dict[str, Any]:
    """The job as `relicwatch job` does it, with every fsync and every commit counted."""
    from crawler.home import Home
    from storage.database import Database
    from storage.jobs import claim_job
    from storage.leases import process_holder
    from work import run_job

    fsyncs = commits = synced = ahead = 0
    fsync = os.fsync

    def counted_fsync(file: int) -> None:
        nonlocal fsyncs, synced
        fsync(file)
        if Path(f"/proc/self/fd/{file}").readlink().name.endswith(".warc.gz"):
            fsyncs += 1
            synced = os.fstat(file).st_size

    def committed(_counts: Mapping[str, Any]) -> None:
        """A commit may promise no byte of the segment that was not fsynced before it."""
        nonlocal commits, ahead
        commits += 1
        with database.engine.connect() as connection:
            promised = connection.exec_driver_sql("SELECT max(length) FROM segment").scalar_one()
        ahead += (promised or 0) > synced

    os.fsync = counted_fsync
    home = Home.from_environment()
    database = Database(home.database_url)
    claimed = claim_job(database, process_holder(), job_id=job_id)
    assert claimed is not None
    result = run_job(database, home, claimed, committed)
    with database.engine.connect() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    database.dispose()
    facts = {"commits": commits, "fsyncs": fsyncs, "ahead": ahead, "sqlite_synchronous": synchronous}
    return {"listings": result["counts"].get("listings", 0), **facts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("bare", "whole"))
    parser.add_argument("arguments", nargs="+")
    parser.add_argument("--layers", action="store_true", help="sample the stack; the CPU seconds then say nothing")
    given = parser.parse_args()
    sampler = LayerSampler() if given.layers else None
    if sampler:
        sampler.start()
    started = time.monotonic()
    if given.what == "bare":
        result = crawl_bare(given.arguments[0], int(given.arguments[1]))
    else:
        result = crawl_whole(int(given.arguments[0]))
    result["wall_seconds"] = time.monotonic() - started
    if sampler:
        result["layers"] = sampler.stop()
    used = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_seconds"] = used.ru_utime + used.ru_stime
    result["peak_megabytes"] = used.ru_maxrss / 1024
    result["peak_child_megabytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
