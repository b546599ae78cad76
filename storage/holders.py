"""Naming the process that holds a lease, so that a dead holder on this machine is known at once, not after a time-out.

Read from /proc where there is one; elsewhere only the process number is checked, and a lease's end decides the rest.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """The holder string of the calling process: host:pid:start."""
    # Not cached: a forked child has the memory of its parent and another number.
    pid = os.getpid()
    return f"{_host()}:{pid}:{_start_of(pid) or '-'}"


def is_gone(holder: str) -> bool:
    """Whether the holder is known to be dead. False for a holder on another machine: only its lease can tell."""
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    start = holder.rpartition(":")[2]
    if host != _host() or not rest.isdecimal():
        return False
    pid = int(rest)
    if start == "-" or not (_PROC / "self" / "stat").exists():
        return not _answers(pid)
    return _start_of(pid) != start


@cache
def _host() -> str:
    return socket.gethostname().replace(":", "-") or "localhost"


@cache
def _boot() -> str:
    """Changes with each start of the machine, because numbers and start times begin anew then."""
    try:
        return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()[:8]
    except OSError:
        return "0"


def _start_of(pid: int) -> str | None:
    """When the process started; None where it is gone, waits only to be reaped, or /proc is not there."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in brackets may itself hold spaces and brackets, so count from the last one: state is field 3, start 22.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot()}-{fields[19]}"


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
