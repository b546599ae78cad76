"""What shops answer, in the form of their software's public documentation, for tests of the walkers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.market_server import MarketServer, Reply, reply

JSON = (("Content-Type", "application/json; charset=utf-8"),)


def answer(value: Any, *headers: tuple[str, str], status: str = "200 OK") -> Reply:
    return reply(json.dumps(value), status, [*JSON, *headers])


def shopify_product(handle: str, title: str, price: str = "120.00", **changes: Any) -> dict[str, Any]:
    return {
        "id": 7001,
        "title": title,
        "handle": handle,
        "body_html": f"<style>p {{ color: red }}</style><p>{title}, <b>terracotta</b>.</p><p>Ex private collection</p>",
        "published_at": "2026-11-01T10:00:00+00:00",
        "updated_at": "2026-11-02T10:00:00+00:00",
        "vendor": "Galerie Example",
        "product_type": "Antiquities",
        "tags": ["roman", "lighting"],
        "variants": [
            {"id": 1, "title": "Default Title", "price": "999.00", "available": False},
            {"id": 2, "title": "Framed", "price": price, "available": True},
        ],
        "images": [{"id": 1, "position": 1, "src": "https://cdn.example/lamp.jpg?v=1", "width": 2048}],
        **changes,
    }


def shopify(server: MarketServer, pages: Iterable[list[dict[str, Any]]]) -> None:
    """The shop's list, page by page, an empty one last."""
    given = [*pages, []]
    for number, products in enumerate(given, 1):
        server.routes[f"/products.json?limit=250&page={number}"] = answer({"products": products})


def woo_product(number: int, permalink: str, name: str, price: str = "12550", **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "slug": permalink.rstrip("/").rpartition("/")[2],
        "permalink": permalink,
        "short_description": "<p>Short.</p>",
        "description": f"<p>{name} &amp; stand.<br>Found in a field.</p>",
        "prices": {"price": price, "regular_price": price, "currency_code": "EUR", "currency_minor_unit": 2},
        "images": [{"id": 4, "src": "https://cdn.example/full.jpg", "thumbnail": "https://cdn.example/full-300.jpg"}],
        "attributes": [{"id": 1, "name": "Provenance", "terms": [{"id": 9, "name": "old German collection"}]}],
        "is_in_stock": True,
        **changes,
    }
