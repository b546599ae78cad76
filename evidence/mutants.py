"""Ways to damage a bundle, each with the rule that must find it: a corpus to try verifiers on. # EV-26

`python -m evidence.mutants BUNDLE.zip --to DIR` writes them all. Those marked `resealed` are what an insider can do:
packages, manifests and signature are made anew with a key (a new one, so that the fingerprint differs; or the
installation's own). What is left to find them by is that a bundle tells the same thing in several places.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import sys
import tempfile
import zipfile
import zlib
from base64 import b32encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.home import Home
from evidence.bag import CERTIFICATE, INDEX, INSTRUCTIONS, MANIFEST, SIGNATURE, TAG_FILES, TAG_MANIFEST, manifest_lines
from evidence.bundle_files import as_mapping
from evidence.plain_zip import PlainZipWriter
from evidence.signing import SigningKey, certificate_fingerprint, ensure_signing_key, sign_detached
from evidence.wacz import INDEX as WACZ_INDEX
from evidence.wacz import INDEX_OF_INDEX, PAGES, cdxj_line, pack_index, to_json
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
OTHER_ACT = {"@id": "kb:x", "@type": "investigation:InvestigativeAction", "core:name": "export.finished"}
_CHANGE = {"field": "price", "before": "1", "after": "2"}
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
                _list_anew(files)
            with path.open("wb") as file, PlainZipWriter(file) as out:
                for name, content in files.items():
                    out.add_bytes(name, content)
            return path.read_bytes()

        self.edit(WACZ, edited)

    def edit_record(self, kind: str, change: Callable[[bytes], bytes]) -> None:
        """Change one record, unpacked, and make index and package list anew. `kind`: response, request, warcinfo."""

        def edited(files: Entries) -> None:
            name = next(name for name in files if name.startswith("archive/"))
            members = list(_members(files[name]))
            at = next(
                n
                for n, m in enumerate(members)
                if f"\r\nWARC-Type: {kind}\r\n".encode() in m.partition(b"\r\n\r\n")[0] + b"\r\n"
            )
            members[at] = change(members[at])
            files[name] = b"".join(gzip.compress(member, mtime=0) for member in members if member)
            _index_anew(files, name)

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


def write_mutants(
    bundle: Path, to: Path, key: SigningKey | None = None, chosen: Sequence[Mutant] = ()
) -> Iterator[tuple[Mutant, Path]]:
    """Each mutant (or the `chosen`) of the zip `bundle` and where it was written, each in a directory of its own.

    Those on stamps are left out where the bundle has none.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if key is None:
            home = Home(Path(scratch) / "home")
            home.create()
            key = ensure_signing_key(home)
        with zipfile.ZipFile(bundle) as package:
            top = package.namelist()[0].partition("/")[0]
            stamped = any(name.endswith(".tsr") for name in package.namelist())
        for mutant in chosen or MUTANTS:
            if mutant.needs_stamps and not stamped:
                continue
            place = to / mutant.name
            place.mkdir(parents=True)
            if mutant.of_zip:
                made = place / f"{top}.zip"
                made.write_bytes(mutant.of_zip(bundle.read_bytes(), top))
                yield mutant, made
                continue
            with zipfile.ZipFile(bundle) as package:
                package.extractall(place)
            bag = Bag(place / top)
            assert mutant.change is not None
            mutant.change(bag)
            (place / "package").unlink(missing_ok=True)
            if mutant.resealed:
                bag.reseal(key)
            if mutant.unpacked:
                yield mutant, bag.root
                continue
            made = place / f"{top}.zip"
            with made.open("wb") as file, PlainZipWriter(file) as out:
                for name in bag.names():
                    out.add_file(f"{top}/{name}", bag.root / name)
            shutil.rmtree(bag.root)
            yield mutant, made


# -- parts of changes -------------------------------------------------------------------------------------------


def _flip(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _members(data: bytes) -> Iterator[bytes]:
    while data:
        unpacker = zlib.decompressobj(31)
        yield unpacker.decompress(data)
        data = unpacker.unused_data


def _list_anew(files: Entries) -> None:
    package = json.loads(files["datapackage.json"])
    for resource in package["resources"]:
        if (data := files.get(resource["path"])) is not None:
            resource["hash"], resource["bytes"] = f"sha256:{hashlib.sha256(data).hexdigest()}", len(data)
    files["datapackage.json"] = to_json(package)
    digest = hashlib.sha256(files["datapackage.json"]).hexdigest()
    files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})


def _index_anew(files: Entries, name: str) -> None:
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


def _header(name: str, value: bytes | None) -> Callable[[bytes], bytes]:
    """Set a WARC header of a record, or take it away."""

    def change(record: bytes) -> bytes:
        line = b"" if value is None else b"\r\n" + name.encode() + b": " + value
        return re.sub(rb"\r\n" + name.encode() + rb": [^\r\n]*", line.replace(b"\\", b"\\\\"), record, count=1)

    return change


def _block(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change a record's block and make length and block digest right again."""

    def changed(record: bytes) -> bytes:
        head, _, rest = record.partition(b"\r\n\r\n")
        block = change(rest[:-4])
        label = b"sha256:" + b32encode(hashlib.sha256(block).digest())
        head = re.sub(rb"(WARC-Block-Digest: )[^\r\n]*", rb"\g<1>" + label, head)
        head = re.sub(rb"(Content-Length: )\d+", rb"\g<1>" + str(len(block)).encode(), head)
        return head + b"\r\n\r\n" + block + b"\r\n\r\n"

    return changed


def _as_revisit(record: bytes) -> bytes:
    """A response that now points at a record that is nowhere."""
    more = (
        b"WARC-Type: revisit\r\nWARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        b"\r\nWARC-Refers-To: <urn:uuid:00000000-0000-4000-8000-000000000000>"
    )
    return record.replace(b"WARC-Type: response", more, 1)


def _archive(files: Entries) -> str:
    return next(name for name in files if name.startswith("archive/"))


def _put_archive(change: Callable[[bytes], bytes]) -> Callable[[Entries], None]:
    def changed(files: Entries) -> None:
        files[_archive(files)] = change(files[_archive(files)])

    return changed


def _bomb(data: bytes) -> bytes:
    """A record of zeros without end, behind the true ones."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    head = b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 3221225472\r\n\r\n"
    zeros = bytes(1 << 24)
    return data + packer.compress(head) + b"".join(packer.compress(zeros) for _ in range(130)) + packer.flush()


def _facts(change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(ITEM, lambda item: change(item["captured_fact"]))


def _exchange(**values: Any) -> Callable[[Bag], None]:
    """Other values in the first exchange that gave a page."""
    return _facts(
        lambda f: next(c for c in f["captures"] if c["kind"] == "exchange" and c["status"] == 200).update(values)
    )


def _file_capture(facts: Any) -> Any:
    return next(capture for capture in facts["captures"] if "file" in capture)


def _edit(name: str, change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(name, change)


def _custody(change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(CUSTODY, change)


def _line(name: str, line: bytes) -> Callable[[Bag], None]:
    return lambda bag: bag.edit(name, lambda data: data + line)


def _drop(pattern: str) -> Callable[[Bag], None]:
    return lambda bag: (bag.root / bag.first(pattern)).unlink()


def _add(name: str, data: bytes = b"added\n") -> Callable[[Bag], None]:
    return lambda bag: bag.write(name, data)


def _rename(pattern: str, to: str) -> Callable[[Bag], object]:
    def renamed(bag: Bag) -> None:
        name = bag.first(pattern)
        (bag.root / name).rename((bag.root / name).with_name(to))

    return renamed


def _flipped(pattern: str) -> Callable[[Bag], None]:
    return lambda bag: bag.edit(bag.first(pattern), _flip)


def _md5_only(bag: Bag) -> None:
    lines = [
        f"{hashlib.md5(bag.read(n), usedforsecurity=False).hexdigest()}  {n}"
        for n in bag.names()
        if n.startswith("data/")
    ]
    (bag.root / MANIFEST).unlink()
    bag.write("manifest-md5.txt", ("\n".join(lines) + "\n").encode())


def _without_key(bag: Bag) -> None:
    bag.edit(INDEX, lambda data: data + b"x")
    bag.list_anew()


def _unlisted_change(bag: Bag) -> None:
    """Another word in a file that only the tag manifest lists, and no tag manifest to say so."""
    bag.edit("bag-info.txt", lambda data: data.replace(b"Source-Organization: ", b"Source-Organization: Other "))
    (bag.root / TAG_MANIFEST).unlink()


def _swap(one: str, other: str) -> Callable[[Bag], None]:
    def swapped(bag: Bag) -> None:
        first, second = bag.read(one), bag.read(other)
        bag.write(one, second)
        bag.write(other, first)

    return swapped


def _zero_signed_digest(bag: Bag) -> None:
    from asn1crypto import pem

    _, _, der = pem.unarmor(bag.read(SIGNATURE))
    digest = hashlib.sha256(bag.read(TAG_MANIFEST)).digest()
    bag.write(SIGNATURE, pem.armor("CMS", der.replace(digest, bytes(32))).replace(b"\r\n", b"\n"))


def _foreign(part: str) -> Callable[[Bag], None]:
    """Signed with a key of the forger's own: signature alone exchanged, or the certificate alone."""

    def signed(bag: Bag) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            home = Home(Path(scratch))
            home.create()
            key = ensure_signing_key(home)
        if part == "signature":
            bag.write(SIGNATURE, sign_detached(key, bag.read(TAG_MANIFEST)).pem)
        else:
            bag.write(CERTIFICATE, key.certificate_pem)

    return signed


def _appended(name: Callable[[str], str], content: bytes = b"x", **options: Any) -> Callable[[bytes, str], bytes]:
    """An entry more in the zip."""

    def changed(data: bytes, top: str) -> bytes:
        import io
        import warnings

        file = io.BytesIO(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a name stands there twice is what is wanted
            with zipfile.ZipFile(file, "a", **options) as package:
                package.writestr(name(top), content)
        return file.getvalue()

    return changed


def _with_end(field: int, value: int, form: str) -> Callable[[bytes, str], bytes]:
    def changed(data: bytes, top: str) -> bytes:
        out = bytearray(data)
        struct.pack_into(form, out, data.rindex(b"PK\x05\x06") + field, value)
        return bytes(out)

    return changed


def _zip64_end(data: bytes, top: str) -> bytes:
    """A second, 64-bit end with the numbers of the first, so that two readers may read two tables."""
    at = data.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HLL", data, at + 10)
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    return data[:at] + end + struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1) + data[at:]


def _hidden(data: bytes, top: str) -> bytes:
    """Bytes between the last entry and the table, with an end that knows of them."""
    at = data.rindex(b"PK\x05\x06")
    offset = struct.unpack_from("<L", data, at + 16)[0]
    out = bytearray(data[:offset] + b"hidden" + data[offset:])
    struct.pack_into("<L", out, at + 6 + 16, offset + 6)
    return bytes(out)


def _packed_again(method: int) -> Callable[[bytes, str], bytes]:
    def changed(data: bytes, top: str) -> bytes:
        import io

        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        return out.getvalue()

    return changed


def _dated(data: bytes, top: str) -> bytes:
    """Another time in the first local header: no reader shows it, the bytes differ."""
    return data[:10] + b"\x01" + data[11:]


def _stamp_older(bag: Bag) -> None:
    """The stamp of a captures' tree in place of that over the signature: genuine, of the same authority, too old."""
    stale = bag.first(r"data/items/\d+/stamps/\d+\.[a-z0-9_]+\.tsr")
    bag.write(bag.first(re.escape(SIGNATURE) + r"\.[a-z0-9_]+\.tsr"), bag.read(stale))


def _stamp_copied(bag: Bag) -> None:
    stamp = bag.first(re.escape(SIGNATURE) + r"\.[a-z0-9_]+\.tsr")
    bag.write(f"{SIGNATURE}.nobody.tsr", bag.read(stamp))


def _leaf(change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(
        bag.first(r"data/items/\d+/stamps/\d+\.json"), lambda tree: change(tree["leaves"][0])
    )


def _in_page(name: str, words: bytes) -> Callable[[Bag], None]:
    return lambda bag: bag.edit(name, lambda data: data.replace(b"</body>", words + b"</body>"))


def _of_object(field: str, **values: Any) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(OBJECT_ID, lambda record: record["fields"][field].update(values))


def _in_info(pattern: bytes, words: bytes) -> Callable[[Bag], None]:
    return lambda bag: bag.edit("bag-info.txt", lambda data: re.sub(pattern, rb"\g<1>" + words, data))


def _of_item(number: str) -> Callable[[str], bool]:
    return lambda name: bool(re.match(rf"data/(?:items/{number}/|(?:analysis|decisions)/{number}\.)", name))


def _without_last_item(bag: Bag) -> None:
    """An exhibit less, with no trace in the provenance either."""
    last = max(name.split("/")[2] for name in bag.names() if name.startswith("data/items/"))
    for name in filter(_of_item(last), bag.names()):
        (bag.root / name).unlink()
    shutil.rmtree(bag.root / f"data/items/{last}")

    def forget(graph: Any) -> None:
        graph["@graph"] = [
            node
            for node in graph["@graph"]
            if not any(f"/items/{last}/" in str(facet) for facet in node.get("core:hasFacet", []))
        ]

    bag.edit_json(PROVENANCE, forget)


def _item_twice(bag: Bag) -> None:
    """The first exhibit in place of the second."""
    for name in filter(_of_item("002"), bag.names()):
        (bag.root / name).unlink()
    for name in filter(_of_item("001"), bag.names()):
        bag.write(name.replace("001", "002", 1), bag.read(name))


def _picture_that_is_none(bag: Bag) -> None:
    """A screenshot that is a page, and item.json told so."""
    name = bag.first(r"data/items/001/screenshots/.*")
    bag.write(name, b"<script>alert(1)</script>")
    told = name.removeprefix("data/items/001/")

    def tell(item: Any) -> None:
        capture = next(one for one in item["captured_fact"]["captures"] if one.get("file") == told)
        capture.update(sha256=bag.sha256(name), bytes=len(bag.read(name)))

    bag.edit_json(ITEM, tell)


def _bad(name: str, rule: str, change: Callable[[Bag], object], **more: Any) -> Mutant:
    return Mutant(name, rule, change, **more)


def _zip(name: str, rule: str, change: Callable[[bytes, str], bytes]) -> Mutant:
    return Mutant(name, rule, of_zip=change)


def _insider(name: str, rule: str, change: Callable[[Bag], object], **more: Any) -> Mutant:
    return Mutant(name, rule, change, resealed=True, **more)


MUTANTS: tuple[Mutant, ...] = (
    # A byte in every kind of file.
    *(
        _bad(f"flip-{name}", "manifest.hash", _flipped(pattern))
        for name, pattern in {
            "item": ITEM,
            "object-id": r"data/items/001/object-id\.json",
            "observations": r"data/items/001/observations\.json",
            "analysis": r"data/analysis/001\.json",
            "decisions": r"data/decisions/001\.json",
            "picture": r"data/items/001/images/.*",
            "screenshot": r"data/items/001/screenshots/.*",
            "derived": r"data/items/001/derived/.*",
            "wacz": WACZ,
            "custody-log": CUSTODY,
            "custody-page": r"data/custody/custody\.html",
            "index-page": INDEX,
            "instructions": INSTRUCTIONS,
            "bag-info": r"bag-info\.txt",
            "declaration": r"bagit\.txt",
            "manifest": re.escape(MANIFEST),
        }.items()
    ),
    _bad(
        "flip-tag-manifest", "signature.digest", lambda b: b.edit(TAG_MANIFEST, lambda d: d.replace(d[:8], b"0" * 8, 1))
    ),
    _bad("flip-certificate", "signature.certificate", _flipped(CERTIFICATE)),
    _bad("flip-signature", "signature.form", lambda b: b.edit(SIGNATURE, lambda d: d[:60] + b"\0" + d[61:])),
    # Files added, taken away, renamed, exchanged.
    _bad("add-payload", "manifest.unlisted-file", _add("data/items/001/derived/extra-001.txt")),
    _bad("add-tag-file", "manifest.unlisted-file", _add("READ-ME-FIRST.html")),
    _bad("add-certificate", "manifest.unlisted-file", _add("signatures/authorities/mine.pem")),
    _bad("remove-item", "manifest.missing-file", _drop(ITEM)),
    _bad("remove-wacz", "place.missing", _drop(WACZ)),
    _bad("remove-picture", "item.file", _drop(r"data/items/001/images/.*")),
    _bad("remove-custody", "json.form", _drop(CUSTODY)),
    _bad("remove-instructions", "manifest.missing-file", _drop(INSTRUCTIONS)),
    _bad("remove-manifest", "bag.missing", _drop(re.escape(MANIFEST))),
    _bad("remove-tag-manifest", "bag.missing", _drop(re.escape(TAG_MANIFEST))),
    _bad("remove-tag-manifest-change-bag-info", "bag.missing", _unlisted_change),
    _bad("remove-signature", "bag.missing", _drop(re.escape(SIGNATURE))),
    _bad("remove-certificate", "bag.missing", _drop(re.escape(CERTIFICATE))),
    _bad("remove-declaration", "bag.missing", _drop(r"bagit\.txt")),
    _bad("remove-bag-info", "bag.info", _drop(r"bag-info\.txt")),
    _bad("md5-only", "bag.missing", _md5_only),
    _bad("md5-beside", "manifest.unlisted-file", _add("manifest-md5.txt")),
    _bad("rename-picture", "manifest.missing-file", _rename(r"data/items/001/images/.*", "other.png")),
    _bad("swap-items", "manifest.hash", _swap(ITEM, "data/items/002/item.json")),
    _bad("empty-directory", "path.empty-directory", lambda b: (b.root / "data/empty").mkdir(), unpacked=True),
    _bad("link", "path.special", lambda b: (b.root / "data/link.txt").symlink_to("../bagit.txt"), unpacked=True),
    _bad("pipe", "path.special", lambda b: os.mkfifo(b.root / "data/pipe"), unpacked=True),
    _bad("case-collision", "path.twice", _add("BAGIT.TXT"), unpacked=True),
    _bad("odd-name", "path.name", _add("data/a b.txt"), unpacked=True),
    # Manifests.
    _bad("manifest-leads-out", "path.name", _line(MANIFEST, b"0" * 64 + b"  ../outside.txt\n")),
    _bad("manifest-absolute", "path.name", _line(MANIFEST, b"0" * 64 + b"  /etc/passwd\n")),
    _bad("manifest-twice", "manifest.twice", lambda b: b.edit(MANIFEST, lambda d: d + d.splitlines(True)[-1])),
    _bad("manifest-order", "manifest.order", lambda b: b.edit(MANIFEST, lambda d: b"".join(d.splitlines(True)[::-1]))),
    _bad("manifest-wrong-list", "manifest.wrong-list", _line(MANIFEST, b"0" * 64 + b"  bagit.txt\n")),
    _bad("manifest-md5-line", "manifest.form", _line(MANIFEST, b"0" * 32 + b"  data/x\n")),
    _bad("manifest-cut", "manifest.form", lambda b: b.edit(MANIFEST, lambda d: d[:-5])),
    _bad("manifest-windows-lines", "manifest.form", lambda b: b.edit(MANIFEST, lambda d: d.replace(b"\n", b"\r\n"))),
    _bad("remade-manifests", "signature.digest", _without_key),
    _insider(
        "other-bag-version", "bag.declaration", lambda b: b.edit("bagit.txt", lambda d: d.replace(b"1.0", b"0.97"))
    ),
    _insider("label-twice", "bag.info", _line("bag-info.txt", b"relicwatch-bundle-name: other\n")),
    _bad("wrong-oxum", "bag.oxum", lambda b: b.edit("bag-info.txt", lambda d: d.replace(b"Oxum: ", b"Oxum: 1"))),
    _insider(
        "other-name",
        "bag.name",
        lambda b: b.edit("bag-info.txt", lambda d: re.sub(rb"(Bundle-Name: ).*", rb"\1other", d)),
    ),
    _insider("called-demo", "bag.demo", _line("bag-info.txt", b"Relicwatch-Demo: make-believe\n")),
    _insider("no-custody-page", "manifest.required", _drop(r"data/custody/custody\.html")),
    # Signature.
    _bad("zeroed-signed-digest", "signature.digest", _zero_signed_digest),
    _bad("other-signer", "signature.signer", _foreign("signature")),
    _bad("other-certificate", "signature.named", _foreign("certificate")),
    _bad("two-certificates", "signature.certificate", lambda b: b.edit(CERTIFICATE, lambda d: d * 2)),
    _bad("signature-and-more", "signature.form", _line(SIGNATURE, b"more\n")),
    _bad("empty-signature", "signature.form", lambda b: b.write(SIGNATURE, b"")),
    # Time stamps.
    _bad("stale-stamp", "stamp.imprint", _stamp_older, needs_stamps=True),
    _bad("stamp-of-nobody", "stamp.authority", _stamp_copied, needs_stamps=True),
    _bad(
        "garbage-stamp",
        "stamp.form",
        lambda b: b.write(b.first(re.escape(SIGNATURE) + r"\.[a-z0-9_]+\.tsr"), b"no"),
        needs_stamps=True,
    ),
    _insider("tree-of-others", "stamp.tree", _leaf(lambda leaf: leaf.update(sha256="0" * 64)), needs_stamps=True),
    _insider(
        "tree-without-way",
        "stamp.tree",
        _leaf(lambda leaf: leaf.update(path=leaf["path"] + [{"side": "left", "sha256": "0" * 64}])),
        needs_stamps=True,
    ),
    # Zip.
    _zip("zip-slip", "path.name", _appended(lambda top: f"{top}/../../up.txt")),
    _zip("zip-absolute", "path.name", _appended(lambda top: "/etc/cron.d/x")),
    _zip("zip-backslash", "path.name", _appended(lambda top: f"{top}/..\\up.txt")),
    _zip("zip-device", "path.name", _appended(lambda top: f"{top}/con")),
    _zip("zip-case-collision", "path.twice", _appended(lambda top: f"{top}/DATA/ITEMS/001/ITEM.JSON")),
    _zip("zip-name-twice", "path.twice", _appended(lambda top: f"{top}/{ITEM}")),
    _zip("zip-second-top", "zip.top", _appended(lambda top: "beside/index.html")),
    _zip("zip-directory-entry", "path.name", _appended(lambda top: f"{top}/data/empty/", b"")),
    _zip("zip-deflated", "zip.form", _packed_again(zipfile.ZIP_DEFLATED)),
    _zip("zip-repacked", "zip.form", _packed_again(zipfile.ZIP_STORED)),
    _zip(
        "zip-nested-bomb",
        "zip.gap",
        _appended(lambda top: f"{top}/data/bomb.zip", bytes(1 << 24), compression=zipfile.ZIP_DEFLATED),
    ),
    _zip("zip-cut", "zip.cut-short", lambda data, _: data[: len(data) * 2 // 3]),
    _zip("zip-empty", "zip.cut-short", lambda data, _: b""),
    _zip("zip-tail", "zip.form", lambda data, _: data + b"tail"),
    _zip("zip-head", "zip.table", lambda data, _: b"#!/bin/sh\n" + data),
    _zip("zip-hidden-bytes", "zip.gap", _hidden),
    _zip("zip-count", "zip.count", _with_end(10, 1, "<H")),
    _zip("zip-table-moved", "zip.table", _with_end(16, 7, "<L")),
    _zip("zip64-end", "zip.form", _zip64_end),
    _zip("zip-local-date", "zip.form", _dated),
    _zip(
        "zip-content",
        "zip.crc",
        lambda data, top: data[: 80 + len(top)] + bytes([data[80 + len(top)] ^ 1]) + data[81 + len(top) :],
    ),
    # Packages and records, by someone who can sign.
    _insider("warc-cut", "warc.cut-short", lambda b: b.edit_wacz(_put_archive(lambda d: d[:-20]))),
    _insider(
        "warc-byte", "warc.gzip", lambda b: b.edit_wacz(_put_archive(lambda d: d[:-6] + bytes([d[-6] ^ 1]) + d[-5:]))
    ),
    _insider("warc-bomb", "warc.bomb", lambda b: b.edit_wacz(_put_archive(_bomb))),
    _insider(
        "warc-body",
        "warc.block-digest",
        lambda b: b.edit_record("response", lambda r: r.replace(b"HTTP/1.1 302", b"HTTP/1.1 301")),
    ),
    _insider(
        "warc-payload", "warc.payload-digest", lambda b: b.edit_record("response", _block(lambda block: block + b"x"))
    ),
    _insider(
        "warc-date", "item.time", lambda b: b.edit_record("response", _header("WARC-Date", b"2020-01-01T00:00:00Z"))
    ),
    _insider(
        "warc-target-uri",
        "item.url",
        lambda b: b.edit_record("response", _header("WARC-Target-URI", b"https://other.example/")),
    ),
    _insider(
        "warc-uri-unasked",
        "warc.request",
        lambda b: b.edit_record("response", _header("WARC-Target-URI", b"https://other.example/")),
    ),
    _insider(
        "warc-address", "item.server", lambda b: b.edit_record("response", _header("WARC-IP-Address", b"192.0.2.1"))
    ),
    _insider(
        "warc-no-block-digest",
        "warc.block-digest",
        lambda b: b.edit_record("response", _header("WARC-Block-Digest", None)),
    ),
    _insider(
        "warc-no-payload-digest",
        "warc.payload-digest",
        lambda b: b.edit_record("response", _header("WARC-Payload-Digest", None)),
    ),
    _insider(
        "warc-sha1",
        "warc.block-digest",
        lambda b: b.edit_record("response", _header("WARC-Block-Digest", b"sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ),
    _insider("warc-no-date", "warc.header", lambda b: b.edit_record("response", _header("WARC-Date", None))),
    _insider(
        "warc-header-twice",
        "warc.form",
        lambda b: b.edit_record("response", _header("WARC-Type", b"response\r\nWARC-Type: resource")),
    ),
    _insider("warc-length", "warc.length", lambda b: b.edit_record("response", _header("Content-Length", b"3"))),
    _insider("warc-no-info", "warc.info", lambda b: b.edit_record("warcinfo", lambda _: b"")),
    _insider("warc-no-request", "warc.request", lambda b: b.edit_record("request", lambda _: b"")),
    _insider("warc-no-response", "item.record", lambda b: b.edit_record("response", lambda _: b"")),
    _insider("dangling-revisit", "warc.revisit", lambda b: b.edit_record("response", _as_revisit)),
    _insider(
        "warc-resealed",
        "custody.sealing",
        lambda b: b.edit_record("warcinfo", _block(lambda block: block + b"operator: other\r\n")),
    ),
    _insider(
        "pages-of-another",
        "wacz.pages",
        lambda b: b.edit_wacz(lambda f: f.update({PAGES: f[PAGES].replace(b"https://", b"https://other.")})),
    ),
    _insider(
        "pages-title",
        "item.page",
        lambda b: b.edit_wacz(
            lambda f: f.update({PAGES: re.sub(rb'("title": )"[^"]*"\}\n$', rb'\1"Other"}\n', f[PAGES])})
        ),
    ),
    _insider("no-pages", "wacz.pages", lambda b: b.edit_wacz(lambda f: f.pop(PAGES))),
    _insider(
        "empty-index",
        "wacz.index",
        lambda b: b.edit_wacz(lambda f: f.update(zip((WACZ_INDEX, INDEX_OF_INDEX), pack_index([]), strict=True))),
    ),
    _insider("wacz-unlisted", "wacz.unlisted", lambda b: b.edit_wacz(lambda f: f.update({"extra.txt": b"x"}))),
    _insider(
        "wacz-digest",
        "wacz.resource",
        lambda b: b.edit_wacz(lambda f: f.update({PAGES: f[PAGES] + b"\n"}), digests=False),
    ),
    _insider(
        "wacz-package",
        "wacz.digest",
        lambda b: b.edit_wacz(lambda f: f.update({"datapackage.json": f["datapackage.json"] + b"\n"}), digests=False),
    ),
    _insider("wacz-no-records", "wacz.warc", lambda b: b.edit_wacz(lambda f: f.pop(_archive(f)))),
    # Item, by someone who can sign.
    _insider("item-url", "item.url", _exchange(url="https://other.example/")),
    _insider("item-digest", "item.digest", _exchange(sha256="0" * 64)),
    _insider("item-time", "item.time", _exchange(captured_at="2020-01-01T00:00:00.000000Z")),
    _insider("item-server", "item.server", _exchange(server_ip="192.0.2.1")),
    _insider("item-size", "item.size", _exchange(bytes=1)),
    _insider("item-status", "item.status", _exchange(status=404)),
    _insider("item-method", "item.method", _exchange(method="POST")),
    _insider("item-decoded", "item.kind", _exchange(decoded_by_browser=True)),
    _insider("item-record", "item.record", _exchange(offset=3)),
    _insider("item-unnamed-answer", "item.unnamed", _facts(lambda f: f["captures"].pop(3))),
    _insider("item-unnamed-file", "item.unnamed", _add("data/items/001/images/extra-009.png")),
    _insider("item-no-captures", "item.form", _facts(lambda f: f.update(captures=[]))),
    _insider("item-file-gone", "item.file", _facts(lambda f: _file_capture(f).update(file="derived/dom-404.txt"))),
    _insider(
        "item-picture", "item.picture", _facts(lambda f: f["images"][0].update(url="https://other.example/1.png"))
    ),
    _insider("item-redirect", "item.redirect", _facts(lambda f: f["redirects"][0].update(location="/elsewhere"))),
    _insider("item-final-address", "item.redirect", _facts(lambda f: f.update(final_url="https://other.example/"))),
    _insider("item-state", "item.state", _facts(lambda f: f["capture_state"].update(state="UNKNOWN"))),
    _insider(
        "item-clock",
        "item.surroundings",
        _facts(lambda f: f.update(surroundings={"capture": 0, "clock": {"synchronised": True}})),
    ),
    _insider("item-shown", "item.reference", _facts(lambda f: f["shown"].update(price="9350"))),
    _insider("item-demo", "item.demo", lambda b: b.edit_json(ITEM, lambda i: i.update(demo=True))),
    _insider(
        "item-key-twice",
        "json.form",
        lambda b: b.edit(ITEM, lambda d: d.replace(b"{", b'{"format": "x", "format": "y",', 1)),
    ),
    _insider("item-deep", "json.form", lambda b: b.write(ITEM, b"[" * 100_000 + b"]" * 100_000)),
    _insider(
        "other-opinion", "place.item", lambda b: b.edit_json("data/analysis/001.json", lambda v: v.update(item_id="x"))
    ),
    _insider("swapped-decisions", "place.item", _swap("data/decisions/001.json", "data/decisions/002.json")),
    _insider("stray-file", "place.unknown", _add("data/items/001/notes.txt")),
    _insider("history-price", "item.history", _edit(HISTORY, lambda h: h["prices"][0].update(price="9350"))),
    _insider("history-shorter", "item.history", _edit(HISTORY, lambda h: h["versions"].pop())),
    _insider("history-change", "item.history", _edit(HISTORY, lambda h: h["versions"][-1].update(changes=[_CHANGE]))),
    _insider(
        "opinion-quote", "item.opinion", _edit(OPINION, lambda a: a["assessments"][0]["reasons"][0].update(text="x"))
    ),
    _insider(
        "opinion-of-another", "item.opinion", _edit(OPINION, lambda a: a["assessments"][0].update(observation=77))
    ),
    _insider(
        "decision-on-another", "item.decision", _edit(DECISIONS, lambda d: d.update(decisions=[{"observation": 77}]))
    ),
    # What the parts tell of one another, by someone who can sign.
    _insider("object-id-without-source", "item.object-id", _of_object("maker", value="Thebes")),
    _insider(
        "object-id-invented",
        "item.object-id",
        _of_object("maker", value="Q", sources=[{"field": "title", "start": 0, "end": 1, "text": "Q?"}]),
    ),
    _insider(
        "object-id-called-complete",
        "item.object-id",
        _edit(OBJECT_ID, lambda o: o["completeness"].update(filled=99, object_id_ready=True)),
    ),
    _insider(
        "statement-turned", "custody.statement", _edit(OBJECT_ID, lambda o: o["statements"][-1].update(value="gold"))
    ),
    _insider(
        "statement-of-another", "custody.statement", _edit(OBJECT_ID, lambda o: o["statements"][-1].update(by="nobody"))
    ),
    _insider("statement-gone", "custody.statement", _edit(OBJECT_ID, lambda o: o["statements"].pop())),
    _insider(
        "statement-quote",
        "item.object-id",
        _edit(OBJECT_ID, lambda o: o["statements"][0]["source"].update(text="of pure gold")),
    ),
    _insider(
        "statement-picture",
        "item.object-id",
        _edit(OBJECT_ID, lambda o: o["statements"][1]["source"].update(sha256="0" * 64)),
    ),
    _insider(
        "statement-put-aside", "item.object-id", _edit(OBJECT_ID, lambda o: o["statements"][-1].update(stands=False))
    ),
    _insider("exhibit-number", "item.exhibit", lambda b: b.edit_json(ITEM, lambda i: i["exhibit"].update(number=99))),
    _insider(
        "exhibit-observation", "item.exhibit", lambda b: b.edit_json(ITEM, lambda i: i["exhibit"].update(observation=0))
    ),
    _insider("exhibit-gone", "custody.items", _without_last_item),
    _insider("exhibit-twice", "place.item", _item_twice),
    _insider("decision-gone", "custody.decision", _edit(DECISIONS, lambda d: d.update(decisions=[]))),
    _insider(
        "decision-turned", "custody.decision", _edit(DECISIONS, lambda d: d["decisions"][0].update(verdict="replica"))
    ),
    _insider(
        "decision-of-another",
        "custody.decision",
        _edit(DECISIONS, lambda d: d["decisions"][0]["by"].update(name="someone")),
    ),
    _insider(
        "decision-invented",
        "custody.decision",
        _edit(DECISIONS, lambda d: d["decisions"].append({**d["decisions"][0], "id": 99})),
    ),
    _insider("opinion-score", "item.opinion", _edit(OPINION, lambda a: a["assessments"][0].update(score=7))),
    _insider("card-of-another", "analysis.card", _edit(CARDS, lambda c: c.update(models={"other:1": {"a": 1}}))),
    _insider("card-gone", "place.missing", _drop(re.escape(CARDS))),
    _insider(
        "provenance-digest",
        "provenance.file",
        lambda b: b.edit(PROVENANCE, lambda d: re.sub(rb'"[0-9A-F]{64}"', b'"' + b"0" * 64 + b'"', d, count=1)),
    ),
    _insider("exports-recipient", "provenance.exports", _edit(EXPORTS, lambda g: g["@graph"].append(OTHER_ACT))),
    _insider("exports-nothing", "provenance.exports", _edit(EXPORTS, lambda g: g.update({"@graph": []}))),
    _insider("exports-gone", "manifest.required", _drop(re.escape(EXPORTS))),
    _insider("page-script", "page.plain", _in_page(INDEX, b"<script>alert(1)</script>")),
    _insider("page-handler", "page.plain", _in_page(INDEX, b'<p onclick="alert(1)">')),
    _insider("page-remote-picture", "page.plain", _in_page(INDEX, b'<img src="https://other.example/a.png">')),
    _insider("page-remote-style", "page.plain", _in_page(INDEX, b"<style>@import '//other.example/a.css';</style>")),
    _insider("custody-page-script", "page.plain", _in_page("data/custody/custody.html", b"<svg onload=alert(1)>")),
    _insider("picture-is-a-page", "place.kind", _picture_that_is_none),
    _insider("report-is-a-page", "place.kind", _add("data/report.en.pdf", b"<script>alert(1)</script>")),
    _insider(
        "objects-of-another-case",
        "objects.form",
        _add(
            "data/objects.json",
            to_json({"format": "relicwatch-objects-1", "objects": [["001", "999"]], "statements": []}),
        ),
    ),
    _insider("export-of-another", "bag.export", _in_info(rb"(External-Identifier: urn:uuid:).{8}", b"00000000")),
    _insider("export-earlier", "bag.export", _in_info(rb"(Bagging-Date: )\S+", b"2020-01-01")),
    # Custody log, by someone who can sign.
    _insider("custody-actor", "custody.hash", _custody(lambda c: c["events"][0].update(actor="someone"))),
    _insider("custody-link-gone", "custody.chain", _custody(lambda c: c["links"].pop(1))),
    _insider("custody-entry-twice", "custody.form", _custody(lambda c: c["events"].insert(0, c["events"][0]))),
    _insider("custody-no-entries", "custody.form", _custody(lambda c: c.update(events=[]))),
    _insider(
        "custody-no-sealing",
        "custody.sealing",
        _custody(lambda c: c.update(events=[e for e in c["events"] if "sha256" not in as_mapping(e.get("details"))])),
    ),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m evidence.mutants", description="Write damaged copies of a bundle.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="a new directory")
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True)
    for mutant, path in write_mutants(options.bundle, options.to):
        sys.stdout.write(f"{mutant.rule}\t{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
