"""Pictures without what cameras and programs write beside the picture: place, name, device, time, remarks. # EV-42

Nothing is drawn anew: parts that a picture does without are cut out, all other bytes stay, so that whoever holds the
original gets the same file. What is kept is what the picture needs to look the same: colours, which way is up,
transparency, the frames of a moving one. AVIF and damaged files are not cut but refused.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST_PICTURE = 64 << 20
"""Bytes; a larger one is refused."""
MOST_PARTS = 50_000
"""Segments, chunks or blocks of one file."""


class NotCleanable(Exception):
    """The file is of no kind that can be cut, is damaged, or is too large."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    data: bytes
    removed: tuple[str, ...]
    """What was cut out, by the kind's own names, each once; empty where the file held nothing to cut."""


def clean(data: bytes) -> Cleaned:
    """The picture without metadata; cleaned again it stays as it is. Raises NotCleanable."""
    if len(data) > LARGEST_PICTURE:
        raise NotCleanable("it is too large")
    for start, parts in ((b"\xff\xd8", _jpeg), (b"\x89PNG\r\n\x1a\n", _png), (b"GIF8", _gif), (b"RIFF", _webp)):
        if data.startswith(start):
            try:
                kept, removed = parts(data)
            except (IndexError, struct.error) as error:
                raise NotCleanable("it ends in the middle of a part") from error
            return Cleaned(kept, tuple(dict.fromkeys(removed)))
    raise NotCleanable("it is of another kind")


# -- which way is up --------------------------------------------------------------------------------------------

_ORIENTATION = 0x0112
_UPRIGHT = 1


def _orientation(tiff: bytes) -> int:
    """As the first directory of an Exif block tells it: 1 to 8; 1 (upright) where it does not."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return _UPRIGHT
    at = struct.unpack_from(f"{order}L", tiff, 4)[0]
    if at + 2 > len(tiff):
        return _UPRIGHT
    for number in range(min(struct.unpack_from(f"{order}H", tiff, at)[0], 500)):
        entry = at + 2 + 12 * number
        if entry + 12 > len(tiff):
            break
        tag, kind, count, value = struct.unpack_from(f"{order}HHLH", tiff, entry)
        if (tag, kind, count) == (_ORIENTATION, 3, 1):
            return value if 1 <= value <= 8 else _UPRIGHT
    return _UPRIGHT


def _exif(orientation: int) -> bytes:
    """An Exif block that tells which way is up, and nothing else."""
    entry = struct.pack("<HHLHH", _ORIENTATION, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<LH", 8, 1) + entry + bytes(4)


# -- JPEG -------------------------------------------------------------------------------------------------------

_FRAME = frozenset((*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF))
"""Tables, frames and scans: the picture itself."""
_NEXT = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
"""The first marker behind a scan; stuffed bytes and restarts belong to it."""
_JFIF = b"JFIF\0"


def _jpeg(data: bytes) -> tuple[bytes, list[str]]:
    kept, removed, at = [data[:2]], [], 2
    orientation, body, ended = _UPRIGHT, [], False
    for marker, start, end in _jpeg_segments(data):
        segment, at = data[start:end], end
        content = segment[4:]
        if marker == 0xD9:
            body.append(segment)
            ended = True
            break
        if marker in _FRAME or (marker == 0xE2 and content.startswith(b"ICC_PROFILE\0")):
            body.append(segment)
        elif marker == 0xEE and content.startswith(b"Adobe"):
            body.append(segment[:16])
            removed += ["APP14"] if len(segment) != 16 else []
        elif marker == 0xE0 and content.startswith(_JFIF) and len(content) >= 14:
            plain = b"\xff\xe0\0\x10" + content[:12] + b"\0\0"
            kept.append(plain)
            removed += ["thumbnail"] if plain != segment else []
        elif marker == 0xE1 and content.startswith(b"Exif\0"):
            orientation = _orientation(content[6:])
            if content[6:] != _exif(orientation) or orientation == _UPRIGHT:
                removed.append("Exif")
        else:
            removed.append(_jpeg_name(marker, content))
    if orientation != _UPRIGHT:
        told = b"Exif\0\0" + _exif(orientation)
        kept.append(b"\xff\xe1" + struct.pack(">H", len(told) + 2) + told)
    if ended and at < len(data):
        removed.append("bytes after the end")
    cut = b"".join([*kept, *body])
    return cut, removed or (["order of parts"] if cut != data else [])


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each part; a scan has its coded bytes with it. Bytes between parts are passed over."""
    at = 2
    for _ in range(MOST_PARTS):
        if at >= len(data):
            return  # cut short, as pictures on the web often are
        if data[at] != 0xFF:
            raise NotCleanable("bytes stand between its parts")
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == 0xD9 or marker == 0x01 or 0xD0 <= marker <= 0xD7:
            end = at + 2
        else:
            length = struct.unpack_from(">H", data, at + 2)[0]
            end = at + 2 + length
            if length < 2 or end > len(data):
                raise NotCleanable("a part is longer than the file")
        if marker == 0xDA:
            found = _NEXT.search(data, end)
            end = found.start() if found else len(data)
        yield marker, at, end
        if marker == 0xD9:
            return
        at = end
    raise NotCleanable("it has too many parts")


def _jpeg_name(marker: int, content: bytes) -> str:
    if marker == 0xFE:
        return "comment"
    if marker == 0xE1 and content.startswith(b"http://ns.adobe.com/"):
        return "XMP"
    if marker == 0xED:
        return "IPTC"
    return f"APP{marker - 0xE0}" if 0xE0 <= marker <= 0xEF else f"part {marker:02X}"


# -- PNG --------------------------------------------------------------------------------------------------------

_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB bKGD pHYs hIST cICP mDCV cLLI acTL fcTL fdAT".split()
)


def _png(data: bytes) -> tuple[bytes, list[str]]:
    kept, removed, at = [data[:8]], [], 8
    for _ in range(MOST_PARTS):
        if at >= len(data):
            break
        length = struct.unpack_from(">L", data, at)[0]
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data) and kind != b"IDAT":
            raise NotCleanable("a part is longer than the file")
        chunk = data[at:end]
        at = end
        if kind in _PNG_KEPT:
            kept.append(chunk)
        elif kind == b"eXIf":
            orientation = _orientation(chunk[8:-4])
            told = _png_exif(orientation) if orientation != _UPRIGHT else b""
            kept.append(told)
            removed += ["eXIf"] if told != chunk else []
        else:
            removed.append(kind.decode("ascii") if kind.isalpha() else "part of no name")
        if kind == b"IEND":
            removed += ["bytes after the end"] if at < len(data) else []
            return b"".join(kept), removed
    else:
        raise NotCleanable("it has too many parts")
    return b"".join(kept), removed


def _png_exif(orientation: int) -> bytes:
    content = b"eXIf" + _exif(orientation)
    return struct.pack(">L", len(content) - 4) + content + struct.pack(">L", zlib.crc32(content))


# -- GIF --------------------------------------------------------------------------------------------------------

_GIF_MOVING = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def _gif(data: bytes) -> tuple[bytes, list[str]]:
    at = 13 + _gif_colours(data[10])
    kept, removed = [data[:at]], []
    for _ in range(MOST_PARTS):
        if at >= len(data):
            break
        introducer = data[at]
        if introducer == 0x3B:
            kept.append(b";")
            removed += ["bytes after the end"] if at + 1 < len(data) else []
            return b"".join(kept), removed
        if introducer == 0x2C:
            start = at + 10 + _gif_colours(data[at + 9]) + 1
        elif introducer == 0x21:
            start = at + 2
        else:
            raise NotCleanable("bytes stand between its parts")
        end, whole = _gif_blocks(data, start)
        block, label, name = data[at:end], data[at + 1], data[at + 3 : at + 14]
        at = end
        if introducer == 0x2C or label == 0xF9 or (label == 0xFF and name in _GIF_MOVING):
            kept.append(block)
        else:
            removed.append({0xFE: "comment", 0x01: "text", 0xFF: "application data"}.get(label, "part of no name"))
        if not whole:
            break
    else:
        raise NotCleanable("it has too many parts")
    return b"".join(kept), removed


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, at: int) -> tuple[int, bool]:
    """Where a row of blocks ends, and whether it is whole."""
    while at < len(data):
        if data[at] == 0:
            return at + 1, True
        at += data[at] + 1
    return len(data), False


# -- WebP -------------------------------------------------------------------------------------------------------

_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_TELLS = 0x0C
"""Flags of VP8X: that there is Exif or XMP."""


def _webp(data: bytes) -> tuple[bytes, list[str]]:
    if data[8:12] != b"WEBP":
        raise NotCleanable("it is of another kind")
    size = struct.unpack_from("<L", data, 4)[0]
    whole = min(len(data), size + 8)
    removed = ["bytes after the end"] if whole < len(data) else []
    parts, exif = _webp_chunks(data[12:whole], removed)
    told = _orientation(exif) != _UPRIGHT
    flags = (0x08 if told else 0) if parts and parts[0][0] == b"VP8X" else None
    written = []
    for name, content in parts:
        if name == b"VP8X" and content:
            content = bytes([content[0] & ~_TELLS | (flags or 0)]) + content[1:]
        written.append(name + struct.pack("<L", len(content)) + content + b"\0" * (len(content) % 2))
    if told and flags is not None:
        small = _exif(_orientation(exif))
        written.append(b"EXIF" + struct.pack("<L", len(small)) + small)
    body = b"WEBP" + b"".join(written)
    cut = b"RIFF" + struct.pack("<L", len(body)) + body
    return cut, removed or (["order of parts"] if cut != data else [])


def _webp_chunks(data: bytes, removed: list[str]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Name and content of each chunk that is kept, and the Exif block; adds what is not to `removed`."""
    parts: list[tuple[bytes, bytes]] = []
    exif, at = b"", 0
    for _ in range(MOST_PARTS):
        if at >= len(data):
            return parts, exif
        length = struct.unpack_from("<L", data, at + 4)[0]
        name, content = data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
        if name == b"ANMF":
            inner, _ = _webp_chunks(content[16:], removed)
            content = content[:16] + b"".join(
                one + struct.pack("<L", len(told)) + told + b"\0" * (len(told) % 2) for one, told in inner
            )
        if name in _WEBP_KEPT:
            parts.append((name, content))
        elif name == b"EXIF":
            exif = content.removeprefix(b"Exif\0\0")
            if content != _exif(_orientation(exif)) or _orientation(exif) == _UPRIGHT:
                removed.append("Exif")
        else:
            removed.append("XMP" if name == b"XMP " else "part of no name")
    raise NotCleanable("it has too many parts")
