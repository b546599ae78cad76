"""What tests of the fetcher share: requests through the real one, into a real segment, without the rest of Scrapy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import Settings

import crawler.settings as wiring
from crawler.fetcher import FetcherHandler
from crawler.home import Home
from crawler.shared import shared
from evidence.segments import Member, find_members
from evidence.transit import TransitRecorder
from storage.database import Database
from tests.market_server import MarketServer, serving


class Fetches:
    """Requests through the real fetcher into a real transit segment, without the rest of Scrapy."""

    def __init__(self, home: Home, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
        self._home = home
        self._database = database
        self.settings = {key: value for key, value in vars(wiring).items() if key.isupper() and key != "USER_AGENT"}

    def __call__(self, *requests: Request | str, **settings: object) -> list[Response | Exception]:
        return asyncio.run(self._fetch(requests, settings))

    async def _fetch(self, requests: tuple[Request | str, ...], settings: dict) -> list[Response | Exception]:
        crawler = Crawler(Spider, Settings({**self.settings, **settings}))
        recorder = TransitRecorder(self._database, self._home, "a_market")
        shared(crawler, "recorder", lambda: recorder)
        handler = FetcherHandler(crawler)
        answers: list[Response | Exception] = []
        for one in requests:
            request = Request(one) if isinstance(one, str) else one
            try:
                answers.append(await handler.download_request(request))
            except Exception as error:
                answers.append(error)
        await handler.close()
        recorder.sync()
        recorder.close()
        return answers

    def segment(self) -> Path:
        (path,) = self._home.transit.glob("*/*.warc.gz")
        return path

    def records(self) -> list[Member]:
        return list(find_members(self.segment()))

    def pairs(self) -> list[tuple[Member, Member]]:
        """(response, request) of each exchange, in order."""
        found = self.records()[1:]
        return list(zip(found[::2], found[1::2], strict=True))


@pytest.fixture
def fetch(home: Home, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetches]:
    database = Database(f"sqlite:///{sqlite_template}")
    yield Fetches(home, database, monkeypatch)
    database.dispose()


@pytest.fixture
def market() -> Iterator[MarketServer]:
    with serving() as server:
        yield server
