"""A timestamp authority of the tests' own: `openssl ts` behind HTTP on loopback, right or wrong as asked."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import tsp

POLICY = "1.2.3.4.1"
_CONFIG = f"""
[tsa]
default_tsa = main
[main]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = {POLICY}
digests = sha256
accuracy = secs:1
ordering = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[stamping]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[other]
basicConstraints = CA:false
extendedKeyUsage = critical, serverAuth
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[req]
distinguished_name = dn
[dn]
"""


class TestAuthority:
    """`mode` says how it answers: right, down, refuse, garbage, other_nonce, other_data, tampered."""

    __test__ = False

    def __init__(self, directory: Path, days: int = 3650) -> None:
        self.directory = directory
        self.mode = "right"
        self.asked = 0
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "tsa.cnf").write_text(_CONFIG)
        (directory / "serial").write_text("01\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "tsa.cnf"]
        issued = f"-CA ca.pem -CAkey ca.key -CAcreateserial -days {days} -extfile tsa.cnf -extensions stamping".split()
        root = ["-keyout", "ca.key", "-out", "ca.pem", "-days", "7300", "-extensions", "authority"]
        self._openssl("req", "-x509", *new_key, *root, "-subj", "/CN=Test root")
        self._openssl("req", *new_key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test stamper")
        self._openssl("x509", "-req", "-in", "tsa.csr", "-out", "tsa.pem", *issued)

    @property
    def roots(self) -> Path:
        return self.directory / "ca.pem"

    def answer(self, request: bytes) -> bytes:
        """What an authority in this mode answers."""
        asked = tsp.TimeStampReq.load(request)
        if self.mode == "other_nonce":
            asked["nonce"] = asked["nonce"].native + 1
        if self.mode == "other_data":
            asked["message_imprint"]["hashed_message"] = b"\1" * 32
        (self.directory / "request.tsq").write_bytes(asked.dump(force=True))
        if self.mode == "refuse":
            return bytes.fromhex("300b300902010230040c026e6f")  # status rejection, with the words "no"
        if self.mode == "garbage":
            return b"<html>Sign in to the hotel's network</html>"
        self._openssl(
            "ts", "-reply", "-config", "tsa.cnf", "-section", "main", "-queryfile", "request.tsq", "-out", "answer.tsr"
        )
        answer = (self.directory / "answer.tsr").read_bytes()
        if self.mode == "tampered":  # another second in what is signed
            place = answer.index(b"\x18\x0f") + 14
            digit = b"1" if answer[place : place + 1] == b"0" else b"0"
            answer = answer[:place] + digit + answer[place + 1 :]
        return answer

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)


@contextmanager
def serving_authority(authority: TestAuthority) -> Iterator[str]:
    """Its address while it is served."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with lock:
                authority.asked += 1
                request = self.rfile.read(int(self.headers["Content-Length"]))
                if authority.mode == "down":
                    self.send_error(503)
                    return
                body = authority.answer(request)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tsr"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def configure(home_root: Path, *entries: tuple[str, str, Path], policy: str | None = None) -> None:
    """authorities.yaml of a home: name, address, roots of each."""
    lines = ["authorities:"]
    for name, url, roots in entries:
        (home_root / f"{name}.pem").write_bytes(roots.read_bytes())
        lines += [f"  - name: {name}", f"    url: {url}", f"    roots: {name}.pem"]
        if policy:
            lines.append(f"    policy: {policy}")
    (home_root / "authorities.yaml").write_text("\n".join(lines) + "\n")
