"""Reading a zip that a stranger made: nothing is ever written out, and all that it unpacks to is bounded."""

from __future__ import annotations

import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from crawler.saved.records import SavedFault

MOST_MEMBERS = 50_000
LARGEST_TOTAL = 4 << 30
"""Bytes that all members together may unpack to."""
MOST_RATIO = 200
"""Times its packed size that a member may unpack to; text of a chat reaches 20."""
_SMALL = 1 << 20
_LOCAL_HEADER = 30
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.[^/]*)?", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")


class Package(Protocol):
    """Files by name: a zip, or a directory that was read already."""

    def __iter__(self) -> Iterator[str]: ...

    def __contains__(self, name: str, /) -> bool: ...

    def read(self, name: str, largest: int, /) -> bytes:
        """The content of a member. Raises SavedFault where it is not there or more than `largest` bytes."""
        ...


class SavedFolder:
    """The files of an export that was unpacked, or written as a directory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str, largest: int) -> bytes:
        data = self._files.get(name)
        if data is None:
            raise SavedFault(f"{name} is named in the export but was not imported with it: import the whole export")
        if len(data) > largest:
            raise SavedFault(f"{name} has more than {largest >> 20} MB, the most that is read of it")
        return data


UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""All that the packings of a zip raise on damage: bzip2 an OSError, an unknown packing a NotImplementedError."""


class SavedZip:
    """The members of a zip by name. Raises SavedFault for one that is no zip or is made to do harm. # SEC-23"""

    def __init__(self, body: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
            raise SavedFault(f"it is a broken zip ({error}): export or copy it again") from error
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise SavedFault(f"the zip holds {len(infos)} members, more than the {MOST_MEMBERS} that are read")
        self._members: dict[str, zipfile.ZipInfo] = {}
        folded: set[str] = set()
        for info in infos:
            if fault := _member_fault(info):
                raise SavedFault(f"the zip's member {info.orig_filename[:200]!r} {fault}: nothing of it was read")
            if info.filename.casefold() in folded:
                raise SavedFault(f"the zip holds {info.filename[:200]!r} twice: nothing of it was read")
            folded.add(info.filename.casefold())
            if not info.is_dir():
                self._members[info.filename] = info
        if sum(info.file_size for info in infos) > LARGEST_TOTAL:
            raise SavedFault(f"the zip unpacks to more than {LARGEST_TOTAL >> 30} GB: nothing of it was read")
        if fault := _overlap(infos):
            raise SavedFault(fault)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str, largest: int) -> bytes:
        """The content of a member. Raises SavedFault where it is not there, damaged or more than `largest` bytes."""
        info = self._members.get(name)
        if info is None:
            raise SavedFault(f"{name} is named in the export but is not in the zip")
        try:
            with self._zip.open(info) as member:
                data = member.read(largest + 1)
        except UNPACKING_ERRORS as error:
            raise SavedFault(f"{name} in the zip cannot be unpacked ({error}): export or copy it again") from error
        if len(data) > largest:
            raise SavedFault(f"{name} in the zip has more than {largest >> 20} MB, the most that is read of it")
        return data


def _member_fault(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename
    if "\0" in name or "\\" in name or name.startswith("/") or _DRIVE.match(name):
        return "has a name that is no plain relative path"
    parts = name.rstrip("/").split("/")
    if any(part in ("", ".", "..") or _DEVICES.fullmatch(part) for part in parts):
        return "has a name that leads out of the zip or to a device"
    if info.flag_bits & 1:
        return "is locked by a password"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.file_size > max(_SMALL, MOST_RATIO * info.compress_size):
        return "unpacks to more than anything honest does"
    return None


def _overlap(infos: list[zipfile.ZipInfo]) -> str | None:
    """Members that share bytes unpack the same bytes again and again."""
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset < end:
            return f"the zip's member {info.filename[:200]!r} shares bytes with another: nothing of it was read"
        end = info.header_offset + _LOCAL_HEADER + len(info.orig_filename) + info.compress_size
    return None
