"""What shops on Shopify and WooCommerce answer in JSON, offer by offer: addresses and values, without asking for any.

The walkers read whole crawls with it, `markets new` and `markets check` one saved answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from lxml import html as lxml_html

from crawler.extraction.findings import Findings
from crawler.extraction.prices import parse_amount
from crawler.extraction.rules import PageRules
from crawler.items import ExtractedPage

Offer = dict[str, Any]

_LONGEST_MARKUP = 400_000


@dataclass(frozen=True, slots=True)
class ShopSoftware:
    """How the answers of one shop software are read."""

    offers: Callable[[Any], list[Any] | None]
    """The offers of an answer; None where it is no answer of this software."""
    address: Callable[[str, Offer], str | None]
    """The public address of an offer, from the shop's address and the offer."""
    fill: Callable[[Offer, Findings], None]
    """Read an offer's values, each with its place in the answer as its source."""


def offer_page(fill: Callable[[Offer, Findings], None], offer: Offer, url: str, rules: PageRules) -> ExtractedPage:
    """An offer's values with their sources, as the page at its address."""
    findings = Findings(rules)
    fill(offer, findings)
    page = ExtractedPage(url=url, kind="listing", sources=findings.sources, problems=findings.problems)
    for name, value in findings.values.items():
        setattr(page, name, value)
    if page.price is not None and page.currency is None:
        page.problems.append("the price names no currency: set currency in the market's definition")
    return page


def shopify_offers(answer: Any) -> list[Any] | None:
    found = answer.get("products") if isinstance(answer, dict) else None
    return found if isinstance(found, list) else None


def shopify_address(shop: str, offer: Offer) -> str | None:
    handle = offer.get("handle")
    if not isinstance(handle, str) or not handle:
        return None
    parts = urlsplit(shop)
    return f"{parts.scheme}://{parts.netloc}/products/{handle}"


def fill_shopify(offer: Offer, findings: Findings) -> None:
    """A price has the currency of the market's definition, since the answer names none."""
    findings.add_text("title", offer.get("title"), "shopify:title")
    findings.add_text("description", markup_text(offer.get("body_html")), "shopify:body_html")
    findings.add_text("seller", offer.get("vendor"), "shopify:vendor")
    findings.add_images(texts(offer.get("images"), "src"), "shopify:images.src")
    variants = [one for one in offer.get("variants") or [] if isinstance(one, dict)]
    available = [one for one in variants if one.get("available") is not False]
    if any("available" in one for one in variants):
        findings.add_availability(bool(available), "shopify:variants.available")
    price = _lowest(available or variants)
    if price is not None:
        findings.add_price(str(price), findings.rules.currency, "shopify:variants.price")
        if "currency" in findings.sources:
            findings.sources["currency"] = "rule:currency"


def woocommerce_offers(answer: Any) -> list[Any] | None:
    return answer if isinstance(answer, list) else None


def woocommerce_address(shop: str, offer: Offer) -> str | None:
    url = offer.get("permalink")
    return url if isinstance(url, str) else None


def fill_woocommerce(offer: Offer, findings: Findings) -> None:
    findings.add_text("title", offer.get("name"), "woocommerce:name")
    full = "description" if offer.get("description") else "short_description"
    findings.add_text("description", _with_attributes(offer, full), f"woocommerce:{full}")
    findings.add_images(texts(offer.get("images"), "src"), "woocommerce:images.src")
    findings.add_availability(offer.get("is_in_stock"), "woocommerce:is_in_stock")
    prices = offer.get("prices")
    if isinstance(prices, dict):
        amount = _major(prices.get("price"), prices.get("currency_minor_unit"))
        if amount is not None:
            findings.add_price(str(amount), prices.get("currency_code"), "woocommerce:prices.price")


def markup_text(markup: object) -> str | None:
    """The text of a piece of HTML, scripts and styles left out; lines stay lines."""
    if not isinstance(markup, str) or "<" not in markup:
        return markup if isinstance(markup, str) else None
    try:
        root = lxml_html.fragment_fromstring(markup[:_LONGEST_MARKUP].replace("\x00", ""), create_parent="div")
    except (etree.ParserError, ValueError):
        return markup
    etree.strip_elements(root, etree.Comment, "script", "style", "template", with_tail=False)
    return str(etree.tostring(root, encoding="unicode", method="html"))


def texts(values: object, key: str | None = None) -> list[str]:
    """The texts in a list of texts, or under `key` in a list of objects."""
    found = values if isinstance(values, list) else []
    if key is not None:
        found = [one.get(key) for one in found if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str) and one.strip()]


def _lowest(variants: list[Offer]) -> Decimal | None:
    amounts = [parse_amount(one.get("price"), None) for one in variants]
    return min((amount for amount in amounts if amount is not None), default=None)


def _with_attributes(offer: Offer, field: str) -> str | None:
    """The description and, line by line, what the shop's table of attributes says (Provenance: ..., Period: ...)."""
    lines = [markup_text(offer.get(field)) or ""]
    for attribute in offer.get("attributes") or []:
        terms = texts(attribute.get("terms"), "name") if isinstance(attribute, dict) else []
        if terms:
            lines.append(f"{attribute.get('name')}: {', '.join(terms)}")
    return "\n".join(lines)


def _major(amount: object, minor_unit: object) -> Decimal | None:
    """`"12550"` with two decimals is 125.50."""
    if not isinstance(amount, str) or not isinstance(minor_unit, int) or not 0 <= minor_unit <= 6:
        return None
    try:
        return Decimal(amount).scaleb(-minor_unit)
    except InvalidOperation:
        return None


SOFTWARE = {
    "shopify": ShopSoftware(shopify_offers, shopify_address, fill_shopify),
    "woocommerce": ShopSoftware(woocommerce_offers, woocommerce_address, fill_woocommerce),
}
"""By the name of the walker that reads it."""
