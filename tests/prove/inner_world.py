"""A network of its own in which every address of the world is a tripwire, but for the hostile market's one.

It takes a network namespace (`unshare --net --mount`) and changes nothing outside. Routes of type `local` lead all of
IPv4 and IPv6 to this machine without giving its interfaces those addresses, so that no refusal is owed to the guard's
rule for own addresses; one public address is given to an interface to prove that rule too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import selectors
import socket
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

MARKET_ADDRESS = "93.184.216.34"
OWN_ADDRESS = "93.184.216.99"
"""As public as the market's, but this machine's own."""
RESOLVER = "127.0.0.53"
TRAPPED_PORTS = (22, 80, 443, 3306, 5432, 6379, 8000, 8080, 9222)
DEAD_AT_MARKET = 8443
"""Open on loopback and closed at the market: who falls back from one address of a set to the next ends there."""
STUN = 3478
_TUNSETIFF, _IFF_TUN = 0x400454CA, 0x1001
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\nin"

Lookup = Callable[[int], Sequence[str]]
"""The addresses of a name at its n-th question, counted from 1 over IPv4 questions."""


def lay_out(directory: Path) -> None:
    """Give the namespace its routes and its resolver."""
    for command in (
        "link set lo up",
        f"addr add {OWN_ADDRESS}/32 dev lo",
        "route add local default dev lo src 127.0.0.1",
        "-6 route add local default dev lo",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    _bring_up_a_line()
    resolver = directory / "resolv.conf"
    resolver.write_text(f"nameserver {RESOLVER}\noptions timeout:1 attempts:2\n", "utf-8")
    hosts = directory / "hosts"
    hosts.write_text("127.0.0.1 localhost\n", "utf-8")
    for made, place in ((resolver, "/etc/resolv.conf"), (hosts, "/etc/hosts")):
        subprocess.run(["mount", "--bind", str(made), place], check=True)


def _bring_up_a_line() -> None:
    """An interface that is not loopback: a browser without one takes itself for offline and tries no WebRTC."""
    line = os.open("/dev/net/tun", os.O_RDWR)  # open as long as the process: the carrier goes with it
    fcntl.ioctl(line, _TUNSETIFF, struct.pack("16sH22x", b"line0", _IFF_TUN))
    subprocess.run(["ip", "addr", "add", "198.18.0.1/30", "dev", "line0"], check=True)
    subprocess.run(["ip", "link", "set", "line0", "up"], check=True)


class Tripwires:
    """Listeners on every address; `hits` counts (address, port) reached, `words` the labels that requests carried."""

    def __init__(self) -> None:
        self.hits: Counter[tuple[str, int]] = Counter()
        self.words: Counter[str] = Counter()
        self._ready = selectors.DefaultSelector()
        for port in TRAPPED_PORTS:
            self._listen("::", port, socket.SOCK_STREAM)
            self._listen("0.0.0.0", port, socket.SOCK_STREAM)
        self._listen("127.0.0.1", DEAD_AT_MARKET, socket.SOCK_STREAM)
        self._listen("127.0.0.1", STUN, socket.SOCK_DGRAM)
        self._listen("10.0.0.1", STUN, socket.SOCK_DGRAM)
        threading.Thread(target=self._watch, daemon=True).start()

    def forget(self) -> None:
        self.hits.clear()
        self.words.clear()

    def _listen(self, host: str, port: int, kind: int) -> None:
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if ":" in host:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        if kind == socket.SOCK_STREAM:
            listener.listen(256)
        self._ready.register(listener, selectors.EVENT_READ)

    def _watch(self) -> None:
        while True:
            for key, _ in self._ready.select():
                listener = key.fileobj
                assert isinstance(listener, socket.socket)
                if listener.type == socket.SOCK_DGRAM:
                    listener.recvfrom(2048)
                    self.hits[listener.getsockname()[:2]] += 1
                    self.words["stun"] += 1
                    continue
                connection, _ = listener.accept()
                self.hits[connection.getsockname()[:2]] += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            found = re.search(rb"trip=([\w-]+)", connection.recv(65536))
            if found:
                self.words[found.group(1).decode()] += 1
            connection.sendall(_ANSWER)


class Names:
    """A DNS server whose answers live for no time at all; a name below a known one has its addresses."""

    def __init__(self, names: dict[str, Lookup]) -> None:
        self._names = names
        self.asked: Counter[str] = Counter()
        self.told: dict[str, list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((RESOLVER, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode("latin-1").lower())
            at += 1 + length
        name, (kind,) = ".".join(labels), struct.unpack(">H", question[at + 1 : at + 3])
        look = self._names.get(name)
        if kind == 1:
            self.asked[name] += 1
        found = list(look(max(self.asked[name], 1))) if look else []
        if kind == 1:
            self.told.setdefault(name, []).append("+".join(found))
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        packed = [socket.inet_pton(family, one) for one in found if family and (":" in one) == (kind == 28)]
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(one)) + one for one in packed)
        flags = 0x8580 if look else 0x8583
        return question[:2] + struct.pack(">HHHHH", flags, 1, len(packed), 0, 0) + question[12 : at + 5] + records


def always(*addresses: str) -> Lookup:
    return lambda _: addresses


def first_then(first: Sequence[str], then: Sequence[str]) -> Lookup:
    return lambda number: first if number == 1 else then


@contextlib.contextmanager
def connected(host: str, port: int) -> Iterator[socket.socket]:
    """A connection as anybody makes it, past the guard."""
    with socket.create_connection((host, port), timeout=5) as connection:
        yield connection


def in_namespace_of_its_own() -> bool:
    """Whether there is a bare loopback only, as in a namespace just made."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]
