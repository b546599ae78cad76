"""Finding stored listings by their words, and showing one whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.database import Database
from storage.folding import fold
from storage.tables import Assessment, Capture, Decision, Listing, Observation


class NoSuchListing(RelicwatchError):
    """There is no listing of that number."""


def search_listings(
    database: Database,
    words: Sequence[str],
    *,
    market: str | None,
    flagged_only: bool,
    limit: int,
    before: int | None = None,
    newest_first: bool = False,
) -> list[dict[str, Any]]:
    """Listings whose current text holds every word (folded), strongest score first. Both databases answer alike.

    With `newest_first` by number, from the one below `before`: what comes in or is judged anew then moves nothing.
    """
    strongest = (Assessment.score.desc().nulls_last(), Listing.id)
    statement = (
        select(Listing, Observation, Assessment)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
        .order_by(*((Listing.id.desc(),) if newest_first else strongest))
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Listing.id < before)
    for word in words:
        statement = statement.where(Observation.folded_text.contains(fold(word), autoescape=True))
    if market:
        statement = statement.where(Listing.market == market)
    if flagged_only:
        statement = statement.where(Assessment.flagged.is_(True))
    with database.reading() as session:
        return [
            {
                "id": listing.id,
                "market": listing.market,
                "native id": listing.native_id,
                "state": listing.state,
                "band": assessment.band if assessment else None,
                "score": round(assessment.score, 3) if assessment else None,
                "title": observation.title,
                "price": None
                if observation.price is None
                else f"{observation.price:f} {observation.currency or ''}".strip(),
                "url": listing.url,
            }
            for listing, observation, assessment in session.execute(statement)
        ]


def listing_record(database: Database, listing_id: int) -> dict[str, Any]:
    """A listing with all its versions, captures, assessments and decisions. Raises NoSuchListing."""
    with database.reading() as session:
        listing = session.get(Listing, listing_id)
        if listing is None:
            raise NoSuchListing(
                f"There is no listing {listing_id}: `relicwatch listings search` shows those there are."
            )
        of_listing = {
            "observations": select(Observation).where(Observation.listing_id == listing_id).order_by(Observation.id),
            "assessments": select(Assessment).where(Assessment.listing_id == listing_id).order_by(Assessment.id),
            "captures": select(Capture).where(Capture.listing_id == listing_id).order_by(Capture.id),
            "decisions": select(Decision).where(Decision.listing_id == listing_id).order_by(Decision.id),
        }
        record = _columns(listing)
        for name, statement in of_listing.items():
            record[name] = [_columns(row) for row in session.scalars(statement)]
        return record


def current_observation(session: Session, listing_id: int) -> int:
    """The observation that a person looking at the listing now would see. Raises NoSuchListing."""
    listing = session.get(Listing, listing_id)
    if listing is None or listing.current_observation_id is None:
        raise NoSuchListing(f"There is no listing {listing_id}: `relicwatch listings search` shows those there are.")
    return listing.current_observation_id


def _columns(row: Any) -> dict[str, Any]:
    return {
        column.key: getattr(row, column.key)
        for column in row.__table__.columns
        if column.key not in ("folded_text", "request_key") and getattr(row, column.key) is not None
    }
