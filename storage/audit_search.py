"""The audit log as a person searches it, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from storage.tables import AuditEvent

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class AuditSought:
    """What is looked for; an empty part asks for nothing."""

    actor: str = ""
    action: str = ""
    object_kind: str = ""
    object_id: str = ""


def find_events(session: Session, sought: AuditSought, *, page: int = 1) -> tuple[list[AuditEvent], int]:
    """One page of the events that fit, and how many fit in all."""
    fits = _fits(sought)
    total = session.scalar(select(func.count()).select_from(AuditEvent).where(*fits)) or 0
    newest = select(AuditEvent).where(*fits).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    return list(session.scalars(newest.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))), total


def events_before(session: Session, sought: AuditSought, *, before: int | None, most: int) -> list[AuditEvent]:
    """At most so many of the events that fit, by their number in this database, from the one below `before`."""
    statement = select(AuditEvent).where(*_fits(sought)).order_by(AuditEvent.id.desc()).limit(most)
    return list(session.scalars(statement if before is None else statement.where(AuditEvent.id < before)))


def _fits(sought: AuditSought) -> list[ColumnElement[bool]]:
    columns = {
        AuditEvent.actor: sought.actor,
        AuditEvent.action: sought.action,
        AuditEvent.object_kind: sought.object_kind,
        AuditEvent.object_id: sought.object_id,
    }
    return [column == wanted for column, wanted in columns.items() if wanted]


def audit_choices(session: Session) -> tuple[list[str], list[str]]:
    """Every action and every kind of object that the log knows, in order."""
    actions = session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action))
    kinds = session.scalars(select(AuditEvent.object_kind).distinct().order_by(AuditEvent.object_kind))
    return list(actions), list(kinds)
