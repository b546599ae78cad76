import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.items import Exchange
from evidence.plain_zip import PlainZipWriter
from evidence.segments import EarlierRecord, SegmentWriter, pack_exchange, pack_record
from evidence.wacz import Page, search_key, write_wacz
from evidence.wacz_check import WaczCheck
from evidence.warc_reading import WarcFault, read_records
from tests.evidence.factory import START, listing_warc

URL = "https://auction.example/sale/3/lot/1"


@pytest.fixture
def warc(tmp_path: Path) -> Path:
    path = tmp_path / "capture-001.warc.gz"
    path.write_bytes(listing_warc(1, "Shabti", START).data())
    return path


@pytest.fixture
def wacz(warc: Path, tmp_path: Path) -> Path:
    page = Page(URL, "2026-11-20T14:03:23.123456Z", "Shabti")
    write_wacz(tmp_path / "listing.wacz", [(warc.name, warc)], [page], title="Shabti", software="relicwatch 0")
    return tmp_path / "listing.wacz"


def faults(path: Path) -> str:
    with path.open("rb") as file:
        return "\n".join(map(str, WaczCheck(file).faults))


def repacked(path: Path, change: Callable[[dict[str, bytes]], None], *, reseal: bool = True) -> Path:
    """The package with changed files; resealed, its data package lists what is there with right digests."""
    import hashlib

    with zipfile.ZipFile(path) as package:
        files = {name: package.read(name) for name in package.namelist()}
    change(files)
    if reseal:
        description = json.loads(files["datapackage.json"])
        for entry in description["resources"]:
            data = files.get(entry["path"], b"")
            entry |= {"hash": "sha256:" + hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        description["resources"] = [e for e in description["resources"] if e["path"] in files]
        files["datapackage.json"] = json.dumps(description).encode()
        digest = "sha256:" + hashlib.sha256(files["datapackage.json"]).hexdigest()
        files["datapackage-digest.json"] = json.dumps({"path": "datapackage.json", "hash": digest}).encode()
    with path.open("wb") as file, PlainZipWriter(file) as package:
        for name, data in files.items():
            package.add_bytes(name, data)
    return path


def test_a_package_from_a_foreign_writers_warc_has_no_fault(wacz: Path) -> None:  # EV-10
    assert faults(wacz) == ""
    assert faults(repacked(wacz, lambda files: None)) == ""


def test_the_index_finds_each_record_as_warcio_reads_it(wacz: Path) -> None:
    with zipfile.ZipFile(wacz) as package:
        assert {info.compress_type for info in package.infolist()} == {zipfile.ZIP_STORED}  # EV-11
        lines = gzip.decompress(package.read("indexes/index.cdx.gz")).decode().splitlines()
        archive = package.read("archive/capture-001.warc.gz")
    assert len(lines) == 4 and lines == sorted(lines)
    for line in lines:
        fields = json.loads(line.split(" ", 2)[2])
        record = next(iter(ArchiveIterator(io.BytesIO(archive[int(fields["offset"]) :]))))
        assert record.rec_headers.get_header("WARC-Target-URI") == fields["url"]
        assert record.http_headers.get_statuscode() == fields["status"]


def test_the_same_warc_gives_the_same_package(warc: Path, wacz: Path, tmp_path: Path) -> None:
    page = Page(URL, "2026-11-20T14:03:23.123456Z", "Shabti")
    write_wacz(tmp_path / "again", [(warc.name, warc)], [page], title="Shabti", software="relicwatch 0")
    assert (tmp_path / "again").read_bytes() == wacz.read_bytes()


def _swap_warc(files: dict[str, bytes]) -> None:
    files["archive/capture-001.warc.gz"] = listing_warc(2, "Other", START).data()


def _change_payload(files: dict[str, bytes]) -> None:
    data = gzip.decompress(files["archive/capture-001.warc.gz"]).replace(b"<p>Shabti", b"<p>Shabtj")
    files["archive/capture-001.warc.gz"] = gzip.compress(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.pop("pages/pages.jsonl"), "pages/pages.jsonl is missing"),
        (lambda f: f.pop("archive/capture-001.warc.gz"), "no WARC record"),
        (lambda f: f.update({"indexes/index.cdx.gz": b"garbage"}), "index.cdx.gz cannot be read"),
        (lambda f: f.update({"indexes/index.cdx.gz": gzip.compress(b"", mtime=0)}), "index.cdx.gz does not say"),
        (lambda f: f.update({"indexes/index.idx": b""}), "index.idx does not fit"),
        (lambda f: f.update({"pages/pages.jsonl": b'{"format": "json-pages-1.0"}\n{"url": "x"}\n'}), "line 2 names"),
        (lambda f: f.update({"unlisted": b"x"}), "unlisted is not listed"),
        (_swap_warc, "index.cdx.gz does not say"),
        (_change_payload, "archive/capture-001.warc.gz"),
    ],
)
def test_a_resealed_package_that_is_wrong_inside_is_caught(wacz: Path, change: Callable, words: str) -> None:  # EV-10
    assert words in faults(repacked(wacz, change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.pop("datapackage-digest.json"), "datapackage-digest.json is missing"),
        (lambda f: f.pop("datapackage.json"), "datapackage.json is missing"),
        (lambda f: f.update({"datapackage.json": f["datapackage.json"] + b" "}), "does not match datapackage-digest"),
        (lambda f: f.update({"datapackage.json": f["datapackage.json"].replace(b"sha256:", b"md5:")}), "no sha256"),
        (
            lambda f: f.update(
                {"datapackage-digest.json": f["datapackage-digest.json"].replace(b"{", b'{"signedData": {},')}
            ),
            "something other",
        ),
    ],
)
def test_a_package_whose_own_digests_are_wrong_is_caught(wacz: Path, change: Callable, words: str) -> None:  # EV-10
    assert words in faults(repacked(wacz, change, reseal=False))


def test_a_compressed_package_and_none_at_all_are_caught(wacz: Path, tmp_path: Path) -> None:  # EV-10
    with zipfile.ZipFile(wacz) as package, zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as other:
        for name in package.namelist():
            other.writestr(name, package.read(name))
    assert faults(tmp_path / "z")
    (tmp_path / "z").write_bytes(b"no zip")
    assert "no zip" in faults(tmp_path / "z")


def test_our_own_segments_read_strictly_with_revisits_and_rendered_pages(tmp_path: Path) -> None:  # EV-8, EV-9
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
    with SegmentWriter(tmp_path / "own.warc.gz", "own.warc.gz") as writer:
        for path in ("a", "b"):
            moment = datetime(2026, 11, 20, 14, tzinfo=UTC)
            url = f"https://auction.example/{path}.png"
            writer.append(Exchange(url, "GET", moment, b"GET / HTTP/1.1\r\n\r\n", head, body=b"x" * 5000, status=200))
        writer.append_dom(url="https://auction.example/", moment=moment, html=b"<html>", server_ip=None)
        writer.sync()
    with (tmp_path / "own.warc.gz").open("rb") as file:
        records = list(read_records(file))
    types = [record.type for record in records]
    assert types == ["warcinfo", "response", "request", "revisit", "request", "resource"]
    page = Page("https://auction.example/a.png", records[1].date, "a")
    write_wacz(tmp_path / "w", [("own.warc.gz", tmp_path / "own.warc.gz")], [page], title="a", software="r")
    assert faults(tmp_path / "w") == ""


def test_a_revisit_of_a_record_elsewhere_and_a_lone_response_are_caught(tmp_path: Path) -> None:  # EV-8
    moment = datetime(2026, 11, 20, 14, tzinfo=UTC)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    first = Exchange("https://a.example/", "GET", moment, b"GET / HTTP/1.1\r\n\r\n", head, body=b"x" * 5000, status=200)
    other = pack_exchange(first)
    elsewhere = EarlierRecord(other.record_id, first.url, "2026-11-20T14:00:00.000000Z", 0)
    with SegmentWriter(tmp_path / "own.warc.gz", "own.warc.gz") as writer:
        writer.append_bytes(pack_exchange(first, refers_to=elsewhere).data)
        lone = pack_exchange(Exchange("https://b.example/", "GET", moment, b"GET / HTTP/1.1\r\n\r\n", head, status=200))
        with (tmp_path / "lone").open("w+b") as file:
            file.write(lone.data)
            response = next(iter(read_records(file)))
        writer.append_bytes(lone.data[: response.length])
    page = Page("https://a.example/", elsewhere.date, "a")
    write_wacz(tmp_path / "w", [("own.warc.gz", tmp_path / "own.warc.gz")], [page], title="a", software="r")
    found = faults(tmp_path / "w")
    assert "refers to a record that is not in this bundle" in found
    assert "(https://b.example/) has no request" in found


def test_a_record_that_unpacks_without_end_is_stopped(tmp_path: Path) -> None:
    headers = {"WARC-Type": "resource", "WARC-Record-ID": "<urn:uuid:1>", "WARC-Date": "2026-11-20T14:00:00Z"}
    (tmp_path / "bomb").write_bytes(pack_record({**headers, "WARC-Target-URI": "urn:x"}, b"\0" * (4 << 20)))
    with (tmp_path / "bomb").open("rb") as file, pytest.raises(WarcFault, match="more than is allowed"):
        list(read_records(file, largest=1 << 20))


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.Auction.example/Lot/?b=2&A=1", "example,auction)/lot?a=1&b=2"),
        ("http://127.0.0.1:8080/x", "1,0,0,127:8080)/x"),
        ("http://[2001:db8::1]/x/", "2001:db8::1)/x"),
        ("https://auction.example:443", "example,auction)/"),
        ("https://auction.example./?", "example,auction)/"),
        ("https://auction.example//sale/./1/../2/", "example,auction)/sale/2"),
        ("https://auction.example/a%2520b%2Fc%3F", "example,auction)/a%20b/c?"),
        ("https://auction.example/a?x=1%262&b&a=%C3%89", "example,auction)/a?2&a=%c3%89&b&x=1"),
        ("https://auction.example/\u0631\u0642?q=\u00c9", "example,auction)/%d8%b1%d9%82?q=%c3%89"),
        (f"https://auction.example/a?b=1&PHPSESSID={'0A' * 16}&a=2", "example,auction)/a?a=2&b=1"),
        ("https://auction.example/%D8%B1%d9%82", "example,auction)/%d8%b1%d9%82"),
        ("https://\u0645\u062b\u0627\u0644.example/a", "example,xn--mgbh0fb)/a"),
        ("urn:relicwatch:dom:https://auction.example/a b", "urn:relicwatch:dom:https://auction.example/a%20b"),
    ],
)
def test_index_keys_are_those_that_pywb_looks_up(url: str, key: str) -> None:
    assert search_key(url) == key


def test_index_keys_of_addresses_made_to_take_time_take_none() -> None:
    began = time.monotonic()
    assert search_key("https://a.example/" + "%25" * 300_000).startswith("example,a)/%25%25")
    assert search_key("https://a.example/%" + "25" * 500_000).startswith("example,a)/%25")
    assert search_key("https://a.example/?" + "cfid=" * 200_000).startswith("example,a)/?cfid=cfid=")
    assert search_key("https://a.example/\ud800") == "example,a)/?"
    assert time.monotonic() - began < 20
