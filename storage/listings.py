"""Keeping what a crawl saw of listings: identity, aliases, observations only on change, gone only on proof."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from crawler.items import ExtractedPage, ListingGone, ListingItem, ListingPhoto
from storage.captures import derivative
from storage.folding import fold
from storage.jobs import insert_job
from storage.tables import Assessment, Capture, Crawl, FrontierEntry, Listing, ListingAlias, Observation, Seller

ABSENCES_FOR_GONE = 3
"""Complete crawls in a row that must miss a listing before it counts as gone without an answer from the market."""

Key = tuple[str, str]


class ListingWriter:
    """Writes one crawl's listings. `begin` is called once a commit, so that known listings are read in one question."""

    def __init__(self, *, crawl_id: int, market: str, demo: bool) -> None:
        self._crawl_id = crawl_id
        self._market = market
        self._demo = demo
        self._known: dict[Key, Listing] = {}
        self._sellers: dict[Key, Seller] = {}

    def begin(self, session: Session, items: Iterable[ListingItem | ListingGone]) -> None:
        """Read the listings and sellers that these items may be about."""
        keys: set[Key] = set()
        sellers: set[Key] = set()
        for item in items:
            keys.add((item.id_space, item.native_id))
            if isinstance(item, ListingItem):
                keys.update((item.id_space, native_id) for native_id in item.also_known_as)
                if item.page.seller:
                    sellers.add(_seller_key(item))
        self._known = _find_listings(session, keys)
        rows = (
            session.scalars(select(Seller).where(tuple_(Seller.id_space, Seller.native_id).in_(sellers)))
            if sellers
            else ()
        )
        self._sellers = {(seller.id_space, seller.native_id): seller for seller in rows}

    def keep(self, session: Session, item: ListingItem, capture_ids: Sequence[int]) -> Counter[str]:
        """Store a sighting, and an observation where something differs. Returns counts: new, changed, flagged."""
        counted: Counter[str] = Counter()
        listing = self._find(item.id_space, (item.native_id, *item.also_known_as))
        if listing is None:
            listing = Listing(
                market=self._market,
                id_space=item.id_space,
                native_id=item.native_id,
                url=item.url,
                first_seen_at=item.observed_at,
                last_seen_at=item.observed_at,
                demo=self._demo,
            )
            session.add(listing)
            session.flush()
            self._known[item.id_space, item.native_id] = listing
            counted["new"] += 1
        self._keep_aliases(session, listing, item)
        _claim_captures(session, capture_ids, listing.id)
        _see(listing, item.observed_at, self._crawl_id)
        seller = self._keep_seller(session, item)
        digest = observation_digest(item)
        before = listing.current_observation
        if before is not None and before.digest == digest:
            observation = before
        else:
            observation = _observation(item, listing.id, seller, capture_ids[-1] if capture_ids else None, digest)
            observation.crawl_id = self._crawl_id
            session.add(observation)
            session.flush()
            listing.current_observation = observation
            listing.changed_after_decision = listing.current_decision_id is not None
            if before is not None:
                counted["changed"] += 1
        if listing.state != item.state:
            listing.state = item.state
            listing.state_proof = f"shown on its page at {item.observed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        counted += self._keep_assessment(session, listing, observation, item)
        return counted

    def keep_gone(self, session: Session, item: ListingGone, capture_ids: Sequence[int]) -> int:
        """Mark a listing gone on the market's own answer; 1 where it was known and not yet gone."""
        listing = self._find(item.id_space, (item.native_id,))
        if listing is None:
            return 0
        _claim_captures(session, capture_ids, listing.id)
        listing.seen_in_crawl_id = self._crawl_id
        if listing.state == "gone":
            return 0
        listing.state = "gone"
        listing.state_proof = f"HTTP {item.status} at {item.observed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        listing.changed_after_decision = listing.current_decision_id is not None
        return 1

    def keep_photo(self, session: Session, photo: ListingPhoto, capture_ids: Sequence[int]) -> int:
        listing = self._find(photo.id_space, (photo.native_id,)) or next(
            iter(_find_listings(session, {(photo.id_space, photo.native_id)}).values()), None
        )
        if listing is None:
            return 0
        _claim_captures(session, capture_ids, listing.id)
        if photo.thumbnail_sha256 is None:
            return 0
        session.add(
            derivative(
                kind="thumbnail",
                url=photo.url,
                sha256=photo.thumbnail_sha256,
                size=photo.thumbnail_bytes,
                media_type="image/jpeg",
                captured_at=photo.received_at,
                listing_id=listing.id,
                source_id=capture_ids[-1] if capture_ids else None,
                note="made from the photograph as received: scaled down, metadata dropped",
            )
        )
        return 1

    def photographed_urls(self, session: Session) -> set[str]:
        """Addresses of this market's photographs that have a thumbnail: they are not fetched again."""
        statement = (
            select(Capture.url)
            .join(Listing, Listing.id == Capture.listing_id)
            .where(Capture.kind == "thumbnail", Listing.market == self._market)
        )
        return set(session.scalars(statement))

    def _find(self, id_space: str, native_ids: Sequence[str]) -> Listing | None:
        for native_id in native_ids:
            if (found := self._known.get((id_space, native_id))) is not None:
                return found
        return None

    def _keep_aliases(self, session: Session, listing: Listing, item: ListingItem) -> None:
        for native_id in (item.native_id, *item.also_known_as):
            key = (item.id_space, native_id)
            if key in self._known:  # its own key, an alias it has, or another listing's: two lots are never merged
                continue
            reason = f"its address led to {item.url}"
            session.add(ListingAlias(listing_id=listing.id, id_space=item.id_space, native_id=native_id, reason=reason))
            self._known[key] = listing

    def _keep_seller(self, session: Session, item: ListingItem) -> Seller | None:
        if not item.page.seller:
            return None
        key = _seller_key(item)
        seller = self._sellers.get(key)
        if seller is None:
            seller = Seller(
                id_space=key[0],
                native_id=key[1],
                name=item.page.seller,
                url=item.page.seller_url,
                first_seen_at=item.observed_at,
                last_seen_at=item.observed_at,
            )
            session.add(seller)
            session.flush()
            self._sellers[key] = seller
        seller.last_seen_at = max(seller.last_seen_at, item.observed_at)
        return seller

    def _keep_assessment(
        self, session: Session, listing: Listing, observation: Observation, item: ListingItem
    ) -> Counter[str]:
        counted: Counter[str] = Counter()
        found = item.assessment
        if found is None:
            return counted
        counted["flagged"] += found.flagged
        current = listing.current_assessment
        if current is not None and current.observation_id == observation.id and current.model == found.model:
            return counted
        assessment = Assessment(
            listing_id=listing.id,
            observation_id=observation.id,
            model=found.model,
            score=found.score,
            flagged=found.flagged,
            band=found.band,
            language=found.language,
            labels=list(found.labels),
            reasons=[asdict(reason) for reason in found.reasons],
            assessed_at=item.observed_at,
        )
        session.add(assessment)
        session.flush()
        listing.current_assessment = assessment
        if found.flagged:
            insert_job(
                session,
                "capture",
                {"listing_id": listing.id, "reason": "flagged"},
                f"capture:observation:{observation.id}",
            )
        return counted


def count_absences(session: Session, crawl: Crawl) -> int:
    """After a complete crawl: one absence more for each live listing it should have met; gone after several.

    A crawl in which a search page failed misses listings for that reason, and a listing whose own page failed is not
    known to be absent: neither counts. Returns how many became gone.
    """
    failed = session.execute(
        select(FrontierEntry.kind, FrontierEntry.url).where(
            FrontierEntry.crawl_id == crawl.id, FrontierEntry.state == "failed"
        )
    ).all()
    if any(kind == "search" for kind, _ in failed):
        return 0
    unanswered = {url for _, url in failed}
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
        listing.absent_from_crawls += 1
        if listing.absent_from_crawls >= ABSENCES_FOR_GONE:
            listing.state = "gone"
            listing.state_proof = (
                f"absent from {listing.absent_from_crawls} complete crawls, the last one crawl {crawl.id}"
            )
            gone += 1
    return gone


def observation_digest(item: ListingItem) -> str:
    """SHA-256 over what counts as a change when it differs."""
    page = item.page
    values = [
        _text(page.title),
        _text(page.description),
        str(page.price) if page.price is not None else None,
        page.currency,
        str(page.estimate_low) if page.estimate_low is not None else None,
        str(page.estimate_high) if page.estimate_high is not None else None,
        page.images,
        item.state,
        page.ends_at.astimezone(UTC).isoformat() if page.ends_at else None,
        _text(page.seller),
        page.lot_number,
        page.location,
    ]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


def _observation(
    item: ListingItem, listing_id: int, seller: Seller | None, capture_id: int | None, digest: str
) -> Observation:
    page: ExtractedPage = item.page
    title, description = _text(page.title), _text(page.description)
    return Observation(
        listing_id=listing_id,
        capture_id=capture_id,
        observed_at=item.observed_at,
        digest=digest,
        title=title,
        description=description,
        price=page.price,
        currency=page.currency,
        estimate_low=page.estimate_low,
        estimate_high=page.estimate_high,
        seller_id=seller.id if seller else None,
        seller_name=page.seller,
        location=page.location,
        lot_number=page.lot_number,
        ends_at=page.ends_at,
        availability=page.availability,
        state=item.state,
        images=page.images,
        canonical_url=page.canonical_url,
        sources=page.sources,
        problems=page.problems,
        folded_text=fold(f"{title or ''} {description or ''}"),
    )


def _find_listings(session: Session, keys: set[Key]) -> dict[Key, Listing]:
    if not keys:
        return {}
    options = (joinedload(Listing.current_observation), joinedload(Listing.current_assessment))
    wanted = tuple_(Listing.id_space, Listing.native_id).in_(keys)
    found = {
        (row.id_space, row.native_id): row for row in session.scalars(select(Listing).where(wanted).options(*options))
    }
    aliases = session.execute(
        select(ListingAlias.id_space, ListingAlias.native_id, Listing)
        .join(Listing, Listing.id == ListingAlias.listing_id)
        .where(tuple_(ListingAlias.id_space, ListingAlias.native_id).in_(keys))
    )
    for id_space, native_id, listing in aliases:
        found.setdefault((id_space, native_id), listing)
    return found


def _claim_captures(session: Session, capture_ids: Sequence[int], listing_id: int) -> None:
    if capture_ids:
        session.execute(update(Capture).where(Capture.id.in_(capture_ids)).values(listing_id=listing_id))


def _see(listing: Listing, moment: datetime, crawl_id: int) -> None:
    listing.last_seen_at = max(listing.last_seen_at, moment)
    listing.seen_in_crawl_id = crawl_id
    listing.absent_from_crawls = 0


def _seller_key(item: ListingItem) -> Key:
    """The seller's page is the steadier id where there is one; two sellers may show one name."""
    return item.id_space, item.page.seller_url or item.page.seller or ""


def _text(value: str | None) -> str | None:
    return None if value is None else unicodedata.normalize("NFC", value)
