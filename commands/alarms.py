"""`relicwatch alarms`: signs of danger to a person."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, InLanguage, open_home, out, print_record, print_rows, this_user

app = typer.Typer(help="Signs of danger to a person, outside the queue.", no_args_is_help=True)


@app.command("list")
def alarms_list(
    lang: InLanguage = "en",
    closed: Annotated[bool, typer.Option("--closed", help="Those too that somebody has closed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Signs of danger to a person that listings show: call the police, do not wait for the queue.

    Example: relicwatch alarms list --lang ar
    """
    from classifiers.answers.explained import explain_alarm
    from storage.alarms import list_alarms

    _, database = open_home()
    rows = list_alarms(database, closed=closed)
    if as_json:
        print_rows(rows, True)
        return
    if not rows:
        out.print("No alarm stands open.")
        return
    for row in rows:
        told = explain_alarm(row["kind"], row["reasons"], lang)
        words = [str(reason["text"]) for reason in row["reasons"]]
        shown = row | {"kind": told.name, "meaning": told.sentence, "reasons": words}
        print_record({name: value for name, value in shown.items() if value is not None}, False)
        out.print()


@app.command("close")
def alarms_close(
    alarm_id: Annotated[int, typer.Argument(metavar="ID")],
    note: Annotated[str, typer.Option(help="What was done, and who was told.")],
) -> None:
    """Close an alarm once somebody has acted on it; the audit log keeps who did.

    Example: relicwatch alarms close 3 --note "Police told by telephone, ref. 77/26"
    """
    from storage.alarms import close_alarm
    from storage.audit import AuditChain

    _, database = open_home()
    with database.transaction() as session:
        close_alarm(session, AuditChain(), alarm_id, actor=this_user(), note=note)
    out.print(f"Alarm {alarm_id} is closed.", highlight=False)
