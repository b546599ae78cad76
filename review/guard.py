"""What every request passes and every answer carries: loopback names, bounded bodies, strict headers, no traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_BODY_BYTES = 256 * 1024
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

_log = logging.getLogger(__name__)


class Guard:
    """The outermost layer of the desk."""

    def __init__(self, app: ASGIApp, failed: Callable[[Request, str], Response]) -> None:
        """`failed` makes the page for an error nobody foresaw, from the request and the error's id."""
        self.app = app
        self.failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = _refusal(scope["method"], scope["scheme"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        try:
            await self.app(scope, receive, guarded)
        except Exception:
            error_id = secrets.token_hex(4)
            _log.exception("The desk failed on %s %r (error %s)", scope["method"], scope["path"], error_id)
            if started:
                raise
            await self.failed(Request(scope), error_id)(scope, receive, guarded)


def _refusal(method: str, scheme: str, headers: Headers) -> Response | None:
    if not _is_loopback(headers.get("host", "")):
        return PlainTextResponse("This desk answers on loopback names only.", 400)
    if method in ("GET", "HEAD"):
        return None
    if method != "POST":
        return PlainTextResponse("This method is not used here.", 405, {"allow": "GET, HEAD, POST"})
    if not is_same_origin(scheme, headers):
        return PlainTextResponse("This form came from another site and was not acted on.", 403)
    length = headers.get("content-length", "")
    if not length.isdigit():
        return PlainTextResponse("The length of what is sent must be given.", 411)
    if int(length) > MOST_BODY_BYTES:
        return PlainTextResponse("What was sent is too long.", 413)
    return None


def is_same_origin(scheme: str, headers: Headers) -> bool:
    """Whether a page of this desk sent the form.

    Under `Referrer-Policy: no-referrer` a browser sends `Origin: null` with a form of our own, so then (and only then)
    its Sec-Fetch-Site must say so.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    if origin is None or origin == "null":
        return site == "same-origin"
    return origin == f"{scheme}://{headers.get('host', '')}"


def _is_loopback(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK_NAMES
    except ValueError:
        return False
