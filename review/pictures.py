"""Which pictures there are of a listing or a register entry, where their bytes lie, and which are veiled at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.exhibit_files import decode
from evidence.store import EvidenceStore
from evidence.warc_reading import read_payload, read_records
from review.picture_drawing import MOST_BYTES
from storage.object_id import is_picture
from storage.tables import Assessment, Capture, Listing, Observation, Segment

REMAINS = "human_remains"
"""The classifier's flag for texts that offer human remains."""
MOST_PICTURES = 40
_READABLE = ("open", "sealed")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a listing: its best capture, and when it was taken."""

    capture: Capture
    number: int
    """Its place among the listing's pictures, from 1."""

    @property
    def id(self) -> int:
        return self.capture.id

    @property
    def taken_at(self) -> datetime:
        return self.capture.captured_at


def pictures_of(session: Session, listing_id: int, *, screenshots: bool = False) -> list[Picture]:
    """Each picture of a listing once, as large as it was kept: those of the offer in its order, then what else was
    captured with it; with `screenshots` these too, last.
    """
    listing = session.get(Listing, listing_id)
    shown = session.get(Observation, listing.current_observation_id or 0) if listing is not None else None
    found = session.execute(
        select(Capture, Segment)
        .outerjoin(Segment, Segment.id == Capture.segment_id)
        .where(Capture.listing_id == listing_id, Capture.state.not_in(("FAILED", "DELETED")))
        .order_by(Capture.id.desc())
        .limit(1000)
    ).all()
    rows = [row for row, segment in found if is_picture(row) and (segment is None or segment.state in _READABLE)]
    places = {url: place for place, url in enumerate(shown.images if shown else ())}
    whole = {row.url for row in rows if row.kind == "exchange"}
    seen: dict[str, Capture] = {}
    for row in sorted(rows, key=lambda one: _preference(one, places)):
        if row.kind in ("screenshot", "screenshot_viewport"):
            if screenshots:
                seen.setdefault(f"{row.kind} {row.sha256}", row)
            continue
        if row.kind == "thumbnail" and row.url in whole:
            continue
        if row.kind == "exchange" and places and row.url not in places:
            continue  # a page's furniture: logos, other lots
        seen.setdefault(row.sha256, row)  # what a market changed under one address is two pictures
    return [Picture(row, number) for number, row in enumerate([*seen.values()][:MOST_PICTURES], 1)]


def _preference(row: Capture, places: dict[str, int]) -> tuple[int, int, int, int]:
    """The offer's pictures in its order, then others, then screenshots; of one picture the fullest and newest."""
    late = row.kind in ("screenshot", "screenshot_viewport")
    small = {"exchange": 0, "saved_photo": 0, "thumbnail": 1}.get(row.kind, 2)
    return (int(late), places.get(row.url, len(places)), small, -row.id)


def read_capture(session: Session, store: EvidenceStore, capture: Capture) -> bytes | None:
    """The bytes of a capture as they were received, content codings undone; None where they are not to be had."""
    if capture.segment_id is None:
        path = store.home.file_path(capture.sha256)
        return store.read(path) if store.has(path) else None
    segment = session.get(Segment, capture.segment_id)
    if segment is None or segment.state not in _READABLE or capture.offset is None:
        return None
    offset, length = capture.offset, capture.length
    if capture.refers_to_offset is not None:
        offset = capture.refers_to_offset
        length = session.scalar(
            select(Capture.length).where(Capture.segment_id == segment.id, Capture.offset == offset).limit(1)
        )
    root = store.home.evidence if segment.store == "evidence" else store.home.transit
    if length is None or not store.has(root / segment.name):
        return None
    with store.open(root / segment.name) as file:
        payload = read_payload(file, offset, length, MOST_BYTES)
        record = next(read_records(file, start=offset, end=offset + length), None)
        coding = record.http_header("content-encoding") if record is not None else None
    return None if payload is None else decode(payload, coding)


def shows_remains(assessment: Assessment | None) -> bool:
    """Whether the text offers human remains, as the classifier reads it: then its pictures are veiled at first."""
    if assessment is None:
        return False
    flags = ((assessment.answers or {}).get("red_flags") or {}).get("flags") or ()
    rules = {str(label) for label in assessment.labels} | {str(one.get("rule")) for one in assessment.reasons}
    return any(one.get("id") == REMAINS for one in flags) or f"risk:{REMAINS}" in rules


def are_veiled(session: Session, listing_id: int | None) -> bool:
    """Whether the pictures of a listing are shown only to who asks for them: any text it ever had counts."""
    if listing_id is None:
        return False
    judged = session.scalars(select(Assessment).where(Assessment.listing_id == listing_id))
    return any(map(shows_remains, judged))


def chosen(pictures: Sequence[Picture], wanted: str | None) -> Picture | None:
    """The picture of this number as an address gives it, else the first."""
    return next((one for one in pictures if str(one.id) == wanted), next(iter(pictures), None))
