"""Pictures of unknown origin are drawn anew in a child process with bounded memory and time and no way to write.

Only a JPEG of plain pixels comes back: nothing of a market's or a register's file reaches a browser. Run as
`python -m review.picture_drawing SIDE`, with the picture on stdin, it is that child.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path

from PIL import Image, ImageOps

from crawler.errors import RelicwatchError

SIDES = {"small": 320, "large": 1600}
"""Longest sides in pixels that a page may ask for."""
MOST_BYTES = 40 * 1024 * 1024
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP")
_MOST_PIXELS = 64_000_000
_MOST_MEMORY = 2 * 1024**3
_MOST_SECONDS = 20
_MOST_ANSWER = 8 * 1024 * 1024
_AT_ONCE = 2
_KEPT_BYTES = 48 * 1024 * 1024
_VEIL = 8
"""Pixels on the longer side that are left of a picture that is not to be seen without asking."""


class PictureRefused(RelicwatchError):
    """The bytes are no picture that is drawn: another format, broken, too large, or its decoder broke down."""


class PictureDrawer:
    """Draws pictures in children, at most two at once, and keeps the last ones drawn. For any number of threads."""

    def __init__(self) -> None:
        self._at_once = threading.Semaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def kept(self, sha256: str, size: str) -> bytes | None:
        """A picture that was drawn a while ago."""
        with self._lock:
            if (drawn := self._kept.get((sha256, size))) is not None:
                self._kept.move_to_end((sha256, size))
            return drawn

    def draw(self, body: bytes, size: str, sha256: str) -> bytes:
        """The picture as a JPEG on white, upright, no larger than this size. Raises PictureRefused."""
        if (drawn := self.kept(sha256, size)) is not None:
            return drawn
        if len(body) > MOST_BYTES:
            raise PictureRefused(f"The picture has {len(body)} bytes, more than the {MOST_BYTES} that are drawn.")
        with self._at_once:
            drawn = _drawn_by_child(body, SIDES[size])
        with self._lock:
            self._kept[sha256, size] = drawn
            while sum(map(len, self._kept.values())) > _KEPT_BYTES:
                self._kept.popitem(last=False)
        return drawn


def veiled(body: bytes) -> bytes:
    """A picture of our own drawing, so coarse that only its colours are left, at its size: no browser has the rest."""
    with Image.open(io.BytesIO(body), formats=("JPEG", "PNG", "WEBP")) as opened:
        size = opened.size
        opened.draft("RGB", (64, 64))
        few = opened.convert("RGB")
    few.thumbnail((_VEIL, _VEIL), Image.Resampling.BOX)
    scale = min(1.0, 640 / max(size))
    shown = few.resize((max(1, round(size[0] * scale)), max(1, round(size[1] * scale))), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=60)
    return out.getvalue()


def _drawn_by_child(body: bytes, side: int) -> bytes:
    command = [sys.executable, "-m", "review.picture_drawing", str(side)]
    try:
        done = subprocess.run(
            command,
            input=body,
            capture_output=True,
            timeout=_MOST_SECONDS,
            cwd=Path(__file__).resolve().parent.parent,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PictureRefused(f"Drawing the picture took longer than {_MOST_SECONDS} s.") from error
    if done.returncode != 0 or not done.stdout.startswith(b"\xff\xd8\xff") or len(done.stdout) > _MOST_ANSWER:
        raise PictureRefused("The picture cannot be drawn: it is no picture, broken, or far too large.")
    return done.stdout


def _serve(side: int) -> None:
    for limit, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY),
        (resource.RLIMIT_CPU, _MOST_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    body = sys.stdin.buffer.read(MOST_BYTES + 1)
    with Image.open(io.BytesIO(body), formats=_FORMATS) as opened:
        if opened.width * opened.height > _MOST_PIXELS:
            raise SystemExit(1)
        opened.draft("RGB", (side, side))
        upright = ImageOps.exif_transpose(opened)
        upright.thumbnail((side, side))
        clear = upright.convert("RGBA")
    canvas = Image.new("RGB", clear.size, "white")
    canvas.paste(clear, mask=clear)
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=88)
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
