"""The database and the machine: `db`, `doctor`."""

from __future__ import annotations

import typer

from commands.terminal import AsJson, open_home, out, print_record
from crawler.home import Home

app = typer.Typer()
db_app = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(db_app, name="db")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Make the home and its database, or bring the database to this version.

    Example: relicwatch db upgrade
    """
    from evidence.signing import ensure_signing_key
    from storage.database import Database
    from storage.migrate import upgrade
    from storage.revision import head_revision

    home = Home.from_environment()
    home.create()
    database = Database(home.database_url)
    with database.transaction():  # asks for nothing itself: it tells in one sentence why the database does not answer
        upgrade(database)
    ensure_signing_key(home)
    out.print(
        f"The database is at version {head_revision()}; the home is {home.root}.", highlight=False, soft_wrap=True
    )


@db_app.command("check")
def db_check() -> None:
    """Whether the database is there and of this version. Example: relicwatch db check"""
    open_home()
    out.print("The database is there and of this version.")


@db_app.command("order-queue")
def db_order_queue() -> None:
    """Make the queue's order and search index anew: for a database that was loaded without its triggers.

    Example: relicwatch db order-queue
    """
    from storage.queue_upkeep import bring_up_to_date, note_all_stale

    _, database = open_home()
    with database.transaction() as session:
        note_all_stale(session)
        count = bring_up_to_date(session)
    out.print(f"{count} listings have their place in the queue anew.", highlight=False)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look the installation over: exit status 1 where something needs a person.

    Example: relicwatch doctor
    """
    from checkup import examine

    findings = examine(Home.from_environment())
    for finding in findings:
        if as_json:
            print_record(finding.as_record(), True)
        else:
            style = {"ok": "green", "note": "yellow", "fault": "red"}[finding.level]
            out.print(f"[{style}]{finding.level:5}[/] ", end="")
            out.print(finding.text, markup=False, highlight=False, soft_wrap=True)
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(1)
