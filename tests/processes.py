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
    """The commands of those that have not ended; who holds a number later is another process."""
    return [" ".join(command) for command in map(command_of, processes) if command]


def command_of(process: psutil.Process) -> list[str]:
    """Empty of one that has ended, reaped or not."""
    try:
        return process.cmdline() if process.is_running() else []
    except psutil.NoSuchProcess:  # of a zombie too
        return []


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
