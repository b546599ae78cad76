"""Lists of offers in JSON: what a search answer carries, whether its entries have addresses or not."""

from __future__ import annotations

import re
from typing import Any

from crawler.extraction.links import shows_price
from crawler.extraction.state import Place, likeness, ranked_values, title_of
from crawler.extraction.state_amounts import amount_of
from crawler.extraction.state_keys import field_of, leads_elsewhere, plain_key, rank_in


def find_list(places: list[Place], minimum: int = 3, *, linked: bool = True) -> list[Place]:
    """The longest list of objects that look like listings: what a search answer in JSON carries.

    With `linked=False` their objects need no addresses, but titles and prices.
    """
    groups: dict[tuple[int, tuple[str, ...]], list[Place]] = {}
    for place in places:
        if place.group == 0 and place.siblings < 2 and minimum > 1:
            continue
        if place.siblings < minimum or any(leads_elsewhere(step) for step in place.path):
            continue
        if (link_of(place.value) and likeness(place.value) >= 1.5) if linked else _titled_and_priced(place.value):
            groups.setdefault((place.group, place.path), []).append(place)
    best = max(
        groups.values(),
        key=lambda g: sum(likeness(p.value) for p in g[:20]) / min(len(g), 20) * min(len(g), 40),
        default=[],
    )
    return best if len(best) >= minimum else []


def _titled_and_priced(value: dict[str, Any]) -> bool:
    """Whether an object has a price and a title, or in place of a title a picture and an id."""
    priced = any(rank_in("price", key) is not None and amount_of(inner)[0] is not None for key, inner in value.items())
    if not priced and not any(isinstance(v, str) and len(v) < 60 and shows_price(v) for v in value.values()):
        return False
    return title_of(value) is not None or {"images", "id"} <= {field_of(key) for key, inner in value.items() if inner}


_OTHER_ADDRESS = re.compile("image|img|thumb|photo|picture|logo|icon|avatar|flag|seller")


def link_of(value: dict[str, Any]) -> str | None:
    """The address that an object gives for itself: by the usual keys, else by any key that ends like one."""
    for key, inner in ranked_values(value, "url"):
        if isinstance(inner, str) and len(inner) > 3 and (inner.startswith(("http", "/")) or plain_key(key) != "slug"):
            return inner
    for key, inner in value.items():
        plain = plain_key(key)
        if not isinstance(inner, str) or not inner.startswith(("http", "/")) or _OTHER_ADDRESS.search(plain):
            continue
        if plain.endswith(("url", "link", "href")):
            return inner
    return None


def next_of(answer: Any) -> str | None:
    """The address of the next page that a JSON answer names at its top."""
    inner = [answer, *(v for v in answer.values() if isinstance(v, dict))] if isinstance(answer, dict) else []
    for value in inner:
        for key, link in value.items():
            if plain_key(key) in ("next", "nextpage", "nexturl", "nextpageurl", "nexthref") and isinstance(link, str):
                return link
    return None


_RESULT_KEYS = frozenset(
    [
        *("pagination", "pageinfo", "totalcount", "totalresults", "totalresultcount", "resultcount", "totalrows"),
        *("numfound", "nbhits", "nbpages", "totalhits", "facets", "sortoptions", "sorts"),
    ]
)
"""Keys with which an answer counts results or pages."""


def says_results(answer: Any) -> bool:
    """Whether an answer counts results or pages at its top, as searches do however few things they found."""
    tops = answer if isinstance(answer, dict) else {}
    inner = [tops, *(v for v in tops.values() if isinstance(v, dict))]
    return any(plain_key(key) in _RESULT_KEYS for one in inner for key in one)
