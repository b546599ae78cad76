"""What a crawl need not ask for again: listings whose card and page are known and not due to be read.

Due at every crawl: what ends soon and what is flagged or ever was, because there a late look costs most (a seller who
is watched rewrites the text that gave him away); and what is over but
stands in a search again under a card that does not say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from crawler.extraction.cards import says_over
from storage.tables import Assessment, Listing, ListingAlias, Observation


@dataclass(frozen=True, slots=True)
class RecrawlRules:
    """When a listing's page is read although its card is the same."""

    read_again_after: timedelta
    ends_soon: timedelta


@dataclass(slots=True)
class KnownPage:
    """What is known of a listing's own page."""

    card: str | None
    """The card with which the page need not be read; None where it is due whatever its card says."""
    validators: dict[str, Any] | None
    """What makes a request for it conditional; None where an unchanged page would not tell the listing's state."""
    read_at: datetime | None
    met: bool
    """Whether this crawl has met the listing already, before it was interrupted."""


def known_pages(
    session: Session, market: str, crawl_id: int, rules: RecrawlRules, now: datetime
) -> dict[str, KnownPage]:
    """Native id, or alias, -> what is known of the page, for every listing of a market that was read before."""
    due = or_(
        Listing.page_read_at.is_(None),
        Listing.page_read_at <= now - rules.read_again_after,
        exists().where(Assessment.listing_id == Listing.id, Assessment.flagged.is_(True)),
        and_(Listing.state == "live", Observation.ends_at <= now + rules.ends_soon),
    )
    columns = (
        Listing.card_fingerprint,
        Listing.page_validators,
        Listing.page_read_at,
        Listing.seen_in_crawl_id,
        Listing.state,
        due.label("due"),
    )
    statement = (
        select(Listing.native_id, *columns)
        .outerjoin(Observation, Observation.id == Listing.current_observation_id)
        .where(Listing.market == market)
        .where(or_(Listing.card_fingerprint.is_not(None), Listing.page_read_at.is_not(None)))
    )
    by_alias = statement.with_only_columns(ListingAlias.native_id, *columns).join(
        ListingAlias, ListingAlias.listing_id == Listing.id
    )
    return {
        native_id: KnownPage(
            card=None if is_due or _may_be_offered_anew(state, card) else card,
            validators=None if state == "gone" else validators,
            read_at=read_at,
            met=seen == crawl_id,
        )
        for one in (by_alias, statement)
        for native_id, card, validators, read_at, seen, state, is_due in session.execute(one)
    }


def _may_be_offered_anew(state: str, card: str | None) -> bool:
    """Whether a listing that is over may be on sale again although its card is the same: only its page tells."""
    return state == "gone" or (state != "live" and card is not None and not says_over(card))
