"""The newest text of every stored listing, page by page, to be run over."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from storage.tables import Listing, Observation


@dataclass(frozen=True, slots=True)
class StoredText:
    """A listing's words as they were seen last."""

    listing_id: int
    market: str
    title: str
    description: str | None


def stored_texts(session: Session, *, after: int = 0, limit: int = 500) -> list[StoredText]:
    """Listings that have words, by id, from the one after `after`."""
    rows = session.execute(
        select(Listing.id, Listing.market, Observation.title, Observation.description)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .where(Listing.id > after, or_(Observation.title.is_not(None), Observation.description.is_not(None)))
        .order_by(Listing.id)
        .limit(limit)
    )
    return [StoredText(id_, market, title or "", description) for id_, market, title, description in rows]
