from pathlib import Path

import pytest

from crawler.errors import HomeError
from crawler.home import Home, busy_seconds, loopback_allowed, unsandboxed_chromium_allowed


def test_everything_of_a_home_is_private_to_its_account(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    home.create()
    places = [home.root, *home.root.iterdir()]
    assert len(places) == 12
    assert {oct(place.stat().st_mode & 0o777) for place in places} == {"0o700"}
    assert not home.is_demo


def test_a_demo_home_says_so_and_stays_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create(demo=True)
    home.create()
    assert home.is_demo


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 63 + "/", "a" * 64 + "\n"])
def test_only_a_digest_names_a_file(tmp_path: Path, name: str) -> None:  # SEC-23
    with pytest.raises(HomeError, match="is no SHA-256"):
        Home(tmp_path).file_path(name)


def test_loopback_and_the_sandbox_open_by_one_word_of_the_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "0", "true", "yes"):
        for name in ("RELICWATCH_ALLOW_LOOPBACK", "RELICWATCH_CHROMIUM_NO_SANDBOX"):
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, value)
        assert not loopback_allowed()
        assert not unsandboxed_chromium_allowed()  # SEC-7


@pytest.mark.parametrize("value", ["soon", "-1", "0", "1.5", "99999"])
def test_a_wait_for_locks_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RELICWATCH_BUSY_SECONDS", value)
    with pytest.raises(HomeError, match="is no number of seconds from 1 to 3600"):
        busy_seconds()
