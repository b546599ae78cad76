"""Writes prices the way sellers of each language write them."""

from __future__ import annotations

_SIGNS = {"GBP": "£", "USD": "$", "EUR": "€"}
_FRENCH = {**_SIGNS, "MAD": "DH", "TND": "DT"}
_ARABIC = {
    "AED": "د.إ", "SAR": "ر.س", "EGP": "ج.م", "MAD": "د.م.", "TND": "د.ت", "JOD": "د.أ", "USD": "دولار",
}  # fmt: skip


def price_text(amount: int, currency: str, language: str) -> str:
    if language == "fr":
        return f"{amount:,}".replace(",", "\u202f") + f"\u00a0{_FRENCH.get(currency, currency)}"
    if language == "ar":
        return f"{amount:,}\u00a0{_ARABIC.get(currency, currency)}"
    sign = _SIGNS.get(currency)
    return f"{sign}{amount:,}" if sign else f"{currency}\u00a0{amount:,}"
