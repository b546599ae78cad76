"""WARC 1.1 files of gzip members: writing exchanges as received, and finding whole members again after a kill.

One record a member, so that a record can be copied out byte for byte by offset and length. Digests are SHA-256 on every
record. Record format: WARC 1.1 (ISO 28500:2017). What decides where files lie and when they are fsynced lives in
`evidence.transit` and `evidence.sealing`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO

from isal import igzip_lib

from crawler.errors import RelicwatchError
from crawler.items import Exchange, RecordPlace
from crawler.program import host_name, operator, program_info

WARC_FORMAT = "WARC File Format 1.1"
WARC_SPECIFICATION = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
IDENTICAL_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
RENDERED = "rendered by the browser"
LEAST_REVISIT_BYTES = 1024
"""Below this a revisit record would be hardly smaller than the response itself."""
_COMPRESSION = 1  # zlib's -9 takes eight times as long as this for pages a tenth smaller
_GZIP_WINDOW = 31


class StoreError(RelicwatchError):
    """A record could not be written or read back; the sentence names the file."""


@dataclass(frozen=True, slots=True)
class Member:
    """One whole record as found in a file: its place and its headers (names in lower case)."""

    offset: int
    length: int
    headers: Mapping[str, str]
    block: bytes

    @property
    def type(self) -> str:
        return self.headers.get("warc-type", "")


def sha256_label(digest: bytes) -> str:
    """The digest as WARC writes it: `sha256:` and base32."""
    return "sha256:" + base64.b32encode(digest).decode("ascii")


def label_to_hex(label: str) -> str | None:
    """The hexadecimal form of a `sha256:` label, None for any other algorithm or a broken one."""
    name, _, text = label.partition(":")
    try:
        digest = base64.b32decode(text)
    except ValueError:
        return None
    return digest.hex() if name == "sha256" and len(digest) == 32 else None


def warc_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_record_id() -> str:
    return f"<urn:uuid:{uuid.uuid4()}>"


def pack_record(headers: Mapping[str, str], block: bytes) -> bytes:
    """One gzip member holding one record; block digest and length are added."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"WARC-Block-Digest: {sha256_label(hashlib.sha256(block).digest())}")
    lines.append(f"Content-Length: {len(block)}")
    head = ("WARC/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()
    packed: bytes = igzip_lib.compress(b"".join((head, block, b"\r\n\r\n")), _COMPRESSION, igzip_lib.COMP_GZIP)
    return packed


def warcinfo_record(name: str, moment: datetime, *, details: Mapping[str, str] | None = None) -> bytes:
    """The record each file starts with: software and version, commit, host, operator, robots policy, format."""
    program = program_info()
    fields = {
        "software": f"{program.name}/{program.version}",
        "commit": program.commit,
        "hostname": host_name(),
        "operator": operator(),
        "robots": "obey",
        "format": WARC_FORMAT,
        "conformsTo": WARC_SPECIFICATION,
        **(details or {}),
    }
    block = "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode()
    headers = {
        "WARC-Type": "warcinfo",
        "WARC-Record-ID": new_record_id(),
        "WARC-Date": warc_date(moment),
        "WARC-Filename": name.rsplit("/", 1)[-1],
        "Content-Type": "application/warc-fields",
    }
    return pack_record(headers, block)


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """A response record of the same file, to which a later one with the same payload may refer."""

    record_id: str
    uri: str
    date: str
    """WARC-Date as written."""
    offset: int


@dataclass(frozen=True, slots=True)
class PackedExchange:
    """An exchange as bytes for the file."""

    data: bytes
    record_id: str
    """Of the response record."""


def pack_exchange(
    exchange: Exchange, payload_sha256: str | None = None, refers_to: EarlierRecord | None = None
) -> PackedExchange:
    """The response member followed by its request member. `payload_sha256` (hexadecimal) saves hashing the body again.

    With `refers_to` (a record of the same file with the same payload) the response becomes a revisit by identical
    payload digest, with the Refers-To triple. # EV-9
    """
    date = warc_date(exchange.started_at)
    response_id = new_record_id()
    payload = bytes.fromhex(payload_sha256) if payload_sha256 else hashlib.sha256(exchange.body).digest()
    common = {"WARC-Date": date, "WARC-Target-URI": exchange.url}
    if exchange.server_ip:
        common["WARC-IP-Address"] = exchange.server_ip
    response = {"WARC-Type": "response", "WARC-Record-ID": response_id, **common}
    response["Content-Type"] = "application/http;msgtype=response"
    response["WARC-Payload-Digest"] = sha256_label(payload)
    if exchange.truncated:
        response["WARC-Truncated"] = exchange.truncated
    if exchange.decoded_by_browser:
        response["WARC-Relicwatch-Note"] = "decoded by the browser"
    body = exchange.body
    if refers_to is not None:
        response["WARC-Type"] = "revisit"
        response["WARC-Profile"] = IDENTICAL_PAYLOAD
        response["WARC-Refers-To"] = refers_to.record_id
        response["WARC-Refers-To-Target-URI"] = refers_to.uri
        response["WARC-Refers-To-Date"] = refers_to.date
        body = b""
    request = {"WARC-Type": "request", "WARC-Record-ID": new_record_id(), **common}
    request["WARC-Concurrent-To"] = response_id
    request["Content-Type"] = "application/http;msgtype=request"
    if exchange.request_body:
        request["WARC-Payload-Digest"] = sha256_label(hashlib.sha256(exchange.request_body).digest())
    data = pack_record(response, exchange.response_head + body)
    data += pack_record(request, exchange.request_head + exchange.request_body)
    return PackedExchange(data, response_id)


def pack_resource(
    *,
    uri: str,
    moment: datetime,
    media_type: str,
    body: bytes,
    note: str,
    refers_to: str | None = None,
    record_id: str | None = None,
) -> bytes:
    """A derivative (rendered DOM, screenshot) as a resource record, labelled, pointing to the record it came from."""
    headers = {
        "WARC-Type": "resource",
        "WARC-Record-ID": record_id or new_record_id(),
        "WARC-Date": warc_date(moment),
        "WARC-Target-URI": uri,
        "Content-Type": media_type,
        "WARC-Payload-Digest": sha256_label(hashlib.sha256(body).digest()),
        "WARC-Relicwatch-Note": note,
    }
    if refers_to:
        headers["WARC-Concurrent-To"] = refers_to
    return pack_record(headers, body)


class SegmentWriter:
    """Appends exchanges to one file; a failed write leaves the file as it was before it."""

    def __init__(self, path: Path, name: str) -> None:
        """Opens or makes the file. Raises StoreError where that fails."""
        self.path = path
        self.name = name
        self._seen: dict[str, EarlierRecord] = {}
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self.length = os.fstat(self._file).st_size
            if self.length == 0:
                self.append_bytes(warcinfo_record(name, datetime.now(UTC)))
                _fsync_directory(path.parent)
        except OSError as error:
            raise StoreError(f"The segment {path} cannot be written: {error.strerror}.") from error

    def remember(self, sha256: str, earlier: EarlierRecord) -> None:
        """A record that an earlier process wrote to this file: an identical payload becomes a revisit of it."""
        self._seen[sha256] = earlier

    def append(self, exchange: Exchange) -> RecordPlace:
        """Write the exchange; it is on disk for good only after `sync`."""
        large = len(exchange.body) >= LEAST_REVISIT_BYTES
        sha256 = hashlib.sha256(exchange.body).hexdigest()
        known = self._seen.get(sha256) if large else None
        packed = pack_exchange(exchange, sha256, known)
        offset = self.append_bytes(packed.data)
        if large and known is None:
            date = warc_date(exchange.started_at)
            self._seen[sha256] = EarlierRecord(packed.record_id, exchange.url, date, offset)
        return RecordPlace(
            segment=self.name,
            offset=offset,
            length=len(packed.data),
            sha256=sha256,
            url=exchange.url,
            method=exchange.method,
            status=exchange.status,
            captured_at=exchange.started_at,
            media_type=media_type_of(exchange.response_head),
            server_ip=exchange.server_ip,
            truncated=exchange.truncated,
            decoded_by_browser=exchange.decoded_by_browser,
            payload_bytes=len(exchange.body),
            record_id=packed.record_id,
            refers_to_offset=known.offset if known else None,
        )

    def append_dom(self, *, url: str, moment: datetime, html: bytes, server_ip: str | None) -> RecordPlace:
        """Write a rendered page as a resource record; its digest is that of the HTML."""
        record_id = new_record_id()
        data = pack_resource(
            uri=url, moment=moment, media_type="text/html", body=html, note=RENDERED, record_id=record_id
        )
        return RecordPlace(
            segment=self.name,
            offset=self.append_bytes(data),
            length=len(data),
            sha256=hashlib.sha256(html).hexdigest(),
            url=url,
            method="GET",
            status=200,
            captured_at=moment,
            media_type="text/html",
            server_ip=server_ip,
            truncated=None,
            decoded_by_browser=True,
            payload_bytes=len(html),
            kind="dom",
            record_id=record_id,
        )

    def append_bytes(self, data: bytes) -> int:
        """Write whole members as they are; returns the offset they stand at."""
        start = self.length
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as error:
            os.ftruncate(self._file, start)
            raise StoreError(
                f"The disk refused a record for {self.path} ({error.strerror}): free space and start again; "
                "what was captured before is safe."
            ) from error
        self.length = start + len(data)
        return start

    def sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            raise StoreError(
                f"The disk did not keep {self.path} ({error.strerror}): see to the disk, then start again."
            ) from error

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def media_type_of(response_head: bytes) -> str | None:
    for line in response_head.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            return value.split(b";")[0].strip().decode("latin-1").lower() or None
    return None


def read_bytes(path: Path, offset: int, length: int) -> bytes:
    """The raw bytes of members, exactly as stored. Raises StoreError where the file is shorter."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
    except OSError as error:
        raise StoreError(f"The segment {path} cannot be read: {error.strerror}.") from error
    if len(data) != length:
        raise StoreError(
            f"The segment {path} ends at byte {offset + len(data)}, a record was to end at {offset + length}."
        )
    return data


def read_members(data: bytes, base: int = 0) -> Iterator[Member]:
    """The whole records at the start of `data`; stops silently at the first torn or foreign member."""
    position = 0
    while position < len(data):
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            text = unpacker.decompress(data[position:])
        except zlib.error:
            return
        if not unpacker.eof:
            return
        length = len(data) - position - len(unpacker.unused_data)
        member = _parse_member(base + position, length, text)
        if member is None:
            return
        yield member
        position += length


def find_members(path: Path, start: int = 0) -> Iterator[Member]:
    """The whole records of a file from `start` on, reading a piece at a time; stops at the first torn one."""
    with path.open("rb") as file:
        yield from members_in(file, start)


def members_in(file: IO[bytes], start: int = 0) -> Iterator[Member]:
    """As `find_members`, of an open file."""
    position = start
    while True:
        file.seek(position)
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        pieces: list[bytes] = []
        consumed = 0
        while not unpacker.eof:
            piece = file.read(1 << 16)
            if not piece:
                return
            try:
                pieces.append(unpacker.decompress(piece))
            except zlib.error:
                return
            consumed += len(piece)
        length = consumed - len(unpacker.unused_data)
        member = _parse_member(position, length, b"".join(pieces))
        if member is None:
            return
        yield member
        position += length


def split_http(block: bytes) -> tuple[bytes, bytes]:
    """An HTTP record's block as (head with its empty line, body)."""
    for gap in (b"\r\n\r\n", b"\n\n"):
        at = block.find(gap)
        if at >= 0:
            return block[: at + len(gap)], block[at + len(gap) :]
    return block, b""


def _parse_member(offset: int, length: int, text: bytes) -> Member | None:
    head, gap, rest = text.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "replace").split("\r\n")
    if not gap or not lines[0].startswith("WARC/1."):
        return None
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    size = headers.get("content-length", "")
    if not size.isdigit() or rest[int(size) :] != b"\r\n\r\n":
        return None
    return Member(offset, length, headers, rest[: int(size)])


def _fsync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
