"""The queue's filters as conditions on its entries, which SQLite and PostgreSQL answer alike."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, column, false, func, literal_column, select, table, true
from sqlalchemy.dialects.postgresql import ARRAY

from storage.folding import fold
from storage.queue_filters import NOBODY, Filters
from storage.tables import QueueEntry, QueueFacet

GRAM = 3
"""Characters that the search index is made of: shorter words are looked for in every text."""
_MILLIMETRES = Decimal(10)


def conditions(
    filters: Filters, entry: type[QueueEntry], dialect: str, *, by_waiting: bool = True
) -> list[ColumnElement[bool]]:
    """What an entry has to be to pass the filters; `dialect`: sqlite or postgresql.

    Without `by_waiting` no index finds those that wait: SQLite, which knows nothing of how many there are, would else
    look through all that wait for each entry of an object.
    """
    return [
        *_state(filters, entry, by_waiting),
        *_equal(filters, entry),
        *_ranges(filters, entry),
        *_text(filters, entry, dialect),
    ]


def _state(filters: Filters, entry: type[QueueEntry], by_waiting: bool) -> list[ColumnElement[bool]]:
    if filters.state == "all":
        return []
    waiting = entry.waiting if by_waiting else func.coalesce(entry.waiting, false())
    waits = waiting.is_(filters.state != "decided")
    return [waits, entry.changed.is_(True)] if filters.state == "changed" else [waits]


def _equal(filters: Filters, entry: type[QueueEntry]) -> list[ColumnElement[bool]]:
    columns: list[tuple[str, Any]] = [
        (filters.market, entry.market),
        (filters.band, entry.band),
        (filters.language, entry.language),
        (filters.priority, entry.priority),
        (filters.verdict, entry.verdict),
        (filters.seller, entry.seller_name),
        (filters.country, entry.country),
        (filters.currency, entry.currency),
    ]
    found = [in_entry == value for value, in_entry in columns if value]
    if filters.route:
        found.append(entry.from_source_or_transit.is_(True))
    if filters.assignee:
        found.append(entry.assignee.is_(None) if filters.assignee == NOBODY else entry.assignee == filters.assignee)
    for kind, value in (("type", filters.object_type), ("culture", filters.culture), ("red_list", filters.red_list)):
        if value:
            of_entry = (QueueFacet.kind == kind, QueueFacet.value == value, QueueFacet.listing_id == entry.listing_id)
            found.append(select(true()).where(*of_entry).correlate(entry).exists())
    return found


def _ranges(filters: Filters, entry: type[QueueEntry]) -> list[ColumnElement[bool]]:
    shortest, longest = (None if one is None else one * _MILLIMETRES for one in (filters.size_min, filters.size_max))
    first = None if filters.since is None else datetime.combine(filters.since, time(), UTC)
    past = None if filters.until is None else datetime.combine(filters.until, time(), UTC) + timedelta(days=1)
    bounds: list[tuple[Any, Any, Any]] = [
        (entry.price, filters.price_min, filters.price_max),
        (entry.longest_mm, shortest, longest),
        (entry.weight_grams, filters.weight_min, filters.weight_max),
    ]
    found = [of_entry >= low for of_entry, low, _ in bounds if low is not None]
    found += [of_entry <= high for of_entry, _, high in bounds if high is not None]
    if first is not None:
        found.append(entry.first_seen_at >= first)
    if past is not None:
        found.append(entry.first_seen_at < past)
    return found


def _text(filters: Filters, entry: type[QueueEntry], dialect: str) -> list[ColumnElement[bool]]:
    """Every word stands somewhere in the text. PostgreSQL's index only narrows down, so that what it finds is read."""
    words = fold(filters.text).split()
    found = [entry.said.contains(word, autoescape=True) for word in words]
    indexed = [word for word in words if len(word) >= GRAM]
    if not indexed:
        return found
    if dialect == "postgresql":
        grams = sorted({word[at : at + GRAM] for word in indexed for at in range(len(word) - GRAM + 1)})
        of_text = func.queue_grams(entry.said, type_=ARRAY(Text))
        return [of_text.contains(cast(grams, ARRAY(Text))), *found]
    # A phrase finds just what holds its letters in a row; in quotes it is text, whatever operators it holds.
    asked = " ".join('"' + word.replace('"', '""') + '"' for word in indexed)
    matching: Select[tuple[int]] = (
        select(column("rowid")).select_from(table("queue_text")).where(literal_column("queue_text").op("MATCH")(asked))
    )
    short = [entry.said.contains(word, autoescape=True) for word in words if len(word) < GRAM]
    return [entry.listing_id.in_(matching), *short]


def first_of_its_object(
    filters: Filters, entry: type[QueueEntry], other: type[QueueEntry], comes_before: ColumnElement[bool], dialect: str
) -> ColumnElement[bool]:
    """Whether no other listing of the same object passes the filters and comes before."""
    passes = conditions(filters, other, dialect, by_waiting=False)
    better = select(true()).where(other.object_id == entry.object_id, *passes, comes_before).correlate(entry).exists()
    return entry.object_id.is_(None) | and_(entry.object_id.is_not(None), ~better)
