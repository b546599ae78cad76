"""Keeping the queue's entries true: each follows from other rows and is made anew when one of these changes.

Triggers note whose entry is stale, whoever writes (`migrations/versions/0023_queue.py`); the transaction that made it
so brings it up to date before it commits, so that a reader finds an order and has nothing to work out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from storage.dispatch import country_of
from storage.queue_ranks import (
    BUSY_SELLER,
    BUSY_STEP,
    CONFLICT,
    is_conflict_zone_find,
    rank_after_hour,
    rank_before_hour,
)
from storage.sellers import followed, uncountable
from storage.tables import (
    Assessment,
    Decision,
    Listing,
    ListingAssignment,
    ObjectMember,
    Observation,
    QueueEntry,
    QueueFacet,
    QueueStale,
    ReviewMark,
    User,
    utc_now,
)

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
AT_ONCE = 500
_LOCK = 7_415_265_023
"""Any number will do that nobody else locks in this database."""
SOURCE_OR_TRANSIT = "ships_from_source_or_transit"
Judged = aliased(Assessment, name="judged")
"""The assessment that brings a listing into the queue: its newest if that raises it, else the last that ever did.

A listing is raised by a flag, or by a rule that sends it to a person whatever its score.
"""
Told = aliased(Observation, name="told")
"""What `Judged` was told of the listing."""
_ENTRIES = cast(Table, QueueEntry.__table__)


def bring_up_to_date(session: Session) -> int:
    """Make stale entries anew, in the caller's transaction; how many listings that were."""
    session.flush()
    if session.scalar(select(QueueStale.id).limit(1)) is None:
        return 0
    if session.get_bind().dialect.name == "postgresql":
        # Whoever comes second sees what the first has committed, so that sellers' listings are counted right.
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    done = 0
    stale = select(QueueStale.listing_id).distinct().order_by(QueueStale.listing_id).limit(AT_ONCE)
    while ids := session.scalars(stale).all():
        session.execute(delete(QueueStale).where(QueueStale.listing_id.in_(ids)), execution_options=_PLAIN)
        _remake(session, ids)
        done += len(ids)
    return done


_PLAIN = {"synchronize_session": False}


def note_all_stale(session: Session) -> None:
    """Have every entry made anew before the transaction ends: for a database in which triggers were off."""
    flagged = select(Assessment.listing_id).where(raised(Assessment))
    shown = select(Listing.id).join(Observation, Observation.id == Listing.current_observation_id)
    everyone = flagged.union(
        select(ReviewMark.listing_id), shown.where(_for_the_eye()), select(QueueEntry.listing_id)
    ).subquery()
    session.execute(insert(QueueStale).from_select(["listing_id"], select(everyone)), execution_options=_PLAIN)


def with_judged(query: Query, ids: Sequence[int]) -> Query:
    """The query over these listings with their newest observation and assessment, with `Judged` and `Told`."""
    flags = select(Assessment.listing_id, func.max(Assessment.id).label("id")).where(raised(Assessment))
    last = flags.where(Assessment.listing_id.in_(ids)).group_by(Assessment.listing_id).subquery("last_flag")
    return (
        query.select_from(Listing)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .join(Assessment, Assessment.id == Listing.current_assessment_id)
        .outerjoin(last, last.c.listing_id == Listing.id)
        .join(
            Judged,
            Judged.id == case((raised(Assessment), Assessment.id), else_=func.coalesce(last.c.id, Assessment.id)),
        )
        .join(Told, Told.id == Judged.observation_id)
        .where(Listing.id.in_(ids))
    )


def raised(assessment: type[Assessment]) -> ColumnElement[bool]:
    return or_(assessment.flagged, assessment.must_be_seen)


def _for_the_eye() -> ColumnElement[bool]:
    """A picture that an officer saved, without words: no model can judge it, so that only a person can."""
    return and_(Observation.crawl_id.is_(None), Observation.description.is_(None))


def _drawn() -> ScalarSelect[str]:
    """Why a listing was drawn; null for one that was not."""
    marks = select(func.min(ReviewMark.kind)).where(ReviewMark.listing_id == Listing.id)
    return marks.correlate(Listing).scalar_subquery()


def _assignee() -> ScalarSelect[str]:
    newest = (
        select(ListingAssignment.user_id)
        .where(ListingAssignment.listing_id == Listing.id)
        .order_by(ListingAssignment.id.desc())
        .limit(1)
        .correlate(Listing)
        .scalar_subquery()
    )
    return select(User.name).where(User.id == newest).correlate(Listing).scalar_subquery()


def _remake(session: Session, ids: Sequence[int]) -> None:
    before = {
        row.listing_id: row
        for row in session.execute(
            select(
                QueueEntry.listing_id, QueueEntry.seller_id, QueueEntry.waiting, QueueEntry.entered_at,
                QueueEntry.busy_seller,
            ).where(QueueEntry.listing_id.in_(ids))
        )
    }  # fmt: skip
    now, watched, barred = utc_now(), followed(session), uncountable(session)
    entries: list[dict[str, Any]] = []
    facets: list[dict[str, Any]] = []
    for row in session.execute(_belonging(ids)):
        old = before.get(row.id)
        entry = _entry(row, is_followed=row.seller_id in watched, is_barred=row.id_space in barred)
        stays = old is not None and (old.waiting or not entry["waiting"])
        entry["entered_at"] = old.entered_at if old is not None and stays else now
        entries.append(entry)
        facets += [{"kind": k, "value": v, "listing_id": row.id} for k, v in sorted(_facets(row.answers))]
    _write(session, ids, before.keys(), entries, facets)
    sellers = {row.seller_id for row in before.values()} | {entry["seller_id"] for entry in entries}
    _count_sellers(session, sorted(seller for seller in sellers if seller is not None))


def _belonging(ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    drawn = _drawn()
    query = select(
        Listing.id,
        Listing.market,
        Listing.id_space,
        Listing.first_seen_at,
        Listing.changed_after_decision,
        Decision.verdict,
        Observation.seller_id,
        Observation.seller_name,
        Observation.location,
        Observation.ends_at,
        Observation.price,
        Observation.currency,
        Observation.dimensions,
        Observation.weight_grams,
        Observation.folded_text,
        Assessment.flagged.label("flagged_now"),
        Judged.id.label("judged_id"),
        Judged.labels,
        Judged.reasons,
        Judged.answers,
        Judged.band,
        Judged.score,
        Judged.flagged,
        Judged.language,
        Judged.priority,
        Judged.must_be_seen,
        Told.id.label("told_id"),
        Told.folded_text.label("told_text"),
        drawn.label("drawn"),
        _assignee().label("assignee"),
        ObjectMember.object_id,
    )
    return (
        with_judged(query, ids)
        .outerjoin(ObjectMember, ObjectMember.listing_id == Listing.id)
        .outerjoin(Decision, Decision.id == Listing.current_decision_id)
        .where(or_(raised(Judged), _for_the_eye(), drawn.is_not(None)))
    )


def _entry(row: Any, *, is_followed: bool, is_barred: bool) -> dict[str, Any]:
    conflict = row.priority == CONFLICT or (row.priority is None and is_conflict_zone_find(row.labels, row.reasons))
    priority = row.priority or ""
    decided = row.verdict is not None
    changed = row.changed_after_decision
    return {
        "listing_id": row.id,
        "assessment_id": row.judged_id,
        "told_id": row.told_id,
        "waiting": not decided or changed,
        "changed": changed,
        "drawn": row.drawn if row.drawn and not (row.flagged or row.must_be_seen) else "",
        "rank_before_hour": rank_before_hour(priority=priority, changed=changed, conflict_zone=conflict),
        # Whether the seller is busy is asked when all entries of this round are written.
        "rank_after_hour": rank_after_hour(followed=is_followed, busy=False, priority=priority, band=row.band),
        "minus_score": -row.score,
        "ends_at": row.ends_at,
        "conflict_zone": conflict,
        "followed_seller": is_followed,
        "busy_seller": False,
        "must_be_seen": row.must_be_seen,
        "counted": row.flagged_now and not is_barred,
        "object_id": row.object_id,
        "market": row.market,
        "language": row.language,
        "band": row.band,
        "priority": row.priority,
        "verdict": row.verdict,
        "assignee": row.assignee,
        "seller_id": row.seller_id,
        "seller_name": row.seller_name,
        "country": country_of(row.location),
        "from_source_or_transit": SOURCE_OR_TRANSIT in _ids(((row.answers or {}).get("red_flags") or {}).get("flags")),
        "price": row.price,
        "currency": row.currency,
        "longest_mm": max((Decimal(one["mm"]) for one in row.dimensions or ()), default=None),
        "weight_grams": row.weight_grams,
        "first_seen_at": row.first_seen_at,
        "said": row.folded_text if row.told_text == row.folded_text else f"{row.folded_text}\n{row.told_text}",
    }


def _facets(answers: dict[str, Any] | None) -> set[tuple[str, str]]:
    found = {("type", one) for one in _ids((answers or {}).get("types"))}
    found |= {("culture", one) for one in _ids((answers or {}).get("periods"))}
    for entry in (answers or {}).get("red_list") or ():
        found |= {("red_list", entry["list"]), ("red_list", f"{entry['list']}/{entry['category']}")}
    return found


def _ids(findings: Iterable[dict[str, Any]] | None) -> set[str]:
    return {one["id"] for one in findings or ()}


def _write(
    session: Session,
    ids: Sequence[int],
    known: Iterable[int],
    entries: Sequence[dict[str, Any]],
    facets: Sequence[dict[str, Any]],
) -> None:
    there = set(known)
    new = [entry for entry in entries if entry["listing_id"] not in there]
    old = [entry for entry in entries if entry["listing_id"] in there]
    gone = there - {entry["listing_id"] for entry in entries}
    session.execute(delete(QueueFacet).where(QueueFacet.listing_id.in_(ids)), execution_options=_PLAIN)
    if gone:
        session.execute(delete(QueueEntry).where(QueueEntry.listing_id.in_(gone)), execution_options=_PLAIN)
    if new:
        session.execute(insert(_ENTRIES), new)
    if old:
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in old[0] if name != "listing_id"}
        session.connection().execute(
            update(_ENTRIES).where(_ENTRIES.c.listing_id == bindparam("new_listing_id")).values(columns),
            [{f"new_{name}": value for name, value in entry.items()} for entry in old],
        )
    if facets:
        session.execute(insert(QueueFacet), facets)


def _count_sellers(session: Session, sellers: Sequence[int]) -> None:
    """Raise the entries of sellers that have several flagged listings now, and let those of others down again."""
    if not sellers:
        return
    counts = dict(
        session.execute(
            select(QueueEntry.seller_id, func.count())
            .where(QueueEntry.seller_id.in_(sellers), QueueEntry.counted)
            .group_by(QueueEntry.seller_id)
        ).all()
    )
    busy = [seller for seller in sellers if counts.get(seller, 0) >= BUSY_SELLER]
    for is_busy, some in ((True, busy), (False, sorted(set(sellers) - set(busy)))):
        if some:
            step = -BUSY_STEP if is_busy else BUSY_STEP
            session.execute(
                update(QueueEntry)
                .where(QueueEntry.seller_id.in_(some), QueueEntry.busy_seller.is_(not is_busy))
                .values(busy_seller=literal(is_busy), rank_after_hour=QueueEntry.rank_after_hour + step),
                execution_options=_PLAIN,
            )
