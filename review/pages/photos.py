"""Photo search: choose or drop a photo from the counter, see flagged listings and register entries side by side."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from starlette.datastructures import UploadFile
from starlette.responses import Response

from evidence.store import EvidenceStore
from matching.photo_reading import PhotoUnreadable
from review.desk import Desk, DeskOf, Form, NotThere, Reader, row_id, word
from review.pages.files import SANDBOX, picture_answer
from review.photo_search import PhotoSearch, PhotoSearchBusy, PhotoSearched
from review.uploads import MOST_BYTES, ask_for_import, keep_for_import
from storage.tables import Capture, RegisterEntry, utc_now

router = APIRouter()


def photo_search_of(request: Request) -> PhotoSearch:
    search: PhotoSearch = request.app.state.photo_search
    return search


Search = Annotated[PhotoSearch, Depends(photo_search_of)]


@dataclass(frozen=True, slots=True)
class Photo:
    """What came with the form."""

    content: bytes
    """Empty where none was chosen or it is too long."""
    name: str
    keep: bool
    """Whether the person asked for it to be sealed and put into the queue."""


async def sent_photo(visitor: Reader, form: Form) -> Photo:
    sent: Any = form.get("photo")
    content: bytes = await sent.read(MOST_BYTES + 1) if isinstance(sent, UploadFile) else b""
    name = sent.filename or "" if isinstance(sent, UploadFile) else ""
    keep = word(form, "keep") == "1" and visitor.may("decide")
    return Photo(content if len(content) <= MOST_BYTES else b"", name, keep)


SentPhoto = Annotated[Photo, Depends(sent_photo)]


@router.get("/photos")
def photos_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    return _page(request, desk)


@router.post("/photos")
def search(request: Request, desk: DeskOf, visitor: Reader, photo: SentPhoto, search: Search) -> Response:
    """The log says who searched and by the digest of which photo; the photo itself is kept on request alone."""
    if not photo.content:
        return _page(request, desk, refused="photo_none_sent")
    try:
        found = search.ask(photo.content, visitor.user.id, desk.words(request))
    except PhotoUnreadable:
        return _page(request, desk, refused="photo_unreadable")
    except PhotoSearchBusy:
        return _page(request, desk, refused="photo_busy", status=429)
    upload = keep_for_import(desk.home, photo.name, photo.content) if photo.keep else ""
    with desk.writing() as session:
        if upload:
            name = visitor.user.name
            ask_for_import(session, desk.chain, upload, who=name, when=utc_now(), actor=name)
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="searched",
            object_kind="page",
            object_id="photos",
            details={"photo_sha256": hashlib.sha256(photo.content).hexdigest(), "found": len(found.candidates)},
        )
    return _page(request, desk, found=found, kept=photo.keep)


@router.get("/photos/asked/{key}.jpg")
def asked_photo(visitor: Reader, search: Search, key: str) -> Response:
    picture = search.shown(key, visitor.user.id)
    if picture is None:
        raise NotThere("This photo is not here any more.")
    return Response(picture, headers={**SANDBOX, "cache-control": "no-store"}, media_type="image/jpeg")


@router.get("/photos/entries/{entry_id}/{sha256}")
def entry_photo(desk: DeskOf, visitor: Reader, entry_id: str, sha256: str) -> Response:
    """A picture that came with a register."""
    with desk.reading() as session:
        entry = session.get(RegisterEntry, row_id(entry_id) or 0)
    if entry is None or sha256 not in {photo.get("sha256") for photo in entry.photos}:
        raise NotThere(f"There is no such picture of entry {entry_id}.")
    store, path = EvidenceStore(desk.home), desk.home.file_path(sha256)
    if not store.has(path):
        raise NotThere("The picture's file is not here.")
    return picture_answer(store, path, entry.id)


@router.get("/photos/listings/{listing_id}/{sha256}")
def listing_photo(desk: DeskOf, visitor: Reader, listing_id: str, sha256: str) -> Response:
    """The small picture of a listing that was compared."""
    small = select(Capture).where(
        Capture.listing_id == row_id(listing_id), Capture.kind == "thumbnail", Capture.sha256 == sha256
    )
    with desk.reading() as session:
        capture = session.scalars(small.limit(1)).first()
    store = EvidenceStore(desk.home)
    if capture is None or not store.has(desk.home.file_path(capture.sha256)):
        raise NotThere(f"There is no such picture of listing {listing_id}.")
    return picture_answer(store, desk.home.file_path(capture.sha256), capture.id)


def _told(entry: RegisterEntry) -> tuple[str, str]:
    """What the register calls the object, and its description."""
    fields = entry.fields
    return str(fields.get("title") or fields.get("object_type") or entry.record_id), str(
        fields.get("description") or ""
    )


def _page(
    request: Request,
    desk: Desk,
    *,
    found: PhotoSearched | None = None,
    refused: str = "",
    status: int = 422,
    kept: bool = False,
) -> Response:
    search = photo_search_of(request)
    with desk.reading() as session:
        entries = {
            one.id: _told(session.get_one(RegisterEntry, one.id))
            for one in (found.candidates if found else ())
            if one.kind == "register"
        }
    return desk.page(
        request,
        "photos.html",
        status=status if refused else 200,
        found=found,
        entries=entries,
        refused=refused,
        kept=kept,
        ready=search.ready(),
        megabytes=MOST_BYTES // (1024 * 1024),
    )
