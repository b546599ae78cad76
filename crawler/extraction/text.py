"""Text as a person reads it: NFC, single spaces, no invisible characters, no markup."""

from __future__ import annotations

import html
import re
import unicodedata

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff\ud800-\udfff]")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
_BREAK = re.compile(r"<(?:br|/p|/li|/div|/tr|/h\d)\b[^<>]{0,200}>", re.I)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,30});")

MAX_TEXT = 100_000
"""Characters of one value that are kept."""


def clean(value: object) -> str | None:
    """One line of text without entities, markup, invisible characters and double spaces; None where nothing is left."""
    if not isinstance(value, str):
        return None
    text = _without_markup(value[:MAX_TEXT])
    return unicodedata.normalize("NFC", _one_line(text)) or None


def clean_block(value: object) -> str | None:
    """Text of several lines: as `clean`, but line breaks (and <br>, </p>) stay single line breaks."""
    if not isinstance(value, str):
        return None
    text = _without_markup(_BREAK.sub("\n", value[:MAX_TEXT]))
    lines = (_one_line(line) for line in text.splitlines())
    return unicodedata.normalize("NFC", "\n".join(line for line in lines if line)) or None


def _one_line(text: str) -> str:
    return " ".join((text if text.isprintable() else _INVISIBLE.sub("", text)).split())


def _without_markup(text: str) -> str:
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
        if "&" in text and _ENTITY.search(text):  # doubly escaped in many feeds
            text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    return text.replace('\\"', '"')


def folded(text: str) -> str:
    """For comparing two wordings: NFKC, case and spaces folded."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
