"""What some tests need and a machine may lack: a Chromium that starts, and the folder beside the repository.

Such a test is skipped with the reason, and fails instead where RELICWATCH_NO_SKIPS=1 (CI): there, both are to be had.
Without the folder beside the repository the tests that read it are skipped even so; what lacks inside it is a failure.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from crawler.chromium import chromium_fault, launch_options

SHARED = Path(__file__).resolve().parents[2] / "shared"
SANDBOX = {"RELICWATCH_CHROMIUM_NO_SANDBOX": "1"} if os.geteuid() == 0 else {}
"""For the environment of what runs Chromium in a test: as root it has no sandbox."""


def need_chromium() -> None:
    fault = _chromium_fault()
    if fault is not None:
        _lacking(fault, must_be_there=True)


def need_shared(path: str) -> Path:
    """A file or folder below ../shared."""
    found = SHARED / path
    if not found.exists():
        _lacking(f"there is no {path} beside the repository (in ../shared)", must_be_there=SHARED.is_dir())
    return found


def without_network() -> list[str]:
    """What to put before a command so that it runs in a namespace without any network."""
    prefix = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        _lacking("network namespaces cannot be made here (unshare --user --net)", must_be_there=False)
    return prefix


def need_checkers(part: str = "") -> Path:
    """Where `scripts/checkers` has put the foreign checkers: those of bundles, `schemathesis` or `wapiti`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = Path(os.environ.get("RELICWATCH_CHECKERS") or cache / "relicwatch/checkers") / part
    if not (place / "ready").exists():
        _lacking("the foreign checkers are not set up: scripts/checkers", must_be_there=False)
    return place


def options_of_chromium() -> dict[str, Any]:
    """For Playwright's launch: the Chromium and the switches that relicwatch itself uses."""
    with pytest.MonkeyPatch.context() as patch:
        _allow(patch)
        return launch_options()


def _lacking(what: str, *, must_be_there: bool) -> NoReturn:
    if must_be_there and os.environ.get("RELICWATCH_NO_SKIPS") == "1":
        pytest.fail(f"may not be skipped here (RELICWATCH_NO_SKIPS=1): {what}", pytrace=False)
    pytest.skip(what)


@functools.cache
def _chromium_fault() -> str | None:
    with pytest.MonkeyPatch.context() as patch:
        _allow(patch)
        return chromium_fault()


def _allow(patch: pytest.MonkeyPatch) -> None:
    for name, value in SANDBOX.items():
        patch.setenv(name, value)
