"""Listings shown to people though nothing flags them: some by chance (audit), and near misses of each market.

The audit share says what is missed; near misses teach the model where it is blind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from crawler.errors import UsageError
from storage.audit import AuditChain
from storage.tables import Assessment, Listing, ReviewMark, ReviewSampling, utc_now

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
AUDIT_SHARE = 0.02
EXPLORE_PER_MARKET = 5
QUEUE_EXPLORE = 0.10
QUEUE_AUDIT = 0.05
EXPLORE_DAYS = 30
"""Near misses are taken from listings first seen in so many days."""
_SAMPLING_LOCK = 0x52575341
"""Any number that nothing else of ours locks in the database."""
EVER_FLAGGED = aliased(Assessment, name="ever_flagged")


def current_sampling(session: Session) -> ReviewSampling:
    """The shares that hold; the defaults, not kept yet, where nothing was drawn and nobody set any."""
    return session.scalars(
        select(ReviewSampling).order_by(ReviewSampling.id.desc()).limit(1)
    ).first() or ReviewSampling(
        audit_share=AUDIT_SHARE,
        explore_per_market=EXPLORE_PER_MARKET,
        queue_explore=QUEUE_EXPLORE,
        queue_audit=QUEUE_AUDIT,
        drawn_to=0,
        drawn_from=0,
        set_by="relicwatch",
    )


def set_sampling(
    session: Session,
    chain: AuditChain,
    *,
    actor: str,
    audit_share: float | None = None,
    explore_per_market: int | None = None,
    queue_explore: float | None = None,
    queue_audit: float | None = None,
) -> ReviewSampling:
    """Set shares for listings not drawn from yet; what is not given stays. Raises UsageError for what is no share."""
    _one_at_a_time(session)
    old = current_sampling(session)
    new = ReviewSampling(
        audit_share=old.audit_share if audit_share is None else audit_share,
        explore_per_market=old.explore_per_market if explore_per_market is None else explore_per_market,
        queue_explore=old.queue_explore if queue_explore is None else queue_explore,
        queue_audit=old.queue_audit if queue_audit is None else queue_audit,
        drawn_to=old.drawn_to,
        drawn_from=old.drawn_to,
        set_by=actor,
    )
    if not 0 <= new.audit_share <= 1 or new.explore_per_market < 0:
        raise UsageError("The audit share is a number from 0 to 1, like 0.02; near misses a market are 0 or more.")
    if not (new.queue_explore >= 0 and new.queue_audit >= 0 and new.queue_explore + new.queue_audit <= 0.5):
        raise UsageError("Near misses and random checks take from 0 to half of the queue's places together, like 0.1.")
    session.add(new)
    session.flush()
    details = {
        name: getattr(new, name) for name in ("audit_share", "explore_per_market", "queue_explore", "queue_audit")
    }
    chain.record(
        session,
        actor=actor,
        action="sampling set",
        object_kind="review_sampling",
        object_id=new.id,
        details=details,
    )
    return new


def sampling_record(sampling: ReviewSampling) -> dict[str, Any]:
    """The shares as `relicwatch models sampling` prints them."""
    return {
        "random_checks_of_places": sampling.queue_audit,
        "near_misses_of_places": sampling.queue_explore,
        "drawn_of_new_listings": sampling.audit_share,
        "near_misses_per_market": sampling.explore_per_market,
        "set_by": sampling.set_by,
        "set_at": sampling.set_at,
    }


def draw(session: Session, *, now: datetime | None = None) -> dict[str, int]:
    """Draw from the listings that came since the last draw; how many were marked of each kind."""
    now = now or utc_now()
    _one_at_a_time(session)
    sampling = current_sampling(session)
    if sampling.id is None:
        session.add(sampling)
        session.flush()
    counts = {
        "audit": _draw_audit(session, sampling, now),
        "explore": _draw_near_misses(session, sampling, now),
    }
    session.flush()
    return counts


def _one_at_a_time(session: Session) -> None:
    """Wait for whoever draws or sets shares now: a listing is drawn from under one row, and once."""
    if session.get_bind().dialect.name == "postgresql":  # in SQLite there is one writer anyway
        session.execute(select(func.pg_advisory_xact_lock(_SAMPLING_LOCK)))


def _draw_audit(session: Session, sampling: ReviewSampling, now: datetime) -> int:
    """Every new listing has the same chance, flagged or not: what a later model thinks of it changes nothing."""
    rows = session.execute(
        select(Listing.id, Listing.id_space, Listing.native_id)
        .where(Listing.id > sampling.drawn_to, Listing.current_assessment_id.is_not(None), ~Listing.demo)
        .order_by(Listing.id)
    ).all()
    drawn = [id_ for id_, space, native in rows if lot(space, native) < sampling.audit_share]
    session.add_all(_marks(drawn, "audit", sampling, now))
    if rows:
        sampling.drawn_to = rows[-1].id
    return len(drawn)


def lot(id_space: str, native_id: str) -> float:
    """A number from 0 to 1 for a listing's key: a draw that anybody can repeat."""
    digest = hashlib.sha256(f"audit\0{id_space}\0{native_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _draw_near_misses(session: Session, sampling: ReviewSampling, now: datetime) -> int:
    """For each market the best scored of what was never flagged, up to as many as may wait there."""
    waiting = dict(
        session.execute(
            select(Listing.market, func.count())
            .join(ReviewMark, ReviewMark.listing_id == Listing.id)
            .where(ReviewMark.kind == "explore", Listing.current_decision_id.is_(None))
            .group_by(Listing.market)
        ).all()
    )
    drawn = 0
    for market in session.scalars(_unflagged(select(Listing.market).distinct(), now)).all():
        wanted = sampling.explore_per_market - waiting.get(market, 0)
        if wanted > 0:
            best = _unflagged(select(Listing.id), now).where(Listing.market == market)
            chosen = session.scalars(best.order_by(Assessment.score.desc(), Listing.id).limit(wanted)).all()
            session.add_all(_marks(chosen, "explore", sampling, now))
            drawn += len(chosen)
    return drawn


def _unflagged(query: Query, now: datetime) -> Query:
    return query.join(Assessment, Assessment.id == Listing.current_assessment_id).where(
        Listing.state == "live",
        ~Listing.demo,
        Listing.first_seen_at >= now - timedelta(days=EXPLORE_DAYS),
        Listing.current_decision_id.is_(None),
        never_flagged(),
        ~exists().where(and_(ReviewMark.listing_id == Listing.id)),
    )


def never_flagged() -> ColumnElement[bool]:
    """Whether no model ever flagged the listing."""
    return ~exists().where(and_(EVER_FLAGGED.listing_id == Listing.id, EVER_FLAGGED.flagged))


def _marks(ids: Sequence[int], kind: str, sampling: ReviewSampling, now: datetime) -> list[ReviewMark]:
    return [ReviewMark(listing_id=id_, kind=kind, sampling_id=sampling.id, drawn_at=now) for id_ in ids]
