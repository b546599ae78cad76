"""Small pictures of listings for the desk, and the content-named files of the home.

A thumbnail is always drawn anew from the pixels: nothing of a market's file, neither its metadata nor what may hide in
it, reaches a screen.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import uuid
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from crawler.errors import RelicwatchError
from crawler.home import Home
from crawler.items import ListingPhoto
from evidence.segments import StoreError
from storage.leases import is_gone, process_holder

logger = logging.getLogger(__name__)

LONGEST_SIDE = 320
MEDIA_TYPE = "image/jpeg"
TEMPORARY_PREFIX = ".writing-"
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_MOST_PIXELS = 64_000_000
_MOST_BYTES = 40 * 1024 * 1024
_QUALITY = 80


class ThumbnailError(RelicwatchError):
    """The bytes are no picture that we draw: another format, broken, cut off or far too large."""


def make_thumbnail(body: bytes) -> bytes:
    """A JPEG of at most 320 x 320 px, upright, on white, without metadata. Raises ThumbnailError."""
    if len(body) > _MOST_BYTES:
        raise ThumbnailError(f"The picture has {len(body)} bytes, more than the {_MOST_BYTES} that are decoded.")
    try:
        with Image.open(io.BytesIO(body), formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise ThumbnailError(
                    f"The picture has {opened.width} x {opened.height} pixels, "
                    f"more than the {_MOST_PIXELS} that are decoded."
                )
            opened.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))
            return _drawn(opened)
    except UnidentifiedImageError as error:
        raise ThumbnailError("The bytes are no JPEG, PNG, WebP or GIF picture.") from error
    except Image.DecompressionBombError as error:
        raise ThumbnailError(f"The picture is too large to decode: {error}.") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        # Pillow's readers meet broken files with any of these.
        raise ThumbnailError(f"The picture cannot be decoded: {error}.") from error


def _drawn(opened: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(opened)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    canvas = Image.new("RGB", upright.size, "white")
    clear = upright.convert("RGBA")
    canvas.paste(clear, mask=clear)
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def store_file(home: Home, data: bytes) -> str:
    """Keep the bytes under their SHA-256 in the home's files, read-only and on disk for good; returns the SHA-256.

    Raises StoreError where the disk refuses; a half-written file never has a name that anything looks for.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = home.file_path(sha256)
    if path.exists() and path.stat().st_size == len(data):
        with contextlib.suppress(FileNotFoundError):  # deleted at this moment: then it is written anew
            os.utime(path)  # retention lets alone what somebody may be about to name
            return sha256
    temporary = path.parent / f"{TEMPORARY_PREFIX}{process_holder()}~{uuid.uuid4().hex}"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o444)
        temporary.replace(path)
        sync_directory(path.parent)
        sync_directory(path.parent.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"The file {path} cannot be written ({error.strerror}): free space and start again."
        ) from error
    return sha256


def is_left_over(temporary: Path) -> bool:
    """Whether a temporary file of `store_file` belongs to a process that is gone; its name says which wrote it."""
    return is_gone(temporary.name.removeprefix(TEMPORARY_PREFIX).rpartition("~")[0])


def sync_directory(path: Path) -> None:
    """Put a directory's own entries on disk, so that a rename in it outlives a power cut."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class ThumbnailPipeline:
    """Scrapy item pipeline: gives a listing's photo its thumbnail; a broken picture is reported and stops nothing."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @classmethod
    def from_crawler(cls, crawler: Any) -> ThumbnailPipeline:
        root = crawler.settings.get("RELICWATCH_HOME")
        return cls(Home(Path(root)) if root else Home.from_environment())

    def process_item(self, item: Any) -> Any:
        if isinstance(item, ListingPhoto):
            try:
                thumbnail = make_thumbnail(item.body)
            except ThumbnailError as error:
                logger.warning("No thumbnail of %s: %s", item.url, error)
                item.problem = f"no thumbnail was made: {error}"
                return item
            item.thumbnail_sha256 = store_file(self._home, thumbnail)
            item.thumbnail_bytes = len(thumbnail)
        return item
