"""The orders of the queue as runs of entries that the database pages through by its indexes.

What ends soon is told from what does not when the queue is asked: an entry is in one run or the other by its end alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, and_, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from storage.queue_conditions import conditions, first_of_its_object
from storage.queue_filters import Filters, Sort
from storage.queue_ranks import DANGER_RANKS, SOON
from storage.tables import QueueEntry

MANY = 5_000
"""A queue of so many entries is not counted anew for each view."""
COUNTED_FOR = timedelta(seconds=3)
"""So old a count of many entries may be: it costs more than all else of a view, and nobody counts along."""
COUNTED_FOR_AT_REST = timedelta(seconds=20)
"""So old it may be while nothing new came to wait."""
NEVER = datetime.max.replace(tzinfo=UTC)
Keys = list[Any]
"""Columns and what is made of them: SQLAlchemy has no one type for both."""
_Other = aliased(QueueEntry, name="other")
_Count = tuple[str, int, int, int]
_COUNTS: WeakKeyDictionary[Engine, dict[Filters, tuple[datetime, Sequence[_Count]]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that stand together, sorted by `keys`, smaller ones first; none of the keys is null."""

    which: Sequence[ColumnElement[bool]]
    keys: Callable[[type[QueueEntry]], Keys]
    count: int
    rank: int | None = None
    """Of all its entries, `QueueEntry.rank_before_hour`; None where entries of all ranks stand in it."""
    soon: bool = False
    """With a rank: whether its entries end soon."""


class Line:
    """Runs of entries one after the other: those that are flagged, or those drawn for one reason."""

    def __init__(self, session: Session, runs: Sequence[Run]) -> None:
        self._session, self._runs = session, runs
        self.count = sum(run.count for run in runs)

    def listings(self, offset: int, limit: int) -> list[int]:
        """The listings of so many entries from this one on."""
        found: list[int] = []
        for run in self._runs:
            if limit <= 0:
                break
            if offset >= run.count:
                offset -= run.count
                continue
            statement = (
                select(QueueEntry.listing_id)
                .where(*run.which)
                .order_by(*run.keys(QueueEntry))
                .offset(offset)
                .limit(min(limit, run.count - offset))
            )
            some = self._session.scalars(statement).all()
            found += some
            offset, limit = 0, limit - len(some)
        return found

    def place_of(self, listing_id: int, rank: int, soon: bool) -> int | None:
        """How many entries stand before this listing's, whose rank and end are told; None where it is not in here."""
        before = 0
        for run in self._runs:
            if run.rank is not None and (run.rank, run.soon) != (rank, soon):
                before += run.count
                continue
            keys = run.keys(QueueEntry)
            # By its listing alone: among the conditions of the run the database prefers an index of many entries.
            asked = select(case((and_(*run.which), 1), else_=0), *keys).where(QueueEntry.listing_id == listing_id)
            own = self._session.execute(asked).first()
            if own is None or not own[0]:
                return None
            bound = [literal(value, key.type) for value, key in zip(own[1:], keys, strict=True)]
            earlier = select(func.count()).select_from(QueueEntry).where(*run.which)
            return before + (self._session.scalar(earlier.where(tuple_(*keys) < tuple_(*bound))) or 0)
        return None


class FoundLine:
    """Entries that a search found, one after the other: they stand in no index in their order, so that all are read."""

    def __init__(self, listings: Sequence[int]) -> None:
        self._listings = listings
        self.count = len(listings)

    def listings(self, offset: int, limit: int) -> list[int]:
        """As `Line.listings`."""
        return list(self._listings[offset : offset + limit])

    def place_of(self, listing_id: int, rank: int, soon: bool) -> int | None:
        """As `Line.place_of`."""
        return self._listings.index(listing_id) if listing_id in self._listings else None


def find_lines(session: Session, filters: Filters, now: datetime) -> Mapping[str, Line | FoundLine]:
    """Reason of being drawn ("" for what is flagged) -> the entries that pass the filters, in the order asked for."""
    dialect = session.get_bind().dialect.name
    before = tuple_(*_whole_keys(filters.sort, _Other, now)) < tuple_(*_whole_keys(filters.sort, QueueEntry, now))
    passing = [
        *conditions(filters, QueueEntry, dialect, by_waiting=not filters.text),
        first_of_its_object(filters, QueueEntry, _Other, before, dialect),
    ]
    if filters.text:
        return _search(session, filters, passing, now)
    runs: dict[str, list[Run]] = {"": [], "explore": [], "audit": []}
    counted = _counted(session, filters, passing, now)
    all_soon = Counter[str]()
    for drawn, _, _, soon_entries in counted:
        all_soon[drawn] += soon_entries
    for drawn, rank, entries, soon_entries in counted:
        # Of a small rank the index of the order is read; the one of the ends holds what ends soon of every rank.
        soon = _ends_soon(QueueEntry, now, by_end=entries > all_soon[drawn])
        which = [*passing, QueueEntry.drawn == drawn, QueueEntry.rank_before_hour == rank]
        if soon_entries:
            runs[drawn].append(Run([*which, soon], _soon_keys, soon_entries, rank, soon=True))
        if entries > soon_entries:
            runs[drawn].append(Run([*which, _ends_not_soon(now)], _value_keys, entries - soon_entries, rank))
    keys: dict[str, Callable[[type[QueueEntry]], Keys]] = {}
    if filters.sort != "urgency":
        keys = dict.fromkeys(runs, partial(_keys, filters.sort, now=now))
    # In the order of their drawing: the best scored first would make those looked at no random sample.
    keys["audit"] = lambda entry: [entry.listing_id]
    for drawn, of_line in keys.items():
        if runs[drawn]:
            count = sum(run.count for run in runs[drawn])
            runs[drawn] = [Run([*passing, QueueEntry.drawn == drawn], of_line, count)]
    return {drawn: Line(session, some) for drawn, some in runs.items()}


def _search(
    session: Session, filters: Filters, passing: Sequence[ColumnElement[bool]], now: datetime
) -> dict[str, FoundLine]:
    statement = select(QueueEntry.drawn, QueueEntry.listing_id).where(*passing)
    lines: dict[str, list[int]] = {"": [], "explore": [], "audit": []}
    for drawn, listing_id in session.execute(statement.order_by(*_keys(filters.sort, QueueEntry, now))):
        lines[drawn].append(listing_id)
    lines["audit"].sort()
    return {drawn: FoundLine(listings) for drawn, listings in lines.items()}


def _counted(
    session: Session, filters: Filters, passing: Sequence[ColumnElement[bool]], now: datetime
) -> Sequence[_Count]:
    """Reason of being drawn, rank, entries and those of them that end soon; of many, as they were moments ago."""
    kept = _COUNTS.setdefault(session.get_bind().engine, {})
    counted_at, counts = kept.get(filters, (None, ()))
    if counted_at is not None and _still_counts(session, counted_at, now):
        return counts
    groups = (QueueEntry.drawn, QueueEntry.rank_before_hour)  # as they stand in the index, so that nothing is sorted
    soon = func.sum(case((_ends_soon(QueueEntry, now), 1), else_=0))
    statement = select(*groups, func.count(), soon).where(*passing).group_by(*groups).order_by(*groups)
    counts = [(drawn, rank, entries, some) for drawn, rank, entries, some in session.execute(statement)]
    if sum(entries for _, _, entries, _ in counts) >= MANY:
        for other in [other for other, (at, _) in list(kept.items()) if abs(now - at) >= COUNTED_FOR_AT_REST]:
            kept.pop(other, None)
        kept[filters] = (now, counts)
    return counts


def _still_counts(session: Session, counted_at: datetime, now: datetime) -> bool:
    age = abs(now - counted_at)
    if age < COUNTED_FOR or age >= COUNTED_FOR_AT_REST:
        return age < COUNTED_FOR
    new = select(literal(1)).where(QueueEntry.waiting.is_(True), QueueEntry.entered_at > counted_at).limit(1)
    return session.scalar(new) is None


def _whole_keys(sort: Sort, entry: type[QueueEntry], now: datetime) -> Keys:
    """The order in full: what was drawn by chance after what was flagged."""
    return [case((entry.drawn == "", 0), else_=1), *_keys(sort, entry, now)]


def _ends_soon(entry: type[QueueEntry], now: datetime, *, by_end: bool = True) -> ColumnElement[bool]:
    """Without `by_end` no index of the ends finds them."""
    if not by_end:
        end = func.coalesce(entry.ends_at, literal(NEVER, entry.ends_at.type))
        return and_(end > now, end < now + SOON)
    return and_(entry.ends_at.is_not(None), entry.ends_at > now, entry.ends_at < now + SOON)


def _ends_not_soon(now: datetime) -> ColumnElement[bool]:
    return or_(QueueEntry.ends_at.is_(None), QueueEntry.ends_at <= now, QueueEntry.ends_at >= now + SOON)


def _value_keys(entry: type[QueueEntry]) -> Keys:
    return [entry.rank_after_hour, entry.minus_score, entry.listing_id]


def _soon_keys(entry: type[QueueEntry]) -> Keys:
    return [entry.ends_at, *_value_keys(entry)]


def _urgency_keys(entry: type[QueueEntry], now: datetime) -> Keys:
    soon = _ends_soon(entry, now)
    ends = case((soon, entry.ends_at), else_=literal(NEVER, entry.ends_at.type))
    return [entry.rank_before_hour, ends, *_value_keys(entry)]


def _keys(sort: Sort, entry: type[QueueEntry], now: datetime) -> Keys:
    """An order that the reader chose; danger to a person stays first in every one."""
    danger_first = case((entry.rank_before_hour < DANGER_RANKS, 0), else_=1)
    if sort == "ending":
        # What has ended is no more pressing than what names no end.
        ends = case((entry.ends_at > now, entry.ends_at), else_=literal(NEVER, entry.ends_at.type))
        return [danger_first, ends, *_urgency_keys(entry, now)]
    if sort == "newest":
        return [danger_first, -entry.listing_id]
    if sort in ("price_high", "price_low"):
        # Amounts are not converted: currency by currency, and what names no price last.
        has_none = case((or_(entry.price.is_(None), entry.currency.is_(None)), 1), else_=0)
        amount = func.coalesce(entry.price, 0)
        return [
            danger_first, has_none, func.coalesce(entry.currency, ""), -amount if sort == "price_high" else amount,
            entry.listing_id,
        ]  # fmt: skip
    return _urgency_keys(entry, now)


def count_entered(session: Session, filters: Filters, since: datetime) -> int:
    """How many entries that pass the filters came to wait after this moment."""
    dialect = session.get_bind().dialect.name
    found: Sequence[ColumnElement[bool]] = conditions(filters, QueueEntry, dialect)
    return (
        session.scalar(select(func.count()).select_from(QueueEntry).where(*found, QueueEntry.entered_at > since)) or 0
    )
