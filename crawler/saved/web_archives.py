"""WARC and WACZ files: the pages in them that may be offers, with the pictures captured beside them."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from crawler.picture_kinds import image_suffix
from crawler.saved.pages import is_web_address
from crawler.saved.records import LARGEST_PICTURE, SavedFault, SavedPage
from crawler.saved.zips import SavedZip

LARGEST_UNPACKED = 4 << 30
LARGEST_PAGE = 16_000_000
"""Bytes of a page that are read; `crawler.extraction.page` reads no more of one either."""
LARGEST_PICTURES = 512 << 20
MOST_PAGES = 5_000
_CHUNK = 1 << 16
_PAGES = ("text/html", "application/xhtml+xml", "application/json")


def is_warc(body: bytes) -> bool:
    if body.startswith(b"WARC/"):
        return True
    if not body.startswith(b"\x1f\x8b"):
        return False
    try:
        return zlib.decompressobj(31).decompress(body[:_CHUNK], 5) == b"WARC/"
    except zlib.error:
        return False


def is_wacz(names: SavedZip) -> bool:
    return "datapackage.json" in names and any(name.startswith("archive/") for name in names)


def read_warc(body: bytes) -> list[SavedPage]:
    """The pages of a WARC, plain or gzip. Raises SavedFault where it is damaged, or holds none."""
    pages, pictures = _read([("", body)])
    return _completed(pages, pictures, main=None)


def read_wacz(package: SavedZip) -> list[SavedPage]:
    """The pages of all WARCs in a WACZ; the one it opens with counts even where it does not look like an offer."""
    names = [name for name in package if name.startswith("archive/") and name.endswith((".warc", ".warc.gz"))]
    pages, pictures = _read((name, package.read(name, LARGEST_UNPACKED)) for name in names)
    return _completed(pages, pictures, main=_main_page(package))


def _main_page(package: SavedZip) -> str | None:
    try:
        description = json.loads(package.read("datapackage.json", 1 << 20))
    except (ValueError, RecursionError):
        return None
    url = description.get("mainPageUrl") or description.get("mainPageURL") if isinstance(description, dict) else None
    return url if isinstance(url, str) else None


def _completed(pages: list[SavedPage], pictures: dict[str, bytes], main: str | None) -> list[SavedPage]:
    if not pages:
        raise SavedFault("no page answered with status 200 is in it: capture the offer's page again")
    for page in pages:
        page.pictures = pictures
        page.is_main = page.url == main or len(pages) == 1
    return pages


def _read(files: Any) -> tuple[list[SavedPage], dict[str, bytes]]:
    pages: dict[str, SavedPage] = {}
    pictures: dict[str, bytes] = {}
    kept = 0
    for name, body in files:
        where = f"{name}: " if name else ""
        try:
            for record in _records(body):
                page = _read_record(record)
                if isinstance(page, SavedPage) and page.url and len(pages) < MOST_PAGES:
                    page.place = f"{where}the page {page.url}"
                    pages[page.url] = page  # of two captures of an address the later one counts
                elif isinstance(page, tuple) and kept < LARGEST_PICTURES:
                    kept += len(page[1])
                    pictures[page[0]] = page[1]
        except (ArchiveLoadFailed, StatusAndHeadersParserException, zlib.error, EOFError, ValueError, OSError) as error:
            raise SavedFault(f"{where}it is a damaged WARC ({error}): copy it again") from error
    return list(pages.values()), pictures


def _records(body: bytes) -> Iterator[Any]:
    stream: Any = io.BufferedReader(_Unpacked(body)) if body.startswith(b"\x1f\x8b") else io.BytesIO(body)
    yield from ArchiveIterator(stream)


def _read_record(record: Any) -> SavedPage | tuple[str, bytes] | None:
    url = record.rec_headers.get_header("WARC-Target-URI")
    if record.rec_type not in ("response", "resource") or not is_web_address(url):
        return None
    headers = record.http_headers
    if record.rec_type == "response" and (headers is None or headers.get_statuscode() != "200"):
        return None
    content_type = (headers or record.rec_headers).get_header("Content-Type") or ""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _PAGES:
        data = record.content_stream().read(LARGEST_PAGE + 1)
        return SavedPage(url=url, body=data, content_type=content_type)
    if kind.startswith("image/"):
        data = record.content_stream().read(LARGEST_PICTURE + 1)
        if len(data) <= LARGEST_PICTURE and image_suffix(data):
            return url, data
    return None


class _Unpacked(io.RawIOBase):
    """The content of gzip members one after the other, never more than LARGEST_UNPACKED bytes of it."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._packed = memoryview(body)
        self._at = 0
        self._tail = b""
        self._unpacker = zlib.decompressobj(31)
        self._left = LARGEST_UNPACKED
        self._begun = False
        """Whether a member was begun and has not come to its end."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = min(len(buffer), _CHUNK)
        while True:
            if self._unpacker.eof:
                self._tail = self._unpacker.unused_data or self._tail
                self._unpacker = zlib.decompressobj(31)
                self._begun = False
            if not self._tail:
                self._tail = bytes(self._packed[self._at : self._at + _CHUNK])
                self._at += len(self._tail)
                if not self._tail:
                    if self._begun:
                        raise EOFError("it is cut short")
                    return 0
            self._begun = True
            piece = self._unpacker.decompress(self._tail, room)
            self._tail = self._unpacker.unconsumed_tail
            if piece:
                break
        self._left -= len(piece)
        if self._left < 0:
            raise SavedFault(f"it unpacks to more than {LARGEST_UNPACKED >> 30} GB: nothing of it was read")
        buffer[: len(piece)] = piece
        return len(piece)
