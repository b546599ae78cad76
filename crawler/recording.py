"""The recorder that keeps each exchange as received; which one it is, `crawler/settings.py` says by dotted name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from scrapy.crawler import Crawler
from scrapy.utils.misc import load_object

from crawler.errors import RelicwatchError
from crawler.items import Exchange, RecordPlace
from crawler.shared import shared


class CaptureFailed(RelicwatchError):
    """An exchange could not be kept. Nothing may be read from a page that was not kept first, so the crawl stops."""


class Recorder(Protocol):
    """Keeps exchanges. `append` is called before anything may read the response."""

    refused: CaptureFailed | None
    """Set once an exchange could not be kept: the crawl must end, for its page is pending and nobody asks again."""

    def append(self, exchange: Exchange) -> RecordPlace:
        """Write the exchange; raises CaptureFailed where the disk refuses it."""
        ...

    def append_dom(self, *, url: str, moment: datetime, html: bytes, source: RecordPlace) -> RecordPlace:
        """Keep a page as the browser rendered it; `source` is the exchange it was made from."""
        ...

    def sync(self) -> Sequence[RecordPlace]:
        """Put all that was appended on disk for good; returns the places not yet confirmed as stored."""
        ...

    def confirm(self, places: Sequence[RecordPlace]) -> None:
        """The database now knows these places."""
        ...

    def close(self) -> None: ...


def recorder_of(crawler: Crawler) -> Recorder:
    """The one recorder of this crawl, made on first use from the setting RELICWATCH_RECORDER."""
    make = load_object(crawler.settings["RELICWATCH_RECORDER"]).from_crawler
    recorder: Recorder = shared(crawler, "recorder", lambda: make(crawler))
    return recorder
