"""Pages saved as HTML and JSON answers: where they say they were saved from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import basename
from urllib.parse import unquote, urlsplit

from crawler.extraction.decoding import decode
from crawler.saved.records import SavedPage

_HEAD = 200_000
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d{4,}\)\s*(\S{1,4000}?)\s*-->", re.I)
_SAVED_BY = re.compile(r"<!--\s{0,20}Page saved with SingleFile\s{1,20}url:\s{0,9}(\S{1,4000})", re.I)
_CANONICAL = re.compile(
    r"""<link\b(?=[^>]{0,500}\brel=["']?canonical\b)[^>]{0,500}?\bhref=["']?([^"'\s>]{1,4000})""", re.I
)
_GRAPH = re.compile(
    r"""<meta\b(?=[^>]{0,500}\bproperty=["']?og:url\b)[^>]{0,500}?\bcontent=["']?([^"'\s>]{1,4000})""", re.I
)


def read_page(body: bytes, companions: Mapping[str, bytes] | None = None) -> SavedPage:
    """A saved HTML page or JSON answer. `companions`: the files of the folder saved beside it, by name."""
    text, _, _ = decode(body[:_HEAD])
    return SavedPage(url=saved_from(text), body=body, pictures=companions or {})


def saved_from(text: str) -> str | None:
    """The address that the browser noted when it saved the page, else the one the page gives itself; http(s) only."""
    for pattern in (_SAVED_FROM, _SAVED_BY, _CANONICAL, _GRAPH):
        found = pattern.search(text)
        if found and is_web_address(found[1]):
            return found[1].replace("&amp;", "&")
    return None


def is_web_address(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def file_name(url: str) -> str:
    """The last part of an address's path, as a browser names the file it saves from there."""
    try:
        return basename(unquote(urlsplit(url).path))
    except ValueError:
        return ""
