"""Keeping what an officer's saved files say of listings: as a crawl's sightings are kept, but of no crawl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from crawler.errors import RelicwatchError
from crawler.items import ListingItem
from storage.audit import AuditChain
from storage.captures import SAVED_FILE, SAVED_PHOTO, TAKEN_OUT, derivative, thumbnail
from storage.jobs import queue_comparison
from storage.listings import Key, ListingWriter
from storage.tables import Capture, Listing, ListingAlias, Observation

IMPORTED = "imported"
"""Market and id space of what was saved from no market that has a definition."""
_AT_ONCE = 1_000
"""Listings kept in one go: all their keys stand in one statement, and databases bound its parameters."""


class NotFetchable(RelicwatchError):
    """A capture was asked for of what cannot be fetched."""


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """Where the bytes of a saved file stand in the evidence store."""

    segment_id: int
    offset: int
    length: int
    uri: str
    sha256: str
    """Of the file as it was handed over."""
    payload_bytes: int
    media_type: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class SavedPhoto:
    """A photograph out of a saved file, and its thumbnail: both content-named files of the home."""

    url: str
    sha256: str
    size: int
    media_type: str
    thumbnail_sha256: str | None = None
    thumbnail_size: int = 0


@dataclass(slots=True)
class SavedListing:
    """A listing read from a saved file."""

    item: ListingItem
    note: str
    """For its capture: who saved it and when, where in the file it stands."""
    photos: list[SavedPhoto] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KeptListing:
    listing_id: int
    title: str | None
    is_new: bool
    """Whether no listing of this key was known before."""
    from_this_file: bool
    """Whether the file had given it before: then nothing was added."""
    flagged: bool
    wordless: bool
    """Without a description: no model can judge it, and it waits for a person."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a listing shows now, to be left standing where the saved file is older than that."""

    observation_id: int | None
    assessment_id: int | None
    state: str
    state_proof: str | None
    changed_after_decision: bool


def keep_saved(
    session: Session,
    chain: AuditChain,
    record: SavedRecord,
    listings: Sequence[SavedListing],
    *,
    actor: str,
    demo: bool,
) -> list[KeptListing]:
    """Keep the listings of one saved file in the caller's transaction; those it gave before are left as they are.

    A file saved before the last sighting of its listing adds an observation to the history and changes nothing that
    the listing shows now. Photographs' files must be in the home already.
    """
    linked = _linked(session, record.segment_id)
    kept: list[KeptListing] = []
    for market in dict.fromkeys(one.item.market for one in listings):
        of_market = {_key(one.item): one for one in listings if one.item.market == market}  # of one key the last counts
        fresh = [one for key, one in of_market.items() if key not in linked]
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            kept += _keep(session, chain, record, market, some, actor=actor, demo=demo)
        for key, one in of_market.items():
            if key in linked:
                kept.append(_kept(one, linked[key], is_new=False, from_this_file=True))
    return kept


def listing_at(session: Session, url: str) -> int:
    """The listing at an address, as asked for or as its page names itself. Raises NotFetchable where none is stored."""
    found = session.scalars(select(Listing.id).where(Listing.url == url).order_by(Listing.id.desc())).first()
    if found is None:
        canonical = select(Observation.listing_id).where(Observation.canonical_url == url)
        found = session.scalars(canonical.order_by(Observation.id.desc())).first()
    if found is None:
        raise NotFetchable(
            f"No listing is stored at {url}: `relicwatch listings search WORDS` shows those there are. A page of a "
            "market that is not watched is saved in a browser and brought in with `relicwatch import FILE`."
        )
    return found


def check_fetchable(session: Session, listing_id: int) -> None:
    """Raises NotFetchable for a listing that no market can be asked for: it is not there, or came of a file alone."""
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise NotFetchable(f"There is no listing {listing_id}: `relicwatch listings search` shows those there are.")
    if listing.market == IMPORTED or not listing.url.startswith(("http://", "https://")):
        raise NotFetchable(
            f"Listing {listing_id} came of a file that an officer saved: no market can be asked for it. The file is "
            f"sealed as its evidence already: `relicwatch export --listing {listing_id} --to DIR` hands it over."
        )


def _keep(
    session: Session,
    chain: AuditChain,
    record: SavedRecord,
    market: str,
    listings: Sequence[SavedListing],
    *,
    actor: str,
    demo: bool,
) -> list[KeptListing]:
    before = _find(session, [_key(one.item) for one in listings])
    standing = {
        key: _standing(listing) for key, listing in before.items() if _is_later(session, listing, listings, key)
    }
    writer = ListingWriter(crawl_id=None, market=market, demo=demo)
    captures = [_capture(record, one) for one in listings]
    session.add_all(captures)
    session.flush()
    writer.begin(session, [one.item for one in listings])
    for one, capture in zip(listings, captures, strict=True):
        writer.keep(session, one.item, [capture.id])
    writer.end(session)
    session.flush()
    kept: list[KeptListing] = []
    found = _find(session, [_key(one.item) for one in listings])
    for one, capture in zip(listings, captures, strict=True):
        key = _key(one.item)
        listing = found[key]
        listing.first_seen_at = min(listing.first_seen_at, one.item.observed_at)
        if key in standing:
            _restore(listing, standing[key])
        _add_photos(session, one, listing.id, capture.id, record.imported_at)
        kept.append(_kept(one, listing.id, is_new=key not in before, from_this_file=False))
        queue_comparison(session, listing.id, f"import:{capture.id}")
        chain.record(
            session,
            actor=actor,
            action="imported",
            object_kind="listing",
            object_id=listing.id,
            details={"capture": capture.id, "file_sha256": record.sha256, "photos": len(one.photos)},
        )
    return kept


def _kept(one: SavedListing, listing_id: int, *, is_new: bool, from_this_file: bool) -> KeptListing:
    page, assessment = one.item.page, one.item.assessment
    flagged = assessment is not None and assessment.flagged
    return KeptListing(listing_id, page.title, is_new, from_this_file, flagged, wordless=page.description is None)


def _key(item: ListingItem) -> Key:
    return item.id_space, item.native_id


def _linked(session: Session, segment_id: int) -> dict[Key, int]:
    """Listings that the saved file has given already, by every key they are known by."""
    alias = aliased(ListingAlias)
    rows = session.execute(
        select(Listing.id, Listing.id_space, Listing.native_id, alias.id_space, alias.native_id)
        .join(Capture, Capture.listing_id == Listing.id)
        .outerjoin(alias, alias.listing_id == Listing.id)
        .where(Capture.segment_id == segment_id, Capture.kind == SAVED_FILE)
    )
    found: dict[Key, int] = {}
    for listing_id, space, native_id, other_space, other_id in rows:
        found[space, native_id] = listing_id
        if other_id is not None:
            found[other_space, other_id] = listing_id
    return found


def _find(session: Session, keys: Sequence[Key]) -> dict[Key, Listing]:
    if not keys:
        return {}
    alias = aliased(ListingAlias)
    rows = session.execute(
        select(Listing, alias.id_space, alias.native_id)
        .outerjoin(alias, alias.listing_id == Listing.id)
        .where(
            or_(
                tuple_(Listing.id_space, Listing.native_id).in_(keys), tuple_(alias.id_space, alias.native_id).in_(keys)
            )
        )
    )
    found: dict[Key, Listing] = {}
    for listing, space, native_id in rows:
        found[listing.id_space, listing.native_id] = listing
        if native_id is not None:
            found[space, native_id] = listing
    return found


def _is_later(session: Session, listing: Listing, listings: Sequence[SavedListing], key: Key) -> bool:
    """Whether what the listing shows was seen after the file was saved."""
    if listing.current_observation_id is None:
        return False
    saved_at = next((one.item.observed_at for one in listings if _key(one.item) == key), None)
    shown = session.get_one(Observation, listing.current_observation_id)
    return saved_at is not None and shown.observed_at > saved_at


def _standing(listing: Listing) -> _Standing:
    return _Standing(
        listing.current_observation_id,
        listing.current_assessment_id,
        listing.state,
        listing.state_proof,
        listing.changed_after_decision,
    )


def _restore(listing: Listing, standing: _Standing) -> None:
    listing.current_observation_id = standing.observation_id
    listing.current_assessment_id = standing.assessment_id
    listing.state = standing.state
    listing.state_proof = standing.state_proof
    listing.changed_after_decision = standing.changed_after_decision


def _capture(record: SavedRecord, saved: SavedListing) -> Capture:
    return Capture(
        kind=SAVED_FILE,
        url=record.uri,
        captured_at=record.imported_at.astimezone(UTC),
        media_type=record.media_type,
        sha256=record.sha256,
        payload_bytes=record.payload_bytes,
        segment_id=record.segment_id,
        offset=record.offset,
        length=record.length,
        note=saved.note,
    )


def _add_photos(session: Session, saved: SavedListing, listing_id: int, source_id: int, moment: datetime) -> None:
    for photo in saved.photos:
        original = derivative(
            kind=SAVED_PHOTO,
            url=photo.url,
            sha256=photo.sha256,
            size=photo.size,
            media_type=photo.media_type,
            captured_at=moment,
            listing_id=listing_id,
            source_id=source_id,
            note=TAKEN_OUT,
        )
        session.add(original)
        session.flush()
        if photo.thumbnail_sha256:
            size = photo.thumbnail_size
            session.add(thumbnail(photo.url, photo.thumbnail_sha256, size, original.id, listing_id, moment))
    session.flush()
