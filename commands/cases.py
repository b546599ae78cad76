"""`relicwatch cases`: listings put together for a referral."""

from __future__ import annotations

from pathlib import Path
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


@app.command("ftm")
def cases_ftm(
    reference: Annotated[str, typer.Argument(metavar="CASE")],
    to: Annotated[Path, typer.Option(help="The file to write: one entity a line.")],
) -> None:
    """Write a case as FollowTheMoney entities for OpenAleph. Machine opinions and human decisions are told apart.

    Example: relicwatch cases ftm RW-2026-0001 --to case.ftm.json
    """
    from crawler.errors import UsageError
    from evidence.follow_the_money import as_lines, case_entities
    from evidence.item import load_listing
    from storage.cases import exhibits_of, find_case

    _, database = open_home()
    with database.reading() as session:
        case = find_case(session, reference)
        if case is None:
            raise UsageError(f"There is no case {reference!r}: `relicwatch cases list` shows them.")
        exhibits = [load_listing(session, listing, exhibit) for exhibit, listing, _ in exhibits_of(session, case)]
        text = as_lines(case_entities(case.reference, exhibits))
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{to} cannot be written ({error.strerror}).") from error
    out.print(f"{to}: {text.count(chr(10))} entities.", highlight=False, markup=False)
