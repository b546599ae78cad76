"""Judging the time stamps of a bundle with nothing but the bundle: over its signature, and over its captures.

What a stamp is worth rests on the authority's certificates. Those in the bundle are what the installation trusts;
`trusted` are the reader's own, and then only these count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from evidence.bag import AUTHORITIES, SIGNATURE, STAMP_SUFFIX
from evidence.bundle_files import LARGEST_NOTE, BundleFiles, JsonFault, as_mapping, as_text
from evidence.faults import Fault, Faults
from evidence.merkle import Step, root_of
from evidence.stamp_token import Stamp, StampRefused, check_stamp

STAMP_FILE = re.compile(re.escape(SIGNATURE) + r"\.([a-z0-9_]{1,40})" + re.escape(STAMP_SUFFIX))
AUTHORITY_FILE = re.compile(re.escape(AUTHORITIES) + r"([a-z0-9_]{1,40})\.pem")
_OF_CAPTURES = re.compile(r"(data/items/\d{3,}/stamps/\d{3,})\.([a-z0-9_]{1,40})" + re.escape(STAMP_SUFFIX))
_HEX = re.compile(r"[0-9a-f]{64}")
_MOST_STEPS = 64
_FORMAT = "relicwatch-stamps-1"


@dataclass(frozen=True, slots=True)
class Judged:
    """One stamp: what it is over, and whether it holds."""

    file: str
    authority: str
    stamp: Stamp | None
    fault: Fault | None


def signature_stamps(
    files: BundleFiles, beside: Mapping[str, bytes], trusted: Sequence[x509.Certificate]
) -> list[Judged]:
    """The stamps over the signature: those in the bundle, and those that lie `beside` its zip (authority -> answer)."""
    data = files.read(SIGNATURE, LARGEST_NOTE)
    if data is None:
        return []
    found = {name: match[1] for name in files.sizes if (match := STAMP_FILE.fullmatch(name))}
    judged = [_judge(files, name, authority, data, trusted) for name, authority in sorted(found.items())]
    for authority, answer in sorted(beside.items()):
        judged.append(_judged(files, f"the stamp of {authority} beside the bundle", authority, answer, data, trusted))
    return judged


def capture_stamps(files: BundleFiles, trusted: Sequence[x509.Certificate]) -> list[Judged]:
    """The stamps over the roots of captures' trees."""
    judged = []
    for name in files.sizes:
        if match := _OF_CAPTURES.fullmatch(name):
            data = files.read(f"{match[1]}.txt", LARGEST_NOTE)
            if data is None:
                judged.append(_refused(name, match[2], "stamp.imprint", f"{match[1]}.txt, which it stamps, is missing"))
            else:
                judged.append(_judge(files, name, match[2], data, trusted))
    return judged


def tree_faults(files: BundleFiles, folder: str, own_digests: Iterable[str]) -> Faults:
    """What is wrong with the ways of an item's captures up to the stamped roots. `own_digests`: of what it holds."""
    own = set(own_digests)
    faults = Faults()
    inside = [name for name in files.sizes if name.startswith(f"{folder}/stamps/")]
    for base in sorted({re.sub(r"\.[^/]*\Z", "", name) for name in inside}):
        text = as_text(files.read(f"{base}.txt", LARGEST_NOTE) or b"") or ""
        root = text.removesuffix("\n")
        if not _HEX.fullmatch(root) or text != f"{root}\n":
            faults.append("stamp.tree", "is no root of a tree", f"{base}.txt")
            continue
        try:
            content = as_mapping(files.json(f"{base}.json"))
        except JsonFault as fault:
            faults.append("json.form", str(fault), f"{base}.json")
            continue
        leaves = content.get("leaves")
        if content.get("format") != _FORMAT or not isinstance(leaves, list) or not leaves:
            faults.append("stamp.tree", "names no capture", f"{base}.json")
            continue
        for leaf in map(as_mapping, leaves):
            sha256, path = str(leaf.get("sha256")), leaf.get("path")
            if sha256 not in own:
                faults.append(
                    "stamp.tree", f"names {sha256}, which is the digest of nothing in {folder}", f"{base}.json"
                )
            elif not isinstance(path, list) or (steps := _steps(path)) is None or root_of(sha256, steps) != root:
                faults.append(
                    "stamp.tree", f"the way of {sha256} does not lead to the root in {base}.txt", f"{base}.json"
                )
    return faults


def stamps_beside(path: Path) -> dict[str, bytes]:
    """Answers that came after the bundle was made and lie beside its zip: NAME.zip.AUTHORITY.tsr."""
    found: dict[str, bytes] = {}
    for one in sorted(path.parent.glob(f"{_escaped(path.name)}.*{STAMP_SUFFIX}")):
        authority = one.name[len(path.name) + 1 : -len(STAMP_SUFFIX)]
        if re.fullmatch(r"[a-z0-9_]{1,40}", authority) and one.is_file() and one.stat().st_size <= LARGEST_NOTE:
            found[authority] = one.read_bytes()
    return found


def _escaped(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _steps(path: list[object]) -> list[Step] | None:
    if len(path) > _MOST_STEPS:
        return None
    steps = []
    for one in map(as_mapping, path):
        if one.get("side") not in ("left", "right") or not _HEX.fullmatch(str(one.get("sha256"))):
            return None
        steps.append(Step(str(one["side"]), str(one["sha256"])))
    return steps


def _judge(files: BundleFiles, name: str, authority: str, data: bytes, trusted: Sequence[x509.Certificate]) -> Judged:
    answer = files.read(name, LARGEST_NOTE)
    if answer is None:
        return _refused(name, authority, "stamp.form", "it is larger than any time stamp")
    return _judged(files, name, authority, answer, data, trusted)


def _judged(
    files: BundleFiles, name: str, authority: str, answer: bytes, data: bytes, trusted: Sequence[x509.Certificate]
) -> Judged:
    roots = list(trusted)
    if not roots:
        held = files.read(f"{AUTHORITIES}{authority}.pem", LARGEST_NOTE)
        if held is None:
            return _refused(
                name, authority, "stamp.authority", f"{AUTHORITIES}{authority}.pem, by which it is judged, is missing"
            )
        try:
            roots = x509.load_pem_x509_certificates(held)
        except ValueError:
            return _refused(name, authority, "stamp.authority", f"{AUTHORITIES}{authority}.pem holds no certificates")
    try:
        return Judged(name, authority, check_stamp(answer, data, tuple(roots), name=authority), None)
    except StampRefused as error:
        return Judged(name, authority, None, error.fault(name))


def _refused(name: str, authority: str, rule: str, sentence: str) -> Judged:
    return Judged(name, authority, None, Fault(rule, sentence, name))
