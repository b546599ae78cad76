"""Where relicwatch keeps its files, and the process settings that come from the environment.

Names inside the home are made here and nowhere else; a path from a page never names a file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from crawler.errors import HomeError

DEMO_MARK = "DEMO"


@dataclass(frozen=True, slots=True)
class Home:
    """One installation's directory (`RELICWATCH_HOME`, default `./var`)."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        return cls(Path(os.environ.get("RELICWATCH_HOME") or "var").absolute())

    @property
    def transit(self) -> Path:
        """WARC segments as they are being written, one directory a market; deleted after their retention time."""
        return self.root / "transit"

    @property
    def evidence(self) -> Path:
        """Sealed, write-once WARCs (mode 0444)."""
        return self.root / "evidence"

    @property
    def files(self) -> Path:
        """Screenshots, thumbnails and other derivatives, named by the SHA-256 of their content."""
        return self.root / "files"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def markets(self) -> Path:
        """The user's own market definitions; they win over ours by name."""
        return self.root / "markets"

    @property
    def models(self) -> Path:
        """Models the user trained, a directory each; the shipped one lies with the program."""
        return self.root / "models"

    @property
    def terms(self) -> Path:
        """The unit's own lexicon files."""
        return self.root / "terms"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def received(self) -> Path:
        """Bundles that other units handed over, each whole under its SHA-256."""
        return self.root / "received"

    @property
    def custody_heads(self) -> Path:
        """Signed and stamped heads of the audit log; best copied to another machine too."""
        return self.root / "custody-heads"

    @property
    def photo_index(self) -> Path:
        """The index of photographs, made from the database and made anew where it lacks; worth no backup."""
        return self.root / "photo-index"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def is_demo(self) -> bool:
        return (self.root / DEMO_MARK).exists()

    @property
    def database_url(self) -> str:
        """`RELICWATCH_DATABASE_URL`, else a SQLite file in the home."""
        return os.environ.get("RELICWATCH_DATABASE_URL") or f"sqlite:///{self.root / 'relicwatch.sqlite3'}"

    def file_path(self, sha256: str) -> Path:
        """The place of a content-named file; `sha256` must be 64 lower-case hexadecimal digits."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise HomeError(f"{sha256!r} is no SHA-256, so it names no file in {self.files}.")
        return self.files / sha256[:2] / sha256

    def create(self, *, demo: bool = False) -> None:
        """Make the directories (private to this account). Raises HomeError where that is not possible."""
        try:
            for directory in (
                self.root,
                self.transit,
                self.evidence,
                self.files,
                self.keys,
                self.markets,
                self.models,
                self.terms,
                self.exports,
                self.received,
                self.custody_heads,
                self.logs,
            ):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if demo:
                (self.root / DEMO_MARK).touch()
        except OSError as error:
            raise HomeError(
                f"The home {self.root} cannot be made ({error.strerror}): free the place or set RELICWATCH_HOME."
            ) from error


def loopback_allowed() -> bool:
    """Whether this process may fetch from loopback (`RELICWATCH_ALLOW_LOOPBACK=1`: the demo, tests, benchmarks).

    A setting of the process and never of a market definition, so that no definition can open the way inside.
    """
    return os.environ.get("RELICWATCH_ALLOW_LOOPBACK") == "1"


def busy_seconds() -> int:
    """How long a statement waits for what another program has locked (`RELICWATCH_BUSY_SECONDS`, default 30)."""
    text = os.environ.get("RELICWATCH_BUSY_SECONDS") or "30"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 3600:
        raise HomeError(f"RELICWATCH_BUSY_SECONDS {text!r} is no number of seconds from 1 to 3600.")
    return int(text)


def unsandboxed_chromium_allowed() -> bool:
    """Whether Chromium may start without its sandbox (`RELICWATCH_CHROMIUM_NO_SANDBOX=1`: containers, CI as root)."""
    return os.environ.get("RELICWATCH_CHROMIUM_NO_SANDBOX") == "1"
