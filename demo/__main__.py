"""`python -m demo`: serves the demo market on loopback until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from types import FrameType

import uvicorn

from demo.app import create_app

HOST = "127.0.0.1"


def serve(port: int = 0, generation: int = 0) -> None:
    """Serves until SIGTERM or SIGINT, then leaves with status 0. Port 0 means a free one.

    The first line on stdout is `demo market at http://127.0.0.1:PORT/`; from then on connections are accepted.
    """
    config = uvicorn.Config(
        create_app(generation=generation), log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)

    def leave(number: int, frame: FrameType | None) -> None:
        # Only a mark: an exception out of a handler is lost where it strikes inside a callback, and the signal with it.
        # uvicorn raises a caught signal again after its shutdown, into this same mark: a wanted end is no failure.
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        sys.exit(f"Port {port} on {HOST} cannot be used ({error.strerror}): choose another with --port, or 0.")
    listener.listen(128)
    sys.stdout.write(f"demo market at http://{HOST}:{listener.getsockname()[1]}/\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one (default)")
    parser.add_argument("--generation", type=int, default=0, help="0 before, 1 after the changes between two crawls")
    arguments = parser.parse_args()
    serve(arguments.port, arguments.generation)


if __name__ == "__main__":
    main()
