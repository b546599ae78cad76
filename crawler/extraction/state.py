"""Listings in embedded JSON, found by the shape of their objects and not by any site's paths.

An object is the page's listing when it looks like one (title, price, photos, seller, ...) and the page itself points to
it: by its heading, or by an id or address in the page's URL. Without such a sign nothing is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.images import has_image_ending, image_addresses
from crawler.extraction.jsonld import place_name
from crawler.extraction.state_amounts import CENT_KEYS, amount_of, currency_in
from crawler.extraction.state_keys import RANKS, WRAPPERS, field_of, leads_elsewhere, plain_key, rank_in
from crawler.extraction.text import clean, folded

MAX_OBJECTS = 60_000
MAX_DEPTH = 24

_NAME_KEYS = (
    "name",
    "sellername",
    "username",
    "displayname",
    "shopname",
    "storename",
    "title",
    "login",
    "nickname",
    "fullname",
    "microname",
    "publicname",
    "companyname",
    "label",
)


@dataclass(slots=True)
class Place:
    """One object of the state with the way to it."""

    value: dict[str, Any]
    path: tuple[str, ...]
    parent: Place | None
    siblings: int
    """How many objects stand in the same list; 1 outside lists."""
    group: int = 0
    """Which list that is: the same number for all of its objects, 0 outside lists."""


def walk(value: Any, name: str) -> Iterator[Place]:
    """All objects, breadth first."""
    queue: list[tuple[Any, tuple[str, ...], Place | None, int, int]] = [(value, (name,), None, 1, 0)]
    count = 0
    position = 0
    while position < len(queue):
        one, path, parent, siblings, group = queue[position]
        position += 1
        if isinstance(one, dict):
            count += 1
            if count > MAX_OBJECTS:
                return
            place = Place(one, path, parent, siblings, group)
            yield place
            if len(path) < MAX_DEPTH:
                for k, v in one.items():
                    if not v or not isinstance(v, (dict, list)):
                        continue
                    wrapped = siblings > 1 and isinstance(v, dict) and plain_key(k) in WRAPPERS
                    queue.append((v, (*path, str(k)), place, siblings if wrapped else 1, group if wrapped else 0))
        elif len(path) < MAX_DEPTH:
            objects = sum(isinstance(v, dict) for v in one)
            number = id(one) if objects > 1 else group
            queue.extend(
                (v, path, parent, max(objects, siblings), number) for v in one if isinstance(v, (dict, list)) and v
            )


def find_listing(places: list[Place], heads: str, url: str, *, alone: bool = False) -> Place | None:
    """The object the page is about, or None. `heads` is the folded text of title tag, headings and Open Graph title.

    `alone` takes the likeliest object near the top of an answer though nothing points to it: what else was asked for?
    """
    best: tuple[float, Place] | None = None
    for place in places:
        title = title_of(place.value)
        if title is None:
            continue
        if _is_variant(place):
            continue
        score = likeness(place.value)
        pointed = _pointed_at(place, title, heads, url)
        if (
            score < 1
            or not _offers(place.value)
            or (pointed == 0 and (heads or url) and not (alone and score >= 3 and len(place.path) <= 4))
            or (pointed == 0 and place.siblings > 1)
        ):
            continue
        if any(leads_elsewhere(step) for step in place.path) and pointed < 3:
            continue
        total = score + pointed - 0.05 * len(place.path) - (0.5 if place.siblings > 1 else 0)
        if best is None or total > best[0]:
            best = (total, place)
    return best[1] if best else None


def _is_variant(place: Place) -> bool:
    """Whether an object is one make of a thing that its parent names."""
    variant = plain_key(place.path[-1]) in ("variant", "variants", "skus")
    return variant and place.parent is not None and title_of(place.parent.value) is not None


def title_of(value: dict[str, Any]) -> str | None:
    found: tuple[int, str] | None = None
    for key, inner in value.items():
        rank = rank_in("title", key)
        inner = _one_text(inner)
        if (
            rank is not None
            and isinstance(inner, str)
            and 3 <= len(inner) <= 400
            and (found is None or rank < found[0])
        ):
            text = clean(inner)
            if text:
                found = (rank, text)
    return found[1] if found else None


def _one_text(value: Any) -> Any:
    """The text in {"original": "Vase", "translated": ""}; other values as they are."""
    if isinstance(value, dict) and len(value) <= 4:
        plain = {plain_key(key): inner for key, inner in value.items() if isinstance(inner, str) and inner}
        if len(plain) == 1:
            return next(iter(plain.values()))
        return next((plain[key] for key in ("original", "html", "text", "full", "value", "en") if key in plain), value)
    return value


def likeness(value: dict[str, Any]) -> float:
    score = 0.0
    seen: set[str] = set()
    for key, inner in value.items():
        name = field_of(key)
        if name in seen or inner in (None, "", [], {}):
            continue
        seen.add(name)
        if name == "price":
            score += 2.0
        elif name in ("images", "description", "seller", "lot_number", "ends_at", "estimate_low", "currency"):
            score += 1.0
        elif name in ("url", "id", "availability", "location"):
            score += 0.4
    return score


def _offers(value: dict[str, Any]) -> bool:
    """Whether an object has something that only things on offer have; a sale or a category has none of it."""
    names = {field_of(key) for key, inner in value.items() if inner not in (None, "", [], {})}
    return bool(names & {"price", "estimate_low", "lot_number", "seller"})


def _pointed_at(place: Place, title: str, heads: str, url: str) -> float:
    pointed = 0.0
    text = folded(title)
    if len(text) >= 4 and text in heads:
        pointed += 3.0 if len(text) >= 12 else 1.5
    for key, inner in place.value.items():
        plain = plain_key(key)
        if (
            plain in RANKS["id"]
            and isinstance(inner, (str, int))
            and len(str(inner)) >= 4
            and _in_address(str(inner), url)
        ) or (plain in RANKS["url"] and isinstance(inner, str) and len(inner) > 5 and _same_address(inner, url)):
            pointed += 3.0
    if len(place.path) > 1 and len(place.path[-1]) >= 5 and place.path[-1].rsplit(":", 1)[-1].isdigit():
        pointed += 2.0 if _in_address(place.path[-1].rsplit(":", 1)[-1], url) else 0.0
    return min(pointed, 7.0)


def _in_address(token: str, url: str) -> bool:
    return bool(url) and re.search(rf"(?<![0-9A-Za-z]){re.escape(token)}(?![0-9A-Za-z])", url.split("#")[0]) is not None


def _same_address(link: str, url: str) -> bool:
    try:
        ours, theirs = urlsplit(url).path.rstrip("/"), urlsplit(link).path.strip("/")
    except ValueError:
        return False
    return len(theirs) > 5 and ours.endswith("/" + theirs)


def fill(listing: Place, places: list[Place], document: Document | None, findings: Findings, absolute: Any) -> None:
    """Take the listing's values from its object, from what hangs below it, then from its neighbours in the state."""
    source = "state:" + ".".join(listing.path)[-80:]
    findings.add_title(title_of(listing.value), source)
    near = near_objects(listing)
    around = [*_joined_by_id(listing, places), *_neighbours(listing)]
    _fill_price(near, _outer(listing), around, findings, source)
    for value in near:
        _fill_named(value, findings, source, absolute)
    _fill_end(around, findings, source)
    for value in around:
        _fill_neighbour(value, findings, source)


def near_objects(listing: Place) -> list[dict[str, Any]]:
    """The listing's own object and those inside it."""
    return [listing.value, *_below(listing.value)]


def _below(value: dict[str, Any], depth: int = 3) -> list[dict[str, Any]]:
    """Objects inside, breadth first, lists of several objects left out."""
    found: list[dict[str, Any]] = []
    level = [value]
    for _ in range(depth):
        below = []
        for one in level:
            for key, inner in one.items():
                if leads_elsewhere(key):
                    continue
                if isinstance(inner, list) and len(inner) == 1:
                    inner = inner[0]
                if isinstance(inner, dict):
                    below.append(inner)
        found.extend(below)
        level = below[:200]
    return found


def _outer(listing: Place) -> list[dict[str, Any]]:
    """The objects that hold the listing's, from near to far: a currency often stands there once for all."""
    found: list[dict[str, Any]] = []
    place = listing.parent
    while place is not None and len(found) < 3:
        found.append(place.value)
        place = place.parent
    return found


def _neighbours(listing: Place) -> Iterator[dict[str, Any]]:
    """Objects beside the listing's, from near to far, as long as they stand in no list of many."""
    place = listing
    for _ in range(3):
        if place.parent is None or place.siblings > 1 or len(place.parent.value) > 60:
            return
        parent = place.parent
        for key, value in parent.value.items():
            if isinstance(value, dict) and value is not place.value and not leads_elsewhere(key):
                yield {key: value} if rank_in("seller", key) is not None else value
                yield from _below(value, 2)
        place = parent


def _joined_by_id(listing: Place, places: list[Place]) -> Iterator[dict[str, Any]]:
    """Objects that the listing refers to: {"sellerId": 7} finds seller 7, {"__ref": "User:7"} what has that name."""
    wanted: dict[tuple[str, str], None] = {}
    own: list[str] = []
    for key, value in listing.value.items():
        plain = plain_key(key)
        if isinstance(value, dict) and isinstance(value.get("__ref"), str):
            wanted[("", value["__ref"])] = None
        elif isinstance(value, (str, int)) and not isinstance(value, bool) and str(value):
            if plain.endswith("id") and len(plain) > 2:
                wanted[(plain[:-2], str(value))] = None
            if plain in ("id", "itemid", "lotid", "listingid") and len(str(value)) >= 4:
                own.append(str(value))
    for place in places:
        if place.value is listing.value or len(place.path) < 2:
            continue
        name = place.path[-1]
        for noun, key in wanted:
            if name == key and (not noun or any(plain_key(step).startswith(noun) for step in place.path[:-1])):
                yield {noun: place.value} if noun else place.value
        if name in own:
            yield place.value


def _fill_price(
    near: list[dict[str, Any]],
    outer: list[dict[str, Any]],
    around: list[dict[str, Any]],
    findings: Findings,
    source: str,
) -> None:
    if not findings.lacks("price", "currency"):
        return
    currency = next((c for value in (*near, *outer, *around[:40]) if (c := currency_in(value))), None)
    for group in (near[:1], near[1:], around):
        ranked = sorted(
            (
                (rank, n, key, inner)
                for n, value in enumerate(group[:400])
                for key, inner in value.items()
                if (rank := rank_in("price", key)) is not None
            ),
            key=lambda entry: (entry[0], entry[1]),
        )
        for _rank, _n, key, inner in ranked:
            amount, code = amount_of(inner)
            if amount is not None and plain_key(key) in CENT_KEYS and not isinstance(inner, dict):
                amount /= 100
            if amount is not None and (amount > 0 or len(ranked) == 1):
                findings.add_price(amount, code or currency, f"{source}.{key}")
                break
        if "price" in findings.values:
            break
    findings.add_currency(currency, source)


def ranked_values(value: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    found = [(rank, k, v) for k, v in value.items() if (rank := rank_in(name, k)) is not None]
    return [(k, v) for _, k, v in sorted(found, key=lambda entry: entry[0])]


def _fill_named(value: dict[str, Any], findings: Findings, source: str, absolute: Any) -> None:
    for key, inner in ranked_values(value, "description"):
        inner = _one_text(inner)
        if isinstance(inner, str) and len(inner) > 10:
            findings.add_text("description", inner, f"{source}.{key}")
    for key, inner in ranked_values(value, "images"):
        urls = [
            u
            for u in image_addresses(inner, absolute)
            if has_image_ending(u) or "image" in u or "photo" in u or "img" in u
        ]
        findings.add_images(urls, f"{source}.{key}")
    for key, inner in value.items():
        if isinstance(inner, dict) and plain_key(key) in ("estimate", "estimates", "estimation", "estimaterange"):
            _fill_range(inner, findings, f"{source}.{key}")
    for name in ("estimate_low", "estimate_high"):
        for key, inner in ranked_values(value, name):
            findings.add(name, amount_of(inner)[0], f"{source}.{key}")
    _fill_neighbour(value, findings, source)
    for key, inner in ranked_values(value, "lot_number"):
        inner = _one_text(inner)
        if isinstance(inner, (str, int)) and not isinstance(inner, bool) and len(str(inner)) <= 20:
            findings.add_text("lot_number", inner, f"{source}.{key}")
    for key, inner in ranked_values(value, "availability"):
        findings.add_availability(inner, f"{source}.{key}")
    for key, inner in ranked_values(value, "location"):
        text = (place_name(inner) or _value_in(inner)) if not isinstance(inner, str) else inner
        findings.add_text("location", _country_name(inner) or text, f"{source}.{key}")


def _fill_range(value: dict[str, Any], findings: Findings, source: str) -> None:
    """Both ends of an estimate that is an object of its own: {"low": {"amount": 5000}, "high": ...}."""
    plain = {plain_key(key): inner for key, inner in value.items()}
    for name, keys in (
        ("estimate_low", ("low", "min", "from", "lower")),
        ("estimate_high", ("high", "max", "to", "upper")),
    ):
        found = next((plain[key] for key in keys if key in plain), None)
        findings.add(name, amount_of(found)[0], source)
    findings.add_currency(currency_in(value), source)


def _fill_end(around: list[dict[str, Any]], findings: Findings, source: str) -> None:
    """Of all end times around the listing the most telling: a lot's own end before its sale's."""
    ranks = RANKS["ends_at"]
    found = [(ranks[plain_key(k)], k, v) for one in around[:400] for k, v in one.items() if plain_key(k) in ranks]
    for _rank, key, value in sorted(found, key=lambda entry: entry[0]):
        if isinstance(value, (str, int, float)):
            findings.add_moment("ends_at", value, f"{source}.{key}")


def _fill_neighbour(value: dict[str, Any], findings: Findings, source: str) -> None:
    for key, inner in ranked_values(value, "seller"):
        name = inner if isinstance(inner, str) else _name_in(inner)
        if name and not name.startswith(("http", "{")):
            findings.add_text("seller", name, f"{source}.{key}")
    for key, inner in ranked_values(value, "ends_at"):
        if isinstance(inner, (str, int, float)):
            findings.add_moment("ends_at", inner, f"{source}.{key}")


def _name_in(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    plain = {plain_key(k): v for k, v in value.items()}
    return next((plain[k] for k in _NAME_KEYS if isinstance(plain.get(k), str) and plain[k].strip()), None)


def _value_in(value: Any) -> str | None:
    """The text in {"value": "Roma"} or {"city": {"value": "Roma"}}."""
    for inner in (value, value.get("city")) if isinstance(value, dict) else ():
        text = inner.get("value") or inner.get("label") if isinstance(inner, dict) else None
        if isinstance(text, str):
            return text
    return None


def _country_name(value: Any) -> str | None:
    """The name in {"country": {"name": ...}}, which addresses often carry instead of plain text."""
    if (
        isinstance(value, dict)
        and isinstance(value.get("country"), dict)
        and isinstance(value["country"].get("name"), str)
    ):
        return str(value["country"]["name"])
    if isinstance(value, dict) and set(value) >= {"name", "shortCode"}:
        return _name_in(value)
    return None


def value_at(blocks: list[tuple[str, Any]], path: str) -> Any:
    """What a definition's path (`$.a.b[0].c`) points to in the first block that has it, or None."""
    steps = re.findall(r"[\w-]+", path.removeprefix("$."))
    for name, block in blocks:
        value = block
        for step in steps[1:] if steps and steps[0] == name else steps:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                value = None
                break
        if value is not None:
            return value
    return None
