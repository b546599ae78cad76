"""The files of a bundle, from its zip or from the directory it was unpacked to, behind one face for the verifier."""

from __future__ import annotations

import hashlib
import io
import json
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from evidence.faults import Fault, Faults
from evidence.plain_zip import CHUNK, Entry, name_fault, read_layout

LARGEST_TEXT = 32 << 20
"""Bytes of a JSON file that are read into memory; a larger one is a fault."""
LARGEST_LIST = 8 << 20
"""Bytes of a file that is read line by line: a manifest, a list of pages."""
LARGEST_NOTE = 1 << 20
"""Bytes of a file of a few lines: bag-info.txt, a certificate, a signature."""
MOST_VALUES = 1_500_000
"""Values in one JSON file. Each costs memory, however short it is written."""


class JsonFault(Exception):
    """A JSON file is not as relicwatch writes them; the words follow the file's name ("is missing")."""


class BundleFiles(ABC):
    """Paths relative to the bag's directory, sizes and bytes; `faults`: what is wrong with the package itself."""

    def __init__(self) -> None:
        self.top: str | None = None
        """Name of the one directory at the top of a zip; None for an unpacked bag, which anyone may rename."""
        self.sizes: dict[str, int] = {}
        self.faults = Faults()
        self._digests: dict[str, str] = {}

    @abstractmethod
    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """The file's bytes from their start."""

    def read(self, path: str, most: int = LARGEST_TEXT) -> bytes | None:
        """The whole of a small file; None where it is missing or too large to be what it should be."""
        if self.sizes.get(path, most + 1) > most:
            return None
        with self.open(path) as file:
            return file.read()

    def json(self, path: str) -> Any:
        """The value of a JSON file. Raises JsonFault."""
        if path not in self.sizes:
            raise JsonFault("is missing")
        data = self.read(path)
        if data is None:
            raise JsonFault("is larger than any that relicwatch writes")
        return parse_json(data)

    def sha256(self, path: str) -> str:
        """Of a file's bytes, read once however often a list names it."""
        if path not in self._digests:
            with self.open(path) as file:
                digest = hashlib.sha256()
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
            self._digests[path] = digest.hexdigest()
        return self._digests[path]


class DirectoryFiles(BundleFiles):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._walk()
        times = Counter(name.lower() for name in self.sizes)
        self.faults += (
            Fault("path.twice", f"{name} differs from another name only in case")
            for name in self.sizes
            if times[name.lower()] > 1
        )

    def _walk(self) -> None:
        """Every entry below the root, links not followed; by a list, as a deep tree would exhaust calls."""
        found: dict[str, int] = {}
        waiting = [""]
        while waiting:
            directory = waiting.pop()
            with os.scandir(self._root / directory) as entries:
                names = sorted(entries, key=lambda entry: entry.name)
            if directory and not names:
                self.faults.append(
                    "path.empty-directory", f"{directory} is an empty directory, which has no place in a bundle"
                )
            for entry in names:
                name = f"{directory}/{entry.name}" if directory else entry.name
                if fault := name_fault(name):
                    self.faults.append("path.name", fault)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                elif entry.is_file(follow_symlinks=False):
                    found[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    self.faults.append(
                        "path.special", f"{name} is a link or special file, which has no place in a bundle"
                    )
        self.sizes = dict(sorted(found.items()))

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        with (self._root / path).open("rb") as file:
            yield file


class ZipFiles(BundleFiles):
    """A zip, or a zip inside a bundle (`file` is then a window on it). Raises ZipCutShort where it is none."""

    def __init__(self, file: IO[bytes], *, has_top_directory: bool, expected_top: str | None = None) -> None:
        super().__init__()
        self._file = file
        layout = read_layout(file)
        self.faults += layout.faults
        self._entries: dict[str, Entry] = {}
        tops = {entry.name.partition("/")[0] for entry in layout.entries}
        if has_top_directory and len(tops) > 1:
            named = sorted(tops - {expected_top}) if expected_top in tops else sorted(tops)
            self.faults.append(
                "zip.top", f"the zip must hold one directory at its top, it also holds {', '.join(named)}"
            )
        top = expected_top if expected_top in tops else (min(tops) if tops else "")
        self.top = top if has_top_directory else None
        for entry, digest in zip(layout.entries, layout.digests, strict=True):
            name = entry.name
            if has_top_directory:
                head, _, rest = name.partition("/")
                name = rest if head == top and rest else f"../{name}"
            if not name or name.endswith("/") or name.startswith("../"):
                self.faults.append("zip.top", f"{entry.name} is no file inside the bag")
                continue
            self._entries[name] = entry
            self.sizes[name] = entry.size
            self._digests[name] = digest

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        entry = self._entries[path]
        yield cast(IO[bytes], Window(self._file, entry.offset, entry.size))


class Window(io.RawIOBase):
    """A part of an open file as a file of its own, to be read only."""

    def __init__(self, file: IO[bytes], offset: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._size = size
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if size < 0 else min(size, left)
        self._file.seek(self._offset + self._at)
        data = self._file.read(wanted)
        self._at += len(data)
        return data


def as_text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def as_mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def parse_json(data: bytes) -> Any:
    """A JSON text as relicwatch writes them: UTF-8, no key twice in an object, of bounded size. Raises JsonFault."""
    if not is_bounded_json(data):
        raise JsonFault("is longer or holds more values than any that relicwatch writes")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_single_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise JsonFault("is not JSON in UTF-8, or is nested too deeply") from error


def is_bounded_json(data: bytes) -> bool:
    """Whether the verifier reads a JSON text of this length and number of values."""
    return len(data) <= LARGEST_TEXT and sum(map(data.count, (b",", b"[", b"{"))) <= MOST_VALUES


def _single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        times = Counter(key for key, _ in pairs)
        raise JsonFault(f"has the key {times.most_common(1)[0][0][:100]!r} twice in one object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
