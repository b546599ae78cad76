from pathlib import Path

import pytest

from crawler.fonts import has_arabic_font


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without fontconfig and without fonts."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path / 'share'}:{tmp_path / 'local'}")
    (tmp_path / "bin").mkdir()
    return tmp_path


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize(
    "name",
    [
        "local/fonts/truetype/noto/NotoNaskhArabic-Regular.ttf",
        "home/.fonts/Amiri.otf",
        "home/.local/share/fonts/DejaVu-Sans.ttf",
    ],
)
def test_without_fontconfig_the_font_folders_are_looked_through(machine: Path, name: str) -> None:
    assert not has_arabic_font()
    put(machine / "share" / "fonts" / "NotoSansHebrew.ttf")
    put(machine / "share" / "fonts" / "arabic.readme")
    assert not has_arabic_font()
    put(machine / name)
    assert has_arabic_font()


@pytest.mark.parametrize(
    ("script", "found"), [("echo /a/font.ttf: ", True), ("", False), ("echo broken; exit 1", True)]
)
def test_fontconfig_is_believed_where_it_works(machine: Path, script: str, found: bool) -> None:
    put(machine / "share" / "fonts" / "Amiri.ttf")
    program = machine / "bin" / "fc-list"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert has_arabic_font() is found
