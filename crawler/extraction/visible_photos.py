"""The photos that the eye takes for the listing's: around the main heading, in a gallery, or named like the heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from crawler.extraction.document import marks_of, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.images import element_address, has_image_ending, is_photo
from crawler.extraction.scope import Scope
from crawler.extraction.text import folded

_MAX_IMAGES_SEEN = 400
_SMALLEST_PHOTO = 60
"""Pixels; smaller pictures are icons."""
_LARGE_PHOTO = 200
"""Pixels; what a page says is at least so wide and so high is no part of its frame."""
_LEVELS_OF_GALLERY = 4
_GALLERY_MARKS = re.compile(
    r"galler|zoom|photo|foto|lightbox|fancybox|swiper|slick|carousel|slide|viewer|hero"
    r"|(?:product|item|lot|main|primary|large|big|detail|ad|listing|article)\w{0,20}[-_]{0,3}(?:image|img|pic|media"
    r"|bild|visual)"
    r"|(?:image|img|media)[-_]{0,3}(?:container|wrap|main|list|gallery|viewer|large|product)|image-?0|landingimage",
    re.I,
)
_WORD = re.compile(r"\w{3,}")
_SIZE_IN_NAME = re.compile(r"(?:^|[^\d])(\d{1,4})x(\d{1,4})(?!\d)")


def fill_images(scope: Scope, findings: Findings) -> None:
    """Photos in the part of the page around the heading, in page order: the telling ones before any others."""
    if not findings.lacks("images"):
        return
    words = set(_WORD.findall(folded(visible_text(scope.heading, limit=600)))) if scope.heading is not None else set()
    fallback: list[str] = []
    node = scope.heading
    while node is not None and node.tag != "html":
        found = list(_photos(node, scope, words))
        telling = [url for url, is_telling in found if is_telling]
        if telling:
            findings.add_images(telling, "visible:img")
            return
        if node.tag == "body":
            fallback = fallback or [url for url, _ in _photos(node, scope, words, only_large=True)]
        else:
            fallback = fallback or [url for url, _ in found]
        node = node.getparent()
    if scope.heading is None:
        found = list(_photos(scope.document.root, scope, words))
        fallback = [url for url, is_telling in found if is_telling] or [url for url, _ in found]
    findings.add_images(fallback, "visible:img")


def _photos(root: Any, scope: Scope, words: set[str], *, only_large: bool = False) -> Iterator[tuple[str, bool]]:
    """Addresses of photos, each with whether its name or its place says that it shows the listing."""
    for image in islice(root.iter("img"), _MAX_IMAGES_SEEN):
        if only_large and not _large(image):
            continue
        if _small(image) or scope.foreign(image, gallery=True) or _leads_elsewhere(image):
            continue
        url = element_address(image, scope.document.absolute)
        if url and is_photo(url) and not _small_by_name(url):
            yield url, _named_like(image, words) or _in_gallery(image)


def _named_like(image: Any, words: set[str]) -> bool:
    named = set(_WORD.findall(folded(image.get("alt") or image.get("title") or "")))
    return bool(words) and 2 * len(named & words) >= min(len(words), 6)


def _in_gallery(image: Any) -> bool:
    near = (image, *islice(image.iterancestors(), _LEVELS_OF_GALLERY))
    return any(e.tag not in ("body", "html") and _says_gallery(marks_of(e)) for e in near)


@lru_cache(maxsize=8192)
def _says_gallery(marks: str) -> bool:
    return _GALLERY_MARKS.search(marks) is not None


def _leads_elsewhere(image: Any) -> bool:
    """Whether a picture is a link to another page, as those of other offers are."""
    for node in islice(image.iterancestors(), 3):
        href = node.get("href") if node.tag == "a" else None
        if href:
            return not (href.startswith(("#", "javascript:")) or has_image_ending(href))
    return False


def _small(image: Any) -> bool:
    sizes = [image.get(name) for name in ("width", "height")]
    return any(s is not None and s.isdecimal() and int(s[:6]) < _SMALLEST_PHOTO for s in sizes)


def _large(image: Any) -> bool:
    sizes = [image.get(name) or "" for name in ("width", "height")]
    return all(size.isdecimal() and int(size[:6]) >= _LARGE_PHOTO for size in sizes)


def _small_by_name(url: str) -> bool:
    """Whether the address itself gives a size that no photo has ("chat_34x37.png")."""
    size = _SIZE_IN_NAME.search(url.split("?", 1)[0].rsplit("/", 1)[-1])
    return size is not None and 0 < min(int(size.group(1)), int(size.group(2))) < _SMALLEST_PHOTO
