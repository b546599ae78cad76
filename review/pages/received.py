"""What other units handed over, on its way to the browser: their bundle as it came, and thumbnails of its pictures."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from evidence.store import EvidenceStore
from review.desk import DeskOf, Exporter, NotThere, Reader, row_id
from review.pages.files import SANDBOX, picture_answer
from storage.received import find_received
from storage.tables import ReceivedExhibit

router = APIRouter()


@router.get("/received/{bundle_id}")
def received_bundle(desk: DeskOf, visitor: Exporter, bundle_id: str) -> Response:
    """Their bundle, to be verified anew or handed on as it is."""
    with desk.writing() as session:
        bundle = find_received(session, bundle_id)
        path = desk.home.received / f"{bundle.file_sha256}.zip" if bundle else None
        if bundle is None or path is None or not path.is_file():
            raise NotThere(f"There is no received bundle {bundle_id} here.")
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="received bundle downloaded",
            object_kind="case",
            object_id=bundle.case_id,
            details={"bundle": bundle_id, "sha256_of_bundle": bundle.file_sha256},
        )
    return FileResponse(path, headers=SANDBOX, media_type="application/zip", filename=f"received-{bundle_id}.zip")


@router.get("/received-exhibits/{exhibit_id}/image")
def received_picture(desk: DeskOf, visitor: Reader, exhibit_id: str) -> Response:
    with desk.reading() as session:
        exhibit = session.get(ReceivedExhibit, row_id(exhibit_id) or 0)
        sha256 = exhibit.picture_sha256 if exhibit else None
    store = EvidenceStore(desk.home)
    if sha256 is None or not store.has(desk.home.file_path(sha256)):
        raise NotThere(f"There is no picture of received exhibit {exhibit_id}.")
    return picture_answer(store, desk.home.file_path(sha256), int(exhibit_id))
