"""`relicwatch objects`: listings that offer one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from commands.object_records import objects_export
from commands.terminal import AsJson, headed, open_home, out, print_record, print_rows, progress, this_user

app = typer.Typer(
    help="Objects that several listings offer: joined by evidence, corrected by people.", no_args_is_help=True
)
Note = Annotated[str | None, typer.Option(help="Why.")]
_ABOUT = "Nothing said before is changed; `objects undo` takes a statement back."

app.command("export")(objects_export)


@app.command("list")
def objects_list(
    most: Annotated[int, typer.Option(min=1, help="So many, the newest first.")] = 50,
    maybe: Annotated[
        bool, typer.Option("--maybe", help="Pairs instead that may be the same and are not joined.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Objects with several listings, or pairs that may be one object and wait for a person.

    Example: relicwatch objects list --maybe
    """
    from review.object_view import object_rows, pair_rows

    _, database = open_home()
    with database.reading() as session:
        rows = pair_rows(session, most) if maybe else object_rows(session, most)
    print_rows(rows if as_json else [headed(_brief(row)) for row in rows], as_json)


@app.command("show")
def objects_show(
    listing: Annotated[int, typer.Argument(help="Any listing of the object.")],
    as_json: AsJson = False,
) -> None:
    """Where else the object of a listing is offered, what was said of it, and what may be the same.

    Example: relicwatch objects show 12
    """
    from review.object_view import object_record

    _, database = open_home()
    with database.reading() as session:
        record = object_record(session, listing)
    print_record(record, as_json)


@app.command("find")
def objects_find(
    listing: Annotated[int | None, typer.Option(help="Of one listing alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the listings that say something new with what is stored; crawls do it by themselves.

    Example: relicwatch objects find
    """
    from object_links import link_listings

    home, database = open_home()
    with progress("comparing", quiet=as_json) as show:
        counts = link_listings(database, home, listing=listing, actor=this_user(), progress=show)
    print_record(counts, as_json)


@app.command("confirm")
def objects_confirm(listing: int, other: int, note: Note = None, as_json: AsJson = False) -> None:
    """Say that two listings are one object, as the comparison has it or as it did not dare to say.

    Example: relicwatch objects confirm 12 40 --note "same chip at the rim"
    """
    _merged(listing, other, note, as_json)


@app.command("merge")
def objects_merge(listing: int, other: int, note: Note = None, as_json: AsJson = False) -> None:
    """Say that the objects of two listings are one, with all their listings.

    Example: relicwatch objects merge 12 40
    """
    _merged(listing, other, note, as_json)


@app.command("split")
def objects_split(
    listings: Annotated[list[int], typer.Argument(help="Those that are another object, together.")],
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Say that some listings of an object are another one; the comparison does not join them again.

    Example: relicwatch objects split 40 41 --note "another coin of the type: die crack"
    """
    from storage.audit import AuditChain
    from storage.objects import split

    _, database = open_home()
    with database.transaction() as session:
        said = split(session, AuditChain(), listings, actor=this_user(), note=note)
        _said(said.id, said.kind, listings, as_json)


@app.command("apart")
def objects_apart(listing: int, other: int, note: Note = None, as_json: AsJson = False) -> None:
    """Say that two listings that may be one object are not; the comparison neither joins nor proposes them again.

    Example: relicwatch objects apart 12 40 --note "another die"
    """
    from storage.audit import AuditChain
    from storage.objects import keep_apart

    _, database = open_home()
    with database.transaction() as session:
        said = keep_apart(session, AuditChain(), listing, other, actor=this_user(), note=note)
        _said(said.id, said.kind, [listing, other], as_json)


@app.command("undo")
def objects_undo(statement: int, note: Note = None, as_json: AsJson = False) -> None:
    """Take a statement back, whoever made it: the comparison too. It stays on record, and so does this.

    Example: relicwatch objects undo 7
    """
    from storage.audit import AuditChain
    from storage.objects import undo

    _, database = open_home()
    with database.transaction() as session:
        said = undo(session, AuditChain(), statement, actor=this_user(), note=note)
        _said(said.id, said.kind, [*said.details["one"], *said.details["other"]], as_json)


def _merged(listing: int, other: int, note: str | None, as_json: bool) -> None:
    from storage.audit import AuditChain
    from storage.objects import merge

    _, database = open_home()
    with database.transaction() as session:
        said = merge(session, AuditChain(), listing, other, actor=this_user(), note=note)
        _said(said.id, said.kind, [listing, other], as_json)


def _said(number: int, kind: str, listings: Sequence[int], as_json: bool) -> None:
    if as_json:
        print_record({"statement": number, "kind": kind, "listings": list(listings)}, True)
        return
    shown = ", ".join(str(one) for one in listings)
    out.print(f"Statement {number}: {kind} of listings {shown}. {_ABOUT}", highlight=False)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is only for machines."""
    return {key: value for key, value in row.items() if key not in ("why", "story")}
