"""The review queue: which listings wait for a person, and in what order (workflow: danger first, value last).

The order stands in `queue_entry`; here it is read: a page of it, a listing's neighbours, what can be chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, defer

from storage.database import is_reading
from storage.queue_conditions import conditions
from storage.queue_filters import Filters
from storage.queue_order import find_lines
from storage.queue_ranks import DAY, SOON
from storage.queue_upkeep import Judged, Told, bring_up_to_date, raised, with_judged
from storage.sampling import current_sampling
from storage.tables import (
    Assessment,
    Capture,
    Decision,
    Listing,
    ObjectMember,
    Observation,
    QueueEntry,
    QueueFacet,
    utc_now,
)

PAGE_SIZE = 25
"""Cards on a page: some five screens, and fewer bytes than a slow link takes a second for."""
DRAWN = ("explore", "audit")
MOST_AT_ONCE = 10_000
"""Numbers that one statement may name on either database."""


@dataclass(frozen=True, slots=True)
class Place:
    """A listing's place in the queue and why it stands there."""

    listing_id: int
    changed: bool
    conflict_zone: bool
    ends_at: datetime | None
    ends_soon: Literal["", "24h", "72h"]
    busy_seller: bool
    band: str
    score: float
    drawn: Literal["", "audit", "explore"] = ""
    """Why it is here though nothing flags it: drawn by chance, or a near miss."""
    priority: str = ""
    """The rule of the order that the answers gave, as `Assessment.priority` has it."""
    must_be_seen: bool = False
    object_id: int | None = None
    """Of the object that other listings offer too; null for one that is offered once."""
    followed_seller: bool = False
    """A person follows its seller."""
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue."""

    place: Place
    listing: Listing
    observation: Observation
    assessment: Assessment
    """The one that brings it here, see `Judged`."""
    flagged_before: Observation | None
    """Of what it once was flagged, where it is no longer flagged now."""
    decision: Decision | None
    thumbnail_id: int | None
    elsewhere: int = 0
    """Other listings of the same object, in the queue or not."""
    decided_elsewhere: Decision | None = None
    """The newest decision on another listing of the same object. It is shown and does not count for this one."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to among what waits or was decided, with how many listings wait of each."""

    markets: Mapping[str, int]
    languages: Mapping[str, int]
    priorities: Mapping[str, int]
    bands: Mapping[str, int]
    countries: Mapping[str, int]
    currencies: Mapping[str, int]
    assignees: Mapping[str, int]
    types: Mapping[str, int]
    cultures: Mapping[str, int]
    red_lists: Mapping[str, int]


class Queue:
    """The queue as one set of filters shows it at one moment: of an object that several listings offer, the most
    pressing one; near misses and random checks among the others by their share of the places.

    A flag ends with a decision only: a page that came out empty would else hide a find.
    """

    def __init__(self, session: Session, filters: Filters, *, now: datetime | None = None) -> None:
        if not is_reading(session):
            bring_up_to_date(session)
        self._session = session
        self._now = now or utc_now()
        sampling = current_sampling(session)
        self._shares = {"explore": sampling.queue_explore, "audit": sampling.queue_audit}
        self._lines = find_lines(session, filters, self._now)

    @property
    def total(self) -> int:
        return sum(line.count for line in self._lines.values())

    def places(self, offset: int = 0, limit: int | None = None) -> list[Place]:
        """So many places from this one on, the most pressing first."""
        end = self.total if limit is None else min(offset + limit, self.total)
        kinds = list(islice(self._kinds(), end))
        before = Counter(kinds[:offset])
        wanted = Counter(kinds[offset:])
        lines = {kind: iter(self._lines[kind].listings(before[kind], count)) for kind, count in wanted.items()}
        listings = [id_ for kind in kinds[offset:] if (id_ := next(lines[kind], None)) is not None]
        return [self._place(entry) for entry in self._entries(listings)]

    def neighbours(self, listing_id: int) -> tuple[int | None, int | None]:
        """The listings before and after this one; for one that is not in the queue: (None, the first)."""
        at = self.position(listing_id)
        if at is not None:
            around = self.places(max(at - 1, 0), 3 if at else 2)
            ids = [place.listing_id for place in around]
            if listing_id not in ids:  # many were counted moments ago, and some have gone since
                return None, next(iter(ids), None)
            here = ids.index(listing_id)
            return (ids[here - 1] if here else None), (ids[here + 1] if here + 1 < len(ids) else None)
        first = self.places(0, 1)
        return None, first[0].listing_id if first else None

    def position(self, listing_id: int) -> int | None:
        """How many places stand before this listing's; None for one that is not in the queue."""
        told = select(QueueEntry.drawn, QueueEntry.rank_before_hour, QueueEntry.ends_at)
        entry = self._session.execute(told.where(QueueEntry.listing_id == listing_id)).first()
        if entry is None or entry.drawn not in self._lines:
            return None
        soon = bool(_ends_soon(entry.ends_at, self._now))
        within = self._lines[entry.drawn].place_of(listing_id, entry.rank_before_hour, soon)
        return None if within is None else self._position(entry.drawn, within)

    def _entries(self, listings: Sequence[int]) -> list[QueueEntry]:
        found: dict[int, QueueEntry] = {}
        for start in range(0, len(listings), MOST_AT_ONCE):
            some = listings[start : start + MOST_AT_ONCE]
            statement = select(QueueEntry).options(defer(QueueEntry.said)).where(QueueEntry.listing_id.in_(some))
            rows = self._session.scalars(statement, execution_options={"populate_existing": True})
            found |= {entry.listing_id: entry for entry in rows}
        return [found[id_] for id_ in listings if id_ in found]

    def _position(self, kind: str, within: int) -> int | None:
        """Where the so-many-th entry of a line stands in the whole queue; None where the line was counted shorter."""
        for at, one in enumerate(self._kinds()):
            if one == kind:
                if within == 0:
                    return at
                within -= 1
        return None

    def _kinds(self) -> Iterator[str]:
        return mix({kind: line.count for kind, line in self._lines.items()}, self._shares)

    def _place(self, entry: QueueEntry) -> Place:
        return Place(
            listing_id=entry.listing_id,
            changed=entry.changed,
            conflict_zone=entry.conflict_zone,
            ends_at=entry.ends_at,
            ends_soon=_ends_soon(entry.ends_at, self._now),
            busy_seller=entry.busy_seller,
            band=entry.band,
            score=0.0 - entry.minus_score,
            drawn=entry.drawn,  # type: ignore[arg-type]
            priority=entry.priority or "",
            must_be_seen=entry.must_be_seen,
            object_id=entry.object_id,
            followed_seller=entry.followed_seller,
            assignee=entry.assignee,
        )


def mix(counts: Mapping[str, int], shares: Mapping[str, float]) -> Iterator[str]:
    """Of which kind each place is: flagged (""), with drawn ones spread among them, each kind by its share of all.

    What is drawn and left over when the others end comes last.
    """
    taken = dict.fromkeys(shares, 0)
    places = 0
    for _ in range(counts.get("", 0)):
        yield ""
        places += 1
        for kind, share in shares.items():
            if taken[kind] < counts.get(kind, 0) and taken[kind] + 1 <= share * (places + 1):
                yield kind
                places += 1
                taken[kind] += 1
    for kind in shares:
        yield from (kind for _ in range(counts.get(kind, 0) - taken[kind]))


def queue_places(session: Session, filters: Filters, *, now: datetime | None = None) -> list[Place]:
    """Every place of the queue; whoever shows a page of it asks `Queue` for that alone."""
    return Queue(session, filters, now=now).places()


def listings_among(session: Session, filters: Filters, ids: Sequence[int]) -> set[int]:
    """Those of some listings that the filters let through."""
    if not is_reading(session):
        bring_up_to_date(session)
    passing = conditions(filters, QueueEntry, session.get_bind().dialect.name)
    return set(session.scalars(select(QueueEntry.listing_id).where(QueueEntry.listing_id.in_(ids), *passing)))


def queue_rows(session: Session, places: Sequence[Place]) -> list[Row]:
    """The rows of one page, in the order of `places`."""
    ids = [place.listing_id for place in places]
    found = {
        listing.id: (listing, observation, judged, told if _is_former(listing, judged) else None, decision)
        for listing, observation, judged, told, decision in session.execute(
            select(Listing, Observation, Judged, Told, Decision)
            .join(QueueEntry, QueueEntry.listing_id == Listing.id)
            .join(Observation, Observation.id == Listing.current_observation_id)
            .join(Judged, Judged.id == QueueEntry.assessment_id)
            .join(Told, Told.id == QueueEntry.told_id)
            .outerjoin(Decision, Decision.id == Listing.current_decision_id)
            .where(Listing.id.in_(ids))
        )
    }
    thumbnails = thumbnails_of(session, ids)
    elsewhere = _elsewhere(session, [place for place in places if place.object_id is not None])
    return [
        Row(
            place,
            *found[place.listing_id],
            thumbnails.get(place.listing_id),
            *elsewhere.get(place.listing_id, (0, None)),
        )
        for place in places
        if place.listing_id in found
    ]


def _elsewhere(session: Session, places: Sequence[Place]) -> dict[int, tuple[int, Decision | None]]:
    """Listing -> how many others offer its object, and the newest decision on one of them."""
    if not places:
        return {}
    rows = session.execute(
        select(ObjectMember.object_id, Listing.id, Decision)
        .join(Listing, Listing.id == ObjectMember.listing_id)
        .outerjoin(Decision, Decision.id == Listing.current_decision_id)
        .where(ObjectMember.object_id.in_({place.object_id for place in places}))
    ).all()
    found: dict[int, tuple[int, Decision | None]] = {}
    for place in places:
        others = [row for row in rows if row.object_id == place.object_id and row.id != place.listing_id]
        decided = [row.Decision for row in others if row.Decision is not None]
        found[place.listing_id] = (len(others), max(decided, key=lambda one: one.id, default=None))
    return found


def thumbnails_of(session: Session, listing_ids: Sequence[int]) -> dict[int, int]:
    """Listing -> id of its newest thumbnail's capture."""
    rows = session.execute(
        select(Capture.listing_id, func.max(Capture.id))
        .where(Capture.listing_id.in_(listing_ids), Capture.kind == "thumbnail", Capture.state == "COMPLETE")
        .group_by(Capture.listing_id)
    )
    return {listing_id: capture_id for listing_id, capture_id in rows if listing_id is not None}


def flagged_before(session: Session, listing: Listing) -> tuple[Assessment, Observation] | None:
    """The last flag of a listing that is no longer flagged, with what the page said then; None for all others."""
    found = session.execute(with_judged(select(Judged, Told), [listing.id]).where(raised(Judged))).first()
    return (found[0], found[1]) if found is not None and _is_former(listing, found[0]) else None


def queue_choices(session: Session) -> Choices:
    """What is met among the queue's entries, in the order of the names."""
    if not is_reading(session):
        bring_up_to_date(session)
    columns = (
        QueueEntry.market,
        QueueEntry.language,
        QueueEntry.priority,
        QueueEntry.band,
        QueueEntry.country,
        QueueEntry.currency,
        QueueEntry.assignee,
    )
    of_columns: list[Counter[str]] = [Counter() for _ in columns]
    waits = func.sum(case((QueueEntry.waiting, 1), else_=0))
    for *values, waiting in session.execute(select(*columns, waits).group_by(*columns)):
        for counter, value in zip(of_columns, values, strict=True):
            if value:
                counter[value] += waiting
    facets: dict[str, Counter[str]] = {kind: Counter() for kind in ("type", "culture", "red_list")}
    named = (
        select(QueueFacet.kind, QueueFacet.value, waits)
        .join(QueueEntry, QueueEntry.listing_id == QueueFacet.listing_id)
        .group_by(QueueFacet.kind, QueueFacet.value)
    )
    for kind, value, waiting in session.execute(named):
        facets[kind][value] += waiting
    return Choices(*(dict(sorted(one.items())) for one in (*of_columns, *facets.values())))


def _is_former(listing: Listing, judged: Assessment) -> bool:
    return judged.id != listing.current_assessment_id


def _ends_soon(ends_at: datetime | None, now: datetime) -> Literal["", "24h", "72h"]:
    if ends_at is None or ends_at <= now:
        return ""
    if ends_at - now < DAY:
        return "24h"
    return "72h" if ends_at - now < SOON else ""
