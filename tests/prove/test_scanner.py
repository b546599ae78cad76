"""The running desk attacked by wapiti, a scanner of web applications, as somebody who is signed in. # SEC-9"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from review.desk import COOKIE
from storage.tables import Case
from storage.users import find_user, open_session
from tests.needs import need_checkers
from tests.review.conftest import staged  # noqa: F401  (a fixture)

pytestmark = pytest.mark.prove
MODULES = "common,crlf,csrf,htaccess,timesql,xxe"
"""Not `ldap`: it takes every page that a parameter changes for an injection, and the desk asks no directory."""
HIGH = 3
"""Of wapiti's levels: 0 is for information, 4 is critical."""
SECONDS = {"scan": 90, "attack": 20}
"""For finding the pages, and for each module's attacks on them: there would be enough to do for hours."""
LEFT_OUT = ("/sign-out", "/administration/users*", "/language", "/password*", "/second-factor*")
"""What would end the scanner's own session, or its account."""


@contextmanager
def ear() -> Iterator[tuple[str, list[str]]]:
    """An address to which attacks would make the desk turn, and the paths that were asked of it."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_PUT = do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        server.server_close()


def test_a_scanner_that_is_signed_in_finds_nothing_high(staged, tmp_path):  # noqa: F811
    program = need_checkers("wapiti") / "bin/wapiti"
    with staged.database.transaction() as session:
        token = open_session(session, find_user(session, "admin")).token
    report = tmp_path / "report.json"
    others = [f"/listings/{number}*" for number in staged.stage.listings[1:]]
    with ear() as (address, heard):
        command = [
            *(program, "--url", f"{staged.address}/", "--cookie-value", f"{COOKIE}={token}"),
            *("--header", f"Origin: {staged.address}"),  # as a browser says it: else no form would be taken
            *(part for path in (*LEFT_OUT, *others) for part in ("--exclude", f"{staged.address}{path}")),
            *("--module", MODULES, "--endpoint", address, "--dns-endpoint", "localhost", "--no-bugreport"),
            *("--max-scan-time", SECONDS["scan"], "--max-attack-time", SECONDS["attack"], "--max-files-per-dir", 40),
            *("--store-session", tmp_path / "session", "--store-config", tmp_path / "config"),
            *("--format", "json", "--output", report, "--flush-session"),
        ]
        done = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    said = json.loads(report.read_text())
    found = [
        (kind, one["level"], one["method"], one["path"], one["parameter"], one["info"])
        for part in ("vulnerabilities", "anomalies")
        for kind, each in said[part].items()
        for one in each
    ]
    pages = said["infos"]["crawled_pages_nbr"]
    print(f"\nwapiti {said['infos']['version']}: {pages} pages attacked with {MODULES}: {len(found)} findings")
    print(*sorted({(level, kind, info[:200]) for kind, level, _, _, _, info in found}), sep="\n")
    assert pages > 100, done.stdout[-4000:]  # without a session there are thirty
    with staged.database.reading() as session:
        assert session.query(Case).count() > len(staged.stage.cases), "its forms were not taken"
    assert not [one for one in found if one[1] >= HIGH]
    # wapiti itself asks for the root and for what was heard; all else the desk was made to ask.
    assert not [path for path in heard if path != "/" and not path.startswith("/get_")]
