"""What an alerts job does: new hits are joined to their objects, compared with saved searches, and people are told."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from alerts.hits import make_alerts
from alerts.outbox import send_due
from crawler.errors import RelicwatchError
from crawler.home import Home
from object_links import link_listings
from storage.alarm_notices import queue_alarm_notices
from storage.alerts import waiting_hits
from storage.database import Database
from storage.jobs import ClaimedJob

logger = logging.getLogger(__name__)
BATCH = 100
"""Hits of one transaction."""


def tell(database: Database, home: Home, *, actor: str) -> dict[str, Any]:
    """Everything that is due now: notices of alarms first, then alerts to new hits, and every message that waits.

    Killed at any moment, it goes on where it was: a hit stays in line until its alerts are kept, in one transaction.
    """
    with database.transaction() as session:
        alarms = queue_alarm_notices(session)
    sent = send_due(database, home) if alarms else Counter[str]()
    alerts = hits = 0
    while True:
        with database.reading() as session:
            waiting = [(hit.id, hit.listing_id) for hit in waiting_hits(session, BATCH)]
        if not waiting:
            break
        _join(database, home, {listing for _, listing in waiting}, actor)
        with database.transaction() as session:
            alerts += make_alerts(session, [hit for hit, _ in waiting])
        hits += len(waiting)
    sent += send_due(database, home)
    return {"alarm_notices": alarms, "hits": hits, "alerts": alerts, **{state: n for state, n in sent.items() if n}}


def alert_job(
    database: Database, home: Home, job: ClaimedJob, progress: Callable[[Mapping[str, Any]], None] | None
) -> dict[str, Any]:
    """A job of kind alerts."""
    return tell(database, home, actor=f"job {job.id}")


def _join(database: Database, home: Home, listings: set[int], actor: str) -> None:
    """Know first which of the hits are objects that people were told of already."""
    for listing in sorted(listings):
        try:
            link_listings(database, home, listing=listing, actor=actor)
        except RelicwatchError as error:  # a second alert is better than none
            logger.warning("Listing %s could not be compared with what is stored: %s", listing, error)
