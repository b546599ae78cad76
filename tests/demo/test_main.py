from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest


@contextmanager
def served(*arguments):
    with subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_answers_at_once_and_ends_on_a_signal(stop):
    with served("--port", "0", "--generation", "1") as process:
        line = process.stdout.readline()
        assert line.startswith("demo market at http://127.0.0.1:")
        base = line.split()[-1]
        with httpx.Client(base_url=base) as client:
            assert client.get("control/generation").json() == {"generation": 1}
            # The connection stays open: it must not hold up the end.
            process.send_signal(stop)
            assert process.wait(timeout=5) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_starts_to_serve_ends_it_too(stop):
    with served() as process:
        process.stdout.readline()
        process.send_signal(stop)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""


def test_a_port_in_use_is_said_in_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with served("--port", str(port)) as process:
            assert process.wait(timeout=10) == 1
            message = process.stderr.read()
    assert message.startswith(f"Port {port} on 127.0.0.1 cannot be used")
    assert len(message.splitlines()) == 1
