"""The price as the eye finds it: in the main heading, else the nearest thing to it that calls itself a price.

What is crossed out, was asked before, or belongs to another offer is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import lru_cache
from itertools import islice
from typing import Any

from crawler.extraction.document import marks_of, visible_pieces, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.prices import Money, currency_code, parse_price
from crawler.extraction.scope import Scope
from crawler.extraction.text import clean
from crawler.extraction.visible_words import ASKED_INLINE, BID_COUNT, PRICE_LABEL_INLINE

_LONGEST_PRICE = 60
_LONGEST_AMOUNT = 25
_LONGEST_SIGN = 6
_TEXTS_NEAR = 120
"""Texts behind the heading among which an amount may stand."""
_TEXTS_BEFORE = 12
_MAX_CANDIDATES = 400

_PRICE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:\w{0,20}price\w{0,20}|preis\w{0,20}|prix|prezzo|precio|preco|pris|prijs|cena|fiyat|hinta|hind"
    r"|prc|prc\w{1,20}"
    r"|amount|bid|bids|kosten|cost)(?:$|[\s_-])|[a-z](?:Price|Bid)|price[A-Z_]|Preis|Price"
)
_OLD_PRICE = re.compile(
    r"(?:^|[\s_-])(?:old\w{0,20}|was|strike\w{0,20}|struck|crossed\w{0,20}|list-?price|msrp|rrp|uvp|before"
    r"|origin\w{0,20}|previous\w{0,20}"
    r"|discount-?(?:percent|amount|label|badge)?|saving\w{0,20}|save|you-?save|shipp?\w{0,20}|deliver\w{0,20}"
    r"|tax\w{0,20}|vat|per-?unit"
    r"|install?ment\w{0,20}|monthly?|rate|coupon\w{0,20}|conv\w{0,20}|points?|rewards?|filter\w{0,20}|range|min|max"
    r"|count"
    r"|history|lowest|omnibus|wholesale|compare\w{0,20}|starting-?from-?rate|deposit|vergleich\w{0,20}"
    r"|streich\w{0,20}|barre\w{0,20}"
    r"|przekre\w{0,20}|stara)(?:$|[\s_-])"
    r"|old-?price|price-?(?:old|was|before|strike|crossed|compare|list)|compare-?at|saving|shipping|delivery"
    r"|install?ment",
    re.I,
)
_OLD_PRICE_CAMEL = re.compile(
    r"(?:old|was|strike|original|before|list|range|filter)Price"
    r"|[a-z](?:Old|Was|Strike|Original|Crossed|Before|Range|Filter|History|Count|Tax|Vat|Monthly)(?![a-z])"
)
_USUAL_PRICE = re.compile(r"regular|unit", re.I)
"""Asked before or for a kilogram where another price stands beside it, and the price itself where none does."""
_MONEY = re.compile(r"(?:[$€£¥₪₺₽]\s?\d[\d.,]*|\d[\d.,]*\s?[€₪₺₽])")
_ONLY_MONEY = re.compile(r"\A(?:[^\W\d_]{0,4}\.?\s?[^\w\s]?)\s?[\d٠-٩][\d٠-٩.,'’٫٬\s]*(?:\s?\S{0,6})\Z")
_ONLY_NUMBER = re.compile(r"\A[\d٠-٩][\d٠-٩.,'’٫٬\s]*\Z")
_WHOLE = re.compile(r"(?:\A|[^\d.,])\d{1,3}(?:[.,' ]?\d{3})*\Z")
_CENTS = re.compile(r"\A\d\d\Z")

NOTHING: Set[Any] = frozenset()


def fill_price(scope: Scope, findings: Findings, *, outside: Set[Any] = NOTHING) -> None:
    """The price in the heading, else the nearest element whose class says price; none within the blocks `outside`."""
    if not findings.lacks("price"):
        return
    if scope.heading is not None:
        text = _MONEY.search(visible_text(scope.heading, limit=600))
        money = _money(text.group() if text else "", findings)
        if money and money.currency:
            findings.add_price(money.amount, money.currency, f"visible:{scope.heading.tag}")
            return
    for element in _innermost_first(_price_elements(scope, outside)):
        money = _money(price_text(element), findings)
        if money:
            findings.add_price(money.amount, money.currency or findings.country_money, "visible:price near heading")
            return
    if _price_in_texts(scope, findings, outside):
        return
    for name in ("og:description", "description"):
        match = PRICE_LABEL_INLINE.search(scope.document.meta.get(name, "")[:2_000])
        money = _money(match.group("money") if match else "", findings)
        if money and money.currency:
            findings.add_price(money.amount, money.currency, f"visible:{name}")
            return


def fill_asked(scope: Scope, findings: Findings) -> None:
    """The price that the listing's own words ask ("Asking $120 shipped"), where they ask for one price only."""
    if not findings.lacks("price"):
        return
    text = str(findings.values.get("description", ""))[:4_000] or "\n".join(_long_texts(scope))
    asked = {
        money
        for match in ASKED_INLINE.finditer(text)
        if (money := _money(match["money"], findings)) is not None and money.currency
    }
    if len(asked) == 1:
        money = asked.pop()
        findings.add_price(money.amount, money.currency, "visible:asked in the text")


def _long_texts(scope: Scope) -> Iterator[str]:
    """The running texts of the listing's part of the page."""
    for text, number in scope.document.texts[:_MAX_CANDIDATES]:
        if len(text) > _LONGEST_PRICE:
            element, _ = scope.document.place_of(number)
            if element is not None and not scope.foreign(element):
                yield text[:2_000]


def price_text(element: Any) -> str:
    """An element's text; cents in an element of their own ("249" and a small "99") get their point back."""
    parts: list[str] = []
    length = 0
    for piece in visible_pieces(element):
        if parts and _CENTS.match(piece.strip()) and _WHOLE.search(parts[-1].rstrip("\n\t")):
            parts.append(".")
        parts.append(piece.strip("\n\t") if piece.strip() else " ")
        length += len(piece)
        if length > 200:
            break
    return clean("".join(parts)) or ""


def _price_elements(scope: Scope, outside: Set[Any]) -> Iterator[Any]:
    """Elements that call themselves a price, those that share the smallest part of the page with the heading first."""
    found: list[tuple[bool, int, bool, int, Any]] = []
    after = scope.heading is None
    for element in scope.document.root.iter(
        "span", "div", "p", "strong", "b", "td", "dd", "li", "ins", "h2", "h3", "h4", "h5", "em", "font", "bdi", "h1",
        "section", "data", "meta",
    ):  # fmt: skip
        if element is scope.heading:
            after = True
        marks = marks_of(element)
        if len(marks) < 4 or not _says_price(marks) or scope.foreign(element) or _within(element, outside):
            continue
        usual = _USUAL_PRICE.search(marks) is not None
        found.append((usual, scope.levels_apart(element), not after, len(found), element))
        if len(found) >= _MAX_CANDIDATES:
            break
    for *_, element in sorted(found, key=lambda entry: entry[:4]):
        yield element


def _innermost_first(elements: Iterator[Any]) -> Iterator[Any]:
    """A box with several amounts only after what stands in it: one of its own parts says which is asked now."""
    boxes: list[Any] = []
    for element in elements:
        several = len(element) > 0 and len(_MONEY.findall(price_text(element))) > 1
        if several and any(_says_price(marks_of(one)) for one in element.iterdescendants("span", "div", "p", "b")):
            boxes.append(element)
        else:
            yield element
    yield from boxes


@lru_cache(maxsize=8192)
def _says_price(marks: str) -> bool:
    """Whether the marks name a price that is asked now; a page repeats few marks over many elements."""
    return bool(_PRICE_CLASS.search(marks)) and not (_OLD_PRICE.search(marks) or _OLD_PRICE_CAMEL.search(marks))


def _within(element: Any, blocks: Set[Any]) -> bool:
    return bool(blocks) and (element in blocks or any(one in blocks for one in islice(element.iterancestors(), 12)))


def _price_in_texts(scope: Scope, findings: Findings, outside: Set[Any]) -> bool:
    """The first text behind the heading, else close before it, that is an amount with its currency and nothing else."""
    if scope.heading is None:
        return False
    start, end = _heading_texts(scope)
    if start is None:
        return False
    count = len(scope.document.texts)
    for index in (*range(start, min(count, end + _TEXTS_NEAR)), *range(start - 1, max(-1, start - _TEXTS_BEFORE), -1)):
        money = _amount_at(index, scope, findings, outside)
        if money:
            findings.add_price(money.amount, money.currency, "visible:amount near heading")
            return True
    return False


def _heading_texts(scope: Scope) -> tuple[int | None, int]:
    """The places of the heading's first text and of the one behind its last."""
    first: int | None = None
    last = 0
    for index, (_, number) in enumerate(scope.document.texts):
        element, is_tail = scope.document.place_of(number)
        holder = element.getparent() if is_tail and element is not None else element
        if holder is not None and (holder is scope.heading or scope.heading in islice(holder.iterancestors(), 4)):
            first = index if first is None else first
            last = index + 1
        elif first is not None:
            break
    return first, last


def _amount_at(index: int, scope: Scope, findings: Findings, outside: Set[Any]) -> Money | None:
    texts = scope.document.texts
    text, number = texts[index]
    if len(text) > _LONGEST_AMOUNT or not _ONLY_MONEY.match(text):
        return None
    element, is_tail = scope.document.place_of(number)
    holder = element.getparent() if is_tail and element is not None else element
    if holder is None or scope.foreign(holder) or _is_old(holder) or _within(holder, outside):
        return None
    if _ONLY_NUMBER.match(text):  # the sign often stands in an element of its own
        before = texts[index - 1][0] if index else ""
        behind = texts[index + 1][0] if index + 1 < len(texts) else ""
        cents = ""
        if _CENTS.match(behind) and _WHOLE.search(text) and _is_small(texts[index + 1][1], scope):
            cents, behind = f".{behind}", texts[index + 2][0] if index + 2 < len(texts) else ""
        signs = [sign if _is_sign(sign, findings) else "" for sign in (before, behind)]
        text = f"{signs[0]} {text}{cents} {signs[1]}".strip()
    money = _money(text, findings)
    return money if money and money.currency else None


def _is_small(number: int, scope: Scope) -> bool:
    element, _ = scope.document.place_of(number)
    return element is not None and element.tag in ("sup", "small")


def _is_sign(text: str, findings: Findings) -> bool:
    if not 0 < len(text) <= _LONGEST_SIGN or any(c.isdigit() for c in text):
        return False
    return currency_code(text, hint=findings.rules.currency, country=findings.country) is not None


def _is_old(element: Any) -> bool:
    near = (element, *islice(element.iterancestors(), 2))
    return any(
        e.tag in ("del", "s", "strike") or "line-through" in (e.get("style") or "") or _OLD_PRICE.search(marks_of(e))
        for e in near
    )


def _money(text: str, findings: Findings) -> Money | None:
    if not text or len(text) > _LONGEST_PRICE or not any(c.isdigit() for c in text):
        return None
    money = parse_price(text, hint=findings.country_money, country=findings.country)
    return money if money and money.amount > 0 else None


def correct_bid(scope: Scope, findings: Findings) -> None:
    """On an auction's page the amount beside "3 bids" is the bid of now; structured data often keeps the first one."""
    if findings.sources.get("price", "rule").startswith("rule"):
        return
    for text, number, _ in scope.counting_texts:
        if len(text) > 30 or not BID_COUNT.match(text):
            continue
        element, _ = scope.document.place_of(number)
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
    for element in islice(_price_elements(scope, NOTHING), _TEXTS_NEAR):
        money = _money(price_text(element), findings)
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
