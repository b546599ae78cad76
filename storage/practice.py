"""Answers given in the practice queue: kept apart from decisions, figures, training and the audit log."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.decisions import DISMISSAL_REASONS, NEXT_STEPS, VERDICTS
from storage.tables import PracticeAnswer, PracticeRound, User, utc_now


class PracticeError(RelicwatchError):
    """An answer cannot be kept as sent: an unknown choice, or a dismissal without its reason."""


def open_round(session: Session, user: User) -> PracticeRound | None:
    """The person's round that is not finished yet."""
    unfinished = select(PracticeRound).where(PracticeRound.user_id == user.id, PracticeRound.finished_at.is_(None))
    return session.scalars(unfinished.order_by(PracticeRound.id.desc()).limit(1)).first()


def begin_round(session: Session, user: User) -> PracticeRound:
    """A new round; one that was left open ends here as it stands."""
    left = open_round(session, user)
    if left is not None:
        left.finished_at = utc_now()
    begun = PracticeRound(user_id=user.id)
    session.add(begun)
    session.flush()
    return begun


def answers_of(session: Session, round_id: int) -> dict[str, PracticeAnswer]:
    """Item -> what was answered in this round."""
    rows = session.scalars(select(PracticeAnswer).where(PracticeAnswer.round_id == round_id))
    return {row.item: row for row in rows}


def keep_answer(
    session: Session, round_: PracticeRound, item: str, verdict: str, next_step: str, reason: str | None
) -> PracticeAnswer:
    """Keep the first answer to an item; a second one changes nothing. Raises PracticeError."""
    if verdict not in VERDICTS or next_step not in NEXT_STEPS:
        raise PracticeError("Choose a verdict and a next step.")
    if next_step == "dismiss" and reason not in DISMISSAL_REASONS:
        raise PracticeError("A dismissal needs its reason: choose one of the list.")
    there = answers_of(session, round_.id).get(item)
    if there is not None:
        return there
    answer = PracticeAnswer(
        round_id=round_.id,
        item=item,
        verdict=verdict,
        next_step=next_step,
        reason=reason if next_step == "dismiss" else None,
    )
    session.add(answer)
    session.flush()
    return answer


def finish_round(session: Session, round_: PracticeRound) -> None:
    if round_.finished_at is None:
        round_.finished_at = utc_now()


def last_finished(session: Session, user: User) -> PracticeRound | None:
    ended = select(PracticeRound).where(PracticeRound.user_id == user.id, PracticeRound.finished_at.is_not(None))
    return session.scalars(ended.order_by(PracticeRound.id.desc()).limit(1)).first()


def time_taken(round_: PracticeRound) -> timedelta:
    """From its start to its end, or until now."""
    return (round_.finished_at or utc_now()) - round_.started_at
