"""Careful readings of the visible page for what no structured source gave: heading, price, buttons, photos, text.

Each reading needs a sign of its own (a place near the heading, a button, a class name); without one the field stays
empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from crawler.extraction.document import Document, place_of, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.images import element_address, has_image_ending, is_photo
from crawler.extraction.prices import Money, parse_price
from crawler.extraction.scope import Scope
from crawler.extraction.text import folded
from crawler.extraction.titles import place_in
from crawler.extraction.visible_words import BID_COUNT, GONE, IN_STOCK, PRICE_LABEL_INLINE, STILL_OFFERED, STOCK_WORDS

_LONGEST_PRICE = 60
_MAX_IMAGES_SEEN = 400
_SMALLEST_PHOTO = 60
"""Pixels; smaller pictures are icons."""

_LOT_INLINE = re.compile(
    r"(?<!\w)(?:lot|los|lote|lotto|القطعة رقم|القطعة)\s*(?:n°|no\.?|nr\.?|number|#"
    r"|№)?\s*[:#]?\s*([0-9٠-٩]{1,6}[A-Za-z]?)(?!\w)",
    re.I,
)
_PRICE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:\w*price\w*|preis\w*|prix|prezzo|precio|cena|prc|prc\w+|amount|bid|bids|kosten"
    r"|cost)(?:$|[\s_-])|[a-z](?:Price|Bid)|price[A-Z_]|Preis"
)
_OLD_PRICE = re.compile(
    r"old|was|strike|crossed|regular|list-?price|msrp|rrp|before|origin|discount|saving|ship|deliver"
    r"|tax|vat|per-?unit|unit-?price|install|month|coupon|convert"
    r"|conv|point|reward|filter|range|min|max|count|history",
    re.I,
)
_MONEY = re.compile(r"(?:[$€£¥₪₺₽]\s?\d[\d.,]*|\d[\d.,]*\s?[€₪₺₽])")
_ONLY_MONEY = re.compile(r"\A(?:[^\W\d_]{0,4}\.?\s?[^\w\s]?)\s?[\d٠-٩][\d٠-٩.,'’٫٬\s]*(?:\s?\S{0,6})\Z")
_TEXTS_NEAR = 120
_DESCRIPTION_CLASS = re.compile(
    r"descri|beschreib|postingbody|userbody|opis|lot-?details|item-?details|body-?text|الوصف|وصف", re.I
)


def fill_title(scope: Scope, findings: Findings) -> None:
    main = scope.heading
    if main is not None:
        text = visible_text(main, limit=1_000)
        findings.add_title(text, f"visible:{main.tag}")
        findings.add("location", place_in(text), f"visible:{main.tag}")
    findings.add_title(scope.document.title_tag, "visible:title")


def fill_price(scope: Scope, findings: Findings) -> None:
    """The price in the heading, else the nearest element after it whose class says price, if no old or foreign one."""
    if not findings.lacks("price"):
        return
    if scope.heading is not None:
        text = _MONEY.search(visible_text(scope.heading, limit=600))
        money = _money(text.group() if text else "", findings)
        if money and money.currency:
            findings.add_price(money.amount, money.currency, f"visible:{scope.heading.tag}")
            return
    for element in _price_elements(scope):
        money = _money(visible_text(element, limit=200, struck=False), findings)
        if money:
            findings.add_price(money.amount, money.currency or findings.country_money, "visible:price near heading")
            return
    if _price_in_texts(scope, findings):
        return
    for name in ("og:description", "description"):
        match = PRICE_LABEL_INLINE.search(scope.document.meta.get(name, "")[:2_000])
        money = _money(match.group("money") if match else "", findings)
        if money and money.currency:
            findings.add_price(money.amount, money.currency, f"visible:{name}")
            return


def _price_in_texts(scope: Scope, findings: Findings) -> bool:
    """The first text behind the heading that is an amount with its currency and nothing else."""
    if scope.heading is None:
        return False
    behind = 0
    for text, node in scope.document.texts:
        element, is_tail = place_of(node)
        if element is None:
            continue
        if not behind and element is not scope.heading and scope.heading not in set(islice(element.iterancestors(), 4)):
            continue
        behind += 1
        if behind > _TEXTS_NEAR:
            return False
        holder = element.getparent() if is_tail else element
        if len(text) > 25 or not _ONLY_MONEY.match(text) or scope.foreign(element) or holder is None or _is_old(holder):
            continue
        money = _money(text, findings)
        if money and money.currency:
            findings.add_price(money.amount, money.currency, "visible:amount near heading")
            return True
    return False


def _is_old(element: Any) -> bool:
    near = (element, *islice(element.iterancestors(), 2))
    return any(_OLD_PRICE.search(f"{e.get('class') or ''} {e.get('id') or ''}") for e in near)


def _money(text: str, findings: Findings) -> Money | None:
    if not text or len(text) > _LONGEST_PRICE or not any(c.isdigit() for c in text):
        return None
    money = parse_price(text, hint=findings.country_money, country=findings.country)
    return money if money and money.amount > 0 else None


def _price_elements(scope: Scope) -> Iterator[Any]:
    """Elements with a price in their class or id: those after the main heading first, then those before it."""
    after = scope.heading is None
    earlier: list[Any] = []
    for element in scope.document.root.iter(
        "span", "div", "p", "strong", "b", "td", "dd", "li", "ins", "h2", "h3", "h4", "em", "font", "bdi", "h1"
    ):
        if element is scope.heading:
            after = True
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        if len(marks) < 4 or not _PRICE_CLASS.search(marks) or _OLD_PRICE.search(marks) or scope.foreign(element):
            continue
        if after:
            yield element
        elif len(earlier) < 20:
            earlier.append(element)
    yield from earlier


def correct_bid(scope: Scope, findings: Findings) -> None:
    """On an auction's page the amount beside "3 bids" is the bid of now; structured data often keeps the first one."""
    if findings.sources.get("price", "rule").startswith("rule"):
        return
    for text, node in scope.document.texts:
        if len(text) > 30 or text[0].isalpha() or not BID_COUNT.match(text):
            continue
        element, _ = place_of(node)
        if element is None or scope.foreign(element):
            continue
        money = _bid_beside(element, findings)
        if money and money.currency and money.currency == findings.values.get("currency", money.currency):
            if money.amount != findings.values["price"]:
                findings.values["price"] = money.amount
                findings.sources["price"] = f"visible:current bid (not {findings.sources['price']})"
            return


def correct_currency(scope: Scope, findings: Findings) -> None:
    """Where embedded state names a currency and the page shows the same amount in another, the page is right."""
    if not findings.sources.get("currency", "").startswith("state") or "price" not in findings.values:
        return
    for element in islice(_price_elements(scope), _TEXTS_NEAR):
        money = _money(visible_text(element, limit=200, struck=False), findings)
        if money and money.currency and money.amount == findings.values["price"]:
            if money.currency != findings.values["currency"]:
                findings.values["currency"] = money.currency
                findings.sources["currency"] = f"visible:price near heading (not {findings.sources['currency']})"
            return


def _bid_beside(element: Any, findings: Findings) -> Money | None:
    node = element
    for _ in range(4):
        node = node.getparent()
        if node is None or node.tag in ("body", "html"):
            return None
        if len(visible_text(node, limit=200)) > 120:
            return None
        for text in node.itertext():  # piece by piece: "$200" and "2 bids" often touch
            money = _money(text.strip(), findings) if _MONEY.search(text) else None
            if money:
                return money
    return None


def fill_availability(scope: Scope, findings: Findings) -> None:
    """Words that say it is over, or a button that still takes orders, bids or questions."""
    if not findings.lacks("availability"):
        return
    offered = False
    for text, node in scope.document.texts:
        if len(text) > 60:
            continue
        gone = GONE.match(text)
        if not gone and (offered or not (STILL_OFFERED.match(text) or IN_STOCK.match(text))):
            continue
        element, _ = place_of(node)
        if element is None or scope.foreign(element):
            continue
        if gone:
            state = "OutOfStock" if STOCK_WORDS.search(text) else "SoldOut"
            findings.add("availability", state, "visible:words")
            return
        if not offered:
            findings.add("availability", "InStock", "visible:button")
            return
    for control in scope.document.root.iter("input", "button", "a"):
        label = control.get("value") or control.get("title") or control.get("aria-label") or control.get("alt") or ""
        if label and STILL_OFFERED.match(label) and not scope.foreign(control):
            findings.add("availability", "InStock", "visible:button")
            return
    _cart_form(scope, findings)


def _cart_form(scope: Scope, findings: Findings) -> None:
    """A control that by its id, name or class puts the thing into a cart, whatever its words."""
    for control in scope.document.root.iter("button", "input", "a"):
        marks = f"{control.get('class') or ''} {control.get('id') or ''} {control.get('name') or ''}"
        if re.search(
            r"add-?_?to-?_?(?:cart|basket|bag)|button-?cart|buy-?_?(?:now|btn|button)|btn-?(?:buy|cart)|place-?bid",
            marks,
            re.I,
        ) and (control.get("disabled") is None and not scope.foreign(control)):
            findings.add("availability", "InStock", "visible:button")
            return


def fill_lot_number(scope: Scope, findings: Findings) -> None:
    """A lot number in the heading, just before it, or in the title tag."""
    if not findings.lacks("lot_number"):
        return
    texts = []
    if scope.heading is not None:
        texts.append(visible_text(scope.heading, limit=300))
        previous = scope.heading.getprevious()
        texts += [visible_text(previous, limit=200)] if previous is not None else []
    for text in (*texts, scope.document.title_tag or ""):
        match = _LOT_INLINE.search(text)
        if match:
            findings.add_text("lot_number", match.group(1), "visible:heading")
            return


def fill_images(scope: Scope, findings: Findings) -> None:
    """Photos in the part of the page around the heading, in page order."""
    if not findings.lacks("images"):
        return
    node = scope.heading
    while node is not None and node.tag not in ("body", "html"):
        urls = list(_photos(node, scope))
        if urls:
            findings.add_images(urls, "visible:img")
            return
        node = node.getparent()
    findings.add_images(_photos(scope.document.root, scope), "visible:img")


def _photos(root: Any, scope: Scope) -> Iterator[str]:
    for number, image in enumerate(root.iter("img")):
        if number > _MAX_IMAGES_SEEN:
            return
        if _small(image) or scope.foreign(image, gallery=True) or _leads_elsewhere(image):
            continue
        url = element_address(image, scope.document.absolute)
        if url and is_photo(url):
            yield url


def _leads_elsewhere(image: Any) -> bool:
    """Whether a picture is a link to another page, as those of other offers are."""
    for node in islice(image.iterancestors(), 3):
        href = node.get("href") if node.tag == "a" else None
        if href:
            return not (href.startswith(("#", "javascript:")) or has_image_ending(href))
    return False


def _small(image: Any) -> bool:
    sizes = [image.get(name) for name in ("width", "height")]
    return any(s is not None and s.isdigit() and int(s) < _SMALLEST_PHOTO for s in sizes)


def fill_description(scope: Scope, findings: Findings) -> None:
    """The block whose name says description: without any other text, or where meta tags had but a digest of it."""
    digest = findings.values.get("description", "")
    if digest and not findings.sources["description"].startswith("opengraph"):
        return
    for element in scope.document.root.iter("div", "section", "p", "article", "td"):
        marks = f"{element.get('class') or ''} {element.get('id') or ''}"
        if len(marks) > 4 and _DESCRIPTION_CLASS.search(marks) and not scope.foreign(element):
            text = visible_text(element)
            if len(text) >= 20 and (not digest or _is_digest(digest, text)):
                findings.values.pop("description", None)
                findings.add_text("description", text, "visible:description block")
                return


def _is_digest(digest: str, text: str) -> bool:
    """Whether a meta description is the beginning of a longer text on the page, or cut off."""
    return len(text) > len(digest) and (folded(digest)[:40] in folded(text[:4_000]) or digest.endswith(("...", "…")))


def heading_text(document: Document, limit: int = 3) -> str:
    """The texts of the first h1 headings."""
    return " ".join(visible_text(h, limit=300) for _, h in zip(range(limit), document.of_tag("h1"), strict=False))
