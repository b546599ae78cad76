"""Captures and the segments they lie in, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from crawler.items import RecordPlace
from storage.tables import Capture, Segment

SAVED_FILE = "saved_file"
"""A file as an officer saved it, imported: a resource record of an evidence file."""
SAVED_PHOTO = "saved_photo"
"""A photograph out of such a file."""
MADE_SMALL = "made from the photograph as received: scaled down, metadata dropped"
TAKEN_OUT = "taken out of the saved file as it is"
REPORTED = "How the page was captured."
"""Notes that captures carry; a screen has words of its own for them."""
KINDS = (
    "exchange",
    "dom",
    "screenshot",
    "screenshot_viewport",
    "pdf",
    "thumbnail",
    "capture_report",
    SAVED_FILE,
    SAVED_PHOTO,
)
"""Every kind of capture there is: screens and reports need a word for each."""


_CAPTURES = cast(Table, Capture.__table__)
_INSERT = insert(_CAPTURES).returning(_CAPTURES.c.offset, _CAPTURES.c.id)


def find_segment(session: Session, store: str, name: str) -> Segment | None:
    return session.scalars(select(Segment).where(Segment.store == store, Segment.name == name)).first()


def insert_captures(
    session: Session,
    places: Sequence[RecordPlace],
    *,
    crawl_id: int | None,
    market: str,
    note: str | None = None,
) -> dict[tuple[str, int], int]:
    """One row for each exchange in a transit segment, and the segment's known length moved on.

    Returns (segment name, offset) -> capture id.
    """
    ids: dict[tuple[str, int], int] = {}
    for name in dict.fromkeys(place.segment for place in places):
        segment = find_segment(session, "transit", name)
        if segment is None:
            segment = Segment(store="transit", name=name, market=market)
            session.add(segment)
            session.flush()
        of_segment = [place for place in places if place.segment == name]
        segment.length = max(segment.length, *(place.offset + place.length for place in of_segment))
        rows = [_row(place, segment.id, crawl_id, note) for place in of_segment]
        inserted = session.connection().execute(_INSERT, rows)
        ids.update({(name, offset): id_ for offset, id_ in inserted if offset is not None})
    return ids


def derivative(
    *,
    kind: str,
    url: str,
    sha256: str,
    size: int,
    media_type: str,
    captured_at: datetime,
    listing_id: int | None,
    source_id: int | None,
    note: str | None = None,
) -> Capture:
    """A row for a file in the home made from an exchange (thumbnail, screenshot, DOM)."""
    return Capture(
        kind=kind,
        url=url,
        sha256=sha256,
        payload_bytes=size,
        media_type=media_type,
        captured_at=captured_at,
        listing_id=listing_id,
        source_id=source_id,
        note=note,
    )


def thumbnail(photo_url: str, sha256: str, size: int, made_from: int | None, listing_id: int, at: datetime) -> Capture:
    """A row for a photograph's thumbnail; `made_from` is the photograph's own capture."""
    return derivative(
        kind="thumbnail",
        url=photo_url,
        sha256=sha256,
        size=size,
        media_type="image/jpeg",
        captured_at=at,
        listing_id=listing_id,
        source_id=made_from,
        note=MADE_SMALL,
    )


def _row(place: RecordPlace, segment_id: int, crawl_id: int | None, note: str | None) -> dict[str, object]:
    return {
        "kind": place.kind,
        "crawl_id": crawl_id,
        "url": place.url,
        "method": place.method,
        "status": place.status,
        "captured_at": place.captured_at,
        "media_type": place.media_type,
        "server_ip": place.server_ip,
        "sha256": place.sha256,
        "payload_bytes": place.payload_bytes,
        "segment_id": segment_id,
        "offset": place.offset,
        "length": place.length,
        "record_id": place.record_id or None,
        "refers_to_offset": place.refers_to_offset,
        "truncated": place.truncated,
        "decoded_by_browser": place.decoded_by_browser,
        "state": "PARTIAL" if place.truncated else "COMPLETE",
        "note": note,
    }
