"""What stands around a capture: names, certificates of a test authority, the own clock, pages it links to."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.egress import Guard
from evidence import surroundings
from evidence.linked_pages import on_same_site, terms_pages
from evidence.surroundings import hosts_of, own_clock

LOOPBACK = Guard(allow_loopback=True)


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server on loopback that shows a certificate of a test authority with its issuer's, and says nothing."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "leaf.cnf").write_text("subjectAltName=DNS:localhost\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "30")
    openssl("req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    issue = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "leaf.cnf"]
    openssl("x509", "-req", "-in", "leaf.csr", "-out", "leaf.pem", *issue)
    (tmp_path / "both.pem").write_bytes((tmp_path / "leaf.pem").read_bytes() + (tmp_path / "ca.pem").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem", tmp_path / "leaf.key")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_the_chain_that_a_server_shows_is_kept_and_that_nobody_vouches_for_it_is_told(tls_port: int) -> None:
    # EV-15, RL-38
    (told,) = hosts_of([f"https://localhost:{tls_port}/a", f"https://localhost:{tls_port}/b"], LOOPBACK)
    assert (told["host"], told["port"]) == ("localhost", tls_port)
    assert "127.0.0.1" in told["addresses"]
    tls = told["tls"]
    assert [one["subject"] for one in tls["chain"]] == ["CN=localhost", "CN=Test CA"]
    assert tls["verified"] is False and "self-signed" in tls["problem"].lower().replace("self signed", "self-signed")
    assert tls["version"].startswith("TLSv1.")
    assert all(one["pem"].startswith("-----BEGIN CERTIFICATE") for one in tls["chain"])


def test_a_chain_that_is_vouched_for_says_so(tls_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # EV-15
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    (told,) = hosts_of([f"https://localhost:{tls_port}/"], LOOPBACK)
    assert (told["tls"]["verified"], told["tls"]["problem"]) == (True, None)


def test_the_guard_stands_before_the_handshake_too(tls_port: int) -> None:
    # SEC-2
    (told,) = hosts_of([f"https://localhost:{tls_port}/"], Guard())
    assert told["tls"]["chain"] == [] and "loopback" in told["tls"]["problem"]


def test_a_host_that_does_not_answer_is_told_and_stops_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = hosts_of([f"https://127.0.0.1:{port}/", "http://no-such-name.invalid/", "data:,x"], LOOPBACK)
    assert [one["host"] for one in told] == ["127.0.0.1", "no-such-name.invalid"]
    assert told[0]["tls"]["problem"] and "not resolved" in told[1]["problem"]


def test_the_clock_s_state_is_told_or_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    # EV-16
    assert own_clock()["synchronised"] in (True, False, None)

    class Kernel:
        state = 0

        def adjtimex(self, pointer) -> int:
            pointer._obj.maxerror = 1_500_000
            return Kernel.state

    monkeypatch.setattr(surroundings.ctypes, "CDLL", lambda *_, **__: Kernel())
    assert own_clock() | {"at": ""} == {
        "synchronised": True, "maximum_error_seconds": 1.5, "told_by": "adjtimex", "at": "",
    }  # fmt: skip
    Kernel.state = 5
    assert own_clock()["synchronised"] is False
    Kernel.state = -1
    assert own_clock()["synchronised"] is None


def test_terms_are_found_by_their_words_in_many_languages_and_only_on_the_same_site() -> None:
    page = """<a href="/privacy">Privacy terms and cookies</a><a href="https://other.example/terms">Terms of use</a>
      <a href="/help/agb?x=1">AGB</a><a href="/cgu">Conditions générales de vente</a>
      <a href="/ar/terms">الشروط والأحكام</a><a href="/tos" rel="terms-of-service">here</a><a href="/lot/2">Lamp</a>"""
    found = terms_pages(page, "https://www.market.example/lot/1", most=9)
    assert found[0] == "https://www.market.example/tos"
    assert set(found) == {f"https://www.market.example{p}" for p in ("/tos", "/help/agb?x=1", "/cgu", "/ar/terms")}
    assert not on_same_site("https://evil.example/", "https://market.example/")


def test_hostile_links_break_nothing() -> None:
    page = '<a href="http://[">Terms</a><a href="javascript:alert(1)">Terms</a><a href="">Terms of sale</a>' * 50
    assert terms_pages(page, "https://market.example/lot/1") == []
