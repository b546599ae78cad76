"""Cases: opened, filled with exhibits, noted on, and handed over as evidence bundles."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from review.desk import CaseKeeper, DeskOf, Exporter, Form, NotThere, Reader, go_to, row_id, word
from review.pages.files import export_file
from storage.cases import (
    CaseError,
    add_case_note,
    add_exhibit,
    exhibits_of,
    exports_of,
    find_case,
    list_cases,
    open_case,
)
from storage.jobs import insert_job
from storage.queue import thumbnails_of
from storage.tables import Case, Job
from storage.users import LANGUAGES

router = APIRouter()
MOST_JOBS = 200
"""So many of the latest export jobs are looked through for those of a case."""


@router.get("/cases")
def cases_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    with desk.reading() as session:
        cases = list_cases(session)
    return desk.page(request, "cases.html", cases=cases)


@router.post("/cases")
def open_new_case(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form) -> Response:
    try:
        with desk.writing() as session:
            case = open_case(
                session, desk.chain, title=word(form, "title"), actor=visitor.user.name, demo=desk.home.is_demo
            )
    except CaseError as error:
        return desk.problem(request, 422, "problem_case", said=error)
    return go_to(f"/cases/{case.reference}")


@router.get("/cases/{reference}")
def case_page(request: Request, desk: DeskOf, visitor: Reader, reference: str) -> Response:
    with desk.writing() as session:
        case = _case(session, reference)
        exhibits = exhibits_of(session, case)
        exports = [(export, export_file(desk.home.exports, export)) for export in exports_of(session, case)]
        thumbnails = thumbnails_of(session, [listing.id for _, listing, _ in exhibits])
        jobs = _export_jobs(session, case)
        desk.chain.record(session, actor=visitor.user.name, action="viewed", object_kind="case", object_id=case.id)
    return desk.page(
        request,
        "case.html",
        case=case,
        exhibits=exhibits,
        exports=exports,
        thumbnails=thumbnails,
        jobs=jobs,
        asked="asked" in request.query_params,
    )


@router.post("/cases/{reference}/notes")
def note_on_case(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, reference: str) -> Response:
    try:
        with desk.writing() as session:
            add_case_note(
                session, desk.chain, case=_case(session, reference), text=word(form, "note"), actor=visitor.user.name
            )
    except CaseError as error:
        return desk.problem(request, 422, "problem_case", said=error)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/bundle")
def ask_for_bundle(desk: DeskOf, visitor: Exporter, form: Form, reference: str) -> Response:
    """Queue the export; sending the form twice queues it once."""
    languages = [language for language in LANGUAGES if language in form.getlist("languages")] or ["en"]
    with desk.writing() as session:
        case = _case(session, reference)
        arguments = {"case": case.reference, "languages": languages, "actor": visitor.user.name}
        job = insert_job(session, "export", arguments, f"export:{case.reference}:{word(form, 'request_key')}")
        if job is not None:
            desk.chain.record(
                session,
                actor=visitor.user.name,
                action="bundle asked for",
                object_kind="case",
                object_id=case.id,
                details={"job": job.id, "languages": languages},
            )
    return go_to(f"/cases/{case.reference}?asked=1")


@router.post("/listings/{listing_id}/case")
def add_to_case(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, listing_id: str) -> Response:
    """Put the listing, as it was on the screen, into an open case or a new one."""
    actor = visitor.user.name
    try:
        with desk.writing() as session:
            if word(form, "case"):
                case = _case(session, word(form, "case"))
            else:
                case = open_case(session, desk.chain, title=word(form, "title"), actor=actor, demo=desk.home.is_demo)
            add_exhibit(
                session,
                desk.chain,
                case=case,
                listing_id=row_id(listing_id) or 0,
                observation_id=row_id(word(form, "observation")) or 0,
                actor=actor,
            )
    except CaseError as error:
        return desk.problem(request, 422, "problem_case", said=error)
    return go_to(f"/cases/{case.reference}")


def _case(session: Session, reference: str) -> Case:
    case = find_case(session, reference)
    if case is None:
        raise NotThere(f"There is no case {reference}.")
    return case


def _export_jobs(session: Session, case: Case) -> list[Job]:
    jobs = session.scalars(select(Job).where(Job.kind == "export").order_by(Job.id.desc()).limit(MOST_JOBS))
    return [job for job in jobs if job.arguments.get("case") == case.reference]
