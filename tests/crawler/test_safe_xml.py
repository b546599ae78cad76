import gzip
import time

import pytest

from crawler import safe_xml
from crawler.safe_xml import UnsafeXml, child_text, read_xml

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><r>&c;</r>"""
OUTSIDE = b"""<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>"""
REMOTE = b"""<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r/>"""


BEHIND = b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <r> --><?pi <r>?>\n" + REMOTE


@pytest.mark.parametrize(
    "body", [LAUGHS, OUTSIDE, REMOTE, LAUGHS.decode().replace("1.0", "1.0").encode("utf-16"), BEHIND]
)
def test_no_document_type_and_no_entity_is_read(body: bytes) -> None:  # SEC-24
    with pytest.raises(UnsafeXml, match="declares a document type"):
        read_xml(body)


def test_a_document_type_that_an_entry_quotes_is_text() -> None:
    body = b"<r><title>Lamp</title><text><![CDATA[<!DOCTYPE html><p>old lamp</p>]]></text></r>"
    assert child_text(read_xml(body), "text") == "<!DOCTYPE html><p>old lamp</p>"
    assert child_text(read_xml(body.decode().encode("utf-16")), "title") == "Lamp"


def test_a_document_type_behind_the_root_is_no_xml() -> None:
    with pytest.raises(UnsafeXml, match="it is no XML"):
        read_xml(b"<r><!DOCTYPE r [<!ENTITY x 'y'>]>&x;</r>")


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MOST_BYTES", 100_000)
    bomb = gzip.compress(b"<r>" + b"a" * 5_000_000 + b"</r>")
    with pytest.raises(UnsafeXml, match="unpacks to more than 100000 bytes"):
        read_xml(bomb)
    with pytest.raises(UnsafeXml, match="longer than 100000 bytes"):
        read_xml(b"<r>" + b"a" * 200_000 + b"</r>")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is no XML"),
        (b"not xml", "it is no XML"),
        (b"<r><a></r>", "it is no XML"),
        (b"<a>" * 100_000, "it is no XML"),
        (b"\x1f\x8b\x08broken", "broken gzip"),
        (gzip.compress(b"<r/>", mtime=0)[:-4], "its gzip is cut off"),
        (b"\xff\xfe<", "it is no XML"),
    ],
)
def test_what_is_no_xml_says_so(body: bytes, reason: str) -> None:
    begun = time.monotonic()
    with pytest.raises(UnsafeXml, match=reason):
        read_xml(body)
    assert time.monotonic() - begun < 10


def test_names_are_found_whatever_their_namespace_and_encoding() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><f xmlns="urn:x"><!-- c --><title>Öl &amp; <b>Lampe</b></title></f>'
    for body in (text.encode("utf-16"), text.replace("utf-16", "utf-8").encode(), gzip.compress(text.encode("utf-16"))):
        assert child_text(read_xml(body), "missing", "title") == "Öl & Lampe"
