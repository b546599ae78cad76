"""What somebody works for while they look at listings: triage, a case or a watch. Each audit entry says it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.cases import find_case, open_cases
from storage.tables import Case, User, UserSession, Watch
from storage.watches import list_watches

TRIAGE = "triage"
MAXIMUM = 100


class PurposeRefused(RelicwatchError):
    """A purpose is `triage`, `case:` and a case's reference, or `watch:` and a watch's number; this is none."""


def checked_purpose(session: Session, text: str) -> str:
    """The purpose as it is kept. Raises PurposeRefused for one that names no case or watch that there is."""
    text = text.strip()
    kind, _, which = text.partition(":")
    if text == TRIAGE:
        return text
    if len(text) <= MAXIMUM and kind == "case":
        case: Case | None = find_case(session, which)
        if case is not None:
            return f"case:{case.reference}"
    if kind == "watch" and which.isascii() and which.isdigit() and len(which) <= 18:
        watch = session.get(Watch, int(which))
        if watch is not None and watch.removed_at is None:
            return f"watch:{watch.id}"
    raise PurposeRefused("A purpose is 'triage', 'case:' and a reference, or 'watch:' and a number.")


def offered_purposes(session: Session) -> list[tuple[str, str, str]]:
    """(purpose, its kind, what a person calls it): triage, the open cases, the watches."""
    cases = [(f"case:{case.reference}", "case", case.reference) for case in open_cases(session)]
    watches = [(f"watch:{watch.id}", "watch", watch.name) for watch in list_watches(session)]
    return [(TRIAGE, TRIAGE, TRIAGE), *cases, *watches]


def choose_purpose(session: Session, chain: AuditChain, *, user: User, csrf_token: str, purpose: str) -> str:
    """Set what a signed-in browser is used for from now on. Raises PurposeRefused."""
    purpose = checked_purpose(session, purpose)
    row = session.scalars(
        select(UserSession).where(UserSession.user_id == user.id, UserSession.csrf_token == csrf_token)
    ).one()
    before, row.purpose = row.purpose, purpose
    if before != purpose:
        chain.record(
            session,
            actor=user.name,
            action="purpose chosen",
            object_kind="user",
            object_id=user.id,
            details={"before": before, "chosen": purpose},
        )
    return purpose
