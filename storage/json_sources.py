"""What crawls learned of a market's public JSON answers, kept for the next one (`crawler.json_sources`).

A Scrapy extension: the rows are read when the spider opens and written when it closes. A killed crawl learns again.
"""

from __future__ import annotations

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crawler.json_sources import JsonSource, JsonSources, json_sources_of
from storage.crawl_store import crawl_store_of
from storage.database import Database
from storage.tables import JsonAnswerSource


def load_sources(session: Session, market: str) -> dict[str, JsonSource]:
    """By kind of page, to be compared with a page first; what was given up is left out, to be learned anew."""
    rows = session.scalars(select(JsonAnswerSource).where(JsonAnswerSource.market == market))
    return {
        row.kind: JsonSource(row.kind, row.template, dict(row.fields), seen_on_page=False)
        for row in rows
        if not row.given_up
    }


def save_sources(session: Session, market: str, sources: JsonSources) -> None:
    """Make the market's rows say what this crawl knew at its end; what it compared with no page stays as noted."""
    untried = [one.kind for one in sources.known.values() if not one.seen_on_page]
    stale = JsonAnswerSource.market == market, JsonAnswerSource.kind.not_in(untried)
    session.execute(delete(JsonAnswerSource).where(*stale))
    for one in sources.known.values():
        if one.kind in untried:
            continue
        session.add(
            JsonAnswerSource(
                market=market, kind=one.kind, template=one.template, fields=one.fields, given_up=one.given_up
            )
        )


class KeptJsonSources:
    """Carries the sources from crawl to crawl."""

    def __init__(self, crawler: Crawler) -> None:
        self._sources = json_sources_of(crawler)
        self._database: Database = crawl_store_of(crawler).database
        self._had_some = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> KeptJsonSources:
        kept = cls(crawler)
        crawler.signals.connect(kept.load, signals.spider_opened)
        crawler.signals.connect(kept.save, signals.spider_closed)
        return kept

    def load(self, spider: Spider) -> None:
        with self._database.reading() as session:
            self._sources.known.update(load_sources(session, spider.market))  # type: ignore[attr-defined]
        self._had_some = bool(self._sources.known)

    def save(self, spider: Spider) -> None:
        if self._sources.known or self._had_some:
            with self._database.transaction() as session:
                save_sources(session, spider.market, self._sources)  # type: ignore[attr-defined]
