"""What is kept of one seller, for a person who asks for it: found, told as records. Erasing is `retention`'s."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.folding import fold
from storage.tables import Assessment, Capture, Decision, Listing, Observation, Seller

SHORTEST_QUESTION = 3


class NoSuchSubject(RelicwatchError):
    """There is no seller of that number, or the question is too short to mean anybody."""


def find_subjects(session: Session, words: str) -> list[dict[str, Any]]:
    """Sellers whose name or page holds the words, whose id they are, or whose listings tell them (a number, an
    address). Listings that name no seller come as a row without one. Raises NoSuchSubject for too short words.
    """
    words = words.strip()
    folded = fold(words)
    if len(words) < SHORTEST_QUESTION or not folded.strip():
        raise NoSuchSubject(f"Ask for at least {SHORTEST_QUESTION} characters of a name, id or contact.")
    found: dict[int | None, set[int]] = {}
    for seller in session.scalars(select(Seller).order_by(Seller.id)):
        if folded in fold(seller.name) or words in (seller.native_id, seller.url):
            found[seller.id] = set()
    told = (
        select(Observation.seller_id, Observation.listing_id)
        .where(
            or_(
                Observation.folded_text.contains(folded, autoescape=True),
                Observation.description.contains(words, autoescape=True),
                Observation.seller_id.in_(list(found)),
                Observation.seller_name == words,
            )
        )
        .distinct()
    )
    for seller_id, listing_id in session.execute(told):
        found.setdefault(seller_id, set()).add(listing_id)
    rows = []
    for seller_id, listings in sorted(found.items(), key=lambda one: (one[0] is None, one[0])):
        one = session.get(Seller, seller_id) if seller_id is not None else None
        rows.append(
            {
                "seller": seller_id,
                "market": one.id_space if one else None,
                "name": one.name if one else None,
                "native_id": one.native_id if one else None,
                "listings": sorted(listings),
            }
        )
    return rows


def seller_record(session: Session, seller_id: int) -> dict[str, Any]:
    """All that is kept of a seller: what was collected, what the machine made of it, what people decided.

    Raises NoSuchSubject.
    """
    seller = require_seller(session, seller_id)
    listings = listings_of(session, seller_id)
    return {
        "format": "relicwatch-subject-1",
        "seller": _columns(seller),
        "listings": [_listing(session, id_) for id_ in listings],
    }


def listings_of(session: Session, seller_id: int) -> list[int]:
    query = select(Observation.listing_id).where(Observation.seller_id == seller_id).distinct()
    return sorted(session.scalars(query))


def require_seller(session: Session, seller_id: int) -> Seller:
    seller = session.get(Seller, seller_id)
    if seller is None:
        raise NoSuchSubject(f"There is no seller {seller_id}: `relicwatch subject search` finds them.")
    return seller


def _listing(session: Session, listing_id: int) -> dict[str, Any]:
    record = _columns(session.get_one(Listing, listing_id))
    for table in (Observation, Assessment, Capture, Decision):
        rows = session.scalars(select(table).where(table.listing_id == listing_id).order_by(table.id))
        record[table.__tablename__ + "s"] = [_columns(row) for row in rows]
    return record


def _columns(row: Any) -> dict[str, Any]:
    """A row without what says nothing of the person: search shadows, form keys, who of us decided."""
    left_out = ("folded_text", "request_key", "user_id")
    return {
        column.key: getattr(row, column.key)
        for column in row.__table__.columns
        if column.key not in left_out and getattr(row, column.key) is not None
    }
