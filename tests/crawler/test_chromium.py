from pathlib import Path

import pytest

from crawler import chromium
from crawler.chromium import ChromiumMissing, ChromiumRefused, find_chromium, launch_options


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "browser"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("RELICWATCH_CHROMIUM", str(program))
    monkeypatch.delenv("RELICWATCH_CHROMIUM_NO_SANDBOX", raising=False)
    return program


def test_root_is_refused_without_the_explicit_setting(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)  # SEC-7
    with pytest.raises(ChromiumRefused, match="RELICWATCH_CHROMIUM_NO_SANDBOX=1"):
        launch_options()
    monkeypatch.setenv("RELICWATCH_CHROMIUM_NO_SANDBOX", "1")
    assert launch_options()["chromium_sandbox"] is False


def test_another_account_keeps_the_sandbox(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    options = launch_options("http://127.0.0.1:4444")
    assert options["chromium_sandbox"] is True
    assert options["executable_path"] == str(installed)
    assert {"--proxy-server=http://127.0.0.1:4444", "--proxy-bypass-list=<-loopback>", "--disable-quic"} <= set(
        options["args"]
    )
    assert "--no-sandbox" not in options["args"]


def test_a_setting_that_names_no_program_is_an_error_and_never_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELICWATCH_CHROMIUM", "/no/such/browser")
    with pytest.raises(ChromiumMissing, match="/no/such/browser"):
        find_chromium()


def test_where_there_is_none_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RELICWATCH_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert find_chromium() is None
    with pytest.raises(ChromiumMissing, match="playwright install"):
        launch_options()
