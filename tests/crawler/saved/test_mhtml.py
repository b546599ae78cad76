"""MHTML files: the page, its address and its pictures, and any bytes at all."""

import contextlib
import email.message
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.saved.mhtml import MOST_LAYERS, is_mhtml, read_mhtml
from crawler.saved.records import SavedFault
from tests.evidence.factory import png

PICTURE = png(10, 20, 30, 16, 16)
URL = "https://shop.example/lot/7"


def mhtml(html: str, url: str = URL, picture: bytes = PICTURE, encoding: str = "quoted-printable") -> bytes:
    """As Chromium saves a page."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "<Saved by Blink>"
    message["Snapshot-Content-Location"] = url
    message["Subject"] = "=?utf-8?Q?lampe?="
    message.set_content(html, subtype="html", charset="utf-8", cte=encoding)
    message.make_related()
    page = next(iter(message.iter_parts()))
    page["Content-Location"] = url
    message.add_related(picture, "image", "png", headers=[f"Content-Location: {URL}/photo.png"])
    return message.as_bytes()


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_the_page_its_address_and_its_pictures_are_read(encoding: str) -> None:
    body = mhtml("<h1>مصباح زيت روماني — lampe à huile</h1>" * 9, encoding=encoding)
    assert is_mhtml(body)
    page = read_mhtml(body)
    assert page.url == URL
    assert "مصباح زيت روماني — lampe à huile" in page.body.decode("utf-8")
    assert page.charset == "utf-8"
    assert page.pictures == {f"{URL}/photo.png": PICTURE}


def test_a_page_that_is_no_mhtml_is_not_taken_for_one() -> None:
    assert not is_mhtml(b"<html><body>Content-Type: multipart/related</body></html>")
    assert not is_mhtml(b"Dear Sir: multipart/related\n")


def test_an_mhtml_without_a_page_is_refused() -> None:
    body = mhtml("<h1>Lamp</h1>").replace(b"text/html", b"text/plain")
    with pytest.raises(SavedFault, match="without an HTML page"):
        read_mhtml(body)


def test_parts_within_parts_without_end_are_refused() -> None:
    depth = 3000
    body = b"MIME-Version: 1.0\r\n" + b"".join(
        f'Content-Type: multipart/related; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode() for n in range(depth)
    )
    assert is_mhtml(body)
    with pytest.raises(SavedFault):
        read_mhtml(body)


@pytest.mark.parametrize("evil", ["; charset*0=a" * 5_000, '; a="' + ";" * 60_000, ";" * 60_000, ";\r\n a=b" * 9_000])
@pytest.mark.parametrize("place", ["multipart/related; boundary=b", "text/html"])
def test_a_header_that_would_be_long_in_reading_is_refused_unread(
    evil: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    parse = email.message._parseparam  # type: ignore[attr-defined]

    def note(text: str) -> list[str]:
        read.append(len(text))
        return list(parse(text))

    monkeypatch.setattr(email.message, "_parseparam", note)
    page = "Content-Type: text/html\r\nContent-Location: https://shop.example/lot/7\r\n\r\n<h1>Lamp</h1>\r\n"
    body = f"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n{page}--b--\r\n"
    assert b"Lamp" in read_mhtml(body.encode()).body
    read.clear()
    with pytest.raises(SavedFault, match="a header of it"):
        read_mhtml(body.replace(place, place + evil).encode())
    assert max(read, default=0) < 100


def test_layers_that_every_line_would_be_held_against_are_refused() -> None:
    def nested(depth: int) -> bytes:
        layers = [f'Content-Type: multipart/related; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(depth)]
        return f"MIME-Version: 1.0\r\n{''.join(layers)}Content-Type: text/html\r\n\r\n<h1>Lamp</h1>".encode()

    assert b"Lamp" in read_mhtml(nested(MOST_LAYERS)).body
    with pytest.raises(SavedFault, match="parts within parts"):
        read_mhtml(nested(MOST_LAYERS + 1))


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=400))
def test_the_words_of_a_page_come_back_as_they_were_saved(words: str) -> None:
    assert words in read_mhtml(mhtml(f"<p>{words}</p>")).body.decode("utf-8")


@settings(max_examples=40)
@given(st.integers(0, 700), st.binary(max_size=20))
def test_a_damaged_file_is_read_or_refused_and_never_fails(at: int, junk: bytes) -> None:
    body = mhtml("<h1>Lamp</h1>")
    with contextlib.suppress(SavedFault):
        read_mhtml(body[:at] + junk + body[at + len(junk) :])
