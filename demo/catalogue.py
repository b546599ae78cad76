"""Reads the make-believe offers and sales from `demo/listings/`; what is on show depends on the generation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml

from demo.pictures import FIGURES

Kind = Literal["antiquity", "replica", "ordinary"]
Behaviour = Literal["redirect", "gzip", "busy_once", "price_change", "disappears"]

FORMER_SALE_NUMBER = 4001
"""The number under which search still links the `redirect` lot; its address answers 301."""

_FILES = ("english.yaml", "french.yaml", "arabic.yaml")
_LISTINGS = Path(__file__).parent / "listings"


class DemoDataError(Exception):
    """An entry below demo/listings/ is unusable; the message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale of the auction; its lots end one after the other."""

    number: int
    title: str
    language: str
    timezone: str
    first_end_minutes: int
    minutes_between_lots: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One offer. `kind` is the truth for tests and must reach no page."""

    key: str
    """Unique over both markets: `4101-7` (sale and lot) or `700312` (item of the marketplace)."""
    kind: Kind
    language: str
    title: str
    description: str
    price: int
    currency: str
    location: str
    seller: str
    figure: str
    picture_count: int
    sale: int | None = None
    lot: int | None = None
    estimate: tuple[int, int] | None = None
    behaviour: Behaviour | None = None
    later_price: int | None = None

    @property
    def direction(self) -> str:
        return "rtl" if self.language == "ar" else "ltr"

    @property
    def path(self) -> str:
        """The address of its page, percent-encoding left to whoever sends it."""
        if self.sale is None:
            return f"/marketplace/item/{self.key}-{slug(self.title)}"
        return f"/auction/sale/{self.sale}/lot/{self.lot}"

    def price_in(self, generation: int) -> int:
        return self.later_price if self.later_price is not None and generation >= 1 else self.price

    def is_offered_in(self, generation: int) -> bool:
        return not (self.behaviour == "disappears" and generation >= 1)

    def picture_path(self, view: int, width: int) -> str:
        return f"/pictures/{self.key}/{view}-{width}.jpg"


def slug(title: str) -> str:
    """The title's words joined by hyphens, in their own script."""
    return "-".join(re.findall(r"\w+", title.lower())[:6])


def lot_ends_at(sale: Sale, lot: int, started_at: datetime) -> datetime:
    """When bidding on a lot closes, in the sale's zone, on a whole minute."""
    minutes = sale.first_end_minutes + lot * sale.minutes_between_lots
    end = started_at.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    return end.astimezone(ZoneInfo(sale.timezone))


@lru_cache(maxsize=1)
def load_sales() -> dict[int, Sale]:
    """All sales by number."""
    return {entry["number"]: Sale(**entry) for entry in _read("sales.yaml")}


@lru_cache(maxsize=1)
def load_listings() -> tuple[Listing, ...]:
    """All offers: the auction's by sale and lot, then the marketplace's by number.

    Raises DemoDataError where an entry lacks a field, repeats a key or names a sale or a figure that is not there.
    """
    listings: dict[str, Listing] = {}
    for name in _FILES:
        for entry in _read(name):
            listing = _listing(entry, name)
            if listing.key in listings:
                raise DemoDataError(f"demo/listings/{name}: {listing.key} is there twice; give one a new place.")
            listings[listing.key] = listing
    return tuple(sorted(listings.values(), key=lambda one: (one.sale or 10**6, one.lot or 0, one.key)))


def _read(name: str) -> Sequence[dict[str, Any]]:
    entries: Sequence[dict[str, Any]] = yaml.safe_load((_LISTINGS / name).read_text(encoding="utf-8"))
    return entries


def _listing(entry: dict[str, Any], name: str) -> Listing:
    try:
        place, estimate = entry["place"], entry.get("estimate")
        listing = Listing(
            key=str(place["item"]) if "item" in place else f"{place['sale']}-{place['lot']}",
            kind=entry["kind"],
            language=entry["language"],
            title=entry["title"],
            description=entry["description"],
            price=entry["price"]["amount"],
            currency=entry["price"]["currency"],
            location=entry["location"],
            seller=entry["seller"],
            figure=entry["pictures"]["figure"],
            picture_count=entry["pictures"]["count"],
            sale=place.get("sale"),
            lot=place.get("lot"),
            estimate=(estimate[0], estimate[1]) if estimate else None,
            behaviour=entry.get("behaviour"),
            later_price=entry.get("later_price"),
        )
    except KeyError as error:
        raise DemoDataError(f"demo/listings/{name}: {entry.get('title')!r} lacks {error}; add it.") from error
    if listing.figure not in FIGURES:
        raise DemoDataError(
            f"demo/listings/{name}: {listing.key} wants a picture of {listing.figure!r}, which nobody drew; "
            f"choose one of {', '.join(FIGURES)}."
        )
    if listing.sale is not None and listing.sale not in load_sales():
        raise DemoDataError(f"demo/listings/{name}: {listing.key} is in no sale of sales.yaml; add the sale.")
    return listing
