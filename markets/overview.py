"""What `relicwatch markets list` shows: each market's state in one row, and the leads in another list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.home import Home
from markets.approval import approval_state
from markets.catalog import all_markets
from markets.definition import Definition
from markets.leads import leads
from storage.database import Database
from storage.tables import Crawl


def market_rows(database: Database, home: Home) -> list[dict[str, Any]]:
    """One row a market, in order of name; a broken definition has a row too, with its first fault."""
    catalog = all_markets(home)
    with database.transaction() as session:
        rows = [_row(session, definition) for definition in catalog.markets.values()]
    for name, error in catalog.broken.items():
        rows.append(
            {
                "market": name,
                "title": None,
                "kind": None,
                "spider": None,
                "state": "broken definition",
                "verified": None,
                "definition fault": str(error.faults[0]),
                "last crawl": None,
            }
        )
    return sorted(rows, key=lambda row: str(row["market"]))


def lead_rows() -> list[dict[str, Any]]:
    """One row a lead that no definition covers (by name or id space) yet, the most wanted first."""
    markets = all_markets(Home.from_environment()).markets.values()
    covered = {name for market in markets for name in (market.name, market.id_space)}
    return [
        {
            "lead": lead.name,
            "priority": lead.priority,
            "kind": lead.kind,
            "country": lead.country,
            "languages": list(lead.languages),
            "scraping": lead.scraping,
            "login": lead.login,
            "search (unconfirmed)": lead.search,
        }
        for lead in leads()
        if lead.name not in covered
    ]


def _row(session: Session, definition: Definition) -> dict[str, Any]:
    return {
        "market": definition.name,
        "title": definition.title,
        "kind": definition.kind,
        "spider": definition.spider,
        "state": approval_state(session, definition),
        "verified": definition.verified.isoformat() if definition.verified else "draft",
        "definition fault": None,
        "last crawl": _last_crawl(session, definition.name),
    }


def _last_crawl(session: Session, name: str) -> str | None:
    newest_first = select(Crawl).where(Crawl.market == name).order_by(Crawl.id.desc()).limit(1)
    crawl = session.scalars(newest_first).first()
    if crawl is None:
        return None
    told = f"{crawl.state} ({crawl.started_at:%Y-%m-%d %H:%M} UTC)"
    return f"{told}: {crawl.fault}" if crawl.fault else told
