"""What a commit writes about listings: identity, aliases, observations only on change, one assessment each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler.items import Assessment as Assessed
from crawler.items import Dimension, ExtractedPage, ListingGone, ListingItem
from storage.captures import derivative
from storage.database import Database
from storage.listings import ListingWriter
from storage.recrawl import RecrawlRules, known_pages
from storage.tables import Assessment, Capture, Crawl, Job, Listing, ListingAlias, Observation, Seller

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def item(native_id: str, price: int = 5, also: tuple[str, ...] = (), flagged: bool = False) -> ListingItem:
    page = ExtractedPage(url=f"http://a/{native_id}", title="A lamp", price=Decimal(price), seller="Ann")
    made = ListingItem("m", "m", native_id, page.url, page, NOW, also_known_as=also)
    made.assessment = Assessed("text-1:x", 0.9, flagged, "strong", "en")
    return made


@pytest.fixture
def writer(database: Database) -> ListingWriter:
    with database.transaction() as session:
        crawl = Crawl(market="m", queries=["all"])
        session.add(crawl)
        session.flush()
        return ListingWriter(crawl_id=crawl.id, market="m", demo=False)


def keep(database: Database, writer: ListingWriter, *items: ListingItem | ListingGone) -> list[dict[str, int]]:
    """One commit; what each item counted."""
    with database.transaction() as session:
        writer.begin(session, items)
        found: list[dict[str, int]] = []
        for one in items:
            if isinstance(one, ListingItem):
                found.append(dict(writer.keep(session, one, [])))
            else:
                found.append({"gone": writer.keep_gone(session, one, [])})
        writer.end(session)
    return found


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_an_unchanged_listing_gets_no_second_observation(database: Database, writer: ListingWriter) -> None:
    assert keep(database, writer, item("1", flagged=True)) == [{"new": 1, "flagged": 1}]
    assert keep(database, writer, item("1", flagged=True)) == [{"flagged": 1}]
    with database.reading() as session:
        assert [count(session, t) for t in (Listing, Observation, Assessment, Seller, Job)] == [1, 1, 1, 1, 1]


def test_a_listing_that_was_flagged_once_is_read_again_at_every_crawl(
    database: Database, writer: ListingWriter
) -> None:
    keep(database, writer, item("1", flagged=True), item("2"))
    keep(database, writer, item("1", price=6), item("2", price=6))
    rules = RecrawlRules(read_again_after=timedelta(days=7), ends_soon=timedelta(hours=1))
    with database.transaction() as session:
        for listing in session.scalars(select(Listing)):
            listing.card_fingerprint, listing.page_read_at = "card", NOW
        session.flush()
        known = known_pages(session, "m", 999, rules, NOW + timedelta(hours=1))
        assert {native_id: page.card for native_id, page in known.items()} == {"1": None, "2": "card"}


def test_size_weight_and_bids_are_kept_with_the_observation(database: Database, writer: ListingWriter) -> None:
    one = item("1")
    one.page.size, one.page.dimensions = "H. 12 cm", [Dimension("height", Decimal(120))]
    one.page.weight_grams, one.page.bids = Decimal("17.25"), 0
    one.page.starting_bid, one.page.current_bid = Decimal(5), Decimal("7.50")
    keep(database, writer, one)
    with database.reading() as session:
        kept = session.scalars(select(Observation)).one()
        assert (kept.size, kept.dimensions) == ("H. 12 cm", [{"kind": "height", "mm": "120"}])
        assert (kept.weight_grams, kept.bids) == (Decimal("17.25"), 0)
        assert (kept.starting_bid, kept.current_bid) == (5, Decimal("7.50"))


def test_a_changed_price_is_a_new_observation_with_its_own_assessment_and_capture_job(
    database: Database, writer: ListingWriter
) -> None:
    keep(database, writer, item("1", flagged=True))
    assert keep(database, writer, item("1", price=6, flagged=True)) == [{"changed": 1, "flagged": 1}]
    with database.reading() as session:
        listing = session.scalars(select(Listing)).one()
        assert listing.current_observation is not None
        assert listing.current_observation.price == 6
        assert listing.current_assessment is not None
        assert listing.current_assessment.observation_id == listing.current_observation_id
        assert [count(session, t) for t in (Observation, Assessment, Job)] == [2, 2, 2]


def test_two_sightings_within_one_commit_are_one_listing_with_both_observations(
    database: Database, writer: ListingWriter
) -> None:
    counts = keep(database, writer, item("1"), item("1"), item("1", price=6), item("2"))
    assert [found.get("new", 0) for found in counts] == [1, 0, 0, 1]
    assert [found.get("changed", 0) for found in counts] == [0, 0, 1, 0]
    with database.reading() as session:
        first = session.scalars(select(Listing).where(Listing.native_id == "1")).one()
        assert first.current_observation is not None
        assert first.current_observation.price == 6
        assert count(session, Observation) == count(session, Assessment) == 3


def test_a_lot_reached_by_its_other_address_in_the_same_commit_is_not_doubled(
    database: Database, writer: ListingWriter
) -> None:
    keep(database, writer, item("1", also=("old-1",)), item("old-1"))
    keep(database, writer, item("old-1"))
    with database.reading() as session:
        assert count(session, Listing) == count(session, Observation) == 1
        assert session.scalars(select(ListingAlias.native_id)).all() == ["old-1"]


def test_a_market_that_answers_404_makes_a_known_listing_gone_and_an_unknown_one_nothing(
    database: Database, writer: ListingWriter
) -> None:
    keep(database, writer, item("1"))
    gone = [ListingGone("m", "m", native_id, "http://a/", 404, NOW) for native_id in ("1", "2")]
    assert keep(database, writer, *gone) == [{"gone": 1}, {"gone": 0}]
    with database.reading() as session:
        listing = session.scalars(select(Listing)).one()
        assert (listing.state, listing.state_proof) == ("gone", "HTTP 404 at 2026-11-23 12:00:00 UTC")


def test_captures_are_claimed_by_their_listing(database: Database, writer: ListingWriter) -> None:
    with database.transaction() as session:
        row = derivative(
            kind="dom", url="u", sha256="0" * 64, size=1, media_type="text/html", captured_at=NOW,
            listing_id=None, source_id=None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        writer.begin(session, [item("1")])
        writer.keep(session, item("1"), [row.id])
        writer.end(session)
    with database.reading() as session:
        assert session.scalars(select(Capture.listing_id)).one() == session.scalars(select(Listing.id)).one()
