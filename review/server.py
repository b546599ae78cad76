"""The desk on a port, answering on a thread of its own."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
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
    """The desk cannot be started: its port is taken, or the system has no process left for it."""


class Listening(ABC):
    """What starts and stops with `with`, and listens meanwhile."""

    def __init__(self, database: Database, home: Home, port: int, binding: Binding) -> None:
        self.database = database
        self.home = home
        self.port = port
        self.binding = binding
        self.address = ""
        self._listener: socket.socket | None = None

    def start(self) -> str:
        """Start and return the address. Raises DeskError or DatabaseError.

        The socket listens from here on, so a request sent at once waits for the server and is not refused.
        """
        self.database.require_current()
        self._listener = _listening(self.port, self.binding)
        self.address = _address(self._listener, self.binding)
        try:
            self._begin(self._listener)
        except BaseException:
            self.stop()
            raise
        return self.address

    def stop(self) -> None:
        """Let open answers finish, then close; stopping twice does nothing."""
        self._end()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    @abstractmethod
    def _begin(self, listener: socket.socket) -> None: ...

    @abstractmethod
    def _end(self) -> None: ...

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class DeskServer(Listening):
    """The desk on a thread of its own; signals stay with whoever owns the process."""

    def __init__(self, database: Database, home: Home, port: int = 0, binding: Binding = ON_LOOPBACK) -> None:
        super().__init__(database, home, port, binding)
        self._thread: ServerThread | None = None

    def _begin(self, listener: socket.socket) -> None:
        self._thread = ServerThread(self.database, self.home, self.binding, listener)

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = None


class ServerThread:
    """A server that answers on a socket until it is stopped."""

    def __init__(self, database: Database, home: Home, binding: Binding, listener: socket.socket) -> None:
        self._server = uvicorn.Server(
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
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="review desk", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


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
