"""MHTML: a page with its parts in one file, as Chromium, Edge and older browsers save it."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import Message
from itertools import islice

from crawler.picture_kinds import image_suffix
from crawler.saved.pages import is_web_address
from crawler.saved.records import LARGEST_PICTURE, SavedFault, SavedPage

MOST_PARTS = 5_000
MOST_LAYERS = 20
"""Parts that hold parts. Every line of the file is held against the end of each layer that it stands in."""
LONGEST_TYPE = 8_000
"""Bytes of a Content-Type header, of which a page's have some hundred. Reading its parameters costs their square."""
_LAYER = re.compile(rb"(?:\A|[\r\n])content-type:\s*(?:multipart|message)/", re.I)
_HEAD = 20_000
_HEADER = re.compile(rb"\A(?:From [^\n]*\n)?(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]*\n(?:[ \t][^\n]*\n)*)+\r?\n")


class _BoundedTypes(email.policy.Compat32):
    """Looks at each header before the parser asks for its parameters.

    Compat32 takes any bytes: the newer policies parse headers and stumble over broken ones.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if name.lower() == "content-type" and len(value) > LONGEST_TYPE:
            raise SavedFault(f"a header of it has {len(value)} bytes, as no page's has: nothing of it was read")
        return name, value


def is_mhtml(body: bytes) -> bool:
    head = body[:_HEAD].lstrip(b"\r\n\xef\xbb\xbf")
    found = _HEADER.match(head)
    return found is not None and b"multipart/related" in found[0].lower()


def read_mhtml(body: bytes) -> SavedPage:
    """The page of an MHTML file with its pictures. Raises SavedFault where there is no page in it."""
    layers = sum(1 for _ in islice(_LAYER.finditer(body), MOST_LAYERS + 1))
    if layers > MOST_LAYERS:
        raise SavedFault(f"it has more than {MOST_LAYERS} parts within parts, as no page has: nothing of it was read")
    try:
        message = email.message_from_bytes(body.lstrip(b"\r\n\xef\xbb\xbf"), policy=_BoundedTypes())
        parts = _parts(message)
    except (RecursionError, ValueError, LookupError, AssertionError, TypeError, AttributeError) as error:
        raise SavedFault(f"it is no MHTML that can be read ({error}): save the page again") from error
    pictures: dict[str, bytes] = {}
    pages: list[tuple[str | None, Message]] = []
    for part in parts:
        location = _location(part)
        kind = part.get_content_type()
        if kind in ("text/html", "application/xhtml+xml"):
            pages.append((location, part))
        elif location and kind.startswith("image/"):
            data = _payload(part)
            if image_suffix(data) and len(data) <= LARGEST_PICTURE:
                pictures.setdefault(location, data)
    if not pages:
        raise SavedFault("it is an MHTML without an HTML page in it: save the page again")
    wanted = _text(message, "Snapshot-Content-Location")
    root = message.get_param("start")
    start = root.strip() if isinstance(root, str) else None
    url, page = next(
        (one for one in pages if (wanted and one[0] == wanted) or (start and _text(one[1], "Content-ID") == start)),
        pages[0],
    )
    address = url if is_web_address(url) else wanted if is_web_address(wanted) else None
    charset = page.get_param("charset")
    return SavedPage(
        url=address,
        body=_payload(page),
        content_type=page.get_content_type(),
        charset=charset if isinstance(charset, str) else None,
        pictures=pictures,
    )


def _parts(message: Message) -> list[Message]:
    parts: list[Message] = []
    for part in message.walk():
        if len(parts) > MOST_PARTS:
            raise SavedFault(f"it has more than {MOST_PARTS} parts, more than any page: nothing of it was read")
        if not part.is_multipart():
            parts.append(part)
    return parts


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError, TypeError) as error:
        raise SavedFault(f"a part of it is damaged ({error}): save the page again") from error
    return data if isinstance(data, bytes) else b""


def _location(part: Message) -> str | None:
    location = _text(part, "Content-Location")
    if location:
        return re.sub(r"\s+", "", location)  # a long address is folded over lines
    content_id = _text(part, "Content-ID")
    return f"cid:{content_id.strip('<>')}" if content_id else None


def _text(part: Message, name: str) -> str | None:
    return str(part.get(name) or "").strip() or None
