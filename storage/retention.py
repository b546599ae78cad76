"""How long each kind of data stays, and which listings, cases and sellers have had their time.

What is deleted and how stands in `storage.erasing`; files and the order of it all in the top-level `retention`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.holds import LOCK, given, lock_retention
from storage.tables import (
    Alarm,
    Assessment,
    AuditEvent,
    Case,
    CaseSchedule,
    Decision,
    Exhibit,
    Export,
    Job,
    Listing,
    Match,
    MatchVerdict,
    Observation,
    RetentionPeriod,
    Seller,
    Watch,
    utc_now,
)

ADMINISTRATOR = "admin"
WATCH_REVIEWED = "watch reviewed"
KINDS: dict[str, tuple[int, str]] = {
    "transit": (30, "working copies of crawls, from the day they were begun"),
    "non_hit": (30, "listings that nothing flagged, from their last sighting; with all that was kept of them"),
    "dismissed_personal": (30, "what is personal in dismissed hits, and their captures, from the decision"),
    "dismissed_record": (180, "the rest of dismissed hits, from the decision"),
    "log": (365, "log files of jobs, from their last line"),
    "orphan": (30, "files that no row names, from their last change"),
    "watch_review": (180, "watches that a person must look at again; deletes nothing"),
    "hit_review": (180, "hits without a decision or case to look at again, from their last sighting; deletes nothing"),
}
"""Kind -> the days that the program ships with, and what it is about. Cases have schedules of their own."""
PURGE_EVERY = timedelta(days=1)
LEAST_DAYS, MOST_DAYS = 1, 36_500


class RetentionRefused(RelicwatchError):
    """A period or schedule cannot be set so: not by an administrator, no reason, unknown kind, not a span of days."""


@dataclass(frozen=True, slots=True)
class Period:
    """How long a kind of data stays, and who said so."""

    kind: str
    days: int
    about: str
    set_by: str | None = None
    set_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DueListing:
    """A listing whose time is over by one rule."""

    rule: str
    listing_id: int
    since: datetime
    """When its time began."""


def list_periods(session: Session) -> dict[str, Period]:
    """Every kind with its period: as set, else as shipped."""
    rows = {row.kind: row for row in session.scalars(select(RetentionPeriod).where(RetentionPeriod.kind != LOCK))}
    return {
        kind: Period(kind, row.days, about, row.set_by, row.set_at, row.reason)
        if (row := rows.get(kind))
        else Period(kind, days, about)
        for kind, (days, about) in KINDS.items()
    }


def set_period(
    session: Session, chain: AuditChain, *, kind: str, days: int, reason: str, actor: str, role: str
) -> Period:
    """Raises RetentionRefused unless `role` is the administrator's and a reason is given."""
    _require_administrator(role)
    if kind not in KINDS:
        raise RetentionRefused(f"{kind!r} is no kind of data: choose one of {', '.join(KINDS)}.")
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise RetentionRefused(f"{days} is no number of days from {LEAST_DAYS} to {MOST_DAYS}.")
    reason = given(reason)
    lock_retention(session)
    before = list_periods(session)
    changed = {**{name: period.days for name, period in before.items()}, kind: days}
    if changed["dismissed_record"] < changed["dismissed_personal"]:
        raise RetentionRefused("dismissed_record cannot be shorter than dismissed_personal, which it ends.")
    session.merge(RetentionPeriod(kind=kind, days=days, reason=reason, set_by=actor, set_at=utc_now()))
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="retention set",
        object_kind="retention",
        object_id=kind,
        details={"days": days, "days_before": before[kind].days, "reason": reason},
    )
    return list_periods(session)[kind]


def set_case_schedule(
    session: Session,
    chain: AuditChain,
    *,
    reference: str,
    keep_until: datetime | None,
    reason: str,
    actor: str,
    role: str,
) -> None:
    """Keep a case until then, or (None) until another rule is set. Raises RetentionRefused."""
    _require_administrator(role)
    reason = given(reason)
    lock_retention(session)
    case = session.scalars(select(Case).where(Case.reference == reference)).one_or_none()
    if case is None:
        raise RetentionRefused(f"There is no case {reference!r}: `relicwatch cases list` shows those there are.")
    there = session.get(CaseSchedule, case.id)
    if keep_until is not None:
        session.merge(
            CaseSchedule(case_id=case.id, keep_until=keep_until, reason=reason, set_by=actor, set_at=utc_now())
        )
    elif there is not None:
        session.delete(there)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="retention set",
        object_kind="case",
        object_id=case.id,
        details={"keep_until": keep_until.isoformat() if keep_until else None, "reason": reason},
    )


def case_schedules(session: Session) -> list[tuple[Case, CaseSchedule]]:
    rows = session.execute(select(Case, CaseSchedule).join(CaseSchedule).order_by(CaseSchedule.keep_until))
    return [(case, schedule) for case, schedule in rows]


def _require_administrator(role: str) -> None:
    if role != ADMINISTRATOR:
        raise RetentionRefused("Only an administrator changes how long data is kept.")


# -- whose time is over -----------------------------------------------------------------------------------------


def is_hit() -> ColumnElement[bool]:
    """Whether it was ever flagged, or a person had anything to do with it. All else is a non-hit, a draw for the
    measure of what was missed included: nobody decided on it while it was there."""
    judged = exists().where(MatchVerdict.match_id == Match.id, MatchVerdict.verdict != "other")
    return or_(
        exists().where(
            Assessment.listing_id == Listing.id, or_(Assessment.flagged.is_(True), Assessment.must_be_seen.is_(True))
        ),
        *(exists().where(table.listing_id == Listing.id) for table in (Decision, Alarm, Exhibit, Export)),
        exists().where(Match.listing_id == Listing.id, or_(Match.band != "weak", judged)),
    )


def is_dismissed() -> ColumnElement[bool]:
    """Whether the decision that stands dismisses it, and nothing changed since."""
    last = aliased(Decision)
    return and_(
        Listing.changed_after_decision.is_(False),
        exists().where(last.id == Listing.current_decision_id, last.next_step == "dismiss"),
    )


def due_listings(session: Session, now: datetime, only: Collection[int] | None = None) -> list[DueListing]:
    """Whose time is over, the oldest first, each by one rule; who keeps them all the same is `keepers`' to say."""
    periods = list_periods(session)

    def before(kind: str) -> datetime:
        return now - timedelta(days=periods[kind].days)

    personal = exists().where(Observation.listing_id == Listing.id, Observation.personal_erased_at.is_(None))
    dismissed = select(Listing.id, Decision.decided_at).join(Decision, Decision.id == Listing.current_decision_id)
    questions = {
        "case": select(Listing.id, func.max(CaseSchedule.keep_until))
        .join(Exhibit, Exhibit.listing_id == Listing.id)
        .join(CaseSchedule, CaseSchedule.case_id == Exhibit.case_id)
        .where(CaseSchedule.keep_until <= now)
        .group_by(Listing.id),
        "dismissed_record": dismissed.where(is_dismissed(), Decision.decided_at <= before("dismissed_record")),
        "dismissed_personal": dismissed.where(
            is_dismissed(), Decision.decided_at <= before("dismissed_personal"), personal
        ),
        "non_hit": select(Listing.id, Listing.last_seen_at).where(
            Listing.last_seen_at <= before("non_hit"), not_(is_hit())
        ),
    }
    found: dict[int, DueListing] = {}
    for rule, question in questions.items():
        asked = question if only is None else question.where(Listing.id.in_(only))
        for id_, since in session.execute(asked):
            found.setdefault(id_, DueListing(rule, id_, since))
    return sorted(found.values(), key=lambda due: (due.since, due.listing_id))


def keepers(session: Session, now: datetime) -> dict[int, list[str]]:
    """Listing -> the cases whose time is not over and the bundles handed out that keep it, in words."""
    kept: dict[int, list[str]] = defaultdict(list)
    in_cases = (
        select(Exhibit.listing_id, Case.reference)
        .join(Case, Case.id == Exhibit.case_id)
        .outerjoin(CaseSchedule, CaseSchedule.case_id == Case.id)
        .where(or_(CaseSchedule.keep_until.is_(None), CaseSchedule.keep_until > now))
    )
    for listing_id, reference in session.execute(in_cases):
        kept[listing_id].append(f"case {reference}")
    for handed_out, bundle_id in session.execute(
        select(Export.listing_id, Export.bundle_id).where(Export.listing_id.is_not(None))
    ):
        assert handed_out is not None
        kept[handed_out].append(f"bundle {bundle_id}")
    return kept


def due_cases(session: Session, now: datetime) -> list[tuple[Case, datetime]]:
    """Cases whose schedule is over and which were not emptied yet."""
    rows = session.execute(
        select(Case, CaseSchedule.keep_until)
        .join(CaseSchedule, CaseSchedule.case_id == Case.id)
        .where(CaseSchedule.keep_until <= now, Case.state != "erased")
        .order_by(CaseSchedule.keep_until)
    )
    return [(case, until) for case, until in rows]


def unnamed_sellers(session: Session) -> list[Seller]:
    """Sellers that no observation names any more; a crawl writes both in one transaction."""
    return list(
        session.scalars(select(Seller).where(~exists().where(Observation.seller_id == Seller.id)).order_by(Seller.id))
    )


def watches_to_review(session: Session, now: datetime) -> list[tuple[Watch, datetime]]:
    """Watches that nobody has looked at for the period, with when somebody last did."""
    limit = now - timedelta(days=list_periods(session)["watch_review"].days)
    looked: dict[str, datetime] = {}
    for id_, at in session.execute(
        select(AuditEvent.object_id, func.max(AuditEvent.at))
        .where(AuditEvent.object_kind == "watch", AuditEvent.action == WATCH_REVIEWED)
        .group_by(AuditEvent.object_id)
    ):
        looked[id_] = at
    rows = session.scalars(select(Watch).where(Watch.removed_at.is_(None)).order_by(Watch.id))
    since = [(watch, looked.get(str(watch.id), watch.created_at)) for watch in rows]
    return [(watch, at) for watch, at in since if at <= limit]


def review_watch(session: Session, chain: AuditChain, *, name: str, reason: str, actor: str) -> None:
    """Note that somebody has looked whether a watch is still needed. Raises RetentionRefused for an unknown one."""
    watch = session.scalars(select(Watch).where(Watch.name == name, Watch.removed_at.is_(None))).one_or_none()
    if watch is None:
        raise RetentionRefused(f"There is no watch {name!r}: `relicwatch watch list` shows those there are.")
    details = {"reason": given(reason)}
    chain.record(session, actor=actor, action=WATCH_REVIEWED, object_kind="watch", object_id=watch.id, details=details)


def hits_to_review(session: Session, now: datetime) -> list[tuple[int, datetime]]:
    """Hits that are neither dismissed nor in a case and were not seen for the period: only a person ends them."""
    limit = now - timedelta(days=list_periods(session)["hit_review"].days)
    rows = session.execute(
        select(Listing.id, Listing.last_seen_at)
        .where(Listing.last_seen_at <= limit, is_hit(), not_(is_dismissed()))
        .where(~exists().where(Exhibit.listing_id == Listing.id))
        .order_by(Listing.last_seen_at)
    )
    return [(id_, at) for id_, at in rows]


def purge_is_due(session: Session, now: datetime | None = None) -> bool:
    """Whether no purge job was made for a day, nor on the first day of an installation."""
    since = session.scalar(select(func.max(Job.created_at)).where(Job.kind == "purge")) or session.scalar(
        select(func.min(AuditEvent.at))
    )
    return since is not None and (now or utc_now()) - since >= PURGE_EVERY
