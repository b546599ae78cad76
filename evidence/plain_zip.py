"""Zips in one fixed form: entries stored, one after the other, without gaps, times or comments.

A changed byte is therefore found: in an entry by its digest, around the entries by this module. The order of the
entries is free: a zip with the same entries in another order holds the same files and is as good.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from evidence.faults import Fault, Faults, RuleBroken

CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
_LIMIT = zipfile.ZIP64_LIMIT
_COUNT_LIMIT = zipfile.ZIP_FILECOUNT_LIMIT
_MAX_DIRECTORY = 8 << 20
_MAX_PATH = 4096
_LOCAL_NAME = 30
"""Bytes of a local header before its name."""
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class ZipCutShort(RuleBroken):
    """The file is no zip, or ends before its table of contents."""


class ZipAltered(RuleBroken):
    """The file ends as a zip does, but its table of contents is not where that end says, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    offset: int
    """Of the content's first byte in the zip."""
    size: int


@dataclass(slots=True)
class Layout:
    """What a zip holds, and every departure from the fixed form."""

    entries: list[Entry] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    digests: list[str] = field(default_factory=list)
    """SHA-256 of each entry's content, in their order: had in the same reading as the zip's own checksum."""


def name_fault(path: str) -> str | None:
    """Why a path may not stand in a bundle, or None: parts of ASCII letters, digits, `._-`, at most 100 characters."""
    for part in path.split("/"):
        if part in ("", ".", "..") or not _NAME.fullmatch(part) or _DEVICES.fullmatch(part) or part.endswith("."):
            return f"{path!r} is not a name that may stand in a bundle"
    return None


class PlainZipWriter:
    """Writes entries one after the other to an open binary file; leave its context to end the zip."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)

    def add_bytes(self, name: str, data: bytes) -> str:
        """Store `data`; returns its SHA-256."""
        with self._zip.open(_info(name, len(data)), "w") as entry:
            entry.write(data)
        return hashlib.sha256(data).hexdigest()

    def add_file(self, name: str, path: Path) -> str:
        """Store a file's bytes; returns the SHA-256 of what was stored. Raises OSError where it cannot be read."""
        digest = hashlib.sha256()
        with path.open("rb") as source, self._zip.open(_info(name, path.stat().st_size), "w") as entry:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                entry.write(chunk)
        return digest.hexdigest()

    def add_stream(self, name: str, size: int, chunks: Iterable[bytes]) -> str:
        """Store `size` bytes that come in pieces; returns their SHA-256."""
        digest = hashlib.sha256()
        with self._zip.open(_info(name, size), "w") as entry:
            for chunk in chunks:
                digest.update(chunk)
                entry.write(chunk)
        return digest.hexdigest()

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> PlainZipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        with contextlib.suppress(OSError, ValueError):
            self.close()  # the file is given up; the error under way is the one to report


def _info(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3
    info.external_attr = _FILE_MODE
    info.file_size = size
    return info


def read_layout(file: IO[bytes]) -> Layout:
    """The entries of a zip and what is wrong with its form. Raises ZipCutShort, ZipAltered: no entry can be read."""
    size = file.seek(0, 2)
    count, directory_size, directory_offset, end = _read_end(file, size)
    if directory_size > _MAX_DIRECTORY:
        raise ZipAltered("zip.table", "the table of contents of the zip is longer than that of any bundle")
    if directory_offset + directory_size != end:
        _tell_shift(file, directory_size, end - directory_offset - directory_size, end)
    file.seek(directory_offset)
    directory = file.read(directory_size)
    layout = Layout()
    position = 0
    at = 0
    listed = 0
    crcs: list[int] = []
    while at < len(directory):
        parsed = _read_central(directory, at)
        if parsed is None:
            raise ZipAltered("zip.table", "the table of contents of the zip cannot be read, so it was changed")
        name, crc, entry_size, header_offset, length = parsed
        listed += 1
        at += length
        label = name[:_MAX_PATH].encode("unicode_escape").decode("ascii")
        if header_offset != position:
            layout.faults.append(
                "zip.gap", f"{label}: it does not follow the entry before it, so bytes are hidden or shared"
            )
        if header_offset < position or header_offset + entry_size > size or len(name) > _MAX_PATH:
            # Not read: entries that share bytes would be read again and again, without end.
            layout.faults.append(
                "zip.gap", f"{label}: it lies outside the room left for it in the zip, or its name is too long"
            )
            continue
        info = _info(name, entry_size)
        info.CRC = crc
        info.compress_size = entry_size
        local = _local_header(info)
        file.seek(header_offset)
        if file.read(len(local)) != local:
            layout.faults.append(
                "zip.form", f"{label}: its header is not as relicwatch packs it (stored, no extras, fixed time)"
            )
        if directory[at - length : at] != _central_header(info, header_offset):
            layout.faults.append(
                "zip.form", f"{label}: its line in the zip's table of contents is not as relicwatch packs it"
            )
        layout.entries.append(Entry(name, header_offset + len(local), entry_size))
        crcs.append(crc)
        position = header_offset + len(local) + entry_size
    if position != directory_offset:
        layout.faults.append("zip.gap", "the zip holds bytes between its last entry and its table of contents")
    if count != listed:
        layout.faults.append("zip.count", f"the zip says it holds {count} entries but lists {listed}")
    file.seek(end)
    wanted = _end_records(listed, directory_size, directory_offset)
    if file.read(len(wanted) + 1) != wanted:
        layout.faults.append("zip.form", "the zip holds bytes after its end, or its end is not as relicwatch packs it")
    layout.faults.extend(_name_faults(layout.entries))
    layout.faults.extend(_crc_faults(file, layout, crcs))
    return layout


def read_entry(file: IO[bytes], entry: Entry) -> Iterator[bytes]:
    """The content of an entry, a piece at a time."""
    file.seek(entry.offset)
    left = entry.size
    while left > 0:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


def _tell_shift(file: IO[bytes], directory_size: int, shift: int, end: int) -> None:
    """Raise what a table of contents that is not where the zip's end says means.

    A zip cut just behind a zip packed in it (a WACZ) ends as that inner zip does. All else was altered.
    """
    file.seek(max(0, end - directory_size))
    first = file.read(_CENTRAL.size + _MAX_PATH)
    parsed = _read_central(first, 0) if first[:4] == b"PK\x01\x02" else None
    file.seek(0)
    starts_as_zip = file.read(4) == b"PK\x03\x04"
    if shift > 0 and parsed is not None and starts_as_zip:
        name = parsed[0].encode("utf-8", "replace")
        file.seek(shift)
        header = file.read(_LOCAL_NAME + len(name))
        if header[:4] == b"PK\x03\x04" and header[_LOCAL_NAME:] == name:
            raise ZipCutShort("zip.cut-short", "the file ends with a zip that is packed in it, so it was cut short")
    raise ZipAltered(
        "zip.table", "the zip's table of contents is not where its end says: bytes were put in or taken out before it"
    )


def _read_end(file: IO[bytes], size: int) -> tuple[int, int, int, int]:
    """Entry count, size and offset of the central directory, and where the records after it start."""
    reach = min(size, 1 << 17)
    file.seek(size - reach)
    ending = file.read(reach)
    at = ending.rfind(b"PK\x05\x06")
    if at < 0 or len(ending) - at < _END.size:
        raise ZipCutShort("zip.cut-short", "the file does not end as a zip does, so it is no zip or was cut short")
    fields = _END.unpack_from(ending, at)
    count, directory_size, directory_offset = fields[4], fields[5], fields[6]
    start = size - reach + at
    if at >= _LOCATOR.size and ending[at - _LOCATOR.size : at - _LOCATOR.size + 4] == b"PK\x06\x07":
        offset64 = _LOCATOR.unpack_from(ending, at - _LOCATOR.size)[2]
        file.seek(min(offset64, size))
        record = file.read(_END64.size)
        if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
            raise ZipCutShort("zip.cut-short", "the table of contents of the zip cannot be found")
        count, directory_size, directory_offset = _END64.unpack(record)[7:10]
        start = offset64
    return count, directory_size, directory_offset, start


def _read_central(directory: bytes, at: int) -> tuple[str, int, int, int, int] | None:
    """Name, CRC, size, header offset and own length of one line of the central directory."""
    if len(directory) - at < _CENTRAL.size or directory[at : at + 4] != b"PK\x01\x02":
        return None
    fields = _CENTRAL.unpack_from(directory, at)
    name_length, extra_length, comment_length = fields[12], fields[13], fields[14]
    crc, size, offset = fields[9], fields[11], fields[18]
    length = _CENTRAL.size + name_length + extra_length + comment_length
    if at + length > len(directory):
        return None
    name_end = at + _CENTRAL.size + name_length
    name = directory[at + _CENTRAL.size : name_end].decode("utf-8", "backslashreplace")
    extra = directory[name_end : name_end + extra_length]
    if extra[:2] == b"\x01\x00" and len(extra) >= 4:
        values = list(struct.unpack_from(f"<{(len(extra) - 4) // 8}Q", extra, 4))
        if size == 0xFFFFFFFF and len(values) >= 2:
            size = values[0]
            del values[:2]
        if offset == 0xFFFFFFFF and values:
            offset = values[0]
    return name, crc, size, offset, length


def _local_header(info: zipfile.ZipInfo) -> bytes:
    # zipfile reserves room for large sizes from five per cent below the limit on.
    return info.FileHeader(zip64=info.file_size * 1.05 > _LIMIT)


def _central_header(info: zipfile.ZipInfo, offset: int) -> bytes:
    extra: list[int] = []
    size = info.file_size
    if size > _LIMIT:
        extra += [size, size]
        size = 0xFFFFFFFF
    if offset > _LIMIT:
        extra.append(offset)
        offset = 0xFFFFFFFF
    extra_bytes = struct.pack(f"<HH{len(extra)}Q", 1, 8 * len(extra), *extra) if extra else b""
    name = info.filename.encode("utf-8", "replace")
    version = max(45 if extra else 20, info.extract_version)
    date = (1 << 5) | 1
    head = (b"PK\x01\x02", version, 3, version, 0, 0, 0, 0, date, info.CRC, size, size)
    return _CENTRAL.pack(*head, len(name), len(extra_bytes), 0, 0, 0, _FILE_MODE, offset) + name + extra_bytes


def _end_records(count: int, size: int, offset: int) -> bytes:
    records = b""
    if count > _COUNT_LIMIT or offset > _LIMIT or size > _LIMIT:
        records = _END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
        records += _LOCATOR.pack(b"PK\x06\x07", 0, offset + size, 1)
        count, size, offset = min(count, 0xFFFF), min(size, 0xFFFFFFFF), min(offset, 0xFFFFFFFF)
    return records + _END.pack(b"PK\x05\x06", 0, 0, count, count, size, offset, 0)


def _name_faults(entries: list[Entry]) -> Iterator[Fault]:
    seen: set[str] = set()
    for entry in entries:
        if fault := name_fault(entry.name):
            yield Fault("path.name", fault)
        if entry.name.lower() in seen:
            yield Fault(
                "path.twice",
                f"{entry.name} stands in the zip more than once (names differing only in case count as one)",
            )
        seen.add(entry.name.lower())


def _crc_faults(file: IO[bytes], layout: Layout, crcs: list[int]) -> Iterator[Fault]:
    for entry, expected in zip(layout.entries, crcs, strict=True):
        crc, digest = 0, hashlib.sha256()
        for chunk in read_entry(file, entry):
            crc = zlib.crc32(chunk, crc)
            digest.update(chunk)
        layout.digests.append(digest.hexdigest())
        if crc != expected:
            yield Fault("zip.crc", f"{entry.name}: its content does not match the zip's checksum")
