"""The review queue: which listings wait for a person, and in what order (workflow: danger first, value last)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from storage.folding import fold
from storage.queue_filters import BANDS, Filters, Sort
from storage.sampling import current_sampling
from storage.sellers import followed, uncountable
from storage.tables import Assessment, Capture, Decision, Listing, ObjectMember, Observation, ReviewMark, utc_now

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
PAGE_SIZE = 50
BUSY_SELLER = 3
"""So many flagged listings of one seller raise each of them."""
CONFLICT_ZONE_GROUPS = frozenset(
    {
        "sumerian",
        "akkadian",
        "babylonian",
        "assyrian",
        "levant_bronze_iron",
        "south_arabian",
        "nabataean_arabian",
        "kushite_meroitic",
        "gandhara_kushan",
        "scythian_steppe",
        "west_african",
        "cuneiform_tablet",
        "cylinder_seal",
        "gandhara_sculpture",
        "terracotta_african",
    }
)
"""Lexicon groups of the workflow's default list: Iraq, Syria, Yemen, Libya, Sudan, Palestine, Lebanon, Afghanistan,
Ukraine, Mali."""
FIND_FAMILY = "find"
DANGER, CONFLICT = "danger_to_person", "conflict_zone_find"
URGENCY = {DANGER: 0, "register_match": 1, "museum_number": 1, CONFLICT: 2}
"""Rules of `Assessment.priority` that the words alone decide, in the order of the workflow; the hour and the seller's
other lots come after them, and are asked anew each time."""
OURS = {"own_country": 0, "partner_country": 1}
Judged = aliased(Assessment, name="judged")
"""The assessment that brings a listing into the queue: its newest if that raises it, else the last that ever did.

A listing is raised by a flag, or by a rule that sends it to a person whatever its score.
"""
Told = aliased(Observation, name="told")
"""What `Judged` was told of the listing."""
NEVER = datetime.max.replace(tzinfo=UTC)


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

    @property
    def order(self) -> tuple[Any, ...]:
        soon = {"24h": 0, "72h": 1, "": 2}[self.ends_soon]
        return (
            self.priority != DANGER,
            not self.changed,
            URGENCY[CONFLICT] if self.conflict_zone else URGENCY.get(self.priority, len(URGENCY)),
            soon,
            (self.ends_at or NEVER) if self.ends_soon else NEVER,
            not self.followed_seller,
            not self.busy_seller,
            OURS.get(self.priority, len(OURS)),
            BANDS.get(self.band, len(BANDS)),
            -self.score,
            self.listing_id,
        )

    def sorted_by(self, sort: Sort) -> tuple[Any, ...]:
        """The key of an order that the reader chose; danger to a person stays first in every one."""
        if sort == "ending":
            return (self.priority != DANGER, self.ends_at or NEVER, *self.order)
        if sort == "newest":
            return (self.priority != DANGER, -self.listing_id)
        return self.order


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
    """What the filters can be set to."""

    markets: Sequence[str]
    languages: Sequence[str]
    priorities: Sequence[str]


def queue_places(session: Session, filters: Filters, *, now: datetime | None = None) -> list[Place]:
    """Every listing that was ever raised and that the filters let through, and saved pictures without words; of an
    object that several of them offer, the most pressing one.

    Most pressing first, with near misses and random checks among them by their share of the places. A flag ends with a
    decision only: a page that came out empty would else hide a find.
    """
    now = now or utc_now()
    rows = session.execute(_flagged(filters)).all()
    busy = _busy_sellers(session)
    watched = followed(session)
    places = [
        Place(
            listing_id=row.id,
            changed=row.changed_after_decision,
            conflict_zone=row.priority == CONFLICT
            or (row.priority is None and is_conflict_zone_find(row.labels, row.reasons)),
            ends_at=row.ends_at,
            ends_soon=_ends_soon(row.ends_at, now),
            busy_seller=row.seller_id in busy,
            band=row.band,
            score=row.score,
            drawn=row.drawn if row.drawn and not (row.flagged or row.must_be_seen) else "",
            priority=row.priority or "",
            must_be_seen=row.must_be_seen,
            object_id=row.object_id,
            followed_seller=row.seller_id in watched,
        )
        for row in rows
    ]
    sampling = current_sampling(session)
    return mix(
        _one_an_object(sorted(places, key=lambda place: place.sorted_by(filters.sort))),
        {"explore": sampling.queue_explore, "audit": sampling.queue_audit},
    )


def listings_among(session: Session, filters: Filters, ids: Sequence[int]) -> set[int]:
    """Those of some listings that the filters let through."""
    return set(session.scalars(_flagged(filters).with_only_columns(Listing.id).where(Listing.id.in_(ids))))


def _one_an_object(places: Sequence[Place]) -> list[Place]:
    """The first place of each object, flagged ones before those drawn by chance."""
    best: dict[int, Place] = {}
    for place in sorted(places, key=lambda place: bool(place.drawn)):
        if place.object_id is not None:
            best.setdefault(place.object_id, place)
    return [place for place in places if place.object_id is None or best[place.object_id] is place]


def mix(places: Sequence[Place], shares: Mapping[str, float]) -> list[Place]:
    """Places with drawn ones spread among the others, each kind by its share of all places; order is kept otherwise.

    What is drawn and left over when the others end comes last.
    """
    kinds = {kind: [place for place in places if place.drawn == kind] for kind in shares}
    # random checks in the order of their drawing: the best scored first would make those looked at no random sample
    kinds["audit"] = sorted(kinds.get("audit", []), key=lambda place: place.listing_id)
    flagged = [place for place in places if not place.drawn]
    mixed: list[Place] = []
    taken = dict.fromkeys(shares, 0)
    for place in flagged:
        mixed.append(place)
        for kind, share in shares.items():
            if taken[kind] < len(kinds[kind]) and taken[kind] + 1 <= share * (len(mixed) + 1):
                mixed.append(kinds[kind][taken[kind]])
                taken[kind] += 1
    return mixed + [place for kind in shares for place in kinds[kind][taken[kind] :]]


def queue_rows(session: Session, places: Sequence[Place]) -> list[Row]:
    """The rows of one page, in the order of `places`."""
    ids = [place.listing_id for place in places]
    found = {
        listing.id: (listing, observation, judged, told if _is_former(listing, judged) else None, decision)
        for listing, observation, judged, told, decision in session.execute(
            _with_judged(select(Listing, Observation, Judged, Told, Decision), ids).outerjoin(
                Decision, Decision.id == Listing.current_decision_id
            )
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
    found = session.execute(_with_judged(select(Judged, Told), [listing.id]).where(_raised(Judged))).first()
    return (found[0], found[1]) if found is not None and _is_former(listing, found[0]) else None


def queue_choices(session: Session) -> Choices:
    """Markets, languages and priorities met among flagged listings and saved pictures."""
    met = _with_judged(select(Listing.market, Judged.language, Judged.priority))
    rows = session.execute(met.where(_belongs_here()).distinct()).all()
    return Choices(
        markets=sorted({row.market for row in rows}),
        languages=sorted({row.language for row in rows if row.language}),
        priorities=sorted({row.priority for row in rows if row.priority}),
    )


def neighbours(places: Sequence[Place], listing_id: int) -> tuple[int | None, int | None]:
    """The listings before and after this one; for one that is not in the queue: (None, the first)."""
    ids = [place.listing_id for place in places]
    if listing_id not in ids:
        return None, ids[0] if ids else None
    at = ids.index(listing_id)
    return (ids[at - 1] if at > 0 else None), (ids[at + 1] if at + 1 < len(ids) else None)


def is_conflict_zone_find(labels: Sequence[Any], reasons: Sequence[Any]) -> bool:
    """Whether a culture or type of the conflict-zone list stands together with a word of the find.

    For assessments from before there were answers; these ask the unit's own list.
    """
    rules = [str(label) for label in labels] + [str(reason.get("rule", "")) for reason in reasons]
    return any(rule.startswith(f"{FIND_FAMILY}:") for rule in rules) and any(
        rule.rpartition(":")[2] in CONFLICT_ZONE_GROUPS for rule in rules
    )


def _with_judged(query: Query, ids: Sequence[int] | None = None) -> Query:
    """The query over listings with their newest observation and assessment, with `Judged` and `Told`."""
    flags = select(Assessment.listing_id, func.max(Assessment.id).label("id")).where(_raised(Assessment))
    if ids is not None:
        flags = flags.where(Assessment.listing_id.in_(ids))
        query = query.where(Listing.id.in_(ids))
    last = flags.group_by(Assessment.listing_id).subquery("last_flag")
    return (
        query.select_from(Listing)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .join(Assessment, Assessment.id == Listing.current_assessment_id)
        .outerjoin(last, last.c.listing_id == Listing.id)
        .join(
            Judged,
            Judged.id == case((_raised(Assessment), Assessment.id), else_=func.coalesce(last.c.id, Assessment.id)),
        )
        .join(Told, Told.id == Judged.observation_id)
    )


def _belongs_here() -> ColumnElement[bool]:
    return or_(_raised(Judged), _for_the_eye(), _drawn().is_not(None))


def _raised(assessment: type[Assessment]) -> ColumnElement[bool]:
    return or_(assessment.flagged, assessment.must_be_seen)


def _drawn() -> ScalarSelect[str]:
    """Why a listing was drawn; null for one that was not."""
    marks = select(func.min(ReviewMark.kind)).where(ReviewMark.listing_id == Listing.id)
    return marks.correlate(Listing).scalar_subquery()


def _is_former(listing: Listing, judged: Assessment) -> bool:
    return judged.id != listing.current_assessment_id


def _flagged(filters: Filters) -> Select[*tuple[Any, ...]]:
    query = _with_judged(
        select(
            Listing.id,
            Listing.changed_after_decision,
            Observation.seller_id,
            Observation.ends_at,
            Judged.labels,
            Judged.reasons,
            Judged.band,
            Judged.score,
            Judged.flagged,
            Judged.priority,
            Judged.must_be_seen,
            _drawn().label("drawn"),
            ObjectMember.object_id,
        )
    )
    query = query.outerjoin(ObjectMember, ObjectMember.listing_id == Listing.id).where(_belongs_here())
    waiting = or_(Listing.current_decision_id.is_(None), Listing.changed_after_decision)
    if filters.state == "waiting":
        query = query.where(waiting)
    elif filters.state == "changed":
        query = query.where(Listing.changed_after_decision)
    elif filters.state == "decided":
        query = query.where(and_(Listing.current_decision_id.is_not(None), ~Listing.changed_after_decision))
    if filters.market:
        query = query.where(Listing.market == filters.market)
    if filters.band:
        query = query.where(Judged.band == filters.band)
    if filters.language:
        query = query.where(Judged.language == filters.language)
    if filters.seller:
        query = query.where(Observation.seller_name == filters.seller)
    if filters.priority:
        query = query.where(Judged.priority == filters.priority)
    if filters.verdict:
        query = query.join(Decision, Decision.id == Listing.current_decision_id)
        query = query.where(Decision.verdict == filters.verdict)
    for word in fold(filters.text).split():
        said = (seen.folded_text.contains(word, autoescape=True) for seen in (Observation, Told))
        query = query.where(or_(*said))
    return query


def _for_the_eye() -> ColumnElement[bool]:
    """A picture that an officer saved, without words: no model can judge it, so that only a person can."""
    return and_(Observation.crawl_id.is_(None), Observation.description.is_(None))


def _busy_sellers(session: Session) -> set[int]:
    """Sellers with several flagged listings, of markets that allow counting what one of their users offers."""
    rows = session.scalars(
        select(Observation.seller_id)
        .join(Listing, Listing.current_observation_id == Observation.id)
        .join(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(
            Assessment.flagged,
            Observation.seller_id.is_not(None),
            Listing.id_space.not_in(uncountable(session)),
        )
    )
    return {seller for seller, count in Counter(rows).items() if seller is not None and count >= BUSY_SELLER}


def _ends_soon(ends_at: datetime | None, now: datetime) -> Literal["", "24h", "72h"]:
    if ends_at is None or ends_at <= now:
        return ""
    if ends_at - now < timedelta(hours=24):
        return "24h"
    return "72h" if ends_at - now < timedelta(hours=72) else ""
