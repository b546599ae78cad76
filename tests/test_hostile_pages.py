"""A market whose pages attack the crawler: the crawl ends, says of each bad page why, and keeps what is good."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from storage.tables import Listing, Observation, Seller
from tests.crawling import Ended, Place
from tests.market_server import MarketServer, Reply, lot_page, redirect, reply, results_page, serving

HTML = ("Content-Type", "text/html; charset=utf-8")
MOST_MEMORY_MB = 700
GOOD = 3
NOISE = "".join(hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(300))
"""Text that no compression makes shorter."""

# Runs the command and writes the most memory that it or a child of it has held.
MEASURING = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
sys.exit(status)
"""


@dataclass(frozen=True)
class Attack:
    """What the market answers at a lot's address, and what the crawl must say of it."""

    answer: Any
    reason: str | None = None
    """Words of the reason in the crawl's problems; None where a listing comes of it all the same."""
    photo: Any = None


def deflate_bomb(megabytes: int, wbits: int) -> bytes:
    """Zeros by the megabyte, one flushed block repeated, so that making them costs nothing."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * (megabytes - 1)


def png_of(width: int, height: int) -> bytes:
    """A PNG whose head promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", deflate_bomb(300, 15)) + chunk(b"IEND", b"")


def raw(head: str, body: bytes = b"", then: str = "close", **more: Any) -> Reply:
    return Reply(head.replace("\n", "\r\n").encode("latin-1"), body, then, **more)


def json_lot(name: str = '"Bronze lamp"', **more: str) -> str:
    """A lot's page whose JSON-LD values are written as given, broken or not."""
    offers = more.pop("offers", '{"@type": "Offer", "price": "20", "priceCurrency": "GBP"}')
    extra = "".join(f', "{key}": {value}' for key, value in more.items())
    return (
        '<!doctype html><title>A lot</title><script type="application/ld+json">'
        f'{{"@type": "Product", "name": {name}, "offers": {offers}{extra}}}</script><h1>Bronze lamp</h1>'
    )


def price(text: str) -> str:
    return json_lot(offers=f'{{"@type": "Offer", "price": {text}, "priceCurrency": "GBP"}}')


def endless(ending: Any) -> Iterator[bytes]:
    while not ending.is_set():
        yield b"<p>more</p>" * 10_000


def attacks(tripwire: MarketServer) -> dict[str, Attack]:
    """By lot id."""
    page = lot_page("Bronze lamp").encode()
    bomb = deflate_bomb(10_000, 31)
    photo = '"/photo/{}.jpg"'
    return {
        "gzip-bomb": Attack(reply(bomb, headers=[HTML, ("Content-Encoding", "gzip")]), "decompressed"),
        "gzip-bomb-photo": Attack(
            reply(json_lot(image=photo.format("gzip-bomb-photo"))),
            "decompressed",
            reply(bomb, headers=[("Content-Type", "image/jpeg"), ("Content-Encoding", "gzip")]),
        ),
        "pixel-bomb": Attack(
            reply(json_lot(image=photo.format("pixel-bomb"))),
            "2500000000 pixels",
            reply(png_of(50_000, 50_000), headers=[("Content-Type", "image/png")]),
        ),
        "loop": Attack(redirect("/sale/1/lot/loop"), "redirects led on and on"),
        "two-loop": Attack(redirect("/there"), "redirects led on and on"),
        "chain": Attack(redirect("/chain/1"), "redirects led on and on"),
        "to-file": Attack(redirect("file:///etc/passwd"), "a redirect to no http address"),
        "to-port": Attack(redirect(tripwire.url("/sale/1/lot/stolen")), "outside the market"),
        "to-port-by-name": Attack(redirect(f"http://localhost:{tripwire.port}/sale/1/lot/x"), "outside the market"),
        "to-metadata": Attack(redirect("http://169.254.169.254/latest/meta-data/"), "outside the market"),
        "to-userinfo": Attack(redirect(f"http://127.0.0.1@{tripwire.netloc}/sale/1/lot/x"), "outside the market"),
        "endless": Attack(raw("HTTP/1.1 200 OK\nContent-Type: text/html\n\n", page, parts=endless)),
        "long-head": Attack(raw("HTTP/1.1 200 OK\nX-Long: " + "a" * 10_000_000 + "\n\n", page), "no valid HTTP"),
        "many-heads": Attack(raw("HTTP/1.1 200 OK\n" + "X-A: b\n" * 100_000 + "\n", page), "no valid HTTP"),
        "null-head": Attack(raw("HTTP/1.1 200 OK\nX-A: b\0c\n\n", page), "no valid HTTP"),
        "no-head": Attack(raw("", b"\0" * 1000), "no valid HTTP"),
        "null-body": Attack(reply(page.replace(b"lamp", b"la\0mp"))),
        "bad-chunks": Attack(
            raw("HTTP/1.1 200 OK\nContent-Type: text/html\nTransfer-Encoding: chunked\n\n", b"zz\r\n" + page),
            "no valid HTTP",
        ),
        "too-long-length": Attack(reply(page, length=len(page) + 1000, then="close"), "cut off"),
        "negative-length": Attack(raw("HTTP/1.1 200 OK\nContent-Length: -5\n\n", page), "no valid HTTP"),
        "two-lengths": Attack(raw("HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 90\n\n", page), "no valid HTTP"),
        "not-gzip": Attack(reply(page, headers=[HTML, ("Content-Encoding", "gzip")]), "Content-Encoding"),
        "not-brotli": Attack(reply(page, headers=[HTML, ("Content-Encoding", "br")]), "Content-Encoding"),
        "many-codings": Attack(
            reply(page, headers=[HTML, ("Content-Encoding", "gzip, " * 1000 + "gzip")]), "Content-Encoding"
        ),
        "odd-charset": Attack(reply(page, headers=[("Content-Type", "text/html; charset=\x7fzz")])),
        "bidi": Attack(reply(json_lot(json.dumps("Bronze \u202egnp.exe\u202c \x1b[31mred\x1b[0m\r\nSet-Cookie: a=b")))),
        "long-title": Attack(reply(json_lot(json.dumps("lamp " * 200_000)))),
        "many-offers": Attack(
            reply(json_lot(offers="[" + ",".join(['{"@type":"Offer","price":"1"}'] * 300_000) + "]"))
        ),
        "million-entries": Attack(reply(json_lot(keywords="[" + "1," * 1_000_000 + "1]"))),
        "deep-json": Attack(reply(json_lot(keywords="[" * 100_000 + "]" * 100_000))),
        "deep-html": Attack(reply(page.decode() + "<div>" * 200_000)),
        "meta-refresh": Attack(
            reply(lot_page("Bronze lamp", head=f'<meta http-equiv="refresh" content="0;url={tripwire.url("/")}">'))
        ),
        "seller": Attack(
            reply(
                json_lot(
                    offers='{"@type": "Offer", "price": "5", "priceCurrency": "GBP", "seller": {"name": '
                    '"<script>alert(1)\\u003c/script>", "url": "javascript:alert(1)"}}'
                )
            )
        ),
        "image-schemes": Attack(
            reply(
                json_lot(
                    image=json.dumps(
                        [
                            "javascript:alert(1)",
                            "data:image/png;base64,AAAA",
                            "file:///etc/passwd",
                            "//169.254.169.254/x.png",
                        ]
                    )
                )
            )
        ),
        "long-seller": Attack(
            reply(json_lot(offers=f'{{"@type": "Offer", "price": "5", "seller": {{"name": "{NOISE}"}}}}'))
        ),
        "long-seller-address": Attack(
            reply(json_lot(offers=f'{{"price": "5", "seller": {{"name": "A", "url": "/seller/{NOISE[:3900]}"}}}}'))
        ),
        "to-long-address": Attack(redirect(f"/sale/1/lot/{NOISE[:3900]}")),
        "to-endless-address": Attack(redirect(f"/sale/1/lot/{NOISE[:3900]}/" + "a" * 200_000), "The guard refused"),
        "price-smallest": Attack(reply(price('"1e-400000000"'))),
        "price-huge": Attack(reply(price("1e400"))),
        "price-huge-text": Attack(reply(price('"1e999999999"'))),
        "price-digits": Attack(reply(price("9" * 100_000))),
        "price-nan": Attack(reply(price("NaN"))),
        "price-infinite": Attack(reply(price("-Infinity"))),
        "price-negative": Attack(reply(price("-5"))),
        "price-biggest": Attack(reply(price('"999999999999999"'))),
        "price-fine": Attack(reply(price('"0.000000000000000000001"'))),
        "late-date": Attack(
            reply(
                json_lot(offers='{"price": "5", "priceCurrency": "GBP", "availabilityEnds": "99999-01-01T00:00:00Z"}')
            )
        ),
        "edge-date": Attack(
            reply(
                json_lot(
                    offers='{"price": "5", "priceCurrency": "GBP", "availabilityEnds": "9999-12-31T23:59:59-14:00"}'
                )
            )
        ),
        "first-date": Attack(
            reply(
                json_lot(
                    offers='{"price": "5", "priceCurrency": "GBP", "availabilityEnds": "0001-01-01T00:00:00+14:00"}'
                )
            )
        ),
        "surrogate": Attack(reply(json_lot('"Bronze lamp \\ud800 with \\udc00 halves"'))),
        "null-text": Attack(
            reply(json_lot('"Bronze\\u0000 lamp"', description='"clay\\u0000\\u0001"', sku='"a\\u0000"'))
        ),
        "null-everywhere": Attack(
            reply(
                json_lot(
                    url='"/sale/1/lot/null\\u0000everywhere"',
                    image='["/photo/\\u0000.jpg", "/photo/\\ud800.jpg"]',
                    offers='{"price": "5\\u0000", "priceCurrency": "G\\u0000P", "availability": "In\\u0000\\ud800", '
                    '"seller": {"name": "A\\u0000\\ud800", "url": "/s/\\u0000\\udfff"}, '
                    '"availableAtOrFrom": {"name": "Place\\u0000\\ud800"}}',
                ).replace(
                    "<title>", '<link rel="canonical" href="/sale/1/lot/&#0;&#xd800;"><html lang="e&#0;\ufffd"><title>'
                )
            )
        ),
        "..%2F..%2Fetc%2Fpasswd": Attack(reply(page)),
        "%00": Attack(reply(page)),
        "%ED%A0%80": Attack(reply(page)),
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        made = Place(tmp_path / "home", sqlite_template)
        yield made
        made.close()
        return
    from tests.conftest import _postgres_database

    for url in _postgres_database(request, "template_relicwatch"):
        made = Place(tmp_path / "home", database_url=url)
        yield made
        made.close()


@pytest.fixture
def tripwire() -> Iterator[MarketServer]:
    """A server on the same machine that is no part of the market: nobody may ask it for anything."""
    with serving() as server:
        yield server
        assert server.asked == []


@pytest.fixture
def market(tripwire: MarketServer) -> Iterator[MarketServer]:
    with serving() as server:
        yield server


def crawl(place: Place, **more: Any) -> tuple[Ended, dict[str, Any], int]:
    """The crawl, what `crawls show` says of it, and the most megabytes a process of it held."""
    measured = place.home.root / "memory"
    end = place.crawl(prefix=[sys.executable, "-c", MEASURING, str(measured)], **more)
    shown = place.run("crawls", "show", "1", "--json")
    assert shown.status == 0, shown
    return end, shown.result, int(measured.read_text())


def define(place: Place, market: MarketServer, **changes: str) -> None:
    changes.setdefault("listing_url", '"/sale/(?P<sale>[0-9]+)/lot/(?P<lot>[^/?]+)"')
    place.define(market, rate="{delay: 0, concurrency: 16}", **changes)


def test_every_bad_page_is_reported_and_the_good_ones_beside_it_are_kept(
    place: Place, market: MarketServer, tripwire: MarketServer
) -> None:
    found = attacks(tripwire)
    for name, attack in found.items():
        market.routes[f"/sale/1/lot/{name}"] = attack.answer
        if attack.photo is not None:
            market.routes[f"/photo/{name}.jpg"] = attack.photo
    market.routes[f"/sale/1/lot/{NOISE[:3900]}"] = reply(lot_page("Bronze lamp"))
    market.routes["/there"] = redirect("/sale/1/lot/two-loop")
    market.routes.update({f"/chain/{n}": redirect(f"/chain/{n + 1}") for n in range(1, 21)})
    market.routes["/chain/21"] = reply(lot_page("At the end"))
    for number in range(GOOD):
        market.routes[f"/sale/1/lot/good-{number}"] = reply(lot_page(f"Good lamp {number}"))
    lots = ["good-0", *found, *(f"good-{number}" for number in range(1, GOOD))]
    market.routes["/search"] = reply(results_page([f"/sale/1/lot/{name}" for name in lots]))
    define(place, market)

    end, shown, megabytes = crawl(place)

    assert end.status == 0, end
    assert shown["state"] == "complete"
    assert shown["fault"] is None
    assert megabytes < MOST_MEMORY_MB
    reasons = {
        problem["url"].rpartition("/")[2].removesuffix(".jpg"): problem["reason"] for problem in shown["problems"]
    }
    assert len(reasons) == len(shown["problems"])
    assert set(reasons) == {name for name, attack in found.items() if attack.reason is not None}
    other = {name: reason for name, reason in reasons.items() if found[name].reason not in reason}
    assert other == {}
    for name, reason in reasons.items():
        assert len(reason) < 600, (name, reason)
        assert "Traceback" not in reason and reason.isprintable()

    rows = place.rows(
        select(Listing.native_id, Observation, Seller)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Seller, Seller.id == Observation.seller_id)
    )
    kept = {native_id.removeprefix("1/").replace("%25", "%"): (seen, seller) for native_id, seen, seller in rows}
    photographed = {name for name, attack in found.items() if attack.photo is not None}
    expected = {name for name, attack in found.items() if attack.reason is None} | photographed
    assert set(kept) == expected | {f"good-{number}" for number in range(GOOD)}
    for name, (seen, _) in kept.items():
        assert seen.title, name
        assert seen.price is None or 0 <= seen.price < 10**12, name
        assert seen.ends_at is None, name
        assert all(image.startswith("http://") and image.isprintable() for image in seen.images), name
        stored = json.dumps(
            [seen.title, seen.description, seen.images, seen.problems, seen.sources], ensure_ascii=False
        )
        assert "\0" not in stored and "\x1b" not in stored
        stored.encode()
    assert kept["price-huge-text"][0].price is None
    assert kept["seller"][1].name is None or "<" not in kept["seller"][1].name
    assert kept["seller"][1].url is None
    assert len(kept["long-seller"][1].native_id) < 100
    inside = place.home.root.resolve()
    assert not [
        path for path in inside.rglob("*") if "passwd" in path.name or not path.resolve().is_relative_to(inside)
    ]


def test_a_market_that_never_stops_offering_pages_is_left_at_the_bound_of_its_definition(
    place: Place, market: MarketServer
) -> None:
    def search(asked: Any) -> Reply:
        number = int(asked.target.rpartition("-")[2]) if "page-" in asked.target else 1
        lots = [f"/sale/1/lot/same?sid={number}{n}" for n in range(50)] + [f"/sale/{number}/lot/1"]
        long = f'<a class="lot" href="/sale/1/lot/{"9" * 1_000_000}">x</a>'
        return reply(results_page(lots, f"/search?q=lamp&n=page-{number + 1}") + long * 3)

    market.routes["/search"] = search
    for number in range(1, 8):
        market.routes[f"/sale/{number}/lot/1"] = reply(lot_page(f"Lamp {number}"))
    market.routes["/sale/1/lot/same"] = reply(lot_page("The same lamp"))
    address = market.url("/search")
    define(
        place, market, search=f'{{url: "{address}?q={{query}}", listings: "a.lot", next: "a[rel=next]", max_pages: 4}}'
    )

    end, shown, megabytes = crawl(place)

    assert end.status == 0, end
    assert [problem["reason"] for problem in shown["problems"]] == ["more pages follow, but search.max_pages is 4"]
    assert sorted(place.rows(select(Listing.native_id))) == ["1/1", "1/same", "2/1", "3/1", "4/1"]
    assert len([one for one in market.targets() if "/search" in one]) == 4
    assert len([one for one in market.targets() if "same" in one]) <= 4
    assert megabytes < MOST_MEMORY_MB


def test_a_search_page_with_a_hundred_thousand_links_is_read_within_bounds(place: Place, market: MarketServer) -> None:
    market.routes["/search"] = reply(results_page(f"/sale/1/lot/{number}" for number in range(100_000)))
    market.routes.update({f"/sale/1/lot/{number}": reply(lot_page(f"Lamp {number}")) for number in range(20)})
    define(place, market)

    end, shown, megabytes = crawl(place, max_listings=20)

    assert end.status == 0, end
    assert shown["listings"] == 20
    assert megabytes < MOST_MEMORY_MB
