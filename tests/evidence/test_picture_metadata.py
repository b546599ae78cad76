"""Pictures without metadata: what was hidden is gone, what is seen stays, twice is once, damage ends in a word."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from evidence import picture_metadata
from evidence.picture_metadata import NotCleanable, clean

NAME, PLACE = b"Karim Haddad", b"33.8938N 35.5018E"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>' + NAME + b"</dc:creator></x:xmpmeta>"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def drawn(size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A picture of which every corner is another colour."""
    picture = Image.new("RGB", size)
    for x in range(size[0]):
        for y in range(size[1]):
            picture.putpixel((x, y), (x * 5, y * 7, (x * y) % 251))
    return picture


def exif(orientation: int = 1) -> bytes:
    told = Image.Exif()
    told[0x0112], told[0x013B], told[0x010E] = orientation, NAME.decode(), "Bought at " + PLACE.decode()
    told.get_ifd(0x8825).update({1: "N", 2: (33.0, 53.0, 37.0), 3: "E", 4: (35.0, 30.0, 6.0)})
    return told.tobytes()


def picture(kind: str, orientation: int = 1) -> bytes:
    """As a telephone or an image program writes it: with Exif, XMP, remark."""
    out = io.BytesIO()
    more: dict[str, Any] = {"exif": exif(orientation), "xmp": XMP}
    if kind == "JPEG":
        more |= {"comment": NAME, "icc_profile": b"colours" * 20, "progressive": True}
    if kind == "PNG":
        remarks = PngImagePlugin.PngInfo()
        remarks.add_text("Author", NAME.decode())
        remarks.add_itxt("XML:com.adobe.xmp", XMP.decode())
        remarks.add_text("Place", PLACE.decode(), zip=True)
        more = {"exif": exif(orientation), "pnginfo": remarks}
    if kind == "GIF":
        more = {"comment": NAME, "xmp": XMP}
    image = drawn() if kind != "GIF" else drawn().quantize(64)
    image.save(out, kind, **more)
    return out.getvalue() + (b"trailer " + PLACE if kind != "WEBP" else b"")


def looks(data: bytes) -> tuple[Any, ...]:
    """What a person sees of it: the pixels as stored, and how they are turned."""
    with Image.open(io.BytesIO(data)) as opened:
        pixels, turned = opened.convert("RGBA").tobytes(), opened.getexif().get(0x0112, 1)
        return opened.size, pixels, turned, opened.info.get("icc_profile")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_nothing_is_told_any_more_and_the_picture_looks_the_same(kind: str, orientation: int) -> None:  # EV-42
    before = picture(kind, orientation)
    cleaned = clean(before)
    assert cleaned.removed
    for hidden in (NAME, PLACE, b"xmpmeta", b"creator", zlib.compress(PLACE)[2:-4]):
        assert hidden not in cleaned.data
    assert looks(cleaned.data) == looks(before)
    with Image.open(io.BytesIO(cleaned.data)) as opened:
        assert set(opened.getexif()) <= {0x0112} and not opened.getexif().get_ifd(0x8825)
    again = clean(cleaned.data)
    assert (again.data, again.removed) == (cleaned.data, ())


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_without_metadata_stays_byte_for_byte(kind: str) -> None:
    out = io.BytesIO()
    (drawn() if kind != "GIF" else drawn().quantize(64)).save(out, kind)
    cleaned = clean(out.getvalue())
    assert (cleaned.data, cleaned.removed) == (out.getvalue(), ())


def test_a_moving_picture_goes_on_moving() -> None:
    for kind in ("GIF", "WEBP", "PNG"):
        out = io.BytesIO()
        frames = [drawn((20 + 0, 20)).rotate(90 * turn) for turn in range(3)]
        more = {"comment": NAME} if kind == "GIF" else {"exif": exif()}
        frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=50, loop=0, **more)
        cleaned = clean(out.getvalue())
        assert cleaned.removed and NAME not in cleaned.data
        with Image.open(io.BytesIO(cleaned.data)) as opened:
            assert opened.n_frames == 3
        assert clean(cleaned.data).removed == ()


def test_what_hides_between_the_parts_of_a_jpeg_is_cut_too() -> None:
    plain = clean(picture("JPEG")).data
    for marker, words in ((0xE1, b"http://ns.adobe.com/xap/1.0/\0"), (0xE2, b"MPF\0"), (0xEB, b"HDR"), (0xED, b"8BIM")):
        part = bytes([0xFF, marker]) + struct.pack(">H", 2 + len(words) + len(NAME)) + words + NAME
        for at in (2, plain.index(b"\xff\xda")):  # before all, and before the scan
            hidden = clean(plain[:at] + part + plain[at:])
            assert (hidden.data, len(hidden.removed)) == (plain, 1)


@pytest.mark.parametrize("data", [b"", b"\0\0\0 ftypavif", b"BM", b"\xff\xd8\xff", b"RIFF\0\0\0\0WAVE", b"<svg/>"])
def test_what_cannot_be_cut_for_certain_is_refused(data: bytes) -> None:
    with pytest.raises(NotCleanable):
        clean(data)


def test_a_picture_of_endless_parts_is_given_up() -> None:
    with pytest.raises(NotCleanable, match="too many parts"):
        clean(b"\xff\xd8" + b"\xff\xfe\0\2" * (picture_metadata.MOST_PARTS + 1))
    with pytest.raises(NotCleanable, match="too large"):
        clean(bytes(picture_metadata.LARGEST_PICTURE + 1))


@settings(max_examples=300)
@given(st.sampled_from(FORMATS), st.data())
def test_any_damage_ends_in_a_refusal_or_in_a_picture_that_stays(kind: str, data: st.DataObject) -> None:
    whole = bytearray(picture(kind, 6))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        cleaned = clean(cut)
    except NotCleanable:
        return
    assert len(cleaned.data) <= len(cut) + 40
    assert clean(cleaned.data).removed == ()
