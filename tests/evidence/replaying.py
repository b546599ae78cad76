"""Run by pywb's own Python, without a network: replays every page of every WACZ named, and says what came back.

Any connection to elsewhere is a line of its own: `left`. There is no route anyway; this tells that none was tried.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import zipfile
from pathlib import Path

TRIED: list[str] = []


def _refuse(_self: object, address: object, *_: object) -> None:
    TRIED.append(repr(address))
    raise OSError("no network here")


def _no_names(*about: object, **_: object) -> None:
    TRIED.append(repr(about))
    raise OSError("no names here")


def replayed(wacz: Path) -> list[dict[str, object]]:
    from pywb.apps.frontendapp import FrontEndApp
    from webtest import TestApp

    with zipfile.ZipFile(wacz) as package:
        pages = [json.loads(line) for line in package.read("pages/pages.jsonl").splitlines()][1:]
    with tempfile.TemporaryDirectory() as place:
        archive, index = Path(place) / "archive", Path(place) / "index.cdxj"
        archive.mkdir()
        with zipfile.ZipFile(wacz) as package:
            warcs = [name for name in package.namelist() if name.startswith("archive/")]
            for name in warcs:
                (archive / Path(name).name).write_bytes(package.read(name))
        from pywb.indexer.cdxindexer import main as make_index

        make_index(["--sort", "-j", str(index), str(archive)])
        settings = {"collections": {"bundle": {"index_paths": str(index), "archive_paths": str(archive) + "/"}}}
        app = TestApp(FrontEndApp(config_file=None, custom_config=settings))
        found = []
        for page in pages:
            moment = "".join(c for c in page["ts"] if c.isdigit())[:14]
            answer = app.get(f"/bundle/{moment}id_/{page['url']}", expect_errors=True)
            found.append({"url": page["url"], "status": answer.status_int, "text": answer.body.decode("utf-8", "replace")})
    return found


if __name__ == "__main__":
    socket.socket.connect = _refuse  # type: ignore[assignment]
    socket.getaddrinfo = _no_names  # type: ignore[assignment]
    told = {path: replayed(Path(path)) for path in sys.argv[1:]}
    sys.stdout.write(json.dumps({"pages": told, "tried": TRIED}))
