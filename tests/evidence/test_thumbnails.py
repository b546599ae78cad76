import io
import stat
from datetime import UTC, datetime

import pytest
from PIL import Image

from crawler.home import Home
from crawler.items import ListingPhoto
from evidence import thumbnails
from evidence.thumbnails import ThumbnailError, ThumbnailPipeline, make_thumbnail, store_file


def picture(kind: str, size: tuple[int, int] = (900, 600), **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **more)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_allowed_format_becomes_a_small_jpeg(kind: str) -> None:
    with Image.open(io.BytesIO(make_thumbnail(picture(kind)))) as small:
        assert (small.format, max(small.size)) == ("JPEG", 320)


def test_the_picture_is_turned_upright_and_its_metadata_dropped() -> None:  # SEC-11
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a private word"
    small = make_thumbnail(picture("JPEG", exif=exif))
    assert b"private" not in small
    with Image.open(io.BytesIO(small)) as image:
        assert image.height > image.width
        assert not image.getexif()


@pytest.mark.parametrize(
    "body",
    [b"", b"<svg/>", b"<html>", picture("TIFF"), picture("PNG")[:200], picture("JPEG")[:400], picture("GIF")[:20]],
)
def test_what_is_no_whole_picture_of_an_allowed_format_is_refused(body: bytes) -> None:  # SEC-25, SEC-11
    with pytest.raises(ThumbnailError):
        make_thumbnail(body)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "_MOST_PIXELS", 1000)
    with pytest.raises(ThumbnailError, match="900 x 600"):
        make_thumbnail(picture("PNG"))


def test_a_file_is_kept_read_only_under_its_digest(home: Home) -> None:
    sha256 = store_file(home, b"bytes")
    path = home.file_path(sha256)
    assert path.read_bytes() == b"bytes"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert store_file(home, b"bytes") == sha256
    assert list(home.files.rglob("*writing*")) == []


def test_the_pipeline_adds_the_thumbnail_and_lets_a_broken_picture_pass(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = ThumbnailPipeline(home)
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    photo = pipeline.process_item(ListingPhoto("fair", "1", "https://fair.example/1.png", picture("PNG"), moment))
    assert home.file_path(photo.thumbnail_sha256).stat().st_size == photo.thumbnail_bytes
    broken = pipeline.process_item(ListingPhoto("fair", "2", "https://fair.example/2.png", b"junk", moment))
    assert broken.thumbnail_sha256 is None
    assert "https://fair.example/2.png" in caplog.text
    assert pipeline.process_item("another item") == "another item"
