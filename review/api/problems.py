"""What is wrong, as RFC 9457 says it: one plain sentence in the caller's language, and an id that stands in the log."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from review.words import Words, chosen_language, messages

TYPE = "urn:relicwatch:problem:"
MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
STATUSES = (400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429, 500, 503)
"""Every status but 2xx that the API answers with."""
_KEYS = {404: "not_there", 405: "method", 415: "media_type"}
_FIELD_KEYS = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "string_too_short": "short",
    "too_short": "short",
    "string_too_long": "long",
    "too_long": "long",
    "literal_error": "choice",
    "greater_than_equal": "bounds",
    "less_than_equal": "bounds",
    "json_invalid": "json",
}
"""Why a field was not taken, by what pydantic calls it; all else is `wrong`."""

logger = logging.getLogger(__name__)


class FieldError(BaseModel):
    """A part of the request that was not understood."""

    pointer: str = Field(description="Where: query/limit, path/listing_id, body/verdict.")
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str = Field(description="urn:relicwatch:problem:KEY; the key stays the same in every language.")
    title: str
    status: int
    detail: str = Field(description="One sentence for a person, in the language of Accept-Language (ar, fr, en).")
    id: str = Field(description="Stands in the desk's log beside what happened.")
    errors: list[FieldError] = []
    yours: dict[str, Any] | None = Field(None, description="409 of a decision: what was sent.")
    theirs: dict[str, Any] | None = Field(None, description="409 of a decision: what stands.")


class Refusal(Exception):
    """A request that is answered with a problem; `key` names its sentence: `api_KEY` in `review/messages/`."""

    def __init__(
        self,
        status: int,
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
        said: str | None = None,
        **values: object,
    ) -> None:
        """`members` stand in the answer beside the standard's own; `said`: the key of
        what another room says, for {said} in the sentence."""
        super().__init__(key)
        self.status = status
        self.key = key
        self.headers = dict(headers or {})
        self.members = dict(members or {})
        self.said = said
        self.values = values


def words_for(request: Request) -> Words:
    """The words of the first language in Accept-Language that we speak."""
    return Words(chosen_language(None, request.headers.get("accept-language", "")))


def problem_answer(request: Request, refusal: Refusal, *, error_id: str | None = None) -> Response:
    words = words_for(request)
    error_id = error_id or secrets.token_hex(4)
    said = {"said": words(refusal.said)} if refusal.said else {}
    body = {
        "type": TYPE + refusal.key,
        "title": words(f"api_status_{refusal.status}"),
        "status": refusal.status,
        "detail": words(f"api_{refusal.key}", **refusal.values, **said),
        "id": error_id,
        **refusal.members,
    }
    logger.info("%s %r: %s %s (%s)", request.method, request.url.path, refusal.status, refusal.key, error_id)
    headers = {"content-language": words.language, **refusal.headers}
    # Escaped beyond ASCII: half a character that was sent back could not be written otherwise.
    return Response(json.dumps(body), refusal.status, headers, media_type=MEDIA_TYPE)


def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return problem_answer(request, error)


def not_understood(request: Request, error: Exception) -> Response:
    """Each field with its reason. What was sent is not repeated: it may be a secret in the wrong place."""
    assert isinstance(error, RequestValidationError)
    words = words_for(request)
    found = [
        {"pointer": "/".join(map(str, one["loc"])), "detail": _field_sentence(words, one)}
        for one in error.errors()[:MOST_ERRORS]
    ]
    return problem_answer(request, Refusal(422, "not_understood", members={"errors": found}))


def _field_sentence(words: Words, error: Mapping[str, Any]) -> str:
    key = _FIELD_KEYS.get(error["type"], "wrong")
    bounds = error.get("ctx", {})
    most = bounds.get("max_length", bounds.get("le"))
    least = bounds.get("min_length", bounds.get("ge"))
    bound = f"≤ {most}" if most is not None else f"≥ {least}" if least is not None else ""
    values = {"bound": bound, "choices": bounds.get("expected", "").replace(" or ", ", ").replace("'", "")}
    sentence = messages(words.language)[f"api_field_{key}"]
    return words(f"api_field_{key}", **{name: value for name, value in values.items() if f"{{{name}}}" in sentence})


def http_error(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: no such address, another method."""
    assert isinstance(error, HTTPException)
    status = error.status_code if error.status_code in STATUSES else 400
    headers = {"allow": ", ".join(_methods_of(request))} if status == 405 else error.headers
    return problem_answer(request, Refusal(status, _KEYS.get(status, "bad_request"), headers=headers))


def _methods_of(request: Request) -> list[str]:
    """What the address can be called by: the framework names the methods of the first of its routes alone."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    routes = [
        route
        for room in request.app.routes
        for route in getattr(getattr(room, "original_router", None), "routes", [room])
        if isinstance(route, Route) and route.path_regex.match(path)
    ]
    return sorted({method for route in routes for method in route.methods or ()})


def documented(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document in which each operation says that it may answer with any of the problems."""
    model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    components.update(model.pop("$defs", {}))
    components["Problem"] = model
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    answer = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status in STATUSES:
                operation["responses"][str(status)] = {"description": f"Problem {status}", "content": answer}
    return schema
