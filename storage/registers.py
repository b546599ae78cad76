"""Missing-object lists in versions, and the candidates that listings are for their entries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import (
    Assessment,
    Capture,
    Listing,
    Match,
    MatchVerdict,
    Observation,
    RegisterEntry,
    RegisterList,
    utc_now,
)

MOST_SHOWING = 1_000
"""Of entries and of listings that show one of some pictures, the newest."""
LOOKED_FOR = ("stolen", "missing", "looted_site")
"""Of an object that is back, no listing is a candidate."""
Record = dict[str, Any]
VERDICTS = ("same", "other", "unsure")


class RegisterError(RelicwatchError):
    """A list cannot be imported as asked, or what is asked of it is not there."""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as it is kept; see `storage.tables.RegisterEntry`."""

    record_id: str
    status: str
    fields: Record
    original: Record
    sharing: str = "internal"
    photos: list[Record] = field(default_factory=list)

    def digest(self) -> str:
        kept = [self.status, self.fields, self.sharing, self.photos]
        return hashlib.sha256(json.dumps(kept, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Version:
    """What became of an import."""

    list_id: int
    source: str
    version: int
    counts: dict[str, int]


def keep_version(
    session: Session,
    chain: AuditChain,
    *,
    source: str,
    rows: Sequence[EntryRow],
    read_as: Mapping[str, Record],
    faults: Sequence[Record],
    file_name: str,
    file_sha256: str,
    actor: str,
    dated: str | None = None,
    licence: str | None = None,
    whole: bool = True,
) -> Version:
    """Keep a list as the next version of its source, with its audit entry. `read_as`: by digest of the new rows.

    Rows that are as they were keep their entry; a changed one becomes a new entry. Where the file is the `whole` list,
    entries that it no longer holds are withdrawn; else they stand. Raises RegisterError where the same file is the
    newest version already.
    """
    newest = session.scalars(
        select(RegisterList).where(RegisterList.source == source).order_by(RegisterList.version.desc()).limit(1)
    ).one_or_none()
    if newest is not None and newest.file_sha256 == file_sha256:
        raise RegisterError(f"{file_name} is version {newest.version} of {source} already: nothing was changed.")
    standing = {entry.record_id: entry for entry in entries_of(session, source)}
    digests = {row.record_id: row.digest() for row in rows}
    new = [row for row in rows if row.record_id not in standing]
    changed = [r for r in rows if r.record_id in standing and standing[r.record_id].digest != digests[r.record_id]]
    withdrawn = [entry for record, entry in standing.items() if whole and record not in digests]
    counts = {
        "new": len(new),
        "changed": len(changed),
        "unchanged": len(rows) - len(new) - len(changed),
        "withdrawn": len(withdrawn),
        "refused": sum(not fault.get("warning") for fault in faults),
    }
    kept = RegisterList(
        source=source,
        version=(newest.version if newest else 0) + 1,
        file_name=file_name,
        file_sha256=file_sha256,
        dated=dated,
        licence=licence,
        imported_by=actor,
        counts=counts,
        faults=list(faults),
    )
    session.add(kept)
    session.flush()
    gone = [standing[row.record_id].id for row in changed] + [entry.id for entry in withdrawn]
    for some in _chunks(gone):
        session.execute(update(RegisterEntry).where(RegisterEntry.id.in_(some)).values(superseded_in_id=kept.id))
    rows_to_keep = [
        {
            "list_id": kept.id,
            "source": source,
            "record_id": row.record_id,
            "status": row.status,
            "fields": row.fields,
            "original": row.original,
            "digest": digests[row.record_id],
            "read_as": read_as[digests[row.record_id]],
            "photos": row.photos,
            "sharing": row.sharing,
        }
        for row in (*new, *changed)
    ]
    if rows_to_keep:
        session.execute(insert(RegisterEntry), rows_to_keep)
    chain.record(
        session,
        actor=actor,
        action="register imported",
        object_kind="register_list",
        object_id=kept.id,
        details={"source": source, "version": kept.version, "file_sha256": file_sha256, **counts},
    )
    return Version(kept.id, source, kept.version, counts)


def entries_of(session: Session, source: str) -> list[RegisterEntry]:
    """The standing entries of one source."""
    return list(session.scalars(select(RegisterEntry).where(RegisterEntry.source == source, _stands())))


def looked_for(session: Session, source: str | None = None) -> list[RegisterEntry]:
    """Standing entries whose object is still missing, in the order in which they came."""
    statement = select(RegisterEntry).where(_stands(), RegisterEntry.status.in_(LOOKED_FOR)).order_by(RegisterEntry.id)
    if source is not None:
        statement = statement.where(RegisterEntry.source == source)
    return list(session.scalars(statement))


def has_registers(session: Session) -> bool:
    """Whether any object is looked for."""
    return session.scalars(select(RegisterEntry.id).where(_stands()).limit(1)).first() is not None


def list_registers(session: Session) -> list[dict[str, Any]]:
    """The newest version of each source with the number of entries that stand."""
    standing = dict(
        session.execute(
            select(RegisterEntry.source, func.count()).where(_stands()).group_by(RegisterEntry.source)
        ).all()
    )
    newest = select(func.max(RegisterList.id)).group_by(RegisterList.source)
    return [
        {
            "source": one.source,
            "version": one.version,
            "entries": standing.get(one.source, 0),
            "dated": one.dated,
            "licence": one.licence,
            "imported_by": one.imported_by,
            "imported_at": one.imported_at,
            "file": one.file_name,
            "file_sha256": one.file_sha256,
            **one.counts,
        }
        for one in session.scalars(
            select(RegisterList).where(RegisterList.id.in_(newest)).order_by(RegisterList.source)
        )
    ]


@dataclass(frozen=True, slots=True)
class StoredOffer:
    """A listing's newest observation with what its assessment answers."""

    listing: Listing
    observation: Observation
    assessment: Assessment | None


def offers(
    session: Session, *, after: int = 0, limit: int = 500, crawl_id: int | None = None, listings: Sequence[int] = ()
) -> list[StoredOffer]:
    """Stored offers by listing id from the one after `after`: all, those that one crawl saw anew, or those named."""
    statement = (
        select(Listing, Observation, Assessment)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .outerjoin(Assessment, Assessment.id == Listing.current_assessment_id)
        .where(Listing.id > after)
        .order_by(Listing.id)
        .limit(limit)
    )
    if crawl_id is not None:
        statement = statement.where(Observation.crawl_id == crawl_id)
    if listings:
        statement = statement.where(Listing.id.in_(listings))
    return [StoredOffer(*row) for row in session.execute(statement)]


def entry_photos(session: Session, most: int, pictures: Collection[str] = ()) -> list[tuple[int, str, Record]]:
    """(entry, SHA-256 of a picture that came with it, what a reader needs) of what is looked for, newest first.

    With `pictures`: these alone.
    """
    statement = (
        select(RegisterEntry)
        .where(_stands(), RegisterEntry.status.in_(LOOKED_FOR))
        .order_by(RegisterEntry.id.desc())
        .limit(most)
    )
    if pictures:
        statement = statement.where(or_(*(cast(RegisterEntry.photos, Text).contains(one) for one in pictures)))
    return [
        (entry.id, photo["sha256"], {"source": entry.source, "record": entry.record_id, "status": entry.status})
        for entry in session.scalars(statement)
        for photo in entry.photos
        if "sha256" in photo and (not pictures or photo["sha256"] in pictures)
    ][:most]


def told_by_picture(
    session: Session, pictures: Collection[str], *, flagged: bool = False
) -> dict[str, tuple[str, int, Record]]:
    """SHA-256 of a picture -> register or listing, its number, what a reader needs: the newest that shows it.

    Entries that are looked for come before listings. `flagged`: as for `listing_pictures`.
    """
    told: dict[str, tuple[str, int, Record]] = {}
    if pictures:
        for id_, sha256, about in entry_photos(session, MOST_SHOWING, pictures):
            told.setdefault(sha256, ("register", id_, about))
        for id_, sha256, about in listing_pictures(session, MOST_SHOWING, flagged=flagged, pictures=pictures):
            told.setdefault(sha256, ("listing", id_, about))
    return told


def listing_pictures(
    session: Session,
    most: int,
    *,
    listings: Sequence[int] = (),
    flagged: bool = False,
    pictures: Collection[str] = (),
) -> list[tuple[int, str, Record]]:
    """(listing, SHA-256 of its small first picture, what a reader needs), newest first; of those named, or of all.

    `flagged`: of those alone that some model flagged once.
    """
    statement = (
        select(Listing.id, Capture.sha256, Listing.market, Listing.url, Observation.title)
        .join(Capture, Capture.listing_id == Listing.id)
        .join(Observation, Observation.id == Listing.current_observation_id)
        .where(Capture.kind == "thumbnail", Capture.state == "COMPLETE")
        .order_by(Listing.id.desc(), Capture.id.desc())
        .limit(most)
    )
    if listings:
        statement = statement.where(Listing.id.in_(listings))
    if pictures:
        statement = statement.where(Capture.sha256.in_(pictures), Capture.segment_id.is_(None))
    if flagged:
        raised = select(Assessment.id).where(Assessment.listing_id == Listing.id, Assessment.flagged.is_(True))
        statement = statement.where(raised.exists())
    return [
        (id_, sha256, {"market": market, "url": url, "title": title})
        for id_, sha256, market, url, title in session.execute(statement)
    ]


def keep_matches(session: Session, rows: Sequence[Record]) -> int:
    """Keep candidates; one that stands for its observation and entry stays as it was. How many are new."""
    if not rows:
        return 0
    dialect = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    now = utc_now()
    statement = (
        dialect(Match)
        .on_conflict_do_nothing(index_elements=[Match.observation_id, Match.register_entry_id])
        .returning(Match.id)
    )
    return len(session.scalars(statement, [{**row, "found_at": now} for row in rows]).all())


def list_matches(
    session: Session, *, listing_id: int | None = None, most: int = 100, before: int | None = None
) -> list[dict[str, Any]]:
    """Candidates with their newest verdict, strongest first; of all listings, or of one.

    With `before` those of a lower number, newest first.
    """
    newest = (
        select(func.max(MatchVerdict.id)).where(MatchVerdict.match_id == Match.id).correlate(Match).scalar_subquery()
    )
    statement = (
        select(Match, RegisterEntry, Observation, Listing, MatchVerdict)
        .join(RegisterEntry, RegisterEntry.id == Match.register_entry_id)
        .join(Observation, Observation.id == Match.observation_id)
        .join(Listing, Listing.id == Match.listing_id)
        .outerjoin(MatchVerdict, MatchVerdict.id == newest)
        .order_by(*((Match.score.desc(), Match.id) if before is None else (Match.id.desc(),)))
        .limit(most)
    )
    if listing_id is not None:
        statement = statement.where(Match.listing_id == listing_id)
    if before is not None:
        statement = statement.where(Match.id < before)
    return [
        {
            "match": match.id,
            "band": match.band,
            "score": round(match.score, 2),
            "listing": listing.id,
            "market": listing.market,
            "url": listing.url,
            "title": seen.title,
            "source": entry.source,
            "record": entry.record_id,
            "status": entry.status,
            "entry": entry.fields,
            "stands": entry.superseded_in_id is None,
            "why": match.why,
            "found_at": match.found_at,
            "verdict": verdict.verdict if verdict else None,
            "said_by": verdict.said_by if verdict else None,
        }
        for match, entry, seen, listing, verdict in session.execute(statement)
    ]


def say_verdict(
    session: Session, chain: AuditChain, match_id: int, *, verdict: str, actor: str, note: str | None = None
) -> MatchVerdict:
    """Keep what a person says of a candidate, beside whatever was said before. Raises RegisterError."""
    match = session.get(Match, match_id)
    if match is None:
        raise RegisterError(f"There is no candidate {match_id}: `relicwatch registers match` shows those there are.")
    if verdict not in VERDICTS:
        raise RegisterError(f"A verdict is one of {', '.join(VERDICTS)}, not '{verdict}'.")
    said = MatchVerdict(match_id=match_id, verdict=verdict, note=(note or "").strip() or None, said_by=actor)
    session.add(said)
    chain.record(
        session,
        actor=actor,
        action="candidate judged",
        object_kind="listing",
        object_id=match.listing_id,
        details={"match": match_id, "entry": match.register_entry_id, "verdict": verdict},
    )
    return said


def _stands() -> ColumnElement[bool]:
    return RegisterEntry.superseded_in_id.is_(None)


def _chunks(ids: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
