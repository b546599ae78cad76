"""Whether a crawl of a market may start: known, of this kind of home, approved as it stands, its API's key there."""

from __future__ import annotations

from collections.abc import Iterable

from crawler.api_access import KEYS, key_from_environment
from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.approval import require_approval
from markets.catalog import get_market
from markets.definition import Definition
from storage.database import Database
from storage.watches import list_watches


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


def hindrances(markets: Iterable[str], home: Home, database: Database) -> list[str]:
    """One sentence for each of the markets that no crawl can start of as things stand, with what to do."""
    found = []
    for market in markets:
        try:
            definition = admit(market, home, database)
            if definition.spider in KEYS:
                key_from_environment(*KEYS[definition.spider])
        except RelicwatchError as error:
            found.append(str(error))
    return found


def watched_in_vain(home: Home, database: Database) -> list[str]:
    """The hindrances of all markets of watches that are on: what these ask for there is not crawled."""
    with database.reading() as session:
        watched = {market for watch in list_watches(session) if not watch.paused for market in watch.markets}
    return hindrances(sorted(watched), home, database)
