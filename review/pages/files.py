"""Pictures and bundles on their way to the browser: by the number of a record, never by a path from a page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import FileResponse, Response

from evidence.store import EvidenceStore
from review.desk import Desk, DeskOf, Exporter, NotThere, Reader, row_id
from storage.audit import AuditChain
from storage.tables import Capture, Export

router = APIRouter()
SANDBOX = {"content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff"}
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
DERIVATIVES = ("dom", "screenshot", "screenshot_viewport", "pdf", "thumbnail", "saved_photo")


@router.get("/captures/{capture_id}/image")
def capture_image(request: Request, desk: DeskOf, visitor: Reader, capture_id: str) -> Response:
    """A raster derivative shown in place; anything else of ours as a download."""
    with desk.reading() as session:
        capture = session.get(Capture, row_id(capture_id) or 0)
    if capture is None or capture.kind not in DERIVATIVES:
        raise NotThere(f"There is no picture of capture {capture_id}.")
    store, path = EvidenceStore(desk.home), desk.home.file_path(capture.sha256)
    if not store.has(path):
        raise NotThere(f"The file of capture {capture_id} is not here.")
    return picture_answer(store, path, capture.id)


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
