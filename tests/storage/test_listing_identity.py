"""What makes a listing one over time, on both databases: keys, aliases, changes, absences; and finding it by words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.items import Assessment, ExtractedPage, ListingGone, ListingItem
from storage.database import Database
from storage.listings import ABSENCES_FOR_GONE, ListingWriter, count_absences, observation_digest
from storage.search import NoSuchListing, listing_record, search_listings
from storage.tables import Crawl, FrontierEntry, Job, Listing, ListingAlias, Observation, Seller

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def item(
    native_id: str = "1/1", *, at: datetime = NOON, also: tuple[str, ...] = (), state: str = "live", **page: object
) -> ListingItem:
    facts = {"title": "Roman oil lamp", "price": Decimal("120.00"), "currency": "GBP", **page}
    url = f"http://market.example/{native_id}"
    return ListingItem("a_market", "a_market", native_id, url, ExtractedPage(url, "listing", **facts), at, state, also)


def new_crawl(session: Session, *queries: str, at: datetime = NOON) -> Crawl:
    crawl = Crawl(market="a_market", queries=list(queries or ("lamp",)), started_at=at)
    session.add(crawl)
    session.flush()
    return crawl


def keep(session: Session, crawl: Crawl, *items: ListingItem | ListingGone) -> None:
    writer = ListingWriter(crawl_id=crawl.id, market="a_market", demo=False)
    writer.begin(session, items)
    for one in items:
        if isinstance(one, ListingItem):
            writer.keep(session, one, [])
        else:
            writer.keep_gone(session, one, [])
    writer.end(session)
    session.flush()


def keep_in_new_crawl(database: Database, *items: ListingItem | ListingGone) -> None:
    with database.transaction() as session:
        keep(session, new_crawl(session), *items)


def all_of(database: Database, table: type) -> list:
    with database.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Roman oil lamp, repaired"},
        {"description": "now described"},
        {"price": Decimal("119.99")},
        {"currency": "EUR"},
        {"images": ["http://market.example/2.jpg"]},
        {"state": "sold"},
        {"ends_at": NOON},
        {"seller": "A. Dealer"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_thing_that_differs_is_observed_anew(database: Database, change: dict) -> None:
    keep_in_new_crawl(database, item())
    keep_in_new_crawl(database, item(at=NOON + timedelta(hours=1)))
    assert len(all_of(database, Observation)) == 1
    keep_in_new_crawl(database, item(at=NOON + timedelta(hours=2), **change))
    assert len(all_of(database, Observation)) == 2
    (listing,) = all_of(database, Listing)
    assert (listing.first_seen_at, listing.last_seen_at) == (NOON, NOON + timedelta(hours=2))
    assert listing.current_observation_id == all_of(database, Observation)[-1].id


def test_the_same_letters_written_otherwise_are_no_change() -> None:
    assert observation_digest(item(title="Caf\u00e9")) == observation_digest(item(title="Cafe\u0301"))
    assert observation_digest(item(ends_at=NOON)) == observation_digest(
        item(ends_at=NOON.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00+03:00").tzinfo))
    )


def test_one_price_written_with_more_or_fewer_zeros_is_no_change() -> None:
    assert observation_digest(item(price=Decimal("120"))) == observation_digest(item(price=Decimal("120.00")))


def test_a_listing_found_by_two_ids_is_one_with_an_alias_and_two_listings_are_never_merged(database: Database) -> None:
    keep_in_new_crawl(database, item("2/1", also=("1/1",)))
    keep_in_new_crawl(database, item("1/1"))
    assert [one.native_id for one in all_of(database, Listing)] == ["2/1"]
    assert [one.native_id for one in all_of(database, ListingAlias)] == ["1/1"]
    keep_in_new_crawl(database, item("3/1"))
    keep_in_new_crawl(database, item("2/1", also=("3/1",)))
    assert [one.native_id for one in all_of(database, Listing)] == ["2/1", "3/1"]
    assert len(all_of(database, ListingAlias)) == 1


def test_an_address_that_leads_to_another_lot_makes_two_listings_and_one_that_moved_stays_one(
    database: Database,
) -> None:
    keep_in_new_crawl(database, item("1/1"))
    keep_in_new_crawl(database, item("2/5", also=("1/1",)))  # the same page at a new address
    assert [one.native_id for one in all_of(database, Listing)] == ["1/1"]
    assert [one.native_id for one in all_of(database, ListingAlias)] == ["2/5"]
    keep_in_new_crawl(database, item("9/77", also=("1/1",), title="Quite another object"))
    assert [one.native_id for one in all_of(database, Listing)] == ["1/1", "9/77"]
    assert [(one.listing_id, one.title) for one in all_of(database, Observation)] == [
        (1, "Roman oil lamp"),
        (2, "Quite another object"),
    ]
    assert len(all_of(database, ListingAlias)) == 1


def test_a_commit_may_be_about_any_number_of_listings(database: Database) -> None:
    keep_in_new_crawl(database, item("1/1", also=("1/0",)))
    gone = [ListingGone("a_market", "a_market", f"1/{n}", "u", 404, NOON) for n in range(33_000)]
    with database.transaction() as session:  # two values a listing: more than PostgreSQL takes at once
        writer = ListingWriter(crawl_id=new_crawl(session).id, market="a_market", demo=False)
        writer.begin(session, gone)
        assert [one.native_id for one in gone if writer.knows(one)] == ["1/0", "1/1"]


def test_what_is_known_is_found_however_many_questions_it_takes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.listings.KEYS_ASKED_AT_ONCE", 2)
    many = [item(f"1/{n}", seller=f"Seller {n}") for n in range(7)]
    keep_in_new_crawl(database, *many)
    keep_in_new_crawl(database, *many)
    assert [len(all_of(database, table)) for table in (Listing, Seller, Observation)] == [7, 7, 7]


def test_two_sightings_in_one_commit_are_one_listing(database: Database) -> None:
    keep_in_new_crawl(database, item(seller="S"), item(seller="S"), item("1/2", seller="S"))
    assert [one.native_id for one in all_of(database, Listing)] == ["1/1", "1/2"]
    assert len(all_of(database, Observation)) == 2
    assert len(all_of(database, Seller)) == 1


def test_gone_needs_an_answer_and_a_listing_that_comes_back_is_live_again(database: Database) -> None:
    keep_in_new_crawl(database, item())
    gone = ListingGone("a_market", "a_market", "1/1", "http://market.example/1/1", 410, NOON + timedelta(hours=1))
    keep_in_new_crawl(database, gone)
    (listing,) = all_of(database, Listing)
    assert (listing.state, listing.state_proof) == ("gone", "HTTP 410 at 2026-11-23 13:00:00 UTC")
    keep_in_new_crawl(database, item(at=NOON + timedelta(hours=2)))
    (listing,) = all_of(database, Listing)
    assert (listing.state, listing.state_proof) == ("live", "shown on its page at 2026-11-23 14:00:00 UTC")


def later_crawl(session: Session, hours: int, *queries: str, failed: tuple[str, str] | None = None) -> Crawl:
    crawl = new_crawl(session, *queries, at=NOON + timedelta(hours=hours))
    if failed:
        kind, url = failed
        session.add(FrontierEntry(crawl_id=crawl.id, fingerprint="f", url=url, kind=kind, state="failed"))
        session.flush()
    return crawl


def test_absence_counts_only_over_several_whole_crawls_with_the_same_words(database: Database) -> None:
    with database.transaction() as session:
        keep(session, new_crawl(session, "lamp"), item())
        for hours in range(1, ABSENCES_FOR_GONE):
            assert count_absences(session, later_crawl(session, hours, "lamp", "coin")) == 0
        assert count_absences(session, later_crawl(session, 10, "coin")) == 0  # other words: it need not be met
        assert count_absences(session, later_crawl(session, 11, failed=("search", "http://market.example/s"))) == 0
        assert count_absences(session, later_crawl(session, 12, failed=("listing", item().url))) == 0
        assert session.scalars(select(Listing)).one().absent_from_crawls == ABSENCES_FOR_GONE - 1
        last = later_crawl(session, 13)
        assert count_absences(session, last) == 1
        listing = session.scalars(select(Listing)).one()
        assert listing.state == "gone"
        assert listing.state_proof == f"absent from {ABSENCES_FOR_GONE} complete crawls, the last one crawl {last.id}"


def test_a_failed_call_of_an_api_for_a_listing_is_no_absence_of_it(database: Database) -> None:
    with database.transaction() as session:
        keep(session, new_crawl(session), item())
        crawl = later_crawl(session, 1, failed=("listing", "https://api.example/item?id=1"))
        entry = session.scalars(select(FrontierEntry).where(FrontierEntry.crawl_id == crawl.id)).one()
        entry.meta = {"native_id": "of another"}
        count_absences(session, crawl)
        assert session.scalars(select(Listing)).one().absent_from_crawls == 1
        entry.meta = {"native_id": item().native_id}
        session.flush()
        count_absences(session, crawl)
        assert session.scalars(select(Listing)).one().absent_from_crawls == 1


def test_a_flagged_listing_is_captured_once_for_each_observation(database: Database) -> None:
    flagged = item()
    flagged.assessment = Assessment("text-1:abc", 0.9, True, "strong", "en")
    keep_in_new_crawl(database, flagged)
    keep_in_new_crawl(database, flagged)
    assert [(job.kind, job.arguments["reason"]) for job in all_of(database, Job)] == [("capture", "flagged")]
    assert len(listing_record(database, 1)["assessments"]) == 1


# -- finding them again (storage.search) --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["1/1", "1/2", "1/3"]),
        (["ROMAN"], ["1/1"]),
        (["amphore", "grèce"], ["1/2"]),
        (["AMPHORE", "grece"], ["1/2"]),
        (["amphore", "lamp"], []),
        (["مِصباح"], ["1/3"]),
        (["100%"], ["1/2"]),
        (["_"], []),
    ],
)
def test_words_find_a_listing_whatever_their_accents_case_and_forms(
    database: Database, words: list[str], found: list[str]
) -> None:  # SEC-21: % and _ are letters like others
    keep_in_new_crawl(
        database,
        item("1/1", title="Roman oil lamp"),
        item("1/2", title="Amphore de Grèce", description="100% authentique"),
        item("1/3", title="مصباح قديم"),
    )
    rows = search_listings(database, words, market=None, flagged_only=False, limit=10)
    assert [row["native id"] for row in rows] == found


def test_a_listing_that_is_not_there_is_named_with_where_to_look(database: Database) -> None:
    with pytest.raises(NoSuchListing, match="`relicwatch listings search`"):
        listing_record(database, 5)
