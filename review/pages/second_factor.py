"""The second factor of the signed-in person: set up with a code generator, recovery codes shown once, taken away."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from review.desk import AnyVisitor, Desk, DeskOf, Form, go_to, word
from storage.second_factor import (
    SecondFactorError,
    address_for_generator,
    new_secret,
    passes,
    recovery_codes_left,
    remove,
    renew_recovery_codes,
    set_up,
)
from storage.tables import User

router = APIRouter()


@router.get("/second-factor")
def second_factor_page(request: Request, desk: DeskOf, visitor: AnyVisitor) -> Response:
    return _page(request, desk, visitor.user.id)


@router.post("/second-factor")
def set_up_second_factor(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    """Set it up by a first code; where there is one already, only a code of that lets another take its place."""
    secret, code = word(form, "secret"), word(form, "code")
    try:
        with desk.writing() as session:
            user = session.get_one(User, visitor.user.id)
            if user.second_factor is not None:
                raise SecondFactorError("There is a second factor already: take it away first.")
            codes = set_up(session, desk.home, user, secret, code)
            desk.chain.record(
                session, actor=user.name, action="second factor set up", object_kind="user", object_id=user.id
            )
    except (SecondFactorError, ValueError):  # ValueError: a secret that is not in base 32
        return _page(request, desk, visitor.user.id, refused=True, secret=secret)
    return _page(request, desk, visitor.user.id, codes=codes)


@router.post("/second-factor/codes")
def new_recovery_codes(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    with desk.writing() as session:
        user = session.get_one(User, visitor.user.id)
        refused = user.second_factor is None or not passes(session, desk.home, user, word(form, "code"))
        codes = [] if refused else renew_recovery_codes(session, user)
        action = "recovery codes refused" if refused else "recovery codes renewed"
        desk.chain.record(session, actor=user.name, action=action, object_kind="user", object_id=user.id)
    return _page(request, desk, visitor.user.id, refused=refused, codes=codes)


@router.post("/second-factor/remove")
def remove_second_factor(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    """Whoever finds an open browser cannot take it away: it needs a code."""
    with desk.writing() as session:
        user = session.get_one(User, visitor.user.id)
        refused = not passes(session, desk.home, user, word(form, "code"))
        if not refused:
            remove(session, user)
        action = "removal of the second factor refused" if refused else "second factor removed"
        desk.chain.record(session, actor=user.name, action=action, object_kind="user", object_id=user.id)
    return _page(request, desk, visitor.user.id, refused=True) if refused else go_to("/second-factor")


def _page(
    request: Request,
    desk: Desk,
    user_id: int,
    *,
    refused: bool = False,
    secret: str = "",
    codes: list[str] | None = None,
) -> Response:
    with desk.reading() as session:
        user = session.get_one(User, user_id)
        is_set_up, left = user.second_factor is not None, recovery_codes_left(session, user)
    secret = "" if is_set_up else secret or new_secret()
    return desk.page(
        request,
        "second_factor.html",
        status=400 if refused else 200,
        refused=refused,
        is_set_up=is_set_up,
        left=left,
        secret=secret,
        generator=_address(secret, user.name),
        codes=codes or [],
    )


def _address(secret: str, name: str) -> str:
    return address_for_generator(secret, name) if secret else ""
