"""Evidence bundles: asked for with a purpose, agreed to under four eyes, and fetched when they are made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from evidence.recipients import MOST_WORDS, RecipientName
from review.api.access import ApiDesk, Exporting, Reading
from review.api.fields import Key, PlainText, Reference, RowId, Sent, Shown
from review.desk import NotThere
from review.pages.cases import case_of
from review.pages.files import bundle_answer, export_file
from storage.cases import exports_of
from storage.export_requests import MAXIMUM_PURPOSE, ask_for_export, decide_export, export_requests_of
from storage.tables import Case, ExportRequest, User

router = APIRouter(tags=["exports"])
Language = Literal["ar", "fr", "en"]
CoverWords = Annotated[PlainText, Field(min_length=1, max_length=MOST_WORDS, pattern=r"\S")]


class RequestShown(Shown):
    """A bundle that was asked for."""

    id: int
    purpose: str
    languages: list[str]
    cover: dict[str, Any] = Field(description="Whom it is for and what its cover says; empty without a cover.")
    state: str = Field(description="pending (waits for a second person), approved or refused.")
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    progress: dict[str, Any] = Field(description="Of the job under way: listings packed, and of how many.")
    job_state: str | None = Field(description="Of the job that makes it: queued, running, done, failed, cancelled.")


class BundleShown(Shown):
    bundle_id: str
    sha256: str
    exported_by: str
    exported_at: datetime
    languages: list[str]
    recipient: str | None
    form: str = Field(description="whole, copy (parts are left out) or original (of a copy; kept here).")
    fetchable: bool = Field(description="Its file lies here: GET /exports/{bundle_id}.")


class Exports(Shown):
    requests: list[RequestShown] = Field(description="Newest first.")
    bundles: list[BundleShown] = Field(description="Newest first.")


class CoverSent(Sent):
    recipient: RecipientName | None = None
    reference: CoverWords | None = Field(None, description="Your own reference.")
    asked: CoverWords | None = Field(None, description="What is asked of them.")
    handling: CoverWords | None = Field(None, description="Handling mark.")
    redact: bool = Field(False, description="Leave out captured pages, the seller's names and contacts.")


class ExportSent(Sent):
    purpose: PlainText = Field(min_length=1, max_length=MAXIMUM_PURPOSE, description="What the bundle is for.")
    languages: list[Language] = Field(["en"], min_length=1, max_length=3, description="Of its report.")
    cover: CoverSent | None = Field(None, description="A cover sheet; parts are left out as its recipient demands.")
    request_key: Key = Field(description="New for each request: sent twice, it asks once.")


class AnswerSent(Sent):
    agree: bool


@router.get("/cases/{reference}/exports")
def exports(desk: ApiDesk, caller: Reading, reference: Reference) -> Exports:
    """What was asked for of a case, and the bundles that were made."""
    with desk.database.reading() as session:
        case = case_of(session, reference)
        return Exports.model_validate(
            {
                "requests": _requests(session, case),
                "bundles": [
                    {
                        **{name: getattr(export, name) for name in BundleShown.model_fields if name != "fetchable"},
                        "fetchable": export_file(desk.home.exports, export) is not None,
                    }
                    for export in exports_of(session, case)
                ],
            }
        )


@router.post("/cases/{reference}/exports", status_code=202)
def ask(desk: ApiDesk, caller: Exporting, reference: Reference, sent: ExportSent) -> RequestShown:
    """Ask for the case's bundle: a job makes it, under four eyes once a second person has agreed."""
    with desk.writing() as session:
        case = case_of(session, reference)
        asked = ask_for_export(
            session,
            caller.chain,
            case=case,
            user=session.get_one(User, caller.user.id),
            purpose=sent.purpose,
            languages=list(dict.fromkeys(sent.languages)),
            request_key=sent.request_key,
            cover=sent.cover.model_dump() if sent.cover else None,
        )
        session.flush()
        return _shown(session, asked)


@router.post("/export-requests/{request_id}/answer")
def answer(desk: ApiDesk, caller: Exporting, request_id: RowId, sent: AnswerSent) -> RequestShown:
    """Agree to a colleague's request, or refuse it: nobody answers their own."""
    with desk.writing() as session:
        found = session.get(ExportRequest, request_id)
        if found is None:
            raise NotThere(f"There is no request {request_id}.")
        user = session.get_one(User, caller.user.id)
        decide_export(session, caller.chain, request=found, user=user, agree=sent.agree)
        session.flush()
        return _shown(session, found)


@router.get("/exports/{bundle_id}", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def fetch(desk: ApiDesk, caller: Exporting, bundle_id: Reference) -> Response:
    """The bundle's file. That it was fetched stands in the audit log."""
    return bundle_answer(desk, caller.chain, bundle_id, actor=caller.user.name)


def _shown(session: Session, request: ExportRequest) -> RequestShown:
    case = session.get_one(Case, request.case_id)
    return next(one for one in _requests(session, case) if one.id == request.id)


def _requests(session: Session, case: Case) -> list[RequestShown]:
    return [
        RequestShown(
            id=request.id,
            purpose=request.purpose,
            languages=request.languages,
            cover=request.cover,
            progress=(job.progress if job is not None and job.state == "running" else {}),
            state=request.state,
            asked_by=asked_by.name,
            asked_at=request.asked_at,
            decided_by=decided_by.name if decided_by is not None else None,
            decided_at=request.decided_at,
            job_state=job.state if job is not None else None,
        )
        for request, asked_by, decided_by, job in export_requests_of(session, case)
    ]
