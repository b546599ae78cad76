"""Thumbnails of listings whose pictures came later than their page: from what a capture job sealed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.home import Home
from evidence.store import EvidenceStore
from evidence.thumbnails import ThumbnailError, make_thumbnail, store_file
from review.pictures import read_capture
from storage.captures import thumbnail
from storage.database import Database
from storage.object_index import pictures_of
from storage.tables import Capture, Listing, Observation

_MOST_TRIED = 3


def keep_missing_thumbnail(database: Database, home: Home, listing_id: int) -> bool:
    """Where a listing has no thumbnail, draw it from the first sealed picture of its page. Whether one was kept."""
    with database.reading() as session:
        if listing_id in pictures_of(session, [listing_id]):
            return False
        store = EvidenceStore(home)
        found = [(one, read_capture(session, store, one)) for one in _pictures(session, listing_id)]
    for capture, body in found:
        if body is None:
            continue
        try:
            small = make_thumbnail(body)
        except ThumbnailError:
            continue
        sha256 = store_file(home, small)
        with database.transaction() as session:
            session.add(thumbnail(capture.url, sha256, len(small), capture.id, listing_id, capture.captured_at))
        return True
    return False


def _pictures(session: Session, listing_id: int) -> list[Capture]:
    """Sealed exchanges of the pictures that the listing's page names, in the page's order, the newest of each."""
    shown = session.scalars(
        select(Observation)
        .join(Listing, Listing.current_observation_id == Observation.id)
        .where(Listing.id == listing_id)
    ).one_or_none()
    if shown is None:
        return []
    rows = session.scalars(
        select(Capture)
        .where(Capture.listing_id == listing_id, Capture.kind == "exchange", Capture.url.in_(shown.images))
        .where(Capture.status == 200, Capture.state == "COMPLETE", Capture.segment_id.is_not(None))
        .order_by(Capture.id)
    )
    newest = {row.url: row for row in rows}
    return [newest[url] for url in shown.images if url in newest][:_MOST_TRIED]
