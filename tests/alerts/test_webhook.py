"""Webhooks: signed, behind the guard, redirects never followed. # SEC-2, SEC-44"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from alerts.sending import AnswerLost, NotSent, Refused
from alerts.webhook import post
from crawler.egress import Guard

SECRET = "s3cret"


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.silent = False

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if self.server.silent:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {}, b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def send(url: str, guard: Guard | None = None) -> None:
    post(url, SECRET, "token-1", {"title": "سراج"}, guard or Guard(allow_loopback=True))


def test_a_message_is_signed_as_the_manual_says(receiver: Receiver) -> None:
    send(receiver.url())
    ((path, headers, body),) = receiver.asked
    stamp = headers["x-relicwatch-timestamp"]
    signature = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-relicwatch-signature"] == f"sha256={signature}"
    assert abs(int(stamp) - time.time()) < 60
    assert headers["x-relicwatch-delivery"] == "token-1"
    assert (path, json.loads(body)) == ("/hook", {"title": "سراج"})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_not_followed(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(Refused, match="redirects are not followed"):
        send(receiver.url())
    assert [path for path, _, _ in receiver.asked] == ["/hook"]


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (410, Refused), (429, NotSent), (500, NotSent)])
def test_what_may_pass_is_told_from_what_stands(receiver: Receiver, status: int, kind: type[Exception]) -> None:
    receiver.status = status
    with pytest.raises(kind, match=str(status)):
        send(receiver.url())


def test_an_answer_that_never_comes_leaves_it_open(receiver: Receiver) -> None:
    receiver.silent = True
    with pytest.raises(AnswerLost, match="did not answer"):
        send(receiver.url())


def test_nobody_there_is_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent, match="cannot be reached"):
            send(f"http://127.0.0.1:{free.getsockname()[1]}/hook")


def test_the_guard_lets_no_webhook_inside(receiver: Receiver) -> None:
    port = receiver.server_address[1]
    addresses = (
        receiver.url(), f"http://localhost:{port}/", f"http://2130706433:{port}/", f"http://[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://[fd00:ec2::254]/", "ftp://office.example/",
        "https://user:pass@office.example/", "http://office.example:22/", "file:///etc/passwd",
    )  # fmt: skip
    for url in addresses:
        with pytest.raises(Refused, match="The guard refused"):
            send(url, Guard())
    assert receiver.asked == []


def test_a_name_that_leads_inside_is_refused_when_it_is_dialled(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inside(host: str, port: int, *more: object, **options: object) -> list:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    with pytest.raises(Refused, match="loopback"):
        send(f"http://hook.office.example:8080/{receiver.server_address[1]}", Guard())
    assert receiver.asked == []
