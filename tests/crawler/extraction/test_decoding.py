import codecs

import pytest

from crawler.extraction.decoding import decode
from crawler.extraction.page import extract_page

ARABIC = "تمثال برونزي قديم من مصر للبيع في المزاد العلني، القاهرة"
FRENCH = "Statuette égyptienne en bronze, époque tardive, très bel état, provenance privée"


def page(title, charset=None):
    meta = f'<meta charset="{charset}">' if charset else ""
    return f"<html><head>{meta}<title>{title}</title></head><body><h1>{title}</h1><p>{title}</p></body></html>"


ENCODINGS = [
    # (encoding of the bytes, HTTP header, meta tag, title)
    ("utf-8", None, None, ARABIC),
    ("utf-8", "text/html; charset=utf-8", None, ARABIC),
    ("utf-8", None, "utf-8", ARABIC),
    ("utf-8", "text/html; charset=windows-1256", None, ARABIC),
    ("utf-8", "text/html; charset=iso-8859-1", None, FRENCH),
    ("utf-8", None, "windows-1252", FRENCH),
    ("utf-8-sig", None, None, ARABIC),
    ("utf-8", "text/html; charset=nonsense", None, ARABIC),
    ("cp1256", "text/html; charset=windows-1256", None, ARABIC),
    ("cp1256", None, "windows-1256", ARABIC),
    ("cp1256", None, None, ARABIC),
    ("cp1256", "text/html; charset=utf-8", "windows-1256", ARABIC),
    ("iso8859-6", "text/html; charset=iso-8859-6", None, ARABIC.replace("،", "")),
    ("iso8859-6", None, "iso-8859-6", ARABIC.replace("،", "")),
    ("iso8859-6", None, None, ARABIC.replace("،", "")),
    ("utf-16", None, None, ARABIC),
    ("utf-16-le", None, None, ARABIC),
    ("utf-16-be", None, None, FRENCH),
    ("utf-16-le", "text/html; charset=utf-16", "utf-16", FRENCH),
    ("cp1252", None, "iso-8859-1", FRENCH),
    ("cp1252", "text/html; charset=utf-8", "windows-1252", FRENCH),
    ("gb18030", None, "gb2312", "青铜雕像 古代 埃及 拍卖"),
    ("shift_jis", None, "shift_jis", "青銅像 古代エジプト オークション"),
    ("koi8-r", "text/html; charset=koi8-r", None, "Бронзовая статуэтка"),
]


@pytest.mark.parametrize(("encoding", "header", "meta", "title"), ENCODINGS)
def test_the_title_survives_the_encoding(encoding, header, meta, title):  # RL-19
    body = page(title, meta).encode(encoding)
    assert extract_page(body, "https://a.example/1", content_type=header).title == title


def test_a_false_declaration_is_reported():
    _, encoding, problem = decode(page(ARABIC).encode(), "text/html; charset=iso-8859-1")
    assert encoding == "utf-8"
    assert problem is not None
    assert "HTTP header says cp1252" in problem


def test_a_byte_order_mark_beats_every_declaration():
    body = codecs.BOM_UTF16_LE + "<title>x</title>".encode("utf-16-le")
    assert decode(body, "text/html; charset=utf-8", "latin-1")[:2] == ("<title>x</title>", "utf-16-le")


def test_a_few_bad_bytes_do_not_change_the_encoding():
    body = page(ARABIC).encode() + b"\xff\xfe"
    text, encoding, problem = decode(body)
    assert encoding == "utf-8"
    assert ARABIC in text
    assert problem is not None


def test_the_callers_charset_is_used():
    assert decode(ARABIC.encode("cp1256"), None, "windows-1256")[0] == ARABIC


def test_nothing_is_text_too():
    assert decode(b"") == ("", "utf-8", None)


def test_windows_passages_in_a_utf8_page_are_read_and_reported():
    body = "<p>تمثال من البرونز، مجموعة قديمة من دمشق</p>".encode() * 9 + "“oil lamp”".encode("cp1252")
    text, encoding, problem = decode(body)
    assert encoding == "utf-8"
    assert "“oil lamp”" in text and "تمثال" in text
    assert problem is not None and "windows-1252" in problem
