"""Verifying a bundle with nothing but the bundle: no database, no network. `python -m evidence.verify BUNDLE` does it.

Every check runs even where an earlier one failed, so that the faults together show what was done to the bundle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cryptography import x509

from evidence.bag import CERTIFICATE, DECLARATION, MANIFEST, SIGNATURE, TAG_FILES, TAG_MANIFEST
from evidence.bundle_files import BundleFiles, DirectoryFiles, ZipFiles, as_mapping, as_text
from evidence.plain_zip import ZipCutShort, name_fault
from evidence.signing import SignatureInvalid, certificate_fingerprint, verify_detached
from evidence.wacz_check import WaczCheck
from evidence.warc_reading import WarcRecord, label_sha256

Status = Literal["valid", "invalid", "incomplete"]
EXIT_STATUS: dict[Status, int] = {"valid": 0, "invalid": 1, "incomplete": 3}
NOT_CHECKED = (
    "The times are those of the computer that captured: no trusted time stamp is included.",
    "That signer.crt belongs to the installation you think: compare the fingerprint by another way.",
    "Whether the server told the truth, and whether the object is what it is said to be.",
)
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_NEEDED = ("bagit.txt", MANIFEST, TAG_MANIFEST, SIGNATURE, CERTIFICATE)
_REQUIRED_PAYLOAD = ("data/index.html", "data/custody/custody.json", "data/custody/custody.html")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class Verification:
    """What was checked, what is wrong (sentences that name the file) and what no check of this kind can show."""

    path: Path
    checks: list[Check] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Parts without which nothing can be judged; they make a bundle incomplete where nothing else is wrong."""
    signer: str | None = None
    """Subject of signer.crt."""
    fingerprint: str | None = None
    signed_at: str | None = None
    """As the signer's own clock says."""
    demo: bool = False
    files: int = 0
    listings: int = 0
    records: int = 0
    not_checked: tuple[str, ...] = NOT_CHECKED

    @property
    def status(self) -> Status:
        if self.faults:
            return "invalid"
        return "incomplete" if self.missing else "valid"

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.status]

    def note(self, name: str, faults: list[str], detail: str) -> None:
        """Record one check with its faults."""
        self.faults += faults
        self.checks.append(Check(name, not faults, detail if not faults else "; ".join(faults)))


def verify_bundle(path: Path) -> Verification:
    """Check the bundle at `path` (zip or unpacked directory). Raises nothing for a bad bundle: the result says it."""
    result = Verification(path)
    try:
        if path.is_dir():
            _verify_files(DirectoryFiles(path), result)
        else:
            with path.open("rb") as file:
                _verify_files(ZipFiles(file, has_top_directory=True, expected_top=path.stem), result)
    except ZipCutShort as error:
        result.missing.append(f"{path.name}: {error}")
        result.checks.append(Check("package", False, str(error)))
    except OSError as error:
        result.missing.append(f"{path.name} cannot be read ({error.strerror})")
        result.checks.append(Check("package", False, result.missing[-1]))
    return result


def _verify_files(files: BundleFiles, result: Verification) -> None:
    result.files = len(files.sizes)
    result.note("package", [*files.faults], f"{len(files.sizes)} files, nothing between or after them")
    absent = [name for name in _NEEDED if name not in files.sizes]
    result.missing += [f"{name} is missing, so the bundle cannot be judged" for name in absent]
    payload = _read_manifest(files, MANIFEST, result)
    tags = _read_manifest(files, TAG_MANIFEST, result)
    _check_declaration(files, result)
    _check_info(files, result)
    _check_lists(files, payload, tags, result)
    _check_digests(files, MANIFEST, payload, result)
    _check_digests(files, TAG_MANIFEST, tags, result)
    _check_signature(files, result)
    _check_listings(files, result)
    _check_custody(files, result)


def _read_manifest(files: BundleFiles, name: str, result: Verification) -> dict[str, str]:
    data = files.read(name)
    if data is None:
        return {}
    digests: dict[str, str] = {}
    faults: list[str] = []
    text = as_text(data)
    lines = (text or "").split("\n")
    if text is None or lines[-1] != "" or len(lines) < 2:
        faults.append(f"{name} is not text of whole lines")
    for number, line in enumerate(lines[:-1], 1):
        found = _LINE.fullmatch(line)
        if not found or name_fault(found[2]):
            faults.append(f"{name} line {number} is no digest with a plain path")
        elif found[2] in digests:
            faults.append(f"{name} lists {found[2]} twice")
        elif found[2].startswith("data/") is not (name == MANIFEST):
            faults.append(f"{name} lists {found[2]}, which belongs in the other manifest")
        else:
            digests[found[2]] = found[1]
    if list(digests) != sorted(digests):
        faults.append(f"{name} is not in order of path")
    result.note(f"{name} is well formed", faults, f"{len(digests)} files listed")
    return digests


def _check_declaration(files: BundleFiles, result: Verification) -> None:
    data = files.read("bagit.txt")
    if data is not None:
        faults = [] if data == DECLARATION else ["bagit.txt is not the declaration of a BagIt 1.0 bag in UTF-8"]
        result.note("bag declaration", faults, "BagIt 1.0")


def _check_info(files: BundleFiles, result: Verification) -> None:
    data = files.read("bag-info.txt")
    text = as_text(data) if data is not None else None
    if text is None:
        result.note("bag-info.txt", ["bag-info.txt is missing or not UTF-8"], "")
        return
    labels = dict(line.partition(": ")[::2] for line in text.splitlines())
    sizes = [size for name, size in files.sizes.items() if name.startswith("data/")]
    found = f"{sum(sizes)}.{len(sizes)}"
    result.demo = "Relicwatch-Demo" in labels
    stated = labels.get("Payload-Oxum")
    faults = [] if stated == found else [f"bag-info.txt states Payload-Oxum {stated}, the payload is {found}"]
    result.note("bag-info.txt", faults, f"Payload-Oxum {found}")


def _check_lists(files: BundleFiles, payload: dict[str, str], tags: dict[str, str], result: Verification) -> None:
    present = set(files.sizes)
    listed = {*payload, *tags, TAG_MANIFEST, SIGNATURE}
    faults = [f"{name} is in the bundle but in no manifest" for name in sorted(present - listed)]
    if MANIFEST in present:
        faults += [f"{name} is listed in {MANIFEST} but missing" for name in sorted(set(payload) - present)]
        faults += [f"{name} is not listed in {MANIFEST}" for name in _REQUIRED_PAYLOAD if name not in payload]
    if TAG_MANIFEST in present:
        faults += [f"{name} is listed in {TAG_MANIFEST} but missing" for name in sorted(set(tags) - present)]
        faults += [f"{name} is not listed in {TAG_MANIFEST}" for name in TAG_FILES if name not in tags]
        faults += [f"{name} has no place in {TAG_MANIFEST}" for name in sorted(set(tags) - set(TAG_FILES))]
    result.note("nothing added, nothing missing", faults, "every file is listed once, every listed file is there")


def _check_digests(files: BundleFiles, manifest: str, digests: dict[str, str], result: Verification) -> None:
    faults = [
        f"{name} does not match its SHA-256 in {manifest}"
        for name, digest in digests.items()
        if name in files.sizes and files.sha256(name) != digest
    ]
    result.note(f"digests of {manifest}", faults, f"{len(digests)} files match")


def _check_signature(files: BundleFiles, result: Verification) -> None:
    certificate_data, signature, signed = files.read(CERTIFICATE), files.read(SIGNATURE), files.read(TAG_MANIFEST)
    if certificate_data is None or signature is None or signed is None:
        result.checks.append(Check("signature", False, "a part is missing"))
        return
    try:
        certificate = x509.load_pem_x509_certificate(certificate_data)
    except ValueError:
        result.note("signature", [f"{CERTIFICATE} is no certificate in PEM form"], "")
        return
    result.signer = certificate.subject.rfc4514_string()
    result.fingerprint = certificate_fingerprint(certificate)
    try:
        claimed = verify_detached(signature, signed, certificate)
    except SignatureInvalid as error:
        result.note("signature", [f"{SIGNATURE}: {error}"], "")
        return
    result.signed_at = claimed.isoformat()
    faults = []
    if not certificate.not_valid_before_utc <= claimed <= certificate.not_valid_after_utc:
        faults.append(f"{SIGNATURE}: signed outside the time that {CERTIFICATE} is valid for")
    result.note("signature", faults, f"over {TAG_MANIFEST} by {result.signer}, fingerprint {result.fingerprint}")


def _check_listings(files: BundleFiles, result: Verification) -> None:
    folders = sorted({"/".join(name.split("/")[:3]) for name in files.sizes if name.startswith("data/listings/")})
    if not folders:
        result.note("listings", ["data/listings holds no listing"], "")
    for folder in folders:
        result.listings += 1
        wacz = f"{folder}/listing.wacz"
        if wacz not in files.sizes:
            result.note(wacz, [f"{wacz} is missing"], "")
            continue
        with files.open(wacz) as file:
            checked = WaczCheck(file)
        result.records += len(checked.records)
        result.note(
            wacz, [f"{wacz}: {fault}" for fault in checked.faults], f"{len(checked.records)} WARC records match"
        )
        faults = [f"{folder}/item.json: {fault}" for fault in _item_faults(files, folder, checked)]
        result.note(f"{folder}/item.json", faults, "every capture it names is there with its digest")


def _item_faults(files: BundleFiles, folder: str, wacz: WaczCheck) -> Iterator[str]:
    item = _json(files, f"{folder}/item.json")
    facts = as_mapping(item.get("captured_fact")) if item else {}
    captures = facts.get("captures")
    if not isinstance(captures, list) or not captures:
        yield "it is missing, not JSON or names no capture"
        return
    named: set[str] = set()
    for capture in map(as_mapping, captures):
        label = f"capture {capture.get('id')}"
        if "file" in capture:
            named.add(str(capture["file"]))
            yield from _file_faults(files, folder, label, capture)
            continue
        record = wacz.records.get((str(capture.get("warc")), _number(capture.get("offset"))))
        if record is None:
            yield f"{label} is at no record of the WACZ"
        elif (record.uri, _payload_digest(record)) != (capture.get("url"), capture.get("sha256")):
            yield f"{label} has another address or digest than its WARC record"
        elif capture.get("kind") == "exchange" and (record.http_status or 0) != (capture.get("status") or 0):
            yield f"{label} has another status than its WARC record"
    images = facts.get("images")
    for image in map(as_mapping, images if isinstance(images, list) else []):
        named.add(str(image.get("file")))
        yield from _file_faults(files, folder, f"picture of capture {image.get('capture')}", image)
    own = {name.removeprefix(f"{folder}/") for name in files.sizes if name.startswith(f"{folder}/")}
    for name in sorted(own - named - {"item.json", "listing.wacz"}):
        yield f"it does not name {name}"


def _file_faults(files: BundleFiles, folder: str, label: str, entry: dict[str, Any]) -> Iterator[str]:
    path = f"{folder}/{entry.get('file')}"
    if path not in files.sizes:
        yield f"{label} names {path}, which is missing"
    elif files.sha256(path) != entry.get("sha256"):
        yield f"{label}: {path} has another digest"


def _payload_digest(record: WarcRecord) -> str | None:
    return label_sha256(record.headers.get("warc-payload-digest"))


def _check_custody(files: BundleFiles, result: Verification) -> None:
    name = "data/custody/custody.json"
    custody = _json(files, name)
    events, links = (custody or {}).get("events"), (custody or {}).get("links")
    if not isinstance(events, list) or not isinstance(links, list) or not events:
        result.note("custody log", [f"{name} is missing, not JSON or empty"], "")
        return
    faults = [f"{name}: {fault}" for fault in _custody_faults(events, links)]
    result.note("custody log", faults, f"{len(events)} entries, their hashes recomputed and chained")


def _custody_faults(events: list[Any], links: list[Any]) -> Iterator[str]:
    hashes: dict[tuple[Any, Any], tuple[Any, Any]] = {}
    previous: dict[Any, tuple[int, Any]] = {}
    for link in map(as_mapping, links):
        chain, sequence = link.get("chain"), _number(link.get("sequence"))
        if chain in previous and (sequence - 1, link.get("previous_hash")) != previous[chain]:
            yield f"the link to entry {sequence} of chain {chain} does not follow from the one before"
        previous[chain] = (sequence, link.get("hash"))
        hashes[chain, sequence] = (link.get("previous_hash"), link.get("hash"))
    for event in map(as_mapping, events):
        entry = {key: value for key, value in event.items() if key != "hash"}
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        where = f"entry {event.get('sequence')} of chain {event.get('chain')}"
        if hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() != event.get("hash"):
            yield f"{where} does not match its hash"
        if hashes.get((event.get("chain"), event.get("sequence"))) != (event.get("previous_hash"), event.get("hash")):
            yield f"{where} has no place in its chain"


def _json(files: BundleFiles, path: str) -> dict[str, Any] | None:
    data = files.read(path)
    if data is None:
        return None
    with contextlib.suppress(ValueError, RecursionError):
        return as_mapping(json.loads(data))
    return None


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def report_lines(result: Verification) -> Iterator[str]:
    """The result as a person reads it."""
    if result.demo:
        yield "DEMO: make-believe listings; this bundle is evidence of nothing."
    for check in result.checks:
        yield f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}"
    for fault in [*result.faults, *result.missing]:
        yield f"FAULT {fault}"
    for sentence in result.not_checked:
        yield f"NOT CHECKED {sentence}"
    yield f"{result.path.name}: {result.status.upper()}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m evidence.verify BUNDLE\n")
        return 2
    result = verify_bundle(Path(arguments[0]))
    sys.stdout.write("\n".join(report_lines(result)) + "\n")
    return result.exit_status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
