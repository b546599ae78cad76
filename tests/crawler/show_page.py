"""A program for test_browser.py: one page through the real handler into a real transit segment, without a crawl.

In a process of its own, for Scrapy's browser handler wants a reactor, of which a process has one for good.
Usage: `python -m tests.crawler.show_page URL '{"LONGEST_PAGE_SECONDS": 10}' [META]` with RELICWATCH_HOME set; prints
JSON. For URL a JSON list of several may stand, shown one after the other in one tab: then a list is printed.
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


async def show(urls: list[str], meta: dict[str, object]) -> list[dict[str, object]]:
    home = Home.from_environment()
    database = Database(home.database_url)
    wired = {key: value for key, value in vars(wiring).items() if key.isupper()}
    given = {"RELICWATCH_NAVIGATION_SECONDS": NAVIGATION_SECONDS, "RELICWATCH_BROWSER_TABS": 1}
    crawler = Crawler(Spider, Settings({**wired, **given}))
    crawler.stats = MemoryStatsCollector(crawler)
    recorder = TransitRecorder(database, home, "a_market")
    shared(crawler, "recorder", lambda: recorder)
    handler = BrowserHandler(crawler)
    await handler.start()
    all_told = []
    for url in urls:
        captures: list[RecordPlace] = []
        told: dict[str, object] = {"error": None, "message": None, "body": None}
        request = Request(url, meta={**meta, "playwright": True, "captures": captures})
        try:
            told["body"] = (await handler.download_request(request)).text
        except Exception as error:
            told |= {"error": type(error).__name__, "message": str(error)}
        all_told.append({**told, "captures": [place.url for place in captures]})
    await handler.close()
    with database.transaction() as session:
        insert_captures(session, recorder.sync(), crawl_id=None, market="a_market")
    recorder.close()
    database.dispose()
    return all_told


if __name__ == "__main__":
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    wanted, limits, *more = sys.argv[1:]
    for name, seconds in json.loads(limits).items():
        setattr(browser_limits, name, seconds)
    several = json.loads(wanted) if wanted.startswith("[") else [wanted]
    loop = asyncio.get_event_loop_policy().get_event_loop()
    told = loop.run_until_complete(show(several, json.loads(more[0]) if more else {}))
    print(json.dumps(told if wanted.startswith("[") else told[0]))
