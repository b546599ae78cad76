"""Work on a case: whose it is, open or closed, handed on, outcomes and lawful provenance with their proofs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import FileResponse, Response

from review.desk import (
    Administrator,
    CaseKeeper,
    DeskOf,
    Exporter,
    Form,
    NotThere,
    Reader,
    desk_of,
    go_to,
    row_id,
    word,
)
from review.pages.cases import case_of, case_refused
from review.pages.files import SANDBOX
from review.uploads import UploadRefused, sent_proof
from storage.case_work import Proof, assign_case, attach, record_outcome, refer_case, set_case_state, set_four_eyes
from storage.cases import CaseError
from storage.decisions import DecisionError, StaleDecision, decide
from storage.export_requests import decide_export
from storage.tables import Attachment, ExportRequest, Listing, User
from storage.users import find_user

router = APIRouter()
EXTENSIONS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


async def proof_of(request: Request, visitor: CaseKeeper, form: Form) -> Proof | None:
    """The file that came with the form, kept only for who may attach one."""
    return await sent_proof(desk_of(request).home, form)


SentProof = Annotated[Proof | None, Depends(proof_of)]


@router.post("/cases/{reference}/assign")
def assign(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, reference: str) -> Response:
    name = word(form, "user")
    try:
        with desk.writing() as session:
            user = find_user(session, name) if name else None
            if name and user is None:
                raise NotThere(f"There is no user {name}.")
            assign_case(session, desk.chain, case=case_of(session, reference), user=user, actor=visitor.user.name)
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/state")
def close_or_open(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, reference: str) -> Response:
    try:
        with desk.writing() as session:
            case, actor = case_of(session, reference), visitor.user.name
            set_case_state(session, desk.chain, case=case, state=word(form, "state"), actor=actor)
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/four-eyes")
def four_eyes(desk: DeskOf, visitor: Administrator, form: Form, reference: str) -> Response:
    with desk.writing() as session:
        case, on = case_of(session, reference), word(form, "on") == "1"
        set_four_eyes(session, desk.chain, case=case, on=on, actor=visitor.user.name)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/referrals")
def refer(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, reference: str) -> Response:
    try:
        with desk.writing() as session:
            refer_case(
                session,
                desk.chain,
                case=case_of(session, reference),
                referred_to=word(form, "referred_to"),
                their_reference=word(form, "their_reference"),
                note=word(form, "note"),
                actor=visitor.user.name,
            )
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/exhibits/{listing_id}/outcome")
def outcome(
    request: Request,
    desk: DeskOf,
    visitor: CaseKeeper,
    form: Form,
    proof: SentProof,
    reference: str,
    listing_id: str,
) -> Response:
    try:
        with desk.writing() as session:
            record_outcome(
                session,
                desk.chain,
                case=case_of(session, reference),
                listing_id=row_id(listing_id) or 0,
                result=word(form, "result"),
                note=word(form, "note"),
                proof=proof,
                user=session.get_one(User, visitor.user.id),
            )
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/exhibits/{listing_id}/lawful")
def lawful_documented(
    request: Request,
    desk: DeskOf,
    visitor: CaseKeeper,
    form: Form,
    proof: SentProof,
    reference: str,
    listing_id: str,
) -> Response:
    """Dismiss the listing as lawful and documented, with the document: both are kept, or neither."""
    number = row_id(listing_id) or 0
    try:
        with desk.writing() as session:
            if proof is None:
                raise CaseError("Attach the document that shows it.", "document")
            case, actor = case_of(session, reference), visitor.user.name
            attach(session, desk.chain, case=case, listing_id=number, proof=proof, actor=actor)
            decide(session, desk.chain, **_dismissal(session, session.get_one(User, visitor.user.id), number, form))
    except CaseError as error:
        return case_refused(desk, request, error)
    except StaleDecision as error:
        return case_refused(desk, request, CaseError(str(error), "stale"))
    except DecisionError as error:
        return case_refused(desk, request, CaseError(str(error), "page_other"))
    return go_to(f"/cases/{reference}")


@router.post("/export-requests/{request_id}")
def agree_or_refuse(request: Request, desk: DeskOf, visitor: Exporter, form: Form, request_id: str) -> Response:
    try:
        with desk.writing() as session:
            found = session.get(ExportRequest, row_id(request_id) or 0)
            if found is None:
                raise NotThere(f"There is no request {request_id}.")
            user, agree = session.get_one(User, visitor.user.id), word(form, "agree") == "1"
            decide_export(session, desk.chain, request=found, user=user, agree=agree)
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(word(form, "next") or "/cases")


@router.get("/attachments/{attachment_id}")
def download_attachment(desk: DeskOf, visitor: Reader, attachment_id: str) -> Response:
    with desk.writing() as session:
        attachment = session.get(Attachment, row_id(attachment_id) or 0)
        if attachment is None or not desk.home.file_path(attachment.sha256).is_file():
            raise NotThere(f"There is no attachment {attachment_id} here.")
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="proof downloaded",
            object_kind="listing",
            object_id=attachment.listing_id,
            details={"attachment": attachment.id},
        )
    # The name is ours: the one that was sent may lie about what the file is.
    name = f"proof-{attachment.id}.{EXTENSIONS.get(attachment.media_type, 'bin')}"
    path = desk.home.file_path(attachment.sha256)
    return FileResponse(path, headers=SANDBOX, media_type="application/octet-stream", filename=name)


def upload_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, UploadRefused)
    return desk_of(request).problem(request, 422, "problem_upload")


def _dismissal(session: Session, user: User, listing_id: int, form: FormData) -> dict[str, Any]:
    listing = session.get_one(Listing, listing_id)
    return {
        "user": user,
        "listing_id": listing_id,
        "observation_id": listing.current_observation_id or 0,
        "assessment_id": listing.current_assessment_id,
        "verdict": "antiquity",
        "next_step": "dismiss",
        "reason": "lawful_documented",
        "note": word(form, "note") or None,
        "request_key": word(form, "request_key"),
        "expected_decision_id": row_id(word(form, "expected_decision")),
    }
