"""Transit segments: one WARC per market and day, appended while crawls run, looked over after a kill.

A transit segment is deleted whole after its retention time; what must last is copied out by `evidence.sealing`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scrapy.crawler import Crawler
from sqlalchemy import select

from crawler.home import Home
from crawler.items import Exchange, RecordPlace
from crawler.recording import CaptureFailed
from evidence.segments import (
    LEAST_REVISIT_BYTES,
    EarlierRecord,
    Member,
    SegmentWriter,
    StoreError,
    find_members,
    label_to_hex,
    media_type_of,
    split_http,
    warc_date,
)
from storage.captures import find_segment, insert_captures
from storage.crawl_store import database_of
from storage.database import Database
from storage.tables import Capture, Segment

logger = logging.getLogger(__name__)

MOST_SEGMENT_BYTES = 1 << 30
FOUND_AGAIN = "found again in its segment after the process ended before its commit"


class TransitRecorder:
    """Appends the exchanges of one market's crawl; there is one writer a market, the holder of its lease."""

    def __init__(self, database: Database, home: Home, market: str) -> None:
        self._database = database
        self._home = home
        self._market = market
        self._writer: SegmentWriter | None = None
        self._day = ""
        self._waiting: list[RecordPlace] = []
        self.refused: CaptureFailed | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> TransitRecorder:
        assert crawler.spider is not None
        return cls(database_of(crawler), Home.from_environment(), crawler.spider.market)  # type: ignore[attr-defined]

    def append(self, exchange: Exchange) -> RecordPlace:
        try:
            place = self._open().append(exchange)
        except StoreError as error:
            self.refused = CaptureFailed(str(error))
            raise self.refused from error
        self._waiting.append(place)
        return place

    def append_dom(self, *, url: str, moment: datetime, html: bytes, source: RecordPlace) -> RecordPlace:
        """Keep a page as the browser rendered it, labelled as a derivative."""
        try:
            place = self._open().append_dom(url=url, moment=moment, html=html, server_ip=source.server_ip)
        except StoreError as error:
            self.refused = CaptureFailed(str(error))
            raise self.refused from error
        self._waiting.append(place)
        return place

    def sync(self) -> Sequence[RecordPlace]:
        if self._writer is not None and self._waiting:
            try:
                self._writer.sync()
            except StoreError as error:
                raise CaptureFailed(str(error)) from error
        return list(self._waiting)

    def confirm(self, places: Sequence[RecordPlace]) -> None:
        confirmed = {(place.segment, place.offset) for place in places}
        self._waiting = [place for place in self._waiting if (place.segment, place.offset) not in confirmed]

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> SegmentWriter:
        day = datetime.now(UTC).date().isoformat()
        if self._writer is not None and self._day == day and self._writer.length < MOST_SEGMENT_BYTES:
            return self._writer
        if self._writer is not None:
            self._writer.sync()
            self._writer.close()
        number = 1
        while True:
            name = f"{self._market}/{day}-{number:04}.warc.gz"
            path = self._home.transit / name
            if not path.exists() or path.stat().st_size < MOST_SEGMENT_BYTES:
                break
            number += 1
        self._day = day
        self._writer = SegmentWriter(path, name)
        self._remember_earlier(self._writer)
        return self._writer

    def _remember_earlier(self, writer: SegmentWriter) -> None:
        """What this segment holds from earlier crawls of the day: an unchanged page then costs a revisit record."""
        statement = (
            select(Capture.sha256, Capture.record_id, Capture.url, Capture.captured_at, Capture.offset)
            .join(Segment, Segment.id == Capture.segment_id)
            .where(Segment.store == "transit", Segment.name == writer.name, Capture.kind == "exchange")
            .where(Capture.refers_to_offset.is_(None), Capture.truncated.is_(None))
            .where(Capture.payload_bytes >= LEAST_REVISIT_BYTES)
        )
        with self._database.transaction() as session:
            for sha256, record_id, url, captured_at, offset in session.execute(statement):
                assert record_id is not None and offset is not None
                writer.remember(sha256, EarlierRecord(record_id, url, warc_date(captured_at), offset))


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found in a market's open segments at start."""

    found_again: int = 0
    """Whole exchanges that were on disk and had no row; they have one now."""
    cut_bytes: int = 0
    """Bytes of torn records cut off the ends of segments."""
    too_short: tuple[str, ...] = ()
    """Segments that are shorter than what the database was promised: damage that a person must look at."""
    cut_tails: int = 0
    """Segments whose torn end was cut off."""

    @property
    def healed(self) -> int:
        """Rows made for whole records, and torn ends cut off. # RL-3"""
        return self.found_again + self.cut_tails

    @property
    def sentence(self) -> str:
        """What was set right, for the job's result and `doctor`; as `OrphanReport.sentence` of the evidence store."""
        return (
            f"{self.healed} healed in transit: {self.found_again} captures without a row found again, "
            f"{self.cut_tails} torn ends of {self.cut_bytes} bytes cut off."
        )


def recover_market(database: Database, home: Home, market: str) -> Recovery:
    """Before a crawl of `market` appends: keep whole records without a row, cut the torn tail, name what is damaged.

    Call it only while holding the market's lease. Raises CaptureFailed where a segment can't be opened.
    """
    directory = home.transit / market
    found = cut = tails = 0
    too_short: list[str] = []
    for path in sorted(directory.glob("*.warc.gz")):
        name = f"{market}/{path.name}"
        with database.transaction() as session:
            row = find_segment(session, "transit", name)
            known = row.length if row is not None else 0
            deleted = row is not None and row.state == "deleted"
        if deleted:  # its time was over, and a kill came before the file went: `retention.finish_unlinking`
            continue
        size = path.stat().st_size
        if size < known:
            too_short.append(name)
            continue
        if size == known:
            continue
        end, places = _whole_exchanges(path, name, known, _known_payloads(database, name))
        if end < size:
            cut += size - end
            tails += 1
            logger.warning("%s: a torn record of %s bytes after byte %s is cut off.", name, size - end, end)
            os.truncate(path, end)
        with database.transaction() as session:
            insert_captures(session, places, crawl_id=None, market=market, note=FOUND_AGAIN)
        found += len(places)
    with database.transaction() as session:
        rows = session.scalars(
            select(Segment).where(Segment.store == "transit", Segment.market == market, Segment.state == "open")
        )
        too_short += [row.name for row in rows if row.length and not (home.transit / row.name).exists()]
    if found:
        logger.info("%s: %s captures found again after an interruption.", market, found)
    return Recovery(found, cut, tuple(dict.fromkeys(too_short)), tails)


@dataclass(frozen=True, slots=True)
class _Payload:
    """Where in its segment the payload of a record lies, for a revisit that refers to it."""

    offset: int
    size: int


def _known_payloads(database: Database, name: str) -> dict[str, _Payload]:
    """WARC-Record-ID -> payload, of the records of a segment that have a row."""
    statement = (
        select(Capture.record_id, Capture.offset, Capture.payload_bytes)
        .join(Segment, Segment.id == Capture.segment_id)
        .where(Segment.store == "transit", Segment.name == name, Capture.refers_to_offset.is_(None))
    )
    with database.reading() as session:
        rows = session.execute(statement)
        return {id_: _Payload(offset, size) for id_, offset, size in rows if id_ is not None and offset is not None}


def _whole_exchanges(path: Path, name: str, start: int, payloads: dict[str, _Payload]) -> tuple[int, list[RecordPlace]]:
    """The exchanges that are whole (response and its request) from `start` on, and where the last one ends.

    `payloads`: those a revisit may refer to; what is found is added.
    """
    end = start
    places: list[RecordPlace] = []
    response: Member | None = None
    for member in find_members(path, start):
        if member.type == "warcinfo":
            end = member.offset + member.length
        elif member.type == "resource":
            places.append(_place(name, member, None, None))
            end = member.offset + member.length
        elif member.type in ("response", "revisit"):
            response = member
        elif member.type == "request" and response is not None:
            earlier = payloads.get(response.headers.get("warc-refers-to", ""))
            place = _place(name, response, member, earlier)
            places.append(place)
            payloads.setdefault(place.record_id, _Payload(place.offset, place.payload_bytes))
            end = member.offset + member.length
            response = None
    return end, places


def _place(name: str, response: Member, request: Member | None, earlier: _Payload | None) -> RecordPlace:
    head, body = (b"", response.block) if request is None else split_http(response.block)
    status = head.split(b" ", 2)[1:2]
    return RecordPlace(
        segment=name,
        offset=response.offset,
        length=response.length + (request.length if request else 0),
        sha256=label_to_hex(response.headers.get("warc-payload-digest", "")) or "",
        url=response.headers.get("warc-target-uri", ""),
        method=request.block.split(b" ", 1)[0].decode("latin-1") if request else "GET",
        status=int(status[0]) if status and status[0].isdigit() else 0,
        captured_at=datetime.fromisoformat(response.headers["warc-date"].replace("Z", "+00:00")),
        media_type=media_type_of(head) if request else response.headers.get("content-type"),
        server_ip=response.headers.get("warc-ip-address"),
        truncated=response.headers.get("warc-truncated"),
        decoded_by_browser="warc-relicwatch-note" in response.headers,
        payload_bytes=len(body) if earlier is None else earlier.size,
        refers_to_offset=None if earlier is None else earlier.offset,
        record_id=response.headers.get("warc-record-id", ""),
        kind="exchange" if request else "dom",
    )
