"""A photograph is read in a process of bounded means, and what comes out of it says nothing but what it shows."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from demo.pictures import draw_picture
from matching.photo_reading import PhotoReader, PhotoUnreadable


def test_a_redrawing_is_small_and_carries_no_metadata(tmp_path):
    photo = tmp_path / "photo.jpg"
    picture = Image.open(io.BytesIO(draw_picture("vase", "a", 1, 800))).resize((1600, 1200))
    exif = Image.Exif()
    exif[0x010F] = "maker"
    picture.save(photo, exif=exif)
    with PhotoReader() as reader:
        drawn = Image.open(io.BytesIO(reader.redrawn(photo)))
        assert (drawn.format, drawn.size, dict(drawn.getexif())) == ("JPEG", (800, 600), {})
        photo.write_bytes(b"no picture")
        with pytest.raises(PhotoUnreadable):
            reader.redrawn(photo)
