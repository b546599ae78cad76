"""One process talks to a market at a time, and the pause it owes the market outlives the process."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.database import Database
from storage.holders import is_gone
from storage.tables import MarketLease, utc_now

MARKET_LEASE_SECONDS = 60.0


class MarketBusy(RelicwatchError):
    """Another process is talking to this market."""


def take_market(database: Database, market: str, holder: str, seconds: float = MARKET_LEASE_SECONDS) -> None:
    """Take the market, or keep it for `seconds` more where it is held already. Raises MarketBusy."""
    with database.transaction() as session:
        lease = _locked(session, market)
        now = utc_now()
        held = lease.holder is not None and lease.lease_until is not None and lease.lease_until > now
        if held and lease.holder != holder and not is_gone(lease.holder or ""):
            raise MarketBusy(
                f"Market {market} is being crawled by another process ({lease.holder}): wait for it to end, or stop it."
            )
        lease.holder = holder
        lease.lease_until = now + timedelta(seconds=seconds)


def release_market(database: Database, market: str, holder: str) -> None:
    """Let go of the market; nothing happens where it is no longer this holder's."""
    with database.transaction() as session:
        session.execute(
            update(MarketLease)
            .where(MarketLease.market == market, MarketLease.holder == holder)
            .values(holder=None, lease_until=None)
        )


def reserve_request(database: Database, market: str, delay_seconds: float, now: datetime | None = None) -> datetime:
    """The time at which the next request may go out; the one after it has to keep `delay_seconds` from that time."""
    with database.transaction() as session:
        lease = _locked(session, market)
        now = now or utc_now()
        start = max(now, lease.next_request_not_before or now)
        lease.next_request_not_before = start + timedelta(seconds=delay_seconds)
        return start


def load_not_before(database: Database, market: str) -> datetime | None:
    """Before this time no request may go to the market; None where none was ever made."""
    with database.transaction() as session:
        return session.scalar(select(MarketLease.next_request_not_before).where(MarketLease.market == market))


def save_not_before(database: Database, market: str, not_before: datetime) -> None:
    """Move the time on; it never moves back, whoever writes last."""
    with database.transaction() as session:
        lease = _locked(session, market)
        lease.next_request_not_before = max(not_before, lease.next_request_not_before or not_before)


def _locked(session: Session, market: str) -> MarketLease:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(MarketLease).values(market=market).on_conflict_do_nothing())
    return session.scalars(select(MarketLease).where(MarketLease.market == market).with_for_update()).one()
