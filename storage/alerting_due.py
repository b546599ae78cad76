"""Whether anybody is to be told of anything now: asked every few seconds, so it only reads, and little."""

from __future__ import annotations

from sqlalchemy.orm import Session

from storage.alarm_notices import alarm_notices_due
from storage.alerts import hits_wait
from storage.deliveries import deliveries_are_due


def alerts_are_due(session: Session) -> bool:
    """Whether a hit, a message or an alarm waits for an alerts job."""
    return hits_wait(session) or deliveries_are_due(session) or bool(alarm_notices_due(session))
