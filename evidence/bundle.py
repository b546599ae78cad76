"""Exporting an evidence bundle: every byte checked against the database, packed as a signed bag, and logged.

What the bundle looks like stands in `evidence.bag`, `evidence.wacz`, `evidence.item` and `evidence.report`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crawler.egress import Guard
from crawler.errors import RelicwatchError, UsageError
from crawler.home import DEMO_MARK, Home
from crawler.program import ProgramInfo, operator, program_info
from evidence.authorities import Authority, load_authorities, roots_pem
from evidence.bag import BagWriter
from evidence.bundle_files import is_bounded_json
from evidence.custody import CustodyDamaged, custody_record, gather_custody
from evidence.exhibit_files import PackedListing, check_listing, pack_listing, pack_stamps
from evidence.item import ListingRecords, load_listing
from evidence.plain_zip import PlainZipWriter
from evidence.provenance import build_provenance
from evidence.report.printing import NotPrinted, Printer
from evidence.report.render import LANGUAGES, Explain, render_custody, render_index, render_instructions
from evidence.sealing import EvidenceDamaged
from evidence.signing import SigningKey, load_signing_key
from evidence.stamping import EXPORT, ask_pending
from evidence.wacz import to_json
from storage.audit import AuditChain
from storage.database import Database
from storage.stamps import stamps_of, want_stamps
from storage.tables import Case, Exhibit, Export, Listing, utc_now

SCHEMAS = Path(__file__).parent / "schemas"
CARDS_FORMAT = "relicwatch-model-cards-1"
NO_CARD = "no card"
"""In a card's place: how this model was made and how often it errs is not known here."""
Cards = Callable[[], Mapping[str, Any]]


class ExportFailed(RelicwatchError):
    """A bundle could not be written: unknown case, full disk, closed directory."""


@dataclass(frozen=True, slots=True)
class ExportedBundle:
    path: Path
    bundle_id: str
    sha256: str
    """Of the zip."""
    listings: int
    signer: str
    """Fingerprint of the signer's certificate."""


@dataclass(frozen=True, slots=True)
class _Subject:
    case: Case | None
    listings: Sequence[ListingRecords]

    @property
    def objects(self) -> list[tuple[str, object]]:
        """What the custody log of this bundle is about."""
        objects: list[tuple[str, object]] = []
        if self.case:
            objects += [("case", self.case.id), ("case", self.case.reference)]
        for records in self.listings:
            objects.append(("listing", records.listing.id))
            objects += [("capture", row.id) for row in (*records.captures, *records.left_out)]
            objects += [("decision", row.id) for row, _user in records.decisions]
            objects += [("segment", segment_id) for segment_id in records.segments]
        return objects


def export_bundle(
    database: Database,
    home: Home,
    *,
    chain: AuditChain,
    actor: str,
    to: Path,
    case: str | None = None,
    listing_id: int | None = None,
    languages: Sequence[str] = ("en",),
    program: ProgramInfo | None = None,
    explain: Explain | None = None,
    printer: Printer | None = None,
    guard: Guard | None = None,
    cards: Cards | None = None,
) -> ExportedBundle:
    """Write the bundle of one case (by reference) or of one listing into the directory `to`.

    `explain` tells the machine's answers in the report's languages; without it they stand in analysis/ alone, by id.
    `printer` makes the report's PDFs; without it there are none, and bag-info.txt says so. `guard`: timestamp
    authorities are asked through it at once; without it, and where one does not answer, the stamp is pending.
    `cards` gives the model cards by model, for analysis/.

    Nothing is left in `to` unless all of it worked; what went wrong is logged. Raises EvidenceDamaged where a byte
    on disk or a log entry does not match the database, EvidenceMissing where a listing has no sealed capture,
    SigningError without a usable key, ExportFailed for an unknown subject or a disk that refuses.
    """
    if (case is None) == (listing_id is None):
        raise UsageError("Name either a case or a listing to export, and not both.")
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown or not languages:
        raise UsageError(
            f"A bundle can be written in {', '.join(LANGUAGES)}; {', '.join(unknown) or 'none'} was asked."
        )
    key = load_signing_key(home)
    bundle_id = str(uuid.uuid4())
    with database.transaction() as session:
        subject = _load_subject(session, case, listing_id)
        about = {
            "case": subject.case.id if subject.case else None,
            "listings": [r.listing.id for r in subject.listings],
        }
        _log(chain, session, actor, "export.started", bundle_id, about | {"languages": list(languages)})
    try:
        return _write(
            database,
            home,
            chain,
            actor,
            to,
            subject,
            bundle_id,
            tuple(languages),
            program or program_info(),
            key,
            about,
            explain,
            printer,
            guard,
            cards,
        )
    except (RelicwatchError, OSError) as error:
        action = "export.refused" if isinstance(error, EvidenceDamaged | CustodyDamaged) else "export.failed"
        with database.transaction() as session:
            _log(chain, session, actor, action, bundle_id, about | {"reason": str(error)})
        if isinstance(error, OSError):
            raise ExportFailed(
                f"The bundle could not be written to {to} ({error.strerror or error}): "
                "free space or choose another directory; nothing was left there."
            ) from error
        raise


def _load_subject(session: Any, case: str | None, listing_id: int | None) -> _Subject:
    if case is None:
        listing = session.get(Listing, listing_id)
        if listing is None:
            raise ExportFailed(f"There is no listing {listing_id}: `relicwatch listings search` shows their numbers.")
        return _Subject(None, [load_listing(session, listing, None)])
    found = session.scalars(select(Case).where(Case.reference == case)).first()
    if found is None:
        raise ExportFailed(f"There is no case {case!r}: `relicwatch cases list` shows those there are.")
    exhibits = list(session.scalars(select(Exhibit).where(Exhibit.case_id == found.id).order_by(Exhibit.number)))
    if not exhibits:
        raise ExportFailed(f"The case {case!r} holds no listing yet, so there is nothing to export.")
    listings = [load_listing(session, session.get_one(Listing, row.listing_id), row) for row in exhibits]
    return _Subject(found, listings)


def _write(
    database: Database,
    home: Home,
    chain: AuditChain,
    actor: str,
    to: Path,
    subject: _Subject,
    bundle_id: str,
    languages: Sequence[str],
    program: ProgramInfo,
    key: SigningKey,
    about: dict[str, Any],
    explain: Explain | None,
    printer: Printer | None,
    guard: Guard | None,
    cards: Cards | None,
) -> ExportedBundle:
    now = utc_now()
    demo = home.is_demo or any(records.listing.demo for records in subject.listings)
    name = _bundle_name(subject, bundle_id, now, demo)
    to.mkdir(parents=True, exist_ok=True)
    final = to / f"{name}.zip"
    authorities = load_authorities(home)
    checked = [check_listing(home, records) for records in subject.listings]
    with database.transaction() as session:
        custody = gather_custody(session, subject.objects, bundle_id)

    def ask(signature: bytes) -> dict[str, bytes]:
        """What is had at once; the rest is asked for again by the stamp job, and laid beside the zip. # EV-21"""
        with database.transaction() as session:
            names = [one.name for one in authorities]
            want_stamps(session, kind=EXPORT, reference=bundle_id, data=signature, authorities=names)
        if guard is not None and authorities:
            ask_pending(database, home, guard, chain=chain, actor=actor, reference=bundle_id)
        with database.reading() as session:
            found = stamps_of(session, kind=EXPORT, reference=bundle_id)
            return {stamp.authority: stamp.answer for _, stamps in found for stamp in stamps if stamp.answer}

    workspace = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=to))
    try:
        draft = workspace / "bundle.zip"
        with draft.open("wb") as file:
            with PlainZipWriter(file) as package:
                bag = BagWriter(package, name)
                packed = [pack_listing(bag, n, listing, workspace, program) for n, listing in enumerate(checked, 1)]
                for number, listing in enumerate(checked, 1):
                    pack_stamps(database, bag, number, listing)
                index, printed = _add_report(
                    bag, subject, packed, custody, languages, demo, bundle_id, explain, printer, program, cards
                )
                info = _bag_info(subject, bundle_id, now, demo, program, key, authorities, printed)
                instructions = render_instructions(demo=demo, fingerprint=key.fingerprint)
                bag.seal(info, index, instructions, key, {one.name: roots_pem(one) for one in authorities}, ask)
            file.flush()
            os.fsync(file.fileno())
        with draft.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        size = draft.stat().st_size
        draft.rename(final)
        _sync_directory(to)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    try:
        with database.transaction() as session:
            _log(chain, session, actor, "export.finished", bundle_id, about | {"sha256": sha256, "bytes": size})
            session.add(
                Export(
                    bundle_id=bundle_id,
                    case_id=subject.case.id if subject.case else None,
                    listing_id=None if subject.case else subject.listings[0].listing.id,
                    path=str(final),
                    sha256=sha256,
                    exported_by=actor,
                    exported_at=now,
                    languages=list(languages),
                )
            )
    except BaseException:
        final.unlink(missing_ok=True)  # a bundle that the log does not know must not be handed out
        raise
    return ExportedBundle(final, bundle_id, sha256, len(packed), key.fingerprint)


def _add_report(
    bag: BagWriter,
    subject: _Subject,
    packed: Sequence[PackedListing],
    custody: Any,
    languages: Sequence[str],
    demo: bool,
    bundle_id: str,
    explain: Explain | None,
    printer: Printer | None,
    program: ProgramInfo,
    cards: Cards | None,
) -> tuple[bytes, str]:
    """The report into the bag: what index.html is to hold, and a word on the printed ones for bag-info.txt."""
    case = {"reference": subject.case.reference, "title": subject.case.title} if subject.case else None
    record = custody_record(custody)
    log = to_json(record)
    if not is_bounded_json(log):
        raise ExportFailed(
            f"The custody log is longer than what `relicwatch verify` reads ({len(log)} bytes): export the listings of "
            "the case one by one, with --listing."
        )
    bag.add_bytes("custody/custody.json", log)
    for schema in sorted(SCHEMAS.glob("*.schema.json")):
        bag.add_bytes(f"schema/{schema.name}", schema.read_bytes())
    told = {one["model"] for listing in packed for one in listing.analysis["assessments"]}
    known = {model: card for model, card in (cards() if cards else {}).items() if model in told}
    note = "Of the models whose opinions stand in this directory. One that is no longer installed has no card."
    without = sorted(told - {model for model, card in known.items() if card})
    cards_told = {model: card for model, card in known.items() if card} | dict.fromkeys(without, NO_CARD)
    bag.add_bytes("analysis/model-card.json", to_json({"format": CARDS_FORMAT, "note": note, "models": cards_told}))
    acts = [event for event in record["events"] if event["object_kind"] != "export"]
    provenance = build_provenance(packed, program, case["reference"] if case else None, acts)
    bag.add_bytes("provenance/case.jsonld", to_json(provenance))
    bag.add_bytes("custody/custody.html", render_custody(record, languages=languages, demo=demo, bundle_id=bundle_id))

    def page(shown: Sequence[str]) -> bytes:
        return render_index(packed, record, case=case, languages=shown, demo=demo, explain=explain)

    printed = "none: made where no Chromium could print"
    if printer is not None:
        sheets = {one: page([one]) for one in languages}
        pictures = {f"data/{path}": source for listing in packed for path, source in listing.pictures.items()}
        try:
            for one, pdf in printer(sheets, pictures).items():
                bag.add_bytes(f"report.{one}.pdf", pdf)
            printed = ", ".join(f"data/report.{one}.pdf" for one in languages)
        except NotPrinted as error:
            printed = f"none: {error}"
    return page(languages), printed


def _bag_info(
    subject: _Subject,
    bundle_id: str,
    now: datetime,
    demo: bool,
    program: ProgramInfo,
    key: SigningKey,
    authorities: Sequence[Authority],
    printed: str,
) -> dict[str, str]:
    about = f"case {subject.case.reference}" if subject.case else f"listing {subject.listings[0].listing.url}"
    info = {
        "Source-Organization": operator(),
        "Bagging-Date": now.astimezone(UTC).date().isoformat(),
        "External-Identifier": f"urn:uuid:{bundle_id}",
        "External-Description": f"relicwatch evidence bundle: {about}",
        "Bag-Software-Agent": program.label,
        "Relicwatch-Exported-At": now.astimezone(UTC).isoformat(timespec="seconds"),
        "Relicwatch-Signer-SHA256": key.fingerprint,
        "Relicwatch-Trusted-Time": (
            f"asked of {', '.join(one.name for one in authorities)}; answers lie in signatures/ or beside the zip, and "
            "where there is none the stamp is pending"
            if authorities
            else "none: no timestamp authority is configured, the times are those of the computer that captured"
        ),
        "Relicwatch-Report-PDF": printed,
    }
    if demo:
        info["Relicwatch-Demo"] = f"{DEMO_MARK}: make-believe listings, evidence of nothing"
    return info


def _bundle_name(subject: _Subject, bundle_id: str, now: datetime, demo: bool) -> str:
    about = subject.case.reference if subject.case else f"listing-{subject.listings[0].listing.id}"
    plain = re.sub(r"[^A-Za-z0-9]+", "-", about).strip("-")[:40] or "case"
    return f"{DEMO_MARK + '-' if demo else ''}relicwatch-{plain}-{now:%Y%m%d}-{bundle_id[:8]}"


def _log(chain: AuditChain, session: Any, actor: str, action: str, bundle_id: str, details: dict[str, Any]) -> None:
    chain.record(session, actor=actor, action=action, object_kind="export", object_id=bundle_id, details=details)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
