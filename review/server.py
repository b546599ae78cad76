"""The desk on a loopback port: in the foreground, or on a thread beside the scheduler."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn

from crawler.errors import RelicwatchError
from crawler.home import Home
from review.app import create_app
from storage.audit import AuditChain
from storage.database import Database

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 8765


class DeskError(RelicwatchError):
    """The desk cannot be started: its port is taken."""


def serve(database: Database, home: Home, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve the desk until SIGINT or SIGTERM; `on_ready` is told its address. Port 0 takes a free one.

    The signal is raised again once the desk is down (SIGINT: KeyboardInterrupt), so that the caller ends as it should.

    Raises DeskError where the port is taken, DatabaseError where the database is not of this version.
    """
    database.require_current()
    with _listening(port) as listener:
        on_ready(_address(listener))
        _server(database, home).run(sockets=[listener])


class DeskServer:
    """The desk on a thread of its own; signals stay with whoever owns the process."""

    def __init__(self, database: Database, home: Home, port: int = 0) -> None:
        self.database = database
        self.home = home
        self.port = port
        self.address = ""
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None

    def start(self) -> str:
        """Start and return the address. Raises DeskError or DatabaseError.

        The socket listens from here on, so a request sent at once waits for the server and is not refused.
        """
        self.database.require_current()
        self._listener = _listening(self.port)
        self.address = _address(self._listener)
        self._server = _server(self.database, self.home)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="review desk", daemon=True
        )
        self._thread.start()
        return self.address

    def stop(self) -> None:
        """Let open answers finish, then close; stopping twice does nothing."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _server(database: Database, home: Home) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(database, home, chain=AuditChain()),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
    )


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise DeskError(
            f"The review desk cannot listen on {ADDRESS}:{port} ({error.strerror}): "
            "stop the program that uses this port, or choose another with --port."
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    return f"http://{ADDRESS}:{listener.getsockname()[1]}"
