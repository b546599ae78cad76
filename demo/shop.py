"""What both markets share while the server runs: the offers on show, the generation, sellers and pages of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request

from demo.catalogue import Listing, load_listings
from demo.money import price_text
from demo.pictures import WIDTHS

PAGE_SIZE = 20

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Shop:
    """The state of one server. `generation` only rises; from 1 on one lot costs more and one is gone."""

    generation: int = 0
    clock: Callable[[], datetime] = utc_now
    started_at: datetime = field(init=False)
    refused: set[str] = field(default_factory=set)
    """Lots that have already answered their one 503."""

    def __post_init__(self) -> None:
        self.started_at = self.clock()
        self._by_key = {listing.key: listing for listing in load_listings()}
        self._sellers = sorted({listing.seller for listing in load_listings()})

    def offers(self, *, auction: bool) -> list[Listing]:
        """What one of the two markets offers now."""
        return [
            listing
            for listing in self._by_key.values()
            if (listing.sale is not None) == auction and listing.is_offered_in(self.generation)
        ]

    def offer(self, key: str) -> Listing | None:
        listing = self._by_key.get(key)
        return listing if listing and listing.is_offered_in(self.generation) else None

    def seller_number(self, seller: str) -> int:
        return self._sellers.index(seller) + 1

    def seller_name(self, number: int) -> str | None:
        return self._sellers[number - 1] if 1 <= number <= len(self._sellers) else None

    def price_text(self, listing: Listing) -> str:
        return price_text(listing.price_in(self.generation), listing.currency, listing.language)


def shop_of(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def page_number(request: Request) -> int:
    """The page asked for, counted from 1; anything that is no such number is the first page."""
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def page_of(found: Sequence[Listing], page: int) -> Sequence[Listing]:
    return found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


def picture_sources(listing: Listing, view: int) -> dict[str, Any]:
    """Addresses of one picture: `small`, `large` and the `srcset` of both."""
    small, large = (listing.picture_path(view, width) for width in WIDTHS)
    return {"small": small, "large": large, "srcset": f"{small} {WIDTHS[0]}w, {large} {WIDTHS[1]}w"}
