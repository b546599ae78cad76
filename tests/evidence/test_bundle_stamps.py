"""Trusted time in a bundle: over its signature and its captures, in it or beside it, and each way it can be wrong."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from crawler.egress import Guard
from crawler.home import Home
from evidence.authorities import load_authorities
from evidence.stamping import ask_pending
from evidence.timestamps import ask
from evidence.verify import verify_bundle
from storage.audit import AuditChain
from storage.database import Database
from storage.stamps import stamps_of
from tests.evidence.authority import TestAuthority, configure, serving_authority
from tests.evidence.factory import Planted, Stamped, plant
from tests.evidence.test_verify import complaints, reseal

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
LOOPBACK = Guard(allow_loopback=True)
SIGNATURE = "signatures/tagmanifest-sha256.txt.p7s"


@pytest.fixture
def authority(stamped: Stamped) -> TestAuthority:
    stamped.authority.mode = "right"
    return stamped.authority


@pytest.fixture
def planted(sqlite_template: Path, home: Home, tmp_path: Path, authority: TestAuthority) -> Iterator[Planted]:
    """For what is exported anew."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}")
    with serving_authority(authority) as url:
        configure(home.root, ("local", url, authority.roots))
        yield plant(database, home, tmp_path / "out")
    database.dispose()


@pytest.fixture
def bag(stamped: Stamped, tmp_path: Path) -> Path:
    with zipfile.ZipFile(stamped.bundle) as package:
        package.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / stamped.bundle.stem


def test_a_stamped_bundle_tells_its_time_and_openssl_agrees(bag: Path, authority: TestAuthority) -> None:
    # EV-20, EV-23, EV-27
    result = verify_bundle(bag)
    assert (result.status, complaints(result)) == ("valid", "")
    assert len(result.stamped_at) == 1 and "by local (CN=Test stamper)" in result.stamped_at[0]
    assert any(check.name == "time stamps of captures" and check.ok for check in result.checks)
    commands = re.findall(r"^ {4}(for t in .*)$", (bag / "VERIFY.txt").read_text(), re.MULTILINE)
    assert len(commands) == 2
    for command, times in zip(commands, (1, 2), strict=True):
        for shell in ("sh", "bash"):
            done = subprocess.run([shell, "-c", command], cwd=bag, capture_output=True, text=True)
            assert done.stdout.count("Verification: OK") == times, done.stdout + done.stderr
            assert done.stdout.count("Time stamp:") == times


def test_the_reader_s_own_trust_counts_alone(bag: Path, authority: TestAuthority, tmp_path: Path) -> None:
    own = x509.load_pem_x509_certificates(authority.roots.read_bytes())
    assert verify_bundle(bag, own).status == "valid"
    other = x509.load_pem_x509_certificates(TestAuthority(tmp_path / "other").roots.read_bytes())
    assert "signature does not hold" in complaints(verify_bundle(bag, other))


def test_an_export_does_not_wait_for_an_authority_and_the_stamp_comes_beside_it(
    planted: Planted, authority: TestAuthority
) -> None:
    # EV-21
    authority.mode = "down"
    exported = planted.export(guard=LOOPBACK)
    result = verify_bundle(exported.path)
    assert (result.status, result.stamped_at) == ("valid", [])
    assert any("no trusted time" in check.detail for check in result.checks)
    authority.mode = "right"
    ask_pending(planted.database, planted.home, LOOPBACK, chain=AuditChain(), actor="test", everything=True)
    with planted.database.reading() as session:
        ((_, (stamp,)),) = stamps_of(session, kind="export", reference=exported.bundle_id)
    assert stamp.answer is not None
    beside = exported.path.with_name(f"{exported.path.name}.local.tsr")
    beside.write_bytes(stamp.answer)
    assert len(verify_bundle(exported.path).stamped_at) == 1
    beside.write_bytes(stamp.answer[:-20] + bytes(20))
    assert "beside the bundle" in complaints(verify_bundle(exported.path))


def rewrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def test_a_stamp_over_another_bundle_is_refused(planted: Planted, bag: Path) -> None:
    other = ask(load_authorities(planted.home)[0], b"another signature", LOOPBACK)
    rewrite(bag / f"{SIGNATURE}.local.tsr", other.answer)
    assert "is over other bytes than these" in complaints(verify_bundle(bag))


def test_a_stamp_older_than_its_signature_is_refused(bag: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import evidence.verify as verify

    monkeypatch.setattr(verify, "_CLOCKS", -verify._CLOCKS)
    assert "older than the signature" in complaints(verify_bundle(bag))


def test_an_authority_put_in_later_is_in_no_manifest(bag: Path, tmp_path: Path) -> None:
    other = TestAuthority(tmp_path / "other")
    rewrite(bag / "signatures/authorities/other.pem", other.roots.read_bytes())
    assert "signatures/authorities/other.pem: manifest.unlisted-file: " in complaints(verify_bundle(bag))


def test_a_stamp_of_an_authority_that_the_bundle_does_not_know_is_refused(bag: Path) -> None:
    shutil.copy(bag / f"{SIGNATURE}.local.tsr", bag / f"{SIGNATURE}.other.tsr")
    assert "signatures/authorities/other.pem, by which it is judged, is missing" in complaints(verify_bundle(bag))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"left"', '"right"'), "does not lead to the root"),
        (
            lambda text: re.sub(r'"sha256": ?"[0-9a-f]{64}"', f'"sha256":"{"0" * 64}"', text, count=1),
            "the digest of nothing",
        ),
        (lambda text: "{}", "names no capture"),
        (lambda text: "[", "capture"),
    ],
)
def test_a_way_that_was_changed_and_sealed_again_is_found(stamped: Stamped, bag: Path, change, said: str) -> None:
    tree = bag / "data/items/001/stamps/001.json"
    before = tree.read_text()
    changed = change(before)
    if changed == before:  # this leaf stands on the other side
        changed = before.replace('"right"', '"left"')
    tree.write_text(changed)
    reseal(bag, stamped.home)
    for name in (bag / "signatures").glob("*.tsr"):
        name.unlink()
    assert verify_bundle(bag).exit_status == 1
    assert said in complaints(verify_bundle(bag)) or "001.json" in complaints(verify_bundle(bag))


def test_every_capture_of_the_bundle_stands_in_its_tree(bag: Path) -> None:
    import json

    leaves = {one["sha256"] for one in json.loads((bag / "data/items/001/stamps/001.json").read_text())["leaves"]}
    with zipfile.ZipFile(bag / "data/items/001/capture/001.wacz") as wacz:
        warcs = {hashlib.sha256(wacz.read(n)).hexdigest() for n in wacz.namelist() if n.startswith("archive/")}
    assert warcs <= leaves
