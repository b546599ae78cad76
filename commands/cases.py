"""`relicwatch cases`: listings put together for a referral."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, moment_text, open_home, out, print_rows, this_user

app = typer.Typer(help="Cases: listings put together for a referral.", no_args_is_help=True)


@app.command("open")
def cases_open(title: str, listing: Annotated[list[int] | None, typer.Option("--listing")] = None) -> None:
    """Open a case, with listings as exhibits.

    Example: relicwatch cases open "Lamps from one seller" --listing 17 --listing 21
    """
    from storage.audit import AuditChain
    from storage.cases import add_exhibit, open_case
    from storage.search import current_observation

    home, database = open_home()
    chain = AuditChain()
    with database.transaction() as session:
        case = open_case(session, chain, actor=this_user(), title=title, demo=home.is_demo)
        for one in listing or ():
            shown = current_observation(session, one)
            add_exhibit(session, chain, actor=this_user(), case=case, listing_id=one, observation_id=shown)
        reference = case.reference
    out.print(f"{reference} is open.", highlight=False)


@app.command("list")
def cases_list(as_json: AsJson = False) -> None:
    """Cases and how many exhibits they hold. Example: relicwatch cases list"""
    from storage.cases import list_cases

    _, database = open_home()
    with database.reading() as session:
        rows = [
            {
                "reference": case.reference,
                "title": case.title,
                "state": case.state,
                "exhibits": exhibits,
                "opened (UTC)": moment_text(case.opened_at),
                "by": case.opened_by,
            }
            for case, exhibits in list_cases(session)
        ]
    print_rows(rows, as_json)
