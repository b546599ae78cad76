"""The `relicwatch` command: the verbs of `commands/` put together, and what becomes of an error.

Heavy rooms are imported inside the verbs, so that `--help` and small verbs answer at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from commands import (
    alarms,
    alerts,
    cases,
    classifying,
    crawls,
    custody,
    database,
    evidence,
    graph,
    listings,
    markets,
    models,
    objects,
    pages,
    photos,
    registers,
    retention,
    running,
    searches,
    sellers,
    stamps,
    terms,
    tokens,
    users,
    watches,
)
from commands.terminal import err
from crawler.errors import RelicwatchError

app = typer.Typer(
    help="Watch auctions and marketplaces for antiquities, review what is found, hand over evidence that holds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verbs in (running, evidence, pages, classifying, database, retention):
    app.add_typer(verbs.app)
for name, group in {
    "markets": markets,
    "watch": watches,
    "crawls": crawls,
    "listings": listings,
    "cases": cases,
    "models": models,
    "terms": terms,
    "stamps": stamps,
    "custody": custody,
    "registers": registers,
    "objects": objects,
    "sellers": sellers,
    "graph": graph,
    "alarms": alarms,
    "alerts": alerts,
    "searches": searches,
    "photos": photos,
    "users": users,
    "tokens": tokens,
}.items():
    app.add_typer(group.app, name=name)
for name, verbs_of_retention in {
    "hold": retention.hold,
    "retention": retention.periods,
    "subject": retention.subject,
}.items():
    app.add_typer(verbs_of_retention, name=name)


def main() -> NoReturn:
    """The entry point: a RelicwatchError is one sentence on stderr and its exit status, never a traceback."""
    try:
        app(standalone_mode=True)
    except RelicwatchError as error:
        err.print(f"relicwatch: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


if __name__ == "__main__":
    main()
