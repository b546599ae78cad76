"""A derived copy of a bundle for one recipient: what they are not given is left out, and listed by its hash. # EV-42

The original is sealed first and stays with the sender. The copy is made from nothing but the original and says what was
taken out; `relicwatch verify COPY --against ORIGINAL` shows that nothing else differs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evidence.bag import TAG_MANIFEST, BagWriter
from evidence.bundle_files import LARGEST_TEXT, BundleFiles, ZipFiles, as_mapping, parse_json
from evidence.picture_metadata import LARGEST_PICTURE, clean
from evidence.plain_zip import CHUNK
from evidence.redaction import (
    FORMAT,
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
)
from evidence.wacz import to_json


@dataclass(frozen=True, slots=True)
class Original:
    """What a copy says of the bundle that it is of."""

    bundle_id: str
    name: str
    tag_manifest_sha256: str

    @property
    def line(self) -> str:
        return f"urn:uuid:{self.bundle_id} {self.tag_manifest_sha256}"


@dataclass(frozen=True, slots=True)
class Derivation:
    """A copy's payload as it was written."""

    original: Original
    records: Mapping[str, dict[str, Any]]
    """JSON files of items as the copy holds them, by their path."""
    digests: Mapping[str, str]
    """SHA-256 of every file taken over, as it stands in the copy."""
    record: dict[str, Any]
    """The content of redaction.json."""
    names: frozenset[str]
    """Of the sellers."""


def derive(
    package: Path, bag: BagWriter, bundle_id: str, withheld: frozenset[Part], skip: Collection[str] = ()
) -> Derivation:
    """Copy the payload of the bundle in the zip `package` into `bag`, without what is withheld.

    Files below `data/` named in `skip` are the copy's own and are not taken over (its report and cover).
    """
    with package.open("rb") as file:
        files = ZipFiles(file, has_top_directory=True)
        original = Original(bundle_id, files.top or "", files.sha256(TAG_MANIFEST))
        names, others = frozenset[str](), frozenset[str]()
        texts: dict[str, dict[str, Any]] = {}
        for path in files.sizes:
            if path.endswith("/item.json") and path.startswith("data/items/"):
                item = as_mapping(parse_json(_read(files, path)))
                names |= seller_names(item)
                texts |= observed_texts(item)
                others |= other_pictures(path.rpartition("/")[0], item) if "seller" in withheld else frozenset()
        cleaned: dict[str, CleanedPicture] = {}
        refused = frozenset[str]()
        if "seller" in withheld:
            own = [path for path in files.sizes if path not in others]
            cleaned, refused = cleaned_pictures(own, partial(files.read, most=LARGEST_PICTURE))
        left_out: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        records: dict[str, dict[str, Any]] = {}
        digests: dict[str, str] = {}
        for path, size in files.sizes.items():
            if not path.startswith("data/") or path.removeprefix("data/") in skip:
                continue
            if is_left_out(path, withheld) or path in others | refused:
                left_out.append({"file": path, "sha256": files.sha256(path), "bytes": size})
                continue
            if is_changeable(path):
                told = with_pictures(path, as_mapping(parse_json(_read(files, path))), cleaned, refused)
                record, places = redact(told, withheld, names, texts)
                records[path] = record
                changed.append({"file": path, "sha256": files.sha256(path), "places": places})
                digests[path] = bag.add_bytes(path.removeprefix("data/"), to_json(record))
                continue
            if path in cleaned:
                picture = clean(files.read(path, LARGEST_PICTURE) or b"").data
                digests[path] = bag.add_bytes(path.removeprefix("data/"), picture)
                continue
            with files.open(path) as source:
                digests[path] = bag.add_stream(path.removeprefix("data/"), size, iter(partial(source.read, CHUNK), b""))
    record = {
        "format": FORMAT,
        "note": "Left out or changed in this copy, each with the SHA-256 that it has in the original bundle.",
        "original": {
            "bundle_id": bundle_id,
            "name": original.name,
            "tag_manifest_sha256": original.tag_manifest_sha256,
        },
        "withheld": sorted(withheld),
        "left_out": left_out,
        "changed": changed,
        "cleaned": [
            {"file": path, "sha256": one.original_sha256, "removed": list(one.removed)} for path, one in cleaned.items()
        ],
    }
    bag.add_bytes(REDACTION, to_json(record))
    return Derivation(original, records, digests, record, names)


def _read(files: BundleFiles, path: str) -> bytes:
    return files.read(path, LARGEST_TEXT) or b""
