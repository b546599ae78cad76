"""Bundles signed anew by the holder of the key, in which one of two places that tell the same was changed."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crawler.home import Home
from crawler.items import Exchange
from evidence.plain_zip import PlainZipWriter
from evidence.sealing import AddedExchange, Derivative, seal_listing
from evidence.verify import verify_bundle
from evidence.wacz import to_json
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import Capture, Listing, Observation
from tests.evidence.factory import START, Planted, plant, rewrite
from tests.evidence.test_verify import complaints, repack, reseal

ITEM = "data/items/001/item.json"
REPORT = "data/items/001/derived/capture-report-001.json"
WACZ = "data/items/001/capture/001.wacz"
BASE = "https://auction.example"
LATER = START + timedelta(hours=5)


def exchange(path: str, *, status: str = "200 OK", location: str | None = None, **more: Any) -> Exchange:
    head = f"HTTP/1.1 {status}\r\n" + (f"Location: {location}\r\n" if location else "") + "\r\n"
    url = f"{BASE}{path}"
    asked = b"GET / HTTP/1.1\r\nHost: auction.example\r\n\r\n"
    values: dict[str, Any] = {"body": b"a page", "status": int(status[:3]), "server_ip": "203.0.113.5", **more}
    return Exchange(url, "GET", LATER, asked, head.encode(), **values)


def capture_job(planted: Planted, state: str = "PARTIAL", reason: str | None = "A picture was not to be had.") -> None:
    """What a capture job seals: the page, its DOM and the report, the last two as records and as files."""
    page = AddedExchange(exchange("/sale/3/lot/1"), state, reason)
    report = {"url": f"{BASE}/lot/1", "state": state, "reason": reason}
    common = {"of": page, "in_warc": True, "captured_at": LATER + timedelta(seconds=1)}
    extra = [
        page,
        Derivative("dom", f"{BASE}/sale/3/lot/1", media_type="text/html", body=b"<p>dom", note="rendered", **common),
        Derivative(
            "capture_report",
            f"{BASE}/lot/1",
            media_type="application/json",
            body=json.dumps(report).encode(),
            note=reason or "How the page was captured.",
            state=state,
            **common,
        ),
    ]
    seal_listing(
        planted.database, planted.home, planted.listing_ids[0], actor="job 9", chain=planted.chain, extra=extra
    )


def seal(planted: Planted, *exchanges: Exchange) -> None:
    extra = [AddedExchange(one, "PARTIAL" if one.truncated else "COMPLETE") for one in exchanges]
    seal_listing(
        planted.database, planted.home, planted.listing_ids[0], actor="job 9", chain=planted.chain, extra=extra
    )


def new_planted(root: Path, *, demo: bool = False) -> Planted:
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    return plant(database, Home(root / "home"), root / "out", demo=demo)


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    planted = new_planted(tmp_path)
    yield planted
    planted.database.dispose()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Home]]:
    planted = new_planted(tmp_path_factory.mktemp("bundle"))
    with planted.database.transaction() as session:
        for seen in session.scalars(select(Observation)):
            pages = select(Capture.id).where(Capture.listing_id == seen.listing_id, Capture.status == 200)
            seen.capture_id = session.scalars(pages.order_by(Capture.id)).first()
    capture_job(planted)
    yield planted.export().path, planted.home
    planted.database.dispose()


@pytest.fixture
def bag(exported: tuple[Path, Home], tmp_path: Path) -> Path:
    with zipfile.ZipFile(exported[0]) as package:
        package.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / exported[0].stem


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    rewrite(path, lambda _: to_json(value))


def row(item: dict[str, Any], kind: str) -> Any:
    return next(c for c in item["captured_fact"]["captures"] if c["kind"] == kind)


def facts(item: dict[str, Any]) -> Any:
    return item["captured_fact"]


def test_a_bundle_signed_anew_without_a_change_is_valid(bag: Path, exported: tuple[Path, Home]) -> None:
    reseal(bag, exported[1])
    assert complaints(verify_bundle(bag)) == ""


def drop_the_way(item: Any) -> None:
    facts(item).update(redirects=[], final_url=None, http_status=None)


def end_the_way_early(item: Any) -> None:
    del facts(item)["redirects"][1:]
    facts(item).update(final_url=facts(item)["redirects"][0]["url"], http_status=302)


def swap_files(item: Any) -> None:
    one, other = row(item, "screenshot"), row(item, "screenshot_viewport")
    for name in ("file", "sha256", "bytes"):
        one[name], other[name] = other[name], one[name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: facts(i).update(url_asked="https://other.example/"), "the address asked is not"),
        (lambda i: facts(i)["redirects"][0].update(location="/elsewhere"), "than the Location header"),
        (drop_the_way, "not the way that its WARC records tell"),
        (end_the_way_early, "not the way that its WARC records tell"),
        (lambda i: facts(i)["observations"][0].update(capture=4711), "is of capture 4711, which it does not name"),
        (lambda i: row(i, "dom").update(source=4711), "is made from capture 4711, which it does not name"),
        (lambda i: facts(i)["captures"].remove(row(i, "screenshot")), "does not name screenshots/screenshot-001.png"),
        (swap_files, "its file is named as another kind"),
        (lambda i: row(i, "screenshot").update(bytes=1), "has another size"),
        (lambda i: row(i, "screenshot").update(sha256="0" * 64), "has another digest"),
        (lambda i: row(i, "screenshot").update(kind="pdf"), "named as another kind"),
        (lambda i: facts(i)["captures"][0].update(kind="dom"), "another kind than its WARC record"),
        (lambda i: facts(i)["captures"][-2].update(url="https://other.example/"), "does not tell of the dom"),
        (lambda i: facts(i)["captures"][-2].update(captured_at="2026-11-20T14:30:00Z"), "does not tell of the dom"),
        (lambda i: facts(i).update(capture_state={"state": "COMPLETE", "reason": None}), "its state is not that"),
        (lambda i: facts(i)["capture_state"].update(reason="Nothing."), "its state is not that"),
        (lambda i: row(i, "capture_report").update(state="COMPLETE"), "than the report in derived/capture-report"),
        (lambda i: row(i, "capture_report").update(note="All is well."), "than the report in derived/capture-report"),
        (lambda i: facts(i)["shown"].update(title="Another"), "another title than the one shown"),
    ],
)
def test_what_item_json_says_otherwise_than_the_records_and_files_is_a_fault(
    bag: Path, exported: tuple[Path, Home], change: Callable[[Any], None], words: str
) -> None:  # EV-26
    edit(bag / ITEM, change)
    reseal(bag, exported[1])
    result = verify_bundle(bag)
    assert result.exit_status == 1 and words in complaints(result)
    assert all("item.json" in fault.file for fault in result.faults)


def test_a_listing_without_a_report_is_complete_only_if_its_captures_are(
    bag: Path, exported: tuple[Path, Home]
) -> None:
    item = bag / "data/items/002/item.json"
    whole = item.read_bytes()
    for change in (
        lambda i: facts(i)["capture_state"].update(state="PARTIAL"),
        lambda i: row(i, "screenshot").update(state="PARTIAL"),
    ):
        edit(item, change)
        reseal(bag, exported[1])
        assert "its state is not that of its captures" in complaints(verify_bundle(bag))
        rewrite(item, lambda _: whole)


@pytest.mark.parametrize("name", [ITEM, "data/custody/custody.json", "data/items/001/derived/capture-report-001.json"])
def test_a_key_that_stands_twice_in_an_object_is_a_fault(bag: Path, exported: tuple[Path, Home], name: str) -> None:
    rewrite(bag / name, lambda data: data.replace(b"{", b'{"state": "COMPLETE", "state": "FAILED", ', 1))
    reseal(bag, exported[1])
    found = complaints(verify_bundle(bag))
    assert name.rpartition("/")[2] in found and "has the key 'state' twice in one object" in found


def rewrite_wacz(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Change files of a WACZ and make its package anew around them."""
    with zipfile.ZipFile(path) as package:
        files = {name: package.read(name) for name in package.namelist()}
    change(files)
    description = json.loads(files["datapackage.json"])
    for entry in description["resources"]:
        data = files[entry["path"]]
        entry |= {"hash": f"sha256:{hashlib.sha256(data).hexdigest()}", "bytes": len(data)}
    if b'"profile": "other"' not in files["datapackage.json"]:
        files["datapackage.json"] = to_json(description)
    digest = hashlib.sha256(files["datapackage.json"]).hexdigest()
    files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})
    path.chmod(0o644)
    with path.open("wb") as file, PlainZipWriter(file) as out:
        for name, data in files.items():
            out.add_bytes(name, data)


def replace_in(files: dict[str, bytes], name: str, old: bytes, new: bytes) -> None:
    assert old in files[name]
    files[name] = files[name].replace(old, new, 1)


def double_the_page(files: dict[str, bytes]) -> None:
    files["pages/pages.jsonl"] += files["pages/pages.jsonl"].splitlines(keepends=True)[1]


def open_with_another_page(files: dict[str, bytes]) -> None:
    """The redirect, which is a record too, in place of the page."""
    description = json.loads(files["datapackage.json"])
    moment = (START + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    rows = [json.loads(line) for line in files["pages/pages.jsonl"].splitlines()]
    rows[1] |= {"url": f"{BASE}/lot/1", "ts": moment}
    files["pages/pages.jsonl"] = b"".join(json.dumps(one).encode() + b"\n" for one in rows)
    files["datapackage.json"] = to_json(description | {"mainPageUrl": f"{BASE}/lot/1", "mainPageDate": moment})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (double_the_page, "lists more than the one page"),
        (open_with_another_page, "is not the one that answered"),
        (lambda f: replace_in(f, "pages/pages.jsonl", b"faience shabti", b"vase"), "another title than the one shown"),
        (lambda f: replace_in(f, "datapackage.json", b"faience shabti", b"vase"), "another title than the one shown"),
        (lambda f: replace_in(f, "datapackage.json", b'mainPageDate": "2026', b'mainPageDate": "2025'), "main page"),
        (lambda f: replace_in(f, "pages/pages.jsonl", b'{"id": ', b'{"id": "x", "id": '), "key 'id' twice"),
        (
            lambda f: replace_in(f, "datapackage.json", b"{", b'{"profile": "other", '),
            "datapackage.json has the key 'profile' twice",
        ),
    ],
)
def test_pages_and_titles_of_the_wacz_are_compared(
    bag: Path, exported: tuple[Path, Home], change: Callable[[dict[str, bytes]], None], words: str
) -> None:  # EV-10
    rewrite_wacz(bag / WACZ, change)
    reseal(bag, exported[1])
    result = verify_bundle(bag)
    assert result.exit_status == 1 and words in complaints(result)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Bagging-Date: 2020-01-01", "the label Bagging-Date twice"),
        ("bagging-date: 2020-01-01", "the label Bagging-Date twice"),
        ("  and more of it", "is no label with its value"),
        ("Relicwatch-Demo: DEMO", "neither signatures/signer.crt nor a listing does"),
    ],
)
def test_bag_info_has_each_label_once_and_nothing_else(
    bag: Path, exported: tuple[Path, Home], line: str, words: str
) -> None:  # EV-25
    rewrite(bag / "bag-info.txt", lambda data: f"{line}\n".encode() + data)
    reseal(bag, exported[1])
    result = verify_bundle(bag)
    assert result.exit_status == 1 and words in complaints(result)


def test_a_demo_certificate_with_labels_that_do_not_say_so_is_a_fault(tmp_path: Path) -> None:
    planted = new_planted(tmp_path, demo=True)
    path = planted.export().path
    with zipfile.ZipFile(path) as package:
        package.extractall(tmp_path / "unpacked")
    bag = tmp_path / "unpacked" / path.stem
    reseal(bag, planted.home)
    assert complaints(verify_bundle(bag)) == ""

    def hide(data: bytes) -> bytes:
        lines = [line for line in data.decode().splitlines(True) if not line.startswith("Relicwatch-Demo")]
        return "".join(lines).replace("Bundle-Name: DEMO-", "Bundle-Name: ").encode()

    rewrite(bag / "bag-info.txt", hide)
    rewrite(bag / "VERIFY.txt", lambda data: data[data.index(b"HOW TO") :])
    for number in ("001", "002"):
        edit(bag / f"data/items/{number}/item.json", lambda item: item.update(demo=False))
    reseal(bag, planted.home)
    found = complaints(verify_bundle(bag))
    for place in ("bag-info.txt", "VERIFY.txt", "the bundle's name"):
        assert f"the name in signatures/signer.crt says DEMO, {place}" in found
    planted.database.dispose()


# -- the bundle's name ------------------------------------------------------------------------------------------


def test_the_directory_in_the_zip_must_have_the_name_that_was_signed(bag: Path, tmp_path: Path) -> None:
    name = bag.name
    good = repack(bag, tmp_path / "renamed by the postman.zip")
    result = verify_bundle(good)
    assert (result.status, result.name) == ("valid", name)
    other = bag.rename(bag.with_name(name.replace("2026-17", "2026-18")))
    forged = verify_bundle(repack(other, tmp_path / "forged.zip"))
    assert forged.exit_status == 1
    assert f"the directory in the zip is called {other.name}, the bundle's name is {name}" in complaints(forged)
    assert verify_bundle(other).status == "valid", "an unpacked directory is its owner's to name"


def test_the_last_line_tells_the_signed_name_and_not_the_name_of_the_file(bag: Path, tmp_path: Path) -> None:
    from evidence.verification import report_lines

    lines = list(report_lines(verify_bundle(repack(bag, tmp_path / "DEMO-case-99.zip"))))
    assert lines[-1].startswith(f"{bag.name}: VALID") and "case-99" not in "".join(lines)


def test_a_bundle_that_does_not_tell_its_name_is_a_fault(bag: Path, exported: tuple[Path, Home]) -> None:
    rewrite(bag / "bag-info.txt", lambda data: data.replace(b"Relicwatch-Bundle-Name", b"Name"))
    reseal(bag, exported[1])
    assert "does not tell the bundle's name" in complaints(verify_bundle(bag))


# -- what an export writes --------------------------------------------------------------------------------------


def item_of(bundle: Path) -> Any:
    with zipfile.ZipFile(bundle) as package:
        return json.loads(package.read(f"{bundle.stem}/{ITEM}"))


def test_three_hops_stand_in_the_warc_and_in_item_json(planted: Planted, tmp_path: Path) -> None:  # EV-6
    with planted.database.transaction() as session:
        session.get_one(Listing, planted.listing_ids[0]).url = f"{BASE}/a"
    hops = [("/a", "301 Moved", "/b"), ("/b", "302 Found", f"{BASE}/c"), ("/c", "307 Temporary Redirect", "d")]
    way = [exchange(path, status=status, location=to, body=b"") for path, status, to in hops]
    seal(planted, *way, exchange("/d"))
    bundle = planted.export().path
    told = facts(item_of(bundle))
    assert [(hop["url"], hop["status"], hop["location"]) for hop in told["redirects"]] == [
        (f"{BASE}/a", 301, "/b"),
        (f"{BASE}/b", 302, f"{BASE}/c"),
        (f"{BASE}/c", 307, "d"),
        (f"{BASE}/d", 200, None),
    ]
    assert (told["url_asked"], told["final_url"], told["http_status"]) == (f"{BASE}/a", f"{BASE}/d", 200)
    captures = {c["id"]: c for c in told["captures"]}
    assert all("warc" in captures[hop["capture"]] for hop in told["redirects"])
    assert verify_bundle(bundle).status == "valid"
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path)
    bag = tmp_path / bundle.stem
    edit(bag / ITEM, lambda item: facts(item)["redirects"].pop(1))
    reseal(bag, planted.home)
    assert "not the way that its WARC records tell" in complaints(verify_bundle(bag))


def test_a_location_that_is_no_address_ends_the_way_and_not_the_export(planted: Planted) -> None:
    with planted.database.transaction() as session:
        session.get_one(Listing, planted.listing_ids[0]).url = f"{BASE}/a"
    seal(planted, exchange("/a", status="302 Found", location="http://[broken", body=b""))
    bundle = planted.export().path
    assert [hop["location"] for hop in facts(item_of(bundle))["redirects"]] == ["http://[broken"]
    assert verify_bundle(bundle).status == "valid"


@pytest.mark.parametrize("reason", ["length", "time", "disconnect"])
def test_a_body_cut_by_a_bound_is_called_incomplete_in_the_report(planted: Planted, reason: Any) -> None:  # EV-7
    seal(planted, exchange("/long", truncated=reason))
    bundle = planted.export(languages=("en",)).path
    with zipfile.ZipFile(bundle) as package:
        page = package.read(f"{bundle.stem}/index.html").decode()
        record = next(c for c in facts(item_of(bundle))["captures"] if c["url"] == f"{BASE}/long")
    assert (record["truncated"], record["state"]) == (reason, "PARTIAL")
    line = next(line for line in page.splitlines() if f"{BASE}/long" in line)
    assert '<span class="badge">incomplete' in line
    assert "incomplete" in page[: page.index("</table>")], "the summary says it too"
    assert verify_bundle(bundle).status == "valid"


def test_a_capture_cut_short_is_not_called_complete(planted: Planted, tmp_path: Path) -> None:  # EV-7
    seal(planted, exchange("/long", truncated="length"))
    bundle = planted.export().path
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path)
    bag = tmp_path / bundle.stem

    def hide(item: Any) -> None:
        next(c for c in facts(item)["captures"] if c["truncated"]).update(state="COMPLETE")

    edit(bag / ITEM, hide)
    reseal(bag, planted.home)
    assert "was cut short and is called complete" in complaints(verify_bundle(bag))


def test_an_observation_names_no_capture_that_is_not_told_of(planted: Planted) -> None:
    """One feed can show several listings; its record then belongs to one of them."""
    with planted.database.transaction() as session:
        of_other = select(Capture.id).where(Capture.listing_id == planted.listing_ids[1]).limit(1)
        seen = select(Observation).where(Observation.listing_id == planted.listing_ids[0])
        session.scalars(seen.order_by(Observation.id)).first().capture_id = session.scalar(of_other)
    bundle = planted.export().path
    assert facts(item_of(bundle))["observations"][0]["capture"] is None
    assert verify_bundle(bundle).status == "valid"
