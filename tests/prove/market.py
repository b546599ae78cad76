"""A market of twenty pages on loopback that never changes its mind: what a crawl of it must find is known in advance.

It counts what is asked for, and can call a function at the k-th request or after the k-th byte of all bodies.
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from PIL import Image

NAME = "proof_market"
QUERY = "roman"
PER_PAGE = 7
_PIECE = 700

_ORDINARY = [
    ("Garden hose, 20 m, with spray gun", "Used two summers, no leaks, collection only."),
    ("Oak bookcase with five shelves", "Solid oak, some marks, 180 cm high. Buyer collects."),
    ("Mountain bicycle, 26 inch wheels", "Serviced this spring, new brakes and tyres."),
    ("Set of six wine glasses", "In their box, never used, a wedding present."),
    ("Kitchen table and four chairs", "Pine, seats four, a few scratches on the top."),
    ("Children's winter coat, age 8", "Blue, warm, washed, from a home without smokers."),
    ("Electric drill with two batteries", "Works well, charger included, carrying case."),
    ("Paperback novels, box of thirty", "Crime and travel, read once, good condition."),
    ("Desk lamp with metal shade", "Painted green, new cable, bulb not included."),
    ("Camping tent for three people", "Pitched twice, all pegs there, waterproof."),
    ("Record player with speakers", "From the eighties, new needle, plays well."),
    ("Sewing machine in a wooden case", "Runs, with pedal and spare needles."),
]
_ANTIQUITIES = [
    (
        "Egyptian faience shabti, Late Period, 26th Dynasty, c. 600 BC",
        "Ancient Egyptian mummiform shabti with hieroglyphs of the Book of the Dead, turquoise glaze, excavated at "
        "Saqqara, provenance private collection before 1970. Height 11 cm.",
    ),
    (
        "Roman terracotta oil lamp, 2nd century AD, found in Syria",
        "Ancient Roman mould-made oil lamp with a gladiator on the discus, earth encrustation, patina, excavated near "
        "Apamea. Length 9 cm. Genuine antiquity.",
    ),
]


def offers(generation: int) -> dict[int, tuple[str, str, int]]:
    """Lot -> title, description, price. In the second generation one price is another and one lot is gone."""
    found = {lot: (title, text, 10 + 3 * lot) for lot, (title, text) in enumerate([*_ANTIQUITIES, *_ORDINARY], start=1)}
    if generation == 2:
        title, text, _ = found[5]
        found[5] = (title, text, 4_000)
        del found[9]
    return found


def picture(lot: int) -> bytes:
    """A picture of its own for each lot, of more than one kilobyte."""
    image = Image.frombytes("RGB", (24, 24), hashlib.shake_256(f"lot {lot}".encode()).digest(24 * 24 * 3))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


PICTURED = (1, 2, 3)
MOVED = 4
"""The search page still links it by its former address, which redirects."""


class Market:
    """The server, from `with` to its end. `base` is its address."""

    def __init__(self) -> None:
        self.generation = 1
        self.asked: Counter[str] = Counter()
        self.trigger: Callable[[], None] | None = None
        self.at_request: int | None = None
        self.at_byte: int | None = None
        self.slow = 0.0
        self._served = 0
        self._lock = threading.Lock()
        market = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                market.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed: the counts are the log."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was killed breaks its connection: that is what is being tested."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Market:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def begin(self, generation: int = 1) -> None:
        """Forget what was asked for and what was to happen."""
        with self._lock:
            self.generation = generation
            self.asked.clear()
            self._served = 0
            self.trigger = self.at_request = self.at_byte = None

    def when(self, trigger: Callable[[], None], *, request: int | None = None, byte: int | None = None) -> None:
        """Call `trigger` once, at the request of that number or once so many bytes of bodies were sent."""
        with self._lock:
            self.trigger, self.at_request, self.at_byte = trigger, request, byte

    def pages_repeated(self) -> int:
        """How often a search page was asked for again: no capture does that, only a crawl."""
        return sum(count - 1 for path, count in self.asked.items() if path.startswith("/search"))

    def definition(self) -> str:
        return f"""\
name: {NAME}
title: Market of the kill proofs
domains: ["127.0.0.1"]
id_space: {NAME}
country: GB
timezone: Europe/London
currency: GBP
languages: [en]
kind: auction
spider: catalogue
search: {{url: "{self.base}/search?q={{query}}&page={{page}}", listings: "a.lot", next: "a[rel=next]", max_pages: 5}}
listing_url: "/(?:old-)?lot/(?P<lot>\\\\d+)"
rate: {{delay: 0.08, concurrency: 2}}
access: {{api: null, login: none, terms_note: "our own server"}}
"""

    def body(self, path: str) -> tuple[int, str, bytes, str | None]:
        """Status, media type, body and Location of an address, the same at each call."""
        parts = urlsplit(path)
        known = offers(self.generation)
        if parts.path == "/robots.txt":
            return 200, "text/plain", b"User-agent: *\nAllow: /\n", None
        if parts.path == "/search":
            return 200, "text/html", self._search(int(parse_qs(parts.query).get("page", ["1"])[0]), known), None
        kind, _, name = parts.path.lstrip("/").partition("/")
        if kind == "old-lot":
            return 301, "text/html", b"moved", f"{self.base}/lot/{name}"
        if kind == "lot" and int(name) in known:
            return 200, "text/html", self._lot(int(name), *known[int(name)]), None
        if kind == "picture":
            return 200, "image/png", picture(int(name.removesuffix(".png"))), None
        return 404, "text/html", b"<h1>There is no such lot any more</h1>", None

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        status, kind, body, location = self.body(handler.path)
        with self._lock:
            self.asked[handler.path] += 1
            fire = self.trigger if self.at_request == sum(self.asked.values()) else None
        if fire:
            fire()
        handler.send_response(status)
        handler.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        handler.send_header("Content-Length", str(len(body)))
        if location:
            handler.send_header("Location", location)
        handler.end_headers()
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            handler.wfile.write(piece)
            with self._lock:
                before, self._served = self._served, self._served + len(piece)
                due = self.at_byte is not None and before < self.at_byte <= self._served
                fire = self.trigger if due else None
            if fire:
                fire()

    def _search(self, page: int, known: dict[int, tuple[str, str, int]]) -> bytes:
        lots = sorted(known)[(page - 1) * PER_PAGE : page * PER_PAGE]
        links = "".join(
            f'<li><a class="lot" href="{_path(lot)}">{html.escape(known[lot][0])}</a> £{known[lot][2]}</li>'
            for lot in lots
        )
        more = f'<a rel="next" href="/search?q={QUERY}&page={page + 1}">Next</a>' if max(known) not in lots else ""
        return _page("Search", f"<ul>{links}</ul>{more}")

    def _lot(self, lot: int, title: str, text: str, price: int) -> bytes:
        data = {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": title,
            "description": text,
            "sku": str(lot),
        }
        data["offers"] = {"@type": "Offer", "price": str(price), "priceCurrency": "GBP", "availability": "InStock"}
        if lot in PICTURED:
            data["image"] = [f"{self.base}/picture/{lot}.png"]
        script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
        filler = hashlib.shake_256(title.encode()).hexdigest(600)
        return _page(title, f"{script}<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p><!-- {filler} -->")


def _path(lot: int) -> str:
    return f"/old-lot/{lot}" if lot == MOVED else f"/lot/{lot}"


def _page(title: str, content: str) -> bytes:
    head = f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{html.escape(title)}</title></head>"
    return f"{head}<body>{content}</body></html>".encode()
