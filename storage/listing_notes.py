"""Dated, signed notes on a listing, beside the decisions on it. Rows are only added."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.decisions import MAXIMUM_NOTE
from storage.tables import Listing, ListingNote


class NoteRefused(RelicwatchError):
    """There is no such listing, or the note is empty or too long; `key` names the reason for other languages."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


def add_listing_note(session: Session, chain: AuditChain, *, listing_id: int, text: str, actor: str) -> ListingNote:
    """Add a note to a listing; what stood there stays. Raises NoteRefused."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise NoteRefused("The note is empty: write something or leave the page.", "note_empty")
    if len(text) > MAXIMUM_NOTE:
        raise NoteRefused(f"The note has more than {MAXIMUM_NOTE} characters: shorten it.", "note_long")
    if session.get(Listing, listing_id) is None:
        raise NoteRefused(f"There is no listing {listing_id}.", "none")
    note = ListingNote(listing_id=listing_id, text=text, written_by=actor)
    session.add(note)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="note added",
        object_kind="listing",
        object_id=listing_id,
        details={"note": note.id},
    )
    return note


def notes_on(session: Session, listing_id: int) -> Sequence[ListingNote]:
    """The notes on a listing in the order they were written."""
    return session.scalars(
        select(ListingNote).where(ListingNote.listing_id == listing_id).order_by(ListingNote.id)
    ).all()
