"""`relicwatch watch`: saved searches."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, err, open_home, out, print_rows, span_in_seconds, this_user
from crawler.errors import UsageError

app = typer.Typer(help="Saved searches: market(s) x queries x schedule.", no_args_is_help=True)


@app.command("add")
def watch_add(
    name: str,
    market: Annotated[list[str], typer.Option("--market", "-m", help="Where to search; may be given often.")],
    query: Annotated[
        list[str],
        typer.Option("--query", "-q", help="Words to search for; may be given often, each asked at each market."),
    ],
    every: Annotated[
        str, typer.Option(help="At least this often: a number and s, m, h, d or w, like 30m, 6h or 1d.")
    ] = "1d",
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive/--fixed",
            help="Ask each search more often than --every when new listings are expected there, as its market's rate "
            "allows; or all of them at --every exactly.",
        ),
    ] = True,
    least: Annotated[
        str | None, typer.Option(help="With --adaptive: never sooner after the last crawl than this; 15m if not given.")
    ] = None,
    max_listings: Annotated[int | None, typer.Option(min=1, help="Stop each crawl after so many listings.")] = None,
) -> None:
    """Save a search; a running scheduler takes it up within seconds.

    What appears where is learned from the crawls, for each market, query and hour of the day; `watch list` says when
    each is asked next and why. A flagged listing is looked at again shortly before its sale ends.

    Example: relicwatch watch add lamps --market example_auction --query "roman lamp" --every 6h
    """
    from markets.admission import hindrances
    from markets.catalog import get_market
    from markets.planning import require_lawful_interval
    from storage.audit import AuditChain
    from storage.watches import LEAST_SECONDS, add_watch

    home, database = open_home()
    seconds = span_in_seconds(every)
    if least is not None and not adaptive:
        raise UsageError("--fixed asks at --every exactly, so --least says nothing there: leave one of them out.")
    for one in market:
        definition = get_market(home, one)
        definition.search_urls(query)  # refuses a query that cannot be asked
        require_lawful_interval(one, seconds, len(query), definition.rate.delay)
    with database.transaction() as session:
        watch = add_watch(
            session,
            name=name,
            markets=market,
            queries=query,
            every_seconds=seconds,
            actor=this_user(),
            audit=AuditChain(),
            max_listings=max_listings,
            adaptive=adaptive,
            least_seconds=min(LEAST_SECONDS, seconds) if least is None else span_in_seconds(least, "--least"),
        )
        due = watch.next_due_at
    out.print(f"{name} is saved; its first crawl is due {due:%Y-%m-%d %H:%M} UTC.", highlight=False)
    for sentence in hindrances(dict.fromkeys(market), home, database):
        err.print(f"It waits in vain there: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)


@app.command("list")
def watch_list(as_json: AsJson = False) -> None:
    """Saved searches, when each is asked next and why then.

    Example: relicwatch watch list --json
    """
    from storage.watch_plans import watch_rows

    _, database = open_home()
    print_rows(watch_rows(database), as_json)


def _change_watch(change: str, name: str) -> None:
    from storage import watches
    from storage.audit import AuditChain

    _, database = open_home()
    with database.transaction() as session:
        getattr(watches, f"{change}_watch")(session, name, actor=this_user(), audit=AuditChain())
    out.print(f"{name}: {change}d.", highlight=False)


@app.command("pause")
def watch_pause(name: str) -> None:
    """Make no more crawls of it for now. Example: relicwatch watch pause lamps"""
    _change_watch("pause", name)


@app.command("resume")
def watch_resume(name: str) -> None:
    """Go on with it. Example: relicwatch watch resume lamps"""
    _change_watch("resume", name)


@app.command("remove")
def watch_remove(name: str) -> None:
    """End it; what it found stays. Example: relicwatch watch remove lamps"""
    _change_watch("remove", name)
