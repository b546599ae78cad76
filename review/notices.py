"""What every page shows of a person's alerts, and the queue of their saved searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from storage.alerts import count_alerts
from storage.saved_searches import visible_searches
from storage.tables import SavedSearch

if TYPE_CHECKING:
    from review.desk import Desk, Visitor


def unread_alerts(desk: Desk, visitor: Visitor | None) -> Callable[[], int]:
    """Asked by the template where it shows the count."""

    def count() -> int:
        if visitor is None:
            return 0
        with desk.database.reading() as session:
            return count_alerts(session, visitor.user, unread=True)

    return count


def saved_searches(desk: Desk, visitor: Visitor | None) -> Callable[[], list[SavedSearch]]:
    """Asked by the template that offers them."""

    def found() -> list[SavedSearch]:
        if visitor is None:
            return []
        with desk.database.reading() as session:
            return visible_searches(session, visitor.user)

    return found
