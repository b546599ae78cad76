"""Signing in and out, and the language a person reads in."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from crawler.errors import RelicwatchError
from review.desk import (
    MOST_FIELDS,
    AnyVisitor,
    Desk,
    DeskOf,
    Form,
    FormRefused,
    drop_session,
    go_to,
    keep_session,
    local_path,
    word,
)
from storage.second_factor import passes
from storage.set_up import is_first_time
from storage.sign_in_throttle import forget_failures, note_failure, wait_until
from storage.tables import User, utc_now
from storage.users import (
    LANGUAGES,
    SignedIn,
    end_session,
    find_user,
    open_session,
    password_matches,
    use_sign_in_code,
)

router = APIRouter()
FORM_COOKIE = "relicwatch_form"
"""Before there is a session, the form's token is compared with this cookie."""


async def sign_in_form(request: Request) -> FormData:
    """The sign-in form, once its token is found to be the one this browser was given. Raises FormRefused."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    given = request.cookies.get(FORM_COOKIE, "")
    if not given or not secrets.compare_digest(word(form, "csrf").encode(), given.encode()):
        raise FormRefused("The sign-in form's token is not this browser's.")
    return form


SignInForm = Annotated[FormData, Depends(sign_in_form)]


@router.get("/sign-in")
def sign_in_page(request: Request, desk: DeskOf, code: str = "", next: str = "/") -> Response:
    return _sign_in_page(request, desk, code=code[:100], next_address=next)


@router.post("/sign-in")
def sign_in(request: Request, desk: DeskOf, form: SignInForm) -> Response:
    code, name, password = word(form, "code").strip(), word(form, "name"), word(form, "password")
    second, source = word(form, "second"), request.client.host if request.client else ""
    account = "" if code else name
    with desk.reading() as session:
        until = wait_until(session, account, source)
    if until is not None:
        return _sign_in_page(request, desk, next_address=word(form, "next"), wait_minutes=_minutes(until))
    signed = _by_code(desk, code, second) if code else _by_password(desk, name, password, second)
    with desk.writing() as session:
        if signed is None:
            note_failure(session, account, source)
        else:
            forget_failures(session, account, source)
    if signed is None:
        return _sign_in_page(request, desk, next_address=word(form, "next"), refused=True)
    next_address = local_path(word(form, "next"))
    if next_address == "/" and signed.user.role == "admin" and not desk.home.is_demo:
        with desk.reading() as session:
            next_address = "/first-hour" if is_first_time(session) else next_address
    # The demo's one user comes back by a code that the demo prints: no password is asked of them.
    offer = bool(code) and signed.user.password_hash is None and not desk.home.is_demo
    answer = go_to(f"/password?next={quote(next_address)}" if offer else next_address)
    keep_session(answer, request, signed)
    answer.delete_cookie(FORM_COOKIE, path="/sign-in")
    return answer


@router.post("/sign-out")
def sign_out(request: Request, desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    with desk.writing() as session:
        end_session(session, visitor.token)
        _record(desk, session, visitor.user, "signed out")
    answer = go_to("/sign-in")
    drop_session(answer, request)
    return answer


@router.post("/language")
def choose_language(desk: DeskOf, visitor: AnyVisitor, form: Form) -> Response:
    language = word(form, "language")
    if language in LANGUAGES:
        with desk.writing() as session:
            session.get_one(User, visitor.user.id).language = language
    return go_to(word(form, "next"))


def _sign_in_page(
    request: Request,
    desk: Desk,
    *,
    code: str = "",
    next_address: str = "/",
    refused: bool = False,
    wait_minutes: int = 0,
) -> Response:
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    page = desk.page(
        request,
        "sign_in.html",
        status=429 if wait_minutes else 403 if refused else 200,
        code=code,
        token=token,
        next_address=local_path(next_address),
        refused=refused,
        wait_minutes=wait_minutes,
    )
    page.set_cookie(
        FORM_COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/sign-in"
    )
    return page


def _minutes(until: datetime) -> int:
    """Whole minutes from now, at least one."""
    return max(1, -int((utc_now() - until).total_seconds() // 60))


class _Refused(RelicwatchError):
    """Undoes the transaction, so that a one-time code is not used up by a wrong second factor."""


def _by_code(desk: Desk, code: str, second: str) -> SignedIn | None:
    try:
        with desk.writing() as session:
            user = use_sign_in_code(session, code)
            if user is None or not passes(session, desk.home, user, second):
                raise _Refused("No such code, or the second factor is wrong.")
            return _open(desk, session, user)
    except _Refused:
        with desk.writing() as session:
            desk.chain.record(session, actor="unknown", action="sign-in refused", object_kind="user", object_id="code")
        return None


def _by_password(desk: Desk, name: str, password: str, second: str) -> SignedIn | None:
    with desk.reading() as session:
        user = find_user(session, name)
    # Compared outside any transaction: the hash takes its time on purpose.
    matches = password_matches(user.password_hash if user else None, password)
    with desk.writing() as session:
        # Read anew: the account may have been disabled, or its password changed, while the hash was compared.
        now = session.get(User, user.id) if user else None
        stands = now is not None and not now.disabled and user is not None and now.password_hash == user.password_hash
        if not matches or now is None or not stands or not passes(session, desk.home, now, second):
            desk.chain.record(
                session,
                actor="unknown",
                action="sign-in refused",
                object_kind="user",
                object_id=user.id if user else "unknown",
            )
            return None
        return _open(desk, session, now)


def _open(desk: Desk, session: Session, user: User) -> SignedIn:
    _record(desk, session, user, "signed in")
    return open_session(session, user)


def _record(desk: Desk, session: Session, user: User, action: str) -> None:
    desk.chain.record(
        session,
        actor=user.name,
        action=action,
        object_kind="user",
        object_id=user.id,
    )
