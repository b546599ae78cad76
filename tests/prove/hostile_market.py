"""The pages of a market that would use the crawler to reach what stands beside it: one a way in, each with a label."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import urlsplit

from tests.prove.inner_world import DEAD_AT_MARKET, MARKET_ADDRESS, OWN_ADDRESS, STUN

HOST = "market.example"

INNER = (
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "100.64.0.1",
    "169.254.169.254",
    OWN_ADDRESS,
    "[::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
)
INNER_NAMES = tuple(f"{one}.{HOST}" for one in ("loop", "private", "metadata", "mixed", "rebound", "six"))
SPELLINGS = (
    # decimal, octal, hexadecimal, with parts left out, and mixed
    *("2130706433", "017700000001", "0x7f000001", "0X7F000001", "0x7f.0x0.0x0.0x1", "0177.0.0.01", "0177.0.0.1"),
    *("127.1", "127.0.1", "127.00.00.01", "0x7f.1", "0177.1", "127.0x1", "0x7f.0.1", "0177.0x0.1", "127.65535"),
    *("127.0.0.1.", "127.1.", "2130706433.", "0", "0.0.0.0", "0x0", "00", "127.127.127.127", "127.0.0.0x1"),
    *("0x00000000007f000001", "0000177.0.0.1", "127.0.0.001", "0300.0250.1.1", "0xa9fea9fe", "2852039166", "0xa000001"),
    # names
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "l\u2134calhost", "lo\u00adcalhost"),
    # other digits and dots
    *("127\u30020\u30020\u30021", "127\uff0e0\uff0e0\uff0e1", "127\uff610\uff610\uff611", "\uff11\uff12\uff17.0.0.1"),
    *("\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "\u00b9\u00b2\u2077.0.0.1", "127%2e0%2e0%2e1", "%31%32%37.0.0.1"),
    *("0x7\uff46.1", "\U0001d7cf27.0.0.1"),
    # user names before the host
    *("market.example@127.0.0.1", "market.example:80@127.0.0.1", "a:b@localhost", "market.example%40@127.0.0.1"),
    *("127.0.0.1\\@market.example", "market.example\\@127.0.0.1", "market.example#@127.0.0.1"),
    # IPv6
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"),
    *("[64:ff9b:1::7f00:1]", "[::1%25lo]", "[fe80::1%25lo]", "[fec0::1]"),
)


def addresses(label: str) -> list[str]:
    """Every inner place, with the label that tells the tripwire who came."""
    hosts = [*INNER, *INNER_NAMES]
    urls = [f"http://{host}/?trip={label}" for host in hosts]
    urls += [f"http://{host}:{port}/?trip={label}" for host in INNER[:3] for port in (22, 443, 5432, 8080)]
    urls += [f"https://{INNER[0]}/?trip={label}", f"http://mixed.{HOST}:{DEAD_AT_MARKET}/?trip={label}"]
    return [*urls, f"http://{HOST}:22/?trip={label}", f"http://{HOST}:5432/?trip={label}"]


def spelled(label: str) -> list[str]:
    return [f"http://{host}/?trip={label}" for host in SPELLINGS]


def _each(label: str, pattern: str) -> str:
    return "".join(pattern.replace("URL", url) for url in addresses(label))


def _script(label: str, pattern: str) -> str:
    """The statement once for each address, none stopped by another's error."""
    return f"<script>for (const u of {json.dumps(addresses(label))}) {{ try {{ {pattern} }} catch (e) {{}} }}</script>"


def _worker() -> str:
    targets = json.dumps(addresses("service-worker"))
    return f"self.oninstall = e => e.waitUntil(Promise.allSettled({targets}.map(u => fetch(u, {{mode: 'no-cors'}}))));"


STUN_SERVERS = [f"stun:127.0.0.1:{STUN}", f"stun:10.0.0.1:{STUN}", "turn:127.0.0.1:5432?transport=tcp"]
PEERS = [
    f"candidate:1 1 udp 2122260223 127.0.0.1 {STUN} typ host",
    f"candidate:2 1 udp 2122260222 10.0.0.1 {STUN} typ host",
    "candidate:3 1 tcp 1518280447 127.0.0.1 8080 typ host tcptype passive",
    "candidate:4 1 tcp 1518280446 10.0.0.1 5432 typ host tcptype passive",
]
"""Places that a page names as the other end of a call."""
EMBEDDED = {
    "iframe": _each("iframe", '<iframe src="URL"></iframe>'),
    "img": _each("img", '<img src="URL">'),
    "srcset": _each("srcset", '<img srcset="URL 1x, URL 2x">'),
    "css": "<style>"
    + _each("css", "@import url('URL');")
    + "</style>"
    + _each("css", "<p style=\"background: url('URL')\">x</p>"),
    "stylesheet": _each("stylesheet", '<link rel="stylesheet" href="URL">'),
    "script": _each("script", '<script src="URL"></script>'),
    "object": _each("object", '<object data="URL"></object><embed src="URL">'),
    "media": _each("media", '<video src="URL" poster="URL"></video>'),
    "fetch": _script("fetch", "fetch(u, {mode: 'no-cors'}).catch(() => 0)"),
    "xhr": _script("xhr", "const x = new XMLHttpRequest(); x.open('POST', u); x.send('a=b')"),
    "beacon": _script("beacon", "navigator.sendBeacon(u, 'x')"),
    "websocket": _script("websocket", "new WebSocket(u.replace('http', 'ws'))"),
    "eventsource": _script("eventsource", "new EventSource(u)"),
    "prefetch": _each("prefetch", '<link rel="prefetch" href="URL"><link rel="preload" as="image" href="URL">')
    + _each("prefetch", '<link rel="preconnect" href="URL"><link rel="dns-prefetch" href="URL">'),
    "speculation": '<script type="speculationrules">'
    + json.dumps(
        {kind: [{"urls": addresses("speculation"), "eagerness": "immediate"}] for kind in ("prefetch", "prerender")}
    )
    + "</script>",
    "popup": _script("popup", "window.open(u)"),
    "form": _script(
        "form",
        "const f = document.createElement('form'); f.method = 'POST'; f.action = u; f.target = '_blank';"
        " document.body.append(f); f.submit()",
    ),
    "icon": _each("icon", '<link rel="icon" href="URL"><link rel="manifest" href="URL">'),
    "webrtc": f"<script>for (const s of {json.dumps(STUN_SERVERS)}) {{ try {{"
    "const p = new RTCPeerConnection({iceServers: [{urls: s, username: 'a', credential: 'b'}]});"
    "p.createDataChannel('a'); p.createOffer().then(o => p.setLocalDescription(o)) } catch (e) {} }</script>",
    "peer": f"<script>const q = {json.dumps(PEERS)};"
    "(async () => { const a = new RTCPeerConnection(), b = new RTCPeerConnection(); a.createDataChannel('a');"
    "await a.setLocalDescription(await a.createOffer()); await b.setRemoteDescription(a.localDescription);"
    "await b.setLocalDescription(await b.createAnswer()); await a.setRemoteDescription(b.localDescription);"
    "for (const c of q) a.addIceCandidate({candidate: c, sdpMid: '0', sdpMLineIndex: 0}).catch(() => 0) })()</script>",
    "service-worker": "<script>navigator.serviceWorker && navigator.serviceWorker.register('/worker.js')</script>",
    "webtransport": _script("webtransport", "new WebTransport(u.replace('http:', 'https:'))"),
    "spellings": "".join(f'<img src="{url}"><iframe src="{url}"></iframe>' for url in spelled("spellings")),
    "canonical": _each("canonical", '<link rel="canonical" href="URL"><link rel="next" href="URL">')
    + _each("canonical", '<meta property="og:image" content="URL"><meta property="og:url" content="URL">'),
}
"""What a page may hold that makes a reader go elsewhere while the page itself stays."""

_GOING = [*addresses("GOING"), *spelled("GOING")]


TURNED = [f"/sale/1/lot/turned-{number}" for number in range(4)]
"""Good lots as the crawls come by, which lead inside once `HostileMarket.turned` is set."""


def lot_paths() -> list[str]:
    """Every listing of the market: the embedded ways, and each way of leaving once for each inner address."""
    paths = [f"/sale/1/lot/{way}" for way in EMBEDDED]
    paths += [f"/sale/1/lot/redirect-{number}" for number in range(len(_GOING))]
    paths += [f"/sale/1/lot/{way}-{number}" for way in ("refresh", "location", "header") for number in range(3)]
    return [*paths, "/sale/1/lot/good", *TURNED, "/sale/1/lot/images", "/sale/1/lot/spelled-images", "/sale/1/lot/json"]


def linked() -> list[str]:
    """What the search page links: its own listings, and listings that are said to stand at the inner addresses."""
    outside = [*addresses("link"), *spelled("link")]
    elsewhere = [url.replace("/?", f"/sale/1/lot/elsewhere-{number}?") for number, url in enumerate(outside)]
    return [*lot_paths(), *elsewhere]


class HostileMarket(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Answers at the market's one public address, and closes each connection, so that each asks the resolver anew."""

    allow_reuse_port = True  # beside the tripwire on every address at the same port
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__((MARKET_ADDRESS, 80), _Handler)
        self.asked: Counter[str] = Counter()
        self.turned = False
        self.brief = False
        """Whether the search names one in ten of the redirects only: a browser takes its time for each."""
        threading.Thread(target=self.serve_forever, daemon=True).start()


def _lot(title: str, body: str = "", head: str = "", images: list[str] | None = None, **more: str) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": title,
        "description": f"{title}, found in a field.",
        "image": images or [f"http://{HOST}/photo.png"],
        "offers": {"@type": "Offer", "price": "20", "priceCurrency": "GBP"},
        **more,
    }
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}"
        f'<script type="application/ld+json">{json.dumps(data)}</script></head>'
        f"<body><h1>{title}</h1>{body}</body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    server: HostileMarket
    kinds: ClassVar[dict[str, str]] = {".xml": "application/xml", ".js": "text/javascript", ".json": "application/json"}

    def do_GET(self) -> None:
        host, path = self.headers.get("Host", ""), urlsplit(self.path).path
        self.server.asked[f"{host}{path}"] += 1
        name = path.rpartition("/")[2]
        if path == "/robots.txt":
            if host.startswith("robots."):
                self._go("http://127.0.0.1/?trip=robots")
            else:
                self._say("User-agent: *\nAllow: /\n", "text/plain")
        elif path == "/search":
            shown = [url for url in linked() if not (self.server.brief and re.search(r"redirect-\d*[1-9]$", url))]
            links = "".join(f'<li><a class="lot" href="{url}">A lot</a></li>' for url in shown)
            self._say(f'<!doctype html><ul>{links}</ul><a rel="next" href="http://127.0.0.1/?trip=next">Next</a>')
        elif path == "/sitemap.xml":
            inside = [
                *addresses("sitemap"),
                f"http://{HOST}/lots.xml",
                f"http://{HOST}/moved.xml",
                f"http://{HOST}/xxe.xml",
            ]
            entries = "".join(f"<sitemap><loc>{url.replace('&', '&amp;')}</loc></sitemap>" for url in inside)
            self._say(
                f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>',
                self.kinds[".xml"],
            )
        elif path == "/xxe.xml":
            self._say(
                '<!DOCTYPE urlset SYSTEM "http://127.0.0.1/?trip=dtd" [<!ENTITY a SYSTEM "http://127.0.0.1/?trip=xxe">'
                ' <!ENTITY % b SYSTEM "http://10.0.0.1/?trip=xxe"> %b;]><urlset><url><loc>&a;</loc></url></urlset>',
                self.kinds[".xml"],
            )
        elif path == "/moved.xml":
            self._go("http://169.254.169.254/?trip=sitemap-redirect")
        elif path == "/lots.xml":
            urls = [f"http://{HOST}{one}" for one in lot_paths()] + linked()[len(lot_paths()) :]
            entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls if "\\" not in url)
            self._say(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>', "text/xml")
        elif path == "/worker.js":
            self._say(_worker(), self.kinds[".js"])
        elif path == "/data.json":
            links = [{"name": "A lot", "url": url, "image": url} for url in addresses("json")]
            self._say(json.dumps({"items": links}), self.kinds[".json"])
        elif name.startswith("redirect-"):
            self._go(_GOING[int(name.removeprefix("redirect-"))].replace("GOING", "redirect"))
        elif name.startswith("turned-") and self.server.turned:
            number = int(name.removeprefix("turned-"))
            self._turn(number, addresses("turned")[number])
        elif name in EMBEDDED:
            self._say(_lot(f"Lamp {name}", EMBEDDED[name]))
        elif name.startswith("refresh-"):
            url = addresses("refresh")[int(name.removeprefix("refresh-"))]
            self._say(_lot("Lamp refresh", head=f'<meta http-equiv="refresh" content="0;url={url}">'))
        elif name.startswith("location-"):
            url = addresses("location")[int(name.removeprefix("location-"))]
            self._say(_lot("Lamp location", f"<script>location.href = {json.dumps(url)}</script>"))
        elif name.startswith("header-"):
            url = addresses("header")[int(name.removeprefix("header-"))]
            self._say(_lot("Lamp header"), more={"Refresh": f"0; url={url}", "Link": f"<{url}>; rel=preload; as=image"})
        elif name in ("images", "spelled-images"):
            images = addresses("image") if name == "images" else spelled("image")
            self._say(_lot("Lamp images", images=[f"http://{HOST}/to-inside", *images]))
        elif name == "to-inside":
            self._go("http://10.0.0.1:8080/?trip=image-redirect")
        elif name == "json":
            fetching = "fetch('/data.json').then(r => r.json()).then(d => d.items.forEach(i => fetch(i.url)))"
            self._say(_lot("Lamp json", f"<script>{fetching}</script>", url="http://127.0.0.1/?trip=json"))
        elif name.startswith(("good", "elsewhere", "turned")):
            self._say(_lot("Good lamp"))
        else:
            self.send_error(404)

    do_POST = do_GET

    def _turn(self, number: int, url: str) -> None:
        if number == 0:
            self._go(url)
        elif number == 1:
            self._say(_lot("Lamp", head=f'<meta http-equiv="refresh" content="0;url={url}">'))
        elif number == 2:
            self._say(_lot("Lamp", f"<script>location.href = {json.dumps(url)}</script>"))
        else:
            self._say(_lot("Lamp"), more={"Refresh": f"0; url={url}"})

    def log_message(self, *_: object) -> None:
        pass

    def _go(self, to: str) -> None:
        self._send(302, b"", {"Location": to.encode().decode("latin-1")})

    def _say(self, text: str, kind: str = "text/html; charset=utf-8", more: dict[str, str] | None = None) -> None:
        self._send(200, text.encode(), {"Content-Type": kind, **(more or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def resolve(host: str) -> list[str]:
    return sorted({str(one[4][0]) for one in socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)})
