"""Times and amounts come back as they went in, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from storage.database import Database
from storage.tables import Listing, MarketLease, Observation

AT = datetime(2026, 3, 29, 1, 30, 5, 123456, tzinfo=UTC)
CAIRO = timezone(timedelta(hours=2))


def listing() -> Listing:
    return Listing(market="m", id_space="m", native_id="1", url="https://m/1", first_seen_at=AT, last_seen_at=AT)


def test_a_time_comes_back_aware_in_utc_to_the_microsecond(database: Database) -> None:
    with database.transaction() as session:
        session.add(MarketLease(market="m", lease_until=AT.astimezone(CAIRO), next_request_not_before=None))
    with database.reading() as session:
        stored = session.scalars(select(MarketLease)).one()
        assert stored.lease_until == AT
        assert stored.lease_until is not None and stored.lease_until.utcoffset() == timedelta(0)
        assert stored.next_request_not_before is None


def test_times_are_compared_as_times_and_not_as_text(database: Database) -> None:
    with database.transaction() as session:
        session.add(MarketLease(market="m", lease_until=AT))
    with database.reading() as session:
        later_by_the_wall = (AT - timedelta(minutes=1)).astimezone(CAIRO)
        assert session.scalars(select(MarketLease).where(MarketLease.lease_until > later_by_the_wall)).all()
        assert not session.scalars(select(MarketLease).where(MarketLease.lease_until > AT.astimezone(CAIRO))).all()


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="has no time zone"), database.transaction() as session:
        session.add(MarketLease(market="m", lease_until=AT.replace(tzinfo=None)))


@pytest.mark.parametrize("amount", ["0", "0.1", "1234.56", "100", "99999999999.9999", "-5.25", "0.0001"])
def test_an_amount_comes_back_exact_and_without_an_exponent(database: Database, amount: str) -> None:
    with database.transaction() as session:
        offered = listing()
        session.add(offered)
        session.flush()
        observation = Observation(listing_id=offered.id, observed_at=AT, digest="0" * 64, state="live")
        observation.price = Decimal(amount)
        session.add(observation)
    with database.reading() as session:
        price = session.scalars(select(Observation.price)).one()
    assert price == Decimal(amount)
    assert "E" not in str(price)


def test_amounts_are_ordered_as_numbers(database: Database) -> None:
    with database.transaction() as session:
        offered = listing()
        session.add(offered)
        session.flush()
        for amount in ("9.5", "10", None, "100.25"):
            price = None if amount is None else Decimal(amount)
            session.add(Observation(listing_id=offered.id, observed_at=AT, digest="0" * 64, state="live", price=price))
    with database.reading() as session:
        found = session.scalars(
            select(Observation.price).where(Observation.price > Decimal("9.75")).order_by(Observation.price)
        )
        assert list(found) == [Decimal(10), Decimal("100.25")]
