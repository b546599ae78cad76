"""Open Graph, product and Twitter meta tags."""

from __future__ import annotations

from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.images import is_photo
from crawler.extraction.prices import parse_amount

_AMOUNTS = (
    ("product:sale_price:amount", "product:sale_price:currency"),
    ("product:price:amount", "product:price:currency"),
    ("og:price:amount", "og:price:currency"),
    ("product:price", "product:price:currency"),
    ("og:price", "og:price:currency"),
    ("og:product:price", "og:product:price:currency"),
    ("twitter:data1", ""),
)


def fill(document: Document, findings: Findings) -> None:
    """Take what the meta tags say; titles go to be weighed with the others."""
    meta = document.meta
    findings.add_title(meta.get("og:title"), "opengraph:og:title")
    findings.add_title(meta.get("twitter:title"), "opengraph:twitter:title")
    for name in ("og:description", "twitter:description", "description"):
        findings.add_text("description", meta.get(name), f"opengraph:{name}")
    for address in document.meta_images:
        url = document.absolute(address)
        if url and is_photo(url):
            findings.add_preview_image(url, "opengraph:og:image")
    for amount, currency in _AMOUNTS:
        text = meta.get(amount)
        if text and currency and counts_cents(text, findings):
            del findings.values["price"]
        if text and (currency or "price" in meta.get("twitter:label1", "").lower()):
            findings.add_price(text, meta.get(currency) or meta.get("product:price:currency"), f"opengraph:{amount}")
    for name in ("product:price:currency", "og:price:currency"):
        findings.add_currency(meta.get(name), f"opengraph:{name}")
    for name in ("product:availability", "og:availability", "og:product:availability"):
        findings.add_availability(meta.get(name), f"opengraph:{name}")
    for name in ("og:locality", "og:city", "geo.placename", "product:location"):
        findings.add_text("location", meta.get(name), f"opengraph:{name}")
    for name in ("product:expiration_time", "og:expiration_time"):
        findings.add_moment("ends_at", meta.get(name), f"opengraph:{name}")


def counts_cents(text: str, findings: Findings) -> bool:
    """Whether embedded data gave the amount of a meta tag in its smallest unit: 42500 where the tag says 425.00."""
    price, plain = findings.values.get("price"), parse_amount(text)
    return bool(price and plain and findings.sources["price"].startswith("state") and price == plain * 100)


def says_product(document: Document) -> bool:
    """Whether the meta tags call the page a thing on offer."""
    kind = document.meta.get("og:type", "").lower()
    offers = any(name in document.meta for pair in _AMOUNTS[:-1] for name in pair[:1])
    return offers or "product" in kind or kind.endswith((":item", ":ad", ":listing", ":lot"))
