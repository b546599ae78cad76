"""Prices in embedded JSON: numbers, texts, objects in their usual forms, amounts counted in cents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from crawler.extraction.links import shows_price
from crawler.extraction.prices import currency_code, parse_amount, parse_price
from crawler.extraction.state_keys import RANKS, plain_key

_AMOUNT_KEYS = [
    "hammerpremium",
    "pricerealised",
    "hammerprice",
    "currentbid",
    "currentprice",
    "current",
    "priceamount",
    "pricevalue",
    "saleprice",
    "sale",
    "finalprice",
    "final",
    "discounted",
    "amount",
    "value",
    "price",
    "rawvalue",
    "now",
    "cash",
    "raw",
    "sellingprice",
    "min",
    "low",
    "regular",
    "regularprice",
    "displayvalue",
    "formatted",
    "displayprice",
    "text",
    "label",
]
CENT_KEYS = (
    "centamount",
    "amountincents",
    "amountcents",
    "pricecents",
    "priceincents",
    "cents",
    "minorunits",
    "amountminor",
)
_MINOR_UNIT_KEYS = ("currencyminorunit", "minorunit", "minorunits", "fractiondigits", "exponent")
"""How many decimals an amount has that is counted in the smallest unit."""


def currency_in(value: dict[str, Any]) -> str | None:
    for key, inner in value.items():
        if plain_key(key) in RANKS["currency"]:
            text = (
                inner
                if isinstance(inner, str)
                else next((v for v in inner.values() if isinstance(v, str) and len(v) == 3), None)
                if isinstance(inner, dict)
                else None
            )
            code = currency_code(text)
            if code:
                return code
    return None


def amount_of(value: Any, depth: int = 0) -> tuple[Any, str | None]:
    """Amount and currency of a price in JSON: a number, a text, or an object in one of its usual forms."""
    if depth > 3:
        return None, None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return parse_amount(value), None
    if isinstance(value, str):
        return (
            (parse_amount(value), currency_code(value))
            if any(c.isdigit() for c in value) and len(value) < 60
            else (None, None)
        )
    if isinstance(value, list):
        return amount_of(value[0], depth + 1) if len(value) == 1 else (None, None)
    if not isinstance(value, dict):
        return None, None
    code = currency_in(value)
    plain = {plain_key(k): v for k, v in value.items()}
    for key in CENT_KEYS:
        cents = parse_amount(plain.get(key))
        if cents is not None:
            return cents / Decimal(100), code
    for key in _AMOUNT_KEYS:
        if key in plain:
            amount, inner = amount_of(plain[key], depth + 1)
            if amount is not None:
                amount, shown = _major(amount, plain[key], plain)
                return amount, code or inner or shown
    for key, inner_value in value.items():
        if len(str(key)) == 3 and str(key).isupper() and currency_code(str(key)):
            amount, _ = amount_of(inner_value, depth + 1)
            if amount is not None:
                return amount, str(key)
    return None, None


def _major(amount: Any, written: Any, plain: dict[str, Any]) -> tuple[Any, str | None]:
    """An amount in whole units where its object says that it counts smaller ones, and the currency that says so.

    {"price": "2650", "currency_minor_unit": 2} says so, and so does {"amount": 25000, "label": "€ 250,00"}.
    """
    minor = next((plain[k] for k in _MINOR_UNIT_KEYS if k in plain), None)
    if (
        isinstance(minor, int)
        and not isinstance(minor, bool)
        and 0 < minor <= 4
        and (isinstance(written, int) or (isinstance(written, str) and written.isdigit()))
    ):
        return amount.scaleb(-minor), None
    if isinstance(written, int) and written >= 100:
        for text in plain.values():
            shown = parse_price(text) if isinstance(text, str) and len(text) < 40 and shows_price(text) else None
            if shown and shown.amount * 100 == amount:
                return shown
    return amount, None
