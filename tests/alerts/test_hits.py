"""Which new hits people are told of: those that match and are new to them, and one object once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from alerts.hits import make_alerts
from crawler.home import Home
from storage.alarm_notices import queue_alarm_notices
from storage.alarm_receipts import set_recipient
from storage.alerts import list_alerts, note_raised, waiting_hits
from storage.audit import AuditChain
from storage.database import Database
from storage.erasing import Erasure, erase_listing
from storage.notice_settings import set_email
from storage.objects import merge
from storage.saved_searches import remove_search, save_search, set_notice, set_shared
from storage.tables import (
    Alarm,
    Alert,
    Assessment,
    Delivery,
    DeliveryAlarm,
    DeliveryAlert,
    Listing,
    RaisedHit,
    SavedSearch,
    User,
    utc_now,
)
from storage.users import create_user, set_disabled
from tests.review.seed import Offer, add_assessment, add_listing

Raise = Callable[..., int]


@pytest.fixture
def chain() -> AuditChain:
    return AuditChain()


@pytest.fixture
def ann(database: Database, chain: AuditChain) -> int:
    """Somebody who is written to and is alerted to lamps."""
    with database.transaction() as session:
        user = create_user(session, "ann", "reviewer")
        set_email(session, chain, user, email="ann@office.example", rhythm="at_once", confirmed=True)
        save_search(session, chain, user, "Lamps", query="text=lamp", notify=True)
        return user.id


@pytest.fixture
def raised(database: Database, home: Home) -> Raise:
    """`raised(offer)`: a listing that was just flagged, and what is told of it; its number."""

    def make(offer: Offer | None = None, *, joined_to: int | None = None) -> int:
        with database.transaction() as session:
            listing = add_listing(session, home, offer or Offer())
            judged = Assessment.id == listing.current_assessment_id
            session.execute(update(Assessment).where(judged).values(assessed_at=utc_now()))
            listing.first_seen_at = listing.last_seen_at = utc_now()
            note_raised(session, [(listing.id, listing.current_assessment_id or 0)])
            if joined_to is not None:
                merge(session, AuditChain(), joined_to, listing.id, actor="Ann")
            return listing.id

    return make


def tell(database: Database) -> int:
    with database.transaction() as session:
        return make_alerts(session, [hit.id for hit in waiting_hits(session, 100)])


def told(database: Database, user: int) -> list[tuple[int, str]]:
    with database.reading() as session:
        return [(row.listing.id, row.alert.kind) for row in list_alerts(session, session.get_one(User, user))]


def test_a_new_hit_that_matches_is_told_once_and_goes_into_one_message(
    database: Database, ann: int, raised: Raise
) -> None:
    lamp = raised()
    raised(Offer(title="Bronze coin", description="rare"))
    assert tell(database) == 1
    assert tell(database) == 0
    assert told(database, ann) == [(lamp, "hit")]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RaisedHit)) == 0
        assert session.scalar(select(func.count()).select_from(DeliveryAlert)) == 1
        (row,) = list_alerts(session, session.get_one(User, ann))
        assert row.searches == ("Lamps",)


def test_a_listing_that_changes_and_stays_a_hit_is_not_told_again(database: Database, ann: int, raised: Raise) -> None:
    lamp = raised()
    tell(database)
    with database.transaction() as session:
        listing = session.get_one(Listing, lamp)
        assert listing.current_observation is not None
        again = add_assessment(session, listing, listing.current_observation, Offer(), model="text-2:test")
        note_raised(session, [(lamp, again.id)])
    assert tell(database) == 0
    assert told(database, ann) == [(lamp, "hit")]


def test_the_same_object_offered_elsewhere_is_not_told_again(database: Database, ann: int, raised: Raise) -> None:
    first = raised()
    tell(database)
    raised(Offer(market="other_market"), joined_to=first)
    assert tell(database) == 0
    assert told(database, ann) == [(first, "hit")]


def test_two_offers_of_one_object_found_together_are_told_once(database: Database, ann: int, raised: Raise) -> None:
    first = raised()
    raised(Offer(market="other_market"), joined_to=first)
    assert tell(database) == 1
    assert told(database, ann) == [(first, "hit")]


def test_an_object_relisted_after_removal_is_told_once_more(database: Database, ann: int, raised: Raise) -> None:
    first = raised()
    tell(database)
    with database.transaction() as session:
        days_ago = {"first_seen_at": 30, "last_seen_at": 9}
        gone = {"state": "gone", **{name: utc_now() - timedelta(days=days) for name, days in days_ago.items()}}
        session.execute(update(Listing).where(Listing.id == first).values(gone))
    second = raised(joined_to=first)
    third = raised(Offer(market="other_market"), joined_to=first)
    assert tell(database) == 1
    assert tell(database) == 0
    assert told(database, ann) == [(second, "relisted"), (first, "hit")]
    with database.transaction() as session:
        judged = session.get_one(Listing, third).current_assessment_id
        note_raised(session, [(second, judged or 0), (third, judged or 0)])
    assert tell(database) == 0


def test_what_was_raised_before_the_alert_was_wanted_is_not_news(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    old = raised(Offer(title="Bronze coin"))
    tell(database)
    with database.transaction() as session:
        save_search(session, chain, session.get_one(User, ann), "Coins", query="text=coin", notify=True)
    with database.transaction() as session:
        listing = session.get_one(Listing, old)
        assert listing.current_observation is not None
        again = add_assessment(session, listing, listing.current_observation, Offer(), model="text-2:test")
        note_raised(session, [(old, again.id)])
    new = raised(Offer(title="Silver coin"))
    assert tell(database) == 1
    assert told(database, ann) == [(new, "hit")]


def test_a_hit_of_two_searches_is_one_alert_that_names_both(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    with database.transaction() as session:
        save_search(session, chain, session.get_one(User, ann), "", term="terracotta", notify=True)
    raised()
    assert tell(database) == 1
    with database.reading() as session:
        (row,) = list_alerts(session, session.get_one(User, ann))
        assert sorted(row.searches) == ["Lamps", "terracotta"]


def test_a_seller_is_watched_by_number_and_not_by_name(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    first = raised(Offer(title="Coin", seller="Old Things"))
    with database.transaction() as session:
        listing = session.get_one(Listing, first)
        assert listing.current_observation is not None
        seller = listing.current_observation.seller_id
        save_search(session, chain, session.get_one(User, ann), "", seller_id=seller, notify=True)
    tell(database)
    same = raised(Offer(title="Second coin", seller="Old Things"))
    raised(Offer(title="Third coin", seller="Old Things", market="other_market"))
    tell(database)
    assert told(database, ann) == [(same, "hit")]


def test_a_shared_search_tells_those_who_asked_while_it_is_shared(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    with database.transaction() as session:
        ben, cyd = (create_user(session, name, "reviewer") for name in ("ben", "cyd"))
        search = session.scalars(select(SavedSearch)).one()
        set_shared(session, chain, search, shared=True, actor="ann")
        set_notice(session, chain, search, ben, wanted=True)
        ids = ben.id, cyd.id
    first = raised()
    assert tell(database) == 2
    assert [told(database, one) for one in ids] == [[(first, "hit")], []]
    with database.transaction() as session:
        set_shared(session, chain, session.scalars(select(SavedSearch)).one(), shared=False, actor="ann")
    raised(Offer(market="other_market"))
    assert tell(database) == 1


def test_nobody_is_told_by_a_search_that_was_removed_or_whose_owner_is_disabled(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    raised()
    with database.transaction() as session:
        set_disabled(session, session.get_one(User, ann), True)
    assert tell(database) == 0
    raised(Offer(market="other_market"))
    with database.transaction() as session:
        set_disabled(session, session.get_one(User, ann), False)
        remove_search(session, chain, session.scalars(select(SavedSearch)).one(), actor="ann")
    assert tell(database) == 0


def test_without_anybody_to_tell_nothing_is_kept_to_compare(database: Database, raised: Raise) -> None:
    raised()
    with database.reading() as session:
        assert waiting_hits(session, 10) == []


def test_a_search_whose_filters_are_no_longer_known_keeps_no_other_from_telling(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    with database.transaction() as session:
        broken = save_search(session, chain, session.get_one(User, ann), "Old", query="text=x", notify=True)
        broken.query = "state=of_old"
    raised()
    assert tell(database) == 1


def test_several_at_once_tell_each_hit_once(database: Database, ann: int, raised: Raise) -> None:
    lamps = {raised(Offer(market=f"market_{number}")) for number in range(6)}
    with ThreadPoolExecutor(4) as pool:
        made = [one.result() for one in [pool.submit(tell, database) for _ in range(4)]]
    assert sum(made) == len(lamps)
    assert {listing for listing, _ in told(database, ann)} == lamps


def test_what_was_told_goes_with_its_listing(database: Database, ann: int, raised: Raise, chain: AuditChain) -> None:
    lamp = raised()
    tell(database)
    with database.transaction() as session:
        listing = session.get_one(Listing, lamp)
        judged = listing.current_assessment_id or 0
        session.add(Alarm(
            kind="x", listing_id=lamp, observation_id=listing.current_observation_id, model="x", reasons=[],
            raised_at=utc_now(),
        ))  # fmt: skip
        set_recipient(session, chain, user=session.get_one(User, ann), named=True, actor="x")
        assert queue_alarm_notices(session) == 1
        note_raised(session, [(lamp, judged)])
    with database.transaction() as session:
        erase_listing(session, Erasure(chain, "request", "ref. 1", "dpo", utc_now()), lamp)
    with database.reading() as session:
        for table in (Alert, RaisedHit, DeliveryAlert, DeliveryAlarm, Alarm, Listing):
            assert session.scalars(select(table)).all() == [], table
        assert len(session.scalars(select(Delivery)).all()) == 2, "that there were messages stays, without a word"


def test_an_alert_reaches_somebody_without_an_address_on_the_desk_alone(
    database: Database, ann: int, raised: Raise, chain: AuditChain
) -> None:
    with database.transaction() as session:
        set_email(session, chain, session.get_one(User, ann), email="", rhythm="at_once", confirmed=True)
    lamp = raised()
    assert tell(database) == 1
    assert told(database, ann) == [(lamp, "hit")]
    with database.reading() as session:
        assert session.scalars(select(Delivery)).all() == []
        assert session.scalars(select(Alert.read_at)).all() == [None]
