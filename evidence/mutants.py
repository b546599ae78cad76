"""Ways to damage a bundle, each with the rule that must find it: a corpus to try verifiers on. # EV-26

`python -m evidence.mutants BUNDLE.zip --to DIR` writes them all. Those marked `resealed` are what an insider can do:
packages, manifests and signature are made anew with a key (a new one, so that the fingerprint differs; or the
installation's own). What is left to find them by is that a bundle tells the same thing in several places.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from crawler.home import Home
from evidence.bag import CERTIFICATE, INDEX, INSTRUCTIONS, MANIFEST, SIGNATURE, TAG_MANIFEST
from evidence.bundle_files import as_mapping
from evidence.mutant_bag import (
    CARDS,
    CUSTODY,
    DECISIONS,
    EXPORTS,
    HISTORY,
    ITEM,
    OBJECT_ID,
    OPINION,
    PROVENANCE,
    WACZ,
    Bag,
    Mutant,
)
from evidence.mutant_changes import (
    OTHER_ACT,
    OTHER_CHANGE,
    add,
    appended,
    archive_name,
    as_revisit,
    block,
    bomb,
    custody,
    dated,
    drop,
    edit,
    exchange,
    facts,
    file_capture,
    flipped,
    foreign,
    header,
    hidden,
    in_info,
    in_page,
    item_twice,
    leaf,
    line,
    md5_only,
    of_object,
    packed_again,
    picture_that_is_none,
    put_archive,
    rename,
    stamp_copied,
    stamp_older,
    swap,
    unlisted_change,
    with_end,
    without_key,
    without_last_item,
    zero_signed_digest,
    zip64_end,
)
from evidence.plain_zip import PlainZipWriter
from evidence.signing import SigningKey, ensure_signing_key
from evidence.wacz import INDEX as WACZ_INDEX
from evidence.wacz import INDEX_OF_INDEX, PAGES, pack_index, to_json


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


def _bad(name: str, rule: str, change: Callable[[Bag], object], **more: Any) -> Mutant:
    return Mutant(name, rule, change, **more)


def _zip(name: str, rule: str, change: Callable[[bytes, str], bytes]) -> Mutant:
    return Mutant(name, rule, of_zip=change)


def _insider(name: str, rule: str, change: Callable[[Bag], object], **more: Any) -> Mutant:
    return Mutant(name, rule, change, resealed=True, **more)


MUTANTS: tuple[Mutant, ...] = (
    # A byte in every kind of file.
    *(
        _bad(f"flip-{name}", "manifest.hash", flipped(pattern))
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
    _bad("flip-certificate", "signature.certificate", flipped(CERTIFICATE)),
    _bad("flip-signature", "signature.form", lambda b: b.edit(SIGNATURE, lambda d: d[:60] + b"\0" + d[61:])),
    # Files added, taken away, renamed, exchanged.
    _bad("add-payload", "manifest.unlisted-file", add("data/items/001/derived/extra-001.txt")),
    _bad("add-tag-file", "manifest.unlisted-file", add("READ-ME-FIRST.html")),
    _bad("add-certificate", "manifest.unlisted-file", add("signatures/authorities/mine.pem")),
    _bad("remove-item", "manifest.missing-file", drop(ITEM)),
    _bad("remove-wacz", "place.missing", drop(WACZ)),
    _bad("remove-picture", "item.file", drop(r"data/items/001/images/.*")),
    _bad("remove-custody", "json.form", drop(CUSTODY)),
    _bad("remove-instructions", "manifest.missing-file", drop(INSTRUCTIONS)),
    _bad("remove-manifest", "bag.missing", drop(re.escape(MANIFEST))),
    _bad("remove-tag-manifest", "bag.missing", drop(re.escape(TAG_MANIFEST))),
    _bad("remove-tag-manifest-change-bag-info", "bag.missing", unlisted_change),
    _bad("remove-signature", "bag.missing", drop(re.escape(SIGNATURE))),
    _bad("remove-certificate", "bag.missing", drop(re.escape(CERTIFICATE))),
    _bad("remove-declaration", "bag.missing", drop(r"bagit\.txt")),
    _bad("remove-bag-info", "bag.info", drop(r"bag-info\.txt")),
    _bad("md5-only", "bag.missing", md5_only),
    _bad("md5-beside", "manifest.unlisted-file", add("manifest-md5.txt")),
    _bad("rename-picture", "manifest.missing-file", rename(r"data/items/001/images/.*", "other.png")),
    _bad("swap-items", "manifest.hash", swap(ITEM, "data/items/002/item.json")),
    _bad("empty-directory", "path.empty-directory", lambda b: (b.root / "data/empty").mkdir(), unpacked=True),
    _bad("link", "path.special", lambda b: (b.root / "data/link.txt").symlink_to("../bagit.txt"), unpacked=True),
    _bad("pipe", "path.special", lambda b: os.mkfifo(b.root / "data/pipe"), unpacked=True),
    _bad("case-collision", "path.twice", add("BAGIT.TXT"), unpacked=True),
    _bad("odd-name", "path.name", add("data/a b.txt"), unpacked=True),
    # Manifests.
    _bad("manifest-leads-out", "path.name", line(MANIFEST, b"0" * 64 + b"  ../outside.txt\n")),
    _bad("manifest-absolute", "path.name", line(MANIFEST, b"0" * 64 + b"  /etc/passwd\n")),
    _bad("manifest-twice", "manifest.twice", lambda b: b.edit(MANIFEST, lambda d: d + d.splitlines(True)[-1])),
    _bad("manifest-order", "manifest.order", lambda b: b.edit(MANIFEST, lambda d: b"".join(d.splitlines(True)[::-1]))),
    _bad("manifest-wrong-list", "manifest.wrong-list", line(MANIFEST, b"0" * 64 + b"  bagit.txt\n")),
    _bad("manifest-md5-line", "manifest.form", line(MANIFEST, b"0" * 32 + b"  data/x\n")),
    _bad("manifest-cut", "manifest.form", lambda b: b.edit(MANIFEST, lambda d: d[:-5])),
    _bad("manifest-windows-lines", "manifest.form", lambda b: b.edit(MANIFEST, lambda d: d.replace(b"\n", b"\r\n"))),
    _bad("remade-manifests", "signature.digest", without_key),
    _insider(
        "other-bag-version", "bag.declaration", lambda b: b.edit("bagit.txt", lambda d: d.replace(b"1.0", b"0.97"))
    ),
    _insider("label-twice", "bag.info", line("bag-info.txt", b"relicwatch-bundle-name: other\n")),
    _bad("wrong-oxum", "bag.oxum", lambda b: b.edit("bag-info.txt", lambda d: d.replace(b"Oxum: ", b"Oxum: 1"))),
    _insider(
        "other-name",
        "bag.name",
        lambda b: b.edit("bag-info.txt", lambda d: re.sub(rb"(Bundle-Name: ).*", rb"\1other", d)),
    ),
    _insider("called-demo", "bag.demo", line("bag-info.txt", b"Relicwatch-Demo: make-believe\n")),
    _insider("no-custody-page", "manifest.required", drop(r"data/custody/custody\.html")),
    # Signature.
    _bad("zeroed-signed-digest", "signature.digest", zero_signed_digest),
    _bad("other-signer", "signature.signer", foreign("signature")),
    _bad("other-certificate", "signature.named", foreign("certificate")),
    _bad("two-certificates", "signature.certificate", lambda b: b.edit(CERTIFICATE, lambda d: d * 2)),
    _bad("signature-and-more", "signature.form", line(SIGNATURE, b"more\n")),
    _bad("empty-signature", "signature.form", lambda b: b.write(SIGNATURE, b"")),
    # Time stamps.
    _bad("stale-stamp", "stamp.imprint", stamp_older, needs_stamps=True),
    _bad("stamp-of-nobody", "stamp.authority", stamp_copied, needs_stamps=True),
    _bad(
        "garbage-stamp",
        "stamp.form",
        lambda b: b.write(b.first(re.escape(SIGNATURE) + r"\.[a-z0-9_]+\.tsr"), b"no"),
        needs_stamps=True,
    ),
    _insider("tree-of-others", "stamp.tree", leaf(lambda leaf: leaf.update(sha256="0" * 64)), needs_stamps=True),
    _insider(
        "tree-without-way",
        "stamp.tree",
        leaf(lambda leaf: leaf.update(path=leaf["path"] + [{"side": "left", "sha256": "0" * 64}])),
        needs_stamps=True,
    ),
    # Zip.
    _zip("zip-slip", "path.name", appended(lambda top: f"{top}/../../up.txt")),
    _zip("zip-absolute", "path.name", appended(lambda top: "/etc/cron.d/x")),
    _zip("zip-backslash", "path.name", appended(lambda top: f"{top}/..\\up.txt")),
    _zip("zip-device", "path.name", appended(lambda top: f"{top}/con")),
    _zip("zip-case-collision", "path.twice", appended(lambda top: f"{top}/DATA/ITEMS/001/ITEM.JSON")),
    _zip("zip-name-twice", "path.twice", appended(lambda top: f"{top}/{ITEM}")),
    _zip("zip-second-top", "zip.top", appended(lambda top: "beside/index.html")),
    _zip("zip-directory-entry", "path.name", appended(lambda top: f"{top}/data/empty/", b"")),
    _zip("zip-deflated", "zip.form", packed_again(zipfile.ZIP_DEFLATED)),
    _zip("zip-repacked", "zip.form", packed_again(zipfile.ZIP_STORED)),
    _zip(
        "zip-nested-bomb",
        "zip.gap",
        appended(lambda top: f"{top}/data/bomb.zip", bytes(1 << 24), compression=zipfile.ZIP_DEFLATED),
    ),
    _zip("zip-cut", "zip.cut-short", lambda data, _: data[: len(data) * 2 // 3]),
    _zip("zip-empty", "zip.cut-short", lambda data, _: b""),
    _zip("zip-tail", "zip.form", lambda data, _: data + b"tail"),
    _zip("zip-head", "zip.table", lambda data, _: b"#!/bin/sh\n" + data),
    _zip("zip-hidden-bytes", "zip.gap", hidden),
    _zip("zip-count", "zip.count", with_end(10, 1, "<H")),
    _zip("zip-table-moved", "zip.table", with_end(16, 7, "<L")),
    _zip("zip64-end", "zip.form", zip64_end),
    _zip("zip-local-date", "zip.form", dated),
    _zip(
        "zip-content",
        "zip.crc",
        lambda data, top: data[: 80 + len(top)] + bytes([data[80 + len(top)] ^ 1]) + data[81 + len(top) :],
    ),
    # Packages and records, by someone who can sign.
    _insider("warc-cut", "warc.cut-short", lambda b: b.edit_wacz(put_archive(lambda d: d[:-20]))),
    _insider(
        "warc-byte", "warc.gzip", lambda b: b.edit_wacz(put_archive(lambda d: d[:-6] + bytes([d[-6] ^ 1]) + d[-5:]))
    ),
    _insider("warc-bomb", "warc.bomb", lambda b: b.edit_wacz(put_archive(bomb))),
    _insider(
        "warc-body",
        "warc.block-digest",
        lambda b: b.edit_record("response", lambda r: r.replace(b"HTTP/1.1 302", b"HTTP/1.1 301")),
    ),
    _insider(
        "warc-payload", "warc.payload-digest", lambda b: b.edit_record("response", block(lambda block: block + b"x"))
    ),
    _insider(
        "warc-date", "item.time", lambda b: b.edit_record("response", header("WARC-Date", b"2020-01-01T00:00:00Z"))
    ),
    _insider(
        "warc-target-uri",
        "item.url",
        lambda b: b.edit_record("response", header("WARC-Target-URI", b"https://other.example/")),
    ),
    _insider(
        "warc-uri-unasked",
        "warc.request",
        lambda b: b.edit_record("response", header("WARC-Target-URI", b"https://other.example/")),
    ),
    _insider(
        "warc-address", "item.server", lambda b: b.edit_record("response", header("WARC-IP-Address", b"192.0.2.1"))
    ),
    _insider(
        "warc-no-block-digest",
        "warc.block-digest",
        lambda b: b.edit_record("response", header("WARC-Block-Digest", None)),
    ),
    _insider(
        "warc-no-payload-digest",
        "warc.payload-digest",
        lambda b: b.edit_record("response", header("WARC-Payload-Digest", None)),
    ),
    _insider(
        "warc-sha1",
        "warc.block-digest",
        lambda b: b.edit_record("response", header("WARC-Block-Digest", b"sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ),
    _insider("warc-no-date", "warc.header", lambda b: b.edit_record("response", header("WARC-Date", None))),
    _insider(
        "warc-header-twice",
        "warc.form",
        lambda b: b.edit_record("response", header("WARC-Type", b"response\r\nWARC-Type: resource")),
    ),
    _insider("warc-length", "warc.length", lambda b: b.edit_record("response", header("Content-Length", b"3"))),
    _insider("warc-no-info", "warc.info", lambda b: b.edit_record("warcinfo", lambda _: b"")),
    _insider("warc-no-request", "warc.request", lambda b: b.edit_record("request", lambda _: b"")),
    _insider("warc-no-response", "item.record", lambda b: b.edit_record("response", lambda _: b"")),
    _insider("dangling-revisit", "warc.revisit", lambda b: b.edit_record("response", as_revisit)),
    _insider(
        "warc-resealed",
        "custody.sealing",
        lambda b: b.edit_record("warcinfo", block(lambda block: block + b"operator: other\r\n")),
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
    _insider("wacz-no-records", "wacz.warc", lambda b: b.edit_wacz(lambda f: f.pop(archive_name(f)))),
    # Item, by someone who can sign.
    _insider("item-url", "item.url", exchange(url="https://other.example/")),
    _insider("item-digest", "item.digest", exchange(sha256="0" * 64)),
    _insider("item-time", "item.time", exchange(captured_at="2020-01-01T00:00:00.000000Z")),
    _insider("item-server", "item.server", exchange(server_ip="192.0.2.1")),
    _insider("item-size", "item.size", exchange(bytes=1)),
    _insider("item-status", "item.status", exchange(status=404)),
    _insider("item-method", "item.method", exchange(method="POST")),
    _insider("item-decoded", "item.kind", exchange(decoded_by_browser=True)),
    _insider("item-half-a-letter", "item.kind", exchange(kind="\ud800")),
    _insider("item-record", "item.record", exchange(offset=3)),
    _insider("item-unnamed-answer", "item.unnamed", facts(lambda f: f["captures"].pop(3))),
    _insider("item-unnamed-file", "item.unnamed", add("data/items/001/images/extra-009.png")),
    _insider("item-no-captures", "item.form", facts(lambda f: f.update(captures=[]))),
    _insider("item-file-gone", "item.file", facts(lambda f: file_capture(f).update(file="derived/dom-404.txt"))),
    _insider("item-picture", "item.picture", facts(lambda f: f["images"][0].update(url="https://other.example/1.png"))),
    _insider("item-redirect", "item.redirect", facts(lambda f: f["redirects"][0].update(location="/elsewhere"))),
    _insider("item-final-address", "item.redirect", facts(lambda f: f.update(final_url="https://other.example/"))),
    _insider("item-state", "item.state", facts(lambda f: f["capture_state"].update(state="UNKNOWN"))),
    _insider(
        "item-clock",
        "item.surroundings",
        facts(lambda f: f.update(surroundings={"capture": 0, "clock": {"synchronised": True}})),
    ),
    _insider("item-shown", "item.reference", facts(lambda f: f["shown"].update(price="9350"))),
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
    _insider("swapped-decisions", "place.item", swap("data/decisions/001.json", "data/decisions/002.json")),
    _insider("stray-file", "place.unknown", add("data/items/001/notes.txt")),
    _insider("history-price", "item.history", edit(HISTORY, lambda h: h["prices"][0].update(price="9350"))),
    _insider("history-shorter", "item.history", edit(HISTORY, lambda h: h["versions"].pop())),
    _insider("history-change-hidden", "item.history", edit(HISTORY, lambda h: h["versions"][-1].update(changes=[]))),
    _insider("history-price-hidden", "item.history", edit(HISTORY, lambda h: h["prices"].pop())),
    _insider(
        "history-change", "item.history", edit(HISTORY, lambda h: h["versions"][-1].update(changes=[OTHER_CHANGE]))
    ),
    _insider(
        "opinion-quote", "item.opinion", edit(OPINION, lambda a: a["assessments"][0]["reasons"][0].update(text="x"))
    ),
    _insider(
        "opinion-quote-of-no-place",
        "item.opinion",
        edit(OPINION, lambda a: a["assessments"][0]["reasons"][0].update(text="x", start=None)),
    ),
    _insider("opinion-of-another", "item.opinion", edit(OPINION, lambda a: a["assessments"][0].update(observation=77))),
    _insider(
        "decision-on-another", "item.decision", edit(DECISIONS, lambda d: d.update(decisions=[{"observation": 77}]))
    ),
    # What the parts tell of one another, by someone who can sign.
    _insider("object-id-without-source", "item.object-id", of_object("maker", value="Thebes")),
    _insider(
        "object-id-invented",
        "item.object-id",
        of_object("maker", value="Q", sources=[{"field": "title", "start": 0, "end": 1, "text": "Q?"}]),
    ),
    _insider("object-id-other-words", "item.object-id", of_object("title", value="Gold mask")),
    _insider("object-id-fewer-pictures", "item.object-id", of_object("photographs", value=[])),
    _insider("item-digest-of-no-text", "item.digest", exchange(sha256={"x": 1})),
    _insider(
        "object-id-called-complete",
        "item.object-id",
        edit(OBJECT_ID, lambda o: o["completeness"].update(filled=99, object_id_ready=True)),
    ),
    _insider(
        "statement-turned", "custody.statement", edit(OBJECT_ID, lambda o: o["statements"][-1].update(value="gold"))
    ),
    _insider(
        "statement-of-another", "custody.statement", edit(OBJECT_ID, lambda o: o["statements"][-1].update(by="nobody"))
    ),
    _insider("statement-gone", "custody.statement", edit(OBJECT_ID, lambda o: o["statements"].pop())),
    _insider(
        "statement-quote",
        "item.object-id",
        edit(OBJECT_ID, lambda o: o["statements"][0]["source"].update(text="of pure gold")),
    ),
    _insider(
        "statement-picture",
        "item.object-id",
        edit(OBJECT_ID, lambda o: o["statements"][1]["source"].update(sha256="0" * 64)),
    ),
    _insider(
        "statement-put-aside", "item.object-id", edit(OBJECT_ID, lambda o: o["statements"][-1].update(stands=False))
    ),
    _insider("exhibit-number", "item.exhibit", lambda b: b.edit_json(ITEM, lambda i: i["exhibit"].update(number=99))),
    _insider(
        "exhibit-observation", "item.exhibit", lambda b: b.edit_json(ITEM, lambda i: i["exhibit"].update(observation=0))
    ),
    _insider("exhibit-gone", "custody.items", without_last_item),
    _insider("exhibit-twice", "place.item", item_twice),
    _insider("decision-gone", "custody.decision", edit(DECISIONS, lambda d: d.update(decisions=[]))),
    _insider(
        "decision-turned", "custody.decision", edit(DECISIONS, lambda d: d["decisions"][0].update(verdict="replica"))
    ),
    _insider(
        "decision-taken-back",
        "custody.decision",
        edit(DECISIONS, lambda d: d["decisions"][0].update(undone_at=d["decisions"][0]["decided_at"])),
    ),
    _insider(
        "decision-of-another",
        "custody.decision",
        edit(DECISIONS, lambda d: d["decisions"][0]["by"].update(name="someone")),
    ),
    _insider(
        "decision-invented",
        "custody.decision",
        edit(DECISIONS, lambda d: d["decisions"].append({**d["decisions"][0], "id": 99})),
    ),
    _insider("opinion-score", "item.opinion", edit(OPINION, lambda a: a["assessments"][0].update(score=7))),
    _insider("card-of-another", "analysis.card", edit(CARDS, lambda c: c.update(models={"other:1": {"a": 1}}))),
    _insider("card-gone", "place.missing", drop(re.escape(CARDS))),
    _insider(
        "provenance-digest",
        "provenance.file",
        lambda b: b.edit(PROVENANCE, lambda d: re.sub(rb'"[0-9A-F]{64}"', b'"' + b"0" * 64 + b'"', d, count=1)),
    ),
    _insider("exports-recipient", "provenance.exports", edit(EXPORTS, lambda g: g["@graph"].append(OTHER_ACT))),
    _insider("exports-nothing", "provenance.exports", edit(EXPORTS, lambda g: g.update({"@graph": []}))),
    _insider("exports-gone", "manifest.required", drop(re.escape(EXPORTS))),
    _insider("page-script", "page.plain", in_page(INDEX, b"<script>alert(1)</script>")),
    _insider("page-handler", "page.plain", in_page(INDEX, b'<p onclick="alert(1)">')),
    _insider("page-remote-picture", "page.plain", in_page(INDEX, b'<img src="https://other.example/a.png">')),
    _insider("page-remote-style", "page.plain", in_page(INDEX, b"<style>@import '//other.example/a.css';</style>")),
    _insider("custody-page-script", "page.plain", in_page("data/custody/custody.html", b"<svg onload=alert(1)>")),
    _insider("picture-is-a-page", "place.kind", picture_that_is_none),
    _insider("report-is-a-page", "place.kind", add("data/report.en.pdf", b"<script>alert(1)</script>")),
    _insider(
        "objects-of-another-case",
        "objects.form",
        add(
            "data/objects.json",
            to_json({"format": "relicwatch-objects-1", "objects": [["001", "999"]], "statements": []}),
        ),
    ),
    _insider("export-of-another", "bag.export", in_info(rb"(External-Identifier: urn:uuid:).{8}", b"00000000")),
    _insider("export-earlier", "bag.export", in_info(rb"(Bagging-Date: )\S+", b"2020-01-01")),
    # Custody log, by someone who can sign.
    _insider("custody-actor", "custody.hash", custody(lambda c: c["events"][0].update(actor="someone"))),
    _insider("custody-link-gone", "custody.chain", custody(lambda c: c["links"].pop(1))),
    _insider("custody-entry-twice", "custody.form", custody(lambda c: c["events"].insert(0, c["events"][0]))),
    _insider("custody-no-entries", "custody.form", custody(lambda c: c.update(events=[]))),
    _insider(
        "custody-no-sealing",
        "custody.sealing",
        custody(lambda c: c.update(events=[e for e in c["events"] if "sha256" not in as_mapping(e.get("details"))])),
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
