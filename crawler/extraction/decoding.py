"""Bytes of a page to text: byte order mark, HTTP header, the page's own declaration, then detection, in that order.

A declaration is believed only as far as the bytes bear it out; what was wrong about it is reported, never hidden.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from w3lib.encoding import resolve_encoding

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_WINDOW = 4096
_META_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_COMMENT = re.compile(rb"<!--.*?-->", re.S)
_DETECTION_SAMPLE = 20_000
_LONGEST_UNTWINNED = 2_000_000
"""Mending mixed encodings goes byte by byte; a longer page keeps its few unreadable characters."""
_MARKUP = re.compile(
    r"<(?:script|style)\b.{0,4000}?</(?:script|style)\s*>|<[^>]*>|&#?\w+;|[\x00-\x40\[-`{-\x7f]+", re.I | re.S
)


def decode(body: bytes, content_type: str | None = None, charset: str | None = None) -> tuple[str, str, str | None]:
    """Return the text of `body`, the encoding used and, where a declaration proved wrong, one sentence about it.

    `charset` is what the caller knows (a saved page's record); it ranks with the HTTP header. Never raises: what
    cannot be decoded becomes U+FFFD and is reported.
    """
    for mark, marked in _BOMS:
        if body.startswith(mark):
            return _lossy(body[len(mark) :], marked)
    declared = _declarations(body, content_type, charset)
    wide = _wide_without_mark(body) if b"\x00" in body[:_META_WINDOW] else None
    if wide is not None:
        text, _, problem = _lossy(body, wide)
        return text, wide, problem or _contradiction(declared, wide)
    for origin, encoding in declared:
        declared_text = _strict(body, encoding)
        if declared_text is not None and not _implausible(declared_text, encoding, body):
            return declared_text, encoding, _contradiction(declared[: declared.index((origin, encoding))], encoding)
    unicode_text = _strict(body, "utf-8")
    if unicode_text is not None:
        return unicode_text, "utf-8", _contradiction(declared, "utf-8")
    detected = _detect(body)
    # A few bad bytes (a cut transfer, one pasted character) do not make a UTF-8 page another encoding.
    if _mostly_utf8(body):
        return _untwinned(body)
    text, _, problem = _lossy(body, detected)
    return text, detected, _contradiction(declared, detected) or problem


def _declarations(body: bytes, content_type: str | None, charset: str | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    header = _HEADER_CHARSET.search(content_type or "")
    meta = _META_CHARSET.search(_COMMENT.sub(b"", body[:_META_WINDOW]))
    for origin, name in (
        ("HTTP header", header.group(1) if header else None),
        ("caller", charset),
        ("page", meta.group(1).decode("ascii", "replace") if meta else None),
    ):
        encoding = _known(name) if name else None
        # A page that can be read byte by byte cannot be UTF-16, whatever its meta tag says (WHATWG: read as UTF-8).
        if encoding and origin == "page" and encoding.startswith(("utf-16", "utf-32")):
            encoding = "utf-8"
        if encoding and encoding not in [e for _, e in found]:
            found.append((origin, encoding))
    return found


@lru_cache(maxsize=128)
def _known(name: str) -> str | None:
    """Python's name of an encoding, read as browsers read it (iso-8859-1 means windows-1252), or None."""
    try:
        resolved = resolve_encoding(name) or name
        return codecs.lookup(resolved).name if codecs.lookup(resolved)._is_text_encoding else None
    except (LookupError, ValueError):
        return None


def _strict(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, UnicodeError):
        return None


def _lossy(body: bytes, encoding: str) -> tuple[str, str, str | None]:
    text = body.decode(encoding, "replace")
    lost = text.count("\ufffd")
    problem = f"{lost} characters could not be read as {encoding}." if lost else None
    return text, encoding, problem


def _untwinned(body: bytes) -> tuple[str, str, str | None]:
    """UTF-8 with passages pasted in from windows-1252 (quotes, accents), as page editors leave it behind."""
    from bs4.dammit import UnicodeDammit  # rarely needed

    if len(body) > _LONGEST_UNTWINNED:
        return _lossy(body, "utf-8")
    text, encoding, lost = _lossy(UnicodeDammit.detwingle(body), "utf-8")
    return text, encoding, lost or "Passages of windows-1252 stand in this UTF-8 page; they were read as such."


def _implausible(text: str, encoding: str, body: bytes) -> bool:
    """A single-byte encoding accepts almost any bytes: distrust it where UTF-8 reads the same bytes without fault."""
    if encoding.startswith(("utf", "ascii")) or text.isascii():
        return False
    sample = body[: _DETECTION_SAMPLE * 10]
    if any(byte >= 0x80 for byte in sample) and _mostly_utf8(sample):
        return True
    # C1 controls in the text are the mark of a wrong single-byte guess.
    controls = sum(1 for c in text[:_DETECTION_SAMPLE] if "\x80" <= c <= "\x9f")
    return controls > 3


def _mostly_utf8(body: bytes) -> bool:
    text = body.decode("utf-8", "ignore")
    unread = len(body) - len(text.encode("utf-8"))
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return beyond_ascii > 0 and unread * 20 < beyond_ascii


def _wide_without_mark(body: bytes) -> str | None:
    """UTF-16 without a mark shows as a NUL in every other byte of the markup."""
    head = body[:_META_WINDOW]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd * 12 > len(head) and even * 10 < odd:
        return "utf-16-le" if head.count(b"<\x00") > 1 else None
    if even * 12 > len(head) and odd * 10 < even:
        return "utf-16-be" if head.count(b"\x00<") > 1 else None
    return None


def _detect(body: bytes) -> str:
    from charset_normalizer import from_bytes  # slow to import and rarely needed

    text = _MARKUP.sub(" ", body[: _DETECTION_SAMPLE * 4].decode("latin-1"))
    sample = text[:_DETECTION_SAMPLE].encode("latin-1")
    arabic = _arabic_single_byte(sample)
    if arabic:
        return arabic
    best = from_bytes(sample).best()
    return best.encoding if best is not None else "windows-1252"


def _arabic_single_byte(sample: bytes) -> str | None:
    """windows-1256 and iso-8859-6 are told apart from Latin by words made of high bytes alone."""
    best: tuple[float, str] | None = None
    for encoding in ("cp1256", "iso8859-6"):
        text = sample.decode(encoding, "replace")
        letters = sum(1 for c in text if "\u0621" <= c <= "\u064a")
        others = sum(1 for c in text if c > "\x7f" and not "\u0621" <= c <= "\u064a")
        common = sum(text.count(w) for w in ("\u0627\u0644", "\u064a\u0629", "\u0641\u064a", "\u0645\u0646"))
        if letters > 8 and others < letters / 4 and common * 12 > letters:
            score = letters + 4 * common - 3 * others
            if best is None or score > best[0]:
                best = (score, encoding)
    return best[1] if best else None


def _contradiction(declared: list[tuple[str, str]], used: str) -> str | None:
    wrong = [f"the {origin} says {encoding}" for origin, encoding in declared if encoding != used]
    if not wrong:
        return None
    return f"The page was read as {used} although {' and '.join(wrong)}."
