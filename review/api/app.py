"""The API as an application of its own below `/api/v1`: tokens in place of cookies, problems in place of pages."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.api import (
    administration,
    alarms,
    audit,
    case_work,
    cases,
    decisions,
    exports,
    figures,
    listing_work,
    listings,
    objects,
    photos,
    queue,
    registers,
    sellers,
    sources,
)
from review.api.access import AnyCaller
from review.api.limits import Limits
from review.api.problems import Refusal, documented, http_error, not_understood, problem_answer, refused
from review.desk import Desk, NotThere
from review.photo_search import PhotoSearch
from review.uploads import UploadRefused
from storage.cases import CaseError
from storage.database import DatabaseError

PATH = "/api/v1"
ROOMS = (
    *(queue, listings, listing_work, decisions, photos, objects, sellers, registers),
    *(cases, case_work, exports),
    *(alarms, sources, figures, audit, administration),
)
VERSION = "1"
ABOUT = """\
What the review desk does, for programs. Each call carries a token: `Authorization: Bearer rwt_…`; people make them on
the desk's page /tokens. A token may do what its scopes and its owner's role both allow. `Relicwatch-Purpose: triage`,
`case:REFERENCE` or `watch:NUMBER` says what a call is for, and stands in the audit log; without it the token's own
purpose counts. Errors are problems of RFC 9457 in the language of Accept-Language (ar, fr, en). Times are UTC, amounts
are texts with their ISO 4217 currency beside them."""

router = APIRouter()
logger = logging.getLogger(__name__)


class Unforeseen:
    """Makes an error that nobody foresaw a problem with an id; the traceback stands in the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if started or scope["type"] != "http":
                raise
            error_id = secrets.token_hex(4)
            logger.exception("The API failed on %s %r (error %s)", scope["method"], scope["path"], error_id)
            answer = problem_answer(Request(scope), Refusal(500, "unforeseen"), error_id=error_id)
            await answer(scope, receive, send)


def create_api(desk: Desk, photo_search: PhotoSearch) -> FastAPI:
    """The API of a desk, to be mounted at `PATH`."""
    # No documentation pages: they would need scripts from elsewhere. openapi.json is for who has a token.
    api = FastAPI(
        title="relicwatch",
        version=VERSION,
        description=ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(single_parameters)],
        middleware=[Middleware(Unforeseen)],
        generate_unique_id_function=lambda route: route.name,
    )
    api.state.desk = desk
    api.state.limits = Limits()
    api.state.photo_search = photo_search
    api.include_router(router)
    for room in ROOMS:
        api.include_router(room.router)
    api.add_exception_handler(Refusal, refused)
    api.add_exception_handler(RequestValidationError, not_understood)
    api.add_exception_handler(HTTPException, http_error)
    api.add_exception_handler(NotThere, _not_there)
    api.add_exception_handler(CaseError, _case_refused)
    api.add_exception_handler(UploadRefused, _upload_refused)
    api.add_exception_handler(DatabaseError, _no_database)
    return api


def single_parameters(request: Request) -> None:
    """Refuse a parameter that stands twice: which of them counts would be anybody's guess."""
    names = [name for name, _ in request.query_params.multi_items()]
    if len(names) != len(set(names)):
        raise Refusal(400, "repeated")


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, caller: AnyCaller) -> Response:
    api: FastAPI = request.app
    if api.openapi_schema is None:
        api.openapi_schema = documented(_schema(api))
    return JSONResponse(api.openapi_schema)


def _schema(api: FastAPI) -> dict[str, Any]:
    return get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
        servers=[{"url": PATH}],
    )


def _not_there(request: Request, error: Exception) -> Response:
    return problem_answer(request, Refusal(404, "not_there"))


def _case_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, CaseError)
    return problem_answer(request, Refusal(422, "case", said=f"case_error_{error.key}"))


def _upload_refused(request: Request, error: Exception) -> Response:
    return problem_answer(request, Refusal(422, "upload", said="problem_upload"))


def _no_database(request: Request, error: Exception) -> Response:
    logger.error("The API has no database: %s", error)
    return problem_answer(request, Refusal(503, "database", headers={"retry-after": "10"}))
