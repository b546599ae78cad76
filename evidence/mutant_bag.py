"""An unpacked bundle that is being damaged, and what one way of damaging it is."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.bag import CERTIFICATE, INSTRUCTIONS, MANIFEST, SIGNATURE, TAG_FILES, TAG_MANIFEST, manifest_lines
from evidence.plain_zip import PlainZipWriter
from evidence.signing import SigningKey, certificate_fingerprint, sign_detached
from evidence.wacz import INDEX as WACZ_INDEX
from evidence.wacz import INDEX_OF_INDEX, cdxj_line, pack_index, to_json
from evidence.warc_reading import WarcFault, read_records

ITEM = "data/items/001/item.json"
WACZ = "data/items/001/capture/001.wacz"
CUSTODY = "data/custody/custody.json"
HISTORY = "data/items/001/observations.json"
OPINION = "data/analysis/001.json"
DECISIONS = "data/decisions/001.json"
OBJECT_ID = "data/items/001/object-id.json"
CARDS = "data/analysis/model-card.json"
PROVENANCE = "data/provenance/case.jsonld"
EXPORTS = "data/custody/case.jsonld"
Entries = dict[str, bytes]


class Bag:
    """An unpacked bundle that is being damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Raises ValueError where the change changes nothing: no damage would be taken for a find missed."""
        before = self.read(name)
        after = change(before)
        if after == before:
            raise ValueError(f"{name} is as before")
        self.write(name, after)

    def edit_json(self, name: str, change: Callable[[Any], object]) -> None:
        def edited(data: bytes) -> bytes:
            value = json.loads(data)
            change(value)
            return to_json(value)

        self.edit(name, edited)

    def first(self, pattern: str) -> str:
        return next(name for name in self.names() if re.fullmatch(pattern, name))

    def edit_wacz(self, change: Callable[[Entries], object], *, digests: bool = True) -> None:
        """Change the files of the first item's package; with `digests` its package list is made anew."""

        def edited(data: bytes) -> bytes:
            path = self.root.parent / "package"
            path.write_bytes(data)
            with zipfile.ZipFile(path) as package:
                files = {name: package.read(name) for name in package.namelist()}
            change(files)
            if digests and "datapackage.json" in files:
                list_anew(files)
            with path.open("wb") as file, PlainZipWriter(file) as out:
                for name, content in files.items():
                    out.add_bytes(name, content)
            return path.read_bytes()

        self.edit(WACZ, edited)

    def edit_record(self, kind: str, change: Callable[[bytes], bytes]) -> None:
        """Change one record, unpacked, and make index and package list anew. `kind`: response, request, warcinfo."""

        def edited(files: Entries) -> None:
            name = next(name for name in files if name.startswith("archive/"))
            members = list(members_of(files[name]))
            at = next(
                n
                for n, m in enumerate(members)
                if f"\r\nWARC-Type: {kind}\r\n".encode() in m.partition(b"\r\n\r\n")[0] + b"\r\n"
            )
            members[at] = change(members[at])
            files[name] = b"".join(gzip.compress(member, mtime=0) for member in members if member)
            index_anew(files, name)

        self.edit_wacz(edited)

    def reseal(self, key: SigningKey) -> None:
        """Manifests and signature anew, with texts that tell the key's fingerprint; no stamp fits after that."""
        for name in self.names():
            if name.startswith(SIGNATURE + "."):
                (self.root / name).unlink()
        old = re.search(rb"^Relicwatch-Signer-SHA256: (.*)$", self.read("bag-info.txt"), re.MULTILINE)
        for name in ("bag-info.txt", INSTRUCTIONS):
            if old:
                self.write(name, self.read(name).replace(old[1], certificate_fingerprint(key.certificate).encode()))
        self.write(CERTIFICATE, key.certificate_pem)
        self.list_anew()
        self.write(SIGNATURE, sign_detached(key, self.read(TAG_MANIFEST)).pem)

    def list_anew(self) -> None:
        """Both manifests as the files now are: what anyone can do without a key."""
        payload = {name: self.sha256(name) for name in self.names() if name.startswith("data/")}
        self.write(MANIFEST, manifest_lines(payload))
        size = sum((self.root / name).stat().st_size for name in payload)
        oxum = f"Payload-Oxum: {size}.{len(payload)}".encode()
        self.write("bag-info.txt", re.sub(rb"^Payload-Oxum: .*$", oxum, self.read("bag-info.txt"), flags=re.MULTILINE))
        authorities = [name for name in self.names() if name.startswith("signatures/authorities/")]
        self.write(TAG_MANIFEST, manifest_lines({name: self.sha256(name) for name in (*TAG_FILES, *authorities)}))

    def sha256(self, name: str) -> str:
        with (self.root / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    rule: str
    """By which it must be found."""
    change: Callable[[Bag], object] | None = None
    of_zip: Callable[[bytes, str], bytes] | None = None
    """A change of the packed bytes instead; told the name of the top directory."""
    resealed: bool = False
    unpacked: bool = False
    """Of a kind that a zip in the plain form cannot hold."""
    needs_stamps: bool = False


def members_of(data: bytes) -> Iterator[bytes]:
    while data:
        unpacker = zlib.decompressobj(31)
        yield unpacker.decompress(data)
        data = unpacker.unused_data


def list_anew(files: Entries) -> None:
    package = json.loads(files["datapackage.json"])
    for resource in package["resources"]:
        if (data := files.get(resource["path"])) is not None:
            resource["hash"], resource["bytes"] = f"sha256:{hashlib.sha256(data).hexdigest()}", len(data)
    files["datapackage.json"] = to_json(package)
    digest = hashlib.sha256(files["datapackage.json"]).hexdigest()
    files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})


def index_anew(files: Entries, name: str) -> None:
    """As far as the changed file can still be read."""
    lines = []
    with tempfile.TemporaryFile() as file:
        file.write(files[name])
        try:
            for record in read_records(file):
                if record.type in ("response", "revisit", "resource"):
                    lines.append(cdxj_line(name.removeprefix("archive/"), record))
        except WarcFault:
            return
    files[WACZ_INDEX], files[INDEX_OF_INDEX] = pack_index(sorted(lines))
