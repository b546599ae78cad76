"""What the fetcher makes of names that do not resolve well and of TLS that does not hold: own resolver, own CA."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp.connector
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from scrapy.exceptions import CannotResolveHostError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response

from tests.crawler.conftest import Fetches
from tests.market_server import MarketServer, reply, serving

# -- names (RL-37) ----------------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Host -> the addresses it resolves to, an error, or an event to wait for. Any other name sets that event.

    The guard lets any port pass for names below localhost alone, so what is to be reached is named so.
    """
    known: dict[str, object] = {}

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        answer = known.get(host)
        if isinstance(answer, OSError):
            raise answer
        if isinstance(answer, threading.Event):
            assert answer.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")
        for event in known.values():
            if isinstance(event, threading.Event):
                event.set()
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in (answer if isinstance(answer, list) else [host])
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def test_a_name_that_is_not_there_and_a_resolver_that_fails_are_told_apart(
    fetch: Fetches, names: dict[str, object]
) -> None:
    names["nxdomain.example"] = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    names["servfail.example"] = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    missing, failing = fetch("http://nxdomain.example/", "http://servfail.example/")
    assert isinstance(missing, CannotResolveHostError)
    assert "is not known (Name or service not known)" in str(missing)
    assert isinstance(failing, CannotResolveHostError)
    assert "cannot be looked up (Temporary failure in name resolution)" in str(failing)


def test_a_resolver_that_does_not_answer_is_left_at_the_deadline(
    fetch: Fetches, market: MarketServer, names: dict[str, object]
) -> None:
    names["slow.example"] = threading.Event()
    names["other.localhost"] = ["127.0.0.1"]
    market.routes["/"] = reply("a page")
    slow, other = fetch("http://slow.example/", f"http://other.localhost:{market.port}/", DOWNLOAD_TIMEOUT=0.4)
    assert isinstance(slow, DownloadTimeoutError)
    assert isinstance(other, Response)


def test_a_name_with_an_ipv6_address_alone_is_reached(fetch: Fetches, names: dict[str, object]) -> None:
    names["six.localhost"] = ["::1"]
    server = contextlib.ExitStack()
    try:
        six = server.enter_context(serving_ipv6())
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        (page,) = fetch(f"http://six.localhost:{six}/")
    assert isinstance(page, Response)
    ((response, _),) = fetch.pairs()
    assert response.headers["warc-ip-address"] == "::1"


@contextlib.contextmanager
def serving_ipv6() -> Iterator[int]:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(10)
    listener.close()


def test_of_forty_addresses_the_one_that_answers_is_found(fetch: Fetches, names: dict[str, object]) -> None:
    with serving("127.0.0.40") as server:
        server.routes["/"] = reply("a page")
        names["forty.localhost"] = [f"127.0.0.{number}" for number in range(1, 41)]
        (page,) = fetch(f"http://forty.localhost:{server.port}/")
    assert isinstance(page, Response)


# -- certificates (RL-38) ---------------------------------------------------------------------------------------

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    """A CA of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.certificate = self._sign(self.name, self.key, is_ca=True)

    def server_context(
        self, host: str = "localhost", *, ends: datetime.datetime = NOW + DAY, self_signed: bool = False
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = self._sign(name, key, host=host, ends=ends, issuer=name if self_signed else None)
        path = self.folder / f"{host}-{len(list(self.folder.iterdir()))}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def trusting_context(self) -> ssl.SSLContext:
        """A client's default context that trusts this CA alone."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())

    def _sign(self, subject, key, *, host: str = "", ends=NOW + DAY, issuer=None, is_ca: bool = False):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - 30 * DAY)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if host:
            names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(key if issuer is not None else self.key, hashes.SHA256())


@contextlib.contextmanager
def serving_tls(context: ssl.SSLContext) -> Iterator[str]:
    """One connection over TLS on loopback, by the name localhost."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na page")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}/"
    listener.close()
    thread.join(10)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    folder = tmp_path / "certificates"
    folder.mkdir()
    made = Authority(folder)
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", made.trusting_context())
    return made


def test_a_page_behind_a_good_certificate_is_kept_with_it(fetch: Fetches, authority: Authority) -> None:  # RL-38
    with serving_tls(authority.server_context()) as url:
        (page,) = fetch(url)
    assert isinstance(page, Response), page
    assert page.body == b"a page"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("expired", "certificate has expired"),
        ("wrong host", "Hostname mismatch"),
        ("self-signed", "self-signed certificate"),
        ("TLS 1.0", "no secure connection could be made"),
    ],
)
def test_where_tls_does_not_hold_nothing_is_asked_and_the_reason_is_told(
    fetch: Fetches, authority: Authority, fault: str, said: str
) -> None:  # RL-38
    context = {
        "expired": lambda: authority.server_context(ends=NOW - DAY),
        "wrong host": lambda: authority.server_context("other.example"),
        "self-signed": lambda: authority.server_context(self_signed=True),
        "TLS 1.0": authority.server_context,
    }[fault]()
    if fault == "TLS 1.0":
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with serving_tls(context) as url:
        (answer,) = fetch(url)
    assert isinstance(answer, DownloadFailedError)
    assert said in str(answer)
    assert url in str(answer)
