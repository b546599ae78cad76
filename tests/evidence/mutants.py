"""Ways to damage a bundle, each with the rule of `evidence.rules` that must find it.

Most are made by somebody with the signing key, who makes manifests and signature anew (`RESEALED`): only what the rule
itself looks at is then left to find the damage. `python -m tests.evidence.mutants BUNDLE.zip DIR` writes those that
need no key beside one another, for whoever tests a verifier.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.plain_zip import PlainZipWriter
from evidence.wacz import cdxj_line, pack_index, to_json
from evidence.warc_reading import WarcFault, read_records

ITEM = "data/items/001"
WACZ = f"{ITEM}/capture/001.wacz"
SIGNATURE = "signatures/tagmanifest-sha256.txt.p7s"
WARC = "archive/capture-001.warc.gz"


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    rules: tuple[str, ...]
    """The first is the damage's own; each must be told."""
    damage: Callable[[Path], None]
    """Gets the unpacked bag; or the zip, where `of_zip`."""
    resealed: bool = False
    of_zip: bool = False


MUTANTS: list[Mutant] = []


def mutant(
    *rules: str, resealed: bool = False, of_zip: bool = False
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def keep(damage: Callable[[Path], None]) -> Callable[[Path], None]:
        MUTANTS.append(Mutant(damage.__name__, rules, damage, resealed, of_zip))
        return damage

    return keep


def flipped(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[min(int(len(data) * at), len(data) - 1)] ^= 1
    path.write_bytes(data)


def edited(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True), encoding="utf-8")


def rewritten(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data, (path, old)
    path.write_bytes(data.replace(old, new))


def first(bag: Path, pattern: str) -> Path:
    return sorted(bag.glob(pattern))[0]


# -- one byte in each kind of file, by somebody without the key -----------------------------------------------------

_KINDS = {
    "item": f"{ITEM}/item.json", "object_id": f"{ITEM}/object-id.json", "observations": f"{ITEM}/observations.json",
    "wacz": WACZ, "analysis": "data/analysis/001.json", "decisions": "data/decisions/001.json",
    "custody": "data/custody/custody.json", "custody_page": "data/custody/custody.html",
}  # fmt: skip
for _kind, _path in _KINDS.items():
    MUTANTS.append(Mutant(f"a_byte_of_the_{_kind}", ("manifest.digest",), lambda bag, path=_path: flipped(bag / path)))
for _kind, _path in {
    "index": "index.html",
    "instructions": "VERIFY.txt",
    "bag_info": "bag-info.txt",
    "manifest": "manifest-sha256.txt",
}.items():
    MUTANTS.append(
        Mutant(f"a_byte_of_the_{_kind}", ("tagmanifest.digest",), lambda bag, path=_path: flipped(bag / path))
    )


@mutant("manifest.digest")
def a_byte_of_a_picture(bag: Path) -> None:
    flipped(first(bag, f"{ITEM}/images/*"))


@mutant("manifest.digest")
def a_byte_of_a_screenshot_of_the_same_size(bag: Path) -> None:
    flipped(first(bag, "data/items/*/screenshots/*"))


@mutant("signature.digest")
def a_byte_of_the_tag_manifest(bag: Path) -> None:
    flipped(bag / "tagmanifest-sha256.txt", 0.01)


@mutant("signature.form")
def a_byte_of_the_signature_s_armour(bag: Path) -> None:
    rewritten(bag / SIGNATURE, b"-----BEGIN CMS", b"-----BEGIN CMT")


@mutant("signature.signer")
def a_byte_of_the_signature_s_value(bag: Path) -> None:
    lines = (bag / SIGNATURE).read_bytes().split(b"\n")
    place = len(lines) - 3
    lines[place] = lines[place][:-6] + (b"A" if lines[place][-6:-5] != b"A" else b"B") + lines[place][-5:]
    (bag / SIGNATURE).write_bytes(b"\n".join(lines))


@mutant("signature.certificate", "tagmanifest.digest")
def a_byte_of_the_certificate_s_armour(bag: Path) -> None:
    rewritten(bag / "signatures/signer.crt", b"-----BEGIN CERT", b"-----BEGIN CERS")


# -- files added, removed, renamed ---------------------------------------------------------------------------------


@mutant("bag.added")
def a_file_added_at_the_top(bag: Path) -> None:
    (bag / "README.html").write_text("read me first")


@mutant("bag.added")
def a_file_added_to_the_payload(bag: Path) -> None:
    (bag / f"{ITEM}/images/image-999.png").write_bytes(b"\x89PNG\r\n\x1a\n")


@mutant("bag.added")
def an_md5_manifest_beside(bag: Path) -> None:
    (bag / "manifest-md5.txt").write_text("d41d8cd98f00b204e9800998ecf8427e  data/custody/custody.json\n")


@mutant("bag.missing")
def only_an_md5_manifest(bag: Path) -> None:
    (bag / "manifest-sha256.txt").rename(bag / "manifest-md5.txt")


@mutant("bag.missing")
def a_picture_removed(bag: Path) -> None:
    first(bag, f"{ITEM}/images/*").unlink()


@mutant("bag.missing", "bag.added")
def a_picture_renamed(bag: Path) -> None:
    path = first(bag, f"{ITEM}/images/*")
    path.rename(path.with_name("image-777.png"))


@mutant("bag.missing", "bag.added")
def an_item_s_directory_renamed(bag: Path) -> None:
    (bag / ITEM).rename(bag / "data/items/009")


@mutant("bag.missing")
def the_tag_manifest_removed(bag: Path) -> None:
    (bag / "tagmanifest-sha256.txt").unlink()


@mutant("bag.missing")
def the_signature_removed(bag: Path) -> None:
    (bag / SIGNATURE).unlink()


@mutant("bag.missing")
def the_certificate_removed(bag: Path) -> None:
    (bag / "signatures/signer.crt").unlink()


@mutant("bag.missing")
def the_declaration_removed(bag: Path) -> None:
    (bag / "bagit.txt").unlink()


@mutant("name.kind")
def an_empty_directory(bag: Path) -> None:
    (bag / "data/hollow").mkdir()


@mutant("name.kind")
def a_link_out_of_the_bag(bag: Path) -> None:
    (bag / "data/link.txt").symlink_to("/etc/hostname")


# -- manifests and labels, sealed again -----------------------------------------------------------------------------


@mutant("bag.declaration", resealed=True)
def another_version_of_bagit(bag: Path) -> None:
    (bag / "bagit.txt").write_text("BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")


@mutant("bag.info", resealed=True)
def a_label_twice(bag: Path) -> None:
    path = bag / "bag-info.txt"
    path.write_text("Source-Organization: another\n" + path.read_text())


@mutant("bag.info", resealed=True)
def no_name_of_the_bundle(bag: Path) -> None:
    path = bag / "bag-info.txt"
    path.write_text(re.sub(r"Relicwatch-Bundle-Name: .*\n", "", path.read_text()))


@mutant("demo", resealed=True)
def demo_listings_called_real(bag: Path) -> None:
    edited(bag / f"{ITEM}/item.json", lambda item: item.update(demo=True))


@mutant("signature.signer", resealed=True)
def another_fingerprint_in_the_instructions(bag: Path) -> None:
    path = bag / "VERIFY.txt"
    path.write_text(re.sub(r"((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", ":".join(["AB"] * 32), path.read_text()))


@mutant("bag.place", resealed=True)
def a_file_where_no_bundle_has_one(bag: Path) -> None:
    (bag / "data/notes.txt").write_text("bought in good faith\n")


@mutant("manifest.form")
def a_manifest_with_a_path_out_of_the_bag(bag: Path) -> None:
    path = bag / "manifest-sha256.txt"
    path.write_text(f"{'0' * 64}  data/../../outside.txt\n" + path.read_text())


@mutant("manifest.form")
def a_manifest_that_lists_a_file_twice(bag: Path) -> None:
    path = bag / "manifest-sha256.txt"
    line = path.read_text().splitlines(keepends=True)[0]
    path.write_text(line + path.read_text())


# -- the WACZ and its records, sealed again ----------------------------------------------------------------------------


def repacked(
    bag: Path, change: Callable[[dict[str, bytes]], None], *, index: bool = True, package: bool = True
) -> None:
    """The WACZ with its files changed; index and package made anew, so that only what was changed contradicts."""
    path = bag / WACZ
    with zipfile.ZipFile(path) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    if index:
        lines: list[str] = []
        for name in sorted(name for name in files if name.endswith(".warc.gz")):
            try:
                records = [
                    r for r in read_records(io.BytesIO(files[name])) if r.type in ("response", "revisit", "resource")
                ]
            except WarcFault:
                continue
            lines += [cdxj_line(name.removeprefix("archive/"), record) for record in records]
        files["indexes/index.cdx.gz"], files["indexes/index.idx"] = pack_index(sorted(lines))
    if package and "datapackage.json" in files:
        description = json.loads(files["datapackage.json"])
        description["resources"] = [one for one in description["resources"] if one["path"] in files]
        for one in description["resources"]:
            data = files[one["path"]]
            one |= {"hash": f"sha256:{hashlib.sha256(data).hexdigest()}", "bytes": len(data)}
        files["datapackage.json"] = to_json(description)
        digest = hashlib.sha256(files["datapackage.json"]).hexdigest()
        files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})
    path.unlink()
    with path.open("wb") as file, PlainZipWriter(file) as new:
        for name, data in files.items():
            new.add_bytes(name, data)


def records_of(files: dict[str, bytes]) -> list[bytes]:
    return re.split(rb"(?=WARC/1\.1\r\n)", gzip.decompress(files[WARC]))[1:]


def put_records(files: dict[str, bytes], records: list[bytes]) -> None:
    files[WARC] = b"".join(gzip.compress(record, mtime=0) for record in records)


def every_record(bag: Path, change: Callable[[bytes], bytes]) -> None:
    def all_of(files: dict[str, bytes]) -> None:
        put_records(files, [change(record) for record in records_of(files)])

    repacked(bag, all_of)


@mutant("warc.whole", resealed=True)
def a_warc_cut_in_the_middle(bag: Path) -> None:
    repacked(bag, lambda files: files.update({WARC: files[WARC][: len(files[WARC]) // 2]}))


@mutant("warc.whole", resealed=True)
def a_warc_with_a_damaged_member(bag: Path) -> None:
    def damage(files: dict[str, bytes]) -> None:
        data = bytearray(files[WARC])
        data[len(data) // 3] ^= 0xFF
        files[WARC] = bytes(data)

    repacked(bag, damage)


@mutant("item.capture", resealed=True)
def a_falsified_warc_date(bag: Path) -> None:
    every_record(bag, lambda record: record.replace(b"WARC-Date: 2026-11-20", b"WARC-Date: 2026-11-19"))


@mutant("item.capture", resealed=True)
def a_falsified_target_uri(bag: Path) -> None:
    every_record(
        bag,
        lambda r: r.replace(
            b"WARC-Target-URI: https://auction.example/sale", b"WARC-Target-URI: https://auctiom.example/sale"
        ),
    )


@mutant("item.capture", resealed=True)
def a_falsified_server_address(bag: Path) -> None:
    every_record(bag, lambda r: re.sub(rb"WARC-IP-Address: \S+", b"WARC-IP-Address: 198.51.100.9", r))


@mutant("warc.digest", resealed=True)
def block_digests_removed(bag: Path) -> None:
    every_record(bag, lambda record: re.sub(rb"WARC-Block-Digest: .*\r\n", b"", record))


@mutant("warc.digest", resealed=True)
def payload_digests_removed(bag: Path) -> None:
    every_record(bag, lambda record: re.sub(rb"WARC-Payload-Digest: .*\r\n", b"", record))


@mutant("warc.digest", resealed=True)
def sha1_digests(bag: Path) -> None:
    every_record(
        bag, lambda r: re.sub(rb"(Block-Digest: )sha256:.*\r\n", rb"\1sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ\r\n", r)
    )


@mutant("warc.digest", resealed=True)
def a_byte_of_a_captured_page(bag: Path) -> None:
    def change(record: bytes) -> bytes:
        head, blank, block = record.partition(b"\r\n\r\n")
        body = block.removesuffix(b"\r\n\r\n").partition(b"\r\n\r\n")[2]
        if b"WARC-Type: response" not in head or len(body) < 10:
            return record
        at = len(block) - 6
        return head + blank + block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]

    every_record(bag, change)


@mutant("warc.form", resealed=True)
def no_warcinfo(bag: Path) -> None:
    repacked(bag, lambda files: put_records(files, records_of(files)[1:]))


@mutant("warc.form", resealed=True)
def an_older_warc_version(bag: Path) -> None:
    every_record(bag, lambda record: record.replace(b"WARC/1.1\r\n", b"WARC/1.0\r\n", 1))


@mutant("warc.pairs", resealed=True)
def requests_removed(bag: Path) -> None:
    repacked(bag, lambda f: put_records(f, [r for r in records_of(f) if b"WARC-Type: request" not in r]))


@mutant("warc.pairs", resealed=True)
def a_request_of_another_address(bag: Path) -> None:
    every_record(
        bag,
        lambda r: re.sub(rb"WARC-Target-URI: (\S+)", rb"WARC-Target-URI: \1x", r) if b"WARC-Type: request" in r else r,
    )


@mutant("item.capture", resealed=True)
def a_captured_page_removed(bag: Path) -> None:
    def without(files: dict[str, bytes]) -> None:
        records = records_of(files)
        gone = next(r for r in records if b"WARC-Type: response" in r and b"image/" not in r)
        record_id = re.search(rb"WARC-Record-ID: (\S+)", gone)
        assert record_id is not None
        put_records(files, [r for r in records if record_id[1] not in r])

    repacked(bag, without)


@mutant("warc.revisit", resealed=True)
def a_dangling_revisit(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        records = records_of(files)
        response = next(r for r in records if b"WARC-Type: response" in r)
        request = next(r for r in records if b"WARC-Type: request" in r)
        revisit = re.sub(rb"WARC-Type: response", b"WARC-Type: revisit", response)
        extra = (
            b"WARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\n"
            b"WARC-Refers-To: <urn:uuid:00000000-0000-4000-8000-000000000000>\r\n"
        )
        head, blank, block = revisit.partition(b"\r\n\r\n")
        http = block.removesuffix(b"\r\n\r\n").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        head = re.sub(rb"WARC-Record-ID: \S+", b"WARC-Record-ID: <urn:uuid:11111111-1111-4111-8111-111111111111>", head)
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(http), head)
        head = re.sub(
            rb"WARC-Block-Digest: \S+", b"WARC-Block-Digest: sha256:" + hashlib.sha256(http).hexdigest().encode(), head
        )
        ask = re.sub(
            rb"WARC-Concurrent-To: \S+", b"WARC-Concurrent-To: <urn:uuid:11111111-1111-4111-8111-111111111111>", request
        )
        ask = re.sub(rb"WARC-Record-ID: \S+", b"WARC-Record-ID: <urn:uuid:22222222-2222-4222-8222-222222222222>", ask)
        put_records(files, [*records, head + b"\r\n" + extra.removesuffix(b"\r\n") + blank + http + b"\r\n\r\n", ask])

    repacked(bag, change)


@mutant("wacz.pages", resealed=True)
def pages_jsonl_of_another_page(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["pages/pages.jsonl"] = files["pages/pages.jsonl"].replace(b"/sale/3/lot/1", b"/sale/3/lot/2")

    repacked(bag, change)


@mutant("wacz.pages", resealed=True)
def no_pages_jsonl(bag: Path) -> None:
    repacked(bag, lambda files: files.pop("pages/pages.jsonl"))


@mutant("wacz.pages", resealed=True)
def a_page_without_a_time(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["pages/pages.jsonl"] = re.sub(rb'"ts": ?"[^"]*", ?', b"", files["pages/pages.jsonl"])

    repacked(bag, change)


@mutant("wacz.warc", resealed=True)
def a_wacz_without_a_warc(bag: Path) -> None:
    repacked(bag, lambda files: files.pop(WARC))


@mutant("wacz.index", resealed=True)
def an_index_of_garbage(bag: Path) -> None:
    repacked(
        bag, lambda files: files.update({"indexes/index.cdx.gz": gzip.compress(b"garbage\n", mtime=0)}), index=False
    )


@mutant("wacz.index", resealed=True)
def no_index(bag: Path) -> None:
    repacked(bag, lambda files: files.pop("indexes/index.cdx.gz"), index=False)


@mutant("wacz.digest", resealed=True)
def a_resource_that_does_not_match(bag: Path) -> None:
    repacked(bag, lambda f: f.update({"pages/pages.jsonl": f["pages/pages.jsonl"] + b" "}), index=False, package=False)


@mutant("wacz.digest", resealed=True)
def md5_digests_only(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["datapackage.json"] = re.sub(
            rb"sha256:[0-9a-f]{64}", b"md5:d41d8cd98f00b204e9800998ecf8427e", files["datapackage.json"]
        )
        digest = hashlib.sha256(files["datapackage.json"]).hexdigest()
        files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})

    repacked(bag, change, index=False, package=False)


@mutant("wacz.digest", resealed=True)
def a_zeroed_package_digest(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{'0' * 64}"})

    repacked(bag, change, index=False, package=False)


@mutant("wacz.digest", resealed=True)
def a_bogus_signed_data(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        digest = json.loads(files["datapackage-digest.json"])
        files["datapackage-digest.json"] = to_json({**digest, "signedData": {"hash": "", "signature": "x"}})

    repacked(bag, change, index=False, package=False)


@mutant("wacz.listed", resealed=True)
def no_package_digest(bag: Path) -> None:
    repacked(bag, lambda files: files.pop("datapackage-digest.json"), index=False, package=False)


@mutant("wacz.listed", resealed=True)
def a_file_that_the_package_does_not_list(bag: Path) -> None:
    repacked(bag, lambda files: files.update({"extra": b"unlisted"}), index=False, package=False)


@mutant("wacz.version", resealed=True)
def another_version_of_wacz(bag: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["datapackage.json"] = re.sub(
            rb'"wacz_version": ?"[^"]*"', b'"wacz_version": "0.9"', files["datapackage.json"]
        )

    repacked(bag, change)


@mutant("zip.form", resealed=True)
def a_deflated_warc(bag: Path) -> None:
    path = bag / WACZ
    with zipfile.ZipFile(path) as old:
        files = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in files.items():
            new.writestr(name, data)


# -- what is said of them, sealed again -----------------------------------------------------------------------------


@mutant("item.capture", resealed=True)
def a_capture_left_out_of_item_json(bag: Path) -> None:
    edited(bag / f"{ITEM}/item.json", lambda item: item["captured_fact"]["captures"].pop(1))


@mutant("item.capture", resealed=True)
def another_status(bag: Path) -> None:
    edited(bag / f"{ITEM}/item.json", lambda item: item["captured_fact"]["captures"][1].update(status=404))


@mutant("item.story", resealed=True)
def another_address_asked(bag: Path) -> None:
    edited(bag / f"{ITEM}/item.json", lambda item: item["captured_fact"].update(url_asked="https://other.example/"))


@mutant("item.story", resealed=True)
def a_partial_capture_called_complete(bag: Path) -> None:
    def change(item: Any) -> None:
        state = item["captured_fact"]["capture_state"]
        state["state"] = "PARTIAL" if state["state"] == "COMPLETE" else "COMPLETE"

    edited(bag / f"{ITEM}/item.json", change)


@mutant("item.parts", resealed=True)
def the_decisions_removed(bag: Path) -> None:
    (bag / "data/decisions/001.json").unlink()


@mutant("item.parts", resealed=True)
def opinions_of_two_items_swapped(bag: Path) -> None:
    one, two = bag / "data/analysis/001.json", bag / "data/analysis/002.json"
    first_, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first_)


@mutant("item.parts", resealed=True)
def decisions_on_an_item_that_is_not_there(bag: Path) -> None:
    shutil.copy(bag / "data/decisions/001.json", bag / "data/decisions/007.json")


@mutant("json.form", resealed=True)
def a_json_key_twice(bag: Path) -> None:
    path = bag / f"{ITEM}/item.json"
    path.write_text('{"demo": false, ' + path.read_text().lstrip()[1:])


@mutant("json.form", resealed=True)
def json_nested_to_the_sky(bag: Path) -> None:
    (bag / "data/custody/custody.json").write_text("[" * 200_000 + "]" * 200_000)


@mutant("custody.chain", resealed=True)
def a_custody_entry_edited(bag: Path) -> None:
    edited(bag / "data/custody/custody.json", lambda log: log["events"][0].update(actor="somebody else"))


@mutant("custody.chain", resealed=True)
def a_custody_entry_taken_out(bag: Path) -> None:
    edited(bag / "data/custody/custody.json", lambda log: log["events"].pop(0))


@mutant("custody.chain", resealed=True)
def custody_entries_in_another_order(bag: Path) -> None:
    edited(bag / "data/custody/custody.json", lambda log: log["events"].reverse())


@mutant("custody.form", resealed=True)
def an_empty_custody_log(bag: Path) -> None:
    edited(bag / "data/custody/custody.json", lambda log: log.update(events=[]))


# -- the zip ------------------------------------------------------------------------------------------------------


@mutant("zip.whole", of_zip=True)
def a_zip_cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@mutant("zip.hidden-bytes", of_zip=True)
def bytes_after_the_zip_s_end(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"hidden")


def entries(path: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as package:
        return [(name, package.read(name)) for name in package.namelist()]


def written(path: Path, content: list[tuple[str, bytes]]) -> None:
    """Packed as relicwatch packs, whatever the names."""
    path.unlink()
    with path.open("wb") as file, PlainZipWriter(file) as package:
        for name, data in content:
            package.add_bytes(name, data)


@mutant("bag.top", of_zip=True)
def another_directory_at_the_top(path: Path) -> None:
    top = path.stem
    written(path, [(name.replace(top, "relicwatch-other", 1), data) for name, data in entries(path)])


@mutant("name.plain", of_zip=True)
def a_zip_slip_name(path: Path) -> None:
    written(path, [*entries(path), (f"{path.stem}/../../outside.txt", b"out")])


@mutant("name.plain", of_zip=True)
def an_absolute_name(path: Path) -> None:
    written(path, [*entries(path), ("/tmp/outside.txt", b"out")])


@mutant("name.plain", of_zip=True)
def a_backslash_name(path: Path) -> None:
    written(path, [*entries(path), (f"{path.stem}/data\\outside.txt", b"out")])


@mutant("name.plain", of_zip=True)
def a_device_name(path: Path) -> None:
    written(path, [*entries(path), (f"{path.stem}/data/CON.txt", b"out")])


@mutant("name.case", of_zip=True)
def two_names_that_differ_in_case(path: Path) -> None:
    written(path, [*entries(path), (f"{path.stem}/BAGIT.TXT", b"BagIt")])


@mutant("zip.form", of_zip=True)
def a_compressed_entry(path: Path) -> None:
    content = entries(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content:
            package.writestr(name, data)


@mutant("zip.crc", of_zip=True)
def another_checksum(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        at = data.index(sign)
        crc = struct.unpack_from("<I", data, at + place)[0]
        struct.pack_into("<I", data, at + place, crc ^ 1)
    path.write_bytes(data)


@mutant("zip.hidden-bytes", of_zip=True)
def an_entry_hidden_from_the_table_of_contents(path: Path) -> None:
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as package:
        package.writestr(f"{path.stem}/data/hidden.txt", b"hidden")
    local = hidden.getvalue()[: hidden.getvalue().index(b"PK\x01\x02")]
    tail = bytearray(data[end:])
    struct.pack_into("<I", tail, 16, start + len(local))
    path.write_bytes(data[:start] + local + data[start:end] + bytes(tail))


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m tests.evidence.mutants BUNDLE.zip DIRECTORY\n")
        return 2
    bundle, to = map(Path, arguments)
    for one in MUTANTS:
        if one.resealed:
            continue
        place = to / one.name
        place.mkdir(parents=True)
        if one.of_zip:
            copy = Path(shutil.copy(bundle, place))
            one.damage(copy)
        else:
            with zipfile.ZipFile(bundle) as package:
                package.extractall(place)
            one.damage(place / bundle.stem)
        (place.with_suffix(".rule")).write_text("\n".join(one.rules) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
