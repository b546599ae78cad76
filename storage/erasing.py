"""Deleting rows, and the tombstones that stay: all in the caller's transaction, before any file goes. # EV-34"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from storage.audit import AuditChain
from storage.folding import fold
from storage.holds import holds_on
from storage.masking import mask_contacts, mask_record
from storage.photo_traces import forget_traces
from storage.queue_filters import read_filters
from storage.tables import (
    Alarm,
    AlarmReceipt,
    Alert,
    Assessment,
    Attachment,
    Capture,
    Case,
    CaseAssignment,
    CaseNote,
    Decision,
    DeliveryAlarm,
    DeliveryAlert,
    Exhibit,
    Export,
    Listing,
    ListingAlias,
    ListingAssignment,
    ListingNote,
    MarketApproval,
    Match,
    MatchVerdict,
    ObjectCandidate,
    ObjectIdStatement,
    ObjectKey,
    ObjectLook,
    ObjectMember,
    ObjectMove,
    ObjectStatement,
    Observation,
    Outcome,
    PendingUnlink,
    QueueEntry,
    QueueFacet,
    RaisedHit,
    ReceivedBundle,
    ReceivedExhibit,
    ReceivedRecord,
    Referral,
    RegisterEntry,
    ReviewMark,
    SavedSearch,
    SearchNotice,
    Segment,
    Seller,
    SellerFollow,
    SellerSign,
    SellerVerdict,
    SourceReading,
    Tombstone,
)

DELETED = "deleted"
CAPTURE_DELETED = "DELETED"
NAMED_FILES = (
    MarketApproval.definition_sha256,
    MarketApproval.terms_sha256,
    MarketApproval.robots_sha256,
    SourceReading.terms_sha256,
    SourceReading.robots_sha256,
    Attachment.sha256,
    ReceivedExhibit.picture_sha256,
)
"""Files of the home that a market's approval names, a reading of its terms before that, or a proof in a case."""
REQUEST = "request"
"""The rule of what a person asked for, against the kinds of period."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """By which rule, why, by whom and when something is deleted."""

    chain: AuditChain
    rule: str
    reason: str
    actor: str
    at: datetime


def bury(
    session: Session,
    erasure: Erasure,
    *,
    kind: str,
    object_id: object,
    sha256: str | None,
    size: int = 0,
    listing_id: int | None = None,
    event_on: tuple[str, object] | None = None,
    files: Sequence[tuple[str, str]] = (),
) -> Tombstone:
    """Keep the tombstone, its event in the log, and the names of the files that are to go after the commit.

    `event_on`: what the event is about where that is not the thing itself; a bundle lists events about its listings.
    """
    tombstone = Tombstone(
        kind=kind,
        object_id=str(object_id),
        listing_id=listing_id,
        sha256=sha256,
        size=size,
        rule=erasure.rule,
        reason=erasure.reason,
        erased_by=erasure.actor,
        erased_at=erasure.at,
    )
    session.add(tombstone)
    session.flush()
    session.add_all(PendingUnlink(store=store, name=name, tombstone_id=tombstone.id) for store, name in files)
    if pictures := [name for store, name in files if store == "files"]:
        forget_traces(session, pictures)
    about, id_ = event_on or (kind, object_id)
    erasure.chain.record(
        session,
        actor=erasure.actor,
        action=DELETED,
        object_kind=about,
        object_id=id_,
        details={
            "tombstone": tombstone.id,
            "kind": kind,
            "object": str(object_id),
            "sha256": sha256,
            "bytes": size,
            "rule": erasure.rule,
            "reason": erasure.reason,
        },
    )
    return tombstone


# -- captures ---------------------------------------------------------------------------------------------------


def segments_of(session: Session, listing_id: int) -> list[Segment]:
    """Sealed files that hold captures of a listing, or what its observations were read from."""
    # Two questions and no OR, for which either database would read the whole table.
    read_from = select(Capture.segment_id).join(Observation, Observation.capture_id == Capture.id)
    held = {
        *session.scalars(select(Capture.segment_id).where(Capture.listing_id == listing_id).distinct()),
        *session.scalars(read_from.where(Observation.listing_id == listing_id).distinct()),
    }
    return list(
        session.scalars(
            select(Segment)
            .where(Segment.store == "evidence", Segment.state != DELETED, Segment.id.in_(held))
            .order_by(Segment.id)
        )
    )


def others_in(session: Session, segment_id: int) -> set[int]:
    """The listings that a sealed file holds captures of and that were not erased."""
    read_from = select(Observation.listing_id).join(Capture, Capture.id == Observation.capture_id)
    wanted = select(Capture.listing_id).where(Capture.segment_id == segment_id, Capture.listing_id.is_not(None))
    ids = {*session.scalars(wanted), *session.scalars(read_from.where(Capture.segment_id == segment_id))}
    whole = select(Observation.listing_id).where(
        Observation.listing_id.in_(ids), Observation.personal_erased_at.is_(None)
    )
    return {id_ for id_ in session.scalars(whole.distinct()) if id_ is not None}


def is_named(session: Session, sha256: str) -> bool:
    """Whether any row still names this content-named file."""
    kept = select(Capture.id).where(
        Capture.sha256 == sha256,
        Capture.kind != "exchange",
        Capture.segment_id.is_(None),
        Capture.state.not_in((CAPTURE_DELETED, "FAILED")),
    )
    if session.scalar(kept.limit(1)):
        return True
    if any(session.scalar(select(column).where(column == sha256).limit(1)) for column in NAMED_FILES):
        return True
    in_register = select(RegisterEntry.id).where(cast(RegisterEntry.photos, Text).contains(sha256))
    return session.scalar(in_register.limit(1)) is not None


def register_photos(session: Session) -> set[str]:
    rows = session.scalars(select(RegisterEntry.photos))
    return {str(photo["sha256"]) for photos in rows for photo in photos if photo.get("sha256")}


def derivatives_of(session: Session, listing_id: int) -> list[Capture]:
    """Files of the home made from a listing's captures: thumbnails, screenshots, DOM, PDF."""
    rows = session.scalars(
        select(Capture)
        .where(Capture.listing_id == listing_id, Capture.kind != "exchange")
        .where(Capture.state.not_in((CAPTURE_DELETED, "FAILED")))
        .order_by(Capture.id)
    )
    # Sifted here: asked with the rest, SQLite would go through the index of all content-named files.
    return [row for row in rows if row.segment_id is None]


def erase_captures(session: Session, erasure: Erasure, listing_id: int) -> int:
    """A listing's sealed files and derivatives: marked, buried, and named for unlinking. Returns the bytes that go.

    Call it when the listing's observations are erased: a file that another listing still needs stays.
    """
    freed = 0
    for segment in segments_of(session, listing_id):
        if others_in(session, segment.id) - {listing_id}:
            continue
        bury(
            session,
            erasure,
            kind="segment",
            object_id=segment.id,
            sha256=segment.sha256,
            size=segment.length,
            listing_id=listing_id,
            event_on=("listing", listing_id),
            files=[("evidence", segment.name)],
        )
        segment.state, segment.deleted_at = DELETED, erasure.at
        session.execute(
            update(Capture).where(Capture.segment_id == segment.id).values(state=CAPTURE_DELETED, note=None)
        )
        freed += segment.length
    for capture in derivatives_of(session, listing_id):
        capture.state = CAPTURE_DELETED
        session.flush()
        named = is_named(session, capture.sha256)
        bury(
            session,
            erasure,
            kind="file",
            object_id=capture.id,
            sha256=capture.sha256,
            size=capture.payload_bytes,
            listing_id=listing_id,
            event_on=("listing", listing_id),
            files=[] if named else [("files", capture.sha256)],
        )
        freed += 0 if named else capture.payload_bytes
    return freed


def bury_transit(session: Session, erasure: Erasure, segment: Segment, sha256: str | None, size: int) -> None:
    """A transit segment: its row says deleted, the rows of its captures go unless something names them."""
    segment.state, segment.deleted_at = DELETED, erasure.at
    bury(
        session,
        erasure,
        kind="segment",
        object_id=segment.id,
        sha256=sha256,
        size=size,
        files=[("transit", segment.name)],
    )
    copy = aliased(Capture)
    session.execute(
        delete(Capture)
        .where(Capture.segment_id == segment.id)
        .where(~exists().where(copy.source_id == Capture.id))
        .where(~exists().where(Observation.capture_id == Capture.id))
        .execution_options(synchronize_session=False)
    )


# -- listings ---------------------------------------------------------------------------------------------------


def erase_personal_fields(session: Session, erasure: Erasure, listing_id: int) -> int:
    """Seller, place, pictures, and what the text tells of how to reach anyone; the text about the object stays.

    Returns the bytes of the files that go.
    """
    rows = list(
        session.scalars(
            select(Observation)
            .where(Observation.listing_id == listing_id, Observation.personal_erased_at.is_(None))
            .order_by(Observation.id)
        )
    )
    sellers = {row.seller_id for row in rows if row.seller_id}
    names = sorted({name for row in rows if (name := row.seller_name)}, key=len, reverse=True)
    for row in rows:
        row.title = mask_contacts(row.title, names) if row.title else row.title
        row.description = mask_contacts(row.description, names) if row.description else row.description
        row.folded_text = fold(f"{row.title or ''} {row.description or ''}")
        row.seller_name = f"seller {row.seller_id}" if row.seller_id else None
        row.seller_id = row.location = row.canonical_url = None
        row.images, row.sources, row.problems = [], {}, []
        row.personal_erased_at = erasure.at
    for judged in session.scalars(select(Assessment).where(Assessment.listing_id == listing_id)):
        judged.reasons = mask_record(judged.reasons, names)
        judged.answers = mask_record(judged.answers, names)
    for alarm in session.scalars(select(Alarm).where(Alarm.listing_id == listing_id)):
        alarm.reasons = mask_record(alarm.reasons, names)
    session.flush()
    digest = hashlib.sha256("".join(row.digest for row in rows).encode()).hexdigest()
    bury(
        session,
        erasure,
        kind="personal_fields",
        object_id=listing_id,
        sha256=digest,
        listing_id=listing_id,
        event_on=("listing", listing_id),
    )
    _mask_statements(session, listing_id, names)
    _mask_grounds(session, listing_id, names)
    freed = erase_captures(session, erasure, listing_id)
    erase_unnamed_sellers(session, erasure, sellers)
    return freed


def _mask_statements(session: Session, listing_id: int, names: Sequence[str]) -> None:
    """What officers stated, masked as the listing's own text is; the database lets it where a tombstone says so."""
    for stated in session.scalars(select(ObjectIdStatement).where(ObjectIdStatement.listing_id == listing_id)):
        source = mask_record(stated.source, names)
        if source["kind"] == "text":
            said = getattr(session.get_one(Observation, source["observation"]), source["field"]) or ""
            source["text"] = said[source["start"] : source["end"]]
        stated.source = source
        stated.value = mask_contacts(stated.value, names) if stated.value else stated.value
    session.flush()


def _mask_grounds(session: Session, listing_id: int, names: Sequence[str] | None) -> None:
    """What spoke for a listing being one object with another, or the lost one: names and contacts in it masked.

    Without `names` all that is quoted of either text goes; part and weight stay, since the statement does. The database
    lets it where a tombstone says so.
    """
    words = [word for name in names or () for word in (name, *name.split())]

    def masked(why: list[Any]) -> list[Any]:
        if names is not None:
            return [mask_record(one, words) for one in why]
        quoted = ("ours", "theirs")
        return [{k: "" if k in quoted else v for k, v in one.items()} if isinstance(one, dict) else one for one in why]

    objects = set(session.scalars(select(ObjectMove.to_object_id).where(ObjectMove.listing_id == listing_id)))
    if not objects and names is None:
        return
    moved = select(ObjectMove.statement_id).where(
        or_(ObjectMove.to_object_id.in_(objects), ObjectMove.from_object_id.in_(objects))
    )
    stated = session.scalars(
        select(ObjectStatement).where(ObjectStatement.id.in_(moved), ObjectStatement.kind == "join")
    )
    own = [one for one in stated if listing_id in (one.details.get("listing"), one.details.get("with"))]
    found: list[ObjectStatement | ObjectCandidate | Match] = [*own]
    if names is not None:  # else they go with the listing
        one_of = or_(ObjectCandidate.listing_id == listing_id, ObjectCandidate.other_listing_id == listing_id)
        found += session.scalars(select(ObjectCandidate).where(one_of))
        found += session.scalars(select(Match).where(Match.listing_id == listing_id))
    for told in found:
        if (why := masked(told.why)) != told.why:
            told.why = why
    session.flush()


def erase_listing(session: Session, erasure: Erasure, listing_id: int) -> int:
    """The whole record, with decisions about it and its place in cases. Returns the bytes of the files that go."""
    return erase_listings(session, erasure, [listing_id])


def erase_listings(session: Session, erasure: Erasure, listing_ids: Sequence[int]) -> int:
    """The same of many: each is buried by itself, and their rows go together, which costs a fraction."""
    freed = 0
    sellers: set[int] = set()
    for listing_id in listing_ids:
        listing = session.get_one(Listing, listing_id)
        observations = list(session.scalars(select(Observation).where(Observation.listing_id == listing_id)))
        sellers |= {row.seller_id for row in observations if row.seller_id}
        for row in observations:
            row.personal_erased_at = row.personal_erased_at or erasure.at
        session.flush()
        bury(
            session,
            erasure,
            kind="listing",
            object_id=listing_id,
            sha256=_digest_of(listing, observations),
            listing_id=listing_id,
        )
        _mask_grounds(session, listing_id, None)
        freed += erase_captures(session, erasure, listing_id)
    _delete_rows(session, listing_ids)
    erase_unnamed_sellers(session, erasure, sellers)
    return freed


def _delete_rows(session: Session, listing_ids: Sequence[int]) -> None:
    session.expire_all()

    def run(statement: Any) -> None:
        session.execute(statement.execution_options(synchronize_session=False))

    current = ("current_observation_id", "current_assessment_id", "current_decision_id")
    run(update(Listing).where(Listing.id.in_(listing_ids)).values(dict.fromkeys(current)))
    matches = select(Match.id).where(Match.listing_id.in_(listing_ids))
    run(delete(MatchVerdict).where(MatchVerdict.match_id.in_(matches)))
    alarms = select(Alarm.id).where(Alarm.listing_id.in_(listing_ids))
    for of_alarm in (AlarmReceipt, DeliveryAlarm):
        run(delete(of_alarm).where(of_alarm.alarm_id.in_(alarms)))
    told = select(Alert.id).where(Alert.listing_id.in_(listing_ids))
    run(delete(DeliveryAlert).where(DeliveryAlert.alert_id.in_(told)))
    candidate = or_(ObjectCandidate.listing_id.in_(listing_ids), ObjectCandidate.other_listing_id.in_(listing_ids))
    run(delete(ObjectCandidate).where(candidate))
    queued = (QueueEntry, QueueFacet, ListingAssignment)
    for derived in (
        ObjectLook,
        ObjectKey,
        ObjectMember,
        ObjectMove,
        ObjectIdStatement,
        SellerSign,
        Attachment,
        ListingNote,
        *queued,
    ):
        run(delete(derived).where(derived.listing_id.in_(listing_ids)))
    received = select(ReceivedExhibit.id).where(ReceivedExhibit.listing_id.in_(listing_ids))
    run(delete(ReceivedRecord).where(ReceivedRecord.exhibit_id.in_(received)))
    run(delete(ReceivedExhibit).where(ReceivedExhibit.listing_id.in_(listing_ids)))
    run(update(Export).where(Export.listing_id.in_(listing_ids)).values(listing_id=None))
    for table in (
        Alert,
        RaisedHit,
        Match,
        Alarm,
        ReviewMark,
        Exhibit,
        Outcome,
        Decision,
        Assessment,
        Observation,
        ListingAlias,
    ):
        run(delete(table).where(table.listing_id.in_(listing_ids)))
    # Working copies stay with their segment until its time; what was made of them or sealed goes.
    transit = select(Segment.id).where(Segment.store == "transit", Segment.state != DELETED)
    own = Capture.listing_id.in_(listing_ids)
    run(update(Capture).where(own, Capture.segment_id.in_(transit)).values(listing_id=None))
    other, seen = aliased(Capture), aliased(Observation)
    gone = select(Capture.id).where(own)
    run(update(Capture).where(Capture.source_id.in_(gone)).values(source_id=None))
    needed = or_(exists().where(seen.capture_id == Capture.id), exists().where(other.source_id == Capture.id))
    run(update(Capture).where(own, needed).values(listing_id=None))
    run(delete(Capture).where(own))
    run(delete(Listing).where(Listing.id.in_(listing_ids)))


def _digest_of(listing: Listing, observations: Sequence[Observation]) -> str:
    """What the record was, for whoever has a copy: its key and the digests of its observations."""
    record = [listing.id_space, listing.native_id, [row.digest for row in observations]]
    return hashlib.sha256(json.dumps(record, ensure_ascii=False).encode()).hexdigest()


def _searches_for(session: Session, seller: Seller) -> list[int]:
    """Saved searches for a seller, by number, or by a name that nobody else bears."""
    found = list(session.scalars(select(SavedSearch.id).where(SavedSearch.seller_id == seller.id)))
    others = select(Seller.id).where(Seller.name == seller.name, Seller.id != seller.id).limit(1)
    if session.scalar(others) is None:
        by_name = session.scalars(select(SavedSearch).where(SavedSearch.query.contains("seller=")))
        found += [row.id for row in by_name if read_filters(row.query)[0].seller == seller.name]
    return found


def erase_unnamed_sellers(session: Session, erasure: Erasure, ids: set[int]) -> int:
    """Those of the sellers that no observation names any more, unless a hold is on them."""
    held = holds_on(session, "seller")
    gone = 0
    for id_ in sorted(ids - set(held)):
        seller = session.get(Seller, id_)
        named = select(Observation.id).where(Observation.seller_id == id_).limit(1)
        if seller is None or session.scalar(named) is not None:
            continue
        text = json.dumps([seller.id_space, seller.native_id, seller.name], ensure_ascii=False)
        # The name could be guessed from a digest of so short a text: the tombstone has none.
        bury(session, erasure, kind="seller", object_id=id_, sha256=None, size=len(text.encode()))
        searches = _searches_for(session, seller)
        session.execute(delete(SearchNotice).where(SearchNotice.search_id.in_(searches)))
        session.execute(delete(SavedSearch).where(SavedSearch.id.in_(searches)))
        for said in (SellerSign, SellerFollow):
            session.execute(delete(said).where(said.seller_id == id_))
        session.execute(delete(SellerVerdict).where(or_(SellerVerdict.seller_id == id_, SellerVerdict.other_id == id_)))
        session.delete(seller)
        gone += 1
    session.flush()
    return gone


def erase_case(session: Session, erasure: Erasure, case: Case, files: Sequence[tuple[Export, str]]) -> None:
    """A case without exhibits: title and notes go, reference and log stay; `files` are its bundles in the home."""
    text = json.dumps([case.reference, case.title, case.note], ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    for export, name in files:
        bury(
            session,
            erasure,
            kind="export",
            object_id=export.bundle_id,
            sha256=export.sha256,
            event_on=("case", case.id),
            files=[("exports", name)],
        )
    for bundle in session.scalars(select(ReceivedBundle).where(ReceivedBundle.case_id == case.id)):
        _bury_received(session, erasure, bundle)
    bury(session, erasure, kind="case", object_id=case.id, sha256=digest)
    for told in (CaseNote, CaseAssignment, Referral):
        session.execute(delete(told).where(told.case_id == case.id))
    case.title, case.note, case.state = case.reference, None, "erased"
    session.flush()


def _bury_received(session: Session, erasure: Erasure, bundle: ReceivedBundle) -> None:
    """The zip that another unit handed over, and what was read of it; whose key brought it when stays told."""
    bury(
        session,
        erasure,
        kind="export",
        object_id=bundle.bundle_id,
        sha256=bundle.file_sha256,
        size=bundle.length,
        event_on=("case", bundle.case_id),
        files=[("received", f"{bundle.file_sha256}.zip")],
    )
    for told in (ReceivedRecord, ReceivedExhibit):
        session.execute(delete(told).where(told.bundle_id == bundle.id))
    bundle.checks = []
