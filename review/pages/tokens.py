"""Tokens for programs: a person makes and revokes their own; an administrator sees and revokes everybody's."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from review.desk import RIGHTS, AnyVisitor, Desk, DeskOf, Form, Visitor, go_to, row_id, word
from storage.purposes import TRIAGE, PurposeRefused, offered_purposes
from storage.tables import User
from storage.tokens import (
    DEFAULT_DAYS,
    MAXIMUM_DAYS,
    MAXIMUM_NAME,
    SCOPES,
    NewToken,
    TokenRefused,
    create_token,
    list_tokens,
    revoke_token,
    state_of,
)

router = APIRouter()


@router.get("/tokens")
def tokens_page(request: Request, desk: DeskOf, visitor: AnyVisitor) -> Response:
    return _page(request, desk, visitor)


@router.post("/tokens")
def make_token(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    """The answer shows the token: it is kept nowhere, so that there is no page to come back to."""
    days = word(form, "days")
    try:
        with desk.writing() as session:
            made = create_token(
                session,
                desk.chain,
                user=session.get_one(User, visitor.user.id),
                name=word(form, "name"),
                scopes=_scopes(visitor, form),
                days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0,
                purpose=word(form, "purpose") or TRIAGE,
                actor=visitor.user.name,
            )
    except TokenRefused as error:
        return _page(request, desk, visitor, refused=error.key)
    except PurposeRefused:
        return _page(request, desk, visitor, refused="purpose")
    return _page(request, desk, visitor, made=made)


@router.post("/tokens/{token_id}/revoke")
def revoke(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form, token_id: str) -> Response:
    only_of = None if visitor.may("administer") else visitor.user
    try:
        with desk.writing() as session:
            revoke_token(session, desk.chain, row_id(token_id) or 0, actor=visitor.user.name, only_of=only_of)
    except TokenRefused as error:
        return _page(request, desk, visitor, refused=error.key)
    return go_to("/tokens")


def _scopes(visitor: Visitor, form: FormData) -> list[str]:
    """Of those that the form offers: what the role lacks is not offered and would open nothing."""
    asked = {value for value in form.getlist("scopes") if isinstance(value, str)}
    return [scope for scope in _offered(visitor) if scope in asked]


def _offered(visitor: Visitor) -> list[str]:
    return [scope for scope in SCOPES if scope in RIGHTS.get(visitor.user.role, frozenset())]


def _page(
    request: Request, desk: Desk, visitor: Visitor, *, refused: str = "", made: NewToken | None = None
) -> Response:
    with desk.reading() as session:
        rows = list_tokens(session, None if visitor.may("administer") else visitor.user)
        purposes = offered_purposes(session)
    shown = [(token, owner, state_of(token)) for token, owner in rows]
    return desk.page(
        request,
        "tokens.html",
        status=422 if refused else 200,
        own=[row for row in shown if row[1].id == visitor.user.id],
        others=[row for row in shown if row[1].id != visitor.user.id],
        scopes=_offered(visitor),
        purposes=purposes,
        refused=refused,
        made=made,
        days=DEFAULT_DAYS,
        most_days=MAXIMUM_DAYS,
        most_name=MAXIMUM_NAME,
    )
