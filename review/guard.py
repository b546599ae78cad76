"""What every request passes and every answer carries: known names, bounded bodies, strict headers, no traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.binding import ON_LOOPBACK, Binding

MOST_BODY_BYTES = 256 * 1024
MOST_FILE_BYTES = 12 * 1024 * 1024
"""What a form may weigh whose address ends with one of these words: it brings a file."""
FILE_ADDRESSES = ("/outcome", "/lawful", "/approve", "/outcomes", "/photo-matches", "/photos", "/first-hour/saved")
API = "/api/"
"""Below it nobody is known by a cookie, so that no form of another site can act in anybody's name."""
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
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


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A request that no page gets to see, and why; `key` names the reason for the API."""

    status: int
    key: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Guard:
    """The outermost layer of the desk."""

    def __init__(
        self,
        app: ASGIApp,
        failed: Callable[[Request, str], Response],
        turned_away: Callable[[Request, TurnedAway], Response],
        binding: Binding = ON_LOOPBACK,
    ) -> None:
        """`failed` makes the page for an error nobody foresaw, from the request and the error's id."""
        self.app = app
        self.failed = failed
        self.turned_away = turned_away
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

        refusal = self._unsuited(scope) or _refusal(scope)
        if refusal is not None:
            await self.turned_away(Request(scope), refusal)(scope, receive, guarded)
            return
        try:
            await self.app(scope, receive, guarded)
        except Exception:
            error_id = secrets.token_hex(4)
            _log.exception("The desk failed on %s %r (error %s)", scope["method"], scope["path"], error_id)
            if started:
                raise
            await self.failed(Request(scope), error_id)(scope, receive, guarded)

    def _unsuited(self, scope: Scope) -> TurnedAway | None:
        """A request for another name, or one that the proxy in front had without encryption."""
        if _host_name(Headers(scope=scope).get("host", "")) not in self.binding.all_names:
            return TurnedAway(400, "host", "This desk does not answer to this host name.")
        if self.binding.behind_proxy and scope["scheme"] != "https":
            return TurnedAway(400, "host", "This desk is asked over HTTPS only.")
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


def is_api(path: str) -> bool:
    return path.startswith(API)


def _refusal(scope: Scope) -> TurnedAway | None:
    method, headers, path = scope["method"], Headers(scope=scope), scope["path"]
    if "\0" in path or b"%00" in scope["query_string"]:
        return TurnedAway(400, "bad_request", "The address holds a character that no text holds.")
    if method in ("GET", "HEAD"):
        return None
    if method != "POST" and is_api(path):
        return None  # the API says what each address is called by, and calls nothing by another method
    if method != "POST":
        return TurnedAway(405, "method", "This method is not used here.", {"allow": "GET, HEAD, POST"})
    if not is_api(path) and not is_same_origin(scope["scheme"], headers):
        return TurnedAway(403, "host", "This form came from another site and was not acted on.")
    length = headers.get("content-length", "")
    if not length.isdigit():
        return TurnedAway(411, "length", "The length of what is sent must be given.")
    if int(length) > (MOST_FILE_BYTES if takes_file(path) else MOST_BODY_BYTES):
        return TurnedAway(413, "too_long", "What was sent is too long.")
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
