"""Receiving a case that another unit handed over: its bundle verified whole, kept whole, and read into the database.

Nothing of a bundle is read before it was verified and a person has said whose key signed it. What it says stays under
its origin (`storage.received`); only the listings join ours, so that they are found and compared.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from crawler.extraction.measures import dimensions_in
from crawler.home import Home
from crawler.items import Assessment, ExtractedPage, ListingItem
from evidence.bag import STAMP_SUFFIX
from evidence.bundle_files import LARGEST_NOTE, BundleFiles, as_mapping, as_text
from evidence.objects_check import OBJECTS
from evidence.signing import SigningError, load_signing_key
from evidence.stamp_check import stamps_beside
from evidence.thumbnails import ThumbnailError, make_thumbnail, store_file
from evidence.verification import Verification
from evidence.verify import open_bundle, verify_bundle
from storage.audit import AuditChain
from storage.cases import add_exhibit, open_case
from storage.database import Database
from storage.jobs import queue_comparison
from storage.received import (
    ToldListing,
    case_received,
    find_received,
    keep_listing,
    keep_records,
    list_units,
    say_trust,
    trust_of,
)
from storage.tables import Case, Listing, ReceivedBundle

Judge = Callable[[ListingItem], Assessment]
_CASE, _LISTING = "relicwatch evidence bundle: case ", "relicwatch evidence bundle: listing "
_MOST_FAULTS_TOLD = 5


class NotReceived(RelicwatchError):
    """A bundle is refused: it fails verification, is a copy, is our own, or does not belong into this home."""


class KeyNotTrusted(NotReceived):
    """Nobody here has said whose key signed the bundle."""

    def __init__(self, sentence: str, fingerprint: str) -> None:
        super().__init__(sentence)
        self.fingerprint = fingerprint


@dataclass(frozen=True, slots=True)
class Received:
    case: str
    """Our reference."""
    unit: str
    fingerprint: str
    was_known: bool
    """Whether the same bundle was received before: then nothing was added."""
    listings: int = 0
    new_listings: int = 0
    decisions: int = 0
    custody: int = 0


def receive_bundle(
    database: Database,
    home: Home,
    path: Path,
    *,
    chain: AuditChain,
    actor: str,
    trust: str | None = None,
    judge: Judge | None = None,
) -> Received:
    """Verify the zip at `path` and keep it with what it says. The same bundle again adds nothing.

    `trust`: the fingerprint that the sender told by another way, as a person gives it; needed once for each key.
    `judge`: our own model's opinion of a listing. Raises NotReceived.
    """
    with _own_copy(home, path) as (copy, digest):
        verification = verify_bundle(copy)
        _check(home, verification)
        with open_bundle(copy) as files:
            labels = _labels(files)
            unit = labels.get("Source-Organization") or "unit without a name"
            fingerprint = _trusted_key(database, verification, unit, chain=chain, actor=actor, trust=trust)
            bundle_id = labels["External-Identifier"].removeprefix("urn:uuid:")
            with database.reading() as session:
                before = find_received(session, bundle_id)
                if before is not None:
                    return Received(session.get_one(Case, before.case_id).reference, unit, fingerprint, was_known=True)
            told = list(_listings(home, files, bundle_id))
            kept = _keep_zip(home, copy, digest)
            try:
                with database.transaction() as session:
                    return _keep(
                        session,
                        files,
                        labels,
                        told,
                        bundle_id=bundle_id,
                        unit=unit,
                        verification=verification,
                        file=(digest, copy.stat().st_size),
                        chain=chain,
                        actor=actor,
                        judge=judge,
                        demo=home.is_demo,
                    )
            except BaseException:
                for one in kept:
                    one.unlink(missing_ok=True)  # a bundle that the database does not know has no place here
                raise


def _check(home: Home, verification: Verification) -> None:
    if verification.unread:
        raise NotReceived(f"{verification.unread}.")
    if verification.status != "valid":
        faults = [*verification.faults, *verification.missing]
        told = "; ".join(str(one) for one in faults[:_MOST_FAULTS_TOLD])
        raise NotReceived(
            f"The bundle is {verification.status}, so nothing of it was received: {told}. "
            "`relicwatch verify` tells all; ask the sender for it again."
        )
    if verification.copy_of:
        raise NotReceived(
            "The bundle is a copy with parts left out, and a case cannot be carried on with that: ask the sender for "
            "`relicwatch cases hand-over`."
        )
    if verification.demo != home.is_demo:
        mark = "a DEMO, evidence of nothing" if verification.demo else "no DEMO, and this home is one"
        raise NotReceived(f"The bundle is {mark}: receive it in a home of its kind.")
    try:
        own = load_signing_key(home).fingerprint
    except SigningError:
        return
    if own == verification.fingerprint:
        raise NotReceived("This home signed the bundle itself: the case is here already.")


def _trusted_key(
    database: Database,
    verification: Verification,
    unit: str,
    *,
    chain: AuditChain,
    actor: str,
    trust: str | None,
) -> str:
    """The fingerprint of the key that signed, which a person trusts or trusts by this call. Raises KeyNotTrusted."""
    fingerprint = str(verification.fingerprint)
    plain = _plain(fingerprint)
    given = _plain(trust) if trust is not None else None
    if given is not None and given != plain:
        raise KeyNotTrusted(
            f"The bundle is signed with the key {fingerprint}, not with the one that you were told: do not trust it, "
            "and ask the sender by another way.",
            fingerprint,
        )
    with database.transaction() as session:
        said = trust_of(session, plain)
        if said is not None and said.trusted:
            return fingerprint
        if given is not None:
            say_trust(session, chain, plain, name=unit, trusted=True, actor=actor)
            return fingerprint
        others = [one for one in list_units(session) if one.name == unit and one.trusted]
    known = f" {unit} has signed with {others[0].fingerprint} until now: be wary." if others else ""
    ended = f" {said.said_by} ended the trust in it." if said is not None else ""
    raise KeyNotTrusted(
        f"Nobody here has said whose key signed the bundle; it names {unit}.{ended}{known} Ask that unit for its "
        f"fingerprint by another way (letter, telephone). If it is {fingerprint}, receive the bundle with "
        f"--trust {plain}",
        fingerprint,
    )


def _plain(fingerprint: str) -> str:
    return "".join(sign for sign in fingerprint.lower() if sign in "0123456789abcdef")


def _keep(
    session: Session,
    files: BundleFiles,
    labels: Mapping[str, str],
    told: list[ToldListing],
    *,
    bundle_id: str,
    unit: str,
    verification: Verification,
    file: tuple[str, int],
    chain: AuditChain,
    actor: str,
    judge: Judge | None,
    demo: bool,
) -> Received:
    fingerprint = _plain(str(verification.fingerprint))
    about = as_mapping(as_mapping(_json(files, "data/request.json")).get("case"))
    described = labels.get("External-Description", "")
    theirs = str(about.get("reference") or described.removeprefix(_CASE).removeprefix(_LISTING))
    case = case_received(session, fingerprint, theirs)
    if case is None:
        title = str(about.get("title") or theirs)[:200]
        note = f"Handed over by {unit} as their {theirs}, signed with the key {fingerprint}."
        case = open_case(session, chain, title=title, actor=actor, note=note, demo=demo)
    bundle = ReceivedBundle(
        bundle_id=bundle_id,
        case_id=case.id,
        fingerprint=fingerprint,
        unit_name=unit,
        their_reference=theirs,
        file_sha256=file[0],
        length=file[1],
        signed_at=datetime.fromisoformat(verification.signed_at) if verification.signed_at else None,
        checks=[{"name": one.name, "detail": one.detail} for one in verification.checks],
        received_by=actor,
    )
    session.add(bundle)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="case received",
        object_kind="case",
        object_id=case.id,
        details={"bundle": bundle_id, "sha256_of_bundle": file[0], "signer": fingerprint, "unit": unit},
    )
    new = 0
    for one in told:
        if judge is not None:
            one.item.assessment = judge(one.item)
        exhibit = keep_listing(session, bundle, one, demo=demo)
        add_exhibit(
            session,
            chain,
            case=case,
            listing_id=exhibit.listing_id,
            observation_id=exhibit.observation_id,
            actor=actor,
        )
        new += session.get_one(Listing, exhibit.listing_id).current_observation_id == exhibit.observation_id
        details = {"bundle": bundle_id, "signer": fingerprint, "number": one.number}
        chain.record(
            session,
            actor=actor,
            action="received",
            object_kind="listing",
            object_id=exhibit.listing_id,
            details=details,
        )
        queue_comparison(session, exhibit.listing_id, f"received:{bundle_id}:{one.number}")
    events = [("custody", as_mapping(one)) for one in as_mapping(_json(files, "data/custody/custody.json"))["events"]]
    joined = as_mapping(_json(files, OBJECTS)).get("statements") or []
    keep_records(session, bundle, [*events, *(("object", as_mapping(one)) for one in joined)])
    decisions = sum(kind == "decision" for one in told for kind, _ in one.records)
    return Received(
        case.reference,
        unit,
        fingerprint,
        was_known=False,
        listings=len(told),
        new_listings=new,
        decisions=decisions,
        custody=len(events),
    )


def _listings(home: Home, files: BundleFiles, bundle_id: str) -> Iterator[ToldListing]:
    """The items of a verified bundle. Raises NotReceived for one that holds no listing as relicwatch writes it."""
    numbers = sorted({name.split("/")[2] for name in files.sizes if name.startswith("data/items/")}, key=int)
    for number in numbers:
        item = as_mapping(_json(files, f"data/items/{number}/item.json"))
        facts = as_mapping(item.get("captured_fact"))
        try:
            told = _item(facts, bundle_id)
            first_seen = datetime.fromisoformat(facts["first_seen_at"])
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise NotReceived(
                f"Item {number} does not tell a listing as relicwatch writes it ({type(error).__name__}: {error}); "
                "nothing was received: which version does the sender use?"
            ) from error
        said = as_mapping(_json(files, f"data/decisions/{number}.json"))
        opinion = as_mapping(_json(files, f"data/analysis/{number}.json"))
        records: list[tuple[str, Mapping[str, Any]]] = [
            *(("decision", as_mapping(one)) for one in said.get("decisions") or ()),
            *(("outcome", as_mapping(one)) for one in said.get("outcomes") or ()),
            *(("assessment", as_mapping(one)) for one in opinion.get("assessments") or ()),
            *(("capture", as_mapping(one)) for one in facts.get("captures") or ()),
            ("object_id", as_mapping(_json(files, f"data/items/{number}/object-id.json"))),
        ]
        proof = facts.get("state_proof")
        yield ToldListing(number, told, proof, first_seen, records, _picture(home, files, number, facts))


def _item(facts: Mapping[str, Any], bundle_id: str) -> ListingItem:
    """What the other unit saw. Each value's source names the bundle: it is not a page that we have read."""
    shown = facts["shown"]
    seller = shown["seller"]
    size = shown["size_as_shown"]
    sources = {field: f"bundle {bundle_id}: {source}" for field, source in (shown["value_sources"] or {}).items()}
    page = ExtractedPage(
        url=facts["url_asked"],
        kind="listing",
        title=shown["title"],
        description=shown["description"],
        price=_decimal(shown["price"]),
        currency=shown["currency"],
        estimate_low=_decimal(shown["estimate_low"]),
        estimate_high=_decimal(shown["estimate_high"]),
        starting_bid=_decimal(shown["starting_bid"]),
        current_bid=_decimal(shown["current_bid"]),
        bids=shown["bids"],
        size=size,
        dimensions=dimensions_in(size) if size else [],
        weight_grams=_decimal(shown["weight_grams"]),
        seller=seller["name_as_shown"],
        seller_url=seller["url"],
        images=list(shown["image_urls"]),
        location=shown["location"],
        ends_at=datetime.fromisoformat(shown["ends_at"]) if shown["ends_at"] else None,
        lot_number=shown["lot_number"],
        availability=shown["availability"],
        canonical_url=shown["canonical_url"],
        sources=sources | {"*": f"bundle {bundle_id}"},
    )
    seen_at = datetime.fromisoformat(shown["observed_at"])
    state = facts["state"]
    return ListingItem(
        facts["market"], facts["id_space"], facts["site_item_id"], facts["url_asked"], page, seen_at, state
    )


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def _picture(home: Home, files: BundleFiles, number: str, facts: Mapping[str, Any]) -> str | None:
    """SHA-256 of a thumbnail drawn anew from the listing's first picture that can be drawn."""
    for image in map(as_mapping, facts.get("images") or ()):
        body = files.read(f"data/items/{number}/{image.get('file')}") if image.get("of_listing") else None
        if body is not None:
            try:
                return store_file(home, make_thumbnail(body))
            except ThumbnailError:
                continue
    return None


def _json(files: BundleFiles, name: str) -> Any:
    return files.json(name) if name in files.sizes else {}


def _labels(files: BundleFiles) -> dict[str, str]:
    text = as_text(files.read("bag-info.txt", LARGEST_NOTE) or b"") or ""
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


@contextmanager
def _own_copy(home: Home, path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the zip and its stamps in the home, with its SHA-256: what is verified is what is kept."""
    if path.is_dir():
        raise NotReceived(f"{path} is a directory: receive the zip as it was handed over.")
    home.received.mkdir(mode=0o700, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".receiving-", dir=home.received))
    try:
        copy = place / path.name
        digest = hashlib.sha256()
        with path.open("rb") as source, copy.open("wb") as out:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        for authority, answer in stamps_beside(path).items():
            (place / f"{path.name}.{authority}{STAMP_SUFFIX}").write_bytes(answer)
        yield copy, digest.hexdigest()
    except OSError as error:
        raise NotReceived(f"{path} cannot be read or kept ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _keep_zip(home: Home, copy: Path, digest: str) -> list[Path]:
    """The copy and its stamps under the zip's SHA-256; those that were there before are not among what comes back."""
    kept = []
    for one in sorted(copy.parent.iterdir()):
        place = home.received / f"{digest}.zip{one.name.removeprefix(copy.name)}"
        if not place.exists():
            os.link(one, place)
            place.chmod(0o400)
            kept.append(place)
    return kept
