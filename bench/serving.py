"""A server of the benchmark in a process of its own, whose time is not counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent


@contextmanager
def serving(script: str, *arguments: object) -> Iterator[str]:
    """The address of `script` of this directory: it prints the address first, and ends when its stdin closes."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(timeout=10)
        server.stdout.close()
