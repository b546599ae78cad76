"""What somebody works for while they look at listings: triage, a case or a watch. Each audit entry says it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.cases import find_case
from storage.tables import Case, Watch

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
