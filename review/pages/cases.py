"""Cases: opened, filled with exhibits, noted on, and handed over as evidence bundles."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from crawler.errors import UsageError
from evidence.recipients import RecipientName, recipients
from evidence.recipients import Request as Cover
from review.desk import CaseKeeper, Desk, DeskOf, Exporter, Form, NotThere, Reader, go_to, row_id, word
from review.pages.files import export_file
from review.received_view import received_view
from storage.case_work import RESULTS, assignee_of, assignments_of, exhibit_work, referrals_of
from storage.cases import (
    CaseError,
    add_case_note,
    add_exhibit,
    exhibits_of,
    exports_of,
    find_case,
    list_cases,
    notes_of,
    open_case,
)
from storage.export_requests import ask_for_export, export_requests_of
from storage.queue import thumbnails_of
from storage.received import received_case
from storage.tables import Case, User
from storage.users import LANGUAGES, list_users

router = APIRouter()


@router.get("/cases")
def cases_page(request: Request, desk: DeskOf, visitor: Reader) -> Response:
    with desk.reading() as session:
        cases = [(case, count, assignee_of(session, case)) for case, count in list_cases(session)]
    return desk.page(request, "cases.html", cases=cases)


@router.post("/cases")
def open_new_case(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form) -> Response:
    try:
        with desk.writing() as session:
            case = open_case(
                session, desk.chain, title=word(form, "title"), actor=visitor.user.name, demo=desk.home.is_demo
            )
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{case.reference}")


@router.get("/cases/{reference}")
def case_page(request: Request, desk: DeskOf, visitor: Reader, reference: str) -> Response:
    with desk.writing() as session:
        case = case_of(session, reference)
        exhibits = exhibits_of(session, case)
        exports = [(export, export_file(desk.home.exports, export)) for export in exports_of(session, case)]
        thumbnails = thumbnails_of(session, [listing.id for _, listing, _ in exhibits])
        work = exhibit_work(session, case, [listing.id for _, listing, _ in exhibits])
        values: dict[str, Any] = {
            "notes": notes_of(session, case),
            "assignee": assignee_of(session, case),
            "assignments": assignments_of(session, case),
            "people": [user.name for user in list_users(session) if not user.disabled],
            "referrals": referrals_of(session, case),
            "requests": export_requests_of(session, case),
            "received": received_view(theirs) if (theirs := received_case(session, case)) else None,
        }
        desk.chain.record(session, actor=visitor.user.name, action="viewed", object_kind="case", object_id=case.id)
    return desk.page(
        request,
        "case.html",
        case=case,
        exhibits=exhibits,
        exports=exports,
        thumbnails=thumbnails,
        work=work,
        results=RESULTS,
        recipients=recipients(),
        asked=request.query_params.get("asked", ""),
        **values,
    )


@router.post("/cases/{reference}/notes")
def note_on_case(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, reference: str) -> Response:
    try:
        with desk.writing() as session:
            add_case_note(
                session, desk.chain, case=case_of(session, reference), text=word(form, "note"), actor=visitor.user.name
            )
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{reference}")


@router.post("/cases/{reference}/bundle")
def ask_for_bundle(request: Request, desk: DeskOf, visitor: Exporter, form: Form, reference: str) -> Response:
    """Queue the export, or under four eyes ask a second person; sending the form twice asks once."""
    languages = [language for language in LANGUAGES if language in form.getlist("languages")] or ["en"]
    try:
        with desk.writing() as session:
            asked = ask_for_export(
                session,
                desk.chain,
                case=case_of(session, reference),
                user=session.get_one(User, visitor.user.id),
                purpose=word(form, "purpose"),
                languages=languages,
                request_key=word(form, "request_key"),
                cover=cover_of(form),
            )
    except CaseError as error:
        return case_refused(desk, request, error)
    return go_to(f"/cases/{reference}?asked={asked.state}")


def cover_of(form: FormData) -> dict[str, Any]:
    """Whom the bundle is for and what its cover says; empty where the form says nothing of it. Raises CaseError."""
    said = {name: word(form, name).strip() or None for name in ("reference", "asked", "handling")}
    recipient, redact = word(form, "recipient") or None, word(form, "redact") == "1"
    if not (recipient or redact or any(said.values())):
        return {}
    try:
        return asdict(Cover(cast(RecipientName | None, recipient), redact=redact, **said))
    except UsageError as error:
        raise CaseError(str(error), "cover") from error


@router.post("/listings/{listing_id}/case")
def add_to_case(request: Request, desk: DeskOf, visitor: CaseKeeper, form: Form, listing_id: str) -> Response:
    """Put the listing, as it was on the screen, into an open case or a new one."""
    actor = visitor.user.name
    try:
        with desk.writing() as session:
            if word(form, "case"):
                case = case_of(session, word(form, "case"))
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
        return case_refused(desk, request, error)
    return go_to(f"/cases/{case.reference}")


def case_of(session: Session, reference: str) -> Case:
    case = find_case(session, reference)
    if case is None:
        raise NotThere(f"There is no case {reference}.")
    return case


def case_refused(desk: Desk, request: Request, error: CaseError) -> Response:
    """Why the case could not be changed, in the reader's language."""
    return desk.problem(request, 422, "problem_case", said=desk.words(request)(f"case_error_{error.key}"))
