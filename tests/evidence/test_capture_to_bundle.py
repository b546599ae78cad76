"""From a page on the web to a bundle in a reader's hands: what was there is in it, and what was not had is said."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler.egress import Guard
from crawler.home import Home
from evidence import page_capture, surroundings
from evidence.bundle import ExportedBundle, export_bundle
from evidence.page_capture import CaptureLimits, capture_listing
from evidence.recipients import Request
from evidence.sealing import AddedExchange, seal_listing
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from storage.audit import AuditChain
from storage.database import Database
from storage.tables import Listing, Observation
from tests.evidence.factory import START, Planted, plant
from tests.evidence.test_item_check import exchange
from tests.evidence.test_page_capture import PNG, add_listing, picture
from tests.evidence.web import Web, serving

QUICK = CaptureLimits(linked_pause_seconds=0.0)
PHOTOS = {
    "/a-small.png": ("red", (20, 15)),
    "/a-large.png": ("red", (200, 150)),
    "/lazy.png": ("blue", (210, 150)),
    "/background.png": ("green", (220, 150)),
}


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One kind is enough: what differs between databases is tested with the sealing and the export."""
    opened = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    yield opened
    opened.dispose()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    monkeypatch.setenv(surroundings.EGRESS_IP, "198.51.100.7")
    with serving() as served:
        yield served


def capture(database: Database, home: Home, listing_id: int) -> None:
    guard = Guard(allow_loopback=True)
    capture_listing(
        database, home, listing_id, job_id=None, actor="job 1", chain=AuditChain(), guard=guard, limits=QUICK
    )


def export(database: Database, home: Home, listing_id: int, to: Path, request: Request | None = None) -> ExportedBundle:
    ensure_signing_key(home)
    given: dict[str, Any] = {"listing_id": listing_id, "languages": ("en", "fr", "ar"), "request": request}
    return export_bundle(database, home, chain=AuditChain(), actor="amira", to=to, **given)


def read(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as package:
        return package.read(f"{path.stem}/{name}")


def facts(path: Path) -> Any:
    return json.loads(read(path, "data/items/001/item.json"))["captured_fact"]


@pytest.mark.needs_chromium
def test_every_photo_at_its_best_size_is_in_the_bundle_and_what_was_blocked_is_named(
    database: Database, home: Home, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # EV-13, EV-14, EV-15, EV-16
    page = web.add(
        "/lot/1",
        b'<title>Lamp</title><style>#b{background:url(/background.png);height:9px}</style><div id="b"></div>'
        b'<img src="/a-small.png" srcset="/a-small.png 1x, /a-large.png 2x"><div style="height:9000px"></div>'
        b'<img loading="lazy" src="/lazy.png"><img src="http://10.1.2.3/spy.gif">',
    )
    bodies = {path: picture(colour, size) for path, (colour, size) in PHOTOS.items()}
    for path, body in bodies.items():
        web.add(path, body, PNG)
    listing_id = add_listing(database, page, [web.url("/a-large.png"), web.url("/lazy.png")])
    told = {"synchronised": False, "maximum_error_seconds": 16.0, "told_by": "adjtimex", "at": "2026-11-28T00:00:00Z"}
    monkeypatch.setattr(page_capture._Collected.__dataclass_fields__["clock"], "default_factory", lambda: told)
    monkeypatch.setattr(page_capture, "own_clock", lambda: told)

    capture(database, home, listing_id)
    exported = export(database, home, listing_id, tmp_path / "out")

    assert verify_bundle(exported.path).faults == []
    record = facts(exported.path)
    there = {hashlib.sha256(read(exported.path, f"data/items/001/{one['file']}")).hexdigest(): one["of_listing"]
             for one in record["images"]}  # fmt: skip
    offered = {hashlib.sha256(bodies[path]).hexdigest() for path in ("/a-large.png", "/lazy.png")}
    assert offered <= there.keys() and all(there[sha256] for sha256 in offered)
    assert hashlib.sha256(bodies["/background.png"]).hexdigest() in there
    kinds = {one["kind"]: one for one in record["captures"]}
    for kind in ("screenshot", "screenshot_viewport", "dom", "pdf"):
        assert (
            hashlib.sha256(read(exported.path, f"data/items/001/{kinds[kind]['file']}")).hexdigest()
            == (kinds[kind]["sha256"])
        )
    # EV-14
    assert record["capture_state"]["state"] == "PARTIAL"
    assert "http://10.1.2.3/spy.gif (private)" in record["capture_state"]["reason"]
    index = read(exported.path, "index.html").decode()
    assert index.count("http://10.1.2.3/spy.gif") >= 3, "in each language"
    # EV-15
    around = record["surroundings"]
    assert all(around[name] for name in ("user_agent", "viewport", "locale", "timezone", "hosts", "commit", "browser"))
    assert around["hosts"][0]["addresses"] == ["127.0.0.1"]
    assert {one["server_ip"] for one in record["captures"] if one["kind"] == "exchange"} == {"127.0.0.1"}
    assert around["egress_ip"] == "198.51.100.7"
    # EV-16
    assert around["clock"]["synchronised"] is False
    for words in ("NOT kept right by a time service", "NON réglée par un service de temps", "لا تضبطها خدمة وقت"):
        assert f"<strong>{words}" in index


@pytest.mark.needs_chromium
def test_the_own_address_is_in_no_redacted_bundle_and_nowhere_unless_the_operator_told_it(
    database: Database, home: Home, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # EV-15
    listing_id = add_listing(database, web.add("/lot/1", b"<title>Lamp</title>lamp"), [])
    capture(database, home, listing_id)
    copy = export(database, home, listing_id, tmp_path / "out", Request(redact=True))
    assert copy.original is not None
    assert facts(copy.original)["surroundings"]["egress_ip"] == "198.51.100.7"
    with zipfile.ZipFile(copy.path) as package:
        assert [name for name in package.namelist() if b"198.51.100.7" in package.read(name)] == []
    monkeypatch.delenv(surroundings.EGRESS_IP)
    capture(database, home, listing_id)
    assert facts(export(database, home, listing_id, tmp_path / "out").path)["surroundings"]["egress_ip"] is None


@pytest.fixture
def planted(database: Database, home: Home, tmp_path: Path) -> Planted:
    return plant(database, home, tmp_path / "out")


def test_a_second_capture_leaves_the_first_as_it_was_and_both_are_in_the_bundle(planted: Planted) -> None:  # EV-35
    listing_id = planted.listing_ids[0]
    sealed = planted.home.evidence / planted.segments[0]
    before = sealed.read_bytes()
    with planted.database.transaction() as session:
        session.add(
            Observation(
                listing_id=listing_id,
                observed_at=START + timedelta(days=3),
                digest="f" * 64,
                title="Egyptian shabti (sold)",
                price=None,
                images=["https://auction.example/img/1-9.png"],
                sources={},
                state="gone",
            )
        )
        session.get_one(Listing, listing_id).state = "gone"
    gone = AddedExchange(exchange("/sale/3/lot/1", status="410 Gone", body=b"<h1>removed</h1>"), "COMPLETE")
    chain = planted.chain
    seal_listing(planted.database, planted.home, listing_id, actor="job 9", chain=chain, extra=[gone])

    bundle = planted.export().path

    assert sealed.read_bytes() == before
    assert verify_bundle(bundle).faults == []
    with zipfile.ZipFile(bundle) as package:
        (name,) = [one for one in package.namelist() if one.endswith("items/001/capture/001.wacz")]
        with package.open(name) as file, zipfile.ZipFile(file) as wacz:
            archive = {one: wacz.read(one) for one in wacz.namelist() if one.startswith("archive/")}
    assert len(archive) == 2 and archive["archive/capture-001.warc.gz"] == before
    statuses = [(one["url"], one["status"]) for one in facts(bundle)["captures"] if one["kind"] == "exchange"]
    page = "https://auction.example/sale/3/lot/1"
    assert (page, 200) in statuses and (page, 410) in statuses
    history = json.loads(read(bundle, "data/items/001/observations.json"))
    assert [len(one["changes"]) > 0 for one in history["versions"]] == [False, True, True]
    last = {one["field"]: one for one in history["versions"][-1]["changes"]}
    assert {"title", "price", "state", "image_urls"} <= last.keys()
    assert (last["state"]["before"], last["state"]["after"], history["state"]) == ("live", "gone", "gone")
    assert last["image_urls"]["removed"] == ["https://auction.example/img/1-1.png"]
