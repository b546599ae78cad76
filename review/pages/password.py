"""Choosing a password: any signed-in person, for themselves; their other browsers and their tokens end with it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from review.desk import AnyVisitor, Desk, DeskOf, Form, go_to, keep_session, local_path, word
from storage.tables import User
from storage.tokens import revoke_tokens_of
from storage.users import (
    ADVISED_PASSWORD,
    MAXIMUM_PASSWORD,
    MINIMUM_PASSWORD,
    EasyPassword,
    UserError,
    open_session,
    set_password,
)

router = APIRouter()


@router.get("/password")
def password_page(request: Request, desk: DeskOf, visitor: AnyVisitor, next: str = "/") -> Response:
    return _page(request, desk, next)


@router.post("/password")
def choose_password(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    chosen, next_address = word(form, "password"), word(form, "next")
    if chosen != word(form, "password_again"):
        return _page(request, desk, next_address, refused="password_differs")
    try:
        with desk.writing() as session:
            user = session.get_one(User, visitor.user.id)
            action = "password changed" if user.password_hash else "password chosen"
            set_password(session, user, chosen)
            revoke_tokens_of(session, desk.chain, user, actor=user.name)
            # This browser goes on under a new token: whoever may know the old one is out too.
            signed = open_session(session, user)
            desk.chain.record(session, actor=user.name, action=action, object_kind="user", object_id=user.id)
    except EasyPassword:
        return _page(request, desk, next_address, refused="password_easy")
    except UserError:
        return _page(request, desk, next_address, refused="password_length")
    answer = go_to(next_address)
    keep_session(answer, request, signed)
    return answer


def _page(request: Request, desk: Desk, next_address: str, *, refused: str | None = None) -> Response:
    return desk.page(
        request,
        "password.html",
        status=400 if refused else 200,
        refused=refused,
        next_address=local_path(next_address),
        least=MINIMUM_PASSWORD,
        most=MAXIMUM_PASSWORD,
        advised=ADVISED_PASSWORD,
    )
