"""What this program calls itself in evidence: name, version and the commit it runs from."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from crawler.operator import told_operator

NAME = "relicwatch"


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    name: str
    version: str
    commit: str
    """Git commit of the clone it runs from, or "unknown"."""

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version} ({self.commit[:12]})"


@cache
def program_info() -> ProgramInfo:
    try:
        version = metadata.version(NAME)
    except metadata.PackageNotFoundError:
        version = "0+uninstalled"
    return ProgramInfo(NAME, version, _commit(Path(__file__).resolve().parent.parent))


def operator() -> str:
    """Who answers for this installation (`RELICWATCH_OPERATOR`, a name with a contact address; else as told at the
    desk)."""
    told = told_operator()
    at_desk = f"{told.name} ({told.contact})" if told.name else ""
    return os.environ.get("RELICWATCH_OPERATOR") or at_desk or "operator not configured (RELICWATCH_OPERATOR)"


def user_agent() -> str:
    """The honest user agent, with a contact where the operator gave one (`RELICWATCH_CONTACT`, an address or URL; else
    as told at the desk)."""
    contact = os.environ.get("RELICWATCH_CONTACT") or told_operator().contact
    return f"{NAME}/{program_info().version}" + (f" (+{contact})" if contact else "")


def host_name() -> str:
    return socket.gethostname() or "unknown"


def _commit(root: Path) -> str:
    """Read from .git itself: the commit must be there without a git program too."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text("ascii").strip()
        if not head.startswith("ref: "):
            return head or "unknown"
        reference = head.removeprefix("ref: ")
        loose = git / reference
        if loose.exists():
            return loose.read_text("ascii").strip()
        for line in (git / "packed-refs").read_text("ascii").splitlines():
            if line.endswith(" " + reference):
                return line.split(" ", 1)[0]
    except OSError:
        return "unknown"
    return "unknown"
