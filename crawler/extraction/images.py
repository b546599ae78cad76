"""Image addresses: out of JSON values, srcset and lazy-loading attributes, the best size that the page offers first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

_SRCSET_PART = re.compile(r"([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wx]))?\s*(?:,|\Z)")
_LAZY = (
    "data-zoom-image",
    "data-zoom-src",
    "data-image-large-src",
    "data-large_image",
    "data-zoom",
    "data-full",
    "data-original",
    "data-src",
    "data-lazy-src",
    "data-lazy",
    "data-original-src",
    "data-image",
    "data-img",
    "data-url",
)
_URL_KEYS = (
    "contenturl",
    "url",
    "original",
    "originalurl",
    "full",
    "fullhd",
    "large",
    "big",
    "zoom",
    "src",
    "href",
    "@id",
    "medium",
    "uri",
    "id",
)
"""In lower case, the most telling first."""
_SMALL = ("thumb", "small", "mini", "icon")
_IMAGE_ENDING = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|bmp|tiff?)(?:$|[?#!/])", re.I)
_NO_PHOTO = re.compile(
    r"(?:^|[/_.-])(?:logo|sprite|spacer|pixel|blank|placeholder|loading|loader|icon|icons|avatar|flag"
    r"|flags|badge|payment|1x1|transparent)"
    r"(?:[/_.-]|s?\d|$)|\.svg(?:$|\?)|\.gif(?:$|\?)",
    re.I,
)
_MAX_DEPTH = 4


def is_photo(url: str) -> bool:
    """Whether an address looks like a photo rather than a piece of decoration."""
    return not _NO_PHOTO.search(url.split("?", 1)[0])


def has_image_ending(url: str) -> bool:
    return bool(_IMAGE_ENDING.search(url))


def image_addresses(value: Any, absolute: Callable[[object], str | None], depth: int = 0) -> Iterator[str]:
    """Addresses in a JSON value about images (a text, an object, a list of either): one an image, its best."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        url = absolute(value) if not value.startswith("data:") else None
        if url:
            yield url
    elif isinstance(value, list):
        for one in value:
            yield from image_addresses(one, absolute, depth + 1)
    elif isinstance(value, dict):
        by_key = {str(key).lower(): inner for key, inner in value.items()}
        # Whatever a site calls it ("mediaUrl", "secureuri"), what ends like a picture is one.
        ending = [inner for inner in by_key.values() if isinstance(inner, str) and has_image_ending(inner)]
        large = [inner for key, inner in by_key.items() if inner in ending and not any(map(key.__contains__, _SMALL))]
        url = _first_address((*_sized(value), *map(by_key.get, _URL_KEYS), *large), absolute)
        found = [url] if url else []
        if not found:
            inside = (inner for inner in value.values() if isinstance(inner, (dict, list)))
            found = [one for inner in inside for one in image_addresses(inner, absolute, depth + 1)]
        if not found and (url := _first_address(ending, absolute)):
            found = [url]
        yield from found


def _first_address(candidates: Iterable[Any], absolute: Callable[[object], str | None]) -> str | None:
    for candidate in candidates:
        url = absolute(candidate) if isinstance(candidate, str) and ("/" in candidate or "." in candidate) else None
        if url:
            return url
    return None


def _sized(value: dict[str, Any]) -> list[Any]:
    """Values of keys that are sizes ("1600", "w800"), largest first."""
    sizes = [
        (int(m.group(1)), v) for k, v in value.items() if (m := re.fullmatch(r"[a-z_]{0,6}(\d{2,4})(?:x\d+)?", str(k)))
    ]
    return [v for _, v in sorted(sizes, key=lambda pair: -pair[0])]


def largest_of_srcset(srcset: str) -> str | None:
    """The address with the greatest width or density in a srcset."""
    best: tuple[float, str] | None = None
    for match in _SRCSET_PART.finditer(srcset[:20_000]):
        size = float(match.group(2) or 1) if (match.group(2) or "1").count(".") <= 1 else 1.0
        if not match.group(1).startswith("data:") and (best is None or size > best[0]):
            best = (size, match.group(1))
    return best[1] if best else None


def element_address(image: Any, absolute: Callable[[object], str | None]) -> str | None:
    """The best address of an <img>: link to the full picture, zoom attributes, srcset, lazy-loading attributes, src."""
    parent = image.getparent()
    # The HTML parser takes <source> for a box with the rest of the picture in it.
    picture = next((e for e in islice(image.iterancestors(), 6) if e.tag == "picture"), None)
    if picture is not None:
        sets = [source.get("srcset") or source.get("data-srcset") or "" for source in picture.iter("source")]
        best = next((found for found in map(largest_of_srcset, sets) if found), None)
        if best:
            return absolute(best)
    if parent is not None and parent.tag == "a" and has_image_ending(parent.get("href") or ""):
        return absolute(parent.get("href"))
    for name in _LAZY[:6]:
        if image.get(name) and "/" in image.get(name):
            return absolute(image.get(name))
    for name in ("srcset", "data-srcset"):
        if image.get(name):
            best = largest_of_srcset(image.get(name))
            if best:
                return absolute(best)
    for name in (*_LAZY[6:], "src"):
        value = image.get(name)
        if value and "/" in value and not value.startswith("data:"):
            return absolute(value)
    return None
