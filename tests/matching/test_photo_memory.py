"""Pictures are read once, kept while they are wanted, and a question with little time says what it left unread."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from demo.pictures import draw_picture
from matching.photo_memory import PhotoMemory
from matching.photo_reading import PhotoReader, PhotoUnreadable


def kept(home, body):
    sha256 = hashlib.sha256(body).hexdigest()
    path = home.file_path(sha256)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    return sha256


def test_a_picture_is_read_once_and_a_broken_one_is_no_obstacle(home, tmp_path, monkeypatch):
    stele = kept(home, draw_picture("stele", "a", 1, 320))
    broken = kept(home, b"no picture")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(draw_picture("stele", "a", 1, 800))
    memory = PhotoMemory(home, processes=1)
    found = memory.ask([broken, stele], photo)
    assert ([link.other for link in found.links], found.pictures, found.unread) == ([stele], 1, 0)
    monkeypatch.setattr(PhotoReader, "features_of", lambda *_: pytest.fail("it was read already"))
    assert memory.ask([broken, stele], photo).links == found.links
    assert memory.ask([], photo).pictures == 0


def test_without_time_nothing_new_is_read_and_that_is_said(home, tmp_path):
    stele = kept(home, draw_picture("stele", "a", 1, 320))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(draw_picture("stele", "a", 1, 320))
    memory = PhotoMemory(home, processes=1)
    hurried = memory.ask([stele], photo, seconds=0)
    assert (hurried.links, hurried.pictures, hurried.unread) == ((), 0, 1)
    assert memory.ask([stele], photo, seconds=60).unread == 0


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
