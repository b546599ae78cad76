"""`relicwatch stamps`: trusted time."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, headed, open_home, print_record, print_rows, this_user, waiting

app = typer.Typer(help="Trusted time from timestamp authorities.", no_args_is_help=True)


@app.command("list")
def stamps_list(
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits for an answer.")] = False,
    as_json: AsJson = False,
) -> None:
    """What was stamped or waits for it, newest first.

    Example: relicwatch stamps list --pending
    """
    from storage.stamps import list_stamps

    _, database = open_home()
    with database.reading() as session:
        rows = list_stamps(session, pending=pending)
    print_rows(rows if as_json else [headed(row) for row in rows], as_json)


@app.command("ask")
def stamps_ask(as_json: AsJson = False) -> None:
    """Ask the authorities now for all that waits, whatever its pause; else `relicwatch run` does it.

    Example: relicwatch stamps ask
    """
    from crawler.egress import Guard
    from crawler.home import loopback_allowed
    from evidence.custody_heads import write_stamps
    from evidence.stamping import ask_pending, note_captures
    from storage.audit import AuditChain

    home, database = open_home()
    captures = note_captures(database, home)
    with waiting("asking the timestamp authorities"):
        counts = ask_pending(
            database,
            home,
            Guard(allow_loopback=loopback_allowed()),
            chain=AuditChain(),
            actor=this_user(),
            everything=True,
        )
    write_stamps(database, home)
    print_record({"captures_gathered": captures, **counts}, as_json)
    if counts["waiting"]:
        raise typer.Exit(1)
