"""`relicwatch listings describe`: the Object ID sheet of a listing, and what an officer states in it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands.terminal import AsJson, open_home, out, print_record, this_user
from crawler.errors import UsageError

_SOURCES = "text:WORDS of the listing, photo:CAPTURE, or examination:NOTE on your own"


def listings_describe(
    listing_id: Annotated[int, typer.Argument(metavar="ID")],
    field: Annotated[str | None, typer.Option(help="A field of Object ID, as the sheet names it.")] = None,
    value: Annotated[str | None, typer.Option(help="What you state of the object.")] = None,
    source: Annotated[str | None, typer.Option(help=f"What it rests on: {_SOURCES}.")] = None,
    observation: Annotated[int | None, typer.Option(help="Which observation says the words; else the newest.")] = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="The field's last statement no longer holds.")] = False,
    as_json: AsJson = False,
) -> None:
    """The Object ID sheet of a listing: what it says itself and what officers state, apart. With --field: state more.

    What was stated stays on record; the newest statement of a field counts.

    Example: relicwatch listings describe 17 --field maker --value "unknown workshop" --source photo:812
    """
    from review.object_id_view import sheet_record
    from storage.audit import AuditChain
    from storage.object_id import state_field

    _, database = open_home()
    if field is None:
        if value is not None or source is not None or take_back:
            raise UsageError("Say with --field which field of the sheet it is about.")
        with database.reading() as session:
            print_record(sheet_record(session, listing_id), as_json)
        return
    if (value is None) != take_back:
        raise UsageError("Give --value WHAT, or --take-back to say that the last statement no longer holds.")
    if source is None:
        raise UsageError(f"Say with --source what it rests on: {_SOURCES}.")
    with database.transaction() as session:
        rests_on = _source(session, listing_id, source, observation)
        said = state_field(
            session, AuditChain(), listing_id, field=field, value=value, source=rests_on, actor=this_user()
        )
        if as_json:
            print_record({"statement": said.id, "field": field, "value": said.value, "source": rests_on}, True)
            return
        told = "is taken back" if said.value is None else f"is now {said.value!r}"
        out.print(f"Statement {said.id}: {field} of listing {listing_id} {told}.", markup=False, highlight=False)


def _source(session: Any, listing_id: int, told: str, observation: int | None) -> dict[str, Any]:
    from storage.object_id import examination_source, photo_source, text_source

    kind, _, words = told.partition(":")
    if kind == "text":
        return text_source(session, listing_id, words, observation_id=observation)
    if kind == "photo" and words.isascii() and words.isdigit() and len(words) < 19:
        return photo_source(session, listing_id, int(words))
    if kind == "examination":
        return examination_source(words)
    raise UsageError(f"--source {told!r} is none of these: {_SOURCES}.")
