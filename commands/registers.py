"""`relicwatch registers`: missing-object lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from commands.terminal import (
    AsJson,
    err,
    headed,
    open_home,
    out,
    print_record,
    print_rows,
    progress,
    this_user,
    waiting,
)
from crawler.home import Home

app = typer.Typer(help="Missing-object lists and the listings that may be theirs.", no_args_is_help=True)


@app.command("import")
def registers_import(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON or JSON Lines; or a zip of one with its photos.")],
    source: Annotated[str | None, typer.Option(help="The list's name; else its source_id or the file's name.")] = None,
    dated: Annotated[str | None, typer.Option(help="The keeper's date of the list, as 2026-11-27.")] = None,
    licence: Annotated[str | None, typer.Option(help="On what terms it may be used and shared.")] = None,
    part: Annotated[bool, typer.Option("--part", help="Only additions: entries that it lacks stay.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a missing-object list as the next version of its source, and look for its objects in what is stored.

    A row that cannot be kept is told with its line and reason; the others are kept, and the exit status is 1.

    Example: relicwatch registers import losses.xlsx --source MOC-IQ-2003 --dated 2026-11-01 --licence "partners only"
    """
    from linking import import_register, match_registers
    from matching.register_files import refused
    from storage.audit import AuditChain

    home, database = open_home()
    found = import_register(
        database,
        home,
        file,
        chain=AuditChain(),
        actor=this_user(),
        source=source,
        dated=dated,
        licence=licence,
        whole=not part,
    )
    for fault in found.faults:
        note = "kept, but" if fault.warning else "left out:"
        err.print(f"{file}, line {fault.line}: {note} {fault.reason}", markup=False, highlight=False, soft_wrap=True)
    for column in found.unknown_columns:
        err.print(
            f"{file}: the column '{column}' is not known; it stays with the original row", markup=False, soft_wrap=True
        )
    with progress("looking for its objects", quiet=as_json) as show:
        counts = match_registers(database, home, source=found.version.source, progress=show)
    record = {
        "source": found.version.source,
        "version": found.version.version,
        **found.version.counts,
        "photos": found.photos,
        "offers_compared": counts["offers"],
        "candidates": counts["candidates"],
    }
    print_record(record, as_json)
    if refused(found.faults):
        raise typer.Exit(1)


@app.command("list")
def registers_list(as_json: AsJson = False) -> None:
    """The missing-object lists, each in its newest version.

    Example: relicwatch registers list
    """
    from storage.registers import list_registers

    _, database = open_home()
    with database.reading() as session:
        rows = list_registers(session)
    shown = ("source", "version", "entries", "dated", "licence", "imported_by", "imported_at")
    print_rows(rows if as_json else [headed({key: row[key] for key in shown}) for row in rows], as_json)


@app.command("match")
def registers_match(
    listing: Annotated[int | None, typer.Option(help="Of one listing alone.")] = None,
    photo: Annotated[Path | None, typer.Option(help="A photo from the counter: what does it show?")] = None,
    again: Annotated[bool, typer.Option("--again", help="Compare everything stored anew first.")] = False,
    most: Annotated[int, typer.Option(min=1, help="So many, strongest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Listings that may be missing objects, strongest first, with what speaks for each. A person decides.

    With --photo: register entries and stored listings that may show the same as a photograph.

    Example: relicwatch registers match --photo counter.jpg
    """
    from linking import match_registers
    from storage.registers import list_matches

    home, database = open_home()
    if photo is not None:
        print_rows(_asked_by_photo(home, database, photo), as_json)
        return
    if again or listing is not None:
        with progress("comparing", quiet=as_json) as show:
            match_registers(database, home, listings=[listing] if listing is not None else (), progress=show)
    with database.reading() as session:
        rows = list_matches(session, listing_id=listing, most=most)
    if as_json:
        print_rows(rows, True)
        return
    shown = [
        {
            "candidate": row["match"],
            "strength": row["band"],
            "listing": row["listing"],
            "title": row["title"],
            "register": f"{row['source']} {row['record']}",
            "because": ", ".join(
                one["part"] for one in sorted(row["why"], key=lambda one: -one["weight"]) if one["weight"] > 0.5
            ),
            "said": row["verdict"] or "",
        }
        for row in rows
    ]
    print_rows(shown, False)


def _asked_by_photo(home: Home, database: Any, photo: Path) -> list[dict[str, Any]]:
    from photo_links import ask_photo

    with waiting("looking"):
        answers = list(ask_photo(database, home, photo))
    return [
        {
            "kind": one.kind,
            "id": one.id,
            "score": one.link.score,
            "sure": one.link.links,
            **one.told,
            "reason": "; ".join(one.link.reasons),
        }
        for one in answers
    ]


def _parts_for(why: list[Mapping[str, Any]]) -> list[str]:
    return [one["part"] for one in sorted(why, key=lambda one: -one["weight"]) if one["weight"] > 0.5]


@app.command("judge")
def registers_judge(
    candidate: int,
    verdict: Annotated[Literal["same", "other", "unsure"], typer.Argument()],
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Keep what you say of a candidate: the same object, another, or unsure. Nothing said before is changed.

    Example: relicwatch registers judge 7 same --note "same chip at the base, both photographs"
    """
    from storage.audit import AuditChain
    from storage.registers import say_verdict

    _, database = open_home()
    with database.transaction() as session:
        say_verdict(session, AuditChain(), candidate, verdict=verdict, actor=this_user(), note=note)
    out.print(f"Candidate {candidate}: {verdict}.")
