"""Whether a derived copy holds what its list of removals says, and whether it is a copy of a given original. # EV-42"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from crawler.blackening import BLACK
from evidence.bag import LISTING, TAG_MANIFEST
from evidence.bundle_files import BundleFiles, JsonFault, as_mapping
from evidence.faults import Fault
from evidence.item_check import OWN_FILES, file_faults
from evidence.picture_metadata import LARGEST_PICTURE, NotCleanable, clean
from evidence.plain_zip import name_fault
from evidence.redaction import (
    FORMAT,
    LABEL,
    PARTS,
    PICTURES,
    REDACTION,
    CleanedPicture,
    Part,
    cleaned_pictures,
    is_changeable,
    is_left_out,
    observed_texts,
    other_pictures,
    redact,
    seller_names,
    with_pictures,
    without_parts,
)

REDACTION_FILE = f"data/{REDACTION}"
OWN_FILES_OF_A_COPY = frozenset((REDACTION_FILE, "data/request.json"))
_INFO = "bag-info.txt"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLACE = re.compile(r"[0-9]{1,9}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a copy says of itself."""

    original_id: str
    tag_manifest_sha256: str
    withheld: frozenset[Part]
    left_out: Mapping[str, str]
    """File -> SHA-256 in the original."""
    changed: Mapping[str, tuple[str, Sequence[str]]]
    """File -> SHA-256 in the original, and the places changed (RFC 6901)."""
    cleaned: Mapping[str, tuple[str, Sequence[str]]]
    """Picture -> SHA-256 in the original, and what was cut out of it."""

    @property
    def line(self) -> str:
        return f"urn:uuid:{self.original_id} {self.tag_manifest_sha256}"


def read_redaction(files: BundleFiles, info: Mapping[str, str]) -> tuple[Redaction | None, list[Fault]]:
    """What the bundle says of being a copy, and what is wrong with that; (None, []) for a bundle that is none."""
    if REDACTION_FILE not in files.sizes:
        words = f"it says that this is a copy, and {REDACTION_FILE} is missing"
        return None, [Fault("redaction.named", words, _INFO)] if LABEL in info else []
    try:
        told = as_mapping(files.json(REDACTION_FILE))
    except JsonFault as fault:
        return None, [Fault("json.form", f"it {fault}", REDACTION_FILE)]
    redaction = _parse(told)
    if redaction is None:
        return None, [
            Fault("redaction.form", "it is no list of what was left out as relicwatch writes it", REDACTION_FILE)
        ]
    faults = [*_faults(files, redaction), *_picture_faults(files, redaction)]
    if info.get(LABEL) != redaction.line:
        faults.append(Fault("redaction.named", f"it names another original than {REDACTION_FILE}", _INFO))
    return redaction, faults


def against_faults(copy: BundleFiles, redaction: Redaction, original: BundleFiles) -> Iterator[Fault]:
    """Where the copy is another than the one that the original gives with these parts left out."""
    if original.sizes.get(TAG_MANIFEST) is None or original.sha256(TAG_MANIFEST) != redaction.tag_manifest_sha256:
        yield Fault("redaction.original", "it is of another original than the one given", REDACTION_FILE)
        return
    names, others = frozenset[str](), frozenset[str]()
    texts: dict[str, dict[str, Any]] = {}
    for path in original.sizes:
        if path.startswith("data/items/") and path.endswith("/item.json"):
            item = as_mapping(original.json(path))
            names |= seller_names(item)
            texts |= observed_texts(item)
            others |= other_pictures(path.rpartition("/")[0], item) if "seller" in redaction.withheld else frozenset()
    cleaned: dict[str, CleanedPicture] = {}
    refused = frozenset[str]()
    if "seller" in redaction.withheld:
        pictures = [path for path in original.sizes if path not in others]
        cleaned, refused = cleaned_pictures(pictures, partial(original.read, most=LARGEST_PICTURE))
    own = {path for path in copy.sizes if _is_report(path)} | OWN_FILES_OF_A_COPY
    for path in original.sizes:
        if not path.startswith("data/") or path in own or _is_report(path):
            continue
        if is_left_out(path, redaction.withheld) or path in others | refused:
            if redaction.left_out.get(path) != original.sha256(path):
                yield Fault("redaction.original", f"{path} of the original is not listed with its hash", REDACTION_FILE)
        elif path not in copy.sizes:
            yield Fault("redaction.original", "it stands in the original and not in the copy", path)
        elif is_changeable(path):
            told = with_pictures(path, as_mapping(original.json(path)), cleaned, refused)
            record, places = redact(told, redaction.withheld, names, texts)
            if record != _read(copy, path) or redaction.changed.get(path) != (original.sha256(path), places):
                yield Fault("redaction.original", "it differs from the original in more than what is withheld", path)
        elif path in cleaned:
            now = cleaned[path]
            told_of = (now.original_sha256, list(now.removed))
            if copy.sha256(path) != now.sha256 or redaction.cleaned.get(path) != told_of:
                yield Fault("redaction.original", "it is another than the original without its metadata", path)
        elif copy.sha256(path) != original.sha256(path) or path in redaction.cleaned:
            yield Fault("redaction.original", "it differs from the original", path)
    for path in copy.sizes:
        if path.startswith("data/") and path not in own and path not in original.sizes:
            yield Fault("redaction.original", "it does not stand in the original", path)


def copied_item_faults(files: BundleFiles, folder: str, names: Sequence[str]) -> Iterator[Fault]:
    """Of an item without its captures: each picture that is there is named with its digest, and none is unnamed."""
    try:
        facts = as_mapping(as_mapping(files.json(f"{folder}/item.json")).get("captured_fact"))
    except JsonFault as fault:
        yield Fault("json.form", f"it {fault}")
        return
    named = set()
    for one in [*_mappings(facts.get("images")), *_mappings(facts.get("captures"))]:
        named.add(str(one.get("file")))
        yield from file_faults(files, folder, f"picture {one.get('file')}", one)
    for name in names:
        if name not in named and name not in OWN_FILES:
            yield Fault("item.unnamed", f"it does not name {name}")


def _is_report(path: str) -> bool:
    """Whether a file is part of the report, which a copy has of its own."""
    return path.startswith("data/report.") or (path.startswith("data/items/") and path.endswith(f"/{LISTING}"))


def _faults(files: BundleFiles, redaction: Redaction) -> Iterator[Fault]:
    for path in redaction.left_out:
        if path in files.sizes:
            yield Fault("redaction.kept", "it is listed as left out, and is there", path)
        elif not is_left_out(path, redaction.withheld) and not _is_other_picture(path, redaction):
            yield Fault(
                "redaction.kept", f"{path} was left out, and belongs to no part that is withheld", REDACTION_FILE
            )
    for path in files.sizes:
        if is_left_out(path, redaction.withheld):
            yield Fault("redaction.kept", "it belongs to a part that is withheld, and is there", path)
    for path in filter(is_changeable, files.sizes):
        _, places = without_parts(as_mapping(_read(files, path)), redaction.withheld)
        if places:
            yield Fault("redaction.kept", f"{places[0]} is withheld, and is there", path)
    for path, (_, listed) in redaction.changed.items():
        record = _read(files, path)
        if record is None:
            yield Fault("json.form", "it is listed as changed, and is missing or no JSON", path)
            continue
        for place in listed:
            if not _is_empty(_at(record, place)):
                yield Fault("redaction.changed", f"{place} is listed as removed, and holds a value", path)


def _picture_faults(files: BundleFiles, redaction: Redaction) -> Iterator[Fault]:
    for path in redaction.cleaned:
        if PICTURES.fullmatch(path) is None or path not in files.sizes:
            yield Fault("redaction.metadata", "it is listed as a picture that was cut, and is none of the copy", path)
        elif redaction.cleaned[path][0] == files.sha256(path):
            yield Fault("redaction.metadata", "it is listed as cut, and is what it was", path)
    if "seller" not in redaction.withheld:
        return
    for path in filter(PICTURES.fullmatch, files.sizes):
        try:
            found = clean(files.read(path, LARGEST_PICTURE) or b"").removed
        except NotCleanable as error:
            yield Fault("redaction.metadata", f"what it tells beside the picture cannot be judged: {error}", path)
            continue
        if found:
            yield Fault("redaction.metadata", f"it holds {', '.join(found[:5])} beside the picture", path)


def _is_other_picture(path: str, redaction: Redaction) -> bool:
    """Whether a file may have been left out for not being a picture of the listing's own."""
    return "seller" in redaction.withheld and PICTURES.fullmatch(path) is not None


def _read(files: BundleFiles, path: str) -> Any:
    """None where there is no such file or no JSON in it: a copy may say anything."""
    try:
        return files.json(path)
    except JsonFault:
        return None


def _at(record: Any, place: str) -> Any:
    """The value at an RFC 6901 place; None where there is none."""
    for part in place.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(record, dict):
            record = record.get(name)
        elif (
            isinstance(record, list)
            and name.isascii()
            and len(name) < 10
            and name.isdigit()
            and int(name) < len(record)
        ):
            record = record[int(name)]
        else:
            return None
    return record


def _is_empty(value: Any) -> bool:
    """Removed, or blacked out in part; of captures and pictures, the listing's own may stay."""
    if isinstance(value, list):
        return all(
            str(as_mapping(one).get("file", "")).startswith("images/")
            and as_mapping(one).get("of_listing") is not False
            for one in value
        )
    return value is None or (isinstance(value, str) and BLACK in value)


def _parse(told: Mapping[str, Any]) -> Redaction | None:
    original = as_mapping(told.get("original"))
    withheld, left_out, changed = told.get("withheld"), _mappings(told.get("left_out")), _mappings(told.get("changed"))
    cleaned = _mappings(told.get("cleaned"))
    texts = [original.get("bundle_id"), original.get("tag_manifest_sha256")]
    texts += [one.get(name) for one in (*left_out, *changed, *cleaned) for name in ("file", "sha256")]
    places = [*(one.get("places") for one in changed), *(one.get("removed") for one in cleaned)]
    paths = [str(one.get("file")) for one in (*left_out, *changed, *cleaned)]
    digests = [str(original.get("tag_manifest_sha256")), *(str(one.get("sha256")) for one in (*left_out, *changed))]
    digests += [str(one.get("sha256")) for one in cleaned]
    if (
        told.get("format") != FORMAT
        or not isinstance(withheld, list)
        or not withheld
        or not set(map(str, withheld)) <= set(PARTS)
        or not all(isinstance(text, str) for text in texts)
        or not _UUID.fullmatch(str(original.get("bundle_id")))
        or len(set(paths)) < len(paths)
        or any(name_fault(path) for path in paths)
        or not all(_DIGEST.fullmatch(digest) for digest in digests)
        or not all(isinstance(one, list) and all(isinstance(place, str) for place in one) for one in places)
    ):
        return None
    return Redaction(
        str(original["bundle_id"]),
        str(original["tag_manifest_sha256"]),
        frozenset(cast("list[Part]", withheld)),
        {one["file"]: one["sha256"] for one in left_out},
        {one["file"]: (one["sha256"], one["places"]) for one in changed},
        {one["file"]: (one["sha256"], one["removed"]) for one in cleaned},
    )


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [as_mapping(one) for one in value] if isinstance(value, list) else []
