"""Zips made to do harm are refused whole, with the member named. # SEC-23"""

import io
import stat
import struct
import zipfile

import pytest

from crawler.saved import zips
from crawler.saved.records import SavedFault
from crawler.saved.zips import SavedZip


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in members:
            package.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../up.txt", "/etc/passwd", "a/../../b", "a\\b.txt", "C:evil.txt", "con", "a/nul.txt", "a//b", "./a"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:  # SEC-23
    with pytest.raises(SavedFault, match="name that"):
        SavedZip(zipped((name, b"x")))


def test_a_name_with_a_nul_is_refused() -> None:  # SEC-23
    with pytest.raises(SavedFault, match="plain relative path"):
        SavedZip(zipped(("aXb.txt", b"x")).replace(b"aXb.txt", b"a\0b.txt"))


def test_names_that_differ_in_case_alone_are_refused() -> None:  # SEC-23
    with pytest.raises(SavedFault, match="twice"):
        SavedZip(zipped(("Photo.jpg", b"x"), ("photo.JPG", b"y")))


def test_a_link_is_refused() -> None:  # SEC-23
    link = zipfile.ZipInfo("photo.jpg")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(SavedFault, match="link or a device"):
        SavedZip(zipped((link, b"/etc/passwd")))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:  # SEC-23
    with pytest.raises(SavedFault, match="more than anything honest"):
        SavedZip(zipped(("bomb.txt", bytes(8 << 20))))


def test_a_member_that_lies_about_its_size_is_cut_at_the_bound() -> None:  # SEC-23
    body = bytearray(zipped(("chat.txt", b"a" * 5000)))
    at = body.rindex(b"PK\x01\x02")
    struct.pack_into("<L", body, at + 24, 10)
    with pytest.raises(SavedFault, match=r"unpacked|more than"):
        SavedZip(bytes(body)).read("chat.txt", 1000)


def test_members_that_share_bytes_are_refused() -> None:  # SEC-23
    body = zipped(("a.txt", b"x" * 100), ("b.txt", b"y" * 100))
    at = body.rindex(b"PK\x01\x02")
    shared = body[: at + 42] + struct.pack("<L", 0) + body[at + 46 :]
    with pytest.raises(SavedFault, match="shares bytes"):
        SavedZip(shared)


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:  # SEC-23
    monkeypatch.setattr(zips, "MOST_MEMBERS", 2)
    with pytest.raises(SavedFault, match="3 members"):
        SavedZip(zipped(*((f"{n}.txt", b"x") for n in range(3))))


@pytest.mark.parametrize("cut", [10, 40, 80])
def test_a_cut_zip_is_refused(cut: int) -> None:
    with pytest.raises(SavedFault, match="broken zip"):
        SavedZip(zipped(("a.txt", b"hello"))[:cut])


PACKINGS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_damaged_member_is_named_whatever_it_is_packed_with(packing: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as package:
        package.writestr("chat.txt", bytes(range(256)) * 20)
    body = bytearray(out.getvalue())
    assert SavedZip(bytes(body)).read("chat.txt", 10_000) == bytes(range(256)) * 20
    for at in range(len("chat.txt") + 30, len("chat.txt") + 80):
        body[at] ^= 0xFF
    with pytest.raises(SavedFault, match=r"chat\.txt in the zip cannot be unpacked"):
        SavedZip(bytes(body)).read("chat.txt", 10_000)


def test_a_plain_zip_is_read() -> None:
    package = SavedZip(zipped(("Chat/_chat.txt", b"hello"), ("Chat/", b"")))
    assert list(package) == ["Chat/_chat.txt"]
    assert package.read("Chat/_chat.txt", 5) == b"hello"
    with pytest.raises(SavedFault, match="more than"):
        package.read("Chat/_chat.txt", 4)
