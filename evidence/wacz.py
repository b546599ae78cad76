"""WACZ 1.1.1 packages: WARC files byte for byte, with an index and a page list that are read from them.

Pure form: what goes in is decided in `evidence.bundle`, what comes out is judged in `evidence.wacz_check`.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from evidence.plain_zip import PlainZipWriter
from evidence.warc_reading import WarcRecord, label_sha256, read_records

WACZ_VERSION = "1.1.1"
INDEX = "indexes/index.cdx.gz"
INDEX_OF_INDEX = "indexes/index.idx"
PAGES = "pages/pages.jsonl"
LINES_PER_BLOCK = 3000
_SESSIONS = [
    re.compile(rf"^(.*)(?:{one})(?:&(.*))?$")
    for one in (
        *(rf"{name}=[0-9a-z]{{32}}" for name in ("jsessionid", "phpsessid", "sid")),
        r"aspsessionid[a-z]{8}=[a-z]{24}",
        r"cfid=[^&]+&cftoken=[^&]+",
    )
]
# An address from a hostile page may be of megabytes, and each of these takes the square of that.
_LONGEST_QUERY = 4096
_MOST_LAYERS = 8
_INDEXED = ("response", "revisit", "resource")


@dataclass(frozen=True, slots=True)
class Page:
    url: str
    ts: str
    """WARC-Date of its record."""
    title: str


def write_wacz(
    path: Path, warcs: Sequence[tuple[str, Path]], pages: Sequence[Page], *, title: str, software: str
) -> str:
    """Write the package to `path` from (name, file) WARCs; the same inputs give the same bytes. Returns its SHA-256.

    Raises WarcFault where a WARC is not whole, OSError where a file cannot be read or written.
    """
    lines: list[str] = []
    dates: list[str] = []
    for name, file_path in warcs:
        with file_path.open("rb") as warc:
            for record in read_records(warc):
                dates.append(record.date)
                if record.type in _INDEXED:
                    lines.append(cdxj_line(name, record))
    resources: list[dict[str, Any]] = []
    with path.open("wb") as file, PlainZipWriter(file) as package:
        for name, file_path in warcs:
            digest = package.add_file(f"archive/{name}", file_path)
            resources.append(_resource(f"archive/{name}", digest, file_path.stat().st_size))
        index, index_of_index = pack_index(sorted(lines))
        for name, data in ((INDEX, index), (INDEX_OF_INDEX, index_of_index), (PAGES, pages_lines(pages))):
            resources.append(_resource(name, package.add_bytes(name, data), len(data)))
        description = {
            "profile": "data-package",
            "wacz_version": WACZ_VERSION,
            "title": title,
            "software": software,
            "created": max(dates)[:19] + "Z",
            "mainPageUrl": pages[0].url,
            "mainPageDate": pages[0].ts,
            "resources": resources,
        }
        data = to_json(description)
        digest = package.add_bytes("datapackage.json", data)
        package.add_bytes("datapackage-digest.json", to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"}))
    with path.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def cdxj_line(filename: str, record: WarcRecord) -> str:
    """One line of the index: where the record of an address and time lies."""
    media_type = (record.http_header("content-type") or "").split(";")[0].strip().lower()
    if record.type == "resource":
        media_type = record.headers.get("content-type", "").split(";")[0].strip().lower()
    if record.type == "revisit":
        media_type = "warc/revisit"
    fields: dict[str, Any] = {
        "url": record.uri,
        "mime": media_type or "unk",
        "status": str(record.http_status or 200),
        "digest": f"sha256:{label_sha256(record.headers.get('warc-payload-digest'))}",
        "length": str(record.length),
        "offset": str(record.offset),
        "filename": filename,
    }
    return f"{search_key(record.uri)} {re.sub(r'[^0-9]', '', record.date)[:14]} {json.dumps(fields)}"


def search_key(url: str) -> str:
    """The address as indexes sort it, host from the right: "com,example)/lot?a=1&b=2", in ASCII.

    Readers look an address up by this key and find nothing under one that is made in another way, so it is the key
    that pywb and `wacz create` make, with its oddities: an IP address is turned round too, %2F is a slash, and session
    identifiers are dropped (those in the path of an .aspx page alone are left in).
    """
    parts = urlsplit(url.strip())
    if not parts.netloc:
        return url.strip().replace(" ", "%20")
    host = re.sub(r"^www\d*\.", "", _ascii_host(parts.hostname or ""))
    key = ",".join(reversed(host.split(".")))
    port = parts.netloc.rpartition(":")[2]
    if port.isdigit() and (parts.scheme, port) not in (("http", "80"), ("https", "443")):
        key += f":{port}"
    steps: list[str] = []
    for step in _escaped_once(parts.path).split("/"):
        if step == ".." and steps:
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    query = _escaped_once(parts.query)
    for session in _SESSIONS if len(query) <= _LONGEST_QUERY else ():
        query = session.sub(r"\1\2", query)
    asked = sorted(query.split("&"), key=lambda one: one.split("=", 1))
    return f"{key})/{'/'.join(steps)}" + (f"?{'&'.join(asked)}" if query else "")


def _ascii_host(host: str) -> str:
    if not host.isascii():
        # Not a name that can be asked for: kept as it is.
        with contextlib.suppress(UnicodeError):
            host = host.encode("idna").decode("ascii")
    return host.lower().strip(".")


def _escaped_once(part: str) -> str:
    """With one layer of escapes, in lower case, and only where one is needed."""
    raw = part.encode("utf-8", "replace")
    for _ in range(_MOST_LAYERS):
        raw = unquote_to_bytes(raw)
    return quote(raw, safe="!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~").lower()


def pack_index(lines: Sequence[str]) -> tuple[bytes, bytes]:
    """The index as gzip blocks (ZipNum), and the index of those blocks."""
    packed = b""
    heads: list[str] = ['!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}']
    for at in range(0, len(lines), LINES_PER_BLOCK):
        block = lines[at : at + LINES_PER_BLOCK]
        data = gzip.compress("".join(f"{line}\n" for line in block).encode(), mtime=0)
        key = " ".join(block[0].split(" ", 2)[:2])
        place = {
            "offset": len(packed),
            "length": len(data),
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
            "filename": "index.cdx.gz",
        }
        heads.append(f"{key} {json.dumps(place)}")
        packed += data
    return packed, "".join(f"{head}\n" for head in heads).encode()


def pages_lines(pages: Iterable[Page]) -> bytes:
    head = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    rows = [{"id": f"page-{n}", "url": p.url, "ts": p.ts, "title": p.title} for n, p in enumerate(pages, 1)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [head, *rows]).encode()


def to_json(value: Any) -> bytes:
    """JSON for a file in a bundle: indented, UTF-8, keys in the order given, a line end at the end."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    return text.encode("utf-8", "backslashreplace")  # half a character, as JSON writes it: a page may name one


def _resource(path: str, sha256: str, size: int) -> dict[str, Any]:
    return {"name": path.rpartition("/")[2], "path": path, "hash": f"sha256:{sha256}", "bytes": size}
