"""What a person works for in this session: triage, a case or a watch; copied to each entry of the audit log."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from review.desk import AnyVisitor, DeskOf, Form, NotThere, go_to, local_path, word
from storage.purposes import PurposeRefused, choose_purpose, offered_purposes

router = APIRouter()


@router.get("/purpose")
def purpose_page(request: Request, desk: DeskOf, visitor: AnyVisitor, next: str = "/") -> Response:
    with desk.reading() as session:
        offered = offered_purposes(session)
    return desk.page(request, "purpose.html", offered=offered, next_address=local_path(next))


@router.post("/purpose")
def choose(desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    try:
        with desk.writing() as session:
            choose_purpose(
                session,
                desk.chain,
                user=visitor.user,
                csrf_token=visitor.csrf_token,
                purpose=word(form, "purpose"),
            )
    except PurposeRefused as error:
        raise NotThere(str(error)) from error
    return go_to(word(form, "next"))
