"""Addresses that lead on without end are known as such, and sound ones pass."""

import pytest

from crawler.extraction.document import Document
from crawler.traps import sent_on_to, trap_in


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/a/b/a/b/", "repeats /a/b/"),
        ("/shop/lamps/oil/lamps/oil/7", "repeats /lamps/oil/"),
        ("/x/x/x/x", "repeats /x/"),
        ("/p?" + "&".join(f"f{n}={n}" for n in range(21)), "21 parameters"),
        ("/p?q=" + "a" * 2100, "characters"),
    ],
)
def test_a_trap_is_named(path: str, words: str) -> None:
    assert words in (trap_in("https://a.example" + path) or "")


@pytest.mark.parametrize(
    "path", ["/", "/sale/1/lot/2", "/2026/11/11/11", "/11/12/11/12/lot/3", "/en/en/lamp", "/a/b/c/a/b", "/p?a=1&b=2"]
)
def test_a_sound_address_passes(path: str) -> None:
    assert trap_in("https://a.example" + path) is None


@pytest.mark.parametrize(
    ("html", "target"),
    [
        ('<meta http-equiv="Refresh" content="0; URL=/next"><p>Wait', "https://a.example/next"),
        ("<script>window.location.href = '/next';</script>", "https://a.example/next"),
        ('<script>location.replace("https://b.example/")</script><p>Wait', "https://b.example/"),
        ('<noscript><meta http-equiv="refresh" content="0;url=/plain"></noscript>', None),
        ('<meta http-equiv="refresh" content="300;url=/same">', None),  # a page that shows itself anew
        ('<script>if (window.location == "/x") go()</script>', None),
        ('<meta http-equiv="refresh" content="0;url=/next"><p>' + "A lamp of clay. " * 40, None),
    ],
)
def test_a_page_that_only_sends_one_on_is_told_from_one_to_read(html: str, target: str | None) -> None:
    document, _ = Document.parse(f"<html><head><title>T</title></head><body>{html}</body></html>", "https://a.example/")
    assert document is not None
    assert sent_on_to(document) == target
