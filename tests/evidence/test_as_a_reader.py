"""A bundle on the plain computer of whoever receives it: few programs, no network, no scripts, another year."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from crawler.items import Exchange
from evidence.segments import SegmentWriter
from evidence.verify import verify_bundle
from evidence.wacz import Page, write_wacz
from tests.evidence.factory import Stamped
from tests.needs import need_checkers, options_of_chromium, without_network

COREUTILS = ("cut", "date", "head", "ls", "printf", "sha256sum", "sort", "tail", "tr")
TOLD = ("find", "diff", "unzip", "openssl", "grep")
"""What VERIFY.txt says is needed besides coreutils."""


@pytest.fixture(scope="module")
def bag(stamped: Stamped, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reader")
    with zipfile.ZipFile(stamped.bundle) as package:
        package.extractall(root)
    return root / stamped.bundle.stem


def commands_of(bag: Path) -> list[str]:
    return re.findall(r"^ {4}(\S.* .*)$", (bag / "VERIFY.txt").read_text(), re.MULTILINE)


def bare_path(place: Path) -> str:
    """A directory with the programs that VERIFY.txt names, and no other."""
    place.mkdir()
    for name in (*COREUTILS, *TOLD, "sh"):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"needs the {name} command")
        (place / name).symlink_to(found)
    return str(place)


def said_by(commands: list[str], bag: Path, path: str, clock: tuple[str, ...] = ()) -> list[str]:
    """What each says, in an environment of nothing but these programs; none may complain."""
    told = []
    for command in commands:
        done = subprocess.run(
            [*clock, f"{path}/sh", "-c", command],
            cwd=bag,
            capture_output=True,
            text=True,
            env={"PATH": path, "NO_FAKE_STAT": "1"},
        )
        assert done.returncode == 0, command
        assert done.stderr in ("", "CMS Verification successful\n"), command
        told.append(done.stdout)
    return told


def test_the_commands_need_no_program_that_verify_txt_does_not_name(bag: Path, tmp_path: Path) -> None:  # EV-27
    told = said_by(commands_of(bag), bag, bare_path(tmp_path / "bin"))
    assert len(told) == 10
    assert "".join(told).count("Verification: OK") == 3
    assert "BROKEN" not in "".join(told)


def test_the_commands_hold_thirty_years_later_when_every_certificate_has_ended(bag: Path, tmp_path: Path) -> None:
    # EV-41
    clock = shutil.which("faketime")
    if clock is None:
        pytest.skip("needs the faketime command")
    path = bare_path(tmp_path / "bin")
    (tmp_path / "bin/faketime").symlink_to(clock)
    now = said_by(["date -u +%Y"], bag, path, (clock, "-f", "+30y"))
    assert int(now[0]) >= datetime.now(UTC).year + 29
    told = "".join(said_by(commands_of(bag), bag, path, (clock, "-f", "+30y")))
    assert told.count("Verification: OK") == 3
    # Without a look at the stamp's own time the same stamp no longer passes: the command above is not blind.
    stamp = "signatures/tagmanifest-sha256.txt.p7s"
    given = ["-in", f"{stamp}.local.tsr", "-data", stamp, "-CAfile", "signatures/authorities/local.pem"]
    late = subprocess.run([clock, "-f", "+30y", "openssl", "ts", "-verify", *given], cwd=bag, capture_output=True)
    assert late.returncode != 0 and b"expired" in late.stdout + late.stderr
    assert subprocess.run(["openssl", "ts", "-verify", *given], cwd=bag, capture_output=True).returncode == 0


def test_a_stamp_over_other_bytes_is_no_ok_by_the_commands(stamped: Stamped, tmp_path: Path) -> None:  # EV-27, EV-41
    with zipfile.ZipFile(stamped.bundle) as package:
        package.extractall(tmp_path)
    bag = tmp_path / stamped.bundle.stem
    (of_captures,) = set(bag.glob("data/items/001/stamps/*.tsr"))
    shutil.copy(of_captures, bag / "signatures/tagmanifest-sha256.txt.p7s.local.tsr")
    command = next(one for one in commands_of(bag) if one.startswith("for t in signatures/"))
    done = subprocess.run(["sh", "-c", command], cwd=bag, capture_output=True, text=True)
    assert "Verification: OK" not in done.stdout


def test_everything_is_stored_and_nothing_packed(stamped: Stamped, bag: Path) -> None:  # EV-11
    for path in (stamped.bundle, *bag.glob("data/items/*/capture/*.wacz")):
        done = subprocess.run(["unzip", "-v", path], capture_output=True, text=True, check=True)
        rows = [line.split() for line in done.stdout.splitlines()[3:-2]]
        assert len(rows) >= 6
        assert {row[1] for row in rows} == {"Stored"}, path


def test_names_stay_apart_where_case_is_not_told(stamped: Stamped, tmp_path: Path) -> None:  # EV-37
    """As on a disk of Windows or macOS: unpacked with all names in small letters, no file is lost."""
    subprocess.run(["unzip", "-q", "-o", "-LL", stamped.bundle, "-d", tmp_path], check=True)
    with zipfile.ZipFile(stamped.bundle) as package:
        names = package.namelist()
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == len(names)
    for name in names:
        for part in name.split("/"):
            assert re.fullmatch(r"[A-Za-z0-9._-]{1,100}", part), name
            assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", part), name


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(**options_of_chromium())
        yield opened
        opened.close()


@pytest.mark.needs_chromium
@pytest.mark.parametrize("name", ["index.html", "data/custody/custody.html"])
def test_the_pages_open_from_the_disk_with_scripts_and_network_off(bag: Path, browser: Browser, name: str) -> None:
    # EV-28
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((bag / name).as_uri(), wait_until="load")
    assert said == []
    assert {url.split(":")[0] for url in asked} == {"file"}
    assert {url.removeprefix(bag.as_uri()) for url in asked} < {f"/{one.relative_to(bag)}" for one in bag.rglob("*")}
    assert page.locator("h1").first.inner_text()
    if name == "index.html":
        assert len(asked) > 4, "its pictures are shown"
    context.close()


def test_pywb_replays_a_second_identical_answer_out_of_the_first(tmp_path: Path) -> None:  # EV-9
    python = need_checkers() / "bin/python"
    moment = datetime(2026, 11, 20, 14, tzinfo=UTC)
    head, body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"<p>" + b"the same lamp " * 400
    urls = [f"https://auction.example/lot/{number}" for number in (1, 2)]
    with SegmentWriter(tmp_path / "own.warc.gz", "own.warc.gz") as writer:
        for url in urls:
            writer.append(Exchange(url, "GET", moment, b"GET / HTTP/1.1\r\n\r\n", head, body=body, status=200))
        writer.sync()
    assert b"revisit" in subprocess.run(["zcat", tmp_path / "own.warc.gz"], capture_output=True).stdout
    pages = [Page(url, "2026-11-20T14:00:00Z", "lamp") for url in urls]
    wacz = tmp_path / "two.wacz"
    write_wacz(wacz, [("own.warc.gz", tmp_path / "own.warc.gz")], pages, title="lamp", software="r")
    script = Path(__file__).with_name("replaying.py")
    done = subprocess.run(
        [*without_network(), str(python), str(script), str(wacz)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["tried"] == []
    assert [(one["url"], one["status"]) for one in told["pages"][str(wacz)]] == [(url, 200) for url in urls]
    assert all("the same lamp the same lamp" in one["text"] for one in told["pages"][str(wacz)])


def test_verify_and_the_plain_commands_agree_on_one_changed_byte(stamped: Stamped, tmp_path: Path) -> None:  # EV-26
    with zipfile.ZipFile(stamped.bundle) as package:
        package.extractall(tmp_path)
    bag = tmp_path / stamped.bundle.stem
    plain = [one for one in commands_of(bag) if not one.startswith("for ")]

    def fails() -> bool:
        return any(subprocess.run(["sh", "-c", one], cwd=bag, capture_output=True).returncode for one in plain)

    assert not fails() and verify_bundle(bag).exit_status == 0
    for name in (
        "data/items/001/item.json", "index.html", "manifest-sha256.txt", "tagmanifest-sha256.txt", "bag-info.txt",
        "signatures/signer.crt", "signatures/tagmanifest-sha256.txt.p7s", "data/items/001/capture/001.wacz",
    ):  # fmt: skip
        path = bag / name
        before = path.read_bytes()
        # The signature's own bytes end its file; in the middle lies the certificate that travels along, of which
        # openssl reads only some, and which bytes those are differs from key to key.
        at = len(before) - 9 if name.endswith(".p7s") else len(before) // 2
        path.write_bytes(before[:at] + bytes([before[at] ^ 4]) + before[at + 1 :])
        assert os.stat(path).st_size == len(before)
        assert fails(), name
        assert verify_bundle(bag).exit_status == 1, name
        path.write_bytes(before)
