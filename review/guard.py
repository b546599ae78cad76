"""What every request passes and every answer carries: known names, bounded bodies, strict headers, no traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.binding import ON_LOOPBACK, Binding

MOST_BODY_BYTES = 256 * 1024
MOST_FILE_BYTES = 12 * 1024 * 1024
"""What a form may weigh whose address ends with one of these words: it brings a file."""
FILE_ADDRESSES = ("/outcome", "/lawful", "/approve", "/photos")
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

    def __init__(
        self, app: ASGIApp, failed: Callable[[Request, str], Response], binding: Binding = ON_LOOPBACK
    ) -> None:
        """`failed` makes the page for an error nobody foresaw, from the request and the error's id."""
        self.app = app
        self.failed = failed
        self.binding = binding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.binding.behind_proxy:
            scope = _as_proxied(scope)
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        refusal = self._unsuited(scope) or _refusal(
            scope["method"], scope["scheme"], Headers(scope=scope), takes_file(scope["path"])
        )
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

    def _unsuited(self, scope: Scope) -> Response | None:
        """A request for another name, or one that the proxy in front had without encryption."""
        if _host_name(Headers(scope=scope).get("host", "")) not in self.binding.all_names:
            return PlainTextResponse("This desk does not answer to this host name.", 400)
        if self.binding.behind_proxy and scope["scheme"] != "https":
            return PlainTextResponse("This desk is asked over HTTPS only.", 400)
        return None


def _as_proxied(scope: Scope) -> Scope:
    """The request as the browser sent it to the proxy: only what the proxy itself added last is believed."""
    headers = Headers(scope=scope)
    scheme = headers.getlist("x-forwarded-proto")
    forwarded = ",".join(headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    said = {"scheme": "https" if scheme and scheme[-1].rpartition(",")[2].strip() == "https" else "http"}
    return {**scope, **said, "client": (forwarded, 0) if forwarded else scope.get("client")}


def takes_file(path: str) -> bool:
    """Whether the form sent to this address may bring a file."""
    return path.endswith(FILE_ADDRESSES)


def _refusal(method: str, scheme: str, headers: Headers, with_file: bool) -> Response | None:
    if method in ("GET", "HEAD"):
        return None
    if method != "POST":
        return PlainTextResponse("This method is not used here.", 405, {"allow": "GET, HEAD, POST"})
    if not is_same_origin(scheme, headers):
        return PlainTextResponse("This form came from another site and was not acted on.", 403)
    length = headers.get("content-length", "")
    if not length.isdigit():
        return PlainTextResponse("The length of what is sent must be given.", 411)
    if int(length) > (MOST_FILE_BYTES if with_file else MOST_BODY_BYTES):
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


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
