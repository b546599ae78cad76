"""What a second crawl of an unchanged market costs beside the first: bytes that the market sends, bytes that are kept.

Run it by itself: `python bench/recrawl.py [--listings N]`. It exits 1 where the second costs more than a tenth.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from PIL import Image  # noqa: E402

from crawler.home import Home  # noqa: E402
from tests.crawling import Place  # noqa: E402

TARGET = 0.1
KEPT_TARGET = 0.05
"""Bytes on disk (transit, evidence, files; not the database) that the second crawl adds, beside the first."""
PER_PAGE = 50
PAGE_BYTES = 40_000
PHOTO_BYTES = 120_000


def main() -> int:
    parser = argparse.ArgumentParser(description="Bytes of a second crawl of an unchanged market beside the first.")
    parser.add_argument("--listings", type=int, default=200, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    kinds = {kind: measure(given.listings, kind) for kind in ("cards show prices", "cards show none, pages have ETags")}
    if given.json:
        sys.stdout.write(json.dumps(kinds, indent=2) + "\n")
    else:
        for kind, found in kinds.items():
            sys.stdout.write(
                f"{kind}: first {found['first']:,} bytes, second {found['second']:,} bytes, ratio {found['ratio']:.3f} "
                f"(at most {TARGET}); {found['listings']} listings seen by both\n"
            )
            sys.stdout.write(f"  {kept_line(found)}\n")
    good = all(found["ratio"] <= TARGET and found["kept_ratio"] <= KEPT_TARGET for found in kinds.values())
    return 0 if good else 1


def kept_line(found: dict[str, Any]) -> str:
    return (
        f"storage: first crawl {found['kept_first']:,} bytes, second adds {found['kept_second']:,}: "
        f"{found['kept_ratio']:.2%} (at most {KEPT_TARGET:.0%})"
    )


def measure(listings: int, kind: str) -> dict[str, Any]:
    """Crawl a fresh market of `listings` twice. Raises RuntimeError where the two do not see the same listings."""
    with tempfile.TemporaryDirectory(prefix="relicwatch-bench-") as root, serving(listings, kind) as market:
        place = Place(Path(root))
        try:
            place.define(market, search=f'{{url: "{market.url("/search")}?q={{query}}", listings: "a.lot", '
                                        'next: "a[rel=next]", max_pages: 1000}')  # fmt: skip
            seen, spent, kept = [], [], [0]
            for _ in range(2):
                before = market.sent
                end = place.crawl()
                if end.status:
                    raise RuntimeError(f"the crawl failed: {end.err}")
                seen.append(end.result["counts"]["listings"])
                spent.append(market.sent - before)
                kept.append(_bytes_in(place.home))
        finally:
            place.close()
    if seen != [listings, listings]:
        raise RuntimeError(f"{listings} listings are offered, the crawls saw {seen}")
    return {
        "first": spent[0],
        "second": spent[1],
        "ratio": spent[1] / spent[0],
        "listings": listings,
        "kept_first": kept[1],
        "kept_second": kept[2] - kept[1],
        "kept_ratio": (kept[2] - kept[1]) / kept[1],
    }


def _bytes_in(home: Home) -> int:
    """Of all files that crawls keep."""
    stores = (home.transit, home.evidence, home.files)
    return sum(path.stat().st_size for store in stores for path in store.rglob("*") if path.is_file())


class _Market(ThreadingHTTPServer):
    """Search pages, lots and photographs, and a count of every byte sent."""

    listings = 0
    priced = True
    sent = 0

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.netloc}{path}"


class _Answers(BaseHTTPRequestHandler):
    server: _Market
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, number = urlsplit(self.path).path, self.path.rpartition("/")[2]
        if path == "/search":
            page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
            self._send(_results(page, self.server.listings, self.server.priced))
        elif path.startswith("/sale/1/lot/"):
            etag = f'"{number}"'
            if not self.server.priced and self.headers.get("If-None-Match") == etag:
                self._send("", status=304, etag=etag)
            else:
                self._send(_lot(number), etag=None if self.server.priced else etag)
        elif path.startswith("/photo/"):
            self._send(_photo(int(path.removeprefix("/photo/").removesuffix(".png"))), media_type="image/png")
        else:
            self._send("", status=404)

    def _send(
        self, body: str | bytes, *, status: int = 200, etag: str | None = None, media_type: str = "text/html"
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        if etag:
            self.send_header("ETag", etag)
        head = sum(map(len, self._headers_buffer)) + 2  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(data)
        self.server.sent += head + len(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the figures are what is printed."""


def _results(page: int, listings: int, priced: bool) -> str:
    numbers = range((page - 1) * PER_PAGE + 1, min(page * PER_PAGE, listings) + 1)
    lots = "".join(
        f'<li class="card"><a class="lot" href="/sale/1/lot/{n}">Oil lamp no. {n}</a>'
        f"{f'<b>GBP {n + 50}</b>' if priced else ''}</li>"
        for n in numbers
    )
    more = f'<a rel="next" href="/search?q=lamp&page={page + 1}">Next</a>' if page * PER_PAGE < listings else ""
    return f"<!doctype html><title>Results</title><ul>{lots}</ul>{more}"


def _lot(number: str) -> str:
    filler = "A clay lamp with a pierced handle. " * (PAGE_BYTES // 35)
    return (
        f"<!doctype html><title>Oil lamp no. {number}</title><h1>Oil lamp no. {number}</h1>"
        f'<script type="application/ld+json">{{"@type": "Product", "name": "Oil lamp no. {number}", '
        f'"image": "/photo/{number}.png", '
        f'"offers": {{"price": "{int(number) + 50}", "priceCurrency": "GBP"}}}}</script>'
        f"<p>{filler}</p>"
    )


def _photo(number: int) -> bytes:
    picture = Image.frombytes("RGB", (200, 200), random.Random(number).randbytes(PHOTO_BYTES))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@contextmanager
def serving(listings: int, kind: str) -> Iterator[Any]:
    server = _Market(("127.0.0.1", 0), _Answers)
    server.listings, server.priced = listings, kind == "cards show prices"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
