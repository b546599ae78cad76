"""Which of the pictures that were saved with a page are its photographs, by the size of their own bytes.

A page seldom says how large its pictures are; where they were saved with it, the bytes do.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from itertools import islice

from PIL import Image

from crawler.extraction.decoding import decode
from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.images import element_address
from crawler.extraction.rules import NO_RULES
from crawler.extraction.scope import Scope
from crawler.extraction.visible_photos import fill_images
from crawler.saved.pages import file_name
from crawler.saved.records import SavedPage

_MOST_MEASURED = 400
_LEAST_SIDE = 200
"""Pixels; what is less wide or high is as likely a part of the page's frame."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def saved_names(urls: Iterable[str], pictures: Mapping[str, bytes]) -> dict[str, str]:
    """Address -> name of the saved picture: by address, else by the file name that a browser gives it."""
    by_name = {file_name(name) or name: name for name in pictures}
    found = {url: url if url in pictures else by_name.get(file_name(url)) for url in urls}
    return {url: name for url, name in found.items() if name is not None}


def measured_photos(page: SavedPage, url: str) -> list[str]:
    """Addresses of the pictures that the page shows as a reader takes them for its photographs, in page order.

    They are looked for as on any page, but that a picture without a size in the page has that of its bytes, which
    must be large.
    """
    document, _ = Document.parse(decode(page.body, page.content_type, page.charset)[0], url)
    if document is None:
        return []
    shown = [
        (image, address)
        for image in islice(document.root.iter("img"), _MOST_MEASURED)
        if (address := element_address(image, document.absolute))
    ]
    names = saved_names((address for _, address in shown), page.pictures)
    large = set()
    for image, address in shown:
        size = _size(page.pictures[names[address]]) if address in names else (0, 0)
        if min(size) < _LEAST_SIDE:
            continue
        large.add(address)
        for side, pixels in zip(("width", "height"), size, strict=True):
            if not (image.get(side) or "").isdecimal():
                image.set(side, str(pixels))
    findings = Findings(NO_RULES)
    fill_images(Scope(document), findings)
    return [address for address in findings.values.get("images", []) if address in large]


def _size(body: bytes) -> tuple[int, int]:
    """Width and height in pixels, read from the head of the file; nothing where it has none that can be read."""
    try:
        with Image.open(io.BytesIO(body), formats=_FORMATS) as opened:
            return opened.size
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, Image.DecompressionBombError):
        return 0, 0  # Pillow's readers meet broken files with any of these
