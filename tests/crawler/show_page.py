"""A program for test_browser.py: one page through the real handler into a real transit segment, without a crawl.

In a process of its own, for Scrapy's browser handler wants a reactor, of which a process has one for good.
Usage: `python -m tests.crawler.show_page URL '{"LONGEST_PAGE_SECONDS": 10}'` with RELICWATCH_HOME set; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.settings import Settings
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.reactor import install_reactor

import crawler.settings as wiring
from crawler import browser_limits
from crawler.browser import BrowserHandler
from crawler.home import Home
from crawler.items import RecordPlace
from crawler.shared import shared
from evidence.transit import TransitRecorder
from storage.captures import insert_captures
from storage.database import Database

NAVIGATION_SECONDS = 5


async def show(url: str) -> dict[str, object]:
    home = Home.from_environment()
    database = Database(home.database_url)
    wired = {key: value for key, value in vars(wiring).items() if key.isupper()}
    crawler = Crawler(Spider, Settings({**wired, "RELICWATCH_NAVIGATION_SECONDS": NAVIGATION_SECONDS}))
    crawler.stats = MemoryStatsCollector(crawler)
    recorder = TransitRecorder(database, home, "a_market")
    shared(crawler, "recorder", lambda: recorder)
    handler = BrowserHandler(crawler)
    await handler.start()
    captures: list[RecordPlace] = []
    told: dict[str, object] = {"error": None, "message": None, "body": None}
    try:
        answer = await handler.download_request(Request(url, meta={"playwright": True, "captures": captures}))
        told["body"] = answer.text
    except Exception as error:
        told |= {"error": type(error).__name__, "message": str(error)}
    await handler.close()
    with database.transaction() as session:
        insert_captures(session, recorder.sync(), crawl_id=None, market="a_market")
    recorder.close()
    database.dispose()
    return {**told, "captures": [place.url for place in captures]}


if __name__ == "__main__":
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    for name, seconds in json.loads(sys.argv[2]).items():
        setattr(browser_limits, name, seconds)
    print(json.dumps(asyncio.get_event_loop_policy().get_event_loop().run_until_complete(show(sys.argv[1]))))
