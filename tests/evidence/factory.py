"""A home and a database with one case of real rows and small real WARC files, as captures leave them."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.egress import Guard
from crawler.home import Home
from crawler.program import ProgramInfo
from evidence.bundle import ExportedBundle, export_bundle
from evidence.segments import read_members, sha256_label
from evidence.signing import ensure_signing_key
from evidence.stamping import ask_pending, note_captures
from storage.audit import AuditChain
from storage.database import Database
from storage.migrate import upgrade
from storage.object_id import examination_source, photo_source, state_field, text_source
from storage.tables import (
    Assessment,
    Capture,
    Case,
    Decision,
    Exhibit,
    Listing,
    MarketApproval,
    Observation,
    Segment,
    Seller,
    User,
)
from tests.evidence.authority import TestAuthority, configure, serving_authority

START = datetime(2026, 11, 20, 14, 3, 22, 123456, tzinfo=UTC)
PROGRAM = ProgramInfo("relicwatch", "0.1.0", "c0ffee" * 6 + "c0ff")
SELLER = "Old & Rare"
TITLE = "Egyptian faience shabti, Late Period"
DESCRIPTION = "Blue-green faience, 12 cm. Old label to the base.\nFrom a private collection, no papers."
ARABIC_TITLE = "تمثال أوشابتي من الفيانس، العصر المتأخر"
ARABIC_DESCRIPTION = "فيانس أخضر مزرق، الارتفاع 12 سم.\nمن مجموعة خاصة."


@dataclass
class Planted:
    database: Database
    home: Home
    chain: AuditChain
    listing_ids: list[int]
    segments: list[str]
    to: Path

    def export(self, **changes: Any) -> ExportedBundle:
        arguments: dict[str, Any] = {"case": "2026/17", "languages": ("en", "fr", "ar"), "program": PROGRAM}
        arguments |= {"actor": "amira", "to": self.to, "chain": self.chain} | changes
        return export_bundle(self.database, self.home, **arguments)


@dataclass(frozen=True)
class Stamped:
    """A bundle with a stamp over its signature and one over its captures, and what made it."""

    planted: Planted
    bundle: Path
    authority: TestAuthority

    @property
    def home(self) -> Home:
        return self.planted.home


@contextmanager
def stamped_bundle(root: Path) -> Iterator[Stamped]:
    """Made in `root`; while it is open its authority answers, and more can be exported."""
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    home, guard = Home(root / "home"), Guard(allow_loopback=True)
    authority = TestAuthority(root / "authority")
    with serving_authority(authority) as url:
        planted = plant(database, home, root / "out")
        configure(home.root, ("local", url, authority.roots))
        note_captures(database, home)
        ask_pending(database, home, guard, chain=AuditChain(), actor="test")
        yield Stamped(planted, planted.export(guard=guard).path, authority)
    database.dispose()


def png(red: int, green: int, blue: int, width: int = 120, height: int = 90, author: str = "") -> bytes:
    """A picture of one colour with a darker frame, that tells its author."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def pixel(x: int, y: int) -> bytes:
        edge = x < 6 or y < 6 or x >= width - 6 or y >= height - 6
        return bytes(c // 2 if edge else c for c in (red, green, blue))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    told = chunk(b"tEXt", b"Author\0" + author.encode("latin-1")) if author else b""
    parts = (chunk(b"IHDR", header), told, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class QuietWriter(WARCWriter):
    """warcio leaves its temporary files to the garbage collector, which pytest takes for a fault."""

    def _create_temp_file(self) -> io.BytesIO:
        return io.BytesIO()


class WarcFactory:
    """Writes an evidence WARC with warcio, a writer that is not ours, and remembers where each exchange lies."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()
        self.writer = QuietWriter(self.buffer, gzip=True, warc_version="WARC/1.1")
        self.places: list[dict[str, Any]] = []
        info = self.writer.create_warcinfo_record("evidence.warc.gz", {"software": "relicwatch/0.1.0"})
        self._write(info)

    def _write(self, record: Any) -> tuple[int, int]:
        start = self.buffer.tell()
        body = record.raw_stream.read()
        head = record.http_headers.to_ascii_bytes() if record.http_headers else b""
        for name, digested in (("WARC-Payload-Digest", body), ("WARC-Block-Digest", head + body)):
            if name == "WARC-Block-Digest" or record.rec_type != "warcinfo":
                label = sha256_label(hashlib.sha256(digested).digest())
                record.rec_headers.replace_header(name, label)
        record.raw_stream = io.BytesIO(body)
        record.length = len(head) + len(body)  # without it warcio recomputes the digests, as SHA-1
        self.writer.write_record(record)
        return start, self.buffer.tell() - start

    def exchange(
        self, url: str, body: bytes, *, status: str = "200 OK", headers: list[tuple[str, str]], at: datetime
    ) -> None:
        date = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        common = {"WARC-Date": date, "WARC-IP-Address": "203.0.113.5"}
        response = self.writer.create_warc_record(
            url,
            "response",
            payload=io.BytesIO(body),
            http_headers=StatusAndHeaders(status, headers, protocol="HTTP/1.1"),
            warc_headers_dict=common,
        )
        offset, length = self._write(response)
        request = self.writer.create_warc_record(
            url,
            "request",
            payload=io.BytesIO(b""),
            http_headers=StatusAndHeaders("GET / HTTP/1.1", [("Host", "auction.example")], is_http_request=True),
            warc_headers_dict={**common, "WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID")},
        )
        length += self._write(request)[1]
        self.places.append(
            {
                "url": url,
                "status": int(status[:3]),
                "captured_at": at,
                "media_type": dict(headers).get("Content-Type"),
                "server_ip": "203.0.113.5",
                "sha256": hashlib.sha256(body).hexdigest(),
                "payload_bytes": len(body),
                "offset": offset,
                "length": length,
            }
        )

    def data(self) -> bytes:
        data = self.buffer.getvalue()
        assert sum(member.length for member in read_members(data)) == len(data)
        return data


def listing_warc(number: int, title: str, moment: datetime) -> WarcFactory:
    """A redirect, the page, and two pictures."""
    warc = WarcFactory()
    base = "https://auction.example"
    page = f"<!doctype html><title>x</title><h1>lot {number}</h1><p>{title}</p>".encode()
    html = [("Content-Type", "text/html"), ("sErVeR", "odd/1")]
    warc.exchange(
        f"{base}/lot/{number}", b"", status="302 Found", headers=[("Location", f"/sale/3/lot/{number}")], at=moment
    )
    warc.exchange(f"{base}/sale/3/lot/{number}", page, headers=html, at=moment + timedelta(seconds=1))
    for n, colour in enumerate(((60, 140, 150), (180, 150, 90)), 1):
        url = f"{base}/img/{number}-{n}.png"
        headers, body = [("Content-Type", "image/png")], png(*colour, 120 + number, author=SELLER)
        warc.exchange(url, body, headers=headers, at=moment + timedelta(seconds=1 + n))
    return warc


def plant(
    database: Database, home: Home, to: Path, *, title: str = TITLE, description: str = DESCRIPTION, demo: bool = False
) -> Planted:
    """Two listings with observations, assessments, a decision, sealed captures and derivatives, in case 2026/17."""
    home.create(demo=demo)
    ensure_signing_key(home)
    chain = AuditChain("plant-chain")
    texts = [(title, description), (ARABIC_TITLE, ARABIC_DESCRIPTION)]
    ids: list[int] = []
    names: list[str] = []
    with database.transaction() as session:
        user = User(name="amira", role="reviewer", created_at=START)
        seller = Seller(id_space="ex", native_id="s-77", name=SELLER, first_seen_at=START, last_seen_at=START)
        case = Case(reference="2026/17", title="Shabtis <autumn>", opened_by="amira", opened_at=START, demo=demo)
        approval = MarketApproval(
            market="example_auction",
            definition_sha256="d" * 64,
            approved_by="amira",
            approved_at=START,
            legal_basis="law",
            demo=demo,
        )
        session.add_all([user, seller, case, approval])
        session.flush()
        for number, (own_title, own_description) in enumerate(texts, 1):
            moment = START + timedelta(hours=number)
            listing = Listing(
                market="example_auction",
                id_space="ex",
                native_id=f"3/{number}",
                url=f"https://auction.example/lot/{number}",
                first_seen_at=moment,
                last_seen_at=moment + timedelta(days=1),
                demo=demo,
            )
            session.add(listing)
            session.flush()
            ids.append(listing.id)
            chain.record(session, actor="job 4", action="listing.flagged", object_kind="listing", object_id=listing.id)
            chain.record(session, actor="job 4", action="job.done", object_kind="job", object_id=4)
            names.append(_plant_captures(session, home, chain, listing, own_title, moment))
            for step, price in enumerate((Decimal("1200.50"), Decimal("1350"))):
                observation = Observation(
                    listing_id=listing.id,
                    observed_at=moment + timedelta(minutes=step),
                    digest=hashlib.sha256(f"{number}{step}".encode()).hexdigest(),
                    title=own_title,
                    description=own_description,
                    price=price,
                    currency="GBP",
                    seller_id=seller.id,
                    seller_name=SELLER,
                    lot_number=str(number),
                    state="live",
                    images=[f"https://auction.example/img/{number}-1.png"],
                    sources={"title": "json-ld:name"},
                )
                session.add(observation)
                session.flush()
            words = own_title.split()[1]
            at = own_title.index(words)
            reason = {"field": "title", "start": at, "end": at + len(words), "text": words, "weight": 1.5}
            against = {"field": "description", "start": 0, "end": 6, "text": own_description[:6], "weight": -0.4}
            assessment = Assessment(
                listing_id=listing.id,
                observation_id=observation.id,
                model="text-1:3f9a",
                score=0.91,
                flagged=True,
                band="strong",
                language="en",
                labels=["object:shabti"],
                reasons=[{**reason, "rule": "object:shabti"}, {**against, "rule": "words"}],
                assessed_at=moment,
            )
            session.add(assessment)
            session.flush()
            listing.current_observation_id = observation.id
            exhibit = Exhibit(
                case_id=case.id, listing_id=listing.id, observation_id=observation.id, number=number, added_by="amira"
            )
            exhibit.added_at = moment
            session.add(exhibit)
            if number == 1:
                decision = Decision(
                    listing_id=listing.id,
                    observation_id=observation.id,
                    assessment_id=assessment.id,
                    user_id=user.id,
                    decided_at=moment + timedelta(hours=2),
                    verdict="antiquity",
                    next_step="refer",
                    note="See the base <b>label</b>",
                    request_key="k1",
                )
                session.add(decision)
                session.flush()
                chain.record(
                    session,
                    actor="amira",
                    action="decided",
                    object_kind="listing",
                    object_id=listing.id,
                    details={
                        "decision": decision.id,
                        "observation": observation.id,
                        "assessment": assessment.id,
                        "verdict": "antiquity",
                        "next_step": "refer",
                        "reason": None,
                        "supersedes": None,
                    },
                )
            if number == 1:
                _plant_statements(session, chain, listing.id, own_title.split()[1])
        chain.record(session, actor="amira", action="case.opened", object_kind="case", object_id=case.id)
    to.mkdir(parents=True, exist_ok=True)
    return Planted(database, home, chain, ids, names, to)


def _plant_statements(session: Any, chain: AuditChain, listing_id: int, words: str) -> None:
    """What an officer states of the object: from the text, from a picture, from their own examination, once anew."""
    thumbnail = session.scalars(
        select(Capture).where(Capture.listing_id == listing_id, Capture.kind == "thumbnail")
    ).first()
    sources = {
        "subject": text_source(session, listing_id, words),
        "distinguishing_features": photo_source(session, listing_id, thumbnail.id),
        "maker": examination_source("Seen at the counter, 10x lens"),
    }
    for field, value in (
        ("subject", "standing figure"),
        ("distinguishing_features", "chip at the base"),
        ("maker", "unknown workshop"),
        ("maker", "workshop of Deir el-Medina"),
    ):
        state_field(session, chain, listing_id, field=field, value=value, source=sources[field], actor="amira")


def _plant_captures(session: Any, home: Home, chain: AuditChain, listing: Listing, title: str, moment: datetime) -> str:
    number = int(listing.native_id.split("/")[1])
    warc = listing_warc(number, title, moment)
    data = warc.data()
    name = f"ex/{number}-0001.warc.gz"
    path = home.evidence / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o444)
    digest = hashlib.sha256(data).hexdigest()
    segment = Segment(store="evidence", name=name, state="sealed", length=len(data), sha256=digest)
    session.add(segment)
    session.flush()
    exchanges = [
        Capture(kind="exchange", listing_id=listing.id, segment_id=segment.id, **place) for place in warc.places
    ]
    session.add_all(exchanges)
    session.flush()
    derivatives: list[tuple[str, str, bytes]] = [
        ("screenshot", "image/png", png(235, 235, 240, 640, 900)),
        ("screenshot_viewport", "image/png", png(230, 240, 235, 640, 400)),
        ("dom", "text/html", f"<html><script>alert(1)</script>{title}</html>".encode("utf-8", "replace")),
        ("thumbnail", "image/png", png(10, 20, 30 + number, 32, 24)),
    ]
    for kind, media_type, content in derivatives:
        sha256 = hashlib.sha256(content).hexdigest()
        file = home.file_path(sha256)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        capture = Capture(
            kind=kind,
            listing_id=listing.id,
            source_id=exchanges[1].id,
            url=exchanges[1].url,
            captured_at=moment + timedelta(seconds=5),
            media_type=media_type,
            sha256=sha256,
            payload_bytes=len(content),
        )
        session.add(capture)
    session.flush()
    details: dict[str, Any] = {"segment": segment.id, "sha256": digest}
    chain.record(
        session, actor="job 4", action="capture.sealed", object_kind="listing", object_id=listing.id, details=details
    )
    return name


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file that is write-protected."""
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))
