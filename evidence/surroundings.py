"""What stood around a capture: names resolved, certificates shown, the own clock. Facts for the capture's report.

The browser goes through our proxy and does not hand out what it saw of TLS, so each host is asked once more by a
handshake of our own, at the time that is told; nothing is requested of it. # EV-15, EV-16
"""

from __future__ import annotations

import ctypes
import os
import socket
import ssl
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from crawler.egress import EgressRefused, Guard

HANDSHAKE_SECONDS = 8.0
MOST_HOSTS = 12
EGRESS_IP = "RELICWATCH_EGRESS_IP"
"""Environment: the address that this installation is seen under, where the operator wants it told. Never looked up."""
_NOT_SYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2): nothing keeps the kernel's clock right."""


def hosts_of(urls: Iterable[str], guard: Guard) -> list[dict[str, Any]]:
    """For each host of these addresses, the first few: names' answers, and over TLS what certificate was shown."""
    places: dict[tuple[str, str, int], None] = {}
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            places.setdefault((parts.scheme, parts.hostname, port))
    chosen = list(places)[:MOST_HOSTS]
    if not chosen:
        return []
    with ThreadPoolExecutor(max_workers=4) as workers:
        return list(workers.map(lambda place: _host(place[0], place[1], place[2], guard), chosen))


def _host(scheme: str, host: str, port: int, guard: Guard) -> dict[str, Any]:
    told: dict[str, Any] = {"host": host, "port": port, "asked_at": _now(), "addresses": [], "tls": None}
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        told["problem"] = f"the name was not resolved ({error.strerror})"
        return told
    told["addresses"] = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if scheme == "https":
        told["tls"] = _tls(host, answers, guard)
    return told


def _tls(host: str, answers: list[Any], guard: Guard) -> dict[str, Any]:
    """The certificates that the host shows, leaf first, and whether this computer's roots vouch for them."""
    told: dict[str, Any] = {"verified": False, "problem": None, "version": None, "cipher": None, "chain": []}
    context = ssl.create_default_context()
    try:
        with _handshake(host, answers, guard, context) as connection:
            told |= _shown(connection) | {"verified": True}
            return told
    except ssl.SSLCertVerificationError as error:
        told["problem"] = error.verify_message or str(error)
    except (OSError, EgressRefused) as error:
        told["problem"] = str(error)
        return told
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only to keep what it shows: nothing is sent or believed
    try:
        with _handshake(host, answers, guard, context) as connection:
            told |= _shown(connection)
    except (OSError, EgressRefused) as error:
        told["problem"] = f"{told['problem']}; {error}"
    return told


def _handshake(host: str, answers: list[Any], guard: Guard, context: ssl.SSLContext) -> ssl.SSLSocket:
    last: OSError = OSError(f"{host} has no address")
    for answer in answers[:4]:
        try:
            plain = guard.socket_for(answer)
        except EgressRefused as refused:
            last = refused
            continue
        try:
            plain.settimeout(HANDSHAKE_SECONDS)
            plain.connect(answer[4])
            return context.wrap_socket(plain, server_hostname=host)
        except OSError as error:
            plain.close()
            last = error
            if isinstance(error, ssl.SSLError):
                break
    raise last


def _shown(connection: ssl.SSLSocket) -> dict[str, Any]:
    cipher = connection.cipher()
    return {
        "version": connection.version(),
        "cipher": cipher[0] if cipher else None,
        "chain": [_certificate(der) for der in _chain(connection)],
    }


def _chain(connection: ssl.SSLSocket) -> list[bytes]:
    """As sent by the server. Before Python 3.13 only the inner object hands the whole of it out."""
    holder: Any = connection if sys.version_info >= (3, 13) else getattr(connection, "_sslobj", None)
    if holder is not None and hasattr(holder, "get_unverified_chain"):
        chain = holder.get_unverified_chain() or []
        return [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain]
    leaf = connection.getpeercert(binary_form=True)
    return [leaf] if leaf else []


def _certificate(der: bytes) -> dict[str, Any]:
    try:
        certificate = x509.load_der_x509_certificate(der)
        return {
            "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
            "subject": certificate.subject.rfc4514_string(),
            "issuer": certificate.issuer.rfc4514_string(),
            "not_before": certificate.not_valid_before_utc.isoformat(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
            "pem": ssl.DER_cert_to_PEM_cert(der),
        }
    except ValueError as error:
        return {"pem": ssl.DER_cert_to_PEM_cert(der), "problem": f"cannot be read ({error})"}


# -- the own clock ------------------------------------------------------------------------------------------------


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2): its first fields, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def own_clock() -> dict[str, Any]:
    """What the kernel says of its clock: whether something keeps it right, and by how much it may be off. # EV-16

    `synchronised` is null where the kernel does not tell (another system, a container that bars the question).
    """
    told: dict[str, Any] = {"synchronised": None, "maximum_error_seconds": None, "told_by": None, "at": _now()}
    try:
        timex = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return told
    if state < 0:
        return told
    return told | {
        "synchronised": state != _NOT_SYNCHRONISED,
        "maximum_error_seconds": round(timex.maxerror / 1e6, 3),
        "told_by": "adjtimex",
    }


def egress_ip() -> str | None:
    """As the operator configured it."""
    return os.environ.get(EGRESS_IP) or None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
