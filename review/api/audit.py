"""The audit log, for the data-protection role."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from review.api.access import ApiDesk, Auditing, Caller
from review.api.fields import Line, Page, PageAsked, Shown, from_cursor, page_of
from review.desk import Desk
from storage.audit_chains import log_faults
from storage.audit_search import AuditSought, events_before

router = APIRouter(tags=["audit"])
MOST_FAULTS = 50


class Event(Shown):
    id: int
    chain: str
    sequence: int
    at: datetime
    actor: str
    action: str
    object_kind: str
    object_id: str
    details: dict[str, Any] = Field(description="With `purpose`, and of calls `token`.")
    previous_hash: str
    hash: str


class EventsAsked(PageAsked):
    actor: Line = ""
    action: Line = ""
    object_kind: Line = ""
    object_id: Line = ""


class Checked(Shown):
    sound: bool
    faults: list[str] = Field(description="A sentence each, in English; at most fifty.")


@router.get("/audit")
def events(desk: ApiDesk, caller: Auditing, asked: Annotated[EventsAsked, Query()]) -> Page[Event]:
    """Events, newest first. That they were read stands in the log too."""
    sought = AuditSought(asked.actor, asked.action, asked.object_kind, asked.object_id)
    (before,) = from_cursor(asked.cursor, int) or (None,)
    with desk.database.reading() as session:
        rows = events_before(session, sought, before=before, most=asked.limit + 1)
    _record(desk, caller, "audit log viewed")
    return Page[Event].model_validate(page_of(rows, asked.limit, lambda row: (row.id,)))


@router.get("/audit/check")
def check(desk: ApiDesk, caller: Auditing) -> Checked:
    """Whether every chain of the log holds: all of it is read, which takes its time."""
    caller.spend(30)
    with desk.database.reading() as session:
        faults = list(islice(log_faults(session), MOST_FAULTS))
    _record(desk, caller, "audit log checked")
    return Checked(sound=not faults, faults=faults)


def _record(desk: Desk, caller: Caller, action: str) -> None:
    with desk.writing() as session:
        caller.chain.record(session, actor=caller.user.name, action=action, object_kind="page", object_id="audit")
