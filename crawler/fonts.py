"""Whether this machine can draw Arabic: without a font for it every screenshot, which is evidence, shows boxes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_NAMES = ("arab", "naskh", "nastaliq", "kufi", "amiri", "kacst", "scheherazade", "dejavusans", "freeserif", "unifont")
"""In the names of font files with Arabic letters, spaces and hyphens left out."""


def has_arabic_font() -> bool:
    """As fontconfig says, which Chromium asks too; without `fc-list` by the names of the files in the font folders."""
    if shutil.which("fc-list"):
        listed = subprocess.run(
            ["fc-list", ":lang=ar", "file"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
        if listed.returncode == 0:
            return bool(listed.stdout.strip())
    return any(_is_arabic(path) for folder in _folders() for path in folder.rglob("*"))


def _folders() -> Iterator[Path]:
    home = Path(os.environ.get("HOME", "/nonexistent"))
    data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    own = os.environ.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    yield home / ".fonts"
    yield from (Path(one) / "fonts" for one in (own, *data.split(":")) if one)


def _is_arabic(path: Path) -> bool:
    name = path.stem.lower().replace("-", "").replace("_", "").replace(" ", "")
    return path.suffix.lower() in (".ttf", ".otf", ".ttc") and any(one in name for one in _NAMES)


if __name__ == "__main__":
    sys.exit(0 if has_arabic_font() else 1)
