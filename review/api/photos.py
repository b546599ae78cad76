"""A photograph from the counter: what is stored that may show the same."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, UploadFile
from pydantic import Field

from matching.photo_reading import PhotoUnreadable
from review.api.access import ApiDesk, Reading
from review.api.fields import Shown
from review.api.problems import Refusal
from review.photo_search import PhotoSearch, PhotoSearchBusy
from review.uploads import MOST_BYTES

router = APIRouter(tags=["photos"])
ASK_AGAIN_SECONDS = 5
COST = 10


class Candidate(Shown):
    """A listing or a register entry that may show the same object. A person decides."""

    kind: str = Field(description="listing or register.")
    id: int
    band: str = Field(description="strong, medium or weak.")
    sha256: str = Field(description="Of the picture that was compared.")
    reasons: list[str] = Field(description="In the language of Accept-Language.")
    about: dict[str, Any] = Field(description="Of a listing market, url, title; of an entry source, record, status.")


class PhotoMatches(Shown):
    candidates: list[Candidate] = Field(description="Best first.")
    compared: int = Field(description="So many pictures, of listings and of entries.")
    unread: int = Field(description="So many more were not reached in the time there is: ask again.")


@router.post("/photo-matches")
def match_photo(request: Request, desk: ApiDesk, caller: Reading, photo: UploadFile) -> PhotoMatches:
    """Compare a photograph (PNG, JPEG or WebP). It is not kept; the log has its digest. One at a time: else 429."""
    caller.spend(COST)
    content = photo.file.read(MOST_BYTES + 1)
    if not content or len(content) > MOST_BYTES:
        raise Refusal(422, "photo")
    search: PhotoSearch = request.app.state.photo_search
    with caller.limits.one_at_a_time() as ours:
        if not ours:
            raise Refusal(429, "busy", headers={"retry-after": str(ASK_AGAIN_SECONDS)}, seconds=ASK_AGAIN_SECONDS)
        try:
            found = search.ask(content, caller.user.id, caller.words)
        except PhotoUnreadable as error:
            raise Refusal(422, "photo") from error
        except PhotoSearchBusy as error:
            again = {"retry-after": str(ASK_AGAIN_SECONDS)}
            raise Refusal(429, "busy", headers=again, seconds=ASK_AGAIN_SECONDS) from error
    with desk.writing() as session:
        caller.chain.record(
            session,
            actor=caller.user.name,
            action="searched",
            object_kind="page",
            object_id="photos",
            details={"photo_sha256": hashlib.sha256(content).hexdigest(), "found": len(found.candidates)},
        )
    candidates = [
        Candidate(kind=one.kind, id=one.id, band=one.band, sha256=one.sha256, reasons=list(one.reasons), about=one.told)
        for one in found.candidates
    ]
    return PhotoMatches(candidates=candidates, compared=found.pictures, unread=found.unread)
