"""A strict reader of WARC 1.1 files of gzip members, for export and verification: what is odd is refused, not skipped.

It shares no code with the writer (`evidence.segments`), so that a fault there is met here and not repeated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from evidence.faults import RuleBroken

_CHUNK = 1 << 16
_HEAD_LIMIT = 1 << 20
_GAP = b"\r\n\r\n"
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_HTTP_TYPES = ("request", "response", "revisit")
REVISIT_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED_PROFILE = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
LARGEST_RECORD = 2 << 30
"""Bytes of one record once unpacked; more is taken for a zip bomb."""


class WarcFault(RuleBroken):
    """A WARC file departs from its format; the sentence names the place."""


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """One record with its digests as recomputed from its bytes; header names in lower case."""

    offset: int
    length: int
    """Of its gzip member in the file."""
    headers: dict[str, str]
    block_sha256: str
    block_bytes: int
    http_head: bytes
    payload_sha256: str
    payload_bytes: int

    @property
    def type(self) -> str:
        return self.headers["warc-type"]

    @property
    def id(self) -> str:
        return self.headers["warc-record-id"]

    @property
    def uri(self) -> str:
        return self.headers.get("warc-target-uri", "")

    @property
    def date(self) -> str:
        return self.headers["warc-date"]

    @property
    def http_status(self) -> int | None:
        """The status code of a response's first line, None where there is none."""
        found = re.match(rb"HTTP/\d(?:\.\d)? (\d{3})\b", self.http_head)
        return int(found[1]) if found else None

    def http_header(self, name: str) -> str | None:
        """The first header of that name in the HTTP head."""
        for line in self.http_head.split(b"\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None


def label_sha256(label: str | None) -> str | None:
    """The hexadecimal digest of a `sha256:` label in base32 or hexadecimal, None for anything else."""
    name, _, text = (label or "").partition(":")
    if name != "sha256":
        return None
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return text
    try:
        digest = base64.b32decode(text)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == 32 else None


def read_records(
    file: IO[bytes], *, start: int = 0, end: int | None = None, largest: int = LARGEST_RECORD
) -> Iterator[WarcRecord]:
    """Every record from `start` to `end` (the file's end). Raises WarcFault at the first that is not whole and right.

    Block and payload digests are recomputed and compared; every record must carry a sha256 block digest, and a
    payload digest where it is a response, revisit or resource.
    """
    file.seek(0, 2)
    stop = file.tell() if end is None else end
    offset = start
    while offset < stop:
        record = _read_record(_Unpacker(file, offset, stop, largest))
        _check_headers(record)
        _check_digests(record)
        yield record
        offset += record.length
    if offset != stop:
        raise WarcFault("warc.cut-short", f"the record before byte {offset} reaches beyond byte {stop}")


def read_payload(file: IO[bytes], offset: int, length: int, largest: int) -> bytes | None:
    """The payload bytes of the record in the member at `offset`; None where they are more than `largest`."""
    unpacker = _Unpacker(file, offset, offset + length, LARGEST_RECORD)
    headers, body = _split_head(unpacker)
    size = _content_length(headers, offset)
    if size > largest + _HEAD_LIMIT:
        return None
    block = body
    while len(block) < size and (piece := unpacker.read()):
        block += piece
    block = block[:size]
    payload = block[len(_http_head(block)) :] if headers["warc-type"] in _HTTP_TYPES else block
    return payload if len(payload) <= largest else None


class _Unpacker:
    """The unpacked bytes of one gzip member, a piece at a time and never more than allowed."""

    def __init__(self, file: IO[bytes], offset: int, stop: int, largest: int) -> None:
        self.offset = offset
        self._file = file
        self._at = offset
        self._stop = stop
        self._unpacker = zlib.decompressobj(31)
        self._left = largest
        self._pending = b""

    def read(self) -> bytes:
        """The next piece; empty at the member's end. Raises WarcFault for damage, a cut or a bomb."""
        while not self._unpacker.eof:
            if not self._pending:
                self._file.seek(self._at)
                self._pending = self._file.read(min(_CHUNK, self._stop - self._at))
                self._at += len(self._pending)
                if not self._pending:
                    raise WarcFault("warc.cut-short", f"the record at byte {self.offset} is cut short")
            try:
                piece = self._unpacker.decompress(self._pending, _CHUNK)
            except zlib.error as error:
                raise WarcFault("warc.gzip", f"the record at byte {self.offset} is damaged ({error})") from error
            self._pending = self._unpacker.unconsumed_tail
            self._left -= len(piece)
            if self._left < 0:
                raise WarcFault("warc.bomb", f"the record at byte {self.offset} unpacks to more than is allowed")
            if piece:
                return piece
        return b""

    @property
    def length(self) -> int:
        """Bytes of the member, once it was read to its end."""
        return self._at - len(self._unpacker.unused_data) - self.offset


def _read_record(unpacker: _Unpacker) -> WarcRecord:
    headers, body = _split_head(unpacker)
    size = _content_length(headers, unpacker.offset)
    is_http = headers.get("warc-type") in _HTTP_TYPES
    block, payload = hashlib.sha256(), hashlib.sha256()
    head = b""
    head_open = is_http
    seen = 0
    rest = b""
    piece = body
    while True:
        inside = piece[: max(0, size - seen)]
        rest += piece[len(inside) :]
        seen += len(inside)
        block.update(inside)
        if head_open:
            head += inside
            found = _http_head(head)
            if found or len(head) > _HEAD_LIMIT:
                payload.update(head[len(found) :])
                head, head_open = found, False
        else:
            payload.update(inside)
        if len(rest) > len(_GAP):
            break
        piece = unpacker.read()
        if not piece:
            break
    if seen != size or rest != _GAP:
        raise WarcFault("warc.length", f"the record at byte {unpacker.offset} is not of the length it states")
    if head_open and headers["warc-type"] != "revisit" and "warc-truncated" not in headers:
        raise WarcFault("warc.http", f"the record at byte {unpacker.offset} holds no whole HTTP head")
    return WarcRecord(
        offset=unpacker.offset,
        length=unpacker.length,
        headers=headers,
        block_sha256=block.hexdigest(),
        block_bytes=size,
        http_head=head,
        payload_sha256=payload.hexdigest(),
        payload_bytes=size - len(head),
    )


def _split_head(unpacker: _Unpacker) -> tuple[dict[str, str], bytes]:
    text = b""
    while _GAP not in text:
        piece = unpacker.read()
        if not piece or len(text) > _HEAD_LIMIT:
            raise WarcFault("warc.form", f"the record at byte {unpacker.offset} has no whole WARC header")
        text += piece
    head, _, body = text.partition(_GAP)
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise WarcFault("warc.form", f"the WARC header at byte {unpacker.offset} is not UTF-8") from error
    if lines[0] != "WARC/1.1":
        raise WarcFault("warc.form", f"the record at byte {unpacker.offset} is not WARC/1.1")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not colon or not key or (key in headers and key != "warc-concurrent-to"):
            raise WarcFault(
                "warc.form", f"the record at byte {unpacker.offset} has a broken or doubled header {name[:60]!r}"
            )
        headers[key] = value.strip()
    return headers, body


def _content_length(headers: dict[str, str], offset: int) -> int:
    text = headers.get("content-length", "")
    if not re.fullmatch(r"\d{1,15}", text):
        raise WarcFault("warc.length", f"the record at byte {offset} states no length")
    return int(text)


def _http_head(block: bytes) -> bytes:
    """The HTTP head with its empty line, empty where there is none."""
    ends = [at + len(gap) for gap in (b"\r\n\r\n", b"\n\n") if (at := block.find(gap)) >= 0]
    return block[: min(ends)] if ends else b""


def _check_headers(record: WarcRecord) -> None:
    for name in ("warc-type", "warc-record-id", "warc-date"):
        if not record.headers.get(name):
            raise WarcFault("warc.header", f"the record at byte {record.offset} lacks {name}")
    if not _DATE.fullmatch(record.date):
        raise WarcFault("warc.header", f"the record at byte {record.offset} has no date in UTC ({record.date!r})")
    if record.type != "warcinfo" and not record.uri:
        raise WarcFault("warc.header", f"the record at byte {record.offset} names no address (WARC-Target-URI)")


def _check_digests(record: WarcRecord) -> None:
    where = f"the {record.type} record at byte {record.offset} ({record.uri or record.id})"
    if label_sha256(record.headers.get("warc-block-digest")) != record.block_sha256:
        raise WarcFault("warc.block-digest", f"{where} does not match its WARC-Block-Digest, or has no sha256 one")
    payload = record.headers.get("warc-payload-digest")
    if payload is None and record.type in ("response", "revisit", "resource"):
        raise WarcFault("warc.payload-digest", f"{where} has no WARC-Payload-Digest")
    if payload is not None and label_sha256(payload) is None:
        raise WarcFault("warc.payload-digest", f"{where} has a payload digest that is not sha256")
    if payload is not None and record.type != "revisit" and label_sha256(payload) != record.payload_sha256:
        raise WarcFault("warc.payload-digest", f"{where} does not match its WARC-Payload-Digest")
