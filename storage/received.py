"""What other units handed over: whose keys are trusted, and what their bundles say, kept apart from what is our own.

A received listing stands among ours, so that it is found and compared; whatever was decided, logged or captured by the
other unit stays in `received_record` under the bundle that brought it, and enters neither our decisions nor our log.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crawler.items import ListingItem
from storage.audit import AuditChain
from storage.listings import ListingWriter
from storage.tables import (
    Case,
    Listing,
    Observation,
    ReceivedBundle,
    ReceivedExhibit,
    ReceivedRecord,
    UnitTrust,
)


@dataclass(frozen=True, slots=True)
class ToldListing:
    """A listing as a bundle shows it, with all that the other unit says about it."""

    number: str
    item: ListingItem
    state_proof: str | None
    first_seen_at: Any
    records: Sequence[tuple[str, Mapping[str, Any]]]
    """Kind and content of each `ReceivedRecord`."""
    picture_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedListing:
    """An exhibit of a received bundle as the desk shows it."""

    exhibit: ReceivedExhibit
    decisions: Sequence[Mapping[str, Any]]
    outcomes: Sequence[Mapping[str, Any]]
    captures: int


@dataclass(frozen=True, slots=True)
class ReceivedCase:
    """What the newest bundle of a received case says; earlier ones are kept and named."""

    bundle: ReceivedBundle
    listings: Sequence[ReceivedListing]
    custody: Sequence[Mapping[str, Any]]
    objects: Sequence[Mapping[str, Any]]
    earlier: Sequence[ReceivedBundle]
    trusted: bool
    """Whether the key still counts."""

    pictures: Mapping[int, int] = field(default_factory=dict)
    """Listing -> the received exhibit whose picture shows it."""


# -- keys of other units ----------------------------------------------------------------------------------------


def trust_of(session: Session, fingerprint: str) -> UnitTrust | None:
    """What was said last of a key."""
    said = select(UnitTrust).where(UnitTrust.fingerprint == fingerprint).order_by(UnitTrust.id.desc())
    return session.scalars(said.limit(1)).first()


def list_units(session: Session) -> list[UnitTrust]:
    """The newest word on each key, those said last first."""
    newest: dict[str, UnitTrust] = {}
    for one in session.scalars(select(UnitTrust).order_by(UnitTrust.id.desc())):
        newest.setdefault(one.fingerprint, one)
    return list(newest.values())


def say_trust(
    session: Session, chain: AuditChain, fingerprint: str, *, name: str, trusted: bool, actor: str
) -> UnitTrust:
    """A person's word that a key is that unit's, or that it counts no longer."""
    said = UnitTrust(fingerprint=fingerprint, name=name, trusted=trusted, said_by=actor)
    session.add(said)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="unit trusted" if trusted else "unit no longer trusted",
        object_kind="unit",
        object_id=fingerprint,
        details={"name": name},
    )
    return said


# -- bundles ----------------------------------------------------------------------------------------------------


def find_received(session: Session, bundle_id: str) -> ReceivedBundle | None:
    return session.scalars(select(ReceivedBundle).where(ReceivedBundle.bundle_id == bundle_id)).one_or_none()


def case_received(session: Session, fingerprint: str, their_reference: str) -> Case | None:
    """Our case that holds an earlier bundle of the same case of the same unit."""
    found = session.scalars(
        select(Case)
        .join(ReceivedBundle, ReceivedBundle.case_id == Case.id)
        .where(ReceivedBundle.fingerprint == fingerprint, ReceivedBundle.their_reference == their_reference)
        .order_by(ReceivedBundle.id.desc())
    )
    return found.first()


def keep_listing(session: Session, bundle: ReceivedBundle, told: ToldListing, *, demo: bool) -> ReceivedExhibit:
    """Keep one exhibit with its records. What we know of the listing ourselves stays what it shows."""
    listing_id, observation_id, brought = _observe(session, told, demo=demo)
    exhibit = ReceivedExhibit(
        bundle_id=bundle.id,
        number=told.number,
        listing_id=listing_id,
        observation_id=observation_id,
        brought=brought,
        picture_sha256=told.picture_sha256,
    )
    session.add(exhibit)
    session.flush()
    keep_records(session, bundle, told.records, exhibit)
    return exhibit


def keep_records(
    session: Session,
    bundle: ReceivedBundle,
    records: Sequence[tuple[str, Mapping[str, Any]]],
    exhibit: ReceivedExhibit | None = None,
) -> None:
    rows = [
        {"bundle_id": bundle.id, "exhibit_id": exhibit.id if exhibit else None, "kind": kind, "told": dict(told)}
        for kind, told in records
    ]
    if rows:
        session.execute(insert(ReceivedRecord), rows)


def received_case(session: Session, case: Case) -> ReceivedCase | None:
    """What another unit says in this case; None for a case of our own."""
    newest_first = select(ReceivedBundle).where(ReceivedBundle.case_id == case.id).order_by(ReceivedBundle.id.desc())
    bundles = session.scalars(newest_first).all()
    if not bundles:
        return None
    bundle = bundles[0]
    exhibits = session.scalars(
        select(ReceivedExhibit).where(ReceivedExhibit.bundle_id == bundle.id).order_by(ReceivedExhibit.id)
    ).all()
    records = session.scalars(
        select(ReceivedRecord).where(ReceivedRecord.bundle_id == bundle.id).order_by(ReceivedRecord.id)
    )
    told: dict[tuple[int | None, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        told[record.exhibit_id, record.kind].append(record.told)
    said = trust_of(session, bundle.fingerprint)
    return ReceivedCase(
        bundle,
        [
            ReceivedListing(
                one, told[one.id, "decision"], told[one.id, "outcome"], captures=len(told[one.id, "capture"])
            )
            for one in exhibits
        ],
        told[None, "custody"],
        told[None, "object"],
        bundles[1:],
        said is not None and said.trusted,
        {one.listing_id: one.id for one in exhibits if one.picture_sha256},
    )


def received_pictures(session: Session, listings: Collection[int]) -> dict[int, str]:
    """Listing -> SHA-256 of the thumbnail that came with the newest bundle that shows it."""
    rows = session.execute(
        select(ReceivedExhibit.listing_id, ReceivedExhibit.picture_sha256)
        .where(ReceivedExhibit.listing_id.in_(listings), ReceivedExhibit.picture_sha256.is_not(None))
        .order_by(ReceivedExhibit.id)
    )
    return {listing: sha256 for listing, sha256 in rows if sha256 is not None}


def _observe(session: Session, told: ToldListing, *, demo: bool) -> tuple[int, int, bool]:
    """Listing, observation, and whether the latter came with a bundle. Writes only what is not there yet."""
    item = told.item
    writer = ListingWriter(crawl_id=None, market=item.market, demo=demo)
    known = session.scalars(
        select(Listing).where(Listing.id_space == item.id_space, Listing.native_id == item.native_id)
    ).one_or_none()
    own = _standing(known) if known is not None and known.current_observation_id else None
    if known is not None and (before := _brought_before(session, known.id, item)) is not None:
        return known.id, before, True
    writer.begin(session, [item])
    writer.keep(session, item, [])
    writer.end(session)
    session.flush()
    listing = session.scalars(
        select(Listing).where(Listing.id_space == item.id_space, Listing.native_id == item.native_id)
    ).one()
    observation_id = listing.current_observation_id
    assert observation_id is not None
    brought = own is None or observation_id != own["current_observation_id"]
    if brought:
        row = session.get_one(Observation, observation_id)
        session.execute(
            update(Observation).where(Observation.id == observation_id).values(digest=_as_brought(row.digest))
        )
        session.expire(row)
    if own is not None:
        for name, value in own.items():
            setattr(listing, name, value)
    elif told.state_proof:
        listing.state_proof = told.state_proof
    listing.first_seen_at = min(listing.first_seen_at, told.first_seen_at)
    session.flush()
    return listing.id, observation_id, brought


def _standing(listing: Listing) -> dict[str, Any]:
    """What a listing shows of our own seeing; a bundle of others does not change it."""
    names = (
        "current_observation_id", "current_assessment_id", "state", "state_proof", "changed_after_decision",
        "last_seen_at", "card_fingerprint", "page_read_at", "page_validators",
    )  # fmt: skip
    return {name: getattr(listing, name) for name in names}


def _as_brought(digest: str) -> str:
    """So that the same page, seen by ourselves, is kept as an observation of our own."""
    return hashlib.sha256(f"received:{digest}".encode()).hexdigest()


def _brought_before(session: Session, listing_id: int, item: ListingItem) -> int | None:
    """The observation that an earlier bundle brought, where it was made at the same moment."""
    return session.scalars(
        select(Observation.id)
        .join(ReceivedExhibit, ReceivedExhibit.observation_id == Observation.id)
        .where(
            Observation.listing_id == listing_id,
            ReceivedExhibit.brought,
            Observation.observed_at == item.observed_at,
            Observation.title == item.page.title,
        )
        .limit(1)
    ).first()
