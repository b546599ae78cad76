"""The desk's users: added, given a role or a one-time code, signed out, disabled."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from review.desk import Administrator, Desk, DeskOf, Form, NotThere, go_to, row_id, word
from storage.second_factor import remove
from storage.tables import User
from storage.users import (
    LANGUAGES,
    ROLES,
    UserError,
    create_user,
    end_sessions_of,
    list_users,
    make_sign_in_code,
    set_disabled,
    set_role,
)

router = APIRouter()
CODE_MINUTES = 60
CHANGES = ("code", "sign_out", "disable", "enable", "second_factor")


@router.get("/administration/users")
def users_page(request: Request, desk: DeskOf, visitor: Administrator) -> Response:
    return _page(request, desk)


@router.post("/administration/users")
def add_user(request: Request, desk: DeskOf, visitor: Administrator, form: Form) -> Response:
    try:
        with desk.writing() as session:
            user = create_user(session, word(form, "name"), word(form, "role"), language=word(form, "language"))
            _record(desk, session, visitor.user, "user added", user, role=user.role)
            code = make_sign_in_code(session, user, CODE_MINUTES)
    except UserError:
        return _page(request, desk, refused="user_refused")
    return _page(request, desk, code=code, code_for=user.name)


@router.post("/administration/users/{user_id}/role")
def change_role(request: Request, desk: DeskOf, visitor: Administrator, form: Form, user_id: str) -> Response:
    """The role counts at once; the person is signed out, so that no page of the old role stays open."""
    try:
        with desk.writing() as session:
            user = _user(session, user_id, visitor.user)
            before = user.role
            set_role(session, user, word(form, "role"))
            _record(desk, session, visitor.user, "role changed", user, before=before, role=user.role)
    except UserError:
        return _page(request, desk, refused="user_refused_self")
    return go_to("/administration/users")


@router.post("/administration/users/{user_id}/change")
def change_user(request: Request, desk: DeskOf, visitor: Administrator, form: Form, user_id: str) -> Response:
    change, code = word(form, "change"), ""
    if change not in CHANGES:
        raise NotThere(f"There is no change {change!r}.")
    try:
        with desk.writing() as session:
            user = _user(session, user_id, visitor.user)
            if change == "code":
                if user.disabled:
                    raise UserError("The account is disabled.")
                code = make_sign_in_code(session, user, CODE_MINUTES)
            elif change == "sign_out":
                end_sessions_of(session, user)
            elif change == "second_factor":
                remove(session, user)
                end_sessions_of(session, user)
            else:
                set_disabled(session, user, change == "disable")
            actions = {
                "code": "sign-in code made",
                "sign_out": "signed out by an administrator",
                "disable": "user disabled",
                "enable": "user enabled",
                "second_factor": "second factor removed",
            }
            _record(desk, session, visitor.user, actions[change], user)
    except UserError:
        return _page(request, desk, refused="user_refused_self")
    return _page(request, desk, code=code, code_for=user.name) if code else go_to("/administration/users")


def _user(session: Session, user_id: str, visitor: User) -> User:
    """Somebody else: administrators change nothing of their own, so that the last one cannot lock the door."""
    user = session.get(User, row_id(user_id) or 0)
    if user is None:
        raise NotThere(f"There is no user {user_id}.")
    if user.id == visitor.id:
        raise UserError("Administrators do not change their own account here.")
    return user


def _record(desk: Desk, session: Session, actor: User, action: str, user: User, **details: str) -> None:
    desk.chain.record(
        session, actor=actor.name, action=action, object_kind="user", object_id=user.id, details=dict(details)
    )


def _page(request: Request, desk: Desk, *, refused: str = "", code: str = "", code_for: str = "") -> Response:
    with desk.reading() as session:
        users = list_users(session)
    return desk.page(
        request,
        "users.html",
        status=422 if refused else 200,
        users=users,
        roles=ROLES,
        languages=LANGUAGES,
        refused=refused,
        code=code,
        code_for=code_for,
        minutes=CODE_MINUTES,
    )
