"""Every market on one screen: on or off, draft or verified, and what its last crawl said."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.home import Home
from markets.approval import approval_state
from markets.catalog import all_markets
from storage.database import Database
from storage.tables import Crawl


def market_rows(database: Database, home: Home) -> list[dict[str, Any]]:
    """One row a market in order of name; a broken definition has its fault in place of a state."""
    catalog = all_markets(home)
    rows: list[dict[str, Any]] = []
    with database.reading() as session:
        for name in sorted([*catalog.markets, *catalog.broken]):
            definition = catalog.markets.get(name)
            if definition is None:
                rows.append({"market": name, "title": "", "state": f"broken: {catalog.broken[name]}", "last crawl": ""})
                continue
            verified = f"verified {definition.verified}" if definition.verified else "draft"
            rows.append(
                {
                    "market": name,
                    "title": definition.title,
                    "state": f"{approval_state(session, definition)}; {verified}",
                    "last crawl": _last_crawl(session, name),
                }
            )
    return rows


def _last_crawl(session: Session, market: str) -> str:
    crawl = session.scalars(select(Crawl).where(Crawl.market == market).order_by(Crawl.id.desc()).limit(1)).first()
    if crawl is None:
        return "never"
    listings = crawl.counts.get("counts", {}).get("listings", 0)
    what = crawl.fault or f"{crawl.state}, {listings} listings"
    return f"{crawl.started_at:%Y-%m-%d %H:%M} UTC: {what}"
