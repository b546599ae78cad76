"""Pages saved as HTML and JSON answers: where they say they were saved from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import basename
from urllib.parse import unquote, urlsplit

from crawler.extraction.decoding import decode
from crawler.saved.records import SavedPage

_HEAD = 200_000
_SAVED_FROM = re.compile(
    r"<!--\s{0,20}(?:saved from url=\(\d{4,9}\)|Page saved with SingleFile\s{1,20}url:)\s{0,9}(\S{1,4000}?)(?:\s|-->)",
    re.I,
)
_CANONICAL = re.compile(
    r"""<link\b(?=[^>]{0,500}\brel=["']?canonical\b)[^>]{0,500}?\bhref=["']?([^"'\s>]{1,4000})""", re.I
)
_GRAPH = re.compile(
    r"""<meta\b(?=[^>]{0,500}\bproperty=["']?og:url\b)[^>]{0,500}?\bcontent=["']?([^"'\s>]{1,4000})""", re.I
)


def read_page(body: bytes, companions: Mapping[str, bytes] | None = None) -> SavedPage:
    """A saved HTML page or JSON answer. `companions`: the files of the folder saved beside it, by name."""
    text, _, _ = decode(body[:_HEAD])
    return SavedPage(url=saved_from(text), own_url=own_address(text), body=body, pictures=companions or {})


def saved_from(text: str) -> str | None:
    """The web address that the browser noted as it saved the page. It notes it ahead of all that the page itself says,
    so that the first note counts alone."""
    return _address(_SAVED_FROM.search(text))


def own_address(text: str) -> str | None:
    """The web address that the page gives itself, which may be any site's: it proves nothing of where it came from."""
    return _address(_CANONICAL.search(text)) or _address(_GRAPH.search(text))


def _address(found: re.Match[str] | None) -> str | None:
    return found[1].replace("&amp;", "&") if found and is_web_address(found[1]) else None


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
