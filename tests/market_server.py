"""A market of the test's own on loopback that sends exactly the bytes it is told to, and remembers what it was asked.

Bytes matter here (header case, cut bodies, wrong charsets), so it speaks HTTP over plain sockets: a library would tidy.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    target: str
    head: bytes
    body: bytes
    at: datetime
    connection: int
    """Which connection it came on, counted from 1."""


@dataclass(frozen=True)
class Reply:
    """Raw bytes to send: head and body. `then` is what happens after them."""

    head: bytes
    body: bytes = b""
    then: str = "keep"
    """keep, close, reset or hang (until the server ends)."""
    parts: Callable[[threading.Event], Iterator[bytes]] | None = None
    """What follows the body part by part, without an end if need be; the event is set when the server ends."""


Route = Reply | list[Reply] | Callable[[Asked], Reply]
"""A list is used up one by one; its last reply stays."""


def reply(
    body: bytes | str = b"",
    status: str = "200 OK",
    headers: Iterable[tuple[str, str]] = (("Content-Type", "text/html; charset=utf-8"),),
    *,
    length: int | None = None,
    then: str = "keep",
) -> Reply:
    """A reply with a Content-Length, of `body` where no `length` is given."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return Reply(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), body, then)


def redirect(to: str, status: str = "302 Found") -> Reply:
    return reply(b"moved", status, [("Location", to)])


MISSING = reply("<html><title>no such page</title></html>", "404 Not Found")


@dataclass
class MarketServer:
    """Routes by target (path and query), then by path alone; `otherwise` (404) elsewhere, for robots.txt too."""

    host: str = "127.0.0.1"
    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    before_answering: Callable[[Asked], None] | None = None
    otherwise: Route = MISSING
    """What answers where no route does."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server((self.host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.netloc = f"{self.host}:{self.port}"
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._connections = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://{self.netloc}{path}"

    def targets(self) -> list[str]:
        """What was asked for, in order, robots.txt left out."""
        return [one.target for one in self.asked if one.target != "/robots.txt"]

    def close(self) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            open_now = dict(self._open)
        for connection, thread in open_now.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self._connections), daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            while not self._ending.is_set():
                asked = self._read(connection, number)
                if asked is None:
                    return
                with self._lock:
                    self.asked.append(asked)
                if self.before_answering is not None:
                    self.before_answering(asked)
                answer = self._answer(asked)
                connection.sendall(answer.head + answer.body)
                for part in answer.parts(self._ending) if answer.parts is not None else ():
                    connection.sendall(part)
                if answer.then == "hang":
                    self._ending.wait()
                if answer.then == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                if answer.then != "keep":
                    return
        except OSError:
            return  # the other side went away: a killed crawl does
        finally:
            connection.close()
            with self._lock:
                self._open.pop(connection, None)

    def _read(self, connection: socket.socket, number: int) -> Asked | None:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return None
            data += part
        at = datetime.now(UTC)
        head, _, body = data.partition(b"\r\n\r\n")
        return Asked(head.split(b" ")[1].decode("latin-1"), head + b"\r\n\r\n", body, at, number)

    def _answer(self, asked: Asked) -> Reply:
        route = self.routes.get(asked.target) or self.routes.get(asked.target.partition("?")[0]) or self.otherwise
        if isinstance(route, list):
            with self._lock:
                return route.pop(0) if len(route) > 1 else route[0]
        if callable(route):
            return route(asked)
        return route


@contextlib.contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[MarketServer]:
    server = MarketServer(host)
    try:
        yield server
    finally:
        server.close()


# -- pages that a market like this would show -------------------------------------------------------------------


def lot_page(title: str, price: str = "120.00", *, extra: str = "", text: str = "", head: str = "") -> str:
    """A listing's page with its data as JSON-LD."""
    return f"""<!doctype html><html lang="en"><head><title>{title}</title>{head}
<script type="application/ld+json">{{"@context": "https://schema.org", "@type": "Product", "name": "{title}",
"description": "{text or title + ", described at some length for the catalogue."}",
"offers": {{"@type": "Offer", "price": "{price}", "priceCurrency": "GBP",
"availability": "https://schema.org/InStock"}}}}</script></head>
<body><h1>{title}</h1><p>{text}</p><p class="price">GBP {price}</p>{extra}</body></html>"""


def results_page(links: Iterable[str], next_url: str | None = None) -> str:
    """A search page that links listings, each with the class `lot`."""
    lots = "".join(f'<li><a class="lot" href="{link}">Lot at {link}</a></li>' for link in links)
    more = f'<a rel="next" href="{next_url}">Next</a>' if next_url else ""
    return f"<!doctype html><html><head><title>Results</title></head><body><ul>{lots}</ul>{more}</body></html>"
