"""Files that an officer saved: sealed in the evidence store as they are, before anything reads them.

One evidence file for each saved file and what belongs to it, named by a SHA-256 over all of them: the same imported
again, or by two people at once, is kept once, and a page that comes again with its pictures is sealed with them. What
is sealed is what the officer handed over; that the site sent it is their word, and is told as such.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from sqlalchemy import select

from crawler.home import Home
from evidence.item_check import SAVED_FILE_URN
from evidence.sealing import EVIDENCE, EvidenceDamaged, EvidenceFile, add_sealed, is_abandoned, shared_lock, to_orphans
from evidence.segments import StoreError, label_to_hex, members_in, pack_resource
from evidence.store import EvidenceStore
from storage.audit import AuditChain
from storage.database import Database
from storage.imports import SavedRecord
from storage.tables import AuditEvent, Segment

DIRECTORY = "imported"
SEALED = "saved file sealed"
NOTE = "as saved by a person, not as received from the site"
_PARTIAL = ".partial"
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class SavedBytes:
    """A file as it was handed over."""

    name: str
    """Its own name, without folders; only ever shown."""
    body: bytes
    media_type: str = "application/octet-stream"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class SavedBy:
    """Who saved a file and when, by their own word, and who imported it."""

    who: str
    when: datetime
    """Aware."""
    importer: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A saved file in the evidence store."""

    record: SavedRecord
    saved_by: SavedBy
    """As first recorded: importing a file again changes nothing."""
    was_known: bool


def seal_saved(
    database: Database, home: Home, files: Sequence[SavedBytes], saved_by: SavedBy, *, chain: AuditChain
) -> Sealed:
    """Seal a saved file, with those that belong to it after it, unless it is sealed with the same ones already.

    Raises StoreError where the disk refuses, EvidenceDamaged where the sealed file is gone or altered.
    """
    main = files[0]
    name = f"{DIRECTORY}/{_digest(files)}.warc.gz"
    store = EvidenceStore(home)
    known = _known(database, store, name)
    if known is not None:
        return known
    _set_aside_leftovers(home, name)
    imported_at = datetime.now(UTC)
    with EvidenceFile(
        home.evidence, name, details={"description": f"saved file imported by {saved_by.importer}"}
    ) as file:
        for number, one in enumerate(files):
            data = pack_resource(
                uri=record_uri(one), moment=imported_at, media_type=one.media_type, body=one.body, note=NOTE
            )
            offset = file.append(data)
            if number == 0:
                place = offset, len(data)
        with shared_lock(home):
            sha256 = file.seal()
            store.send(file.path)
            with database.transaction() as session:
                segment = add_sealed(session, file, sha256, None, imported_at)
                chain.record(
                    session,
                    actor=saved_by.importer,
                    action=SEALED,
                    object_kind="segment",
                    object_id=segment.id,
                    details={
                        "segment": name,
                        "sha256": sha256,
                        "bytes": file.length,
                        "file_sha256": main.sha256,
                        "saved_by": saved_by.who,
                        "saved_at": saved_by.when.astimezone(UTC).isoformat(),
                    },
                )
                record = SavedRecord(
                    segment.id, *place, record_uri(main), main.sha256, len(main.body), main.media_type, imported_at
                )
            store.release(file.path)
    return Sealed(record, saved_by, was_known=False)


def _digest(files: Sequence[SavedBytes]) -> str:
    """Of all that was handed over: a lone file's own, else that of a list of the files as `sha256sum` writes one.

    The main file's name does not count, for a copy under another name is the same page; those of the others do, for the
    page finds its pictures by them.
    """
    main, *others = files
    if not others:
        return main.sha256
    lines = [main.sha256, *sorted(f"{one.sha256}  {one.name}" for one in others)]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def record_uri(file: SavedBytes) -> str:
    """The record's address: digest, and name for people. Never a web address: a replay would show it as the site's."""
    return f"{SAVED_FILE_URN}{file.sha256}:{quote(file.name[-_LONGEST_NAME:], safe='')}"


def _known(database: Database, store: EvidenceStore, name: str) -> Sealed | None:
    with database.reading() as session:
        segment = session.scalars(select(Segment).where(Segment.store == EVIDENCE, Segment.name == name)).first()
        if segment is None:
            return None
        event = session.scalars(
            select(AuditEvent).where(
                AuditEvent.object_kind == "segment",
                AuditEvent.object_id == str(segment.id),
                AuditEvent.action == SEALED,
            )
        ).one()
    path = store.home.evidence / name
    member = None
    if store.has(path):
        with store.open(path) as file:
            member = next((one for one in members_in(file) if one.type == "resource"), None)
    if member is None:
        raise EvidenceDamaged(
            f"This file was imported before, and its evidence file {store.place(path)} is gone or damaged: "
            "restore it from a backup."
        )
    record = SavedRecord(
        segment_id=segment.id,
        offset=member.offset,
        length=member.length,
        uri=member.headers["warc-target-uri"],
        sha256=label_to_hex(member.headers["warc-payload-digest"]) or "",
        payload_bytes=len(member.block),
        media_type=member.headers["content-type"],
        imported_at=datetime.fromisoformat(member.headers["warc-date"]),
    )
    told = event.details
    saved_by = SavedBy(str(told["saved_by"]), datetime.fromisoformat(str(told["saved_at"])), event.actor)
    return Sealed(record, saved_by, was_known=True)


def _set_aside_leftovers(home: Home, name: str) -> None:
    """What a killed import of the same file left behind: it had no row, so nothing looks for it."""
    path = home.evidence / name
    partial = path.with_name(path.name + _PARTIAL)
    if partial.exists():
        if not is_abandoned(partial):
            raise StoreError(f"The same file is being imported by another process ({partial}): wait for its end.")
        partial.unlink(missing_ok=True)
    if path.exists():
        to_orphans(home, path)
