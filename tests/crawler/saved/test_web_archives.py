"""WARC and WACZ files that others wrote."""

import gzip
import io
from datetime import UTC, datetime

import pytest
from warcio.statusandheaders import StatusAndHeaders

from crawler.saved import web_archives
from crawler.saved.records import SavedFault
from crawler.saved.web_archives import is_wacz, is_warc, read_wacz, read_warc
from crawler.saved.zips import SavedZip
from tests.crawler.saved.test_zips import zipped
from tests.evidence.factory import QuietWriter, png

URL = "https://shop.example/lot/7"
AT = datetime(2026, 11, 20, tzinfo=UTC)
PICTURE = png(10, 20, 30, 16, 16)


def warc(*answers: tuple[str, str, str, bytes], packed: bool = True, coding: str | None = None) -> bytes:
    """A WARC of (address, status, media type, body)."""
    out = io.BytesIO()
    writer = QuietWriter(out, gzip=packed)
    for url, status, kind, body in answers:
        headers = [("Content-Type", kind)] + ([("Content-Encoding", coding)] if coding else [])
        sent = gzip.compress(body) if coding else body
        http = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
        writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(sent), http_headers=http))
    return out.getvalue()


ANSWERS = (
    (URL, "200 OK", "text/html; charset=utf-8", b"<h1>Lamp</h1>"),
    (f"{URL}/gone", "404 Not Found", "text/html", b"<h1>Gone</h1>"),
    (f"{URL}/photo.png", "200 OK", "image/png", PICTURE),
)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("coding", [None, "gzip"])
def test_pages_and_pictures_are_read_plain_or_packed(packed: bool, coding: str | None) -> None:
    body = warc(*ANSWERS, packed=packed, coding=coding)
    assert is_warc(body)
    [page] = read_warc(body)
    assert (page.url, page.body) == (URL, b"<h1>Lamp</h1>")
    assert page.pictures == {f"{URL}/photo.png": PICTURE}


def test_a_wacz_opens_with_its_main_page() -> None:
    other = (f"{URL}/more", "200 OK", "text/html", b"<h1>More</h1>")
    package = SavedZip(
        zipped(
            ("archive/data.warc.gz", warc(*ANSWERS, other)),
            ("datapackage.json", f'{{"mainPageUrl": "{URL}"}}'.encode()),
        )
    )
    assert is_wacz(package)
    assert {page.url: page.is_main for page in read_wacz(package)} == {URL: True, f"{URL}/more": False}


@pytest.mark.parametrize("cut", [30, 200, 400])
def test_a_cut_file_is_refused(cut: int) -> None:
    with pytest.raises(SavedFault, match=r"damaged|no page"):
        read_warc(warc(*ANSWERS)[:cut])


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_archives, "LARGEST_UNPACKED", 1 << 20)
    big = (f"{URL}/big", "200 OK", "application/octet-stream", bytes(2 << 20))
    with pytest.raises(SavedFault, match="unpacks to more"):
        read_warc(warc(*ANSWERS, big))


def test_a_file_without_a_page_is_refused() -> None:
    with pytest.raises(SavedFault, match="no page"):
        read_warc(warc(ANSWERS[1]))
