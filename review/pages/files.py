"""Pictures and bundles on their way to the browser: by the number of a record, never by a path from a page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from evidence.store import EvidenceStore
from review.desk import Desk, DeskOf, Exporter, NotThere, Reader, row_id
from review.masking import is_withheld
from review.picture_drawing import SIDES, PictureRefused, veiled
from review.pictures import are_veiled, read_capture
from storage.audit import AuditChain
from storage.object_id import PICTURE_KINDS, is_picture
from storage.tables import Capture, Export, RegisterEntry

router = APIRouter()
SANDBOX = {"content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff"}
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
DERIVATIVES = ("dom", "screenshot", "screenshot_viewport", "pdf", "thumbnail", "saved_photo")


@router.get("/captures/{capture_id}/image")
def capture_image(request: Request, desk: DeskOf, visitor: Reader, capture_id: str) -> Response:
    """A raster derivative shown in place; anything else of ours as a download. Human remains are veiled unless asked
    for with `shown=1`.
    """
    asked = request.query_params
    return image_answer(
        desk,
        row_id(capture_id) or 0,
        shown=asked.get("shown") == "1",
        actor=visitor.user.name,
        contacts=asked.get("contacts", ""),
    )


def image_answer(desk: Desk, capture_id: int, *, shown: bool, actor: str, contacts: str = "") -> Response:
    """`contacts`: the event by which this person lifted the mask. Raises NotThere."""
    store = EvidenceStore(desk.home)
    with desk.reading() as session:
        capture = session.get(Capture, capture_id)
        withheld = capture is not None and is_withheld(session, store, capture, contacts, actor=actor)
        veil = withheld or (capture is not None and not shown and are_veiled(session, capture.listing_id))
    if capture is None or capture.kind not in DERIVATIVES:
        raise NotThere(f"There is no picture of capture {capture_id}.")
    path = desk.home.file_path(capture.sha256)
    if not store.has(path):
        raise NotThere(f"The file of capture {capture_id} is not here.")
    if veil and capture.kind in PICTURE_KINDS:
        return _veiled_answer(store.read(path))
    if withheld:
        raise NotThere("This copy of the page tells how to reach somebody: say on the listing's page why you need it.")
    return picture_answer(store, path, capture.id)


@router.get("/captures/{capture_id}/picture")
def capture_picture(request: Request, desk: DeskOf, visitor: Reader, capture_id: str) -> Response:
    """A captured picture, drawn anew from its pixels as `size=small` or `size=large`; the original stays in the store.

    Veiled as above.
    """
    size = _size_of(request)
    with desk.reading() as session:
        capture = session.get(Capture, row_id(capture_id) or 0)
        if capture is None or not is_picture(capture):
            raise NotThere(f"There is no picture of capture {capture_id}.")
        lifted_by = request.query_params.get("contacts", "")
        store = EvidenceStore(desk.home)
        veil = _is_veiled(request, session, capture) or is_withheld(
            session, store, capture, lifted_by, actor=visitor.user.name
        )
        drawn = desk.drawer.kept(capture.sha256, size)
        body = None if drawn else read_capture(session, store, capture)
    return _drawn_answer(desk, drawn, body, size, capture.sha256, veil=veil)


@router.get("/registers/entries/{entry_id}/photos/{number}")
def register_photo(request: Request, desk: DeskOf, visitor: Reader, entry_id: str, number: str) -> Response:
    """A photograph that came with a register entry, drawn anew."""
    with desk.reading() as session:
        entry = session.get(RegisterEntry, row_id(entry_id) or 0)
    photos = [photo["sha256"] for photo in entry.photos if "sha256" in photo] if entry is not None else []
    place = row_id(number) or 0
    if not 1 <= place <= len(photos):
        raise NotThere(f"Entry {entry_id} has no photograph {number}.")
    sha256, size = photos[place - 1], _size_of(request)
    store, path = EvidenceStore(desk.home), desk.home.file_path(photos[place - 1])
    drawn = desk.drawer.kept(sha256, size)
    body = store.read(path) if drawn is None and store.has(path) else None
    return _drawn_answer(desk, drawn, body, size, sha256)


def _size_of(request: Request) -> str:
    size = request.query_params.get("size", "small")
    return size if size in SIDES else "small"


def _is_veiled(request: Request, session: Session, capture: Capture) -> bool:
    return request.query_params.get("shown") != "1" and are_veiled(session, capture.listing_id)


def _drawn_answer(
    desk: Desk, drawn: bytes | None, body: bytes | None, size: str, sha256: str, *, veil: bool = False
) -> Response:
    if drawn is None and body is None:
        raise NotThere("The file of this picture is not here.")
    try:
        drawn = drawn or desk.drawer.draw(body or b"", size, sha256)
    except PictureRefused as refused:
        raise NotThere(str(refused)) from refused
    if veil:
        return _veiled_answer(drawn)
    headers = {**SANDBOX, "cache-control": "private, max-age=3600"}
    return Response(drawn, headers=headers, media_type="image/jpeg")


def _veiled_answer(body: bytes) -> Response:
    """Not kept by the browser: whoever asks for the picture next is shown it under the same address."""
    try:
        coarse = veiled(body)
    except (OSError, ValueError, SyntaxError) as error:
        raise NotThere("The picture cannot be drawn.") from error
    return Response(coarse, headers={**SANDBOX, "cache-control": "no-store"}, media_type="image/jpeg")


def picture_answer(store: EvidenceStore, path: Path, capture_id: int) -> Response:
    """The file, wherever it lies; out of a store far away it is held whole, as a picture may be."""
    with store.open(path) as file:
        head = file.read(16)
        kind = raster_type(head)
        rest = b"" if path.is_file() else file.read()
    headers = {**SANDBOX, "cache-control": "private, max-age=3600"}
    if kind is None:
        headers = {**SANDBOX, "content-disposition": f'attachment; filename="capture-{capture_id}.bin"'}
    media_type = kind or "application/octet-stream"
    if path.is_file():
        return FileResponse(path, headers=headers, media_type=media_type)
    return Response(head + rest, headers=headers, media_type=media_type)


@router.get("/exports/{bundle_id}")
def download_bundle(desk: DeskOf, visitor: Exporter, bundle_id: str) -> Response:
    return bundle_answer(desk, desk.chain, bundle_id, actor=visitor.user.name)


def bundle_answer(desk: Desk, chain: AuditChain, bundle_id: str, *, actor: str) -> Response:
    """The bundle's file, noted in the log. Raises NotThere."""
    with desk.writing() as session:
        export = session.scalars(select(Export).where(Export.bundle_id == bundle_id)).one_or_none()
        path = export_file(desk.home.exports, export)
        if export is None or path is None:
            raise NotThere(f"There is no bundle {bundle_id} here.")
        chain.record(
            session,
            actor=actor,
            action="bundle downloaded",
            object_kind="export",
            object_id=export.id,
            details={"sha256": export.sha256},
        )
    return FileResponse(path, headers=SANDBOX, media_type="application/zip", filename=path.name)


def raster_type(head: bytes) -> str | None:
    """PNG, JPEG or WebP by the file's first 16 bytes, whatever it is called; None for all else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), None)


def export_file(exports: Path, export: Export | None) -> Path | None:
    """The bundle's file where it lies below the home's exports, else None."""
    if export is None:
        return None
    path = (exports / export.path).resolve()
    return path if path.is_relative_to(exports.resolve()) and path.is_file() else None
