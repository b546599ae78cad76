"""JSON-LD: read straight from the script tags, graphs and references resolved, and asked for the page's listing."""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from crawler.extraction import measures
from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.images import image_addresses
from crawler.extraction.lenient_json import BrokenJson, read_json
from crawler.extraction.text import folded

MAX_NODES = 20_000
MAX_DEPTH = 30

OFFERED_TYPES = frozenset(
    {
        "product",
        "individualproduct",
        "productmodel",
        "productgroup",
        "vehicle",
        "car",
        "motorcycle",
        "book",
        "visualartwork",
        "painting",
        "sculpture",
        "creativework",
        "offer",
        "aggregateoffer",
        "house",
        "apartment",
        "residence",
        "realestatelisting",
        "accommodation",
        "jewelry",
    }
)
LIST_TYPES = frozenset({"itemlist", "searchresultspage", "collectionpage", "offercatalog"})
_WEAK_TYPES = frozenset({"creativework", "offer", "aggregateoffer"})
_OFFERING_TYPES = frozenset(
    {
        "offer",
        "aggregateoffer",
        "product",
        "productgroup",
        "car",
        "vehicle",
        "breadcrumblist",
        "organization",
        "event",
    }
)
MANY_ALIKE = 5
"""Things of other names, none of which the page points to, are a list."""
_BESIDE = ("isRelatedTo", "isSimilarTo", "isAccessoryOrSparePartFor", "hasVariant", "itemOffered")

Node = dict[str, Any]


def read_nodes(document: Document, findings: Findings) -> list[Node]:
    """All typed objects in the page's JSON-LD, in page order; unreadable blocks are named in the problems."""
    nodes: list[Node] = []
    for number, script in enumerate(_scripts(document), 1):
        text = script.text or ""
        if not text.strip():
            continue
        try:
            value = read_json(text)
        except BrokenJson as error:
            findings.problem(f"JSON-LD block {number} is broken: {str(error)[:120]}.")
            continue
        nodes.extend(_typed(value))
        if len(nodes) > MAX_NODES:
            findings.problem(f"The JSON-LD holds more than {MAX_NODES} objects: the rest was not read.")
            return nodes[:MAX_NODES]
    return nodes


def _scripts(document: Document) -> Iterator[Any]:
    for script in document.of_tag("script"):
        if "ld+json" in (script.get("type") or "").lower():
            yield script


def _typed(value: Any) -> Iterator[Node]:
    """Objects with a type, breadth first, so that outer things come before what they are made of."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, list):
                below.extend(one)
            elif isinstance(one, dict):
                if types_of(one):
                    yield one
                below.extend(v for v in one.values() if isinstance(v, (dict, list)))
        if not below:
            return
        level = below[:MAX_NODES]


def types_of(node: Node) -> Set[str]:
    """A node's types, lower-case short names."""
    declared = node.get("@type") or node.get("type")
    if isinstance(declared, str):
        return _short_name(declared)
    names = declared if isinstance(declared, list) else []
    return {short for name in names if isinstance(name, str) for short in _short_name(name)}


@lru_cache(maxsize=1024)
def _short_name(declared: str) -> frozenset[str]:
    return frozenset({declared.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower()})


def first(value: Any) -> Any:
    """The value itself, or the first of a list."""
    return value[0] if isinstance(value, list) and value else None if isinstance(value, list) else value


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def main_listing(nodes: list[Node], document: Document) -> Node | None:
    """The object that the page is about: a thing offered that is not one of many of its kind."""
    inside = _listed_ids(nodes)
    candidates = [n for n in nodes if types_of(n) & OFFERED_TYPES and id(n) not in inside and _says_something(n)]
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    first_of, second, *_ = sorted(candidates, key=lambda n: _weight(n, document), reverse=True)
    if len(candidates) >= MANY_ALIKE and _weight(first_of, document) == _weight(second, document):
        named = {first(n.get("name")) for n in candidates if isinstance(first(n.get("name")), str)}
        if len(named) >= MANY_ALIKE and types_of(first_of) == types_of(second):
            return None
    return first_of


def _listed_ids(nodes: list[Node]) -> set[int]:
    """Things that stand in lists, or are said to be related or similar: not what the page is about."""
    inside: set[int] = set()
    for node in nodes:
        kinds = types_of(node)
        keys = [key for key in _BESIDE if key in node]
        if "itemListElement" in node and kinds & LIST_TYPES:
            keys.append("itemListElement")
        if "offers" in node and kinds & _OFFERING_TYPES:
            keys.append("offers")
        for key in keys:
            inside.update(id(n) for value in as_list(node[key]) for n in _typed(value))
    return inside


def _says_something(node: Node) -> bool:
    if types_of(node) <= _WEAK_TYPES:
        return bool(node.get("offers") or node.get("price"))
    return bool(node.get("name") or node.get("offers"))


def _weight(node: Node, document: Document) -> float:
    weight = 2.0 * bool(node.get("offers")) + bool(node.get("image")) + bool(node.get("description"))
    weight += 2.0 * (not types_of(node) <= _WEAK_TYPES)
    name = first(node.get("name"))
    if isinstance(name, str):
        heads = folded(f"{document.title_tag or ''} {document.meta.get('og:title', '')}")
        weight += 3.0 * (folded(name) in heads)
    address = first(node.get("url"))
    if isinstance(address, str) and document.url:
        weight += 2.0 * (urlsplit_path(address) == urlsplit_path(document.url))
    return weight


def urlsplit_path(url: str) -> str:
    """The path of an address without a closing slash, "" where it is none."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def offers_of(node: Node) -> list[Node]:
    """The offers of a thing, those of an AggregateOffer included; the thing itself where it carries the price."""
    offers = [o for o in as_list(node.get("offers")) if isinstance(o, dict)]
    if not offers and ("price" in node or "lowPrice" in node):
        offers = [node]
    if not offers:
        offers = [
            o
            for v in as_list(node.get("hasVariant"))
            if isinstance(v, dict)
            for o in as_list(v.get("offers"))
            if isinstance(o, dict)
        ]
    return offers


def fill(node: Node, document: Document, findings: Findings, source: str = "json-ld") -> None:
    """Take every field that the listing's object has."""
    findings.add_title(first(node.get("name")) or first(node.get("headline")), f"{source}:name")
    findings.add_text("description", first(node.get("description")), f"{source}:description")
    images = node.get("image") or node.get("images") or node.get("photo")
    findings.add_images(image_addresses(images, document.absolute), f"{source}:image")
    offers = offers_of(node)
    for offer in offers:
        _fill_price(offer, findings, source)
        findings.add_availability(first(offer.get("availability")), f"{source}:offers.availability")
        _fill_seller(
            first(offer.get("seller") or offer.get("offeredBy")), document, findings, f"{source}:offers.seller"
        )
        _fill_place(
            first(offer.get("availableAtOrFrom") or offer.get("areaServed")),
            findings,
            f"{source}:offers.availableAtOrFrom",
        )
        findings.add_moment("ends_at", first(offer.get("availabilityEnds")), f"{source}:offers.availabilityEnds")
    _fill_seller(first(node.get("seller") or node.get("offeredBy")), document, findings, f"{source}:seller")
    _fill_place(
        first(node.get("location") or node.get("contentLocation") or node.get("itemLocation")),
        findings,
        f"{source}:location",
    )
    _fill_properties(node, findings, source)
    measures.fill_node(node, findings, source)


def _fill_price(offer: Node, findings: Findings, source: str) -> None:
    currency = first(offer.get("priceCurrency"))
    specifications = [s for s in as_list(offer.get("priceSpecification")) if isinstance(s, dict)]
    asked = [s for s in specifications if "list" not in str(s.get("priceType", "")).lower()]
    for key in ("price", "lowPrice"):
        findings.add_price(first(offer.get(key)), currency, f"{source}:offers.{key}")
    for specification in asked or specifications:
        code = first(specification.get("priceCurrency")) or currency
        for key in ("price", "minPrice"):
            findings.add_price(first(specification.get(key)), code, f"{source}:offers.priceSpecification.{key}")
    for inner in as_list(offer.get("offers")):
        if isinstance(inner, dict) and inner is not offer:
            findings.add_price(
                first(inner.get("price")),
                first(inner.get("priceCurrency")) or currency,
                f"{source}:offers.offers.price",
            )
            findings.add_availability(first(inner.get("availability")), f"{source}:offers.offers.availability")
    findings.add_currency(currency, f"{source}:offers.priceCurrency")


def _fill_seller(seller: Any, document: Document, findings: Findings, source: str) -> None:
    if isinstance(seller, str) and not seller.startswith("http"):
        findings.add_text("seller", seller, source)
    elif isinstance(seller, dict):
        findings.add_text("seller", first(seller.get("name")), f"{source}.name")
        findings.add("seller_url", document.absolute(first(seller.get("url") or seller.get("sameAs"))), f"{source}.url")


def place_name(place: Any) -> str | None:
    """A place in words: its town, region and country, or its name."""
    if isinstance(place, str):
        return place
    if not isinstance(place, dict):
        return None
    address = first(place.get("address")) or place
    if isinstance(address, str):
        return address
    if isinstance(address, dict):
        country = first(address.get("addressCountry") or address.get("country"))
        parts = [
            first(address.get("addressLocality") or address.get("city") or address.get("locality")),
            first(address.get("addressRegion") or address.get("region")),
            country.get("name") if isinstance(country, dict) else country,
        ]
        words = [p.strip() for p in parts if isinstance(p, str) and p.strip()]
        if words:
            return ", ".join(dict.fromkeys(words))
    name = place.get("name")
    return name if isinstance(name, str) else None


def _fill_place(place: Any, findings: Findings, source: str) -> None:
    findings.add_text("location", place_name(place), source)


def fill_post(nodes: list[Node], document: Document, findings: Findings) -> None:
    """An advert in a forum: the first post's text, and who wrote it."""
    for node in nodes:
        if "discussionforumposting" in types_of(node):
            findings.add_text("description", first(node.get("articleBody") or node.get("text")), "forum:text")
            _fill_seller(first(node.get("author")), document, findings, "forum:author")
            return


def fill_event(node: Node, findings: Findings) -> None:
    """Place and end of a sale."""
    _fill_place(first(node.get("location")), findings, "json-ld:location")
    findings.add_moment("ends_at", first(node.get("endDate")), "json-ld:endDate")


def _fill_properties(node: Node, findings: Findings, source: str) -> None:
    """Name-value pairs: lot numbers, end times and sizes often stand there."""
    pairs = as_list(node.get("additionalProperty"))
    named = [(pair["name"], pair) for pair in pairs if isinstance(pair, dict) and isinstance(pair.get("name"), str)]
    measures.fill_properties(
        (
            (name, pair if "unitText" in pair or "unitCode" in pair else first(pair.get("value")))
            for name, pair in named
        ),
        findings,
        f"{source}:additionalProperty",
    )
    for pair in pairs:
        if isinstance(pair, dict) and isinstance(pair.get("name"), str):
            name = folded(pair["name"])
            if name in ("lot", "lot number", "lotnumber", "lot no", "lot no.", "numéro de lot", "رقم القطعة"):
                findings.add_text("lot_number", first(pair.get("value")), f"{source}:additionalProperty")
            elif name in ("auction end", "ends", "end date", "enddate", "closing date"):
                findings.add_moment("ends_at", first(pair.get("value")), f"{source}:additionalProperty")
