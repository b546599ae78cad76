"""The files of one listing in a bundle: checked against the database, packed, and checked again as packed."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import brotli

from crawler.errors import RelicwatchError
from crawler.home import Home
from crawler.picture_kinds import image_suffix
from crawler.program import ProgramInfo
from evidence.bag import WACZ, BagWriter
from evidence.history import build_history
from evidence.item import (
    SURROUNDINGS,
    ListingRecords,
    PackedCapture,
    build_analysis,
    build_decisions,
    build_item,
    utc,
)
from evidence.object_id import build_object_id
from evidence.redaction import salted
from evidence.sealing import EvidenceDamaged
from evidence.store import EvidenceStore
from evidence.wacz import Page, to_json, write_wacz
from evidence.warc_reading import WarcFault, WarcRecord, label_sha256, read_payload, read_records
from storage.database import Database
from storage.stamps import leaf_of
from storage.tables import Capture, Listing, Segment

LARGEST_IMAGE = 64 << 20
Picture = Callable[[], bytes | None]
"""Gives the bytes when they are wanted: a case holds more pictures than memory does."""
STAMPS_FORMAT = "relicwatch-stamps-1"
PRINTED_IMAGES = 6
"""Of one listing, in the printed report; all stand in the bundle as files."""
_SCREENSHOTS = ("screenshot", "screenshot_viewport")
_IMAGES = ("image", "saved_photo", "thumbnail")
_SUFFIXES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "application/pdf": "pdf",
    "application/json": "json",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
}


class EvidenceMissing(RelicwatchError):
    """A listing has no sealed capture, so that a bundle of it would hold no evidence."""


@dataclass(frozen=True, slots=True)
class CheckedListing:
    """A listing whose every file was read and found to match the database."""

    records: ListingRecords
    segments: Sequence[Segment]
    """Its evidence files, oldest first; their names in the bundle are their order."""
    found: dict[tuple[int, int], WarcRecord]
    """(segment id, offset) -> record."""
    home: Home
    """Where these files lie on this computer while the listing is packed."""
    store: EvidenceStore
    """Where they lie for good."""


@dataclass(frozen=True, slots=True)
class PackedListing:
    """What the report says of a listing: its JSON files' contents and its files, with paths below `data/`."""

    number: str
    item: dict[str, Any]
    analysis: dict[str, Any]
    decisions: dict[str, Any]
    object_id: dict[str, Any]
    screenshots: Sequence[dict[str, Any]]
    images: Sequence[dict[str, Any]]
    files: Sequence[tuple[str, str]]
    """(path, SHA-256) of the listing's main files."""
    pictures: dict[str, Picture]
    """Path below `data/` -> what gives its bytes: screenshots and images, for the printed report."""
    stamps: Sequence[dict[str, Any]] = ()
    """Authorities' answers over its captures: file below `data/`, digest, size, authority, time."""


@contextmanager
def checked_listing(store: EvidenceStore, records: ListingRecords, workspace: Path) -> Iterator[CheckedListing]:
    """The listing with its files at hand, and no longer. Raises as `check_listing` does. # EV-18"""
    used = {row.segment_id for row in records.captures if row.segment_id}
    paths = [store.home.evidence / s.name for s in records.segments.values() if s.id in used]
    paths += [store.home.file_path(row.sha256) for row in records.captures if row.segment_id is None]
    with store.nearby(dict.fromkeys(paths), workspace) as home:
        yield check_listing(store, home, records)


def check_listing(store: EvidenceStore, home: Home, records: ListingRecords) -> CheckedListing:
    """Re-hash every file and record of a listing. Raises EvidenceDamaged or EvidenceMissing. # EV-18"""
    listing = records.listing
    used = {row.segment_id for row in records.captures if row.segment_id}
    segments = sorted((s for s in records.segments.values() if s.id in used), key=lambda s: s.id)
    gone = [s for s in records.segments.values() if s.store == "evidence" and s.state not in ("open", "sealed")]
    if gone:
        raise EvidenceDamaged(
            f"The evidence file {home.evidence / gone[0].name} of listing {listing.id} is marked {gone[0].state}; "
            f"it should have SHA-256 {gone[0].sha256}. The export was refused; restore the file from a backup."
        )
    if not segments:
        raise EvidenceMissing(
            f"Listing {listing.id} ({listing.url}) has no sealed capture yet: wait for its capture job, or run "
            f"`relicwatch capture --listing {listing.id}`, then export."
        )
    found: dict[tuple[int, int], WarcRecord] = {}
    for segment in segments:
        for record in _read_segment(store, home, segment):
            found[segment.id, record.offset] = record
    _check_revisits(listing, found)
    for row in records.captures:
        if row.segment_id is None:
            _check_file(home.file_path(row.sha256), row.sha256, store.place(store.home.file_path(row.sha256)))
        else:
            _check_capture(row, records.segments[row.segment_id], found)
    return CheckedListing(records, segments, found, home, store)


def pack_listing(
    bag: BagWriter, number: int, checked: CheckedListing, workspace: Path, program: ProgramInfo, secret: bytes
) -> PackedListing:
    """Write `items/NNN/` into the bag, and beside it what was thought and decided of it.

    `secret`: what salts are made with, so that a copy may name these files by their hash.

    Raises EvidenceDamaged where a file changed since it was checked.
    """
    folder = f"items/{number:03}"
    packed = [_place(row, checked) for row in checked.records.captures]
    names = _derivative_names(packed)
    packed = [
        PackedCapture(p.capture, {"file": names[p.capture.id]}, None) if p.capture.id in names else p for p in packed
    ]
    pictures: dict[str, Picture] = {}
    images = _extract_images(bag, folder, checked, pictures)
    for row_id, path in names.items():
        row = next(p.capture for p in packed if p.capture.id == row_id)
        _expect(
            checked.home.file_path(row.sha256),
            row.sha256,
            bag.add_file(f"{folder}/{path}", checked.home.file_path(row.sha256)),
        )
        if row.kind in _SCREENSHOTS or row.kind in _IMAGES:
            pictures[f"{folder}/{path}"] = partial(checked.store.read, checked.store.home.file_path(row.sha256))
    item = salted(build_item(checked.records, packed, images, program, _surroundings(checked)), secret)
    analysis = salted(build_analysis(checked.records), secret)
    decisions = salted(build_decisions(checked.records), secret)
    object_id = salted(build_object_id(checked.records, images), secret)
    item_sha256 = bag.add_bytes(f"{folder}/item.json", to_json(item))
    bag.add_bytes(f"{folder}/object-id.json", to_json(object_id))
    bag.add_bytes(f"{folder}/observations.json", to_json(salted(build_history(checked.records), secret)))
    bag.add_bytes(f"analysis/{number:03}.json", to_json(analysis))
    bag.add_bytes(f"decisions/{number:03}.json", to_json(decisions))
    wacz_sha256 = _pack_wacz(bag, folder, checked, item, workspace, program)
    screenshots = [c for c in item["captured_fact"]["captures"] if c["kind"] in _SCREENSHOTS and "file" in c]
    kept = [c for c in item["captured_fact"]["captures"] if c["kind"] in _IMAGES and "file" in c]
    return PackedListing(
        number=f"{number:03}",
        item=item,
        analysis=analysis,
        decisions=decisions,
        object_id=object_id,
        screenshots=screenshots,
        images=[*images, *kept],
        pictures=pictures,
        files=[(f"{folder}/item.json", item_sha256), (f"{folder}/{WACZ}", wacz_sha256)],
    )


def _surroundings(checked: CheckedListing) -> dict[str, Any] | None:
    """What the newest capture report says of what stood around; None where no capture job has told."""
    reports = [row for row in checked.records.captures if row.kind == "capture_report" and row.segment_id is None]
    if not reports:
        return None
    last = max(reports, key=lambda row: (row.captured_at, row.id))
    told = json.loads(checked.home.file_path(last.sha256).read_bytes())
    return {"capture": last.id, **{name: told.get(name) for name in SURROUNDINGS}}


def pack_stamps(database: Database, bag: BagWriter, number: int, checked: CheckedListing) -> list[dict[str, Any]]:
    """Write `items/NNN/stamps/`: for each stamped tree that holds captures of this listing, the root as stamped, the
    captures' ways up to it, and the authorities' answers; returns these as `PackedListing.stamps` has them. # EV-20
    """
    digests = [segment.sha256 or "" for segment in checked.segments]
    digests += [row.sha256 for row in checked.records.captures if row.segment_id is None]
    packed: list[dict[str, Any]] = []
    with database.reading() as session:
        leaves = [leaf for digest in dict.fromkeys(digests) if (leaf := leaf_of(session, digest)) is not None]
        trees = {leaf.subject.id: leaf for leaf in leaves}
        for place, (subject_id, one) in enumerate(sorted(trees.items()), start=1):
            answers = {stamp.authority: stamp for stamp in one.stamps if stamp.answer is not None}
            if not answers:
                continue
            folder = f"items/{number:03}/stamps/{place:03}"
            own = [{"sha256": leaf.sha256, "path": leaf.path} for leaf in leaves if leaf.subject.id == subject_id]
            bag.add_bytes(f"{folder}.json", to_json({"format": STAMPS_FORMAT, "leaves": own}))
            bag.add_bytes(f"{folder}.txt", one.subject.data)
            for name, stamp in sorted(answers.items()):
                answer, path = stamp.answer or b"", f"{folder}.{name}.tsr"
                sha256 = bag.add_bytes(path, answer)
                if stamp.gen_time is not None:
                    told = {"file": path, "sha256": sha256, "bytes": len(answer), "authority": name}
                    packed.append({**told, "gen_time": utc(stamp.gen_time)})
    return packed


def _read_segment(store: EvidenceStore, home: Home, segment: Segment) -> list[WarcRecord]:
    path = home.evidence / segment.name
    shown = store.place(store.home.evidence / segment.name)
    _check_file(path, segment.sha256 or "none in the database", shown)
    try:
        with path.open("rb") as file:
            records = list(read_records(file))
    except WarcFault as error:
        raise EvidenceDamaged(
            f"The evidence file {shown} is not a whole WARC: {error}; the export was refused."
        ) from error
    return records


def _check_revisits(listing: Listing, found: dict[tuple[int, int], WarcRecord]) -> None:
    """Every payload must be in the bundle itself. # EV-8"""
    ids = {record.id for record in found.values() if record.type != "revisit"}
    for record in found.values():
        if record.type == "revisit" and record.headers.get("warc-refers-to") not in ids:
            raise EvidenceDamaged(
                f"The evidence of listing {listing.id} refers to a record outside itself "
                f"({record.uri} at byte {record.offset}); the export was refused: capture the listing again."
            )


def _check_capture(row: Capture, segment: Segment, found: dict[tuple[int, int], WarcRecord]) -> None:
    record = found.get((segment.id, row.offset if row.offset is not None else -1))
    where = f"Capture {row.id} ({row.url}) in {segment.name}"
    if record is None:
        raise EvidenceDamaged(f"{where}: there is no record at byte {row.offset}; the export was refused.")
    if label_sha256(record.headers.get("warc-payload-digest")) != row.sha256:
        raise EvidenceDamaged(
            f"{where}: its payload has another digest than {row.sha256} in the database; the export was refused."
        )
    if record.uri != row.url:
        raise EvidenceDamaged(f"{where}: the record there is of {record.uri}; the export was refused.")


def _check_file(path: Path, expected: str, shown: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EvidenceDamaged(
            f"The evidence file {shown} cannot be read ({error.strerror}); it should have SHA-256 {expected}. "
            "The export was refused."
        ) from error
    _expect(shown, expected, found)


def _expect(shown: str | Path, expected: str, found: str) -> None:
    if found != expected:
        raise EvidenceDamaged(
            f"The evidence file {shown} was changed: its SHA-256 is {found}, the database says {expected}. "
            "The export was refused; restore the file from a backup."
        )


def _warc_name(position: int) -> str:
    return f"capture-{position + 1:03}.warc.gz"


def _place(row: Capture, checked: CheckedListing) -> PackedCapture:
    if row.segment_id is None:
        return PackedCapture(row, {}, None)
    position = [segment.id for segment in checked.segments].index(row.segment_id)
    place = {"warc": _warc_name(position), "offset": row.offset, "length": row.length}
    return PackedCapture(row, place, checked.found[row.segment_id, row.offset or 0])


def _derivative_names(packed: Sequence[PackedCapture]) -> dict[int, str]:
    """Capture id -> path below the listing's directory; a rendered page ends in `.txt`: a double click runs nothing."""
    names: dict[int, str] = {}
    counts: dict[str, int] = {}
    for entry in packed:
        row = entry.capture
        if row.segment_id is not None:
            continue
        directory = "screenshots" if row.kind in _SCREENSHOTS else "images" if row.kind in _IMAGES else "derived"
        label = row.kind.replace("_", "-")
        counts[label] = counts.get(label, 0) + 1
        suffix = _SUFFIXES.get(row.media_type or "", "txt" if row.kind == "dom" else "bin")
        names[row.id] = f"{directory}/{label}-{counts[label]:03}.{suffix}"
    return names


def _extract_images(
    bag: BagWriter, folder: str, checked: CheckedListing, pictures: dict[str, Picture]
) -> list[dict[str, Any]]:
    """Every picture among the captured exchanges as a file that opens: decoded, named by us, once each.

    The first few of the listing's own are put into `pictures`.
    """
    shown = checked.records.observation
    offered = set(shown.images) if shown else set()
    rows = [row for row in checked.records.captures if row.kind == "exchange" and row.segment_id and row.status == 200]
    images: list[dict[str, Any]] = []
    seen: set[str] = set()
    for row in sorted(rows, key=lambda r: (r.url not in offered, r.captured_at, r.id)):
        name, record = _image_record(checked, row)
        data = _image_bytes((checked.home.evidence / name).open("rb"), record)
        suffix = image_suffix(data) if data else None
        if data is None or suffix is None:
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in seen:
            continue
        seen.add(sha256)
        path = f"images/image-{len(images) + 1:03}.{suffix}"
        bag.add_bytes(f"{folder}/{path}", data)
        if row.url in offered and len(pictures) < PRINTED_IMAGES:
            pictures[f"{folder}/{path}"] = partial(_image_again, checked.store, name, record)
        images.append(
            {
                "file": path,
                "sha256": sha256,
                "bytes": len(data),
                "url": row.url,
                "capture": row.id,
                "of_listing": row.url in offered,
                "note": "content decoded from the captured exchange",
            }
        )
    return images


def _image_record(checked: CheckedListing, row: Capture) -> tuple[str, WarcRecord]:
    """Name of the evidence file and the record with the picture's bytes."""
    at = (row.segment_id or 0, row.offset or 0)
    record = checked.found[at]
    if record.type == "revisit":
        target = record.headers["warc-refers-to"]
        at, record = next((k, r) for k, r in checked.found.items() if r.id == target and r.type != "revisit")
    return checked.records.segments[at[0]].name, record


def _image_bytes(file: IO[bytes], record: WarcRecord) -> bytes | None:
    with file:
        payload = read_payload(file, record.offset, record.length, LARGEST_IMAGE)
    return None if payload is None else decode(payload, record.http_header("content-encoding"))


def _image_again(store: EvidenceStore, name: str, record: WarcRecord) -> bytes | None:
    return _image_bytes(store.open(store.home.evidence / name), record)


def decode(payload: bytes, coding: str | None) -> bytes | None:
    """The content behind a content coding; None where it is unknown, damaged or larger than a picture may be."""
    name = (coding or "identity").strip().lower()
    try:
        if name in ("identity", ""):
            return payload
        if name in ("gzip", "x-gzip"):
            unpacker = zlib.decompressobj(31)
            data = unpacker.decompress(payload, LARGEST_IMAGE)
            return data if unpacker.eof else None
        if name == "br":
            opened = brotli.Decompressor()
            data = opened.process(payload, output_buffer_limit=LARGEST_IMAGE)
            return data if opened.is_finished() else None
    except (zlib.error, brotli.error):
        return None
    return None


def _pack_wacz(
    bag: BagWriter, folder: str, checked: CheckedListing, item: dict[str, Any], workspace: Path, program: ProgramInfo
) -> str:
    warcs = [(_warc_name(n), checked.home.evidence / s.name) for n, s in enumerate(checked.segments)]
    facts = item["captured_fact"]
    title = (facts["shown"] or {}).get("title") or checked.records.listing.url
    pages = _pages(checked, facts, title)
    path = workspace / "listing.wacz"
    write_wacz(path, warcs, pages, title=title, software=f"{program.name} {program.version}")
    for segment in checked.segments:
        warc = checked.home.evidence / segment.name
        _check_file(warc, segment.sha256 or "", checked.store.place(checked.store.home.evidence / segment.name))
    try:
        return bag.add_file(f"{folder}/{WACZ}", path)
    finally:
        path.unlink()


def _pages(checked: CheckedListing, facts: dict[str, Any], title: str) -> list[Page]:
    """The page the address led to; where the WARC has no such record, the first response in it."""
    records = list(checked.found.values())
    wanted = facts["final_url"] or checked.records.listing.url
    for types in (("response", "revisit"), ("resource",)):
        for record in records:
            if record.uri == wanted and record.type in types:
                return [Page(record.uri, record.date, title)]
    first = next((r for r in records if r.type in ("response", "revisit", "resource")), None)
    if first is None:
        raise EvidenceMissing(f"Listing {checked.records.listing.id} has an evidence file without any captured page.")
    return [Page(first.uri, first.date, title)]
