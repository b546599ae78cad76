"""`relicwatch custody`: the append-only log and its signed heads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import AsJson, err, open_home, out, print_record, this_user
from crawler.errors import UsageError

app = typer.Typer(help="The append-only log and its signed heads.", no_args_is_help=True)


@app.command("head")
def custody_head(as_json: AsJson = False) -> None:
    """Write a signed head of the log now; `relicwatch run` does it each day.

    Example: relicwatch custody head
    """
    from evidence.custody_heads import make_head
    from storage.audit import AuditChain

    home, database = open_home()
    head = make_head(database, home, chain=AuditChain(), actor=this_user())
    print_record({"head": str(head.path), "sha256": head.sha256, "chains": len(head.content["chains"])}, as_json)


@app.command("verify")
def custody_verify(
    heads: Annotated[Path | None, typer.Option(help="Heads of another place; else the home's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the log and compare it with its signed heads: exit status 0 whole, 1 changed.

    Example: relicwatch custody verify --heads /media/safe/custody-heads
    """
    from evidence.custody_heads import verify_custody

    home, database = open_home()
    if heads is not None and not heads.is_dir():
        raise UsageError(f"{heads} is no directory of heads.")
    report = verify_custody(database, home, heads)
    for fault in report.faults:
        err.print(f"FAULT {fault}", markup=False, highlight=False, soft_wrap=True)
    for note in report.notes:
        err.print(f"NOTE {note}", markup=False, highlight=False, soft_wrap=True)
    counts = {name: value for name, value in asdict(report).items() if name not in ("faults", "notes")}
    print_record(asdict(report) if as_json else counts, as_json)
    if report.faults:
        raise typer.Exit(1)
    if not as_json:
        out.print(
            "The log is whole." if report.heads else "The log is whole in itself; there is no head to compare it with."
        )
