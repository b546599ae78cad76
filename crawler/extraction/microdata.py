"""Microdata: read from the shared tree into objects of the same form as JSON-LD, so that one reader serves both."""

from __future__ import annotations

from typing import Any

from lxml import etree

from crawler.extraction.document import Document, visible_text
from crawler.extraction.jsonld import OFFERED_TYPES, Node

MAX_ITEMS = 2_000
_ITEMS = etree.XPath("//*[@itemscope]")
_PROPERTIES = etree.XPath("//*[@itemprop]")
_LINKED = {
    "a": "href",
    "link": "href",
    "area": "href",
    "img": "src",
    "source": "src",
    "iframe": "src",
    "embed": "src",
    "object": "data",
    "audio": "src",
    "video": "src",
    "time": "datetime",
    "data": "value",
    "meter": "value",
}


def read_items(document: Document) -> list[Node]:
    """Typed items in page order. Properties whose own scope has been left out belong to the item around them."""
    elements = _ITEMS(document.root)[:MAX_ITEMS] if document.may_hold(b"itemscope") else []
    if not elements:
        return []
    items: dict[Any, Node] = {element: {"@type": (element.get("itemtype") or "").split()} for element in elements}
    for element in _PROPERTIES(document.root)[: MAX_ITEMS * 10]:
        owner = next((a for a in element.iterancestors() if a in items), None)
        if owner is None:
            continue
        value: Any = items[element] if element in items else property_value(element, document)
        if value in (None, ""):
            continue
        for name in (element.get("itemprop") or "").split():
            items[owner].setdefault(name, []).append(value)
    return [item for item in items.values() if len(item) > 1]


def property_value(element: Any, document: Document) -> Any:
    """The value of one property, by its element's kind."""
    content = element.get("content")
    if content is not None and content.strip():
        return content
    attribute = _LINKED.get(element.tag)
    if attribute and element.get(attribute):
        value = element.get(attribute)
        if attribute in ("href", "src"):
            named = element.tag == "a" and element.get("itemprop") not in ("url", "image", "sameAs")
            return visible_text(element) if named and visible_text(element) else document.absolute(value)
        return value
    if element.tag == "img":
        return document.absolute(element.get("data-src") or element.get("data-original"))
    return visible_text(element)


def loose_properties(document: Document) -> Node | None:
    """An offered thing made of the page's properties that stand in no item: the first of each name counts."""
    found: Node = {}
    for element in _PROPERTIES(document.root)[:MAX_ITEMS]:
        name = element.get("itemprop")
        if name in ("price", "priceCurrency", "availability") and name not in found:
            value = property_value(element, document)
            if value:
                found[name] = value
    return {"@type": "Product", "offers": found} if "price" in found else None


def is_offered(item: Node) -> bool:
    return any(kind.rstrip("/").rsplit("/", 1)[-1].lower() in OFFERED_TYPES for kind in item["@type"])
