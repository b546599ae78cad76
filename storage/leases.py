"""Who holds what: one process talks to a market at a time, and the pause it owes the market outlives the process.

A holder is named so that a dead one on this machine is known at once, not after a time-out. That is read from /proc;
where there is none, only the process number is checked, and the end of the lease decides the rest.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.database import Database
from storage.tables import MarketLease, utc_now

MARKET_LEASE_SECONDS = 60.0
_PROC = Path("/proc")


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


def reserve_request(
    database: Database,
    market: str,
    delay_seconds: float,
    now: datetime | None = None,
    *,
    most_seconds: float | None = None,
) -> datetime:
    """The time at which the next request may go out; the one after it has to keep `delay_seconds` from that time.

    Where that time is more than `most_seconds` ahead, nothing is reserved.
    """
    with database.transaction() as session:
        lease = _locked(session, market)
        now = now or utc_now()
        start = max(now, lease.next_request_not_before or now)
        if most_seconds is None or (start - now).total_seconds() <= most_seconds:
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


def process_holder() -> str:
    """The holder string of the calling process: host:pid:start."""
    # Not cached: a forked child has the memory of its parent and another number.
    pid = os.getpid()
    return f"{_host()}:{pid}:{_start_of(pid) or '-'}"


def is_gone(holder: str) -> bool:
    """Whether the holder is known to be dead. False for a holder on another machine: only its lease can tell."""
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    start = holder.rpartition(":")[2]
    if host != _host() or not rest.isdecimal():
        return False
    pid = int(rest)
    if start == "-" or not (_PROC / "self" / "stat").exists():
        return not _answers(pid)
    return _start_of(pid) != start


@cache
def _host() -> str:
    return socket.gethostname().replace(":", "-") or "localhost"


@cache
def _boot() -> str:
    """Changes with each start of the machine, because numbers and start times begin anew then."""
    try:
        return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()[:8]
    except OSError:
        return "0"


def _start_of(pid: int) -> str | None:
    """When the process started; None where it is gone, waits only to be reaped, or /proc is not there."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in brackets may itself hold spaces and brackets, so count from the last one: state is field 3, start 22.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot()}-{fields[19]}"


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
