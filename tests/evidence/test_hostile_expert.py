"""What an expert hired to break a bundle tries: forgeries made whole again and signed, and files made to hurt."""

import gzip
import hashlib
import json
import os
import re
import shutil
import ssl
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler.home import Home
from evidence import signing
from evidence.bag import manifest_lines
from evidence.bundle_files import DirectoryFiles
from evidence.plain_zip import PlainZipWriter
from evidence.signature_check import check_signature
from evidence.verification import Verification, report_lines
from evidence.verify import verify_bundle
from evidence.wacz import cdxj_line, pack_index, to_json
from evidence.warc_reading import read_records
from storage.database import Database
from storage.migrate import upgrade
from storage.tables import Capture, Listing, MarketApproval
from tests.evidence.factory import START, Planted, plant, rewrite
from tests.evidence.test_verify import complaints, remake_manifests, resign_with_new_key

ITEM = "data/items/001/item.json"
CUSTODY = "data/custody/custody.json"


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    upgrade(database)
    yield plant(database, Home(tmp_path / "home"), tmp_path / "out")
    database.dispose()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("bundle")
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    yield plant(database, Home(root / "home"), root / "out").export().path
    database.dispose()


@pytest.fixture
def bag(bundle: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(bundle) as package:
        package.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / bundle.stem


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    def edited(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")

    rewrite(path, edited)


def facts(item: dict[str, Any]) -> Any:
    return item["captured_fact"]


def page(item: dict[str, Any]) -> Any:
    return facts(item)["captures"][1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: page(i).update(captured_at="2026-11-21T15:03:22.123456Z"), "another time"),
        (lambda i: page(i).update(captured_at="yesterday"), "another time"),
        (lambda i: page(i).update(server_ip="127.0.0.1"), "another server address"),
        (lambda i: page(i).update(bytes=1), "another size"),
        (lambda i: page(i).update(method="POST"), "another method"),
        (lambda i: page(i).update(truncated="length"), "cut short"),
        (lambda i: page(i).update(decoded_by_browser=True), "decoded"),
        (lambda i: facts(i)["captures"].pop(3), "does not name the record"),
        (lambda i: facts(i)["captures"].append(page(i)), "by one number"),
        (lambda i: facts(i).update(capture_ended_at="2026-12-24T00:00:00Z"), "times of capture"),
        (lambda i: facts(i).update(final_url="https://other.example/"), "last redirect"),
        (lambda i: facts(i).update(http_status=404), "last redirect"),
        (lambda i: facts(i)["redirects"][0].update(status=200), "redirect over"),
        (lambda i: facts(i)["shown"].update(price="9350"), "none of its observations"),
        (lambda i: facts(i)["images"][0].update(url="https://other.example/1.png"), "another address"),
        (
            lambda i: facts(i)["captures"].append(
                {**page(i), "id": 9, "file": next(c["file"] for c in facts(i)["captures"] if "file" in c)}
            ),
            "in place of its WARC",
        ),
        (lambda i: i.update(demo=True), "demo listing"),
    ],
)
def test_an_item_record_that_tells_another_story_than_its_warc_is_caught_even_when_signed_anew(
    bag: Path, tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:  # EV-26
    edit_json(bag / ITEM, change)
    resign_with_new_key(bag, tmp_path)
    result = verify_bundle(bag)
    assert result.exit_status == 1 and words in complaints(result)


def test_a_picture_that_is_not_what_was_captured_is_caught_even_when_signed_anew(bag: Path, tmp_path: Path) -> None:
    def swap(item: Any) -> None:
        image = facts(item)["images"][0]
        path = bag / "data/items/001" / image["file"]
        rewrite(path, lambda data: data + b"another")
        image["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()

    edit_json(bag / ITEM, swap)
    resign_with_new_key(bag, tmp_path)
    assert "does not hold the bytes that were captured" in complaints(verify_bundle(bag))


def forge_dates(wacz: Path) -> None:
    """Another day in every record of the WARC, its index and package made anew: nothing in the WACZ contradicts."""
    with zipfile.ZipFile(wacz) as package:
        files = {name: package.read(name) for name in package.namelist()}
    name = "archive/capture-001.warc.gz"
    warc = gzip.decompress(files[name]).replace(b"WARC-Date: 2026-11-20", b"WARC-Date: 2026-11-19")
    parts = re.split(rb"(?=WARC/1\.1\r\n)", warc)[1:]
    files[name] = b"".join(gzip.compress(part, mtime=0) for part in parts)
    loose = wacz.with_suffix(".warc")
    loose.write_bytes(files[name])
    with loose.open("rb") as file:
        records = [r for r in read_records(file) if r.type in ("response", "revisit", "resource")]
    loose.unlink()
    lines = sorted(cdxj_line("capture-001.warc.gz", record) for record in records)
    files["indexes/index.cdx.gz"], files["indexes/index.idx"] = pack_index(lines)
    files["pages/pages.jsonl"] = files["pages/pages.jsonl"].replace(b"2026-11-20", b"2026-11-19")
    description = json.loads(files["datapackage.json"].replace(b'Date": "2026-11-20', b'Date": "2026-11-19'))
    for entry in description["resources"]:
        data = files[entry["path"]]
        entry |= {"hash": f"sha256:{hashlib.sha256(data).hexdigest()}", "bytes": len(data)}
    files["datapackage.json"] = to_json(description)
    digest = hashlib.sha256(files["datapackage.json"]).hexdigest()
    files["datapackage-digest.json"] = to_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})
    wacz.chmod(0o644)
    with wacz.open("wb") as file, PlainZipWriter(file) as package_out:
        for path, data in files.items():
            package_out.add_bytes(path, data)


def test_records_with_another_date_contradict_item_and_custody_log_even_when_all_is_signed_anew(
    bag: Path, tmp_path: Path
) -> None:  # EV-10
    forge_dates(bag / "data/items/001/capture/001.wacz")
    resign_with_new_key(bag, tmp_path)
    told = complaints(verify_bundle(bag))
    assert "listing.wacz:" not in told.replace("sealing of data/items/001/capture/001.wacz:", "")
    assert "another time than its WARC record" in told
    assert "no entry tells of the sealing of data/items/001/capture/001.wacz: archive/capture-001.warc.gz" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["events"].pop(0), "an end of the links, is not shown"),
        (lambda c: c["events"].pop(), "an end of the links, is not shown"),
        (lambda c: c["events"].append(c["events"][-1]), "twice"),
        (lambda c: c["events"].reverse(), "order of time"),
        (lambda c: c.update(links=c["links"][1:]), "has no place"),
        (lambda c: c["links"][0].update(previous_hash="1" * 64), "no first one"),
        (lambda c: c["events"][0].update(chain=[], sequence={}), "has no place"),
        (lambda c: c["links"][0].update(chain={"a": []}), "has no place"),
        (lambda c: c["events"][0].update(actor="\ud800"), "does not match its hash"),
    ],
)
def test_a_custody_log_with_entries_dropped_doubled_or_of_odd_types_is_caught(
    bag: Path, tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:  # EV-32
    value = json.loads((bag / CUSTODY).read_bytes())
    change(value)
    rewrite(bag / CUSTODY, lambda _: json.dumps(value).encode())
    resign_with_new_key(bag, tmp_path)
    assert words in complaints(verify_bundle(bag))


def test_texts_that_still_tell_the_true_fingerprint_give_a_foreign_signature_away(bag: Path, tmp_path: Path) -> None:
    resign_with_new_key(bag, tmp_path)
    told = complaints(verify_bundle(bag))
    for name in ("VERIFY.txt", "bag-info.txt"):
        assert f"{name}: signature.named: " in told


def test_a_bundle_wholly_remade_by_another_is_told_apart_by_the_fingerprint_alone_and_verify_says_so(
    bag: Path, bundle: Path, tmp_path: Path
) -> None:
    true = verify_bundle(bundle).fingerprint or ""
    resign_with_new_key(bag, tmp_path)
    other = verify_bundle(bag).fingerprint or ""
    for name in ("VERIFY.txt", "bag-info.txt"):
        rewrite(bag / name, lambda data: data.replace(true.encode(), other.encode()))
    resign_with_new_key(bag, tmp_path)
    result = verify_bundle(bag)
    lines = list(report_lines(result))
    assert result.exit_status == 0 and other != true
    assert f"COMPARE {other}" in lines and "told you by another way" in lines[-1]
    assert any("anyone can make a whole bundle" in line for line in lines)


def test_a_name_from_a_bundle_cannot_steer_the_terminal(bundle: Path) -> None:
    result = verify_bundle(bundle)
    result.note("signature", [], "by CN=x\r\x1b[2Jok signature: fingerprint 1B\n\u202eVALID")
    lines = list(report_lines(result))
    assert all(line.isprintable() for line in lines)
    assert any(r"CN=x\r\x1b[2Jok" in line for line in lines)


def test_json_nested_without_end_and_lists_where_text_belongs_end_in_a_sentence(bag: Path, tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    rewrite(bag / CUSTODY, lambda _: deep)
    for depth in (200, 900, 100_000):
        text = b'{"captured_fact": {"captures": [{"id": %s}]}}' % (b"[" * depth + b"]" * depth)
        rewrite(bag / ITEM, lambda _, text=text: text)  # type: ignore[misc]
        assert verify_bundle(bag).exit_status == 1
    wacz = bag / "data/items/002/capture/001.wacz"
    for path in ("pages/pages.jsonl", "datapackage.json"):
        with zipfile.ZipFile(wacz) as package:
            files = {name: package.read(name) for name in package.namelist()}
        files[path] = deep + b'\n{"url": [], "ts": {}}\n{"url": []}\n'
        wacz.chmod(0o644)
        with wacz.open("wb") as file, PlainZipWriter(file) as out:
            for name, data in files.items():
                out.add_bytes(name, data)
        assert "not JSON" in complaints(verify_bundle(bag))


@pytest.mark.parametrize("extra", [b"\x01\x00", struct.pack("<HH3Q", 1, 24, 2**64 - 1, 2**64 - 1, 2**64 - 1)])
def test_a_zip_with_a_broken_table_of_contents_ends_in_a_sentence(bundle: Path, tmp_path: Path, extra: bytes) -> None:
    data = bytearray(bundle.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<2L", data, end + 12)
    name_length = struct.unpack_from("<H", data, offset + 28)[0]
    struct.pack_into("<H", data, offset + 30, len(extra))
    struct.pack_into("<2L", data, offset + 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<L", data, offset + 42, 0xFFFFFFFF)
    struct.pack_into("<L", data, end + 12, size + len(extra))
    data[offset + 46 + name_length : offset + 46 + name_length] = extra
    path = tmp_path / bundle.name
    path.write_bytes(data)
    assert verify_bundle(path).exit_status == 1


def test_entries_that_share_bytes_are_not_read_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with path.open("wb") as file, PlainZipWriter(file) as package:
        package.add_bytes("bomb/data/a", bytes(1 << 20))
    data = path.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    offset = struct.unpack_from("<L", data, end + 16)[0]
    line = data[offset:end]
    times = 60_000  # read each time, they would be 60 GB
    tail = bytearray(data[end:])
    struct.pack_into("<2H2L", tail, 8, times, times, len(line) * times, offset)
    path.write_bytes(data[:offset] + line * times + bytes(tail))
    assert verify_bundle(path).exit_status == 1


def test_a_tree_deeper_than_calls_can_go_is_walked(bag: Path) -> None:
    here = os.open(bag / "data", os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert "is an empty directory" in complaints(verify_bundle(bag))
    subprocess.run(["rm", "-r", bag / "data/d"], check=True)


def openssl(*arguments: object, cwd: Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], cwd=cwd, check=True, capture_output=True)


def commands_fail(bag: Path, environment: dict[str, str]) -> bool:
    commands = re.findall(r"^ {4}(\S.* .*)$", (bag / "VERIFY.txt").read_text(), re.MULTILINE)
    done = [
        subprocess.run(["bash", "-c", c], cwd=bag, capture_output=True, text=True, env={**os.environ, **environment})
        for c in commands
    ]
    listing = next(d for c, d in zip(commands, done, strict=True) if "-empty" in c)
    return any(d.returncode for d in done) or listing.stdout != ""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("second", [False, True])
def test_the_commands_of_verify_txt_refuse_every_signature_but_that_of_signer_crt(
    bag: Path, tmp_path: Path, second: bool
) -> None:  # EV-27
    """Signed with a certificate that this computer trusts anyway; or put behind the true one in signer.crt."""
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key", "-out", "own.crt", "-subj", "/CN=web")
    openssl(*new, cwd=tmp_path)
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    shutil.copy(tmp_path / "own.crt", trusted)
    openssl("rehash", trusted, cwd=tmp_path)
    assert not commands_fail(bag, {"SSL_CERT_DIR": str(trusted)})
    if second:
        rewrite(bag / "signatures/signer.crt", lambda data: data + (tmp_path / "own.crt").read_bytes())
    rewrite(bag / "index.html", lambda data: data + b"<p>forged</p>")
    remake_manifests(bag)
    sign = ("cms", "-sign", "-binary", "-in", bag / "tagmanifest-sha256.txt", "-signer", "own.crt", "-inkey", "own.key")
    (bag / "signatures/tagmanifest-sha256.txt.p7s").unlink()
    openssl(*sign, "-outform", "PEM", "-out", bag / "signatures/tagmanifest-sha256.txt.p7s", cwd=tmp_path)
    assert commands_fail(bag, {"SSL_CERT_DIR": str(trusted)})
    assert verify_bundle(bag).exit_status == 1


@pytest.mark.parametrize(
    "name",
    ["READ-ME-FIRST.html", "data/extra.txt", "data/items/link", "data/hollow/", "bagit.txt\n..index.html"],
)
def test_the_commands_of_verify_txt_find_what_was_added(bag: Path, name: str) -> None:  # EV-25, EV-27
    if name.endswith("/"):
        (bag / name).mkdir()
    elif name.endswith("link"):
        (bag / name).symlink_to("/etc/hostname")
    else:
        (bag / name).parent.mkdir(exist_ok=True)
        (bag / name).write_text("new")
    assert commands_fail(bag, {})
    assert verify_bundle(bag).exit_status == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("days", [-365 * 11, 30])
def test_the_signature_command_of_verify_txt_does_not_hang_on_the_readers_clock(
    bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:  # EV-27
    """A court reads a bundle years later, or on a computer whose clock is behind."""

    class Then(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=days)

    (command,) = re.findall(r"^ {4}(openssl cms .*)$", (bag / "VERIFY.txt").read_text(), re.MULTILINE)
    monkeypatch.setattr(signing, "datetime", Then)
    own = Home(tmp_path / "then")
    own.create()
    key = signing.ensure_signing_key(own)
    signed = b"list\n"
    place = tmp_path / "signed"
    (place / "signatures").mkdir(parents=True)
    (place / "signatures/signer.crt").write_bytes(key.certificate_pem)
    (place / "signatures/tagmanifest-sha256.txt.p7s").write_bytes(signing.sign_detached(key, signed).pem)
    for content, wanted in ((signed, 0), (b"other\n", 4)):
        (place / "tagmanifest-sha256.txt").write_bytes(content)
        done = subprocess.run(["bash", "-c", command], cwd=place, capture_output=True, text=True)
        assert done.returncode == wanted, done.stderr


def test_every_time_of_the_report_says_that_it_is_utc(bag: Path) -> None:
    report = (bag / "index.html").read_text("utf-8")
    for label in ("End of sale (UTC)", "Fin de la vente (UTC)", "نهاية البيع (UTC)"):
        assert label in report
    assert re.search(r"<code [^>]*>text-[^<]*</code> · <bdi>[0-9: -]{19} UTC</bdi>", report)


def test_no_damage_to_the_certificate_stops_the_verifier(bag: Path) -> None:  # EV-26
    path = bag / "signatures/signer.crt"
    good = ssl.PEM_cert_to_DER_cert(path.read_text("ascii"))
    refused = []
    for place in range(len(good)):
        for bit in (0x01, 0x20, 0x80):
            damaged = bytearray(good)
            damaged[place] ^= bit
            path.write_text(ssl.DER_cert_to_PEM_cert(bytes(damaged)), "ascii")
            result = Verification(bag)
            check_signature(DirectoryFiles(bag), result)
            if result.fingerprint is None:
                refused.append(bytes(damaged))
    assert len(refused) > len(good) / 4
    for damaged in refused[:: len(refused) // 20]:
        path.write_text(ssl.DER_cert_to_PEM_cert(damaged), "ascii")
        result = verify_bundle(bag)
        assert result.exit_status == 1
        assert "signature.certificate: it is no certificate in PEM form, or a damaged one" in complaints(result)


def test_a_certificate_file_with_a_second_certificate_is_refused(bag: Path) -> None:
    rewrite(bag / "signatures/signer.crt", lambda data: data * 2)
    digests = {
        name: hashlib.sha256((bag / name).read_bytes()).hexdigest()
        for name in (
            "bagit.txt",
            "bag-info.txt",
            "manifest-sha256.txt",
            "signatures/signer.crt",
            "VERIFY.txt",
            "index.html",
        )
    }
    rewrite(bag / "tagmanifest-sha256.txt", lambda _: manifest_lines(digests))
    assert "not one certificate in plain PEM form" in complaints(verify_bundle(bag))


def test_a_failed_or_partial_capture_is_said_at_the_top_and_named_where_it_is_not_packed(planted: Planted) -> None:
    """EV-7, EV-14"""
    with planted.database.transaction() as session:
        listing = session.get_one(Listing, planted.listing_ids[0])
        session.add(
            Capture(
                kind="capture_report",
                listing_id=listing.id,
                url=listing.url,
                captured_at=START.replace(hour=23),
                sha256="0" * 64,
                payload_bytes=1,
                state="FAILED",
                note="The page could not be opened.",
            )
        )
    with zipfile.ZipFile(planted.export(languages=("en",)).path) as package:
        name = next(n for n in package.namelist() if n.endswith("index.html"))
        text = package.read(name).decode()
        item = json.loads(package.read(next(n for n in package.namelist() if n.endswith("001/item.json"))))
    assert item["captured_fact"]["capture_state"] == {"state": "FAILED", "reason": "The page could not be opened."}
    assert "incomplete" in text[: text.index("</table>")]
    assert (
        'incomplete: <bdi dir="auto">The page could not be opened.' in text and "Named here, not in this bundle" in text
    )


def test_what_a_browser_decoded_is_not_called_as_received_and_a_screenshot_has_no_method(planted: Planted) -> None:
    with planted.database.transaction() as session:
        for row in session.query(Capture).filter(Capture.kind == "exchange"):
            row.decoded_by_browser = True
    with zipfile.ZipFile(planted.export(languages=("en",)).path) as package:
        text = package.read(next(n for n in package.namelist() if n.endswith("index.html"))).decode()
        item = json.loads(package.read(next(n for n in package.namelist() if n.endswith("001/item.json"))))
    assert "page or file decoded by the browser" in text and "as received" not in text
    assert {c["method"] for c in item["captured_fact"]["captures"] if c["kind"] != "exchange"} == {None}


def test_the_definition_named_is_the_one_approved_when_the_capture_was_made(planted: Planted) -> None:  # EV-17
    with planted.database.transaction() as session:
        later = MarketApproval(
            market="example_auction",
            definition_sha256="e" * 64,
            approved_by="amira",
            approved_at=START.replace(year=2027),
            legal_basis="law",
        )
        session.add(later)
    with zipfile.ZipFile(planted.export(languages=("en",)).path) as package:
        item = json.loads(package.read(next(n for n in package.namelist() if n.endswith("001/item.json"))))
    assert item["captured_fact"]["config_sha256"] == "d" * 64
