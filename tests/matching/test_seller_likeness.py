"""Sellers who may be one: contacts and habits speak for it, names never do, and people's verdicts are only added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crawler.items import Assessment as Assessed
from crawler.items import ExtractedPage, ListingItem
from matching.seller_likeness import find_alike, read_new_signs
from storage.audit import AuditChain
from storage.database import Database
from storage.listings import ListingWriter
from storage.queue import queue_places
from storage.queue_filters import Filters
from storage.sellers import (
    SellerRefusal,
    follow,
    followed,
    judge,
    list_sellers,
    record_consent,
    reregistrations,
)
from storage.tables import AuditEvent, Crawl, SellerSign, SellerVerdict

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = b"s" * 32
HABIT = "All our pieces come from an old family cabinet of my late grandfather"


def offer(
    database: Database, market: str, number: str, seller: str, text: str, *, url: str | None = None, days: int = 0
) -> None:
    page = ExtractedPage(url=f"http://{market}/{number}", title="Lamp", description=text, seller=seller, seller_url=url)
    item = ListingItem(market, market, number, page.url, page, NOW + timedelta(days=days))
    item.assessment = Assessed("text-1:x", 0.9, True, "strong", "en")
    with database.transaction() as session:
        crawl = Crawl(market=market, queries=[])
        session.add(crawl)
        session.flush()
        writer = ListingWriter(crawl_id=crawl.id, market=market, demo=False)
        writer.begin(session, [item])
        writer.keep(session, item, [])
        writer.end(session)


def test_a_shared_telephone_on_two_markets_makes_a_candidate_with_its_reason(database: Database) -> None:
    offer(database, "a", "1", "Amina", "Call +963 944 123 456")
    offer(database, "b", "1", "Old Things", "Tel 0944-123-456")
    offer(database, "b", "2", "Somebody", "Tel 0944-123-457")
    assert read_new_signs(database, SECRET) == 3
    with database.reading() as session:
        [found] = find_alike(session)
        assert (found.seller, found.other, found.reasons[0].kind, found.reasons[0].weight) == (1, 2, "phone", 5.0)
        assert found.reasons[0].listings == (1, 2)
        assert find_alike(session, 3) == []
        stored = [sign.digest for sign in session.query(SellerSign)]
    assert all(len(digest) == 64 for digest in stored)
    assert read_new_signs(database, SECRET) == 0


def test_the_same_name_and_place_make_no_candidate(database: Database) -> None:
    offer(database, "a", "1", "Amina", "A lamp")
    offer(database, "b", "1", "Amina", "A coin")
    read_new_signs(database, SECRET)
    with database.reading() as session:
        assert find_alike(session) == []


def test_a_sentence_that_many_say_is_the_markets_own(database: Database) -> None:
    for number in range(2):
        offer(database, "a", str(number), f"S{number}", HABIT)
    read_new_signs(database, SECRET)
    with database.reading() as session:
        assert [one.reasons[0].kind for one in find_alike(session)] == ["sentence"]
    for number in range(2, 6):
        offer(database, "a", str(number), f"S{number}", HABIT)
    read_new_signs(database, SECRET)
    with database.reading() as session:
        assert find_alike(session) == []


def test_verdicts_are_added_with_their_reasons_and_the_newest_counts(database: Database) -> None:
    offer(database, "a", "1", "Amina", "me@example.org")
    offer(database, "b", "1", "Zed", "me@example.org")
    read_new_signs(database, SECRET)
    with database.transaction() as session:
        why = find_alike(session)[0].record()["reasons"]
        judge(session, AuditChain(), 2, 1, "unsure", why=why, actor="Nour")
        judge(session, AuditChain(), 1, 2, "same", why=why, actor="Nour")
        with pytest.raises(SellerRefusal):
            judge(session, AuditChain(), 1, 1, "same", why=[], actor="Nour")
        with pytest.raises(SellerRefusal):
            judge(session, AuditChain(), 1, 99, "same", why=[], actor="Nour")
    with database.reading() as session:
        assert find_alike(session)[0].verdict == "same"
        kept = session.query(SellerVerdict).order_by(SellerVerdict.id).all()
        assert [(row.verdict, row.why[0]["kind"]) for row in kept] == [("unsure", "email"), ("same", "email")]
        assert session.query(AuditEvent).count() == 2


def test_ebay_sellers_are_counted_only_with_a_recorded_consent(database: Database) -> None:
    for number in range(3):
        offer(database, "ebay", str(number), "Amina", "A lamp")
        offer(database, "a", str(number), "Zed", "A lamp")

    def shown() -> dict[str, tuple[int | None, float | None]]:
        with database.reading() as session:
            return {row["id_space"]: (row["listings"], row["flagged_share"]) for row in list_sellers(session)}

    def busy() -> set[str]:
        with database.reading() as session:
            return {str(place.busy_seller) for place in queue_places(session, Filters(market="ebay"), now=NOW)}

    assert shown() == {"ebay": (None, None), "a": (3, 1.0)}
    assert busy() == {"False"}
    for given, figures, raised in ((True, (3, 1.0), {"True"}), (False, (None, None), {"False"})):
        with database.transaction() as session:
            record_consent(
                session,
                AuditChain(),
                "ebay",
                given=given,
                given_by="J. Roe",
                given_on="2026-01-02",
                licence="letter 7",
                actor="Nour",
            )
        assert shown()["ebay"] == figures
        assert busy() == raised


@pytest.mark.parametrize(
    ("by", "on", "licence"), [(" ", "2026-01-02", "x"), ("J", "soon", "x"), ("J", "9999-01-01", "x")]
)
def test_a_consent_without_who_when_and_where_is_refused(database: Database, by: str, on: str, licence: str) -> None:
    with pytest.raises(SellerRefusal), database.transaction() as session:
        record_consent(
            session, AuditChain(), "ebay", given=True, given_by=by, given_on=on, licence=licence, actor="Nour"
        )


def test_listings_of_a_followed_seller_rise_until_it_is_followed_no_more(database: Database) -> None:
    offer(database, "a", "1", "Amina", "A lamp")
    offer(database, "a", "2", "Zed", "A lamp")

    def order() -> list[tuple[int, bool]]:
        with database.reading() as session:
            return [(one.listing_id, one.followed_seller) for one in queue_places(session, Filters(), now=NOW)]

    assert order() == [(1, False), (2, False)]
    with database.transaction() as session:
        follow(session, AuditChain(), 2, following=True, actor="Nour")
    assert order() == [(2, True), (1, False)]
    with database.transaction() as session:
        follow(session, AuditChain(), 2, following=False, actor="Nour")
        assert followed(session) == set()
    assert order() == [(1, False), (2, False)]


def test_a_name_under_a_new_id_and_a_long_silence_are_told(database: Database) -> None:
    offer(database, "a", "1", "Amina", "A lamp", url="http://a/u/1")
    offer(database, "a", "2", "Amina", "A lamp", url="http://a/u/1", days=200)
    offer(database, "a", "3", "AMINA", "A lamp", url="http://a/u/2", days=210)
    with database.reading() as session:
        [again] = reregistrations(session, 1)
        assert (again["seller"], again["after_the_other_ended"]) == (2, True)
        [record] = list_sellers(session, ids=[1])
        assert (record["listings"], record["silent_days"]) == (2, 200)
