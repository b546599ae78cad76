"""Everything a reviewer sees of one listing, read from the database in one go."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.saved_files import SEALED
from review.object_view import ObjectView, view_object
from storage.assignments import assignable, assignee_of
from storage.audit import events_about
from storage.captures import SAVED_FILE
from storage.cases import cases_of_listing, open_cases
from storage.decisions import decisions_of, undone_decisions
from storage.listing_notes import notes_on
from storage.queue import flagged_before
from storage.tables import Assessment, Capture, Case, Decision, Listing, ListingNote, Observation, Seller, User

Row = TypeVar("Row")
MOST_CAPTURES = 60
NAMED = "file name"
"""The source of the title that a saved picture takes from its file."""
MOST_SELLER_LISTINGS = 20
COMPARED = (
    "title",
    "description",
    "price",
    "currency",
    "estimate_low",
    "estimate_high",
    "starting_bid",
    "current_bid",
    "size",
    "weight_grams",
    "state",
    "availability",
    "images",
    "seller_name",
    "location",
    "ends_at",
)
"""The fields of an observation whose change is shown, in the order of the page."""


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A decision just kept, with the way back to its listing."""

    decision_id: int
    listing_id: int
    title: str | None
    can_undo: bool
    """Whether it is the reader's own and still stands."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs from the observation before."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation and what it changed; the first changes nothing."""

    observation: Observation
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Saving:
    """By whose hand a saved file came, and when: by their own word."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ListingView:
    listing: Listing
    observation: Observation
    assessment: Assessment | None
    flagged_before: tuple[Assessment, Observation] | None
    """The last flag, with what the page said then, where the listing is no longer flagged."""
    decision: Decision | None
    seller: Seller | None
    seller_listings: Sequence[tuple[Listing, Observation]]
    history: Sequence[Seen]
    captures: Sequence[Capture]
    savings: Mapping[int, Saving]
    """Of the saved files among the captures, by segment."""
    decisions: Sequence[tuple[Decision, User]]
    undone: Mapping[int, datetime]
    """Decisions that were taken back, and when."""
    cases: Sequence[Case]
    open_cases: Sequence[Case]
    notes: Sequence[ListingNote]
    assignee: User | None
    """Who is to look at it."""
    assignable: Sequence[User]
    object: ObjectView
    """Where else the same object is offered, and what may be the same."""

    @property
    def photos(self) -> Sequence[Capture]:
        """The newest thumbnail of each picture, newest first."""
        return list({c.sha256: c for c in self.captures if c.kind == "thumbnail"}.values())

    @property
    def is_wordless_picture(self) -> bool:
        """Whether an officer saved a picture alone: its title, if any, is the file's name."""
        seen = self.observation
        return seen.crawl_id is None and seen.description is None and seen.sources.get("title", NAMED) == NAMED

    @property
    def reasons(self) -> Sequence[dict[str, Any]]:
        return self.assessment.reasons if self.assessment else []

    @property
    def assessed_now(self) -> bool:
        """Whether the assessment is of the text on the screen."""
        return self.assessment is not None and self.assessment.observation_id == self.observation.id


def kept_decision(session: Session, decision_id: str, reader: User) -> KeptDecision | None:
    """The decision of this number as an address gives it, None where there is none."""
    if not decision_id.isascii() or not decision_id.isdigit() or len(decision_id) > 18:
        return None
    decision = session.get(Decision, int(decision_id))
    if decision is None:
        return None
    observation = session.get_one(Observation, decision.observation_id)
    listing = session.get_one(Listing, decision.listing_id)
    own = decision.user_id == reader.id and listing.current_decision_id == decision.id
    return KeptDecision(decision.id, decision.listing_id, observation.title, can_undo=own)


def view_listing(session: Session, listing_id: int) -> ListingView | None:
    """The listing as it stands; None where there is none, or nothing was ever seen of it."""
    listing = session.get(Listing, listing_id)
    if listing is None or listing.current_observation_id is None:
        return None
    observation = session.get_one(Observation, listing.current_observation_id)
    captures = session.scalars(
        select(Capture)
        .where(Capture.listing_id == listing_id)
        .order_by(Capture.captured_at.desc(), Capture.id.desc())
        .limit(MOST_CAPTURES)
    ).all()
    return ListingView(
        listing=listing,
        observation=observation,
        assessment=_get(session, Assessment, listing.current_assessment_id),
        flagged_before=flagged_before(session, listing),
        decision=_get(session, Decision, listing.current_decision_id),
        seller=_get(session, Seller, observation.seller_id),
        seller_listings=_others_of_seller(session, listing, observation),
        history=_history(session, listing_id),
        captures=captures,
        savings=_savings(session, captures),
        decisions=decisions_of(session, listing_id),
        undone=undone_decisions(session, listing_id),
        cases=cases_of_listing(session, listing_id),
        open_cases=open_cases(session),
        notes=notes_on(session, listing_id),
        assignee=assignee_of(session, listing_id),
        assignable=assignable(session),
        object=view_object(session, listing_id),
    )


def changes_between(before: Observation, after: Observation) -> list[Change]:
    """The compared fields in which two observations differ."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in COMPARED]
    return [Change(name, old, new) for name, old, new in pairs if old != new]


def _history(session: Session, listing_id: int) -> list[Seen]:
    seen = session.scalars(
        select(Observation)
        .where(Observation.listing_id == listing_id)
        .order_by(Observation.observed_at, Observation.id)
    ).all()
    first = [Seen(observation, []) for observation in seen[:1]]
    later = [Seen(after, changes_between(before, after)) for before, after in itertools.pairwise(seen)]
    return [*first, *later][::-1]


def _others_of_seller(
    session: Session, listing: Listing, observation: Observation
) -> list[tuple[Listing, Observation]]:
    if observation.seller_id is None:
        return []
    rows = session.execute(
        select(Listing, Observation)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .where(Observation.seller_id == observation.seller_id, Listing.id != listing.id)
        .order_by(Listing.last_seen_at.desc(), Listing.id.desc())
        .limit(MOST_SELLER_LISTINGS)
    )
    return [(other, seen) for other, seen in rows]


def _savings(session: Session, captures: Sequence[Capture]) -> dict[int, Saving]:
    segments = {c.segment_id for c in captures if c.kind == SAVED_FILE and c.segment_id is not None}
    sealed = (e for e in events_about(session, [("segment", id_) for id_ in segments]) if e.action == SEALED)
    return {
        int(event.object_id): Saving(event.details["saved_by"], datetime.fromisoformat(event.details["saved_at"]))
        for event in sealed
    }


def _get(session: Session, kind: type[Row], id_: int | None) -> Row | None:
    return None if id_ is None else session.get(kind, id_)
