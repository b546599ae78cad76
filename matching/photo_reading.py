"""Photographs of unknown origin become features in a child process with bounded memory, time and no way to write.

A picture that crashes its decoder ends the child alone: that file is told as unreadable, and the next one gets another
child. Only numbers come back. Run as `python -m matching.photo_reading` it is that child.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from crawler.errors import RelicwatchError
from matching.photo_features import (
    CLOSE_LONGEST_SIDE,
    MOST_FEATURES,
    PhotoFeatures,
    Pixels,
    describe_photo,
    hash_dihedral,
)

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_MOST_PIXELS = 64_000_000
_MOST_BYTES = 60 * 1024 * 1024
_LEAST_SIDE = 24
_LEAST_CAME = 0.25
"""Of its rows, what a file that was cut off must hold to be compared."""
_KEPT_SIDE = 1600
_SHOWN_SIDE = 800
_MOST_MEMORY = 3 * 1024**3
_MOST_SECONDS = 60.0
"""Of processor time for one photo: on a busy machine a good one may wait much longer."""
_MOST_SILENCE = 600.0
_MOST_ANSWER = 64 * 1024 * 1024
_CLOSE_FEATURES = 2 * MOST_FEATURES


class PhotoUnreadable(RelicwatchError):
    """The file is no picture that can be matched: another format, broken, cut off, too large or too small."""


@dataclass(frozen=True, eq=False)
class QueryPhoto:
    """A photo that is asked about: features, the hashes of DIHEDRAL, and whether a closer look would show more."""

    features: PhotoFeatures
    hashes: Pixels
    can_be_seen_closer: bool


def decode_photo(body: bytes) -> Pixels:
    """The picture upright, RGB on white, its longest side at most 1600 px. Raises PhotoUnreadable.

    Decoders of unknown files belong into a child process: use PhotoReader for files that are not our own.
    """
    if len(body) > _MOST_BYTES:
        raise PhotoUnreadable(f"the file has {len(body)} bytes, more than the {_MOST_BYTES} that are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body), formats=_FORMATS) as opened:
                opened.draft("RGB", (_KEPT_SIDE, _KEPT_SIDE))  # a JPEG is decoded at a part of its size
                if opened.width * opened.height > _MOST_PIXELS:
                    raise PhotoUnreadable(
                        f"the picture has {opened.width} x {opened.height} pixels, more than {_MOST_PIXELS}"
                    )
                canvas = _on_white(_whole_part(opened))
    except UnidentifiedImageError as error:
        raise PhotoUnreadable("the bytes are no JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF picture") from error
    except Image.DecompressionBombError as error:
        raise PhotoUnreadable(f"the picture is too large to decode: {error}") from error
    except MemoryError as error:
        raise PhotoUnreadable("the picture needs more memory than it may have") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, OverflowError) as error:
        # Pillow's readers meet broken files with any of these.
        raise PhotoUnreadable(f"the picture cannot be decoded: {error}") from error
    if min(canvas.size) < _LEAST_SIDE:
        raise PhotoUnreadable(f"the picture has {canvas.width} x {canvas.height} pixels: too small to compare")
    return np.asarray(canvas)


def _whole_part(opened: Image.Image) -> Image.Image:
    """The picture; of a file that was cut off the rows that came, as a browser shows it. Raises as `load` does."""
    try:
        opened.load()
    except OSError:
        if opened.format not in ("JPEG", "PNG"):
            raise
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            opened.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        rows = np.asarray(opened).reshape(opened.height, -1)
        came = int(np.flatnonzero((rows != rows[-1]).any(axis=1)).max(initial=-1)) + 1
        if came < _LEAST_CAME * opened.height:
            raise
        orientation = opened.getexif()
        opened = opened.crop((0, 0, opened.width, came))
        opened.info["exif"] = orientation.tobytes()
    return opened


def _on_white(picture: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(picture)
    if upright.mode[0] in "IF":  # 16 bits a pixel and more: Pillow would cut off what is lighter than 255
        deep = np.asarray(upright, dtype=np.float64)
        low, high = float(deep.min()), float(deep.max())
        if upright.mode != "F" and low >= 0:
            low, high = 0.0, max(high, 65_535.0) if high > 255 else 255.0
        upright = Image.fromarray(((deep - low) * (255 / max(high - low, 1e-9))).clip(0, 255).astype(np.uint8))
    upright.thumbnail((_KEPT_SIDE, _KEPT_SIDE))
    clear = upright.convert("RGBA")
    canvas = Image.new("RGB", clear.size, "white")
    canvas.paste(clear, mask=clear)
    return canvas


class PhotoReader:
    """One child process that reads photos, one at a time; started when needed, and anew after it died. Not for threads.

    Use it as a context; at its end the child is gone.
    """

    def __init__(self, seconds: float = _MOST_SECONDS, silence: float = _MOST_SILENCE) -> None:
        """A photo is given up after so many seconds of processor time, or of waiting without a sign of the child."""
        self._seconds, self._silence = seconds, silence
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PhotoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):  # a question may wait there for a child that died
                        pipe.close()
            self._child = None

    def features_of(self, path: Path) -> PhotoFeatures:
        """A photo's features, for a collection. Raises PhotoUnreadable."""
        return _features(self._ask(path, "plain"))

    def query_of(self, path: Path) -> QueryPhoto:
        """A photo's features and hashes, to ask with. Raises PhotoUnreadable."""
        arrays = self._ask(path, "query")
        return QueryPhoto(_features(arrays), arrays["hashes"], bool(arrays["numbers"][3]))

    def closer_look(self, path: Path) -> PhotoFeatures:
        """The features at twice the size, for a photo that may stand small within a page. Raises PhotoUnreadable."""
        return _features(self._ask(path, "close"))

    def redrawn(self, path: Path) -> bytes:
        """The photo as a JPEG for a screen, drawn anew from its pixels, without metadata. Raises PhotoUnreadable."""
        return bytes(self._ask(path, "redrawn")["jpeg"].tobytes())

    def _ask(self, path: Path, look: str) -> dict[str, Any]:
        child = self._child = self._child if self._child is not None else _start_child()
        if child.stdin is None or child.stdout is None:
            raise ValueError("The child was started without pipes.")
        try:
            asked = {"path": str(path.absolute()), "look": look, "seconds": self._seconds}
            child.stdin.write(json.dumps(asked).encode() + b"\n")
            child.stdin.flush()
            kind, body = _read_answer(child.stdout, self._silence)
        except TimeoutError as error:
            self.close()
            raise PhotoUnreadable(f"reading it took longer than {self._silence:.0f} s") from error
        except OSError as error:
            ended = _how_it_ended(child)
            self.close()
            if ended == -signal.SIGPROF:
                raise PhotoUnreadable(f"reading it took longer than {self._seconds:.0f} s of processor time") from error
            raise PhotoUnreadable("its decoder broke down, or wanted more memory than it may have") from error
        if kind == b"E":
            raise PhotoUnreadable(body.decode("utf-8", "replace"))
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def read_photos(paths: Iterable[Path], processes: int) -> Iterator[tuple[Path, PhotoFeatures | PhotoUnreadable]]:
    """The features of many photos, in the order of the paths, read by so many children at a time."""
    paths = list(paths)
    readers = [PhotoReader() for _ in range(max(1, processes))]
    free = list(readers)

    def read(path: Path) -> tuple[Path, PhotoFeatures | PhotoUnreadable]:
        reader = free.pop()
        try:
            return path, reader.features_of(path)
        except PhotoUnreadable as error:
            return path, error
        finally:
            free.append(reader)

    try:
        with ThreadPoolExecutor(len(readers)) as threads:
            yield from threads.map(read, paths)
    finally:
        for reader in readers:
            reader.close()


def _features(arrays: dict[str, Any]) -> PhotoFeatures:
    quality, width, height = (int(number) for number in arrays["numbers"][:3])
    return PhotoFeatures(
        arrays["hash"], quality, width, height, arrays["points"], arrays["descriptors"], arrays["small"]
    )


def _start_child() -> subprocess.Popen[bytes]:
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "matching.photo_reading"],
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet},
    )


def _how_it_ended(child: subprocess.Popen[bytes]) -> int | None:
    """The exit status of a child whose pipe ended; None where it goes on for all that."""
    try:
        return child.wait(1.0)
    except subprocess.TimeoutExpired:
        return None


def _read_answer(pipe: IO[bytes], seconds: float) -> tuple[bytes, bytes]:
    head = _read_whole(pipe, 9, seconds)
    length = int.from_bytes(head[1:], "big")
    if head[:1] not in (b"A", b"E") or length > _MOST_ANSWER:
        raise OSError("The child answered in no known form.")
    return head[:1], _read_whole(pipe, length, seconds)


def _read_whole(pipe: IO[bytes], length: int, seconds: float) -> bytes:
    """So many bytes. Raises TimeoutError after as many seconds without a byte, OSError where the pipe ends before."""
    got = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(pipe.fileno(), selectors.EVENT_READ)
        while len(got) < length:
            if not ready.select(seconds):
                raise TimeoutError
            piece = os.read(pipe.fileno(), length - len(got))
            if not piece:
                raise OSError("The child ended.")
            got += piece
    return bytes(got)


def _serve() -> None:
    """The child: a line of JSON for each photo on stdin, the answer on stdout, until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import cv2

    cv2.setNumThreads(1)
    out = os.fdopen(os.dup(1), "wb")
    # Whatever a decoder prints must not stand among the answers.
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, asked["seconds"])  # its signal ends the process
        try:
            kind, body = b"A", _answer(Path(asked["path"]), asked["look"])
        except PhotoUnreadable as error:
            kind, body = b"E", str(error).encode()
        except MemoryError:
            kind, body = b"E", b"the picture needs more memory than it may have"
        out.write(kind + len(body).to_bytes(8, "big") + body)
        out.flush()


def _answer(path: Path, look: str) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise PhotoUnreadable(f"the file cannot be read: {error.strerror}") from error
    picture = decode_photo(body)
    if look == "redrawn":
        return _packed({"jpeg": np.frombuffer(_as_jpeg(picture), dtype=np.uint8)})
    longest = max(picture.shape[:2])
    if look == "close":
        features = describe_photo(picture, CLOSE_LONGEST_SIDE, _CLOSE_FEATURES)
    else:
        features = describe_photo(picture)
    numbers = (features.hash_quality, features.width, features.height, int(longest > 1.25 * features_side(features)))
    arrays: dict[str, Any] = {
        "hash": features.hash,
        "numbers": np.array(numbers, dtype=np.int64),
        "points": features.points,
        "descriptors": features.descriptors,
        "small": features.small,
    }
    if look == "query":
        arrays["hashes"] = hash_dihedral(picture)
    return _packed(arrays)


def _packed(arrays: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _as_jpeg(picture: Pixels) -> bytes:
    out = io.BytesIO()
    small = Image.fromarray(picture)
    small.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    small.save(out, "JPEG", quality=85)
    return out.getvalue()


def features_side(features: PhotoFeatures) -> int:
    return max(features.width, features.height)


if __name__ == "__main__":
    _serve()
