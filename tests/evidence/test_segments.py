import errno
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.items import Exchange
from evidence import segments
from evidence.segments import SegmentWriter, StoreError, find_members, label_to_hex, read_bytes, read_members

MOMENT = datetime(2026, 11, 1, 12, 0, 0, 250000, tzinfo=UTC)


def exchange(path: str, body: bytes, request_body: bytes = b"") -> Exchange:
    return Exchange(
        url=f"https://fair.example{path}",
        method="POST" if request_body else "GET",
        started_at=MOMENT,
        request_head=b"GET / HTTP/1.1\r\nhOsT: fair.example\r\n\r\n",
        response_head=b"HTTP/1.1 200 Fine\r\ncOnTeNt-TyPe: text/html; charset=x\r\n\r\n",
        request_body=request_body,
        body=body,
        status=200,
        server_ip="203.0.113.5",
    )


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    path = tmp_path / "fair" / "day.warc.gz"
    with SegmentWriter(path, "fair/day.warc.gz") as writer:
        writer.append(exchange("/1", b"\xff\x00odd" * 500, b"asked"))
        writer.append(exchange("/2", b"\xff\x00odd" * 500))
        writer.append_dom(url="https://fair.example/1", moment=MOMENT, html=b"<p>", server_ip=None)
        writer.sync()
    return path


def test_every_record_has_sha256_digests_that_warcio_finds_right(segment: Path) -> None:  # EV-2, EV-3
    with segment.open("rb") as file:
        kinds = []
        for record in ArchiveIterator(file, check_digests="raise"):
            record.content_stream().read()
            kinds.append(record.rec_type)
            assert record.rec_headers.get_header("WARC-Block-Digest").startswith("sha256:")
    assert kinds == ["warcinfo", "response", "request", "revisit", "request", "resource"]
    run = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(segment)], capture_output=True, text=True, check=False
    )
    told = run.stdout + run.stderr
    assert run.returncode == 0, told
    assert "sha1:" not in told
    assert "digest pass" in told


def test_a_second_identical_payload_is_a_revisit_with_the_triple(segment: Path) -> None:  # EV-9
    _, first, _, again, *_ = find_members(segment)
    assert again.type == "revisit"
    assert again.headers["warc-refers-to"] == first.headers["warc-record-id"]
    assert again.headers["warc-refers-to-target-uri"] == "https://fair.example/1"
    assert again.headers["warc-refers-to-date"] == first.headers["warc-date"] == "2026-11-01T12:00:00.250000Z"
    assert again.headers["warc-payload-digest"] == first.headers["warc-payload-digest"]


def test_a_torn_tail_ends_the_search_and_costs_no_whole_member(segment: Path) -> None:  # RL-2
    whole = list(find_members(segment))
    data = segment.read_bytes()
    for cut in (1, 9, whole[-1].length - 1):
        segment.write_bytes(data[:-cut])
        assert [m.offset for m in find_members(segment)] == [m.offset for m in whole[:-1]]
        assert len(list(read_members(data[:-cut]))) == len(whole) - 1
    segment.write_bytes(data + b"not a member")
    assert len(list(find_members(segment))) == len(whole)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # RL-5
    path = tmp_path / "day.warc.gz"
    with SegmentWriter(path, "day.warc.gz") as writer:
        writer.append(exchange("/1", b"first"))
        before = path.read_bytes()
        write = os.write

        def half(file: int, data: bytes) -> int:
            monkeypatch.setattr(segments.os, "write", full)
            return write(file, data[:10])

        def full(_file: int, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(segments.os, "write", half)
        with pytest.raises(StoreError, match="free space"):
            writer.append(exchange("/2", b"second"))
        assert path.read_bytes() == before
        monkeypatch.setattr(segments.os, "write", write)
        place = writer.append(exchange("/3", b"third"))
    assert place.offset == len(before)
    assert [m.headers["warc-target-uri"][-2:] for m in read_members(read_bytes(path, place.offset, place.length))] == [
        "/3",
        "/3",
    ]


def test_bytes_beyond_the_end_are_an_error_and_no_short_read(segment: Path) -> None:
    with pytest.raises(StoreError, match="ends at byte"):
        read_bytes(segment, segment.stat().st_size - 5, 10)


@pytest.mark.parametrize("label", ["", "sha1:ABCD", "sha256:", "sha256:!!!", "md5:AA"])
def test_a_label_of_another_algorithm_or_a_broken_one_is_no_digest(label: str) -> None:
    assert label_to_hex(label) is None
