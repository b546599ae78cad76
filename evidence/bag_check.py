"""The bag itself: its manifests, its declaration and label, every file's digest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evidence.bag import (
    BUNDLE_NAME,
    DECLARATION,
    MANIFEST,
    SIGNATURE,
    TAG_FILES,
    TAG_MANIFEST,
)
from evidence.bundle_files import LARGEST_LIST, LARGEST_NOTE, BundleFiles, as_text
from evidence.faults import Fault, Faults
from evidence.plain_zip import name_fault
from evidence.stamp_check import AUTHORITY_FILE, STAMP_FILE
from evidence.verification import Verification

_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_INFO_LINE = re.compile(r"([A-Za-z0-9-]+): (.*)")
INFO = "bag-info.txt"
_DEMO_LABEL = "Relicwatch-Demo"
_REQUIRED_PAYLOAD = ("data/custody/custody.json", "data/custody/custody.html", "data/custody/case.jsonld")


def read_manifest(files: BundleFiles, name: str, result: Verification) -> dict[str, str]:
    """Path -> SHA-256, as far as the manifest's lines can be read."""
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


def check_declaration(files: BundleFiles, result: Verification) -> None:
    if "bagit.txt" in files.sizes:
        data = files.read("bagit.txt", LARGEST_NOTE)
        wrong = Fault("bag.declaration", "it is not the declaration of a BagIt 1.0 bag in UTF-8", "bagit.txt")
        faults = [] if data == DECLARATION else [wrong]
        result.note("bag declaration", faults, "BagIt 1.0")


def check_info(files: BundleFiles, result: Verification) -> dict[str, str]:
    """Its labels with their values."""
    data = files.read("bag-info.txt", LARGEST_NOTE)
    text = as_text(data) if data is not None else None
    if text is None:
        result.note("bag-info.txt", [Fault("bag.info", "it is missing, too long or not UTF-8", INFO)], "")
        return {}
    faults = Faults()
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        found = _INFO_LINE.fullmatch(line)
        if not found:
            faults.append("bag.info", f"line {number} is no label with its value", INFO)
        elif found[1].lower() in seen:
            faults.append("bag.info", f"it has the label {found[1]} twice", INFO)
        else:
            seen.add(found[1].lower())
            labels[found[1]] = found[2]
    sizes = [size for name, size in files.sizes.items() if name.startswith("data/")]
    found_oxum = f"{sum(sizes)}.{len(sizes)}"
    if labels.get("Payload-Oxum") != found_oxum:
        stated = labels.get("Payload-Oxum")
        faults.append("bag.oxum", f"it states Payload-Oxum {stated}, the payload is {found_oxum}", INFO)
    result.demo = _DEMO_LABEL in labels
    result.name = labels.get(BUNDLE_NAME)
    if not result.name or name_fault(result.name) or "/" in result.name:
        faults.append("bag.name", f"it does not tell the bundle's name ({BUNDLE_NAME})", INFO)
        result.name = None
    elif files.top not in (None, result.name):
        faults.append(
            "bag.name", f"the directory in the zip is called {files.top}, the bundle's name is {result.name}", INFO
        )
    result.note("bag-info.txt", faults, f"Payload-Oxum {found_oxum}, bundle {result.name}")
    return labels


def check_lists(
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


def check_digests(files: BundleFiles, manifest: str, digests: dict[str, str], result: Verification) -> None:
    faults = (
        Fault("manifest.hash", f"it does not match its SHA-256 in {manifest}", name)
        for name, digest in digests.items()
        if name in files.sizes and files.sha256(name) != digest
    )
    result.note(f"digests of {manifest}", faults, f"{len(digests)} files match")
