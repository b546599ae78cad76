"""The review desk as an application: its pages, its guard and its plain-worded errors."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from crawler.home import Home
from review.desk import Desk, FormRefused, NotAllowed, NotSignedIn, NotThere, desk_of, go_to
from review.guard import Guard
from review.pages import cases, files, listings, password, queue, sign_in
from storage.audit import AuditChain
from storage.database import Database, DatabaseError

STATIC = Path(__file__).parent / "static"


def create_app(database: Database, home: Home, *, chain: AuditChain) -> FastAPI:
    """The desk over an open database. `chain` must be this process's own and used by nobody else meanwhile."""
    desk = Desk(database, home, chain)

    def failed(request: Request, error_id: str) -> Response:
        return desk.problem(request, 500, "problem_unforeseen", id=error_id)

    # No schema and no documentation pages: they would need scripts from elsewhere and tell strangers what is here.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, middleware=[Middleware(Guard, failed=failed)])
    app.state.desk = desk
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for room in (sign_in, password, queue, listings, cases, files):
        app.include_router(room.router)
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(FormRefused, _form_refused)
    app.add_exception_handler(NotThere, _not_there)
    app.add_exception_handler(DatabaseError, _no_database)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _to_sign_in(request: Request, error: Exception) -> Response:
    if request.method == "POST":
        return desk_of(request).problem(request, 403, "problem_signed_out")
    return go_to(f"/sign-in?next={quote(request.url.path)}")


def _not_allowed(request: Request, error: Exception) -> Response:
    desk = desk_of(request)
    visitor = request.state.visitor
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
    status = error.status_code if isinstance(error, HTTPException) else 500
    key = "problem_not_there" if status == 404 else "problem_request"
    return desk_of(request).problem(request, status, key)
