"""Object ID records written out: of a listing, and of an object that several listings offer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from commands.terminal import open_home, out
from crawler.errors import UsageError

Form = Annotated[Literal["json", "linked-art"], typer.Option("--format", help="Our own record, or Linked Art JSON-LD.")]
Base = Annotated[str | None, typer.Option(help="The address below which you publish the record; ends in /.")]


def listings_object_id(
    listing_id: Annotated[int, typer.Argument(metavar="ID")],
    form: Form = "json",
    base: Base = None,
) -> None:
    """The Object ID record of a listing, as JSON or Linked Art: what its seller says, and what officers state, apart.

    Example: relicwatch listings object-id 17 --format linked-art
    """
    from evidence.linked_art import linked_art, sheet_of
    from storage.tables import Listing

    _, database = open_home()
    with database.reading() as session:
        listing = session.get(Listing, listing_id)
        if listing is None:
            raise UsageError(f"There is no listing {listing_id}: `relicwatch listings search` shows their numbers.")
        sheet = sheet_of(session, listing)
    record = dict(sheet.record) if form == "json" else linked_art([sheet], base=_checked(base))
    out.print(_text(record), markup=False, highlight=False, soft_wrap=True)


def objects_export(
    listing_id: Annotated[int, typer.Argument(metavar="LISTING", help="Any listing of the object.")],
    to: Annotated[Path, typer.Option(help="The file to write.")],
    form: Form = "linked-art",
    base: Base = None,
) -> None:
    """Write the record of an object with all its listings: one Linked Art record, or our records, one a line.

    Example: relicwatch objects export 12 --to object.jsonld
    """
    from evidence.linked_art import linked_art, sheet_of
    from storage.objects import group_of, objects_of
    from storage.tables import Listing

    _, database = open_home()
    with database.reading() as session:
        if session.get(Listing, listing_id) is None:
            raise UsageError(f"There is no listing {listing_id}: `relicwatch listings search` shows their numbers.")
        object_id = objects_of(session, [listing_id]).get(listing_id)
        sheets = [sheet_of(session, session.get_one(Listing, one)) for one in group_of(session, listing_id)]
    if form == "json":
        text = "\n".join(json.dumps(dict(one.record), ensure_ascii=False) for one in sheets)
    else:
        text = _text(linked_art(sheets, object_id=object_id, base=_checked(base)))
    try:
        to.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{to} cannot be written ({error.strerror}).") from error
    out.print(f"{to}: {len(sheets)} listings.", highlight=False, markup=False, soft_wrap=True)


def _checked(base: str | None) -> str:
    from evidence.linked_art import NOWHERE

    if base is None:
        return NOWHERE
    if not base.startswith(("http://", "https://")) or not base.endswith("/"):
        raise UsageError(f"{base!r} is no address for records to stand below: give http(s)://.../ with its last slash.")
    return base


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2)
