"""Alarms: signs of danger to a person in a listing's text. They stand outside the queue until somebody closes them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.database import Database
from storage.objects import objects_with_others
from storage.tables import Alarm, Listing, Observation, utc_now

logger = logging.getLogger(__name__)


class NoSuchAlarm(RelicwatchError):
    """There is no alarm of that number, or it is closed already."""


def raise_alarms(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep new alarms, told in the log as well; how many. One that stands open for its object is not raised again."""
    if not rows:
        return 0
    listings = {row["listing_id"] for row in rows}
    objects = objects_with_others(session, listings)
    listings |= objects.keys()

    def thing(listing: int) -> tuple[str, int]:
        return ("object", objects[listing]) if listing in objects else ("listing", listing)

    standing = session.execute(
        select(Alarm.listing_id, Alarm.observation_id, Alarm.kind, Alarm.closed_at).where(
            Alarm.listing_id.in_(listings)
        )
    ).all()
    open_ones = {(thing(listing), kind) for listing, _, kind, closed_at in standing if closed_at is None}
    known = {(observation, kind) for _, observation, kind, _ in standing}
    fresh: list[dict[str, Any]] = []
    for row in rows:
        one, seen = (thing(row["listing_id"]), row["kind"]), (row["observation_id"], row["kind"])
        if one not in open_ones and seen not in known:
            open_ones.add(one)
            known.add(seen)
            fresh.append(row)
    if fresh:
        session.execute(insert(Alarm), fresh)
    for row in fresh:
        logger.warning(
            "Alarm: listing %s shows a sign of danger to a person (%s). `relicwatch alarms list` tells more; call the "
            "police, and do not wait for the queue.",
            row["listing_id"],
            row["kind"],
        )
    return len(fresh)


def list_alarms(database: Database, *, closed: bool = False) -> list[dict[str, Any]]:
    """The open alarms, newest first; with `closed` those too that somebody has closed.

    `same_object`: the numbers of other open alarms of this kind about the same object, raised before the listings were
    known to offer one thing.
    """
    statement = (
        select(Alarm, Listing, Observation)
        .join(Listing, Listing.id == Alarm.listing_id)
        .join(Observation, Observation.id == Alarm.observation_id)
        .order_by(Alarm.raised_at.desc(), Alarm.id.desc())
    )
    if not closed:
        statement = statement.where(Alarm.closed_at.is_(None))
    with database.reading() as session:
        found = session.execute(statement).all()
        objects = objects_with_others(session, {listing.id for _, listing, _ in found})
        alike: dict[tuple[int, str], list[int]] = {}
        for alarm, listing, _ in found:
            if listing.id in objects and alarm.closed_at is None:
                alike.setdefault((objects[listing.id], alarm.kind), []).append(alarm.id)
        return [
            {
                "id": alarm.id,
                "kind": alarm.kind,
                "raised_at": alarm.raised_at,
                "listing": listing.id,
                "market": listing.market,
                "url": listing.url,
                "title": seen.title,
                "reasons": alarm.reasons,
                "model": alarm.model,
                "closed_at": alarm.closed_at,
                "closed_by": alarm.closed_by,
                "note": alarm.note,
                "same_object": [
                    one for one in alike.get((objects.get(listing.id, 0), alarm.kind), ()) if one != alarm.id
                ],
            }
            for alarm, listing, seen in found
        ]


def close_alarm(session: Session, chain: AuditChain, alarm_id: int, *, actor: str, note: str) -> Alarm:
    """Note what was done about an alarm; the audit log keeps who. Raises NoSuchAlarm."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None:
        raise NoSuchAlarm(f"There is no alarm {alarm_id}: `relicwatch alarms list --closed` shows all.")
    if alarm.closed_at is not None:
        raise NoSuchAlarm(f"Alarm {alarm_id} was closed already by {alarm.closed_by}.")
    if not note.strip():
        raise NoSuchAlarm(f"Alarm {alarm_id} stays open: say with --note what was done, and who was told.")
    alarm.closed_at, alarm.closed_by, alarm.note = utc_now(), actor, note.strip()
    chain.record(
        session,
        actor=actor,
        action="alarm closed",
        object_kind="alarm",
        object_id=alarm.id,
        details={"listing": alarm.listing_id, "kind": alarm.kind},
    )
    return alarm
