"""What is known of an offer beside its words: all of it may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from crawler.items import ListingItem


@dataclass(frozen=True, slots=True)
class Offer:
    """Price, place and time of an offer, as read off its page."""

    price: Decimal | None = None
    currency: str | None = None
    """ISO 4217."""
    location: str | None = None
    """Where it is said to lie or to be sent from, in the page's words."""
    ends_at: datetime | None = None
    """Aware."""
    seen_at: datetime | None = None
    """Aware."""

    @classmethod
    def of_item(cls, item: ListingItem) -> Offer:
        """The highest of price and estimates counts, since a starting bid is no value."""
        page = item.page
        amounts = [amount for amount in (page.price, page.estimate_low, page.estimate_high) if amount is not None]
        ends_at = page.ends_at if page.ends_at is not None and page.ends_at.tzinfo is not None else None
        return cls(max(amounts, default=None), page.currency, page.location, ends_at, item.observed_at)


UNKNOWN_OFFER = Offer()
