"""Verifying a bundle with nothing but the bundle: no database, no network. `python -m evidence.verify BUNDLE` does it.

Every check runs even where an earlier one failed, so that the faults together show what was done to the bundle.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from cryptography import x509

from crawler.errors import UsageError
from crawler.home import DEMO_MARK
from evidence.bag import (
    CERTIFICATE,
    INSTRUCTIONS,
    MANIFEST,
    SIGNATURE,
    TAG_MANIFEST,
    WACZ,
)
from evidence.bag_check import INFO, check_declaration, check_digests, check_info, check_lists, read_manifest
from evidence.bundle_files import (
    LARGEST_NOTE,
    BundleFiles,
    DirectoryFiles,
    JsonFault,
    ZipFiles,
    as_mapping,
)
from evidence.custody_check import custody_faults
from evidence.faults import Fault, Faults, in_file
from evidence.item_check import SAVED_FILE_URN, item_faults
from evidence.objects_check import objects_faults
from evidence.plain_zip import ZipAltered, ZipCutShort
from evidence.redaction_check import Redaction, against_faults, copied_item_faults, read_redaction
from evidence.rules import RULES
from evidence.signature_check import check_signature, check_signer_named
from evidence.stamp_check import (
    AUTHORITY_FILE,
    capture_stamps,
    signature_stamps,
    stamps_beside,
    tree_faults,
)
from evidence.story_check import story_faults
from evidence.verification import (
    AUTHORITIES_NOT_CHECKED,
    COPY_NOT_CHECKED,
    NOT_CHECKED,
    NOT_FROM_THE_SITE,
    Verification,
    as_record,
    report_lines,
)
from evidence.wacz_check import WaczCheck
from evidence.whole_check import copied_faults, whole_faults

_NEEDED = ("bagit.txt", MANIFEST, TAG_MANIFEST, SIGNATURE, CERTIFICATE)
_PLACES = re.compile(
    r"data/(?:report\.(?:en|fr|ar)\.pdf|redaction\.json|request\.json|objects\.json"
    r"|custody/(?:custody\.(?:json|html)|case\.jsonld)"
    r"|provenance/case\.jsonld|schema/[a-z-]+\.schema\.json"
    r"|analysis/model-card\.json"
    r"|(?:analysis|decisions)/\d{3,}\.json"
    r"|items/\d{3,}/(?:item\.json|object-id\.json|observations\.json|listing\.html|capture/001\.wacz"
    r"|(?:images|screenshots|derived)/[a-z0-9-]+\.[a-z0-9]+|stamps/\d{3,}\.(?:json|txt|[a-z0-9_]{1,40}\.tsr)))"
)
_OF_ITEM = re.compile(r"data/items/(\d{3,})/.*")
_BESIDE_ITEM = re.compile(r"data/(?:analysis|decisions)/(\d{3,})\.json")
_DERIVED = ("screenshots/", "derived/", "images/")
_CLOCKS = timedelta(minutes=10)
"""By which the signer's clock may run ahead of an authority's."""


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
    payload = read_manifest(files, MANIFEST, result)
    tags = read_manifest(files, TAG_MANIFEST, result)
    check_declaration(files, result)
    redaction = _check_redaction(files, check_info(files, result), result, against)
    gone = redaction.left_out if redaction else {}
    check_lists(files, payload, tags, result, gone)
    check_digests(files, MANIFEST, payload, result)
    check_digests(files, TAG_MANIFEST, tags, result)
    check_signature(files, result)
    check_signer_named(files, result)
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
        result.note("original", [Fault("redaction.original", "this is no copy with parts left out", INFO)], "")
        return None
    found = []
    if (status := verify_bundle(against).status) != "valid":
        found.append(Fault("redaction.original", f"the original {against.name} is itself {status}: verify it", INFO))
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
            Fault("bag.demo", f"{source} says {DEMO_MARK}, {place} does not", INFO)
            for place, says in told.items()
            if not says
        ]
    else:
        faults = [
            Fault("bag.demo", f"{place} says {DEMO_MARK}, neither {CERTIFICATE} nor a listing does", INFO)
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
    faults = Faults(in_file(name, custody_faults(events, links)))
    faults += (
        Fault("custody.sealing", f"no entry tells of the sealing of {place} with its digest", name) for place in unknown
    )
    result.note("custody log", faults, f"{len(events)} entries, their hashes recomputed and chained")


def _has_plain_digest(event: dict[str, Any]) -> bool:
    return event.get("object_kind") != "export" and isinstance(as_mapping(event.get("details")).get("sha256"), str)


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
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal that lacks the letters is no reason to say nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    if options.json:
        sys.stdout.write(json.dumps(as_record(result), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(report_lines(result)) + "\n")
    return result.exit_status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
