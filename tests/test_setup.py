"""scripts/setup in a clone of nothing but itself, with stand-ins for Python, pip, Playwright and apt."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.crawling import ROOT

LOADER = "error while loading shared libraries: libnss3.so"
PYTHON = """#!/bin/sh
echo "python $*" >> "$STATE/log"
[ "$1 $2" != "-m venv" ] && exit 0
mkdir -p .venv/bin
cp "$STATE/bin/venv-python" .venv/bin/python
cp "$STATE/bin/playwright" .venv/bin/playwright
rm -f "$STATE/no-pip"
"""
VENV_PYTHON = f"""#!/bin/sh
echo "venv $*" >> "$STATE/log"
case "$*" in
"-m pip --version") [ ! -e "$STATE/no-pip" ] ;;
"-m crawler.chromium")
    echo "sandbox off: $RELICWATCH_CHROMIUM_NO_SANDBOX" >> "$STATE/log"
    [ -e "$STATE/chromium" ] || {{ echo "Chromium (/usr/bin/chromium) does not start: {LOADER}"; exit 1; }} ;;
"-m crawler.fonts") [ -e "$STATE/arabic" ] ;;
esac
"""
PLAYWRIGHT = """#!/bin/sh
echo "playwright $*" >> "$STATE/log"
[ -e "$STATE/playwright-works" ] && touch "$STATE/chromium" && exit 0
echo "Downloading Chromium"; echo "Error: getaddrinfo ENOTFOUND cdn.playwright.dev" >&2; echo >&2
exit 1
"""
APT = """#!/bin/sh
echo "apt $*" >> "$STATE/log"
[ -e "$STATE/apt-works" ] || { echo "Reading lists" >&2; echo "E: Unable to locate package" >&2; exit 100; }
case "$*" in *chromium) touch "$STATE/chromium" ;; *fonts-noto-core) touch "$STATE/arabic" ;; esac
"""


class Clone:
    def __init__(self, root: Path) -> None:
        self.root = root / "clone"
        self.state = root / "state"
        self.bin = self.state / "bin"
        for directory in (self.root / "scripts", self.bin):
            directory.mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "setup", self.root / "scripts" / "setup")
        self.program("python3.14", PYTHON)
        self.program("venv-python", VENV_PYTHON)
        self.program("playwright", PLAYWRIGHT)
        self.program("apt-get", APT)
        self.account(0)

    def program(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def account(self, number: int) -> None:
        self.program("id", f"#!/bin/sh\necho {number}\n")

    def holds(self, *facts: str) -> None:
        for fact in facts:
            (self.state / fact).touch()

    def setup(self, **more: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELICWATCH_")}
        environment = {**kept, "PATH": f"{self.bin}:/usr/bin:/bin", "STATE": str(self.state), **more}
        ended = subprocess.run(
            [self.root / "scripts" / "setup"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert (self.root / ".venv" / "ready").exists()
        return ended.stdout

    def log(self) -> list[str]:
        return (self.state / "log").read_text().splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_where_all_is_there_nothing_is_installed_but_the_dependencies(clone: Clone) -> None:
    clone.holds("chromium", "arabic")
    assert clone.setup() == "installing the pinned dependencies into .venv\n"
    assert not [line for line in clone.log() if line.startswith(("apt", "playwright"))]


def test_an_interrupted_environment_without_pip_is_made_anew(clone: Clone) -> None:
    clone.holds("chromium", "arabic", "no-pip")
    (clone.root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(clone.bin / "venv-python", clone.root / ".venv" / "bin" / "python")
    clone.setup()
    assert "python -m venv --clear .venv" in clone.log()
    made = len([line for line in clone.log() if line.startswith("python -m venv")])
    clone.setup()
    assert len([line for line in clone.log() if line.startswith("python -m venv")]) == made == 1


def test_a_chromium_that_does_not_start_leads_to_another(clone: Clone) -> None:
    clone.holds("arabic", "playwright-works")
    said = clone.setup()
    assert f"does not start: {LOADER}" in said
    assert "stay off" not in said
    assert "playwright install --with-deps chromium" in clone.log()
    assert not [line for line in clone.log() if line.startswith("apt")]
    assert "sandbox off: 1" in clone.log()


def test_what_playwright_and_apt_say_is_shown_by_its_last_line(clone: Clone) -> None:
    said = clone.setup()
    assert "playwright install failed: Error: getaddrinfo ENOTFOUND cdn.playwright.dev\n" in said
    assert "apt-get install chromium failed: E: Unable to locate package\n" in said
    assert f"stay off (Debian: apt-get install chromium). Chromium (/usr/bin/chromium) does not start: {LOADER}" in said
    assert "apt-get install fonts-noto-core failed: E: Unable to locate package\n" in said
    assert "No Arabic font is here" in said


def test_debians_packages_are_the_last_resort(clone: Clone) -> None:
    clone.holds("apt-works")
    said = clone.setup()
    assert "stay off" not in said and "No Arabic font" not in said
    installed = [line.split()[-1] for line in clone.log() if line.startswith("apt install")]
    assert installed == ["chromium", "fonts-noto-core"]


def test_another_account_than_root_installs_no_packages_and_keeps_the_sandbox(clone: Clone) -> None:
    clone.account(1000)
    clone.holds("apt-works")
    said = clone.setup()
    assert not [line for line in clone.log() if line.startswith("apt")]
    assert "playwright install chromium" in clone.log()
    assert "sandbox off: " in clone.log() and "sandbox off: 1" not in clone.log()
    assert "No Arabic font is here" in said and "stay off" in said


def test_a_chosen_chromium_is_not_replaced(clone: Clone) -> None:
    clone.holds("arabic", "apt-works", "playwright-works")
    assert "stay off" in clone.setup(RELICWATCH_CHROMIUM="/opt/chromium")
    assert not [line for line in clone.log() if line.startswith(("apt", "playwright"))]
