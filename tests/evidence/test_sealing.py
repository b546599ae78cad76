import os
import shutil
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from warcio.archiveiterator import ArchiveIterator

from crawler.home import Home
from crawler.items import Exchange, RecordPlace
from evidence import sealing
from evidence.sealing import EvidenceDamaged, EvidenceFile, SealingError, file_sha256, heal, seal_listing
from evidence.segments import SegmentWriter
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import AuditEvent, Capture, Job, Listing, Observation, Segment

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
NAME = "fair/2026-11-01-0001.warc.gz"


def exchange(path: str, body: bytes, status: int = 200) -> Exchange:
    return Exchange(
        url=f"https://fair.example{path}",
        method="GET",
        started_at=MOMENT,
        request_head=b"GET " + path.encode() + b" HTTP/1.1\r\nhOsT: fair.example\r\n\r\n",
        response_head=f"HTTP/1.1 {status} Odd\r\ncOnTeNt-TyPe: text/html\r\n\r\n".encode(),
        body=body,
        status=status,
        server_ip="203.0.113.5",
    )


def crawl(database: Database, home: Home, exchanges: list[tuple[Exchange, bool]]) -> int:
    """A listing with these exchanges in transit; the flag says whether the exchange is the listing's own."""
    with SegmentWriter(home.transit / NAME, NAME) as writer:
        places: list[RecordPlace] = [writer.append(one) for one, _ in exchanges]
        writer.sync()
    with database.transaction() as session:
        listing = Listing(
            market="fair", id_space="fair", native_id="1", url="https://fair.example/1",
            first_seen_at=MOMENT, last_seen_at=MOMENT,
        )  # fmt: skip
        segment = Segment(store="transit", name=NAME, market="fair", length=writer.length)
        session.add_all([listing, segment, Job(id=7, kind="capture", arguments={}, idempotency_key="c7")])
        session.flush()
        for place, (_, own) in zip(places, exchanges, strict=True):
            session.add(
                Capture(
                    kind="exchange", listing_id=listing.id if own else None, url=place.url, status=place.status,
                    captured_at=place.captured_at, media_type=place.media_type, sha256=place.sha256,
                    server_ip=place.server_ip, payload_bytes=place.payload_bytes, segment_id=segment.id,
                    offset=place.offset, length=place.length, refers_to_offset=place.refers_to_offset,
                )
            )  # fmt: skip
        return listing.id


def seal(database: Database, home: Home, listing_id: int, job_id: int | None = None) -> int | None:
    return seal_listing(database, home, listing_id, job_id=job_id, actor="job 7", chain=AuditChain())


def sealed(database: Database) -> list[Segment]:
    with database.session() as session:
        return list(session.scalars(select(Segment).where(Segment.store == "evidence").order_by(Segment.id)))


def records(home: Home, segment: Segment) -> list[tuple[str, str | None]]:
    with (home.evidence / segment.name).open("rb") as file:
        return [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"))
            for record in ArchiveIterator(file, check_digests="raise")
        ]


def test_a_redirect_chain_is_sealed_hop_by_hop_byte_for_byte(database: Database, home: Home) -> None:  # EV-6, EV-19
    hops = [exchange("/a", b"", 301), exchange("/b", b"", 302), exchange("/c", b"", 302), exchange("/1", b"page")]
    listing_id = crawl(database, home, [(exchange("/other", b"other"), False), *((hop, True) for hop in hops)])
    assert seal(database, home, listing_id) is not None
    (segment,) = sealed(database)
    path = home.evidence / segment.name
    assert [uri for kind, uri in records(home, segment) if kind == "response"] == [hop.url for hop in hops]
    assert records(home, segment)[0][0] == "warcinfo"  # EV-2
    assert file_sha256(path) == segment.sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    with database.session() as session:
        copies = session.scalars(select(Capture).where(Capture.segment_id == segment.id)).all()
        for copy in copies:
            source = session.get_one(Capture, copy.source_id)
            transit = (home.transit / NAME).read_bytes()[source.offset : source.offset + source.length]
            assert path.read_bytes()[copy.offset : copy.offset + copy.length] == transit
        assert [event.action for event in session.scalars(select(AuditEvent))] == ["captured"]
    assert seal(database, home, listing_id) is None, "all is sealed already"


def test_a_revisit_takes_the_record_it_refers_to_along_once_and_before_it(database: Database, home: Home) -> None:
    body = b"same " * 1000  # EV-8
    listing_id = crawl(
        database, home, [(exchange("/x", body), False), (exchange("/1", body), True), (exchange("/2", body), True)]
    )
    seal(database, home, listing_id)
    (segment,) = sealed(database)
    kinds = [(kind, uri[-2:]) for kind, uri in records(home, segment)[1:] if kind != "request"]
    assert kinds == [("response", "/x"), ("revisit", "/1"), ("revisit", "/2")]
    with database.session() as session:
        rows = session.scalars(select(Capture).where(Capture.segment_id == segment.id).order_by(Capture.offset)).all()
    assert [row.refers_to_offset for row in rows] == [None, rows[0].offset, rows[0].offset]


def test_an_answer_taken_along_for_a_revisit_is_still_sealed_for_its_own_listing(
    database: Database, home: Home
) -> None:
    body = b"two lots " * 500
    owner = crawl(database, home, [(exchange("/list", body), True), (exchange("/list?again", body), False)])
    with database.transaction() as session:
        other = Listing(
            market="fair", id_space="fair", native_id="2", url="https://fair.example/2",
            first_seen_at=MOMENT, last_seen_at=MOMENT,
        )  # fmt: skip
        session.add(other)
        session.flush()
        revisit = session.scalars(select(Capture).where(Capture.listing_id.is_(None))).one()
        session.add(
            Observation(
                listing_id=other.id, capture_id=revisit.id, observed_at=MOMENT, digest="0" * 64, state="live", images=[]
            )
        )
        other_id = other.id
    for listing_id in (other_id, owner):
        assert seal(database, home, listing_id) is not None
    first, second = sealed(database)
    assert [kind for kind, _ in records(home, first) if kind != "request"] == ["warcinfo", "response", "revisit"]
    assert [kind for kind, _ in records(home, second) if kind != "request"] == ["warcinfo", "response"]
    with database.session() as session:
        rows = session.scalars(select(Capture).where(Capture.segment_id == first.id).order_by(Capture.offset)).all()
    assert [row.listing_id for row in rows] == [None, other_id]


def test_a_flipped_byte_in_transit_refuses_and_names_the_place(database: Database, home: Home) -> None:  # EV-18
    listing_id = crawl(database, home, [(exchange("/1", b"page" * 100), True)])
    with database.session() as session:
        offset = session.scalars(select(Capture)).one().offset
    path = home.transit / NAME
    data = bytearray(path.read_bytes())
    data[offset + 200] ^= 1
    path.write_bytes(data)
    with pytest.raises(EvidenceDamaged, match=rf"byte {offset} of .*{NAME}"):
        seal(database, home, listing_id)
    assert sealed(database) == []
    assert list(home.evidence.glob("fair/*")) == []
    with database.session() as session:
        assert [event.action for event in session.scalars(select(AuditEvent))] == ["damage_found"]


def test_a_sealed_file_is_never_written_again(home: Home) -> None:  # EV-19
    with EvidenceFile(home.evidence, "fair/1.warc.gz") as file:
        file.seal()
    with pytest.raises(SealingError, match="never written again"):
        EvidenceFile(home.evidence, "fair/1.warc.gz")


@pytest.mark.parametrize("step", ["fsync", "fchmod", "rename", "commit"])
def test_a_kill_at_any_step_leaves_an_orphan_at_most_and_the_next_run_is_whole(
    database_url: str, home: Home, step: str
) -> None:  # RL-1, RL-3
    database = Database(database_url)
    listing_id = crawl(database, home, [(exchange("/1", b"page"), True)])
    database.dispose()
    child = os.fork()
    if child == 0:
        try:
            if step == "commit":
                sealing._add_rows = lambda *_: os._exit(9)
            elif step == "rename":
                sealing.sync_directory = lambda path: os._exit(9) if list(path.glob("*.warc.gz")) else None
            else:
                setattr(sealing.os, step, lambda *_: os._exit(9))
                sealing.sync_directory = lambda _path: None
            seal(Database(database_url), home, listing_id, 7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    database = Database(database_url)
    assert sealed(database) == []
    report = heal(database, home, chain=AuditChain())
    assert len(report.files_without_row) == 1
    assert len(list((home.evidence / "orphans").iterdir())) == 1
    assert heal(database, home, chain=AuditChain()).count == 0
    assert seal(database, home, listing_id, 7) == seal(database, home, listing_id, 7)
    assert len(sealed(database)) == 1
    database.dispose()


def test_a_row_without_its_file_is_marked_and_found_again(database: Database, home: Home) -> None:  # RL-3
    listing_id = crawl(database, home, [(exchange("/1", b"page"), True)])
    seal(database, home, listing_id)
    path = home.evidence / sealed(database)[0].name
    aside = path.rename(home.root / "aside")
    assert len(heal(database, home, chain=AuditChain()).rows_without_file) == 1
    assert sealed(database)[0].state == "missing"
    aside.rename(path)
    assert len(heal(database, home, chain=AuditChain()).rows_found_again) == 1
    assert sealed(database)[0].state == "sealed"


def test_sealed_bytes_are_closed_to_writing_even_for_the_account_they_belong_to() -> None:  # EV-19
    """As an ordinary account: the superuser may write anything."""
    place = Path(tempfile.mkdtemp(prefix="relicwatch-sealed-"))
    home = Home(place / "home")
    home.create()
    with EvidenceFile(home.evidence, "fair/1.warc.gz") as file:
        file.seal()
    path = home.evidence / "fair/1.warc.gz"
    if os.geteuid() == 0:
        for one in (place, *place.rglob("*")):
            os.chown(one, 65534, 65534)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            assert path.read_bytes()
            for mode in ("ab", "r+b", "wb"):
                with pytest.raises(PermissionError):
                    path.open(mode)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    shutil.rmtree(place)
