"""Parts that ways of damaging a bundle are put together from."""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from base64 import b32encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crawler.home import Home
from evidence.bag import CERTIFICATE, INDEX, MANIFEST, SIGNATURE, TAG_MANIFEST
from evidence.mutant_bag import (
    CUSTODY,
    ITEM,
    OBJECT_ID,
    PROVENANCE,
    Bag,
    Entries,
)
from evidence.signing import ensure_signing_key, sign_detached

OTHER_ACT = {"@id": "kb:x", "@type": "investigation:InvestigativeAction", "core:name": "export.finished"}
OTHER_CHANGE = {"field": "price", "before": "1", "after": "2"}


def flip(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def header(name: str, value: bytes | None) -> Callable[[bytes], bytes]:
    """Set a WARC header of a record, or take it away."""

    def change(record: bytes) -> bytes:
        line = b"" if value is None else b"\r\n" + name.encode() + b": " + value
        return re.sub(rb"\r\n" + name.encode() + rb": [^\r\n]*", line.replace(b"\\", b"\\\\"), record, count=1)

    return change


def block(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change a record's block and make length and block digest right again."""

    def changed(record: bytes) -> bytes:
        head, _, rest = record.partition(b"\r\n\r\n")
        block = change(rest[:-4])
        label = b"sha256:" + b32encode(hashlib.sha256(block).digest())
        head = re.sub(rb"(WARC-Block-Digest: )[^\r\n]*", rb"\g<1>" + label, head)
        head = re.sub(rb"(Content-Length: )\d+", rb"\g<1>" + str(len(block)).encode(), head)
        return head + b"\r\n\r\n" + block + b"\r\n\r\n"

    return changed


def as_revisit(record: bytes) -> bytes:
    """A response that now points at a record that is nowhere."""
    more = (
        b"WARC-Type: revisit\r\nWARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        b"\r\nWARC-Refers-To: <urn:uuid:00000000-0000-4000-8000-000000000000>"
    )
    return record.replace(b"WARC-Type: response", more, 1)


def archive_name(files: Entries) -> str:
    return next(name for name in files if name.startswith("archive/"))


def put_archive(change: Callable[[bytes], bytes]) -> Callable[[Entries], None]:
    def changed(files: Entries) -> None:
        files[archive_name(files)] = change(files[archive_name(files)])

    return changed


def bomb(data: bytes) -> bytes:
    """A record of zeros without end, behind the true ones."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    head = b"WARC/1.1\r\nWARC-Type: resource\r\nContent-Length: 3221225472\r\n\r\n"
    zeros = bytes(1 << 24)
    return data + packer.compress(head) + b"".join(packer.compress(zeros) for _ in range(130)) + packer.flush()


def facts(change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(ITEM, lambda item: change(item["captured_fact"]))


def exchange(**values: Any) -> Callable[[Bag], None]:
    """Other values in the first exchange that gave a page."""
    return facts(
        lambda f: next(c for c in f["captures"] if c["kind"] == "exchange" and c["status"] == 200).update(values)
    )


def file_capture(facts: Any) -> Any:
    return next(capture for capture in facts["captures"] if "file" in capture)


def edit(name: str, change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(name, change)


def custody(change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(CUSTODY, change)


def line(name: str, line: bytes) -> Callable[[Bag], None]:
    return lambda bag: bag.edit(name, lambda data: data + line)


def drop(pattern: str) -> Callable[[Bag], None]:
    return lambda bag: (bag.root / bag.first(pattern)).unlink()


def add(name: str, data: bytes = b"added\n") -> Callable[[Bag], None]:
    return lambda bag: bag.write(name, data)


def rename(pattern: str, to: str) -> Callable[[Bag], object]:
    def renamed(bag: Bag) -> None:
        name = bag.first(pattern)
        (bag.root / name).rename((bag.root / name).with_name(to))

    return renamed


def flipped(pattern: str) -> Callable[[Bag], None]:
    return lambda bag: bag.edit(bag.first(pattern), flip)


def md5_only(bag: Bag) -> None:
    lines = [
        f"{hashlib.md5(bag.read(n), usedforsecurity=False).hexdigest()}  {n}"
        for n in bag.names()
        if n.startswith("data/")
    ]
    (bag.root / MANIFEST).unlink()
    bag.write("manifest-md5.txt", ("\n".join(lines) + "\n").encode())


def without_key(bag: Bag) -> None:
    bag.edit(INDEX, lambda data: data + b"x")
    bag.list_anew()


def unlisted_change(bag: Bag) -> None:
    """Another word in a file that only the tag manifest lists, and no tag manifest to say so."""
    bag.edit("bag-info.txt", lambda data: data.replace(b"Source-Organization: ", b"Source-Organization: Other "))
    (bag.root / TAG_MANIFEST).unlink()


def swap(one: str, other: str) -> Callable[[Bag], None]:
    def swapped(bag: Bag) -> None:
        first, second = bag.read(one), bag.read(other)
        bag.write(one, second)
        bag.write(other, first)

    return swapped


def zero_signed_digest(bag: Bag) -> None:
    from asn1crypto import pem

    _, _, der = pem.unarmor(bag.read(SIGNATURE))
    digest = hashlib.sha256(bag.read(TAG_MANIFEST)).digest()
    bag.write(SIGNATURE, pem.armor("CMS", der.replace(digest, bytes(32))).replace(b"\r\n", b"\n"))


def foreign(part: str) -> Callable[[Bag], None]:
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


def appended(name: Callable[[str], str], content: bytes = b"x", **options: Any) -> Callable[[bytes, str], bytes]:
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


def with_end(field: int, value: int, form: str) -> Callable[[bytes, str], bytes]:
    def changed(data: bytes, top: str) -> bytes:
        out = bytearray(data)
        struct.pack_into(form, out, data.rindex(b"PK\x05\x06") + field, value)
        return bytes(out)

    return changed


def zip64_end(data: bytes, top: str) -> bytes:
    """A second, 64-bit end with the numbers of the first, so that two readers may read two tables."""
    at = data.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HLL", data, at + 10)
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    return data[:at] + end + struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1) + data[at:]


def hidden(data: bytes, top: str) -> bytes:
    """Bytes between the last entry and the table, with an end that knows of them."""
    at = data.rindex(b"PK\x05\x06")
    offset = struct.unpack_from("<L", data, at + 16)[0]
    out = bytearray(data[:offset] + b"hidden" + data[offset:])
    struct.pack_into("<L", out, at + 6 + 16, offset + 6)
    return bytes(out)


def packed_again(method: int) -> Callable[[bytes, str], bytes]:
    def changed(data: bytes, top: str) -> bytes:
        import io

        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        return out.getvalue()

    return changed


def dated(data: bytes, top: str) -> bytes:
    """Another time in the first local header: no reader shows it, the bytes differ."""
    return data[:10] + b"\x01" + data[11:]


def stamp_older(bag: Bag) -> None:
    """The stamp of a captures' tree in place of that over the signature: genuine, of the same authority, too old."""
    stale = bag.first(r"data/items/\d+/stamps/\d+\.[a-z0-9_]+\.tsr")
    bag.write(bag.first(re.escape(SIGNATURE) + r"\.[a-z0-9_]+\.tsr"), bag.read(stale))


def stamp_copied(bag: Bag) -> None:
    stamp = bag.first(re.escape(SIGNATURE) + r"\.[a-z0-9_]+\.tsr")
    bag.write(f"{SIGNATURE}.nobody.tsr", bag.read(stamp))


def leaf(change: Callable[[Any], object]) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(
        bag.first(r"data/items/\d+/stamps/\d+\.json"), lambda tree: change(tree["leaves"][0])
    )


def in_page(name: str, words: bytes) -> Callable[[Bag], None]:
    return lambda bag: bag.edit(name, lambda data: data.replace(b"</body>", words + b"</body>"))


def of_object(field: str, **values: Any) -> Callable[[Bag], None]:
    return lambda bag: bag.edit_json(OBJECT_ID, lambda record: record["fields"][field].update(values))


def in_info(pattern: bytes, words: bytes) -> Callable[[Bag], None]:
    return lambda bag: bag.edit("bag-info.txt", lambda data: re.sub(pattern, rb"\g<1>" + words, data))


def of_item(number: str) -> Callable[[str], bool]:
    return lambda name: bool(re.match(rf"data/(?:items/{number}/|(?:analysis|decisions)/{number}\.)", name))


def without_last_item(bag: Bag) -> None:
    """An exhibit less, with no trace in the provenance either."""
    last = max(name.split("/")[2] for name in bag.names() if name.startswith("data/items/"))
    for name in filter(of_item(last), bag.names()):
        (bag.root / name).unlink()
    shutil.rmtree(bag.root / f"data/items/{last}")

    def forget(graph: Any) -> None:
        graph["@graph"] = [
            node
            for node in graph["@graph"]
            if not any(f"/items/{last}/" in str(facet) for facet in node.get("core:hasFacet", []))
        ]

    bag.edit_json(PROVENANCE, forget)


def item_twice(bag: Bag) -> None:
    """The first exhibit in place of the second."""
    for name in filter(of_item("002"), bag.names()):
        (bag.root / name).unlink()
    for name in filter(of_item("001"), bag.names()):
        bag.write(name.replace("001", "002", 1), bag.read(name))


def picture_that_is_none(bag: Bag) -> None:
    """A screenshot that is a page, and item.json told so."""
    name = bag.first(r"data/items/001/screenshots/.*")
    bag.write(name, b"<script>alert(1)</script>")
    told = name.removeprefix("data/items/001/")

    def tell(item: Any) -> None:
        capture = next(one for one in item["captured_fact"]["captures"] if one.get("file") == told)
        capture.update(sha256=bag.sha256(name), bytes=len(bag.read(name)))

    bag.edit_json(ITEM, tell)
