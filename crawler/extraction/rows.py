"""Labelled rows of the visible page: "Seller: x", a label cell and its neighbour, dt and dd, and who the seller is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from crawler.extraction import bids, measures
from crawler.extraction.document import Document, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.openings import openings
from crawler.extraction.prices import parse_price
from crawler.extraction.scope import Scope
from crawler.extraction.text import clean
from crawler.extraction.visible_words import LABEL

MAX_VALUE = 300
MAX_LABELS = 300
_LINKS_NEAR = 50
MAX_LABEL = 45
"""Characters of a text that is a label alone; a longer one needs a colon."""

_OPENINGS = openings(LABEL)
_LOT_VALUE = re.compile(r"\A\W*([0-9٠-٩]{1,9}[A-Za-z]?)\W*\Z")
SELLER_SEGMENTS = frozenset(
    [
        "usr",
        "user",
        "users",
        "seller",
        "sellers",
        "profile",
        "profiles",
        "member",
        "members",
        "store",
        "stores",
        "shop",
        "shops",
        "vendor",
        "dealer",
        "dealers",
        "auctioneer",
        "auctioneers",
        "auction-house",
        "auction-houses",
        "u",
        "vendeur",
        "vendeurs",
        "verkaeufer",
        "boutique",
        "merchant",
    ]
)
_SELLER_PARAMETERS = frozenset({"seller", "sellername", "seller_name", "sellerid", "seller_id", "requested"})
_NO_NAME = re.compile(
    r"\b(?:seller|vendeur|verkäufer|venditore|vendedor|verkoper)s?\b|البائع|продав|販売者|出品者|\b(?:learn"
    r"|mehr|savoir|visiter|visita|visitar|boutique|save|follow|contact|visit|see|view|show|all|other"
    r"|more|ask|send|message|store"
    r"|voir|suivre|contacter|autres?|tous|salva|vedi|altri|contatta|speichern|folgen|besuchen|andere"
    r"|alle|ver|otros|log ?in|sign|feedback|ratings?|reviews?)\b|%",
    re.I,
)
_FIELD = {"estimate": "estimate_low", "measure": "size", "weight": "weight_grams"}
_MEASURES = ("size", "measure", "weight")
_NO_PLACE = re.compile(r"\A(?:select|choose|change|view|see|show|map|n/?a|unknown|worldwide)\b", re.I)


def fill(scope: Scope, findings: Findings) -> None:
    """Read the rows for all fields that are still empty."""
    estimates = ("estimate", "estimate_low", "estimate_high")
    names = ("lot_number", "seller", "location", "ends_at", "price", *estimates, *bids.LABELS, *_MEASURES)
    wanted = {name for name in names if findings.lacks(_FIELD.get(name, name))}
    if _may_be_wrong(findings):
        wanted.add("price")
    named: list[str] = []
    measured: list[tuple[str, object]] = []
    labels = 0
    if wanted:
        for text, number in scope.texts_opening(_OPENINGS):
            if text[0].isdigit() or (len(text) > MAX_LABEL and ":" not in text and "：" not in text):
                continue
            match = _label(text) if len(text) <= MAX_LABEL else LABEL.match(text)
            if match is None or match.lastgroup not in wanted:
                continue
            element, is_tail = scope.document.place_of(number)
            if element is None or scope.foreign(element):
                continue
            labels += 1
            if labels > MAX_LABELS:
                findings.problem(f"The page has more than {MAX_LABELS} labelled rows: the rest was not read.")
                break
            value = text[match.end() :].strip() or next_value(element, is_tail)
            if value and match.lastgroup in _MEASURES:
                measured.append((text[: match.end()].strip(" :：﹕"), value))
            elif value:
                _take(str(match.lastgroup), value, element, scope.document, findings, named)
    measures.fill_properties(measured, findings, "visible:label size")
    bids.settle_price(findings)
    for name in named:
        findings.add_text("seller", name, "visible:label seller")
    if findings.lacks("seller"):
        _seller_parameter(scope.document, findings)


def _may_be_wrong(findings: Findings) -> bool:
    """Whether a label's price is surer: one that merely stood near the heading, or nothing, as sold lots often say."""
    price = findings.values.get("price")
    source = findings.sources.get("price", "")
    return price is not None and (source == "visible:amount near heading" or (price == 0 and source[:4] != "rule"))


@lru_cache(maxsize=8192)
def _label(text: str) -> re.Match[str] | None:
    """The label that a short text begins with; a site's menus and headings come again on each of its pages."""
    return LABEL.match(text)


def next_value(element: Any, is_tail: bool) -> str | None:
    """The text after a label: in its own element, or in the next element that shows any, up to three levels out."""
    if not is_tail and element.tag not in ("dt", "th", "td") and len(element):
        inner = clean(" ".join(t for child in element for t in (visible_text(child, limit=400), child.tail or "")))
        if inner and len(inner) <= MAX_VALUE:
            return inner
    node = element
    for _ in range(3):
        if node is None or node.tag in ("body", "tr", "table", "ul", "dl", "form"):
            return None
        if node.tail and not is_tail and any(map(str.isalnum, node.tail)):  # more than the label's colon
            return clean(node.tail)
        following = node.getnext()
        for _ in range(3):
            if following is None:
                break
            text = visible_text(following, limit=600)
            if text:
                return text if len(text) <= MAX_VALUE else None
            if following.tail and following.tail.strip():
                return clean(following.tail)
            following = following.getnext()
        is_tail = False
        node = node.getparent()
    return None


def take_plain(name: str, value: str, findings: Findings, source: str) -> None:
    """A lot number, seller, place or end as it stands beside its label; other fields and odd values are left."""
    if name == "lot_number":
        match = _LOT_VALUE.match(value)
        findings.add_text("lot_number", match.group(1) if match else None, source)
    elif name == "seller" and is_name(value) and len(value) <= 60:
        findings.add_text("seller", value, source)
    elif name == "location":
        if (
            2 <= len(value) <= 100
            and any(c.isalpha() for c in value)
            and "?" not in value
            and not _NO_PLACE.match(value)
        ):
            findings.add_text("location", value, source)
    elif name == "ends_at" and len(value) <= 60 and any(c.isdigit() for c in value):
        findings.add_moment("ends_at", value, source)


def _take(name: str, value: str, element: Any, document: Document, findings: Findings, named: list[str]) -> None:
    source = f"visible:label {name}"
    if name in ("lot_number", "location"):
        take_plain(name, value, findings, source)
    elif name == "seller":
        if not _linked_seller(element, document, findings, source) and is_name(value) and len(value) <= 60:
            named.append(value)
    elif name == "ends_at":
        if len(value) <= 60 and any(c.isdigit() for c in value):
            stamp = next((e.get("datetime") for e in _near(element) if e.tag == "time" and e.get("datetime")), None)
            findings.add_moment("ends_at", stamp or value, source)
    elif name == "price":
        money = parse_price(value, hint=findings.rules.currency, country=findings.country) if len(value) <= 60 else None
        if money and money.currency and money.amount > 0:
            if _may_be_wrong(findings):
                del findings.values["price"]
            findings.add_price(money.amount, money.currency, source)
    elif name in ("estimate_low", "estimate_high"):
        money = parse_price(value, hint=findings.rules.currency, country=findings.country) if len(value) <= 60 else None
        findings.add(name, money.amount if money else None, source)
    elif name == "estimate":
        bids.take_estimate(value, findings, source)
    elif name in bids.LABELS:
        bids.take_labelled(name, value, findings, source)


def _near(element: Any) -> Iterator[Any]:
    parent = element.getparent()
    yield from islice((parent if parent is not None else element).iter(), _LINKS_NEAR)


def _linked_seller(element: Any, document: Document, findings: Findings, source: str) -> bool:
    """The first link to a seller's own page within a label's surroundings."""
    node = element
    for _ in range(4):
        if node is None or node.tag in ("body", "html"):
            return False
        for anchor in islice(node.iter("a"), _LINKS_NEAR):
            if is_seller_link(anchor.get("href") or ""):
                name = visible_text(anchor, limit=200)
                if is_name(name):
                    findings.add_text("seller", name, source)
                    findings.add("seller_url", document.absolute(anchor.get("href")), source)
                    return True
        node = node.getparent()
    return False


def _seller_parameter(document: Document, findings: Findings) -> None:
    """The name in `seller=...` of the page's own addresses, where all of them agree."""
    names: set[str] = set()
    for element in document.root.iter("a", "iframe"):
        address = element.get("href") or element.get("src") or ""
        if "seller" not in address and "requested" not in address:
            continue
        try:
            pairs = parse_qsl(urlsplit(address).query)
        except ValueError:
            continue
        names.update(
            value
            for key, value in pairs
            if key.lower() in _SELLER_PARAMETERS and is_name(value) and not value.isdigit()
        )
    if len(names) == 1:
        findings.add_text("seller", names.pop(), "visible:seller in addresses")


def is_name(text: str) -> bool:
    """Whether a text can be a seller's name rather than a question, a number or an invitation to click."""
    return (
        2 <= len(text) <= 100
        and any(c.isalpha() for c in text)
        and not text.endswith(("?", "...", "…"))
        and not _NO_NAME.search(text)
    )


def is_seller_link(href: str) -> bool:
    try:
        segments = [s.lower() for s in urlsplit(href).path.split("/") if s]
    except ValueError:
        return False
    return len(segments) >= 2 and any(s in SELLER_SEGMENTS for s in segments[:-1])
