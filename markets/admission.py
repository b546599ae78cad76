"""Whether a crawl of a market may start: known, of this kind of home, and approved as it stands."""

from __future__ import annotations

from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.approval import standing_approval
from markets.catalog import get_market
from markets.definition import Definition
from storage.database import Database


class MarketOff(RelicwatchError):
    """The market has no standing approval, or does not belong in this home."""


def admit(name: str, home: Home | None = None, database: Database | None = None) -> Definition:
    """The definition of a market that may be crawled now. Raises MarketOff with what to do."""
    home = home or Home.from_environment()
    definition = get_market(home, name)
    if definition.demo != home.is_demo:
        raise MarketOff(
            f"{name} is a demo market, and {home.root} is no demo home: run `relicwatch demo`."
            if definition.demo
            else f"{home.root} is the demo's home and {name} a real market: set RELICWATCH_HOME to a home of your own."
        )
    own = database is None
    database = database or Database(home.database_url)
    try:
        database.require_current()
        with database.transaction() as session:
            approval = standing_approval(session, definition)
    finally:
        if own:
            database.dispose()
    if approval is None:
        raise MarketOff(
            f"{name} is off: read its terms and robots.txt, then run "
            f"`relicwatch markets approve {name} --basis TEXT` (a changed definition needs a new approval)."
        )
    return definition
