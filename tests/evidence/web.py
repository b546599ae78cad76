"""A small web of the test's own on loopback: routes with raw bytes, and the log of what was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Route:
    body: bytes = b""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("Content-Type", "text/html; charset=utf-8")])


class Web:
    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        self.port = server.server_address[1]

    def url(self, path: str) -> str:
        return self.address + path

    def add(self, path: str, body: bytes = b"", *headers: tuple[str, str], status: int = 200) -> str:
        self.routes[path] = Route(body, status, list(headers) or [("Content-Type", "text/html; charset=utf-8")])
        return self.url(path)


@contextmanager
def serving() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.asked.append(self.path)
            web.agents.add(self.headers.get("User-Agent", ""))
            route = web.routes.get(self.path) or Route(b"nothing here", 404)
            self.send_response(route.status)
            for name, value in route.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(route.body)))
            self.end_headers()
            self.wfile.write(route.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web = Web(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
