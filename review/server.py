"""The desk on a port: in the foreground, or on a thread beside the scheduler."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn

from crawler.errors import RelicwatchError
from crawler.home import Home
from review.app import create_app
from review.binding import ON_LOOPBACK, Binding
from storage.audit import AuditChain
from storage.database import Database

DEFAULT_PORT = 8765


class DeskError(RelicwatchError):
    """The desk cannot be started: its port is taken."""


def serve(
    database: Database, home: Home, port: int, on_ready: Callable[[str], None], binding: Binding = ON_LOOPBACK
) -> None:
    """Serve the desk until SIGINT or SIGTERM; `on_ready` is told its address. Port 0 takes a free one.

    The signal is raised again once the desk is down (SIGINT: KeyboardInterrupt), so that the caller ends as it should.

    Raises DeskError where the port is taken, DatabaseError where the database is not of this version.
    """
    database.require_current()
    with _listening(port, binding) as listener:
        server = _server(database, home, binding)
        _spare_collector()
        on_ready(_address(listener, binding))
        server.run(sockets=[listener])


def _spare_collector() -> None:
    """What was loaded stays to the end: the collector need not walk through it while a reader waits, nor start after
    every few hundred objects of a page."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)


class DeskServer:
    """The desk on a thread of its own; signals stay with whoever owns the process."""

    def __init__(self, database: Database, home: Home, port: int = 0, binding: Binding = ON_LOOPBACK) -> None:
        self.database = database
        self.home = home
        self.port = port
        self.binding = binding
        self.address = ""
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None

    def start(self) -> str:
        """Start and return the address. Raises DeskError or DatabaseError.

        The socket listens from here on, so a request sent at once waits for the server and is not refused.
        """
        self.database.require_current()
        self._listener = _listening(self.port, self.binding)
        self.address = _address(self._listener, self.binding)
        self._server = _server(self.database, self.home, self.binding)
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


def _server(database: Database, home: Home, binding: Binding) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(database, home, chain=AuditChain(), binding=binding),
            ssl_certfile=binding.certificate,
            ssl_keyfile=binding.key,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
    )


def _listening(port: int, binding: Binding) -> socket.socket:
    family = socket.AF_INET6 if ":" in binding.address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((binding.address, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise DeskError(
            f"The review desk cannot listen on {binding.address}:{port} ({error.strerror}): "
            "stop the program that uses this port, or choose another with --port."
        ) from error
    return listener


def _address(listener: socket.socket, binding: Binding) -> str:
    host = f"[{binding.address}]" if ":" in binding.address else binding.address
    return f"{binding.scheme}://{host}:{listener.getsockname()[1]}"
