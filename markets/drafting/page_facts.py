"""What pages say about their market: language, country, currency, title, the shop's software, structured data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from crawler.extraction import jsonld
from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.rules import NO_RULES
from crawler.extraction.state_blocks import read_blocks
from crawler.extraction.text import clean

_SHOPIFY = (b"cdn.shopify.com", b"shopify.theme", b"myshopify.com")
_WOOCOMMERCE = (b"plugins/woocommerce", b"woocommerce-page", b"wc-block")
_LONGEST_TITLE = 120


def shop_software(document: Document) -> str | None:
    """`shopify` or `woocommerce` where the page gives it away; no other is told apart."""
    generator = document.meta.get("generator", "").lower()
    if "woocommerce" in generator or document.may_hold(*_WOOCOMMERCE):
        return "woocommerce"
    if "shopify" in generator or document.may_hold(*_SHOPIFY):
        return "shopify"
    return None


def drawn_by_scripts(document: Document) -> bool:
    """Whether a page without listings may get them from its scripts."""
    return any(script.get("src") or len(script.text or "") > 500 for script in document.of_tag("script"))


def declared_country(document: Document) -> str | None:
    """The country of the seller's own address in JSON-LD, or geo.region: not what a language or a host suggests."""
    match = re.match(r"([A-Za-z]{2})\b", document.meta.get("geo.region", ""))
    if match:
        return match.group(1).upper()
    for node in jsonld.read_nodes(document, Findings(NO_RULES)):
        address = node.get("address")
        country = address.get("addressCountry") if isinstance(address, dict) else None
        if isinstance(country, dict):
            country = country.get("name")
        if isinstance(country, str) and re.fullmatch(r"[A-Za-z]{2}", country.strip()):
            return country.strip().upper()
    return None


def site_title(document: Document) -> str | None:
    """The site's own name: og:site_name, else what a page's title ends with."""
    name = document.meta.get("og:site_name")
    if not name:
        title = next(("".join(element.itertext()) for element in document.of_tag("title")), "")
        name = re.split(r"\s[|–—·»-]\s", " ".join(title.split()))[-1]
    return (clean(name) or "").strip("|–—·»- ")[:_LONGEST_TITLE] or None


def structured_data(document: Document) -> list[str]:
    """Each kind of structured data on the page with its types: `JSON-LD: Product, BreadcrumbList`."""
    findings = Findings(NO_RULES)
    types = (t for node in jsonld.read_nodes(document, findings) for t in jsonld.types_of(node))
    items = (e.get("itemtype", "").rstrip("/").rpartition("/")[2] for e in document.root.iter() if e.get("itemtype"))
    found = [("JSON-LD", _counted(types)), ("microdata", _counted(items))]
    kind = document.meta.get("og:type")
    found.append(("Open Graph", kind or ("yes" if any(key.startswith("og:") for key in document.meta) else "")))
    found.append(("embedded state", _counted(name for name, _ in read_blocks(document, findings))))
    return [f"{name}: {what}" for name, what in found if what]


def _counted(names: Iterable[str]) -> str:
    counts = Counter(name[:60] for name in names if name)
    return ", ".join(f"{name} x{count}" if count > 1 else name for name, count in counts.most_common(6))
