"""Run by pywb's own Python, without a network: replays every page of every WACZ named, and says what came back.

What it tried to reach is told under `tried`. There is no route anyway; this shows that nothing looked for one.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

_SET_FLAGS, _UP = 0x8914, 0x1
TRIED: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """pywb talks to a part of itself over loopback; whatever else it looks for is told."""
    if event == "socket.connect" and arguments[1][0] not in ("127.0.0.1", "::1"):
        TRIED.append(repr(arguments[1]))
    elif event == "socket.getaddrinfo" and arguments[0] not in ("localhost", "127.0.0.1", "", None):
        TRIED.append(repr(arguments[:2]))


def raise_loopback() -> None:
    """A new network namespace has its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))


def replayed(wacz: Path) -> list[dict[str, object]]:
    from pywb.apps.frontendapp import FrontEndApp
    from werkzeug.test import Client

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

        make_index(["--sort", "--cdxj", "--output", str(index), str(archive)])
        settings = {"collections": {"bundle": {"index_paths": str(index), "archive_paths": str(archive) + "/"}}}
        reader = Client(FrontEndApp(config_file=None, custom_config=settings))
        found = []
        for page in pages:
            moment = "".join(c for c in page["ts"] if c.isdigit())[:14]
            answer = reader.get(f"/bundle/{moment}id_/{page['url']}")
            text = answer.get_data().decode("utf-8", "replace")
            found.append({"url": page["url"], "status": answer.status_code, "text": text})
    return found


if __name__ == "__main__":
    raise_loopback()
    sys.addaudithook(watch)
    told = {path: replayed(Path(path)) for path in sys.argv[1:]}
    sys.stdout.write(json.dumps({"pages": told, "tried": TRIED}))
