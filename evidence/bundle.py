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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crawler.blackening import black_text, name_pattern
from crawler.egress import Guard
from crawler.errors import RelicwatchError, UsageError
from crawler.home import DEMO_MARK, Home
from crawler.program import ProgramInfo, operator, program_info
from evidence.authorities import Authority, load_authorities, roots_pem
from evidence.bag import LISTING, BagWriter
from evidence.bundle_files import is_bounded_json
from evidence.case_objects import build_objects
from evidence.cover import Cover, look_up_checks
from evidence.custody import CustodyDamaged, custody_record, gather_custody
from evidence.derived import Derivation, Original, derive
from evidence.exhibit_files import PackedListing, Picture, checked_listing, pack_listing, pack_stamps
from evidence.item import ListingRecords, load_listing
from evidence.objects_check import OBJECTS
from evidence.picture_metadata import clean
from evidence.plain_zip import PlainZipWriter
from evidence.provenance import build_provenance
from evidence.provenance_exports import build_exports_graph
from evidence.recipients import UNIT, Request
from evidence.redaction import LABEL, Part
from evidence.report.printing import NotPrinted, Printer
from evidence.report.render import LANGUAGES, Explain, render_custody, render_index, render_instructions, render_listing
from evidence.sealing import EvidenceDamaged
from evidence.signing import SigningKey, load_signing_key
from evidence.stamping import EXPORT, ask_pending
from evidence.store import EvidenceStore
from evidence.wacz import to_json
from storage.audit import AuditChain
from storage.database import Database
from storage.stamps import stamps_of, want_stamps
from storage.tables import Case, Exhibit, Export, Listing, utc_now

SCHEMAS = Path(__file__).parent / "schemas"
CARDS_FORMAT = "relicwatch-model-cards-1"
ORIGINALS = "originals"
"""Below the home's exports: sealed bundles of which copies were handed over."""
MOST_ON_ONE_PAGE = 50
"""Listings that index.html tells in full; of more, each has a page of its own, so that the first opens at once."""
REQUEST = "request.json"
"""Below `data/`: what the sender put on the cover."""
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
    original: Path | None = None
    """Where this is a copy with parts left out: the sealed bundle that it was made of, to be kept."""


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
    request: Request | None = None,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> ExportedBundle:
    """Write the bundle of one case (by reference) or of one listing into the directory `to`.

    With a `request` a cover sheet stands before the report. Where its recipient is not given all of it, the bundle is
    sealed among the home's originals, and the copy for the recipient is written into `to`.

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
            request,
            progress,
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
    request: Request | None,
    progress: Callable[[Mapping[str, Any]], None] | None,
) -> ExportedBundle:
    now = utc_now()
    demo = home.is_demo or any(records.listing.demo for records in subject.listings)
    authorities = load_authorities(home)
    store = EvidenceStore(home)
    with database.transaction() as session:
        custody = gather_custody(session, subject.objects, bundle_id)
        checks = look_up_checks(session, [records.listing.id for records in subject.listings]) if request else None
    numbers = {f"{place:03}": records.listing.id for place, records in enumerate(subject.listings, 1)}
    report = _Report(subject, languages, demo, explain, printer)
    to_unit = request is not None and request.recipient == UNIT
    told_case = report.case if to_unit else None
    cover = Cover(request, operator(), now, checks, numbers, told_case) if request else None

    def seal(bag: BagWriter, name: str, of: str, index: bytes, printed: str, original: Original | None) -> None:
        def ask(signature: bytes) -> dict[str, bytes]:
            """What is had at once; the rest is asked for again by the stamp job, and laid beside the zip. # EV-21"""
            with database.transaction() as session:
                names = [one.name for one in authorities]
                want_stamps(session, kind=EXPORT, reference=of, data=signature, authorities=names)
            if guard is not None and authorities:
                ask_pending(database, home, guard, chain=chain, actor=actor, reference=of)
            with database.reading() as session:
                found = stamps_of(session, kind=EXPORT, reference=of)
                return {stamp.authority: stamp.answer for _, stamps in found for stamp in stamps if stamp.answer}

        info = _bag_info(subject, of, now, demo, program, key, authorities, printed, original)
        instructions = render_instructions(demo=demo, fingerprint=key.fingerprint)
        bag.seal(info, index, instructions, key, {one.name: roots_pem(one) for one in authorities}, ask)

    def note(written: _Written, of: str, more: dict[str, Any], form: str = "whole") -> None:
        try:
            with database.transaction() as session:
                told = about | {"sha256": written.sha256, "bytes": written.bytes} | more
                _log(chain, session, actor, "export.finished", of, told)
                session.add(
                    Export(
                        bundle_id=of,
                        case_id=subject.case.id if subject.case else None,
                        listing_id=None if subject.case else subject.listings[0].listing.id,
                        path=str(written.path),
                        sha256=written.sha256,
                        exported_by=actor,
                        exported_at=now,
                        languages=list(languages),
                        recipient=more.get("recipient"),
                        form=form,
                    )
                )
        except BaseException:
            written.path.unlink(missing_ok=True)  # a bundle that the log does not know must not be handed out
            raise

    withheld = request.withheld if request else frozenset()
    recipient = {"recipient": request.recipient, "withheld": sorted(withheld)} if request else {}
    name = _bundle_name(subject, bundle_id, now, demo)
    record = custody_record(custody)
    with _new_zip(home.exports / ORIGINALS if withheld else to, name) as (workspace, package, whole):
        bag = BagWriter(package, name)
        packed = []
        for number, records in enumerate(subject.listings, 1):
            # One by one: the files of one listing are at hand, and what was read of them is let go after it.
            with checked_listing(store, records, workspace) as listing:
                whole_one = pack_listing(bag, number, listing, workspace, program, key.secret)
                packed.append(replace(whole_one, stamps=pack_stamps(database, bag, number, listing)))
            if progress is not None:
                progress({"listings": number, "of": len(subject.listings)})
        _add_records(bag, report, packed, record, bundle_id, program, cards)
        own_cover = cover if not withheld else None
        if own_cover:
            bag.add_bytes(REQUEST, to_json(own_cover.record))
        if to_unit and (objects := _objects(database, numbers)):
            bag.add_bytes(OBJECTS.removeprefix("data/"), to_json(objects))
        index, printed = _add_report(bag, report, packed, record, own_cover, frozenset())
        seal(bag, name, bundle_id, index, printed, None)
    if withheld:
        note(whole, bundle_id, {"original_of_copies": True}, "original")
    else:
        note(whole, bundle_id, recipient)
    if not withheld or cover is None:
        return ExportedBundle(whole.path, bundle_id, whole.sha256, len(packed), key.fingerprint)
    copy_id = str(uuid.uuid4())
    copy_name = _copy_name(name, copy_id, cover.request)
    with _new_zip(to, copy_name) as (_, package, copied):
        bag = BagWriter(package, copy_name)
        own_pages = {f"report.{one}.pdf" for one in LANGUAGES}
        own_pages |= {f"items/{listing.number}/{LISTING}" for listing in packed}
        made = derive(whole.path, bag, bundle_id, withheld, own_pages)
        bag.add_bytes(REQUEST, to_json(cover.record))
        shown = [_as_copied(listing, made, withheld) for listing in packed]
        if "seller" in withheld:
            report = replace(report, names=made.names)
        events = record if "custody" not in withheld else {**record, "events": []}
        index, printed = _add_report(bag, report, shown, events, cover, withheld)
        seal(bag, copy_name, copy_id, index, printed, made.original)
    note(copied, copy_id, {**recipient, "original": bundle_id}, "copy")
    return ExportedBundle(copied.path, copy_id, copied.sha256, len(packed), key.fingerprint, whole.path)


def _objects(database: Database, numbers: Mapping[str, int]) -> dict[str, Any] | None:
    with database.reading() as session:
        return build_objects(session, {listing: number for number, listing in numbers.items()})


@dataclass(slots=True)
class _Written:
    """A zip that is there whole."""

    path: Path
    sha256: str = ""
    bytes: int = 0


@contextmanager
def _new_zip(to: Path, name: str) -> Iterator[tuple[Path, PlainZipWriter, _Written]]:
    """A working directory in `to` and a zip being written there; it stands in `to` under its name when all worked."""
    to.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=to))
    written = _Written(to / f"{name}.zip")
    try:
        draft = workspace / "bundle.zip"
        with draft.open("wb") as file:
            with PlainZipWriter(file) as package:
                yield workspace, package, written
            file.flush()
            os.fsync(file.fileno())
        with draft.open("rb") as whole:
            written.sha256 = hashlib.file_digest(whole, "sha256").hexdigest()
        written.bytes = draft.stat().st_size
        draft.rename(written.path)
        _sync_directory(to)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Report:
    """What every report of this export is made with."""

    subject: _Subject
    languages: Sequence[str]
    demo: bool
    explain: Explain | None
    printer: Printer | None
    names: frozenset[str] | None = None
    """Of sellers, to be blacked out of the case's title; None: it stays."""

    @property
    def case(self) -> dict[str, str] | None:
        case = self.subject.case
        if case is None:
            return None
        title = case.title if self.names is None else black_text(case.title, name_pattern(self.names))
        return {"reference": case.reference, "title": title}


def _as_copied(listing: PackedListing, made: Derivation, withheld: frozenset[Part]) -> PackedListing:
    """The listing as a copy holds it, for the copy's report."""

    def record(path: str, none: dict[str, Any]) -> dict[str, Any]:
        return dict(made.records.get(f"data/{path}", none))

    folder = f"items/{listing.number}"
    item = record(f"{folder}/item.json", {})
    kept = {path: source for path, source in listing.pictures.items() if f"data/{path}" in made.digests}
    if "seller" in withheld:  # what is printed is what the copy holds
        kept = {path: partial(_cleaned, source) for path, source in kept.items()}
    return PackedListing(
        number=listing.number,
        item=item,
        analysis=record(f"analysis/{listing.number}.json", {"assessments": []}),
        decisions=record(f"decisions/{listing.number}.json", {"decisions": [], "changed_after_decision": False}),
        object_id=record(f"{folder}/object-id.json", {}),
        screenshots=[] if "captures" in withheld else listing.screenshots,
        images=[one for one in listing.images if f"data/{folder}/{one['file']}" in made.digests],
        files=[(path, made.digests[f"data/{path}"]) for path, _ in listing.files if f"data/{path}" in made.digests],
        pictures=kept,
    )


def _cleaned(source: Picture) -> bytes | None:
    data = source()
    return clean(data).data if data is not None else None


def _add_records(
    bag: BagWriter,
    report: _Report,
    packed: Sequence[PackedListing],
    record: dict[str, Any],
    bundle_id: str,
    program: ProgramInfo,
    cards: Cards | None,
) -> None:
    """Custody log, schema, model cards, provenance."""
    log = to_json(record)
    if not is_bounded_json(log):
        raise ExportFailed(
            f"The custody log is longer than what `relicwatch verify` reads ({len(log)} bytes): export the listings of "
            "the case one by one, with --listing."
        )
    bag.add_bytes("custody/custody.json", log)
    bag.add_bytes("custody/case.jsonld", to_json(build_exports_graph(record["events"])))
    for schema in sorted(SCHEMAS.glob("*.schema.json")):
        bag.add_bytes(f"schema/{schema.name}", schema.read_bytes())
    told = {one["model"] for listing in packed for one in listing.analysis["assessments"]}
    known = {model: card for model, card in (cards() if cards else {}).items() if model in told}
    note = "Of the models whose opinions stand in this directory. One that is no longer installed has no card."
    without = sorted(told - {model for model, card in known.items() if card})
    cards_told = {model: card for model, card in known.items() if card} | dict.fromkeys(without, NO_CARD)
    bag.add_bytes("analysis/model-card.json", to_json({"format": CARDS_FORMAT, "note": note, "models": cards_told}))
    reference = report.case["reference"] if report.case else None
    acts = [event for event in record["events"] if event["object_kind"] != "export"]
    bag.add_bytes("provenance/case.jsonld", to_json(build_provenance(packed, program, reference, acts)))
    html = render_custody(record, languages=report.languages, demo=report.demo, bundle_id=bundle_id)
    bag.add_bytes("custody/custody.html", html)


def _add_report(
    bag: BagWriter,
    report: _Report,
    packed: Sequence[PackedListing],
    record: Mapping[str, Any],
    cover: Cover | None,
    withheld: frozenset[Part],
) -> tuple[bytes, str]:
    """The report into the bag: what index.html is to hold, and a word on the printed ones for bag-info.txt."""

    pictures = {f"data/{path}": source for listing in packed for path, source in listing.pictures.items()}

    def page(shown: Sequence[str], at_hand: Collection[str] | None = None, *, apart: bool = False) -> bytes:
        return render_index(
            packed,
            record,
            case=report.case,
            languages=shown,
            demo=report.demo,
            explain=report.explain,
            cover=cover,
            withheld=withheld,
            printed=at_hand,
            apart=apart,
        )

    printed = "none: made where no Chromium could print"
    if report.printer is not None:
        sheets = {one: page([one], pictures) for one in report.languages}
        try:
            for one, pdf in report.printer(sheets, pictures).items():
                bag.add_bytes(f"report.{one}.pdf", pdf)
            printed = ", ".join(f"data/report.{one}.pdf" for one in report.languages)
        except NotPrinted as error:
            printed = f"none: {error}"
    apart = len(packed) > MOST_ON_ONE_PAGE
    for listing in packed if apart else ():
        told = render_listing(
            listing, languages=report.languages, demo=report.demo, explain=report.explain, withheld=withheld
        )
        bag.add_bytes(f"items/{listing.number}/{LISTING}", told)
    return page(report.languages, apart=apart), printed


def _bag_info(
    subject: _Subject,
    bundle_id: str,
    now: datetime,
    demo: bool,
    program: ProgramInfo,
    key: SigningKey,
    authorities: Sequence[Authority],
    printed: str,
    original: Original | None,
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
    if original is not None:
        info[LABEL] = original.line
    if demo:
        info["Relicwatch-Demo"] = f"{DEMO_MARK}: make-believe listings, evidence of nothing"
    return info


def _bundle_name(subject: _Subject, bundle_id: str, now: datetime, demo: bool) -> str:
    about = subject.case.reference if subject.case else f"listing-{subject.listings[0].listing.id}"
    plain = re.sub(r"[^A-Za-z0-9]+", "-", about).strip("-")[:40] or "case"
    return f"{DEMO_MARK + '-' if demo else ''}relicwatch-{plain}-{now:%Y%m%d}-{bundle_id[:8]}"


def _copy_name(name: str, copy_id: str, request: Request) -> str:
    """Of a copy: the original's name but for its id, then whom it is for."""
    return f"{name[:-8]}{copy_id[:8]}-copy-{request.recipient or 'redacted'}"


def _log(chain: AuditChain, session: Any, actor: str, action: str, bundle_id: str, details: dict[str, Any]) -> None:
    chain.record(session, actor=actor, action=action, object_kind="export", object_id=bundle_id, details=details)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
