"""What is stored of listings that a crawl meets again: a walker whose calls are counted asks only for what is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from scrapy.crawler import Crawler
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from storage.crawl_store import database_of
from storage.tables import Listing, Observation


@dataclass(frozen=True, slots=True)
class KnownListing:
    """A listing's last observation, as far as a list of offers can be compared with it."""

    url: str
    state: str
    flagged: bool
    title: str | None
    description: str | None
    price: Decimal | None
    currency: str | None
    images: tuple[str, ...]
    seller: str | None
    location: str | None
    ends_at: datetime | None
    availability: str | None
    sources: dict[str, str]


def known_listings(crawler: Crawler, id_space: str, native_ids: Iterable[str]) -> dict[str, KnownListing]:
    """Native id -> what is stored, of those that are stored with an observation."""
    wanted = list(dict.fromkeys(native_ids))
    if not wanted:
        return {}
    statement = (
        select(Listing)
        .where(Listing.id_space == id_space, Listing.native_id.in_(wanted))
        .options(joinedload(Listing.current_observation), joinedload(Listing.current_assessment))
    )
    with database_of(crawler).reading() as session:
        return {
            listing.native_id: _known(listing, listing.current_observation)
            for listing in session.scalars(statement)
            if listing.current_observation is not None
        }


def _known(listing: Listing, seen: Observation) -> KnownListing:
    judged = listing.current_assessment
    return KnownListing(
        url=listing.url,
        state=listing.state,
        flagged=judged is not None and judged.flagged,
        title=seen.title,
        description=seen.description,
        price=seen.price,
        currency=seen.currency,
        images=tuple(str(url) for url in seen.images),
        seller=seen.seller_name,
        location=seen.location,
        ends_at=seen.ends_at.astimezone(UTC) if seen.ends_at else None,
        availability=seen.availability,
        sources=dict(seen.sources),
    )
