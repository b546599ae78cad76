"""Checking a WACZ and the WARC files in it from their own bytes alone."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

from evidence.bundle_files import LARGEST_LIST, JsonFault, ZipFiles, as_mapping, parse_json
from evidence.faults import Fault, Faults, in_file
from evidence.plain_zip import ZipAltered, ZipCutShort
from evidence.wacz import INDEX, INDEX_OF_INDEX, LINES_PER_BLOCK, PAGES, WACZ_VERSION, cdxj_line, pack_index
from evidence.warc_reading import (
    NOT_MODIFIED_PROFILE,
    REVISIT_PROFILE,
    WarcFault,
    WarcRecord,
    label_sha256,
    read_records,
)

_UNLISTED = ("datapackage.json", "datapackage-digest.json")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
LARGEST_UNPACKED = 8 << 30
"""Bytes of all records of a package once unpacked, or twenty times the package if that is more; beyond is a bomb."""
LARGEST_HEADS = 128 << 20
"""Bytes of all record heads of a package, which are kept in memory."""
_RECORD_COST = 1000
_HEADER_COST = 150
_ADDRESS_COST = 16
"""Each character of an address stands in the index several times, in up to twelve bytes."""


class WaczCheck:
    """The outcome: `faults`, and `records` by (WARC name, offset)."""

    def __init__(self, file: IO[bytes]) -> None:
        self.faults = Faults()
        self.page: dict[str, Any] = {}
        """The one line of the page list, empty where there is none."""
        self.title: Any = None
        """Of the package."""
        self.records: dict[tuple[str, int], WarcRecord] = {}
        self.warcs: dict[str, str] = {}
        """Name -> SHA-256 of each file in archive/."""
        self._main_page: tuple[Any, Any] = (None, None)
        self._unpacked = 0
        self._heads = 0
        try:
            self._files = ZipFiles(file, has_top_directory=False)
        except (ZipCutShort, ZipAltered) as error:
            self.faults.extend([error.fault()])
            return
        self.faults += self._files.faults
        self._check_package()
        for path in sorted(self._files.sizes):
            if path.startswith("archive/"):
                self.warcs[path.removeprefix("archive/")] = self._files.sha256(path)
                self._check_warc(path)
        if not self.records:
            self.faults.append("wacz.warc", "archive/ holds no WARC record")
        self._check_revisits()
        self._check_index()
        self._check_pages()

    def _check_package(self) -> None:
        package = self._json("datapackage.json")
        digest = self._json("datapackage-digest.json")
        if package is not None:
            self.title, self._main_page = (
                package.get("title"),
                (package.get("mainPageUrl"), package.get("mainPageDate")),
            )
        if package is None or digest is None:
            return
        if set(digest) != {"path", "hash"} or digest.get("path") != "datapackage.json":
            self.faults.append(
                "wacz.form", "datapackage-digest.json holds something other than the digest of datapackage.json"
            )
        if digest.get("hash") != f"sha256:{self._files.sha256('datapackage.json')}":
            self.faults.append("wacz.digest", "datapackage.json does not match datapackage-digest.json")
        if package.get("profile") != "data-package" or package.get("wacz_version") != WACZ_VERSION:
            self.faults.append("wacz.form", f"datapackage.json is not of WACZ {WACZ_VERSION}")
        listed: set[str] = set()
        resources = package.get("resources")
        for resource in resources if isinstance(resources, list) else []:
            entry = as_mapping(resource)
            path = str(entry.get("path"))
            if path in listed:
                self.faults.append("wacz.unlisted", f"{path} is listed twice in datapackage.json")
                continue
            listed.add(path)
            self._check_resource(path, entry)
        for path in sorted(set(self._files.sizes) - listed - set(_UNLISTED)):
            self.faults.append("wacz.unlisted", f"{path} is not listed in datapackage.json")

    def _check_resource(self, path: str, entry: dict[str, Any]) -> None:
        if path not in self._files.sizes:
            self.faults.append("wacz.unlisted", f"{path} is listed in datapackage.json but missing")
            return
        if not _SHA256.fullmatch(str(entry.get("hash"))):
            self.faults.append("wacz.resource", f"{path} has no sha256 digest in datapackage.json")
        elif entry["hash"] != f"sha256:{self._files.sha256(path)}":
            self.faults.append("wacz.resource", f"{path} does not match its digest in datapackage.json")
        if entry.get("bytes") != self._files.sizes[path]:
            self.faults.append("wacz.resource", f"{path} has another size than datapackage.json states")

    def _check_warc(self, path: str) -> None:
        if not path.endswith(".warc.gz"):
            self.faults.append("wacz.warc", f"{path} is no .warc.gz file")
            return
        records: list[WarcRecord] = []
        with self._files.open(path) as file:
            try:
                for record in read_records(file):
                    self._weigh(record)
                    records.append(record)
                    self.records[path.removeprefix("archive/"), record.offset] = record
            except WarcFault as error:
                self.faults += in_file(path, [error.fault()])
                return
        self.faults += in_file(path, _warc_faults(records))

    def _weigh(self, record: WarcRecord) -> None:
        self._unpacked += record.block_bytes
        headers = sum(len(name) + len(value) + _HEADER_COST for name, value in record.headers.items())
        self._heads += len(record.http_head) + headers + _ADDRESS_COST * len(record.uri) + _RECORD_COST
        if self._unpacked > max(LARGEST_UNPACKED, 20 * sum(self._files.sizes.values())) or self._heads > LARGEST_HEADS:
            raise WarcFault("warc.bomb", "its records unpack to more than a capture can be")

    def _check_revisits(self) -> None:
        by_id: dict[str, WarcRecord] = {}
        for record in self.records.values():
            # A record copied byte for byte into two evidence files keeps its id; another record must not take it.
            first = by_id.setdefault(record.id, record)
            if (first.headers, first.block_sha256) != (record.headers, record.block_sha256):
                self.faults.append("warc.id", f"two different records carry the WARC-Record-ID {record.id}")
        for (name, _), record in self.records.items():
            if record.type == "revisit":
                fault = _revisit_fault(record, by_id)
                if fault:
                    self.faults.append(
                        "warc.revisit", f"archive/{name}: the revisit record at byte {record.offset} {fault}"
                    )

    def _check_index(self) -> None:
        packed, heads = self._files.read(INDEX), self._files.read(INDEX_OF_INDEX, LARGEST_LIST)
        if packed is None or heads is None:
            self.faults.append("wacz.index", f"{INDEX if packed is None else INDEX_OF_INDEX} is missing")
            return
        expected = sorted(
            cdxj_line(name, record)
            for (name, _), record in self.records.items()
            if record.type in ("response", "revisit", "resource")
        )
        text = "".join(f"{line}\n" for line in expected).encode()
        try:
            found = _unpack(packed, len(text) + 1, members=len(expected) // LINES_PER_BLOCK + 1)
        except zlib.error as error:
            self.faults.append("wacz.index", f"{INDEX} cannot be read ({error})")
            return
        if found != text:
            self.faults.append("wacz.index", f"{INDEX} does not say what the WARC files hold")
        if len(expected) <= LINES_PER_BLOCK and not _same_index_of_index(heads, packed, expected):
            self.faults.append("wacz.index", f"{INDEX_OF_INDEX} does not fit {INDEX}")

    def _check_pages(self) -> None:
        data = self._files.read(PAGES, LARGEST_LIST)
        if data is None:
            self.faults.append("wacz.pages", f"{PAGES} is missing")
            return
        try:
            head, *rows = (as_mapping(parse_json(line)) for line in data.removesuffix(b"\n").split(b"\n", 2)[:3])
        except JsonFault as fault:
            self.faults.append("wacz.pages", f"{PAGES}: a line {fault}")
            return
        if not rows or head.get("format") != "json-pages-1.0":
            self.faults.append("wacz.pages", f"{PAGES} lists no page, or its first line is not the format's")
        if len(rows) > 1:
            self.faults.append("wacz.pages", f"{PAGES} lists more than the one page of the listing")
        self.page = rows[0] if rows else {}
        known = {(record.uri, record.date) for record in self.records.values()}
        for number, row in enumerate(rows, 2):
            if (str(row.get("url")), str(row.get("ts"))) not in known:
                self.faults.append("wacz.pages", f"{PAGES} line {number} names a page and time that no WARC record has")
        if self._main_page != (self.page.get("url"), self.page.get("ts")):
            self.faults.append("wacz.pages", f"datapackage.json names another main page than {PAGES}")

    def _json(self, path: str) -> dict[str, Any] | None:
        try:
            return as_mapping(self._files.json(path))
        except JsonFault as fault:
            self.faults.append("wacz.form", f"{path} {fault}")
            return None


def _warc_faults(records: list[WarcRecord]) -> Iterator[Fault]:
    if not records or records[0].type != "warcinfo":
        yield Fault("warc.info", "it does not start with a warcinfo record")
    answers = {record.id: record for record in records if record.type in ("response", "revisit")}
    asked: set[str] = set()
    for record in records:
        if record.type != "request":
            continue
        answer = answers.get(record.headers.get("warc-concurrent-to", ""))
        if answer is None or (answer.uri, answer.date) != (record.uri, record.date):
            yield Fault(
                "warc.request",
                f"the request at byte {record.offset} ({record.uri}) belongs to no response of its address and time",
            )
        else:
            asked.add(answer.id)
    for record in answers.values():
        if record.id not in asked:
            yield Fault("warc.request", f"the response at byte {record.offset} ({record.uri}) has no request")


def _revisit_fault(record: WarcRecord, by_id: dict[str, WarcRecord]) -> str | None:
    profile = record.headers.get("warc-profile")
    if profile not in (REVISIT_PROFILE, NOT_MODIFIED_PROFILE):
        return "has an unknown profile"
    target = by_id.get(record.headers.get("warc-refers-to", ""))
    if target is None or target.type == "revisit":
        return "refers to a record that is not in this bundle"
    if label_sha256(record.headers.get("warc-payload-digest")) != target.payload_sha256:
        return "refers to a record with another payload"
    stated = (record.headers.get("warc-refers-to-target-uri"), record.headers.get("warc-refers-to-date"))
    return None if stated == (target.uri, target.date) else "states another address or time than its target has"


def _unpack(packed: bytes, most: int, *, members: int) -> bytes:
    """The content of so many gzip members one after the other, at most `most` bytes of it. Raises zlib.error."""
    content = b""
    for _ in range(members):
        if not packed or len(content) >= most:
            return content
        unpacker = zlib.decompressobj(31)
        content += unpacker.decompress(packed, most - len(content))
        packed = unpacker.unused_data
        if not unpacker.eof and len(content) < most:
            raise zlib.error("cut short")
    if packed and len(content) < most:
        raise zlib.error("more members than its lines need")
    return content


def _same_index_of_index(heads: bytes, packed: bytes, lines: list[str]) -> bool:
    rows = heads.decode("utf-8", "replace").splitlines()
    if not lines:
        return len(rows) == 1
    place = {"offset": 0, "length": len(packed), "digest": f"sha256:{hashlib.sha256(packed).hexdigest()}"}
    expected = " ".join(lines[0].split(" ", 2)[:2]) + " " + json.dumps({**place, "filename": "index.cdx.gz"})
    return rows == [pack_index([])[1].decode().rstrip("\n"), expected]
