"""Crawls as a user runs them: the `relicwatch crawl` command in a process of its own against a `MarketServer`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Select

from crawler.home import Home
from evidence.segments import Member, find_members, split_http
from markets.approval import approve
from markets.definition import Definition, load_definition
from storage.audit import AuditChain
from storage.database import Database
from storage.migrate import upgrade
from tests.market_server import MarketServer

ROOT = Path(__file__).resolve().parent.parent
MARKET = "little_market"
LONGEST_CRAWL_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def message(self) -> str:
        """The one sentence on stderr."""
        return self.err.strip()


class Place:
    """A home with its database, one market, and the crawls made in it."""

    def __init__(self, root: Path, template: Path | None = None, database_url: str | None = None) -> None:
        self.home = Home(root)
        self.home.create()
        self._url = database_url or f"sqlite:///{root / 'relicwatch.sqlite3'}"
        if template is not None:
            shutil.copyfile(template, root / "relicwatch.sqlite3")
        self.database = Database(self._url)
        if template is None and database_url is None:
            upgrade(self.database)

    def close(self) -> None:
        self.database.dispose()

    def define(self, server: MarketServer, *, approved: bool = True, name: str = MARKET, **changes: str) -> Definition:
        """Write a market's definition (YAML values by key) and turn it on."""
        facts = {
            "name": name,
            "title": "Little Market",
            "domains": f'["{server.netloc}"]',
            "country": "GB",
            "timezone": "Europe/London",
            "currency": "GBP",
            "languages": "[en]",
            "kind": "auction",
            "spider": "catalogue",
            "search": f'{{url: "{server.url("/search")}?q={{query}}", listings: "a.lot", next: "a[rel=next]"}}',
            "listing_url": '"/sale/(?P<sale>[0-9]+)/lot/(?P<lot>[0-9]+)"',
            "rate": "{delay: 0, concurrency: 1}",
            **changes,
        }
        text = "".join(f"{key}: {value}\n" for key, value in facts.items())
        return self.adopt(name, text, approved=approved)

    def adopt(self, name: str, text: str, *, approved: bool = True) -> Definition:
        """Take a definition as it is written, and turn its market on."""
        path = self.home.markets / f"{name}.yaml"
        path.write_text(text, "utf-8")
        definition = load_definition(path)
        if approved:
            with self.database.transaction() as session:
                approve(
                    session,
                    AuditChain(),
                    self.home,
                    definition,
                    actor="test",
                    legal_basis="a test on loopback",
                    rate_permission="the test itself",
                )
        return definition

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RELICWATCH_")}
        chosen = {"RELICWATCH_HOME": str(self.home.root), "RELICWATCH_ALLOW_LOOPBACK": "1", "COLUMNS": "200"}
        if self.database.sqlite_path is None:
            chosen["RELICWATCH_DATABASE_URL"] = self._url
        return {**kept, **chosen, **(more or {})}

    def start(
        self, *arguments: str, more: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        """The command under way; the caller waits for it."""
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env=self.environment(more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, more: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> Ended:
        return ended(self.start(*arguments, more=more, prefix=prefix))

    def crawl_arguments(self, *queries: str, market: str = MARKET, max_listings: int | None = None) -> list[str]:
        asked = [word for query in queries or ("lamp",) for word in ("--query", query)]
        limit = ["--max-listings", str(max_listings)] if max_listings else []
        return ["crawl", market, *asked, *limit, "--json"]

    def crawl(
        self,
        *queries: str,
        market: str = MARKET,
        max_listings: int | None = None,
        more: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Ended:
        arguments = self.crawl_arguments(*queries, market=market, max_listings=max_listings)
        return self.run(*arguments, more=more, prefix=prefix)

    def scrapy(self, *arguments: str) -> Ended:
        """`scrapy crawl catalogue` of the market, as any Scrapy user calls it."""
        command = [sys.executable, "-m", "scrapy", "crawl", "catalogue", "-a", f"market={MARKET}", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return ended(subprocess.Popen(command, cwd=ROOT, env=self.environment(), text=True, **pipes))

    def rows(self, statement: Select[Any]) -> list[Any]:
        """Whole objects of a one-entity SELECT, or rows of several."""
        with self.database.reading() as session:
            found = session.execute(statement).all()
        return [row[0] if len(row) == 1 else row for row in found]

    def segments(self) -> list[Path]:
        return sorted(self.home.transit.glob("*/*.warc.gz"))

    def records(self) -> list[Member]:
        """Every record of every transit segment, in order."""
        return [member for path in self.segments() for member in find_members(path)]

    def log(self) -> str:
        return "\n".join(path.read_text("utf-8") for path in sorted(self.home.logs.glob("crawl-*.log")))


def ended(process: subprocess.Popen[str], seconds: float = LONGEST_CRAWL_SECONDS) -> Ended:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end within {seconds} s:\n{out}\n{err}") from None
    return Ended(process.returncode, out, err)


def of_url(records: Sequence[Member], url: str, kind: str) -> list[Member]:
    return [one for one in records if one.type == kind and one.headers.get("warc-target-uri") == url]


def head_and_body(record: Member) -> tuple[bytes, bytes]:
    return split_http(record.block)
