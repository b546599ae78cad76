"""Work on one listing beside its decisions: who is to look at it, and notes."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from review.api.access import ApiDesk, Deciding, Reading
from review.api.fields import Line, PlainText, RowId, Sent, Shown
from review.api.problems import Refusal
from review.desk import NotThere
from storage.assignments import AssignmentRefused, assign, assignee_of
from storage.decisions import MAXIMUM_NOTE
from storage.listing_notes import NoteRefused, add_listing_note, notes_on
from storage.tables import Listing
from storage.users import find_user

router = APIRouter(tags=["listings"])


class Assigned(Shown):
    listing_id: int
    assignee: str | None


class AssigneeSent(Sent):
    user: Line | None = Field(description="The name of a person who decides; null: nobody.")


class Note(Shown):
    """A signed paragraph; only ever added."""

    id: int
    text: str
    written_by: str
    written_at: datetime


class Notes(Shown):
    items: list[Note]


class NoteSent(Sent):
    text: PlainText = Field(min_length=1, max_length=MAXIMUM_NOTE)


@router.get("/listings/{listing_id}/assignee")
def listing_assignee(desk: ApiDesk, caller: Reading, listing_id: RowId) -> Assigned:
    """Who is to look at this listing."""
    with desk.database.reading() as session:
        if session.get(Listing, listing_id) is None:
            raise NotThere(f"There is no listing {listing_id}.")
        user = assignee_of(session, listing_id)
        return Assigned(listing_id=listing_id, assignee=user.name if user is not None else None)


@router.post("/listings/{listing_id}/assignee")
def give_listing(desk: ApiDesk, caller: Deciding, listing_id: RowId, sent: AssigneeSent) -> Assigned:
    """Have this person look at it, or nobody."""
    with desk.writing() as session:
        if session.get(Listing, listing_id) is None:
            raise NotThere(f"There is no listing {listing_id}.")
        user = find_user(session, sent.user) if sent.user is not None else None
        try:
            if sent.user is not None and user is None:
                raise AssignmentRefused(f"There is no user {sent.user}.")
            user_id = user.id if user is not None else None
            assign(session, caller.chain, [listing_id], user_id=user_id, actor=caller.user.name)
        except AssignmentRefused as error:
            raise Refusal(422, "assignee") from error
        return Assigned(listing_id=listing_id, assignee=user.name if user is not None else None)


@router.get("/listings/{listing_id}/notes")
def listing_notes(desk: ApiDesk, caller: Reading, listing_id: RowId) -> Notes:
    """The notes on this listing, in the order they were written."""
    with desk.database.reading() as session:
        if session.get(Listing, listing_id) is None:
            raise NotThere(f"There is no listing {listing_id}.")
        return Notes.model_validate({"items": notes_on(session, listing_id)})


@router.post("/listings/{listing_id}/notes", status_code=201)
def note_on_listing(desk: ApiDesk, caller: Deciding, listing_id: RowId, sent: NoteSent) -> Note:
    """Add a note to this listing."""
    with desk.writing() as session:
        if session.get(Listing, listing_id) is None:
            raise NotThere(f"There is no listing {listing_id}.")
        try:
            written = add_listing_note(
                session, caller.chain, listing_id=listing_id, text=sent.text, actor=caller.user.name
            )
        except NoteRefused as error:
            raise Refusal(422, "note", said=f"case_error_{error.key}") from error
        return Note.model_validate(written)
