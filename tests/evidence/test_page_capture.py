import gzip
import hashlib
import io
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Response as PageResponse
from sqlalchemy import select
from warcio.archiveiterator import ArchiveIterator

from crawler import chromium
from crawler.browser_exchange import exchange_of
from crawler.egress import Guard
from crawler.home import Home
from crawler.items import Exchange
from evidence import page_capture
from evidence.page_capture import CaptureLimits, CaptureResult, capture_listing
from evidence.sealing import file_sha256
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import AuditEvent, Capture, Listing, Observation, Segment, Seller
from tests.evidence.web import Web, serving
from tests.market_server import Asked, MarketServer, Reply, reply
from tests.processes import below, command_of

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
needs_chromium = pytest.mark.needs_chromium
PNG = ("Content-Type", "image/png")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    with serving() as served:
        yield served


@pytest.fixture
def market() -> Iterator[MarketServer]:
    """Where a web of whole answers is not enough."""
    served = MarketServer()
    yield served
    served.close()


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """One kind is enough here: what differs between databases is tested with the sealing."""
    path = tmp_path / "relicwatch.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


def picture(colour: str, size: tuple[int, int] = (60, 40)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def add_listing(database: Database, url: str, images: list[str]) -> int:
    with database.transaction() as session:
        listing = Listing(
            market="fair", id_space="fair", native_id="1", url=url, first_seen_at=MOMENT, last_seen_at=MOMENT
        )
        session.add(listing)
        session.flush()
        observation = Observation(
            listing_id=listing.id, observed_at=MOMENT, digest="0" * 64, state="live", images=images
        )
        session.add(observation)
        session.flush()
        listing.current_observation_id = observation.id
        return listing.id


def capture(
    database: Database, home: Home, listing_id: int, job_id: int | None = None, **more: object
) -> CaptureResult:
    return capture_listing(
        database,
        home,
        listing_id,
        job_id=job_id,
        actor="job 1",
        chain=AuditChain(),
        guard=Guard(allow_loopback=True),
        **more,
    )


def records(home: Home, database: Database, segment_id: int) -> dict[tuple[str, str], tuple[bytes, object]]:
    """(type, URL) -> (payload as stored, HTTP headers) of an evidence file, with every digest checked."""
    with database.session() as session:
        name = session.get_one(Segment, segment_id).name
    found = {}
    with (home.evidence / name).open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            key = (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"))
            found[key] = (record.raw_stream.read(), record.http_headers)
    return found


def captures(database: Database) -> list[Capture]:
    with database.session() as session:
        return list(session.scalars(select(Capture).order_by(Capture.id)))


@needs_chromium
def test_a_captured_page_is_sealed_with_its_pictures_screenshots_dom_and_pdf(
    database: Database, home: Home, web: Web
) -> None:
    html = (
        '<html><head><meta charset="windows-1256"><title>\u062a\u0645\u062b\u0627\u0644</title></head><body>'
        '<img src="/small.png" srcset="/small.png 1x, /large.png 2x"><div style="height:5000px"></div>'
        '<img loading="lazy" src="/lazy.png"><script>document.body.append("drawn by script")</script></body></html>'
    ).encode("windows-1256")
    page = web.add(
        "/lot/1", gzip.compress(html), ("Content-Type", "text/html; charset=windows-1256"), ("Content-Encoding", "gzip")
    )
    pictures = {name: picture(colour) for name, colour in (("small", "red"), ("large", "green"), ("lazy", "blue"))}
    urls = [web.add(f"/{name}.png", body, PNG) for name, body in pictures.items()]
    listing_id = add_listing(database, page, urls)
    waited = []

    result = capture(database, home, listing_id, wait=lambda: waited.append(list(web.asked)))

    assert result.reason is None
    assert result.state == "COMPLETE"
    assert waited == [[]], "the market's pace is honoured before anything is asked for"
    found = records(home, database, result.segment_id)
    body, head = found[("response", page)]
    # EV-1: decoded by the browser (Chromium hands out text as UTF-8), and the head says what was served
    assert body == html.decode("windows-1256").encode()
    assert head.get_header("x-orig-content-type") == "text/html; charset=windows-1256"
    assert head.get_header("x-orig-content-encoding") == "gzip"
    assert head.get_header("Content-Encoding") is None
    for url, picture_bytes in zip(urls, pictures.values(), strict=True):  # EV-13
        assert found[("response", url)][0] == picture_bytes
    assert b"drawn by script" in found[("resource", f"urn:relicwatch:dom:{page}")][0]
    rows = captures(database)
    by_kind = {row.kind: row for row in rows if row.kind != "exchange"}
    assert set(by_kind) == {"dom", "screenshot", "screenshot_viewport", "pdf", "capture_report"}
    exchange = next(row for row in rows if row.kind == "exchange" and row.url == page)
    assert exchange.decoded_by_browser
    assert exchange.server_ip == "127.0.0.1"  # EV-5
    assert exchange.sha256 == hashlib.sha256(body).hexdigest()
    for row in by_kind.values():
        assert row.source_id == exchange.id
        assert file_sha256(home.file_path(row.sha256)) == row.sha256
    assert home.file_path(by_kind["pdf"].sha256).read_bytes().startswith(b"%PDF")
    with Image.open(home.file_path(by_kind["screenshot"].sha256)) as whole:
        assert whole.height > 5000
    assert all("relicwatch/" in agent for agent in web.agents)


@needs_chromium
def test_what_the_guard_refuses_is_listed_with_its_rule(database: Database, home: Home, web: Web) -> None:  # EV-14
    page = web.add(
        "/lot/2",
        b"<body><img src='http://10.1.2.3/inner.png'><img src='https://[fd00::1]/x.png'>"
        b"<img src='http://169.254.169.254/latest/meta-data'></body>",
    )
    listing_id = add_listing(database, page, ["http://192.168.0.1/photo.jpg"])

    result = capture(database, home, listing_id)

    assert result.state == "PARTIAL"
    assert {(one.target, one.rule) for one in result.refused} == {
        ("http://10.1.2.3/inner.png", "private"),
        ("https://[fd00::1]/x.png", "private"),
        ("http://169.254.169.254/latest/meta-data", "metadata"),
        ("http://192.168.0.1/photo.jpg", "private"),
    }
    exchange = next(row for row in captures(database) if row.kind == "exchange" and row.url == page)
    assert exchange.state == "PARTIAL"
    assert "http://10.1.2.3/inner.png (private)" in exchange.note
    report = next(row for row in captures(database) if row.kind == "capture_report")
    assert len(json.loads(home.file_path(report.sha256).read_bytes())["refused"]) == 4


@needs_chromium
def test_a_page_that_never_rests_and_asks_back_is_cut_off_in_time(database: Database, home: Home, web: Web) -> None:
    page = web.add(
        "/lot/3",
        b"<body>words<script>onload = () => { alert('stop'); setTimeout(() => { while (1); }, 500) }</script>",
    )
    listing_id = add_listing(database, page, [])

    result = capture(
        database, home, listing_id, limits=CaptureLimits(page_seconds=6, load_seconds=4, rest_seconds=1, step_seconds=1)
    )

    assert result.state == "PARTIAL"  # RL-11
    assert "gave no answer" in result.reason
    assert records(home, database, result.segment_id)[("response", page)][0].startswith(b"<body>words")


@needs_chromium
def test_a_page_that_is_not_to_be_had_is_a_failed_capture_and_says_why(
    database: Database, home: Home, web: Web
) -> None:
    listing_id = add_listing(database, "http://127.0.0.1:9/lot", [])

    result = capture(database, home, listing_id)

    assert result.state in ("FAILED", "PARTIAL")
    assert "http://127.0.0.1:9/lot" in result.reason
    assert [row.state for row in captures(database) if row.kind == "capture_report"] == [result.state]


SILENT = Reply(b"", then="hang")
SHORT = CaptureLimits(page_seconds=6, load_seconds=2, rest_seconds=1, step_seconds=1)
LOADER = "error while loading shared libraries: libnss3.so: cannot open shared object file"


def exchanges(database: Database) -> dict[str, tuple[str, str | None]]:
    """URL -> (state, truncated) of each exchange."""
    return {row.url: (row.state, row.truncated) for row in captures(database) if row.kind == "exchange"}


@needs_chromium
def test_a_page_that_crashes_before_its_load_keeps_what_had_come_in(
    database: Database, home: Home, web: Web, market: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = b'<body>words<script src="/other.js"></script></body>'
    market.routes |= {"/lot": reply(words), "/other.js": SILENT}
    read = threading.Event()

    async def reading(response: PageResponse, moment: datetime) -> Exchange:
        exchange = await exchange_of(response, moment)
        read.set()
        return exchange

    def crash(asked: Asked) -> None:
        """Once the page has come in, while its load still waits for the script."""
        if asked.target == "/other.js":
            assert read.wait(30)
            for one in below(os.getpid()):
                if "--type=renderer" in command_of(one):
                    one.kill()

    monkeypatch.setattr(page_capture, "exchange_of", reading)
    market.before_answering = crash
    page = market.url("/lot")
    listing_id = add_listing(database, page, [web.add("/photo.png", picture("red"), PNG)])

    result = capture(database, home, listing_id)

    assert "The page crashed in the browser." in result.reason  # RL-10
    assert "could not be opened" in result.reason
    found = records(home, database, result.segment_id)
    assert found[("response", page)][0] == words
    assert ("response", web.url("/photo.png")) in found
    assert result.state == "PARTIAL", "the page itself was had"
    assert exchanges(database)[page] == ("PARTIAL", None)


@needs_chromium
@pytest.mark.parametrize("extra", ['<iframe src="/half"></iframe>', "<script>while (true);</script>"])
def test_what_had_not_come_in_whole_is_kept_by_its_head(
    database: Database, home: Home, web: Web, market: MarketServer, extra: str
) -> None:
    market.routes |= {
        "/lot": reply(f"<body>words{extra}</body>"),
        "/half": reply("<p>" + "half " * 2000, length=90_000, then="hang"),
    }
    listing_id = add_listing(database, market.url("/lot"), [])

    result = capture(database, home, listing_id, limits=SHORT)

    cut = market.url("/half" if "half" in extra else "/lot")  # a script that never ends lets nobody read its page
    assert "The page had not finished loading after 2 s." in result.reason
    assert f"The body of {cut} was no longer to be had from the browser." in result.reason
    assert result.state == "PARTIAL" if "half" in extra else result.state in ("PARTIAL", "FAILED")
    assert exchanges(database)[cut] == ("PARTIAL", "time")  # EV-7
    assert market.url("/lot") in exchanges(database)
    body, head = records(home, database, result.segment_id)[("response", cut)]
    assert body == b""
    assert head.get_statuscode() == "200"


@needs_chromium
def test_a_page_without_an_answer_is_a_failed_capture(
    database: Database, home: Home, web: Web, market: MarketServer
) -> None:
    market.routes["/lot"] = SILENT
    listing_id = add_listing(database, market.url("/lot"), [])

    result = capture(database, home, listing_id, limits=SHORT)

    assert (result.state, result.exchanges) == ("FAILED", 0)
    assert result.reason == "The page had not finished loading after 2 s."


@needs_chromium
def test_a_browser_that_ends_in_the_middle_costs_no_more_than_the_page(
    database: Database, home: Home, web: Web, market: MarketServer
) -> None:
    def end(asked: Asked) -> None:
        for one in below(os.getpid()):
            if "--remote-debugging-pipe" in command_of(one):
                one.kill()

    market.routes["/lot"] = reply("words")
    market.before_answering = end
    photo = web.add("/photo.png", picture("red"), PNG)
    listing_id = add_listing(database, market.url("/lot"), [photo])

    result = capture(database, home, listing_id)

    assert result.state == "FAILED"
    assert "The page could not be opened" in result.reason
    assert exchanges(database) == {photo: ("COMPLETE", None)}


def test_a_chromium_that_does_not_start_costs_no_more_than_one_that_is_missing(
    database: Database, home: Home, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text(f'#!/bin/sh\necho "$0: {LOADER}" >&2\nexit 127\n')
    broken.chmod(0o755)
    monkeypatch.setenv("RELICWATCH_CHROMIUM", str(broken))
    photo = web.add("/photo.png", picture("red"), PNG)
    listing_id = add_listing(database, web.add("/lot/6", b"page"), [photo])

    result = capture(database, home, listing_id)

    assert result.state == "PARTIAL"
    assert result.reason == f"Chromium ({broken}) did not start: {LOADER}."
    assert records(home, database, result.segment_id)[("response", photo)][0] == picture("red")
    assert exchanges(database) == {photo: ("COMPLETE", None)}
    assert [row.state for row in captures(database) if row.kind == "capture_report"] == ["PARTIAL"]


def test_without_chromium_the_images_are_still_sealed_as_received(
    database: Database, home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "find_chromium", lambda: None)
    photo = picture("red")
    packed = gzip.compress(photo)
    web.add("/moved.png", b"", ("Location", "/photo.png"), status=302)
    web.add("/photo.png", packed, PNG, ("cOnTeNt-EnCoDiNg", "gzip"))
    big = web.add("/big.png", bytes(2000), PNG)
    listing_id = add_listing(database, web.add("/lot/4", b"page"), [web.url("/moved.png"), big])

    result = capture(database, home, listing_id, limits=CaptureLimits(image_bytes=1000))

    assert result.state == "PARTIAL"
    assert "There is no Chromium" in result.reason
    found = records(home, database, result.segment_id)
    body, head = found[("response", web.url("/photo.png"))]
    assert body == packed  # EV-1: coding and header case kept
    assert ("cOnTeNt-EnCoDiNg", "gzip") in head.headers
    assert ("response", web.url("/moved.png")) in found  # EV-6
    cut = next(row for row in captures(database) if row.url == big)
    assert (cut.truncated, cut.state, cut.payload_bytes) == ("length", "PARTIAL", 1000)  # EV-7
    assert "/lot/4" not in web.asked


def test_where_chromium_may_not_start_the_photos_are_still_sealed(
    database: Database, home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "find_chromium", lambda: Path("/usr/bin/true"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("RELICWATCH_CHROMIUM_NO_SANDBOX", raising=False)
    photo = web.add("/photo.png", picture("red"), PNG)
    listing_id = add_listing(database, web.url("/lot/6"), [photo])

    result = capture(database, home, listing_id)

    assert result.state == "PARTIAL"
    assert "The page was not rendered: Chromium cannot keep its sandbox as root" in result.reason
    assert ("response", photo) in records(home, database, result.segment_id)


def test_the_same_job_run_again_gives_the_same_result_and_asks_for_nothing(
    database: Database, home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:  # EV-35
    from storage.tables import Job

    monkeypatch.setattr(chromium, "find_chromium", lambda: None)
    photo = web.add("/photo.png", picture("red"), PNG)
    listing_id = add_listing(database, web.url("/lot/5"), [photo])
    with database.transaction() as session:
        job = Job(kind="capture", arguments={}, idempotency_key="capture 5")
        session.add(job)
        session.flush()
        job_id = job.id

    first = capture(database, home, listing_id, job_id)
    second = capture(database, home, listing_id, job_id)

    assert (second.segment_id, second.state, second.reason) == (first.segment_id, first.state, first.reason)
    assert second.exchanges == first.exchanges == 1
    assert web.asked == ["/photo.png"]
    with database.session() as session:
        assert len(session.scalars(select(AuditEvent)).all()) == 1


@needs_chromium
def test_the_seller_s_page_and_the_terms_are_captured_too_and_what_robots_txt_bars_is_left(
    database: Database, home: Home, web: Web
) -> None:
    # EV-15, EV-16
    html = b'<a href="/terms">Terms of sale</a><a href="/barred/agb">AGB</a>'
    page = web.add("/lot/9", html, ("Content-Type", "text/html"))
    for path in ("/terms", "/barred/agb", "/seller/7"):
        web.add(path, path.encode(), ("Content-Type", "text/html"))
    web.add("/robots.txt", b"User-agent: *\nDisallow: /barred/\n", ("Content-Type", "text/plain"))
    listing_id = add_listing(database, page, [])
    root = page.removesuffix("/lot/9")
    with database.transaction() as session:
        seller = Seller(
            id_space="fair", native_id="7", name="s", url=f"{root}/seller/7", first_seen_at=MOMENT, last_seen_at=MOMENT
        )
        session.add(seller)
        session.flush()
        session.get_one(Observation, session.get_one(Listing, listing_id).current_observation_id).seller_id = seller.id

    result = capture(database, home, listing_id, limits=CaptureLimits(linked_pause_seconds=0.0))

    assert (result.state, result.reason) == ("COMPLETE", None)
    found = records(home, database, result.segment_id)
    assert found[("response", f"{root}/terms")][0] == b"/terms"
    assert found[("response", f"{root}/seller/7")][0] == b"/seller/7"
    assert ("response", f"{root}/barred/agb") not in found
    (row,) = [row for row in captures(database) if row.kind == "capture_report"]
    report = json.loads(home.file_path(row.sha256).read_bytes())
    linked = [(one["what"], one["url"]) for one in report["linked_pages"]]
    assert linked == [("seller", f"{root}/seller/7"), ("terms", f"{root}/terms")]
    assert report["hosts"][0]["addresses"] and report["clock"]["at"] and report["user_agent"] and report["commit"]
