"""`relicwatch listings`: what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.describing import listings_describe
from commands.object_records import listings_object_id
from commands.terminal import AsJson, InLanguage, open_home, out, print_record, print_rows, this_user
from crawler.errors import UsageError

app = typer.Typer(help="What is stored.", no_args_is_help=True)
app.command("describe")(listings_describe)
app.command("object-id")(listings_object_id)


@app.command("search")
def listings_search(
    words: Annotated[list[str] | None, typer.Argument()] = None,
    market: str | None = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Flagged listings only.")] = False,
    limit: int = 50,
    as_json: AsJson = False,
) -> None:
    """Stored listings whose text holds all the words (accents, case and Arabic forms do not matter).

    Example: relicwatch listings search lampe romaine --flagged
    """
    from storage.search import search_listings

    _, database = open_home()
    rows = search_listings(database, words or [], market=market, flagged_only=flagged, limit=limit)
    if not rows and not as_json and search_listings(database, [], market=None, flagged_only=False, limit=1):
        out.print("No stored listing matches: give fewer words, or leave out --market and --flagged.")
        return
    print_rows(rows, as_json)


@app.command("show")
def listings_show(
    listing_id: Annotated[int, typer.Argument(metavar="ID")],
    lang: InLanguage = "en",
    as_json: AsJson = False,
) -> None:
    """One listing with its versions, captures and assessments; the answers in a reader's language.

    Example: relicwatch listings show 17 --lang fr
    """
    from classifiers.answers.explained import as_lines
    from storage.search import listing_record

    _, database = open_home()
    record = listing_record(database, listing_id)
    if not as_json:
        for assessment in record["assessments"]:
            assessment["answers"] = as_lines(assessment.get("answers") or {}, lang)
    print_record(record, as_json)


@app.command("export")
def listings_export(
    to: Annotated[Path, typer.Option(help="A new file.")],
    form: Annotated[
        Literal["csv", "xlsx", "jsonl"], typer.Option("--format", help="What a risk engine takes.")
    ] = "csv",
    case: Annotated[str | None, typer.Option(help="Reference of a case: its listings alone.")] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only what the model in use flags.")] = False,
) -> None:
    """Listings as a table for risk engines and analysts; no cell of it can act as a formula. Evidence is `export`.

    Example: relicwatch listings export --to hits.xlsx --format xlsx --flagged
    """
    from evidence.risk_tables import listing_rows, write_table
    from storage.audit import AuditChain
    from storage.cases import find_case

    _, database = open_home()
    with database.transaction() as session:
        if case is not None and find_case(session, case) is None:
            raise UsageError(f"There is no case {case!r}: `relicwatch cases list` shows those there are.")
        count = write_table(listing_rows(session, case=case, flagged_only=flagged), to, form)
        AuditChain().record(
            session,
            actor=this_user(),
            action="table exported",
            object_kind="case" if case else "listing",
            object_id=case or "all",
            details={"rows": count, "format": form, "flagged": flagged},
        )
    out.print(f"{count} listings in {to}", highlight=False, soft_wrap=True)
