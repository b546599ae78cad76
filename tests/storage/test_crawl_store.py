"""Which absent listings a crawl asks for and counts, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scrapy import Spider
from scrapy.settings import Settings
from sqlalchemy import select

from crawler.home import Home
from crawler.recording import Recorder
from crawler.visits import Entry
from storage.crawl_store import CrawlStore
from storage.database import Database
from storage.tables import Crawl, Listing, utc_now


class NothingRecorded:
    """A recorder of a crawl without exchanges."""

    refused = None

    def sync(self) -> Sequence[Any]:
        return []

    def confirm(self, places: Sequence[Any]) -> None:
        pass

    def close(self) -> None:
        pass


def opened(database: Database, home: Home, *queries: str) -> CrawlStore:
    settings = Settings({"RELICWATCH_READ_AGAIN_AFTER_DAYS": 6, "RELICWATCH_ENDS_SOON_HOURS": 48})
    spider = SimpleNamespace(
        market="m",
        max_listings=None,
        read_with="1",
        queries=list(queries),
        definition=SimpleNamespace(id_space="m", demo=False),
        crawler=SimpleNamespace(settings=settings),
    )
    store = CrawlStore(database, home, cast(Recorder, NothingRecorded()), "here")
    store.open(cast(Spider, spider))
    return store


def meet(database: Database, query: str, *native_ids: str) -> None:
    """A crawl of a day ago with this query met these, each a minute after the one before."""
    day_ago = utc_now() - timedelta(days=1)
    with database.transaction() as session:
        crawl = Crawl(market="m", queries=[query], started_at=day_ago, state="complete")
        session.add(crawl)
        session.flush()
        for n, native_id in enumerate(native_ids):
            at = day_ago + timedelta(minutes=n)
            session.add(
                Listing(
                    market="m",
                    id_space="m",
                    native_id=native_id,
                    url=f"http://m/{native_id}",
                    first_seen_at=at,
                    last_seen_at=at,
                    seen_in_crawl_id=crawl.id,
                    demo=False,
                )
            )


def absences(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {one.native_id: one.absent_from_crawls for one in session.scalars(select(Listing))}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("storage.crawl_store.MOST_ABSENT_ASKED", 2)
    yield


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_listings_of_other_searches_take_no_place_among_the_absent_that_are_asked_for(
    database: Database, home: Home
) -> None:
    meet(database, "coin", "1", "2", "3")
    meet(database, "lamp", "4")
    assert opened(database, home, "lamp").absent_listing_urls() == ["http://m/4"]


def test_what_is_too_much_to_ask_for_is_told_and_not_counted_absent(database: Database, home: Home) -> None:
    meet(database, "lamp", "3", "1", "2")
    store = opened(database, home, "lamp")
    assert store.absent_listing_urls() == ["http://m/3", "http://m/1"]  # those not seen for longest
    store.finish("finished")
    assert absences(database) == {"3": 1, "1": 1, "2": 0}
    with database.reading() as session:
        crawl = session.get_one(Crawl, store.crawl_id)
        assert crawl.state == "complete"
        (problem,) = crawl.problems
    assert problem == {
        "url": "http://m/2",
        "reason": "3 listings known before were not met: only 2 of them are asked for",
        "listings": 1,
    }


def test_a_crawl_that_was_cut_short_counts_no_absence(database: Database, home: Home) -> None:
    meet(database, "lamp", "1")
    store = opened(database, home, "lamp")
    entry = store.add_entry(Entry("f", "http://m/5", "listing", {}, 10))
    assert entry is not None
    store.cut_short([entry], "the crawl reached its limit")
    store.finish("finished")
    assert absences(database) == {"1": 0}
