from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from crawler.home import Home
from crawler.items import Exchange, RecordPlace
from crawler.recording import CaptureFailed
from evidence.segments import SegmentWriter, find_members, label_to_hex
from evidence.transit import FOUND_AGAIN, Recovery, TransitRecorder, recover_market
from storage.captures import insert_captures
from storage.database import Database
from storage.tables import Capture, Segment

MARKET = "a_market"


def exchange(number: int, body: bytes = b"") -> Exchange:
    return Exchange(
        url=f"http://market.example/{number}",
        method="GET",
        started_at=datetime(2026, 11, 23, 12, 0, number, tzinfo=UTC),
        request_head=f"GET /{number} HTTP/1.1\r\nHost: market.example\r\n\r\n".encode(),
        response_head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
        body=body or f"page {number}".encode(),
        status=200,
        server_ip="203.0.113.5",
    )


@pytest.fixture
def recorder(database: Database, home: Home) -> TransitRecorder:
    return TransitRecorder(database, home, MARKET)


def segment_file(home: Home) -> Path:
    (path,) = home.transit.glob("*/*.warc.gz")
    return path


def keep(database: Database, places: list[RecordPlace]) -> None:
    with database.transaction() as session:
        insert_captures(session, places, crawl_id=None, market=MARKET)


def captures(database: Database) -> list[Capture]:
    with database.reading() as session:
        return list(session.scalars(select(Capture).order_by(Capture.offset)))


def test_what_was_appended_waits_until_the_database_knows_it(recorder: TransitRecorder) -> None:  # RL-2
    first, second = recorder.append(exchange(1)), recorder.append(exchange(2))
    assert list(recorder.sync()) == [first, second]
    recorder.confirm([first])
    assert list(recorder.sync()) == [second]
    recorder.close()


def test_a_day_s_crawls_share_one_segment_and_an_unchanged_page_becomes_a_revisit(
    recorder: TransitRecorder, database: Database, home: Home
) -> None:  # EV-9
    page = b"<html>" + b"lamp " * 1000
    keep(database, [recorder.append(exchange(1, page))])
    recorder.close()
    later = TransitRecorder(database, home, MARKET)
    place = later.append(exchange(2, page))
    later.close()
    assert place.refers_to_offset is not None
    kinds = [member.type for member in find_members(segment_file(home))]
    assert kinds == ["warcinfo", "response", "request", "revisit", "request"]


def test_nothing_is_to_be_done_after_a_clean_end(recorder: TransitRecorder, database: Database, home: Home) -> None:
    keep(database, [recorder.append(exchange(1))])
    recorder.close()
    assert recover_market(database, home, MARKET) == Recovery()
    assert recover_market(database, home, "another_market") == Recovery()


def test_whole_records_without_a_row_are_adopted_once(
    recorder: TransitRecorder, database: Database, home: Home
) -> None:  # RL-3
    page = b"<html>" + b"lamp " * 1000
    keep(database, [recorder.append(exchange(1))])
    lost = [recorder.append(exchange(2, page)), recorder.append(exchange(3, page))]  # the second one is a revisit
    dom = recorder.append_dom(url="http://market.example/2", moment=exchange(2).started_at, html=b"<p>", source=lost[0])
    recorder.close()
    assert recover_market(database, home, MARKET).found_again == 3
    _, second, third, rendered = captures(database)
    for row, place in ((second, lost[0]), (third, lost[1]), (rendered, dom)):
        assert (row.offset, row.length, row.sha256, row.record_id) == (
            place.offset,
            place.length,
            place.sha256,
            place.record_id,
        )
        assert (row.url, row.status or 200, row.media_type, row.captured_at) == (
            place.url,
            200,
            "text/html",
            place.captured_at,
        )
        assert row.kind == place.kind
    assert second.note == FOUND_AGAIN
    assert third.refers_to_offset == second.offset
    assert recover_market(database, home, MARKET) == Recovery()
    assert len(captures(database)) == 4


@pytest.mark.parametrize(
    "tear",
    [
        lambda data, place: data[:-1],
        lambda data, place: data[: place.offset + 1],
        lambda data, place: data[: place.offset + place.length // 2],
        lambda data, place: data[: place.offset + place.length - 60],
    ],
    ids=["last byte", "first byte", "middle", "request record"],
)
def test_a_torn_tail_is_cut_off_and_what_is_before_it_stays(
    recorder: TransitRecorder,
    database: Database,
    home: Home,
    tear: Callable[[bytes, RecordPlace], bytes],
) -> None:  # RL-2, RL-3
    keep(database, [recorder.append(exchange(1))])
    whole, torn = recorder.append(exchange(2)), recorder.append(exchange(3))
    recorder.close()
    path = segment_file(home)
    left = tear(path.read_bytes(), torn)
    path.write_bytes(left)
    recovery = recover_market(database, home, MARKET)
    size = len(left) - torn.offset
    assert recovery == Recovery(found_again=1, cut_bytes=size, cut_tails=1)
    assert recovery.healed == 2
    assert recovery.sentence == (
        f"2 healed in transit: 1 captures without a row found again, 1 torn ends of {size} bytes cut off."
    )
    assert path.stat().st_size == torn.offset
    assert [row.url for row in captures(database)] == [exchange(1).url, whole.url]

    again = TransitRecorder(database, home, MARKET)
    place = again.append(exchange(3))
    again.close()
    assert place.offset == torn.offset
    assert [member.type for member in find_members(path)] == ["warcinfo", *["response", "request"] * 3]


def test_a_segment_torn_in_its_first_record_begins_anew(database: Database, home: Home) -> None:
    directory = home.transit / MARKET
    directory.mkdir()
    recorder = TransitRecorder(database, home, MARKET)
    recorder.append(exchange(1))
    recorder.close()
    path = segment_file(home)
    path.write_bytes(path.read_bytes()[:20])
    assert recover_market(database, home, MARKET).cut_bytes == 20
    recorder = TransitRecorder(database, home, MARKET)
    place = recorder.append(exchange(1))
    recorder.close()
    first, *_ = find_members(path)
    assert first.type == "warcinfo"
    assert label_to_hex(list(find_members(path))[1].headers["warc-payload-digest"]) == place.sha256


@pytest.mark.parametrize("damage", ["shorter", "gone"])
def test_a_segment_shorter_than_promised_is_named_and_left_alone(
    recorder: TransitRecorder, database: Database, home: Home, damage: str
) -> None:  # RL-3: rows without their bytes
    keep(database, [recorder.append(exchange(1))])
    recorder.close()
    path = segment_file(home)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    size = path.stat().st_size if path.exists() else None
    recovery = recover_market(database, home, MARKET)
    assert recovery.too_short == (f"{MARKET}/{path.name}",)
    assert recovery.cut_bytes == 0
    assert (path.stat().st_size if path.exists() else None) == size
    assert len(captures(database)) == 1


def test_a_market_s_whole_directory_gone_is_named(recorder: TransitRecorder, database: Database, home: Home) -> None:
    keep(database, [recorder.append(exchange(1))])
    recorder.close()
    path = segment_file(home)
    path.unlink()
    path.parent.rmdir()
    assert recover_market(database, home, MARKET).too_short == (f"{MARKET}/{path.name}",)


def test_a_record_that_the_disk_refuses_is_told_and_remembered(
    recorder: TransitRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    recorder.append(exchange(1))
    with monkeypatch.context() as context:
        context.setattr("evidence.segments.os.write", refuse)
        with pytest.raises(CaptureFailed, match=r"No space left on device\): free space and start again"):
            recorder.append(exchange(2))
    assert recorder.refused is not None
    assert len(recorder.sync()) == 1
    recorder.close()


def test_the_segment_s_known_length_covers_its_captures(
    recorder: TransitRecorder, database: Database, home: Home
) -> None:
    keep(database, [recorder.append(exchange(1)), recorder.append(exchange(2))])
    recorder.close()
    with database.reading() as session:
        (segment,) = session.scalars(select(Segment))
    assert segment.length == segment_file(home).stat().st_size
    assert (segment.store, segment.market, segment.state) == ("transit", MARKET, "open")
    SegmentWriter(segment_file(home), segment.name).close()
