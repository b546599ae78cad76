"""The benchmark's homes: each crawl gets a fresh one with its market approved and its job queued."""

from __future__ import annotations

import os
from pathlib import Path

from crawler.home import Home
from markets.approval import approve
from markets.catalog import get_market
from storage.audit import AuditChain
from storage.database import Database
from storage.jobs import insert_job
from storage.migrate import upgrade

DEFINITION = """
name: {name}
title: Benchmark pages
domains: ["127.0.0.1"]
id_space: {name}
country: GB
timezone: Europe/London
currency: GBP
languages: [en, fr, ar]
kind: auction
{walk}
rate: {{delay: 0, concurrency: {concurrency}}}
access: {{api: null, login: none, terms_note: "Our own pages on this machine."}}
verified: 2026-11-23
demo: true
"""
PLAIN = """spider: catalogue
search: {{url: "{address}/search?q={{query}}&page={{page}}", listings: "a.lot", next: "a[rel=next]", max_pages: 1000}}
listing_url: "/sale/(?P<sale>\\\\d+)/lot/(?P<lot>\\\\d+)"
fields: {{ends_at: "time.end::attr(datetime)", location: ".where::text", lot_number: ".lot-number::text"}}"""
DRAWN = """spider: browser
search: {{url: "{address}/drawn/search?q={{query}}", listings: "a.card"}}
listing_url: "/drawn/item/(?P<item>\\\\d+)"
fields: {{title: "h1::text", price: ".price::text", description: ".description::text"}}"""


def queue_crawl(root: Path, address: str, lots: int, *, drawn: bool, concurrency: int) -> tuple[Home, int]:
    """A fresh home in `root` with one crawl job of `lots` listings; returns it and the job's number.

    The environment then names this home for the processes started from here.
    """
    os.environ["RELICWATCH_HOME"] = str(root)
    os.environ.pop("RELICWATCH_DATABASE_URL", None)
    os.environ["RELICWATCH_ALLOW_LOOPBACK"] = "1"
    if os.geteuid() == 0:
        os.environ.setdefault("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    home = Home(root)
    home.create(demo=True)
    name = "bench_drawn" if drawn else "bench_plain"
    walk = (DRAWN if drawn else PLAIN).format(address=address)
    text = DEFINITION.format(name=name, walk=walk, concurrency=concurrency)
    (home.markets / f"{name}.yaml").write_text(text, "utf-8")
    database = Database(home.database_url)
    upgrade(database)
    with database.transaction() as session:
        approve(
            session,
            AuditChain(),
            home,
            get_market(home, name),
            actor="benchmark",
            legal_basis="our own pages on this machine",
            rate_permission="our own server",
        )
        job = insert_job(session, "crawl", {"market": name, "queries": [str(lots)]}, "benchmark")
        assert job is not None
        job_id = job.id
    database.dispose()
    return home, job_id
