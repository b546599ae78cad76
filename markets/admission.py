"""Whether a crawl of a market may start: known, of this kind of home, and approved as it stands."""

from __future__ import annotations

from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.approval import require_approval
from markets.catalog import get_market
from markets.definition import Definition
from storage.database import Database


class WrongHome(RelicwatchError):
    """A demo market outside the demo's home, or a real one inside it."""


def admit(name: str, home: Home | None = None, database: Database | None = None) -> Definition:
    """The definition of a market that may be crawled now. Raises UnknownMarket, WrongHome or NotApproved."""
    home = home or Home.from_environment()
    definition = get_market(home, name)
    if definition.demo != home.is_demo:
        raise WrongHome(
            f"{name} is a demo market, and {home.root} is no demo home: run `relicwatch demo`."
            if definition.demo
            else f"{home.root} is the demo's home and {name} a real market: set RELICWATCH_HOME to a home of your own."
        )
    own = database is None
    database = database or Database(home.database_url)
    try:
        database.require_current()
        with database.reading() as session:
            require_approval(session, definition)
    finally:
        if own:
            database.dispose()
    return definition
