"""Who is to look at a listing. Rows are only added; the newest holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import Listing, ListingAssignment, User


class AssignmentRefused(RelicwatchError):
    """There is no such listing, or nobody of that name who could look at it."""


def assignable(session: Session) -> Sequence[User]:
    """Those who decide, by name."""
    deciding = ("reviewer", "lead", "exporter", "admin")
    return session.scalars(select(User).where(User.role.in_(deciding), ~User.disabled).order_by(User.name)).all()


def assignee_of(session: Session, listing_id: int) -> User | None:
    """Who is to look at a listing; None: nobody."""
    newest = (
        select(ListingAssignment)
        .where(ListingAssignment.listing_id == listing_id)
        .order_by(ListingAssignment.id.desc())
        .limit(1)
    )
    row = session.scalars(newest).one_or_none()
    return session.get(User, row.user_id) if row is not None and row.user_id is not None else None


def assign(session: Session, chain: AuditChain, listings: Collection[int], *, user_id: int | None, actor: str) -> int:
    """Give listings to a person, or to nobody (None); how many. Raises AssignmentRefused."""
    if user_id is not None and user_id not in {user.id for user in assignable(session)}:
        raise AssignmentRefused("Choose a person who decides: a reviewer, lead, exporter or administrator.")
    known = session.scalars(select(Listing.id).where(Listing.id.in_(listings)).order_by(Listing.id)).all()
    if missing := set(listings) - set(known):
        raise AssignmentRefused(f"There is no listing {min(missing)}.")
    for listing_id in known:
        session.add(ListingAssignment(listing_id=listing_id, user_id=user_id, assigned_by=actor))
        chain.record(
            session,
            actor=actor,
            action="assigned",
            object_kind="listing",
            object_id=listing_id,
            details={"user": user_id},
        )
    session.flush()
    return len(known)
