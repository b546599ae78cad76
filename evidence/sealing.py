"""Sealed, write-once evidence WARCs: a listing's records copied byte for byte out of transit, digests checked again.

The order is always: write, fsync, mode 0444, rename, directory fsync, one database commit. A kill between two of these
leaves an orphan and never half an exhibit; `heal` finds orphans at start.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, exists, select, union
from sqlalchemy.orm import Session, aliased

from crawler.errors import RelicwatchError
from crawler.home import Home
from crawler.items import Exchange
from evidence.segments import (
    Member,
    StoreError,
    label_to_hex,
    media_type_of,
    pack_exchange,
    pack_resource,
    read_bytes,
    read_members,
    split_http,
    warcinfo_record,
)
from evidence.store import ORPHANS, EvidenceStore
from evidence.thumbnails import TEMPORARY_PREFIX, is_left_over, store_file, sync_directory
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import Capture, Listing, Observation, Segment

logger = logging.getLogger(__name__)

EVIDENCE = "evidence"
TRANSIT = "transit"
MISSING = "missing"
"""State of a sealed segment whose file is gone or altered."""
_IN_TRANSIT = ("exchange", "dom")
"""What a crawl keeps as records: exchanges, and the DOM of a page that it had rendered."""
_PARTIAL = ".partial"
_SUFFIX = ".warc.gz"
_LOCK = ".lock"
_PIECE = 1 << 20


class EvidenceDamaged(RelicwatchError):
    """What lies on disk is not what was captured; the sentence names the segment and the offset."""


class SealingError(RelicwatchError):
    """There is no such listing, or its evidence file is there already."""


@dataclass(frozen=True, slots=True, eq=False)
class AddedExchange:
    """An exchange made for this evidence file itself (by the capture job), with how complete it is."""

    exchange: Exchange
    state: str = "COMPLETE"
    note: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Derivative:
    """Something made from an exchange: kept in the home's files and, where `in_warc`, as a resource record too."""

    kind: str
    """dom, screenshot, screenshot_viewport, pdf, capture_report."""
    url: str
    captured_at: datetime
    media_type: str
    body: bytes
    note: str
    of: AddedExchange | None = None
    """None: of the listing's page as the crawl fetched it."""
    state: str = "COMPLETE"
    in_warc: bool = False


Addition = AddedExchange | Derivative


class EvidenceFile:
    """One WARC below the evidence store, written once: under a temporary name, then sealed under its own.

    Nobody else can be writing it (O_EXCL), no file of that name is ever replaced, the SHA-256 is taken while writing.
    """

    def __init__(self, root: Path, name: str, *, details: Mapping[str, str] | None = None) -> None:
        """Raises SealingError where the file is there already, StoreError where it cannot be made."""
        self.name = name
        self.path = root / name
        self._partial = self.path.with_name(self.path.name + _PARTIAL)
        self._digest = hashlib.sha256()
        self.length = 0
        if self.path.exists():
            raise SealingError(f"The evidence file {self.path} is there already and is never written again.")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(root)
            self._file = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"The evidence file {self.path} cannot be made: {error.strerror}.") from error
        # Held while this process lives: `heal` leaves alone what somebody is still writing.
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.append(warcinfo_record(name, datetime.now(UTC), details=details))

    def append(self, data: bytes) -> int:
        """Write whole members; returns the offset they stand at. Raises StoreError where the disk refuses."""
        start = self.length
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as error:
            raise StoreError(
                f"The disk refused evidence for {self.path} ({error.strerror}): free space and start the job again."
            ) from error
        self._digest.update(data)
        self.length += len(data)
        return start

    def seal(self) -> str:
        """Put it on disk for good under its own name, read-only; returns the SHA-256 of the whole file."""
        try:
            os.fsync(self._file)
            os.fchmod(self._file, 0o444)
            if self.path.exists():
                raise SealingError(f"The evidence file {self.path} is there already and is never written again.")
            self._partial.rename(self.path)
            sync_directory(self.path.parent)
        except OSError as error:
            raise StoreError(
                f"The disk did not keep {self.path} ({error.strerror}): see to the disk, then start the job again."
            ) from error
        return self._digest.hexdigest()

    def __enter__(self) -> EvidenceFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; what was not sealed was never evidence and goes."""
        os.close(self._file)
        self._partial.unlink(missing_ok=True)


# -- sealing a listing ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Source:
    """A transit capture with the name of its segment."""

    capture: Capture
    segment: str
    listing_id: int | None
    """Whose copy it becomes; None for a record that is only there for a revisit that refers to it."""


@dataclass(slots=True)
class _Written:
    """What stands in the evidence file so far; rows are made of it at the end."""

    rows: list[Capture] = field(default_factory=list)
    places: dict[tuple[int, int], int] = field(default_factory=dict)
    """(transit segment, offset there) -> offset here."""
    records: dict[int, Capture] = field(default_factory=dict)
    """id() of an AddedExchange -> its row."""
    record_ids: dict[int, str] = field(default_factory=dict)


def seal_listing(
    database: Database,
    home: Home,
    listing_id: int,
    *,
    job_id: int | None = None,
    actor: str,
    chain: AuditChain,
    extra: Sequence[Addition] = (),
) -> int | None:
    """Seal what transit holds of the listing and is not sealed for it yet, with `extra`, in one new evidence file.

    Of the listing is what bears its id, and every exchange that one of its observations was read from.

    Returns the id of the evidence segment, None where there was nothing to seal. With `job_id` a second call for the
    same listing and job returns the segment of the first. Raises EvidenceDamaged (after an audit event) where a record
    is not what was captured, SealingError for an unknown listing, StoreError where the disk refuses.
    """
    with database.session() as session:
        listing = session.get(Listing, listing_id)
        if listing is None:
            raise SealingError(f"There is no listing {listing_id}.")
        done = sealed_by_job(session, listing, job_id)
        if done is not None:
            return done.id
        sources = _unsealed(session, listing_id)
    if not sources and not extra:
        return None
    _set_aside_leftovers(database, home, listing, job_id)
    try:
        return _seal(database, home, listing, sources, extra, job_id=job_id, actor=actor, chain=chain)
    except EvidenceDamaged as error:
        with database.transaction() as session:
            chain.record(
                session,
                actor=actor,
                action="damage_found",
                object_kind="listing",
                object_id=listing_id,
                details={"fault": str(error)},
            )
        raise


def sealed_by_job(session: Session, listing: Listing, job_id: int | None) -> Segment | None:
    """The evidence file that this job has made of this listing already."""
    if job_id is None:
        return None
    start, end = _name_ends(listing, job_id)
    query = select(Segment).where(
        Segment.store == EVIDENCE,
        Segment.state == "sealed",
        Segment.name.startswith(start, autoescape=True),
        Segment.name.endswith(end, autoescape=True),
    )
    return session.scalars(query).first()


def _name_ends(listing: Listing, job_id: int | None) -> tuple[str, str]:
    word = f"job{job_id}" if job_id is not None else f"r{uuid.uuid4().hex[:12]}"
    return f"{listing.market}/{listing.id}-", f"-{word}{_SUFFIX}"


def _unsealed(session: Session, listing_id: int) -> list[_Source]:
    copy = aliased(Capture)
    copy_segment = aliased(Segment)
    sealed: ColumnElement[bool] = exists().where(
        copy.source_id == Capture.id,
        copy.kind.in_(_IN_TRANSIT),
        copy.listing_id == listing_id,
        copy.segment_id == copy_segment.id,
        copy_segment.store == EVIDENCE,
        copy_segment.state == "sealed",
    )
    # One answer of a shop's list or an API holds many listings and its capture bears the id of one of them only.
    # A union and no OR: PostgreSQL would read the whole table for that.
    of_listing: CompoundSelect[Any] = union(
        select(Capture.id).where(Capture.listing_id == listing_id),
        select(Observation.capture_id).where(Observation.listing_id == listing_id, Observation.capture_id.is_not(None)),
    )
    query = (
        select(Capture, Segment.name)
        .join(Segment, Capture.segment_id == Segment.id)
        .where(Capture.id.in_(of_listing), Capture.kind.in_(_IN_TRANSIT), ~sealed)
        .where(Segment.store == TRANSIT, Segment.state != "deleted")
        .order_by(Capture.captured_at, Capture.id)
    )
    return [_Source(capture, name, listing_id) for capture, name in session.execute(query)]


def _seal(
    database: Database,
    home: Home,
    listing: Listing,
    sources: Sequence[_Source],
    extra: Sequence[Addition],
    *,
    job_id: int | None,
    actor: str,
    chain: AuditChain,
) -> int:
    start, end = _name_ends(listing, job_id)
    name = start + datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ") + end
    details = {"isPartOf": f"listing {listing.id}", "description": f"evidence copy made by {actor}"}
    written = _Written()
    with EvidenceFile(home.evidence, name, details=details) as file:
        for source in sources:
            _copy_record(database, home, source, file, written)
        for addition in extra:
            if isinstance(addition, AddedExchange):
                _add_exchange(addition, file, written)
        derivatives = [_add_derivative(home, one, file, written) for one in extra if isinstance(one, Derivative)]
        store = EvidenceStore(home)
        kept = [file.path, *(home.file_path(row.sha256) for row, _ in derivatives)]
        with shared_lock(home):
            sha256 = file.seal()
            for path in dict.fromkeys(kept):
                store.send(path)
            with database.transaction() as session:
                segment = add_sealed(session, file, sha256, listing.market, datetime.now(UTC))
                _add_rows(session, segment, listing.id, job_id, written, derivatives)
                chain.record(
                    session,
                    actor=actor,
                    action="captured",
                    object_kind="listing",
                    object_id=listing.id,
                    details={
                        "segment": name,
                        "sha256": sha256,
                        "bytes": file.length,
                        "captures": [row.id for row in written.rows],
                        "derivatives": [row.id for row, _ in derivatives],
                    },
                )
            for path in kept:
                store.release(path)
        return segment.id


def _add_rows(
    session: Session,
    segment: Segment,
    listing_id: int,
    job_id: int | None,
    written: _Written,
    derivatives: Sequence[tuple[Capture, AddedExchange | None]],
) -> None:
    for row in written.rows:
        row.segment_id = segment.id
        row.job_id = job_id
        session.add(row)
    for row in written.rows:
        if row.listing_id is None and row.source_id is None:
            row.listing_id = listing_id
    session.flush()
    fetched = [row for row in written.rows if row.listing_id == listing_id and row.source_id is not None]
    page = next((r for r in reversed(fetched) if r.kind == "exchange" and r.media_type == "text/html"), None)
    for row, of in derivatives:
        source = written.records[id(of)] if of is not None else page
        row.source_id = source.id if source is not None else None
        row.listing_id = listing_id
        row.job_id = job_id
        session.add(row)
    session.flush()


def _copy_record(database: Database, home: Home, source: _Source, file: EvidenceFile, written: _Written) -> None:
    """Copy one exchange's members as they are; a revisit's payload record goes before it, once."""
    capture = source.capture
    assert capture.segment_id is not None
    assert capture.offset is not None
    place = (capture.segment_id, capture.offset)
    if place in written.places:
        _claim(written, place, source)
        return
    refers_to = None
    if capture.refers_to_offset is not None:
        payload_place = (capture.segment_id, capture.refers_to_offset)
        if payload_place not in written.places:
            payload_source = _payload_source(database, home, source)
            _write_copy(home, payload_source, None, file, written)
        refers_to = written.places[payload_place]
    _write_copy(home, source, refers_to, file, written)


def _claim(written: _Written, place: tuple[int, int], source: _Source) -> None:
    """A record already copied as another's payload turns out to be the listing's own."""
    for row in written.rows:
        if row.offset == written.places[place]:
            row.listing_id = source.listing_id
            row.note = source.capture.note


def _payload_source(database: Database, home: Home, revisit: _Source) -> _Source:
    """The record that a revisit refers to, as a source that belongs to no listing."""
    capture = revisit.capture
    with database.session() as session:
        query = select(Capture).where(
            Capture.segment_id == capture.segment_id,
            Capture.offset == capture.refers_to_offset,
            Capture.kind == "exchange",
        )
        found = session.scalars(query).first()
        if found is None:
            raise EvidenceDamaged(
                f"The record at byte {capture.offset} of {home.transit / revisit.segment} refers to one at byte "
                f"{capture.refers_to_offset} that no capture tells of: the listing cannot be sealed."
            )
        session.expunge(found)
        return _Source(found, revisit.segment, None)


def _write_copy(home: Home, source: _Source, refers_to: int | None, file: EvidenceFile, written: _Written) -> None:
    capture = source.capture
    assert capture.segment_id is not None
    assert capture.offset is not None
    data = read_transit(home, source.segment, capture)
    offset = file.append(data)
    written.places[(capture.segment_id, capture.offset)] = offset
    written.rows.append(
        Capture(
            kind=capture.kind,
            crawl_id=capture.crawl_id,
            listing_id=source.listing_id,
            source_id=capture.id,
            url=capture.url,
            method=capture.method,
            status=capture.status,
            captured_at=capture.captured_at,
            media_type=capture.media_type,
            server_ip=capture.server_ip,
            sha256=capture.sha256,
            payload_bytes=capture.payload_bytes,
            offset=offset,
            length=len(data),
            refers_to_offset=refers_to,
            truncated=capture.truncated,
            decoded_by_browser=capture.decoded_by_browser,
            state=capture.state,
            note=capture.note,
        )
    )


def read_transit(home: Home, segment: str, capture: Capture) -> bytes:
    """The members of a transit capture, after every digest in them was checked. Raises EvidenceDamaged, StoreError."""
    assert capture.offset is not None
    assert capture.length is not None
    path = home.transit / segment
    data = read_bytes(path, capture.offset, capture.length)
    fault = record_fault(data, capture)
    if fault:
        raise EvidenceDamaged(
            f"The record at byte {capture.offset} of {path} is not what was captured ({fault}): "
            "nothing was sealed; look at the disk and restore the segment from a backup."
        )
    return data


def record_fault(data: bytes, capture: Capture) -> str | None:
    """Why these members are not the capture's exchange as recorded, None where they are."""
    members = list(read_members(data))
    if sum(member.length for member in members) != len(data) or not members:
        return "a record is torn"
    for member in members:
        label = member.headers.get("warc-block-digest", "")
        if label_to_hex(label) != hashlib.sha256(member.block).hexdigest():
            return "the bytes of a record do not match its digest"
    response = members[0]
    if response.type not in (("resource",) if capture.kind == "dom" else ("response", "revisit")):
        return f"a {response.type} record stands where the {capture.kind} should"
    if response.headers.get("warc-target-uri") != capture.url:
        return "it is of another address"
    return _payload_fault(response, capture)


def _payload_fault(response: Member, capture: Capture) -> str | None:
    if label_to_hex(response.headers.get("warc-payload-digest", "")) != capture.sha256:
        return "its payload digest is not the one in the database"
    if response.type == "revisit":
        return None if capture.refers_to_offset is not None else "a revisit that refers to nothing"
    payload = response.block if response.type == "resource" else split_http(response.block)[1]
    if hashlib.sha256(payload).hexdigest() != capture.sha256:
        return "its payload does not match the digest in the database"
    return None


def _add_exchange(addition: AddedExchange, file: EvidenceFile, written: _Written) -> None:
    exchange = addition.exchange
    packed = pack_exchange(exchange)
    row = Capture(
        kind="exchange",
        url=exchange.url,
        method=exchange.method,
        status=exchange.status,
        captured_at=exchange.started_at,
        media_type=media_type_of(exchange.response_head),
        server_ip=exchange.server_ip,
        sha256=hashlib.sha256(exchange.body).hexdigest(),
        payload_bytes=len(exchange.body),
        offset=file.append(packed.data),
        length=len(packed.data),
        truncated=exchange.truncated,
        decoded_by_browser=exchange.decoded_by_browser,
        state=addition.state,
        note=addition.note,
    )
    written.rows.append(row)
    written.records[id(addition)] = row
    written.record_ids[id(addition)] = packed.record_id


def _add_derivative(
    home: Home, derivative: Derivative, file: EvidenceFile, written: _Written
) -> tuple[Capture, AddedExchange | None]:
    sha256 = store_file(home, derivative.body)
    if derivative.in_warc:
        file.append(
            pack_resource(
                # Never the page's own address: a replay would show this in its place.
                uri=f"urn:relicwatch:{derivative.kind}:{derivative.url}",
                moment=derivative.captured_at,
                media_type=derivative.media_type,
                body=derivative.body,
                note=f"{derivative.kind}: {derivative.note}",
                refers_to=written.record_ids.get(id(derivative.of)),
            )
        )
    row = Capture(
        kind=derivative.kind,
        url=derivative.url,
        captured_at=derivative.captured_at,
        media_type=derivative.media_type,
        sha256=sha256,
        payload_bytes=len(derivative.body),
        state=derivative.state,
        note=derivative.note,
    )
    return row, derivative.of


def _set_aside_leftovers(database: Database, home: Home, listing: Listing, job_id: int | None) -> None:
    """What a killed run of the same job left: its unfinished file goes, a whole one without a row is set aside."""
    if job_id is None:
        return
    start, end = _name_ends(listing, job_id)
    directory = home.evidence / listing.market
    for path in sorted(directory.glob(f"{listing.id}-*{end}*")) if directory.is_dir() else []:
        name = f"{listing.market}/{path.name}"
        if name.startswith(start):
            with database.session() as session:
                known = session.scalars(select(Segment).where(Segment.name == name, Segment.store == EVIDENCE)).first()
            if known is None:
                to_orphans(home, path)


# -- orphans ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrphanReport:
    """Files without a row and rows without their file. # RL-3"""

    files_without_row: tuple[Path, ...] = ()
    """In the evidence store: whole files whose commit never came, and unfinished ones."""
    rows_without_file: tuple[int, ...] = ()
    """Ids of sealed evidence segments whose file is gone or of another length."""
    rows_found_again: tuple[int, ...] = ()
    """Ids of segments marked missing whose file is back and matches its digest."""
    captures_without_file: tuple[int, ...] = ()
    """Ids of derivatives whose content-named file is gone."""
    unfinished_files: tuple[Path, ...] = ()
    """Temporary names among the content-named files."""
    objects_without_row: tuple[str, ...] = ()
    """Evidence files in the store whose commit never came."""
    copies_in_both: tuple[Path, ...] = ()
    """In the home still, though the store holds them and their row is there; no orphans, but in the way."""
    store_problem: str | None = None
    """Why the store was not looked through; what may lie there is then not called missing."""

    @property
    def count(self) -> int:
        return sum(
            len(part)
            for part in (
                self.files_without_row,
                self.rows_without_file,
                self.rows_found_again,
                self.captures_without_file,
                self.unfinished_files,
                self.objects_without_row,
            )
        )

    @property
    def sentence(self) -> str:
        """What was found, for the log and `doctor`."""
        return (
            f"{self.count} orphans: {len(self.files_without_row) + len(self.objects_without_row)} evidence files "
            "without a row, "
            f"{len(self.rows_without_file)} rows without their evidence file, "
            f"{len(self.rows_found_again)} found again, "
            f"{len(self.captures_without_file)} derivatives without their file, "
            f"{len(self.unfinished_files)} unfinished files."
        )


def find_orphans(database: Database, home: Home) -> OrphanReport:
    """Compare the evidence store and the content-named files with their rows; changes nothing."""
    with database.session() as session:
        segments = list(session.scalars(select(Segment).where(Segment.store == EVIDENCE, Segment.state != "deleted")))
        # Those too that retention deleted and whose file is about to go: set aside, it would outlive its time.
        known = set(session.scalars(select(Segment.name).where(Segment.store == EVIDENCE)))
        derivatives = session.execute(
            select(Capture.id, Capture.sha256).where(
                Capture.kind != "exchange",
                Capture.segment_id.is_(None),
                Capture.state.not_in(("FAILED", "DELETED")),
            )
        ).all()
    store, problem, held = EvidenceStore(home), None, {}
    try:
        held = store.objects()
    except StoreError as error:
        problem = str(error)
    names = {path.name for path in home.files.glob("??/*")} | {name.rpartition("/")[2] for name in held}
    of_rows = {f"{EVIDENCE}/{name}" for name in known}
    files = _evidence_files(home)
    missing = [s for s in segments if s.state == MISSING]
    return OrphanReport(
        files_without_row=tuple(path for path in files if _name_of(home, path) not in known),
        rows_without_file=tuple(
            s.id for s in segments if s.state == "sealed" and not problem and _length(home, s, held) != s.length
        ),
        rows_found_again=tuple(
            s.id for s in missing if _length(home, s, held) == s.length and _digest(store, s) == s.sha256
        ),
        captures_without_file=tuple(id_ for id_, sha256 in derivatives if not problem and sha256 not in names),
        unfinished_files=tuple(sorted(path for path in home.files.glob(f"??/{TEMPORARY_PREFIX}*"))),
        objects_without_row=tuple(n for n in sorted(held) if n.startswith(f"{EVIDENCE}/") and n not in of_rows),
        copies_in_both=tuple(
            path
            for path in files
            if held.get(f"{EVIDENCE}/{_name_of(home, path)}") == path.stat().st_size and _name_of(home, path) in known
        ),
        store_problem=problem,
    )


def _length(home: Home, segment: Segment, held: Mapping[str, int]) -> int | None:
    path = home.evidence / segment.name
    return path.stat().st_size if path.is_file() else held.get(f"{EVIDENCE}/{segment.name}")


def _digest(store: EvidenceStore, segment: Segment) -> str:
    return store.sha256(store.home.evidence / segment.name)


def heal(database: Database, home: Home, *, chain: AuditChain, actor: str = "start") -> OrphanReport:
    """Set orphans right and report them: evidence files are moved to `evidence/orphans`, rows are marked.

    Only what a dead process had not finished among the content-named files is deleted: it never had a name that
    anything looks for. Run it at start. What another process is writing at this moment is left alone.
    """
    with _exclusive_lock(home):
        report = find_orphans(database, home)
        if report.store_problem:
            logger.warning("The evidence store was not looked through. %s", report.store_problem)
        moved = [path for path in report.files_without_row if is_abandoned(path)]
        for path in moved:
            to_orphans(home, path)
        store = EvidenceStore(home)
        for name in report.objects_without_row:
            store.set_aside(name)
        for path in report.copies_in_both:
            store.release(path)
        for path in filter(is_left_over, report.unfinished_files):
            path.unlink(missing_ok=True)
        changed = (report.rows_without_file, report.rows_found_again, report.captures_without_file)
        if any(changed) or moved or report.objects_without_row:
            with database.transaction() as session:
                _mark(session, report)
                chain.record(
                    session,
                    actor=actor,
                    action="orphans_healed",
                    object_kind="store",
                    object_id=EVIDENCE,
                    details={
                        "files_set_aside": [*(_name_of(home, path) for path in moved), *report.objects_without_row],
                        "segments_missing": list(report.rows_without_file),
                        "segments_found_again": list(report.rows_found_again),
                        "captures_without_file": list(report.captures_without_file),
                    },
                )
    return report


def _mark(session: Session, report: OrphanReport) -> None:
    for id_ in (*report.rows_without_file, *report.rows_found_again):
        segment = session.get_one(Segment, id_)
        segment.state = "sealed" if id_ in report.rows_found_again else MISSING
    for id_ in report.captures_without_file:
        capture = session.get_one(Capture, id_)
        capture.state = "FAILED"
        capture.note = f"{capture.note or ''} Its file was missing at a start of the program.".strip()


def _evidence_files(home: Home) -> list[Path]:
    found = [*home.evidence.glob(f"*/*{_SUFFIX}"), *home.evidence.glob(f"*/*{_SUFFIX}{_PARTIAL}")]
    return sorted(path for path in found if path.parent.name != ORPHANS)


def _name_of(home: Home, path: Path) -> str:
    return path.relative_to(home.evidence).as_posix()


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def is_abandoned(path: Path) -> bool:
    """Whether nobody is writing this file: its writer would hold a lock on it."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def to_orphans(home: Home, path: Path) -> None:
    orphans = home.evidence / ORPHANS
    orphans.mkdir(mode=0o700, exist_ok=True)
    path.rename(orphans / f"{path.parent.name}-{uuid.uuid4().hex[:8]}-{path.name}")
    sync_directory(orphans)
    sync_directory(path.parent)


def add_sealed(session: Session, file: EvidenceFile, sha256: str, market: str | None, sealed_at: datetime) -> Segment:
    """The row of an evidence file that was sealed just now, with its id; `market` is None for what was imported."""
    segment = Segment(
        store=EVIDENCE,
        name=file.name,
        market=market,
        state="sealed",
        length=file.length,
        sha256=sha256,
        sealed_at=sealed_at,
    )
    session.add(segment)
    session.flush()
    return segment


@contextmanager
def shared_lock(home: Home) -> Iterator[None]:
    """Held from rename to commit, so that `heal` never takes a file in between for an orphan."""
    with _locked(home, fcntl.LOCK_SH):
        yield


@contextmanager
def _exclusive_lock(home: Home) -> Iterator[None]:
    with _locked(home, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(home: Home, kind: int) -> Iterator[None]:
    handle = os.open(home.evidence / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)
