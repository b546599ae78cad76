"""Verifying a bundle with nothing but the bundle: no database, no network. `python -m evidence.verify BUNDLE` does it.

Every check runs even where an earlier one failed, so that the faults together show what was done to the bundle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning

from evidence.bag import CERTIFICATE, DECLARATION, INSTRUCTIONS, MANIFEST, SIGNATURE, TAG_FILES, TAG_MANIFEST
from evidence.bundle_files import BundleFiles, DirectoryFiles, ZipFiles, as_mapping, as_text
from evidence.plain_zip import ZipCutShort, name_fault
from evidence.signing import SignatureInvalid, certificate_fingerprint, verify_detached
from evidence.wacz_check import WaczCheck
from evidence.warc_reading import WarcRecord, label_sha256

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
    "Whether the server told the truth, and whether the object is what it is said to be.",
)
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_NEEDED = ("bagit.txt", MANIFEST, TAG_MANIFEST, SIGNATURE, CERTIFICATE)
_FIRST = "0" * 64
"""What the first entry of a chain has for its previous hash."""
DECODED_NOTE = "decoded by the browser"
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
    except RecursionError:
        result.note("package", [f"{path.name} holds JSON that is nested deeper than any that relicwatch writes"], "")
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
    _check_signer_named(files, result)
    warcs = _check_listings(files, result)
    _check_custody(files, warcs, result)


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
    labels = dict(line.partition(": ")[::2] for line in text.split("\n"))
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
    certificate = _read_certificate(certificate_data, result)
    if certificate is None:
        return
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
        result.note("signature", [f"{CERTIFICATE} is no certificate in PEM form, or a damaged one"], "")
        return None
    result.signer, result.fingerprint = signer, certificate_fingerprint(certificate)
    if certificate.public_bytes(serialization.Encoding.PEM) != data:
        result.note("certificate", [f"{CERTIFICATE} is not one certificate in plain PEM form"], "")
    return certificate


def _check_signer_named(files: BundleFiles, result: Verification) -> None:
    """The fingerprint that the bundle's own texts tell must be that of its certificate."""
    if result.fingerprint is None:
        return
    places = {"bag-info.txt": f"Relicwatch-Signer-SHA256: {result.fingerprint}\n", INSTRUCTIONS: result.fingerprint}
    faults = [
        f"{name} names another signer than {CERTIFICATE}"
        for name, words in places.items()
        if words not in (as_text(files.read(name) or b"") or "")
    ]
    result.note("signer as told", faults, "the bundle's own texts name the certificate that signed")


def _check_listings(files: BundleFiles, result: Verification) -> dict[str, str]:
    """Returns the SHA-256 of every WARC by its place, for the custody log to account for."""
    warcs: dict[str, str] = {}
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
        warcs |= {f"{wacz}: archive/{name}": digest for name, digest in checked.warcs.items()}
        result.note(
            wacz, [f"{wacz}: {fault}" for fault in checked.faults], f"{len(checked.records)} WARC records match"
        )
        faults = [f"{folder}/item.json: {fault}" for fault in _item_faults(files, folder, checked, result.demo)]
        result.note(f"{folder}/item.json", faults, "every capture it names is there with its digest, time and server")
    return warcs


def _item_faults(files: BundleFiles, folder: str, wacz: WaczCheck, demo: bool) -> Iterator[str]:
    item = _json(files, f"{folder}/item.json")
    facts = as_mapping(item.get("captured_fact")) if item else {}
    captures = facts.get("captures")
    if not isinstance(captures, list) or not captures:
        yield "it is missing, not JSON or names no capture"
        return
    if item is not None and item.get("demo") is not False and not demo:
        yield "it is of a demo listing, and bag-info.txt does not say so"
    methods = _methods(wacz)
    used: set[tuple[str, int]] = set()
    named: set[str] = set()
    for capture in map(as_mapping, captures):
        label = f"capture {capture.get('id')}"
        if "file" in capture:
            named.add(str(capture["file"]))
            yield from _file_faults(files, folder, label, capture)
            if capture.get("kind") == "exchange":
                yield f"{label} is an exchange with a file in place of its WARC record"
            continue
        place = str(capture.get("warc")), _number(capture.get("offset"))
        record = wacz.records.get(place)
        if record is None:
            yield f"{label} is at no record of the WACZ"
            continue
        used.add(place)
        for name in _differences(capture, record, methods):
            yield f"{label} has another {name} than its WARC record"
    yield from _unnamed_records(wacz, used)
    rows = {str(row.get("id")): row for row in map(as_mapping, captures)}
    if len(rows) != len(captures):
        yield "it names two captures by one number"
    yield from _summary_faults(facts, rows)
    images = facts.get("images")
    for image in map(as_mapping, images if isinstance(images, list) else []):
        named.add(str(image.get("file")))
        label = f"picture of capture {image.get('capture')}"
        yield from _file_faults(files, folder, label, image)
        yield from _image_faults(label, image, rows, wacz)
    own = {name.removeprefix(f"{folder}/") for name in files.sizes if name.startswith(f"{folder}/")}
    for name in sorted(own - named - {"item.json", "listing.wacz"}):
        yield f"it does not name {name}"


def _file_faults(files: BundleFiles, folder: str, label: str, entry: dict[str, Any]) -> Iterator[str]:
    path = f"{folder}/{entry.get('file')}"
    if path not in files.sizes:
        yield f"{label} names {path}, which is missing"
    elif files.sha256(path) != entry.get("sha256"):
        yield f"{label}: {path} has another digest"


def _methods(wacz: WaczCheck) -> dict[str, str]:
    """Request method by the id of the record that answers it."""
    return {
        record.headers.get("warc-concurrent-to", ""): record.http_head.partition(b" ")[0].decode("latin-1")
        for record in wacz.records.values()
        if record.type == "request"
    }


def _differences(capture: dict[str, Any], record: WarcRecord, methods: dict[str, str]) -> Iterator[str]:
    """What item.json says of a capture otherwise than its WARC record does."""
    if record.uri != capture.get("url"):
        yield "address"
    if _payload_digest(record) != capture.get("sha256"):
        yield "digest"
    if _moment(record.date) is None or _moment(record.date) != _moment(capture.get("captured_at")):
        yield "time"
    if record.headers.get("warc-ip-address") != capture.get("server_ip"):
        yield "server address"
    if record.headers.get("warc-truncated") != capture.get("truncated"):
        yield "word on being cut short"
    if record.type == "response" and record.payload_bytes != capture.get("bytes"):
        yield "size"
    if capture.get("kind") != "exchange":
        return
    if (record.http_status or 0) != (capture.get("status") or 0):
        yield "status"
    if methods.get(record.id) != capture.get("method"):
        yield "method"
    if (record.headers.get("warc-relicwatch-note") == DECODED_NOTE) is not capture.get("decoded_by_browser"):
        yield "word on who decoded it"


def _unnamed_records(wacz: WaczCheck, used: set[tuple[str, int]]) -> Iterator[str]:
    """Every answer in the WACZ must be a capture, but for one that stands there for a revisit's payload."""
    targets = {record.headers.get("warc-refers-to") for record in wacz.records.values() if record.type == "revisit"}
    for (name, offset), record in wacz.records.items():
        if record.type in ("response", "revisit") and (name, offset) not in used and record.id not in targets:
            yield f"it does not name the record of {record.uri} at byte {offset} of archive/{name}"


def _summary_faults(facts: dict[str, Any], rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What item.json says of the listing as a whole must follow from the captures that it names."""
    moments = [moment for row in rows.values() if (moment := _moment(row.get("captured_at")))]
    stated = _moment(facts.get("capture_started_at")), _moment(facts.get("capture_ended_at"))
    if stated != (min(moments, default=None), max(moments, default=None)):
        yield "its times of capture are not those of its captures"
    redirects = facts.get("redirects")
    hops = [as_mapping(hop) for hop in redirects] if isinstance(redirects, list) else []
    for hop in hops:
        row = rows.get(str(hop.get("capture")), {})
        if any(hop.get(name) != row.get(name, hop) for name in ("url", "status", "captured_at")):
            yield f"its redirect over {hop.get('url')} is not as captured"
    last = hops[-1] if hops else {}
    if (facts.get("final_url"), facts.get("http_status")) != (last.get("url"), last.get("status")):
        yield "the address and status that answered are not those of its last redirect"
    observations = facts.get("observations")
    if facts.get("shown") is not None and not (isinstance(observations, list) and facts["shown"] in observations):
        yield "what was shown is none of its observations"


def _image_faults(label: str, image: dict[str, Any], rows: dict[str, dict[str, Any]], wacz: WaczCheck) -> Iterator[str]:
    row = rows.get(str(image.get("capture")))
    if row is None or row.get("url") != image.get("url"):
        yield f"{label} is of another address than the capture"
        return
    record = wacz.records.get((str(row.get("warc")), _number(row.get("offset"))))
    is_plain = record is not None and record.type == "response" and not record.http_header("content-encoding")
    if is_plain and row.get("sha256") != image.get("sha256"):
        yield f"{label} does not hold the bytes that were captured"


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _payload_digest(record: WarcRecord) -> str | None:
    return label_sha256(record.headers.get("warc-payload-digest"))


def _check_custody(files: BundleFiles, warcs: dict[str, str], result: Verification) -> None:
    name = "data/custody/custody.json"
    custody = _json(files, name)
    events, links = (custody or {}).get("events"), (custody or {}).get("links")
    if not isinstance(events, list) or not isinstance(links, list) or not events:
        result.note("custody log", [f"{name} is missing, not JSON or empty"], "")
        return
    events, links = list(map(as_mapping, events)), list(map(as_mapping, links))
    told = {as_mapping(event.get("details")).get("sha256") for event in events if _has_plain_digest(event)}
    unknown = [place for place, digest in warcs.items() if digest not in told]
    faults = [f"{name}: {fault}" for fault in _custody_faults(events, links)]
    faults += [f"{name}: no entry tells of the sealing of {place} with its digest" for place in unknown]
    result.note("custody log", faults, f"{len(events)} entries, their hashes recomputed and chained")


def _has_plain_digest(event: dict[str, Any]) -> bool:
    return event.get("object_kind") != "export" and isinstance(as_mapping(event.get("details")).get("sha256"), str)


def _custody_faults(events: list[dict[str, Any]], links: list[dict[str, Any]]) -> Iterator[str]:
    hashes: dict[tuple[str, int], tuple[Any, Any]] = {}
    previous: dict[str, tuple[int, Any]] = {}
    ends: dict[str, tuple[int, int]] = {}
    for link in links:
        chain, sequence = str(link.get("chain")), _number(link.get("sequence"))
        if sequence < 1 or (sequence == 1) is not (link.get("previous_hash") == _FIRST):
            yield f"the link to entry {sequence} of chain {chain} is no first one, or is one in its place"
        ends[chain] = (min(sequence, ends.get(chain, (sequence,))[0]), sequence)
        if chain in previous and (sequence - 1, link.get("previous_hash")) != previous[chain]:
            yield f"the link to entry {sequence} of chain {chain} does not follow from the one before"
        previous[chain] = (sequence, link.get("hash"))
        hashes[chain, sequence] = (link.get("previous_hash"), link.get("hash"))
    shown: set[tuple[str, int]] = set()
    times: list[datetime] = []
    for event in events:
        entry = {key: value for key, value in event.items() if key != "hash"}
        place = str(event.get("chain")), _number(event.get("sequence"))
        where = f"entry {place[1]} of chain {place[0]}"
        if _hash_of(entry) != event.get("hash"):
            yield f"{where} does not match its hash"
        if hashes.get(place) != (event.get("previous_hash"), event.get("hash")):
            yield f"{where} has no place in its chain"
        if place in shown:
            yield f"{where} stands there twice"
        shown.add(place)
        times += [moment] if (moment := _moment(event.get("at"))) else []
    if len(times) != len(events) or times != sorted(times):
        yield "its entries are not in order of time"
    for chain, limits in ends.items():
        for sequence in sorted({*limits}):
            if (chain, sequence) not in shown:
                yield f"entry {sequence} of chain {chain}, an end of the links, is not shown"


def _hash_of(entry: dict[str, Any]) -> str | None:
    """As the log computes it; None for what no log can have written."""
    try:
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, RecursionError):
        return None


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
    """The result as a person reads it. What a bundle says of itself cannot steer the terminal or start a line."""
    yield from map(_printable, _report(result))


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _report(result: Verification) -> Iterator[str]:
    if result.demo:
        yield "DEMO: make-believe listings; this bundle is evidence of nothing."
    for check in result.checks:
        yield f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}"
    for fault in [*result.faults, *result.missing]:
        yield f"FAULT {fault}"
    for sentence in result.not_checked:
        yield f"NOT CHECKED {sentence}"
    if result.fingerprint and result.status == "valid":
        yield f"COMPARE {result.fingerprint}"
        yield f"{result.path.name}: VALID, if this fingerprint is the one that the operator told you by another way"
    else:
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
