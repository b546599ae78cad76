"""What officers state of an object in the fields of the Object ID standard: only ever added, each with its source.

What the seller's listing says is no part of this: it is read from the listing (`evidence.object_id`) and kept apart.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import Capture, Listing, ObjectIdStatement, Observation

OBJECT_ID_FIELDS = (
    "photographs", "object_type", "measurements", "materials_and_techniques", "inscriptions_and_markings",
    "date_or_period", "maker", "subject", "title", "distinguishing_features", "description",
)  # fmt: skip
"""The fields of the standard, in its order."""
STATED_FIELDS = tuple(name for name in OBJECT_ID_FIELDS if name != "photographs")
"""Those that words can fill: photographs are captured, not stated."""
SOURCE_KINDS = ("text", "photo", "examination")
QUOTED_FIELDS = ("title", "description", "size")
"""Texts of an observation that a statement may quote."""
PICTURE_KINDS = ("thumbnail", "screenshot", "screenshot_viewport", "saved_photo")
"""Captures that a statement may rest on, beside exchanges that brought a picture."""
MOST_CHARACTERS = 2000


class ObjectIdError(RelicwatchError):
    """What was stated cannot be kept: an unknown field, no value, or a source that does not say it."""

    def __init__(self, sentence: str, key: str) -> None:
        """`key` names the fault for a screen in another language."""
        super().__init__(sentence)
        self.key = key


def text_source(session: Session, listing_id: int, words: str, *, observation_id: int | None = None) -> dict[str, Any]:
    """The place where the listing says these words, in the newest observation or the one named.

    Raises ObjectIdError.
    """
    words = unicodedata.normalize("NFC", words).strip()
    if not words:
        raise ObjectIdError("Quote the words of the listing that say it.", "words_missing")
    listing = _listing(session, listing_id)
    shown = session.get(Observation, observation_id or listing.current_observation_id or 0)
    if shown is None or shown.listing_id != listing_id:
        raise ObjectIdError(f"Listing {listing_id} has no observation {observation_id}.", "observation_unknown")
    for field in QUOTED_FIELDS:
        start = (getattr(shown, field) or "").find(words)
        if start >= 0:
            place = {"field": field, "start": start, "end": start + len(words), "text": words}
            return {"kind": "text", "observation": shown.id, **place}
    raise ObjectIdError(
        f"Observation {shown.id} of listing {listing_id} does not hold these words: quote title, description or size "
        "letter by letter.",
        "words_unknown",
    )


def photo_source(session: Session, listing_id: int, capture_id: int) -> dict[str, Any]:
    """A picture among the listing's captures, with its digest. Raises ObjectIdError."""
    _listing(session, listing_id)
    capture = session.get(Capture, capture_id)
    if capture is None or capture.listing_id != listing_id or not is_picture(capture):
        raise ObjectIdError(
            f"Capture {capture_id} is no picture of listing {listing_id}: `relicwatch listings show {listing_id}` "
            "has its captures.",
            "picture_unknown",
        )
    return {"kind": "photo", "capture": capture.id, "sha256": capture.sha256}


def examination_source(note: str) -> dict[str, Any]:
    """An officer's own examination, in their words. Raises ObjectIdError."""
    note = _clean(note)
    if not note:
        raise ObjectIdError("Say in a note what was examined, how and where.", "note_missing")
    return {"kind": "examination", "note": note}


def is_picture(capture: Capture) -> bool:
    """Whether a capture shows something: a picture that was fetched, a screenshot, a thumbnail."""
    if capture.kind == "exchange":
        return capture.status == 200 and (capture.media_type or "").startswith("image/")
    return capture.kind in PICTURE_KINDS


def state_field(
    session: Session,
    chain: AuditChain,
    listing_id: int,
    *,
    field: str,
    value: str | None,
    source: Mapping[str, Any],
    actor: str,
) -> ObjectIdStatement:
    """Keep a statement and its event in the caller's transaction. `value` None takes back what stands.

    Raises ObjectIdError for an unknown field or listing, an empty or too long value, nothing to take back, or what
    stands already word for word.
    """
    _listing(session, listing_id)
    if field not in STATED_FIELDS:
        raise ObjectIdError(f"{field!r} is no field of Object ID: use one of {', '.join(STATED_FIELDS)}.", "field")
    value = None if value is None else _clean(value)
    if value == "":
        raise ObjectIdError("Give a value, or take back what stands.", "value_missing")
    stands = standing(statements_of(session, listing_id)).get(field)
    if value is None and stands is None:
        raise ObjectIdError(
            f"Nothing is stated in {field} of listing {listing_id} that could be taken back.", "nothing"
        )
    if stands is not None and (stands.value, stands.source) == (value, dict(source)):
        raise ObjectIdError(f"Statement {stands.id} says this already.", "said_already")
    salt = secrets.token_hex(16)
    statement = ObjectIdStatement(
        listing_id=listing_id, field=field, value=value, source=dict(source), salt=salt, said_by=actor
    )
    session.add(statement)
    session.flush()
    chain.record(
        session,
        actor=actor,
        action="described",
        object_kind="listing",
        object_id=listing_id,
        details={
            "statement": statement.id,
            "field": field,
            "source": source["kind"],
            "digest": statement_digest(salt, field, value, source),
        },
    )
    return statement


def statements_of(session: Session, listing_id: int) -> list[ObjectIdStatement]:
    """All that was ever stated of a listing's object, first to last."""
    return list(
        session.scalars(
            select(ObjectIdStatement).where(ObjectIdStatement.listing_id == listing_id).order_by(ObjectIdStatement.id)
        )
    )


def standing(statements: Sequence[ObjectIdStatement]) -> dict[str, ObjectIdStatement]:
    """Field -> the statement that counts; a field whose last statement took it back has none."""
    last = {one.field: one for one in statements}
    return {field: one for field, one in last.items() if one.value is not None}


def statement_digest(salt: str, field: str, value: str | None, source: Mapping[str, Any]) -> str:
    """What the log keeps of a statement, so that a changed one is found: SHA-256 over salt, field, value and source."""
    text = json.dumps([salt, field, value, dict(source)], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _listing(session: Session, listing_id: int) -> Listing:
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise ObjectIdError(
            f"There is no listing {listing_id}: `relicwatch listings search` shows those there are.", "listing"
        )
    return listing


def _clean(words: str) -> str:
    words = unicodedata.normalize("NFC", words).strip()
    if len(words) > MOST_CHARACTERS:
        raise ObjectIdError(f"That has more than {MOST_CHARACTERS} characters: shorten it.", "too_long")
    return words
