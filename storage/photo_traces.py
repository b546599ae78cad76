"""Traces of pictures as they are stored, and which listings show a picture. What they mean is `matching`'s."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.tables import PendingUnlink, PhotoTrace, ReceivedExhibit, RegisterEntry

TraceRow = tuple[int, str, int, bytes, bytes, bytes]
"""Number, picture, quality of the hash, hash, words, signatures."""
_ROW = (
    PhotoTrace.id,
    PhotoTrace.picture,
    PhotoTrace.quality,
    PhotoTrace.hash,
    PhotoTrace.words,
    PhotoTrace.signatures,
)
_AT_A_TIME = 10_000


def keep_traces(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep the traces of pictures; one that is there stays as it is, one in another vocabulary is replaced."""
    if not rows:
        return
    pictures = [row["picture"] for row in rows]
    other = PhotoTrace.vocabulary != rows[0]["vocabulary"]
    session.execute(delete(PhotoTrace).where(PhotoTrace.picture.in_(pictures), other))
    insert = (postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert)(PhotoTrace)
    session.execute(insert.on_conflict_do_nothing(index_elements=[PhotoTrace.picture]), rows)


def traces_after(session: Session, number: int, vocabulary: int) -> Iterator[list[TraceRow]]:
    """The traces with higher numbers, in their order, some thousand at a time."""
    while rows := session.execute(
        select(*_ROW)
        .where(PhotoTrace.id > number, PhotoTrace.vocabulary == vocabulary)
        .order_by(PhotoTrace.id)
        .limit(_AT_A_TIME)
    ).all():
        yield [_row(row) for row in rows]
        number = rows[-1].id


def traces_of(session: Session, pictures: Collection[str], vocabulary: int) -> dict[str, TraceRow]:
    """By picture, of those that have one."""
    # The sum keeps SQLite from the index of vocabularies, which holds every trace.
    statement = select(*_ROW).where(PhotoTrace.picture.in_(pictures), PhotoTrace.vocabulary + 0 == vocabulary)
    rows = session.execute(statement)
    return {row.picture: _row(row) for row in rows}


def _row(row: Row[*TraceRow]) -> TraceRow:
    number, picture, quality, digest, words, signatures = row
    return number, picture, quality, digest, words, signatures


def pictures_of_traces(session: Session, numbers: Collection[int]) -> dict[int, str]:
    """Number of a trace -> its picture, of those that still stand."""
    rows = session.execute(select(PhotoTrace.id, PhotoTrace.picture).where(PhotoTrace.id.in_(numbers)))
    return {row.id: row.picture for row in rows}


def count_traces(session: Session, vocabulary: int, *, after: int = 0, up_to: int | None = None) -> int:
    """How many traces have numbers above `after`, and not above `up_to`."""
    statement = select(func.count()).where(PhotoTrace.id > after, PhotoTrace.vocabulary == vocabulary)
    return session.scalar(statement if up_to is None else statement.where(PhotoTrace.id <= up_to)) or 0


def forget_traces(session: Session, pictures: Collection[str]) -> None:
    """They go with their files."""
    session.execute(delete(PhotoTrace).where(PhotoTrace.picture.in_(pictures)))


def going_pictures(session: Session, pictures: Collection[str]) -> set[str]:
    """Those whose files a deletion has named and that are about to go."""
    wanted = select(PendingUnlink.name).where(PendingUnlink.store == "files", PendingUnlink.name.in_(pictures))
    return set(session.scalars(wanted))


def listings_showing(session: Session, pictures: Collection[str], most: int) -> dict[str, list[int]]:
    """Picture -> the newest listings that show it as their small first picture, at most so many of each."""
    if not pictures:
        return {}
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_LATERAL, {"pictures": list(pictures), "most": most}).all()
    else:
        rows = connection.execute(_EACH, {"pictures": json.dumps(list(pictures)), "most": most}).all()
    received = select(ReceivedExhibit.picture_sha256, ReceivedExhibit.listing_id).where(
        ReceivedExhibit.picture_sha256.in_(pictures)
    )
    shown: defaultdict[str, set[int]] = defaultdict(set)
    for picture, listing in (*rows, *session.execute(received)):
        if picture is not None:
            shown[picture].add(listing)
    return {picture: sorted(some, reverse=True)[:most] for picture, some in shown.items()}


_LATERAL = text(
    "SELECT asked.picture, found.listing_id FROM unnest(CAST(:pictures AS text[])) AS asked(picture)"
    " CROSS JOIN LATERAL (SELECT listing_id FROM capture WHERE sha256 = asked.picture AND segment_id IS NULL"
    " AND kind = 'thumbnail' AND state = 'COMPLETE' AND listing_id IS NOT NULL ORDER BY id DESC LIMIT :most) AS found"
)
_EACH = text(
    "SELECT asked.value, found.listing_id FROM json_each(:pictures) AS asked CROSS JOIN capture AS found"
    " WHERE found.id IN (SELECT id FROM capture WHERE sha256 = asked.value AND segment_id IS NULL"
    " AND kind = 'thumbnail' AND state = 'COMPLETE' AND listing_id IS NOT NULL ORDER BY id DESC LIMIT :most)"
)


def entries_showing(session: Session) -> dict[str, int]:
    """Picture -> the newest register entry that it came with."""
    rows = session.execute(select(RegisterEntry.id, RegisterEntry.photos).order_by(RegisterEntry.id))
    return {photo["sha256"]: row.id for row in rows for photo in row.photos if "sha256" in photo}
