"""What is to be stamped and what authorities answered, as rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from storage.tables import Capture, Segment, StampLeaf, StampSubject, TimeStamp, utc_now

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
DERIVATIVES = ("screenshot", "screenshot_viewport", "pdf", "dom", "capture_report")
MOST_LEAVES = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that waits for its answer."""

    id: int
    authority: str
    data: bytes
    kind: str
    reference: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A stamped capture: how its SHA-256 leads up to the stamped root."""

    sha256: str
    path: list[dict[str, str]]
    subject: StampSubject
    stamps: list[TimeStamp]


def want_stamps(
    session: Session, *, kind: str, reference: str, data: bytes, authorities: Iterable[str]
) -> StampSubject:
    """Note that these bytes are to be stamped by each authority; the same bytes are one subject."""
    sha256 = hashlib.sha256(data).hexdigest()
    subject = session.scalars(select(StampSubject).where(StampSubject.sha256 == sha256)).one_or_none()
    if subject is None:
        subject = StampSubject(kind=kind, reference=reference, data=data, sha256=sha256)
        session.add(subject)
        session.flush()
    asked = set(session.scalars(select(TimeStamp.authority).where(TimeStamp.subject_id == subject.id)))
    session.add_all(TimeStamp(subject_id=subject.id, authority=name) for name in authorities if name not in asked)
    session.flush()
    return subject


def unstamped_captures(session: Session, most: int = MOST_LEAVES) -> list[str]:
    """SHA-256 of sealed segments and of capture jobs' files that stand in no tree yet, oldest first."""
    found: dict[str, None] = {}
    sealed = (
        select(Segment.sha256)
        .where(Segment.store == "evidence", Segment.state == "sealed", Segment.sha256.is_not(None))
        .where(~exists().where(StampLeaf.sha256 == Segment.sha256))
        .order_by(Segment.id)
        .limit(most)
    )
    files = (
        select(Capture.sha256)
        .where(Capture.kind.in_(DERIVATIVES), Capture.job_id.is_not(None))
        .where(~exists().where(StampLeaf.sha256 == Capture.sha256))
        .order_by(Capture.id)
        .limit(most)
    )
    for statement in (sealed, files):
        found.update(dict.fromkeys(one for one in session.scalars(statement) if one))
    return list(found)[:most]


def keep_leaves(session: Session, subject: StampSubject, leaves: Sequence[tuple[str, list[dict[str, str]]]]) -> None:
    session.add_all(StampLeaf(subject_id=subject.id, sha256=sha256, path=path) for sha256, path in leaves)
    session.flush()


def due_stamps(session: Session, now: datetime | None = None, most: int = 200) -> list[Pending]:
    """Questions whose time has come, oldest first."""
    rows = session.execute(
        select(TimeStamp, StampSubject)
        .join(StampSubject, StampSubject.id == TimeStamp.subject_id)
        .where(TimeStamp.state == "pending", TimeStamp.next_try_at <= (now or utc_now()))
        .order_by(TimeStamp.id)
        .limit(most)
    )
    return [Pending(s.id, s.authority, about.data, about.kind, about.reference, s.attempts) for s, about in rows]


def work_is_due(session: Session, now: datetime | None = None) -> bool:
    """Whether any question waits that may be asked now."""
    return (
        session.scalars(
            select(TimeStamp.id)
            .where(TimeStamp.state == "pending", TimeStamp.next_try_at <= (now or utc_now()))
            .limit(1)
        ).first()
        is not None
    )


def keep_answer(session: Session, stamp_id: int, *, state: str, answer: bytes, **facts: Any) -> bool:
    """Keep a token that holds. False where another process has kept one meanwhile, which stays."""
    row = session.get(TimeStamp, stamp_id, with_for_update=True)
    if row is None or row.state != "pending":
        return False
    row.state, row.answer, row.stamped_at = state, answer, utc_now()
    row.problem = facts.pop("problem", None)
    row.attempts += 1
    for name, value in facts.items():
        setattr(row, name, value)
    return True


def supersede(session: Session, stamp_id: int) -> None:
    """Note that another token stands over this one: it is not stamped again. # EV-41"""
    if (row := session.get(TimeStamp, stamp_id, with_for_update=True)) is not None:
        row.state = "superseded"


def keep_failure(session: Session, stamp_id: int, problem: str, now: datetime | None = None) -> None:
    """Note why there is no token yet; the next try comes after a pause that doubles."""
    row = session.get(TimeStamp, stamp_id, with_for_update=True)
    if row is None or row.state != "pending":
        return
    row.problem = problem
    row.attempts += 1
    row.next_try_at = (now or utc_now()) + min(FIRST_RETRY * 2 ** min(row.attempts - 1, 20), LONGEST_RETRY)


def references(session: Session, kind: str) -> set[str]:
    """What the subjects of one kind belong to."""
    return set(session.scalars(select(StampSubject.reference).where(StampSubject.kind == kind)))


def newest_subject(session: Session, kind: str) -> StampSubject | None:
    return session.scalars(
        select(StampSubject).where(StampSubject.kind == kind).order_by(StampSubject.id.desc()).limit(1)
    ).one_or_none()


def stamps_of(session: Session, *, kind: str, reference: str) -> list[tuple[StampSubject, list[TimeStamp]]]:
    subjects = session.scalars(
        select(StampSubject)
        .where(StampSubject.kind == kind, StampSubject.reference == reference)
        .order_by(StampSubject.id)
    )
    return [(subject, _answers(session, subject)) for subject in subjects]


def leaf_of(session: Session, sha256: str) -> Leaf | None:
    """Where a capture stands in a stamped tree; None where it waits for the next one."""
    row = session.execute(
        select(StampLeaf, StampSubject)
        .join(StampSubject, StampSubject.id == StampLeaf.subject_id)
        .where(StampLeaf.sha256 == sha256)
    ).one_or_none()
    return Leaf(sha256, row[0].path, row[1], _answers(session, row[1])) if row else None


def ending_stamps(session: Session, before: datetime) -> list[tuple[TimeStamp, StampSubject]]:
    """Tokens whose signer's certificate ends before a moment and that are not stamped again yet. # EV-41"""
    rows = session.execute(
        select(TimeStamp, StampSubject)
        .join(StampSubject, StampSubject.id == TimeStamp.subject_id)
        .where(TimeStamp.state.in_(("granted", "flagged")), TimeStamp.signer_until < before)
        .order_by(TimeStamp.id)
    )
    return [(stamp, subject) for stamp, subject in rows]


def list_stamps(session: Session, *, pending: bool = False, most: int = 200) -> list[dict[str, Any]]:
    """Newest first, for a person; with `pending` only what waits for an answer."""
    statement = (
        select(TimeStamp, StampSubject)
        .join(StampSubject, StampSubject.id == TimeStamp.subject_id)
        .order_by(TimeStamp.id.desc())
        .limit(most)
    )
    if pending:
        statement = statement.where(TimeStamp.state == "pending")
    return [
        {
            "stamp": stamp.id,
            "about": subject.kind,
            "reference": subject.reference,
            "authority": stamp.authority,
            "state": stamp.state,
            "time": stamp.gen_time,
            "signer_until": stamp.signer_until,
            "attempts": stamp.attempts,
            "next_try_at": stamp.next_try_at if stamp.state == "pending" else None,
            "problem": stamp.problem,
        }
        for stamp, subject in session.execute(statement)
    ]


def _answers(session: Session, subject: StampSubject) -> list[TimeStamp]:
    return list(session.scalars(select(TimeStamp).where(TimeStamp.subject_id == subject.id).order_by(TimeStamp.id)))
