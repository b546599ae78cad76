"""Verifying a bundle with nothing but the bundle: no database, no network. `python -m evidence.verify BUNDLE` does it.

Every check runs even where an earlier one failed, so that the faults together show what was done to the bundle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning

from crawler.errors import UsageError
from crawler.home import DEMO_MARK
from evidence.bag import (
    BUNDLE_NAME,
    CERTIFICATE,
    DECLARATION,
    INSTRUCTIONS,
    MANIFEST,
    SIGNATURE,
    TAG_FILES,
    TAG_MANIFEST,
    WACZ,
)
from evidence.bundle_files import (
    LARGEST_LIST,
    LARGEST_NOTE,
    BundleFiles,
    DirectoryFiles,
    JsonFault,
    ZipFiles,
    as_mapping,
    as_text,
)
from evidence.faults import Fault, Faults, in_file
from evidence.item_check import SAVED_FILE_URN, item_faults, moment_of, number_of
from evidence.objects_check import objects_faults
from evidence.plain_zip import ZipAltered, ZipCutShort, name_fault
from evidence.redaction_check import Redaction, against_faults, copied_item_faults, read_redaction
from evidence.rules import RULES
from evidence.signing import SignatureInvalid, certificate_fingerprint, verify_detached
from evidence.stamp_check import (
    AUTHORITY_FILE,
    STAMP_FILE,
    capture_stamps,
    signature_stamps,
    stamps_beside,
    tree_faults,
)
from evidence.story_check import story_faults
from evidence.wacz_check import WaczCheck
from evidence.whole_check import copied_faults, whole_faults

Status = Literal["valid", "invalid", "incomplete"]
EXIT_STATUS: dict[Status, int] = {"valid": 0, "invalid": 1, "incomplete": 3}
NOT_CHECKED = (
    "The times are those of the computer that captured: no trusted time stamp is included.",
    "That signer.crt belongs to the installation you think: anyone can make a whole bundle and sign it with a key of "
    "their own. Compare the fingerprint with the one that the operator tells you by another way (letter, telephone).",
    "Whether the holder of the key left entries out of the custody log: entries after the last one shown, or entries "
    "of which only the hash is shown.",
    "Whether index.html and custody.html say what item.json and custody.json say, and item.json what the page says: "
    "they are covered by the signature, not compared.",
    "What stands in one place alone and is the signer's word: when a listing was first seen, its number at the market, "
    "who collected it, the definition's hash, the moment of a decision, and what bag-info.txt tells of its stamps.",
    "Whether the server told the truth, and whether the object is what it is said to be.",
)
COPY_NOT_CHECKED = (
    "Whether the parts that are here stand so in the original: compare with --against ORIGINAL, or ask its holder to."
)
NOT_FROM_THE_SITE = (
    "Whether a saved file is what the site or the chat showed: a person handed it over, and it is kept as they did."
)
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_NEEDED = ("bagit.txt", MANIFEST, TAG_MANIFEST, SIGNATURE, CERTIFICATE)
_FIRST = "0" * 64
"""What the first entry of a chain has for its previous hash."""
_INFO_LINE = re.compile(r"([A-Za-z0-9-]+): (.*)")
_INFO = "bag-info.txt"
_DEMO_LABEL = "Relicwatch-Demo"
_PLACES = re.compile(
    r"data/(?:report\.(?:en|fr|ar)\.pdf|redaction\.json|request\.json|objects\.json"
    r"|custody/(?:custody\.(?:json|html)|case\.jsonld)"
    r"|provenance/case\.jsonld|schema/[a-z-]+\.schema\.json"
    r"|analysis/model-card\.json"
    r"|(?:analysis|decisions)/\d{3,}\.json"
    r"|items/\d{3,}/(?:item\.json|object-id\.json|observations\.json|capture/001\.wacz"
    r"|(?:images|screenshots|derived)/[a-z0-9-]+\.[a-z0-9]+|stamps/\d{3,}\.(?:json|txt|[a-z0-9_]{1,40}\.tsr)))"
)
_OF_ITEM = re.compile(r"data/items/(\d{3,})/.*")
_BESIDE_ITEM = re.compile(r"data/(?:analysis|decisions)/(\d{3,})\.json")
_DERIVED = ("screenshots/", "derived/", "images/")
_CLOCKS = timedelta(minutes=10)
"""By which the signer's clock may run ahead of an authority's."""
AUTHORITIES_NOT_CHECKED = (
    "Whether the timestamp authorities are ones that you trust: their certificates in signatures/authorities are this "
    "installation's choice. Compare them with what the authority publishes, or give your own with --trust."
)
_REQUIRED_PAYLOAD = ("data/custody/custody.json", "data/custody/custody.html", "data/custody/case.jsonld")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class Verification:
    """What was checked, what is wrong (file, rule, sentence) and what no check of this kind can show."""

    path: Path
    checks: list[Check] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    missing: list[Fault] = field(default_factory=list)
    """Parts without which nothing can be judged; they make a bundle incomplete where nothing else is wrong."""
    signer: str | None = None
    """Subject of signer.crt."""
    fingerprint: str | None = None
    stamped_at: list[str] = field(default_factory=list)
    """Trusted times of the bundle: when, and by whom."""
    signed_at: str | None = None
    """As the signer's own clock says."""
    demo: bool = False
    name: str | None = None
    """Of the bundle, as bag-info.txt says; the name of its file is anybody's choice."""
    unread: str | None = None
    """Why nothing was checked at all, in one sentence with what to do."""
    files: int = 0
    listings: int = 0
    records: int = 0
    copy_of: str | None = None
    """Where this is a copy with parts left out: id of the original and the SHA-256 of its tag manifest."""
    left_out: list[str] = field(default_factory=list)
    """Files of the original that the copy has not."""
    not_checked: tuple[str, ...] = NOT_CHECKED

    @property
    def status(self) -> Status:
        if self.faults:
            return "invalid"
        return "incomplete" if self.missing else "valid"

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.status]

    def note(self, name: str, faults: Iterable[Fault], detail: str) -> None:
        """Record one check with its faults: the first hundred in words, the rest as a number."""
        found = list(faults if isinstance(faults, Faults) else Faults(faults))
        self.faults += found
        self.checks.append(Check(name, not found, detail if not found else "; ".join(map(str, found))))

    def give_up(self, rule: str, sentence: str) -> None:
        """Record that the bundle cannot be read, and what to do."""
        self.missing.append(Fault(rule, sentence, self.path.name))
        self.checks.append(Check("package", False, sentence))


def verify_bundle(path: Path, trusted: Sequence[x509.Certificate] = (), against: Path | None = None) -> Verification:
    """Check the bundle at `path` (zip or unpacked directory). Raises nothing for a bad bundle: the result says it.

    `trusted`: certificates of timestamp authorities that the reader trusts; without them those in the bundle count.
    `against`: the original that a copy is to be compared with. Raises UsageError where that cannot be read.
    """
    result = Verification(path)
    try:
        if path.is_dir():
            _verify_files(DirectoryFiles(path), result, {}, trusted, against)
        else:
            with path.open("rb") as file:
                files = ZipFiles(file, has_top_directory=True, expected_top=path.stem)
                _verify_files(files, result, stamps_beside(path), trusted, against)
    except FileNotFoundError as error:
        _leave_unread(
            result,
            "bag.unreadable",
            f"{path} cannot be read ({error.strerror}); give the path of the bundle, a zip or directory",
        )
    except ZipCutShort as error:
        _leave_unread(
            result, error.rule, f"{path}: {error}; copy the bundle again from where you have it, then verify that copy"
        )
    except OSError as error:
        reason = error.strerror or "unknown reason"
        _leave_unread(
            result,
            "bag.unreadable",
            f"{path} cannot be read ({reason}); see to its permissions or copy the bundle again",
        )
    except ZipAltered as error:
        result.note("package", [error.fault(path.name)], "")
    except RecursionError:
        result.note(
            "package", [Fault("json.form", "it holds JSON that is nested deeper than any of relicwatch", path.name)], ""
        )
    except MemoryError:
        result.give_up(
            "bag.unreadable", f"{path.name} needs more memory than this computer gives: verify it on a larger one"
        )
    return result


def _leave_unread(result: Verification, rule: str, sentence: str) -> None:
    result.give_up(rule, sentence)
    result.unread = sentence


def _verify_files(
    files: BundleFiles,
    result: Verification,
    beside: Mapping[str, bytes],
    trusted: Sequence[x509.Certificate],
    against: Path | None,
) -> None:
    result.files = len(files.sizes)
    result.note(
        "package", in_file(result.path.name, files.faults), f"{len(files.sizes)} files, nothing between or after them"
    )
    absent = [name for name in _NEEDED if name not in files.sizes]
    result.missing += [
        Fault("bag.missing", f"{name} is missing, so the bundle cannot be judged", name) for name in absent
    ]
    payload = _read_manifest(files, MANIFEST, result)
    tags = _read_manifest(files, TAG_MANIFEST, result)
    _check_declaration(files, result)
    redaction = _check_redaction(files, _check_info(files, result), result, against)
    gone = redaction.left_out if redaction else {}
    _check_lists(files, payload, tags, result, gone)
    _check_digests(files, MANIFEST, payload, result)
    _check_digests(files, TAG_MANIFEST, tags, result)
    _check_signature(files, result)
    _check_signer_named(files, result)
    _check_places(files, result, gone)
    warcs, demo_items = _check_listings(files, result, gone)
    _check_stamps(files, result, beside, trusted)
    _check_demo(files, demo_items, result)
    if "data/custody/custody.json" not in gone:
        _check_custody(files, warcs, result)
    if redaction is None:
        numbers = sorted({match[1] for name in files.sizes if (match := _OF_ITEM.fullmatch(name))}, key=int)
        told = Faults(whole_faults(files, numbers, result.signed_at))
        told += objects_faults(files, numbers)
        result.note("one story", told, "exhibits, Object ID, decisions, models, provenance and pages agree")
    else:
        result.note("files and pages", Faults(copied_faults(files)), "pictures are pictures, pages hold no script")


def _check_redaction(
    files: BundleFiles, info: Mapping[str, str], result: Verification, against: Path | None
) -> Redaction | None:
    """Where the bundle is a copy with parts left out: its list of them, and the original beside it. # EV-42"""
    redaction, faults = read_redaction(files, info)
    if redaction is not None:
        result.copy_of, result.left_out = redaction.line, sorted(redaction.left_out)
        result.not_checked = (COPY_NOT_CHECKED, *result.not_checked)
    if redaction is not None or faults:
        withheld = ", ".join(sorted(redaction.withheld)) if redaction else ""
        result.note("copy with parts left out", faults, f"without {withheld}; {len(result.left_out)} files left out")
    if against is None:
        return redaction
    if redaction is None:
        result.note("original", [Fault("redaction.original", "this is no copy with parts left out", _INFO)], "")
        return None
    found = []
    if (status := verify_bundle(against).status) != "valid":
        found.append(Fault("redaction.original", f"the original {against.name} is itself {status}: verify it", _INFO))
    with open_bundle(against) as original:
        found += list(against_faults(files, redaction, original))
    result.not_checked = tuple(one for one in result.not_checked if one != COPY_NOT_CHECKED)
    result.note("original", found, f"as {against.name} has it, but for what is withheld")
    return redaction


@contextmanager
def open_bundle(path: Path) -> Iterator[BundleFiles]:
    """The files of a bundle, none of them checked. Raises UsageError where it cannot be read."""
    try:
        if path.is_dir():
            yield DirectoryFiles(path)
            return
        with path.open("rb") as file:
            yield ZipFiles(file, has_top_directory=True, expected_top=path.stem)
    except (OSError, ZipCutShort, ZipAltered, JsonFault) as error:
        raise UsageError(f"The original {path} cannot be read ({error}): verify it first.") from error


def _read_manifest(files: BundleFiles, name: str, result: Verification) -> dict[str, str]:
    data = files.read(name, LARGEST_LIST)
    if data is None:
        if name in files.sizes:
            result.note(
                f"{name} is well formed", [Fault("manifest.form", "it is longer than that of any bundle", name)], ""
            )
        return {}
    digests: dict[str, str] = {}
    faults = Faults()
    text = as_text(data)
    lines = (text or "").split("\n")
    if text is None or lines[-1] != "" or len(lines) < 2:
        faults.append("manifest.form", "it is not text of whole lines", name)
    for number, line in enumerate(lines[:-1], 1):
        found = _LINE.fullmatch(line)
        if not found:
            faults.append("manifest.form", f"line {number} is no SHA-256 with its path", name)
        elif name_fault(found[2]):
            faults.append("path.name", f"line {number} has a path that may not stand in a bundle", name)
        elif found[2] in digests:
            faults.append("manifest.twice", f"it lists {found[2]} twice", name)
        elif found[2].startswith("data/") is not (name == MANIFEST):
            faults.append("manifest.wrong-list", f"it lists {found[2]}, which belongs in the other manifest", name)
        else:
            digests[found[2]] = found[1]
    if list(digests) != sorted(digests):
        faults.append("manifest.order", "it is not in order of path", name)
    result.note(f"{name} is well formed", faults, f"{len(digests)} files listed")
    return digests


def _check_declaration(files: BundleFiles, result: Verification) -> None:
    if "bagit.txt" in files.sizes:
        data = files.read("bagit.txt", LARGEST_NOTE)
        wrong = Fault("bag.declaration", "it is not the declaration of a BagIt 1.0 bag in UTF-8", "bagit.txt")
        faults = [] if data == DECLARATION else [wrong]
        result.note("bag declaration", faults, "BagIt 1.0")


def _check_info(files: BundleFiles, result: Verification) -> dict[str, str]:
    """Its labels with their values."""
    data = files.read("bag-info.txt", LARGEST_NOTE)
    text = as_text(data) if data is not None else None
    if text is None:
        result.note("bag-info.txt", [Fault("bag.info", "it is missing, too long or not UTF-8", _INFO)], "")
        return {}
    faults = Faults()
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        found = _INFO_LINE.fullmatch(line)
        if not found:
            faults.append("bag.info", f"line {number} is no label with its value", _INFO)
        elif found[1].lower() in seen:
            faults.append("bag.info", f"it has the label {found[1]} twice", _INFO)
        else:
            seen.add(found[1].lower())
            labels[found[1]] = found[2]
    sizes = [size for name, size in files.sizes.items() if name.startswith("data/")]
    found_oxum = f"{sum(sizes)}.{len(sizes)}"
    if labels.get("Payload-Oxum") != found_oxum:
        stated = labels.get("Payload-Oxum")
        faults.append("bag.oxum", f"it states Payload-Oxum {stated}, the payload is {found_oxum}", _INFO)
    result.demo = _DEMO_LABEL in labels
    result.name = labels.get(BUNDLE_NAME)
    if not result.name or name_fault(result.name) or "/" in result.name:
        faults.append("bag.name", f"it does not tell the bundle's name ({BUNDLE_NAME})", _INFO)
        result.name = None
    elif files.top not in (None, result.name):
        faults.append(
            "bag.name", f"the directory in the zip is called {files.top}, the bundle's name is {result.name}", _INFO
        )
    result.note("bag-info.txt", faults, f"Payload-Oxum {found_oxum}, bundle {result.name}")
    return labels


def _check_lists(
    files: BundleFiles, payload: dict[str, str], tags: dict[str, str], result: Verification, gone: Mapping[str, str]
) -> None:
    present = set(files.sizes)
    stamps = {name for name in present if STAMP_FILE.fullmatch(name)}
    listed = {*payload, *tags, TAG_MANIFEST, SIGNATURE, *stamps}
    faults = Faults(
        Fault("manifest.unlisted-file", "it is in the bundle but in no manifest", name)
        for name in sorted(present - listed)
    )
    if MANIFEST in present:
        faults += (
            Fault("manifest.missing-file", f"it is listed in {MANIFEST} but missing", name)
            for name in sorted(set(payload) - present)
        )
        faults += (
            Fault("manifest.required", f"it does not list {name}", MANIFEST)
            for name in _REQUIRED_PAYLOAD
            if name not in payload and name not in gone
        )
    if TAG_MANIFEST in present:
        faults += (
            Fault("manifest.missing-file", f"it is listed in {TAG_MANIFEST} but missing", name)
            for name in sorted(set(tags) - present)
        )
        faults += (
            Fault("manifest.required", f"it does not list {name}", TAG_MANIFEST)
            for name in TAG_FILES
            if name not in tags
        )
        more = sorted(name for name in set(tags) - set(TAG_FILES) if not AUTHORITY_FILE.fullmatch(name))
        faults += (
            Fault("manifest.wrong-list", f"it lists {name}, which has no place there", TAG_MANIFEST) for name in more
        )
    result.note("nothing added, nothing missing", faults, "every file is listed once, every listed file is there")


def _check_digests(files: BundleFiles, manifest: str, digests: dict[str, str], result: Verification) -> None:
    faults = (
        Fault("manifest.hash", f"it does not match its SHA-256 in {manifest}", name)
        for name, digest in digests.items()
        if name in files.sizes and files.sha256(name) != digest
    )
    result.note(f"digests of {manifest}", faults, f"{len(digests)} files match")


def _check_signature(files: BundleFiles, result: Verification) -> None:
    parts = (CERTIFICATE, SIGNATURE, TAG_MANIFEST)
    too_long = [name for name in parts if files.sizes.get(name, 0) > LARGEST_NOTE]
    if too_long:
        result.note(
            "signature", (Fault("signature.form", "it is longer than that of any bundle", n) for n in too_long), ""
        )
        return
    certificate_data, signature, signed = (files.read(name) for name in parts)
    if certificate_data is None or signature is None or signed is None:
        result.checks.append(Check("signature", False, "a part is missing"))
        return
    certificate = _read_certificate(certificate_data, result)
    if certificate is None:
        return
    try:
        claimed = verify_detached(signature, signed, certificate)
    except SignatureInvalid as error:
        result.note("signature", [error.fault(SIGNATURE)], "")
        return
    result.signed_at = claimed.isoformat()
    faults = []
    if not certificate.not_valid_before_utc <= claimed <= certificate.not_valid_after_utc:
        faults.append(Fault("signature.time", f"signed outside the time that {CERTIFICATE} is valid for", SIGNATURE))
    result.note("signature", faults, f"over {TAG_MANIFEST} by {result.signer}, fingerprint {result.fingerprint}")


def _read_certificate(data: bytes, result: Verification) -> x509.Certificate | None:
    """The signer's certificate, its name and fingerprint noted in `result`; None, with a fault, where it is none."""
    try:
        with warnings.catch_warnings():
            # A serial number that no certificate may have is a warning to the library, and damage to us.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificate = x509.load_pem_x509_certificate(data)
        # The library decodes these only when they are asked for, so damage to them shows no earlier than here.
        signer = certificate.subject.rfc4514_string()
        _ = certificate.public_key(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm, CryptographyDeprecationWarning):
        result.note(
            "signature",
            [Fault("signature.certificate", "it is no certificate in PEM form, or a damaged one", CERTIFICATE)],
            "",
        )
        return None
    result.signer, result.fingerprint = signer, certificate_fingerprint(certificate)
    if certificate.public_bytes(serialization.Encoding.PEM) != data:
        result.note(
            "certificate",
            [Fault("signature.certificate", "it is not one certificate in plain PEM form", CERTIFICATE)],
            "",
        )
    return certificate


def _check_signer_named(files: BundleFiles, result: Verification) -> None:
    """The fingerprint that the bundle's own texts tell must be that of its certificate."""
    if result.fingerprint is None:
        return
    places = {"bag-info.txt": f"Relicwatch-Signer-SHA256: {result.fingerprint}\n", INSTRUCTIONS: result.fingerprint}
    faults = [
        Fault("signature.named", f"it names another signer than {CERTIFICATE}", name)
        for name, words in places.items()
        if words not in (as_text(files.read(name, LARGEST_NOTE) or b"") or "")
    ]
    result.note("signer as told", faults, "the bundle's own texts name the certificate that signed")


def _check_places(files: BundleFiles, result: Verification, gone: Mapping[str, str]) -> None:
    """Nothing lies where no bundle has anything, and each item has its opinion and decisions under its own number."""
    faults = Faults(
        Fault("place.unknown", "it has no place in a bundle", name)
        for name in files.sizes
        if name.startswith("data/") and not _PLACES.fullmatch(name)
    )
    items = {match[1] for name in files.sizes if (match := _OF_ITEM.fullmatch(name))}
    for number in sorted(items):
        item = _told_id(files, f"data/items/{number}/item.json")
        for name in (f"data/items/{number}/object-id.json", f"data/items/{number}/observations.json",
                     f"data/analysis/{number}.json", f"data/decisions/{number}.json"):  # fmt: skip
            if name not in files.sizes:
                if name not in gone:
                    faults.append("place.missing", "it is missing", name)
            elif item is not None and _told_id(files, name) != item:
                faults.append("place.item", f"it is of another item than data/items/{number}/item.json", name)
        faults += story_faults(files, number)
    for name in files.sizes:
        if (match := _BESIDE_ITEM.fullmatch(name)) and match[1] not in items:
            faults.append("place.item", "it is of no item of this bundle", name)
    result.note("places", faults, "facts, opinion and decisions stand apart, each under its item's number")


def _told_id(files: BundleFiles, name: str) -> Any:
    try:
        return as_mapping(files.json(name)).get("item_id")
    except JsonFault:
        return None


def _check_stamps(
    files: BundleFiles, result: Verification, beside: Mapping[str, bytes], trusted: Sequence[x509.Certificate]
) -> None:
    """Time stamps, where there are any: one that does not hold is a fault, one that lacks is none. # EV-20, EV-21"""
    judged = signature_stamps(files, beside, trusted)
    faults = [one.fault for one in judged if one.fault]
    for one in judged:
        if one.stamp is not None:
            if result.signed_at and one.stamp.gen_time < datetime.fromisoformat(result.signed_at) - _CLOCKS:
                faults.append(
                    Fault("stamp.time", "it is older than the signature that it is over says it is", one.file)
                )
            result.stamped_at.append(f"{one.stamp.gen_time.isoformat()} by {one.authority} ({one.stamp.signer})")
    asked = {match[1] for name in files.sizes if (match := AUTHORITY_FILE.fullmatch(name))}
    pending = sorted(asked - {one.authority for one in judged})
    told = "; ".join(result.stamped_at) or "none: no trusted time (yet)"
    if pending:
        told += f"; pending, or left out: {', '.join(pending)}"
    result.note("time stamps of the bundle", faults, told)
    of_captures = capture_stamps(files, trusted)
    if of_captures:
        times = sorted(one.stamp.gen_time.isoformat() for one in of_captures if one.stamp)
        result.note(
            "time stamps of captures",
            [one.fault for one in of_captures if one.fault],
            f"{len(of_captures)}, from {times[0]} to {times[-1]}" if times else "",
        )
    if result.stamped_at:
        result.not_checked = tuple(one for one in result.not_checked if one != NOT_CHECKED[0])
        if not trusted:
            result.not_checked = (AUTHORITIES_NOT_CHECKED, *result.not_checked)


def _check_listings(files: BundleFiles, result: Verification, gone: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """Returns the SHA-256 of every WARC by its place, for the custody log to account for; whether a listing is DEMO."""
    warcs: dict[str, str] = {}
    demo_items = False
    folders: dict[str, list[str]] = {}
    for path in files.sizes:
        if path.startswith("data/items/"):
            parts = path.split("/", 3)
            folders.setdefault("/".join(parts[:3]), []).append(parts[3] if len(parts) > 3 else "")
    if not folders:
        result.note("listings", [Fault("place.missing", "it holds no item", "data/items")], "")
    for folder, names in sorted(folders.items()):
        result.listings += 1
        wacz = f"{folder}/{WACZ}"
        if wacz in gone and wacz not in files.sizes:
            item = f"{folder}/item.json"
            faults = copied_item_faults(files, folder, names)
            result.note(item, in_file(item, faults), "every picture it names is there with its digest")
            demo_items = demo_items or _is_demo(files, item)
            continue
        if wacz not in files.sizes:
            result.note(wacz, [Fault("place.missing", "it is missing", wacz)], "")
            continue
        with files.open(wacz) as file:
            checked = WaczCheck(file)
        result.records += len(checked.records)
        if any(record.uri.startswith(SAVED_FILE_URN) for record in checked.records.values()):
            result.not_checked = tuple(dict.fromkeys([*result.not_checked, NOT_FROM_THE_SITE]))
        warcs |= {f"{wacz}: archive/{name}": digest for name, digest in checked.warcs.items()}
        result.note(wacz, in_file(wacz, checked.faults), f"{len(checked.records)} WARC records match")
        item = f"{folder}/item.json"
        faults = item_faults(files, folder, names, checked, told_demo=result.demo)
        detail = "every capture it names is there with its digest, time and server"
        result.note(item, in_file(item, faults), detail)
        if any(name.startswith("stamps/") for name in names):
            own = [*checked.warcs.values(), *(files.sha256(f"{folder}/{n}") for n in names if n.startswith(_DERIVED))]
            result.note(f"{folder}/stamps", tree_faults(files, folder, own), "every capture's way leads to its root")
        demo_items = demo_items or _is_demo(files, item)
    return warcs, demo_items


def _is_demo(files: BundleFiles, item: str) -> bool:
    try:
        return as_mapping(files.json(item)).get("demo") is True
    except JsonFault:
        return False


def _check_demo(files: BundleFiles, demo_items: bool, result: Verification) -> None:
    """Certificate, listings, bag-info.txt, VERIFY.txt and the bundle's name must agree on whether this is a DEMO."""
    if result.signer is None or result.name is None:
        return
    signer_demo = f"CN={DEMO_MARK} " in result.signer
    told = {
        "bag-info.txt": result.demo,
        INSTRUCTIONS: (files.read(INSTRUCTIONS, LARGEST_NOTE) or b"").startswith(DEMO_MARK.encode()),
        f"the bundle's name {result.name}": result.name.startswith(f"{DEMO_MARK}-"),
    }
    is_demo = signer_demo or demo_items
    if is_demo:
        source = f"the name in {CERTIFICATE}" if signer_demo else "a listing"
        faults = [
            Fault("bag.demo", f"{source} says {DEMO_MARK}, {place} does not", _INFO)
            for place, says in told.items()
            if not says
        ]
    else:
        faults = [
            Fault("bag.demo", f"{place} says {DEMO_MARK}, neither {CERTIFICATE} nor a listing does", _INFO)
            for place in told
            if told[place]
        ]
    result.note("demo", faults, "every place says DEMO" if is_demo else "no place says DEMO")


def _check_custody(files: BundleFiles, warcs: dict[str, str], result: Verification) -> None:
    name = "data/custody/custody.json"
    try:
        custody = as_mapping(files.json(name))
    except JsonFault as fault:
        result.note("custody log", [Fault("json.form", f"it {fault}", name)], "")
        return
    events, links = custody.get("events"), custody.get("links")
    if not isinstance(events, list) or not isinstance(links, list) or not events:
        result.note("custody log", [Fault("custody.form", "it holds no entries", name)], "")
        return
    events, links = list(map(as_mapping, events)), list(map(as_mapping, links))
    told = {as_mapping(event.get("details")).get("sha256") for event in events if _has_plain_digest(event)}
    unknown = [place for place, digest in warcs.items() if digest not in told]
    faults = Faults(in_file(name, _custody_faults(events, links)))
    faults += (
        Fault("custody.sealing", f"no entry tells of the sealing of {place} with its digest", name) for place in unknown
    )
    result.note("custody log", faults, f"{len(events)} entries, their hashes recomputed and chained")


def _has_plain_digest(event: dict[str, Any]) -> bool:
    return event.get("object_kind") != "export" and isinstance(as_mapping(event.get("details")).get("sha256"), str)


def _custody_faults(events: list[dict[str, Any]], links: list[dict[str, Any]]) -> Iterator[Fault]:
    hashes: dict[tuple[str, int], tuple[Any, Any]] = {}
    previous: dict[str, tuple[int, Any]] = {}
    ends: dict[str, tuple[int, int]] = {}
    for link in links:
        chain, sequence = str(link.get("chain")), number_of(link.get("sequence"))
        if sequence < 1 or (sequence == 1) is not (link.get("previous_hash") == _FIRST):
            yield Fault(
                "custody.chain",
                f"the link to entry {sequence} of chain {chain} is no first one, or is one in its place",
            )
        ends[chain] = (min(sequence, ends.get(chain, (sequence,))[0]), sequence)
        if chain in previous and (sequence - 1, link.get("previous_hash")) != previous[chain]:
            yield Fault(
                "custody.chain", f"the link to entry {sequence} of chain {chain} does not follow from the one before"
            )
        previous[chain] = (sequence, link.get("hash"))
        hashes[chain, sequence] = (link.get("previous_hash"), link.get("hash"))
    shown: set[tuple[str, int]] = set()
    times: list[datetime] = []
    for event in events:
        entry = {key: value for key, value in event.items() if key != "hash"}
        place = str(event.get("chain")), number_of(event.get("sequence"))
        where = f"entry {place[1]} of chain {place[0]}"
        if _hash_of(entry) != event.get("hash"):
            yield Fault("custody.hash", f"{where} does not match its hash")
        if hashes.get(place) != (event.get("previous_hash"), event.get("hash")):
            yield Fault("custody.chain", f"{where} has no place in its chain")
        if place in shown:
            yield Fault("custody.form", f"{where} stands there twice")
        shown.add(place)
        times += [moment] if (moment := moment_of(event.get("at"))) else []
    if len(times) != len(events) or times != sorted(times):
        yield Fault("custody.form", "its entries are not in order of time")
    for chain, limits in ends.items():
        for sequence in sorted({*limits}):
            if (chain, sequence) not in shown:
                yield Fault("custody.chain", f"entry {sequence} of chain {chain}, an end of the links, is not shown")


def _hash_of(entry: dict[str, Any]) -> str | None:
    """As the log computes it; None for what no log can have written."""
    try:
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, RecursionError):
        return None


def report_lines(result: Verification) -> Iterator[str]:
    """The result as a person reads it. What a bundle says of itself cannot steer the terminal or start a line."""
    yield from map(_printable, _report(result))


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _report(result: Verification) -> Iterator[str]:
    if result.unread:
        yield f"{result.status.upper()} {result.unread} ({result.missing[-1].rule})."
        return
    if result.copy_of:
        yield f"COPY with parts left out, of {result.copy_of}"
        for name in result.left_out:
            yield f"LEFT OUT {name}"
    if result.demo:
        yield "DEMO: make-believe listings; this bundle is evidence of nothing."
    for check in result.checks:
        yield f"{'ok  ' if check.ok else 'FAIL'} {check.name}" + (f": {check.detail}" if check.ok else "")
    for fault in [*result.faults, *result.missing]:
        yield f"FAULT {fault}"
    for sentence in result.not_checked:
        yield f"NOT CHECKED {sentence}"
    if result.fingerprint and result.status == "valid":
        yield f"COMPARE {result.fingerprint}"
        yield f"{result.name}: VALID, if this fingerprint is the one that the operator told you by another way"
    else:
        yield f"{result.path.name}: {result.status.upper()}"


def as_record(result: Verification) -> dict[str, Any]:
    """The result for machines: status, checks, each fault with file, rule and sentence."""
    return {"status": result.status, **asdict(result), "path": str(result.path)}


def read_trusted(paths: Iterable[Path]) -> list[x509.Certificate]:
    """Certificates of authorities out of PEM files. Raises UsageError."""
    trusted: list[x509.Certificate] = []
    for path in paths:
        try:
            trusted += x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be read as PEM certificates ({error}).") from error
    return trusted


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description="Verify a bundle with nothing but the bundle. Exit status 0 valid, 1 invalid, 3 incomplete.",
        epilog="A fault is told as FILE: RULE: what is wrong.",
    )
    parser.add_argument("bundle", type=Path, nargs="?", help="a zip or the directory it was unpacked to")
    parser.add_argument(
        "--trust", type=Path, action="append", default=[], help="PEM certificates of timestamp authorities you trust"
    )
    parser.add_argument("--against", type=Path, help="the original that a copy with parts left out is compared with")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--rules", action="store_true", help="list every rule and what it asks for")
    options = parser.parse_args(arguments)
    if options.rules:
        sys.stdout.write("".join(f"{rule}: {meaning}\n" for rule, meaning in RULES.items()))
        return 0
    if options.bundle is None:
        parser.error("name the bundle to verify")
    try:
        result = verify_bundle(options.bundle, read_trusted(options.trust), options.against)
    except UsageError as error:
        parser.error(str(error))
    if options.json:
        sys.stdout.write(json.dumps(as_record(result), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(report_lines(result)) + "\n")
    return result.exit_status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
