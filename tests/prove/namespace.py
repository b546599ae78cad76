"""The proof that nothing inside is reached, run in a network namespace of its own: `unshare --net --mount`.

Prints its log and ends with one line of JSON, which tests/prove/test_network_namespace.py judges.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright
from sqlalchemy import select

from crawler.chromium import find_chromium
from crawler.egress import EgressRefused, Guard, refusal_in
from crawler.fetcher import open_session
from evidence.page_capture import CaptureLimits, capture_listing
from markets.approval import approve
from storage.audit import AuditChain
from storage.tables import Listing
from tests.crawling import Place, ended
from tests.prove import inner_world
from tests.prove.hostile_market import HOST, INNER, SPELLINGS, HostileMarket, addresses, resolve, spelled
from tests.prove.inner_world import (
    DEAD_AT_MARKET,
    MARKET_ADDRESS,
    Names,
    Tripwires,
    always,
    connected,
    first_then,
)

LONGEST_CRAWL_SECONDS = 300
GUARDED = {"RELICWATCH_ALLOW_LOOPBACK": "0", "RELICWATCH_CHROMIUM_NO_SANDBOX": "1"}
CAPTURED = ("good", "iframe", "img", "css", "fetch", "websocket", "webrtc", "service-worker", "prefetch", "speculation")
CAPTURED_TOO = (
    "spellings",
    "images",
    "spelled-images",
    *(f"turned-{number}" for number in range(4)),
    "json",
    "popup",
    "form",
    "peer",
)
UNGUARDED_PAGES = (
    *CAPTURED[1:],
    "spellings",
    "location-0",
    "refresh-0",
    "header-0",
    "redirect-0",
    "xhr",
    "beacon",
    "peer",
)
# What a browser of today would hold back by itself is let go, so that the pages show what they are able to.
UNGUARDED = (
    "--no-sandbox",
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,HttpsUpgrades",
    f"--unsafely-treat-insecure-origin-as-secure=http://{HOST}",
    "--explicitly-allowed-ports=22,3306,5432,6379",
)
NAMES = {
    HOST: always(MARKET_ADDRESS),
    f"loop.{HOST}": always("127.0.0.1"),
    f"private.{HOST}": always("10.0.0.1", "192.168.1.1", "100.64.0.1"),
    f"metadata.{HOST}": always("169.254.169.254"),
    f"six.{HOST}": always("::1", "fd00:ec2::254", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    f"mixed.{HOST}": always(MARKET_ADDRESS, "127.0.0.1", "10.0.0.1", "::1"),
    f"rebound.{HOST}": first_then([MARKET_ADDRESS], ["127.0.0.1"]),
    f"robots.{HOST}": always(MARKET_ADDRESS),
}


class Proof:
    """The stages one after the other; what each reached stands in `stages`."""

    def __init__(self, directory: Path) -> None:
        self.market = HostileMarket()
        self.tripwires = Tripwires()
        self.names = Names(dict(NAMES))
        self.place = Place(directory / "home")
        self.stages: dict[str, dict[str, Any]] = {}
        self._crawls = 0
        self._began = time.monotonic()

    def stage(self, name: str, **more: Any) -> None:
        """Note what was reached since the last stage, and begin anew."""
        time.sleep(0.3)  # a packet that is under way still counts
        found = {
            "market_requests": self.market.asked.total(),
            "hits": {f"{host} port {port}": count for (host, port), count in sorted(self.tripwires.hits.items())},
            "words": dict(self.tripwires.words),
            **more,
        }
        self.stages[name] = found
        shown = ", ".join(f"{key} {value}" for key, value in more.items())
        print(
            f"{time.monotonic() - self._began:6.1f} s  {name}: market asked {found['market_requests']} times, "
            f"tripwires hit {self.tripwires.hits.total()} times; {shown}",
            flush=True,
        )
        self.tripwires.forget()
        self.market.asked.clear()

    # -- controls: who goes past the guard does reach the tripwires ----------------------------------------------

    def controls(self) -> None:
        dialled = 0
        for host in INNER:
            for port in (22, 80, 443, 5432, 8080):
                bare = host.strip("[]")
                try:
                    with connected(f"{bare}%lo" if bare.startswith("fe80") else bare, port):
                        dialled += 1
                except OSError as error:
                    print(f"          control: {host} port {port} cannot be dialled here at all: {error}", flush=True)
        self.stage("control: raw sockets", dialled=dialled, places=5 * len(INNER))

        reached = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=list(UNGUARDED))
            for name in UNGUARDED_PAGES:
                before = self.tripwires.hits.total()
                page = browser.new_context().new_page()
                try:
                    page.goto(f"http://{HOST}/sale/1/lot/{name}", timeout=8000, wait_until="commit")
                    page.wait_for_timeout(1200)
                except PlaywrightError as error:
                    print(f"          control: {name}: {str(error).splitlines()[0]}", flush=True)
                page.context.close()
                if self.tripwires.hits.total() > before:
                    reached.append(name)
            browser.close()
        unreached = sorted(set(UNGUARDED_PAGES) - set(reached))
        self.stage("control: a browser without the guard", reached=len(reached), harmless_by_themselves=unreached)

    # -- the fetcher's session alone, with no bound of a market before it ----------------------------------------

    def session(self) -> None:
        self.names.asked.clear()
        outcomes: Counter[str] = Counter()
        passed: list[str] = []
        asyncio.run(self._ask_all(outcomes, passed))
        self.stage("fetcher's session", outcomes=dict(outcomes), answered=sorted(set(passed)))

    async def _ask_all(self, outcomes: Counter[str], passed: list[str]) -> None:
        guard = Guard()
        urls = []
        for url in [*addresses("session"), *spelled("session"), f"http://{HOST}/robots.txt"]:
            try:
                guard.check_url(url)
            except EgressRefused as refused:
                outcomes[f"url: {refused.rule}"] += 1
                if refused.rule.startswith("port "):
                    continue  # a port is a matter of the URL: the address alone says nothing of it
            urls.append(url)
        # Past the first check too: what is dialled must be refused by the second alone.
        for url in [*urls, *(f"http://rebound.{HOST}/sale/1/lot/good" for _ in range(3))]:
            async with open_session(guard) as session:
                try:
                    async with asyncio.timeout(5), session.get(url, allow_redirects=False) as response:
                        await response.read()
                        passed.append(url)
                        outcomes["answered"] += 1
                except Exception as error:  # whatever it is, it is counted
                    refusal = refusal_in(error)
                    outcomes["dial: " + (refusal.rule if refusal else type(error).__name__)] += 1

    # -- the crawls ----------------------------------------------------------------------------------------------

    def crawl(self, spider: str, *queries: str) -> None:
        self.names.asked.clear()
        reached = SimpleNamespace(netloc=HOST, url=lambda path: f"http://{HOST}{path}")
        changes = {"domains": json.dumps([HOST, "127.0.0.1", "localhost", "[::1]"])}
        changes["listing_url"] = '"/sale/(?P<sale>[0-9]+)/lot/(?P<lot>[^/?]+)"'
        changes["rate"] = "{delay: 0, concurrency: 8}"
        if spider == "sitemap":
            changes |= {"search": "null", "source": f'{{url: "http://{HOST}/sitemap.xml"}}'}
        name = f"hostile_{spider}"
        definition = self.place.define(reached, approved=False, name=name, spider=spider, **changes)  # type: ignore[arg-type]
        with self.place.database.transaction() as session:
            approve(
                session,
                AuditChain(),
                self.place.home,
                definition,
                actor="proof",
                legal_basis="a market of this proof alone",
                rate_permission="the proof itself",
                terms=b"none",
                robots=b"",
            )
        arguments = self.place.crawl_arguments(*queries, market=name)
        end = ended(self.place.start(*arguments, more=GUARDED), LONGEST_CRAWL_SECONDS)
        reasons: Counter[str] = Counter()
        listings = 0
        self._crawls += 1
        shown = self.place.run("crawls", "show", str(self._crawls), "--json")
        if shown.out.startswith("{"):
            listings = shown.result["listings"]
            for problem in shown.result["problems"]:
                reasons[_kind(problem["reason"])] += 1
        self.stage(
            f"crawl by {spider}", status=end.status, listings=listings, reasons=dict(reasons), said=end.message[-300:]
        )

    # -- captures ------------------------------------------------------------------------------------------------

    def captures(self) -> None:
        self.market.turned = True
        with self.place.database.reading() as session:
            known = {one.native_id: one.id for one in session.scalars(select(Listing))}
        states: Counter[str] = Counter()
        rules: Counter[str] = Counter()
        missing = [name for name in (*CAPTURED, *CAPTURED_TOO) if f"1/{name}" not in known]
        for name in (*CAPTURED, *CAPTURED_TOO):
            if f"1/{name}" not in known:
                continue
            result = capture_listing(
                self.place.database,
                self.place.home,
                known[f"1/{name}"],
                job_id=None,
                actor="proof",
                chain=AuditChain(),
                guard=Guard(),
                limits=CaptureLimits(
                    page_seconds=12, load_seconds=4, rest_seconds=1, step_seconds=4, image_seconds=4, images=200
                ),
            )
            states[str(result.state)] += 1
            rules.update(_kind(one.rule) for one in result.refused)
        self.stage("page captures", states=dict(states), refused=dict(rules), without_listing=missing)


def _kind(reason: str) -> str:
    for known in ("outside the market", "The guard refused", "redirects", "HTTP ", "robots.txt"):
        if known in reason:
            return known + (f" ({reason.rpartition(': ')[2]})" if known == "The guard refused" else "")
    return reason[:60]


def main() -> None:
    directory = Path(sys.argv[1])
    assert inner_world.in_namespace_of_its_own(), "this changes routes: run it by `unshare --net --mount`"
    inner_world.lay_out(directory)
    proof = Proof(directory)
    assert resolve(HOST) == [MARKET_ADDRESS]
    print(f"          {len(SPELLINGS)} spellings, {len(addresses('x'))} inner addresses, port {DEAD_AT_MARKET} dead")
    proof.controls()
    proof.session()
    proof.crawl("catalogue", "lamp")
    proof.crawl("sitemap", "good", "redirect", "elsewhere", "images")
    proof.market.brief = True
    proof.crawl("browser", "lamp")
    proof.captures()
    print(json.dumps(proof.stages))


if __name__ == "__main__":
    main()
