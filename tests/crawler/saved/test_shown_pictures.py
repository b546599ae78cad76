"""Photographs of a saved page, known by the size of their bytes where the page tells none."""

import pytest

from crawler.saved.records import SavedPage
from crawler.saved.shown_pictures import measured_photos
from tests.evidence.factory import png

URL = "https://group.example/posts/777"
PICTURES = {
    "photo.png": png(1, 2, 3, 600, 400),
    "strip.png": png(1, 2, 3, 600, 100),
    "broken.png": b"\x89PNG\r\n\x1a\n cut",
}


def photos(body: str, url: str = URL) -> list[str]:
    page = SavedPage(url, f"<title>Lamp</title><h1>Lamp</h1><p>of clay</p>{body}".encode(), pictures=PICTURES)
    return measured_photos(page, url)


@pytest.mark.parametrize("size", ["", "width=400", "width='100%' height=auto"])
def test_a_picture_is_as_large_as_its_bytes_where_the_page_does_not_say(size: str) -> None:
    assert photos(f"<img src='lot_files/photo.png' {size}>") == ["https://group.example/posts/lot_files/photo.png"]
    assert photos(f"<img src='lot_files/photo.png' {size}>", url="") == ["lot_files/photo.png"]


@pytest.mark.parametrize(
    "body",
    [
        "<img src='lot_files/strip.png'>",
        "<img src='lot_files/broken.png'>",
        "<img src='lot_files/not_saved.png'>",
        "<img src='lot_files/photo.png' width=90 height=60>",
        "<a href='/posts/778'><img src='lot_files/photo.png'></a>",
        "<div class=related><img src='lot_files/photo.png'></div>",
        "<div class=gallery><img src='lot_files/strip.png'></div>",
        "<!-- no element at all -->",
    ],
)
def test_what_is_small_shown_small_not_saved_or_of_another_offer_is_no_photograph(body: str) -> None:
    assert photos(body) == []
