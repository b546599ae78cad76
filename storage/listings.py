"""Keeping what a crawl saw of listings: identity, aliases, observations only on change, gone only on proof."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from crawler.items import Assessment as Assessed
from crawler.items import ExtractedPage, ListingGone, ListingItem, ListingPhoto, ListingUnchanged
from storage.alarms import raise_alarms
from storage.alerts import note_raised
from storage.assessments import alarm_rows, assessment_row, is_for_a_person, is_hit
from storage.captures import thumbnail
from storage.folding import fold
from storage.jobs import insert_jobs
from storage.tables import Assessment, Capture, Crawl, FrontierEntry, Listing, ListingAlias, Observation, Seller

ABSENCES_FOR_GONE = 3
"""Complete crawls in a row that must miss a listing before it counts as gone without an answer from the market."""

LONGEST_SELLER_KEY = 500
KEYS_ASKED_AT_ONCE = 1_000

Key = tuple[str, str]

_CAPTURES = cast(Table, Capture.__table__)
_OBSERVATIONS = cast(Table, Observation.__table__)
_ASSESSMENTS = cast(Table, Assessment.__table__)
# Rows of tables and not objects: each commit writes hundreds, and nothing asks for them again.
_OBSERVE = insert(_OBSERVATIONS).returning(_OBSERVATIONS.c.id, sort_by_parameter_order=True)
_ASSESS = insert(_ASSESSMENTS).returning(_ASSESSMENTS.c.id, sort_by_parameter_order=True)
_CLAIM = update(_CAPTURES).where(_CAPTURES.c.id == bindparam("capture")).values(listing_id=bindparam("listing"))


@dataclass(slots=True)
class _Sighting:
    """What one commit has to write about one listing."""

    listing: Listing
    digest: str | None
    row: dict[str, Any] | None
    """The new observation; None where what is stored still holds."""
    observation_id: int | None = None
    model: str | None = None
    """Which model has judged this observation."""
    assessment: Assessed | None = None
    assessed_at: datetime | None = None


class ListingWriter:
    """Writes one crawl's listings. `begin` is called once a commit, so that known listings are read in one question.

    Without a `crawl_id` they are of no crawl (an officer's import): nothing is then asked of the market, so that a flag
    queues no capture job.
    """

    def __init__(self, *, crawl_id: int | None, market: str, demo: bool) -> None:
        self._crawl_id = crawl_id
        self._market = market
        self._demo = demo
        self._known: dict[Key, Listing] = {}
        self._sellers: dict[Key, Seller] = {}
        self._fresh: set[Key] = set()
        self._sightings: dict[int, _Sighting] = {}
        self._done: list[_Sighting] = []
        self._claims: list[dict[str, int]] = []

    def begin(self, session: Session, items: Sequence[ListingItem | ListingGone | ListingUnchanged]) -> None:
        """Read the listings and sellers that these items may be about, and insert those not known yet, all at once."""
        keys: set[Key] = set()
        sellers: set[Key] = set()
        for item in items:
            keys.add((item.id_space, item.native_id))
            if isinstance(item, ListingItem):
                keys.update((item.id_space, native_id) for native_id in item.also_known_as)
                if item.page.seller:
                    sellers.add(_seller_key(item))
        self._known = _find_listings(session, keys)
        self._sellers = {
            (seller.id_space, seller.native_id): seller
            for some in _in_chunks(sellers)
            for seller in session.scalars(select(Seller).where(tuple_(Seller.id_space, Seller.native_id).in_(some)))
        }
        self._fresh, self._sightings, self._done, self._claims = set(), {}, [], []
        self._insert_unknown(session, [item for item in items if isinstance(item, ListingItem)])

    def _insert_unknown(self, session: Session, items: Iterable[ListingItem]) -> None:
        met = set(self._known)
        for item in items:
            key = (item.id_space, item.native_id)
            names = {key, *((item.id_space, native_id) for native_id in item.also_known_as)}
            if key not in met and self._listing_of(item) is None:
                self._known[key] = self._new_listing(item)
                self._fresh.add(key)
            met |= names
            if item.page.seller and _seller_key(item) not in self._sellers:
                self._sellers[_seller_key(item)] = _new_seller(item)
        session.add_all(listing for key, listing in self._known.items() if key in self._fresh)  # in the order met
        session.add_all(self._sellers.values())
        session.flush()

    def _new_listing(self, item: ListingItem) -> Listing:
        return Listing(
            market=self._market,
            id_space=item.id_space,
            native_id=item.native_id,
            url=item.url,
            first_seen_at=item.observed_at,
            last_seen_at=item.observed_at,
            seen_in_crawl_id=self._crawl_id,
            demo=self._demo,
        )

    def end(self, session: Session) -> None:
        """Write what was kept since `begin`, in a few statements for all."""
        with session.no_autoflush:  # each listing is written once, when all that it points to is there
            self._write_sightings(session)

    def _write_sightings(self, session: Session) -> None:
        connection = session.connection()
        sightings = [*self._done, *self._sightings.values()]
        new = [sighting for sighting in sightings if sighting.row is not None]
        if new:
            ids = connection.scalars(_OBSERVE, [sighting.row or {} for sighting in new])
            for sighting, id_ in zip(new, ids, strict=True):
                sighting.observation_id = sighting.listing.current_observation_id = id_
        judged = [(sighting, sighting.assessment) for sighting in sightings if sighting.assessment is not None]
        if judged:
            judged_ids = connection.scalars(_ASSESS, [_assessment(sighting, found) for sighting, found in judged]).all()
            for (sighting, _), id_ in zip(judged, judged_ids, strict=True):
                sighting.listing.current_assessment_id = id_
            hits = zip(judged, judged_ids, strict=True)
            note_raised(session, [(one.listing.id, id_) for (one, found), id_ in hits if is_hit(found)])
            raise_alarms(session, [alarm for sighting, found in judged for alarm in _alarms(sighting, found)])
        # what raises an alarm is kept as evidence too: it may be gone before the police ask for it
        flagged = [sighting for sighting, found in judged if is_for_a_person(found)]
        if self._crawl_id is not None:
            insert_jobs(session, "capture", map(_capture_job, flagged))
        if self._claims:
            connection.execute(_CLAIM, self._claims)

    def keep(self, session: Session, item: ListingItem, capture_ids: Sequence[int]) -> Counter[str]:
        """Note a sighting, and an observation where something differs. Returns counts: new, changed, flagged."""
        counted: Counter[str] = Counter()
        listing = self._listing_of(item)
        if listing is None:
            raise LookupError(f"{item.id_space} {item.native_id} was not among the items that this commit began with")
        key = (item.id_space, item.native_id)
        if key in self._fresh:
            self._fresh.discard(key)
            counted["new"] += 1
        self._keep_aliases(session, listing, item)
        self._claim(capture_ids, listing.id)
        _see(listing, item.observed_at, self._crawl_id)
        # Reached without a card, the old one says nothing of what was read now.
        listing.card_fingerprint = item.card
        listing.page_read_at = item.observed_at
        listing.page_validators = item.validators or None
        seller = self._keep_seller(item)
        sighting = self._sighting_of(listing)
        digest = observation_digest(item)
        if sighting.digest != digest:
            if sighting.digest is not None:
                counted["changed"] += 1
            if sighting.row is not None:  # two observations of one listing within one commit
                self._done.append(sighting)
            capture_id = capture_ids[-1] if capture_ids else None
            row = _observation(item, listing.id, seller, capture_id, digest, self._crawl_id)
            sighting = self._sightings[listing.id] = _Sighting(listing, digest, row)
            listing.changed_after_decision = listing.current_decision_id is not None
        if listing.state != item.state:
            listing.state = item.state
            listing.state_proof = f"shown on its page at {_moment(item.observed_at)}"
        if item.assessment is not None:
            counted["flagged"] += item.assessment.flagged
            if sighting.model != item.assessment.model:
                sighting.model = item.assessment.model
                sighting.assessment, sighting.assessed_at = item.assessment, item.observed_at
        return counted

    def _sighting_of(self, listing: Listing) -> _Sighting:
        if listing.id not in self._sightings:
            seen, judged = listing.current_observation, listing.current_assessment
            same = seen is not None and judged is not None and judged.observation_id == seen.id
            self._sightings[listing.id] = _Sighting(
                listing,
                seen.digest if seen is not None else None,
                None,
                observation_id=seen.id if seen is not None else None,
                model=judged.model if same and judged is not None else None,
            )
        return self._sightings[listing.id]

    def keep_unchanged(self, item: ListingUnchanged, capture_ids: Sequence[int]) -> Listing | None:
        """Note a sighting of a listing that is as it was; None where it is not known or this crawl met it already."""
        listing = self._known.get((item.id_space, item.native_id))
        if listing is None:
            return None
        met = listing.seen_in_crawl_id == self._crawl_id
        _see(listing, item.observed_at, self._crawl_id)
        if item.answered:
            self._claim(capture_ids, listing.id)
            listing.page_read_at = item.observed_at
            listing.card_fingerprint = item.card or listing.card_fingerprint
            self._end_by_its_own_time(listing, item.observed_at)
        return None if met else listing

    def _end_by_its_own_time(self, listing: Listing, now: datetime) -> None:
        """A page may stay the same to the byte while the end it names goes by."""
        seen = listing.current_observation
        if listing.state != "live" or seen is None or seen.ends_at is None or seen.ends_at > now:
            return
        listing.state = "ended"
        listing.state_proof = f"its page names an end that has passed and is unchanged (HTTP 304) at {_moment(now)}"

    def knows(self, item: ListingGone) -> bool:
        """Whether the listing was ever seen."""
        return self._known.get((item.id_space, item.native_id)) is not None

    def keep_gone(self, session: Session, item: ListingGone, capture_ids: Sequence[int]) -> int:
        """Mark a listing gone on the market's own answer; 1 where it was known and not yet gone."""
        listing = self._known.get((item.id_space, item.native_id))
        if listing is None or (item.id_space, item.native_id) in self._fresh:
            return 0
        self._claim(capture_ids, listing.id)
        listing.seen_in_crawl_id = self._crawl_id
        if listing.state == "gone":
            return 0
        _set_gone(listing, f"HTTP {item.status} at {_moment(item.observed_at)}")
        listing.changed_after_decision = listing.current_decision_id is not None
        return 1

    def keep_photo(self, session: Session, photo: ListingPhoto, capture_ids: Sequence[int]) -> int:
        listing = self._known.get((photo.id_space, photo.native_id)) or next(
            iter(_find_listings(session, {(photo.id_space, photo.native_id)}).values()), None
        )
        if listing is None:
            return 0
        self._claim(capture_ids, listing.id)
        if photo.thumbnail_sha256 is None:
            return 0
        made_from = capture_ids[-1] if capture_ids else None
        size, at = photo.thumbnail_bytes, photo.received_at
        session.add(thumbnail(photo.url, photo.thumbnail_sha256, size, made_from, listing.id, at))
        return 1

    def photographed_urls(self, session: Session) -> set[str]:
        """Addresses of this market's photographs that have a thumbnail: they are not fetched again."""
        statement = (
            select(Capture.url)
            .join(Listing, Listing.id == Capture.listing_id)
            .where(Capture.kind == "thumbnail", Listing.market == self._market)
        )
        return set(session.scalars(statement))

    def _listing_of(self, item: ListingItem) -> Listing | None:
        """The known listing that an item is about: by its own id, or by the one asked for where that led to it.

        The latter only while it shows what was seen there before, because an address may come to lead to another lot.
        """
        own = self._known.get((item.id_space, item.native_id))
        if own is not None:
            return own
        digest = observation_digest(item)
        asked = (self._known.get((item.id_space, native_id)) for native_id in item.also_known_as)
        seen = ((one, one.current_observation) for one in asked if one is not None)
        return next((one for one, before in seen if before is not None and before.digest == digest), None)

    def led_away(self, item: ListingItem) -> list[Listing]:
        """After `keep`: the listings whose address was asked for and led to this other one; they stay as they were."""
        listing = self._listing_of(item)
        asked = (self._known[item.id_space, native_id] for native_id in item.also_known_as)
        return [one for one in asked if one is not listing]

    def _claim(self, capture_ids: Sequence[int], listing_id: int) -> None:
        self._claims += [{"capture": capture_id, "listing": listing_id} for capture_id in capture_ids]

    def _keep_aliases(self, session: Session, listing: Listing, item: ListingItem) -> None:
        for native_id in (item.native_id, *item.also_known_as):
            key = (item.id_space, native_id)
            if key in self._known:  # its own key, an alias it has, or another listing's: two lots are never merged
                continue
            reason = f"its address led to {item.url}"
            session.add(ListingAlias(listing_id=listing.id, id_space=item.id_space, native_id=native_id, reason=reason))
            self._known[key] = listing

    def _keep_seller(self, item: ListingItem) -> Seller | None:
        if not item.page.seller:
            return None
        seller = self._sellers[_seller_key(item)]
        seller.last_seen_at = max(seller.last_seen_at, item.observed_at)
        return seller


def count_absences(session: Session, crawl: Crawl, not_asked: Collection[str] = ()) -> int:
    """After a complete crawl: one absence more for each live listing it should have met; gone after several.

    A crawl in which a search page failed misses listings for that reason, and a listing whose own page failed is not
    known to be absent: neither counts, nor do those whose addresses (`not_asked`) were left out for their number.
    Returns how many became gone.
    """
    failed = session.execute(
        select(FrontierEntry.kind, FrontierEntry.url, FrontierEntry.meta).where(
            FrontierEntry.crawl_id == crawl.id, FrontierEntry.state == "failed"
        )
    ).all()
    if any(kind == "search" for kind, _, _ in failed):
        return 0
    unanswered = {url for _, url, _ in failed}.union(not_asked)
    # An API is asked for a listing at another address than the public one: its id tells which it was.
    unanswered_ids = {meta.get("native_id") for _, _, meta in failed} - {None}
    rows = session.scalars(
        select(Listing)
        .join(Crawl, Crawl.id == Listing.seen_in_crawl_id)
        .where(Listing.market == crawl.market, Listing.state == "live", Listing.seen_in_crawl_id != crawl.id)
        .where(Listing.last_seen_at < crawl.started_at)
    )
    gone = 0
    for listing in rows:
        before = session.get_one(Crawl, listing.seen_in_crawl_id)
        if not set(before.queries) <= set(crawl.queries) or listing.url in unanswered:
            continue
        if listing.native_id in unanswered_ids:
            continue
        listing.absent_from_crawls += 1
        if listing.absent_from_crawls >= ABSENCES_FOR_GONE:
            proof = f"absent from {listing.absent_from_crawls} complete crawls, the last one crawl {crawl.id}"
            _set_gone(listing, proof)
            gone += 1
    return gone


def _set_gone(listing: Listing, proof: str) -> None:
    """Where it comes back its page is read, unchanged or not: a 304 would say nothing of its state."""
    listing.state, listing.state_proof, listing.page_validators = "gone", proof, None


def observation_digest(item: ListingItem) -> str:
    """SHA-256 over what counts as a change when it differs."""
    page = item.page
    values = [
        _text(page.title),
        _text(page.description),
        _amount(page.price),
        page.currency,
        _amount(page.estimate_low),
        _amount(page.estimate_high),
        page.images,
        item.state,
        page.ends_at.astimezone(UTC).isoformat() if page.ends_at else None,
        _text(page.seller),
        page.lot_number,
        page.location,
    ]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


def _observation(
    item: ListingItem, listing_id: int, seller: Seller | None, capture_id: int | None, digest: str, crawl_id: int | None
) -> dict[str, Any]:
    page: ExtractedPage = item.page
    title, description = _text(page.title), _text(page.description)
    return {
        "crawl_id": crawl_id,
        "listing_id": listing_id,
        "capture_id": capture_id,
        "observed_at": item.observed_at,
        "digest": digest,
        "title": title,
        "description": description,
        "price": page.price,
        "currency": page.currency,
        "estimate_low": page.estimate_low,
        "estimate_high": page.estimate_high,
        "starting_bid": page.starting_bid,
        "current_bid": page.current_bid,
        "bids": page.bids,
        "size": page.size,
        "dimensions": [{"kind": one.kind, "mm": format(one.millimetres, "f")} for one in page.dimensions],
        "weight_grams": page.weight_grams,
        "seller_id": seller.id if seller else None,
        "seller_name": page.seller,
        "location": page.location,
        "lot_number": page.lot_number,
        "ends_at": page.ends_at,
        "availability": page.availability,
        "state": item.state,
        "images": page.images,
        "canonical_url": page.canonical_url,
        "sources": page.sources,
        "problems": page.problems,
        "folded_text": fold(f"{title or ''} {description or ''}"),
    }


def _assessment(sighting: _Sighting, found: Assessed) -> dict[str, Any]:
    return assessment_row(sighting.listing.id, sighting.observation_id, found, sighting.assessed_at)


def _alarms(sighting: _Sighting, found: Assessed) -> list[dict[str, Any]]:
    return alarm_rows(sighting.listing.id, sighting.observation_id, found, sighting.assessed_at)


def _capture_job(sighting: _Sighting) -> tuple[dict[str, Any], str]:
    arguments = {"listing_id": sighting.listing.id, "reason": "flagged"}
    return arguments, f"capture:observation:{sighting.observation_id}"


def _new_seller(item: ListingItem) -> Seller:
    id_space, native_id = _seller_key(item)
    return Seller(
        id_space=id_space,
        native_id=native_id,
        name=item.page.seller,
        url=item.page.seller_url,
        first_seen_at=item.observed_at,
        last_seen_at=item.observed_at,
    )


def _find_listings(session: Session, keys: set[Key]) -> dict[Key, Listing]:
    options = (joinedload(Listing.current_observation), joinedload(Listing.current_assessment))
    found: dict[Key, Listing] = {}
    for some in _in_chunks(keys):
        wanted = tuple_(Listing.id_space, Listing.native_id).in_(some)
        rows = session.scalars(select(Listing).where(wanted).options(*options))
        found.update({(row.id_space, row.native_id): row for row in rows})
        aliases = session.execute(
            select(ListingAlias.id_space, ListingAlias.native_id, Listing)
            .join(Listing, Listing.id == ListingAlias.listing_id)
            .where(tuple_(ListingAlias.id_space, ListingAlias.native_id).in_(some))
        )
        for id_space, native_id, listing in aliases:
            found.setdefault((id_space, native_id), listing)
    return found


def _in_chunks(keys: Iterable[Key]) -> Iterator[tuple[Key, ...]]:
    """PostgreSQL takes 65,535 values in one question, and each key is two."""
    rest = iter(keys)
    while some := tuple(islice(rest, KEYS_ASKED_AT_ONCE)):
        yield some


def _see(listing: Listing, moment: datetime, crawl_id: int | None) -> None:
    listing.last_seen_at = max(listing.last_seen_at, moment)
    if crawl_id is not None:
        listing.seen_in_crawl_id = crawl_id
        listing.absent_from_crawls = 0


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _seller_key(item: ListingItem) -> Key:
    """The seller's page is the steadier id where there is one; two sellers may show one name."""
    name = item.page.seller_url or item.page.seller or ""
    if len(name) > LONGEST_SELLER_KEY:  # no PostgreSQL index holds it, and one such page would stop the crawl
        name = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
    return item.id_space, name


def _amount(value: Decimal | None) -> str | None:
    """One amount has one form: a page that writes 120.00 where it wrote 120 has not changed its price."""
    return None if value is None else format(value.normalize(), "f")


def _text(value: str | None) -> str | None:
    return None if value is None else unicodedata.normalize("NFC", value)
