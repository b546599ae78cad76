"""The review desk as an application: its pages, its guard and its plain-worded errors."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from crawler.home import Home
from review.api.app import PATH as API_PATH
from review.api.app import create_api
from review.api.problems import Refusal, problem_answer
from review.api.problems import http_error as api_error
from review.binding import ON_LOOPBACK, Binding
from review.desk import (
    Desk,
    FormRefused,
    NotAllowed,
    NotSignedIn,
    NotThere,
    desk_for,
    desk_of,
    go_to,
    visitor_of,
    with_query,
    word,
)
from review.guard import Guard, TurnedAway, is_api
from review.pages import (
    alarms,
    alerts,
    audit_log,
    case_work,
    cases,
    files,
    first_hour,
    leaving,
    listing_work,
    listings,
    models,
    overview,
    password,
    people,
    photos,
    practice,
    purpose,
    queue,
    queue_group,
    queue_table,
    received,
    retention,
    searches,
    second_factor,
    sellers,
    sign_in,
    sources,
    tokens,
)
from review.photo_search import PhotoSearch
from review.uploads import UploadRefused
from storage.audit import AuditChain
from storage.database import Database, DatabaseError

STATIC = Path(__file__).parent / "static"
PAGES = (
    *(sign_in, password, second_factor, purpose, tokens),
    *(queue, queue_group, queue_table, listings, listing_work, files, leaving),
    *(searches, alerts),
    *(cases, case_work, received),
    sellers,
    *(alarms, overview, people, sources, models, retention, audit_log),
    *(practice, photos, first_hour),
)
"""Every module of pages, in the order in which their addresses are tried."""
FORM_TYPE = "application/x-www-form-urlencoded"
WRITTEN_FIELDS = ("note", "title")
"""The fields of forms that people write in; never a password or a code."""


def create_app(database: Database, home: Home, *, chain: AuditChain, binding: Binding = ON_LOOPBACK) -> FastAPI:
    """The desk over an open database. `chain` must be this process's own and used by nobody else meanwhile."""
    desk = Desk(database, home, chain)

    def failed(request: Request, error_id: str) -> Response:
        if is_api(request.url.path):
            return problem_answer(request, Refusal(500, "unforeseen"), error_id=error_id)
        return desk.problem(request, 500, "problem_unforeseen", id=error_id)

    def turned_away(request: Request, refusal: TurnedAway) -> Response:
        if is_api(request.url.path):
            return problem_answer(request, Refusal(refusal.status, refusal.key, headers=refusal.headers))
        return PlainTextResponse(refusal.text, refusal.status, refusal.headers)

    # No schema and no documentation pages: they would need scripts from elsewhere and tell strangers what is here.
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Guard, failed=failed, turned_away=turned_away, binding=binding)],
    )
    app.state.desk = desk
    app.state.photo_search = PhotoSearch(desk.database, home)
    app.mount(API_PATH, create_api(desk, app.state.photo_search))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for room in PAGES:
        app.include_router(room.router)
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(FormRefused, _form_refused)
    app.add_exception_handler(NotThere, _not_there)
    app.add_exception_handler(UploadRefused, case_work.upload_refused)
    app.add_exception_handler(DatabaseError, _no_database)
    app.add_exception_handler(HTTPException, _http_error)
    return app


async def _to_sign_in(request: Request, error: Exception) -> Response:
    """To sign in and back. A form cannot be sent on: its words are shown again, so that a long note is not lost."""
    if request.method != "POST":
        return go_to(f"/sign-in?next={quote(with_query(request), safe='')}")
    form = await request.form() if request.headers.get("content-type") == FORM_TYPE else FormData()
    written = [words for name in WRITTEN_FIELDS if (words := word(form, name).strip())]
    back = quote(_page_of_form(request), safe="")
    return desk_of(request).problem(request, 403, "problem_signed_out", written=written, sign_in_at=back)


def _page_of_form(request: Request) -> str:
    """The page that has the form sent to this address: one level up."""
    return request.url.path.rpartition("/")[0] or "/"


def _not_allowed(request: Request, error: Exception) -> Response:
    visitor = request.state.visitor
    desk = desk_for(request, visitor)
    with desk.writing() as session:
        desk.chain.record(
            session,
            actor=visitor.user.name,
            action="refused",
            object_kind="page",
            object_id=f"{request.method} {request.url.path}",
        )
    return desk.problem(request, 403, "problem_role")


def _form_refused(request: Request, error: Exception) -> Response:
    return desk_of(request).problem(request, 403, "problem_form")


def _not_there(request: Request, error: Exception) -> Response:
    return desk_of(request).problem(request, 404, "problem_not_there")


def _no_database(request: Request, error: Exception) -> Response:
    return desk_of(request).problem(request, 503, "problem_database")


def _http_error(request: Request, error: Exception) -> Response:
    if is_api(request.url.path):  # outside of what is mounted: another version, an address with a line break
        return api_error(request, error)
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405 and request.method == "GET":  # reached by a link on the answer to a form, or by its reload
        return go_to(f"{_page_of_form(request)}?{request.url.query}")
    with suppress(DatabaseError):  # no page was found, so nobody has asked yet who is there
        visitor_of(request)
    key = "problem_not_there" if status == 404 else "problem_request"
    return desk_of(request).problem(request, status, key)
