"""What a test asks of the running processes it started: which are below one, and where they listen."""

from __future__ import annotations

from pathlib import Path

import psutil

LISTENING = "0A"
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
"""127.0.0.1, ::1 and 127.0.0.1 as IPv6, as /proc/net writes them."""


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def running(processes: list[psutil.Process]) -> list[str]:
    """Those that have not ended, by their commands; who holds a number later is another process."""
    return [" ".join(one.cmdline()) for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def listening_addresses(pid: int) -> set[str]:
    """The local addresses, as /proc/net writes them, at which this process and those below it accept connections."""
    found: set[str] = set()
    for process in [psutil.Process(pid), *below(pid)]:
        root = Path(f"/proc/{process.pid}")
        sockets = {str(one.readlink()) for one in (root / "fd").iterdir() if one.is_symlink()}
        for name in ("tcp", "tcp6"):
            table = root / "net" / name
            for line in table.read_text().splitlines()[1:] if table.exists() else ():
                fields = line.split()
                if fields[3] == LISTENING and f"socket:[{fields[9]}]" in sockets:
                    found.add(fields[1].rpartition(":")[0])
    return found
