"""Keys of official APIs: added to a request when it leaves, and kept out of everything that is written down.

The frontier keeps no headers and the recorder writes none that is secret (`crawler.fetcher`), so a key is nowhere but
in the environment and in this process. The exchange that mints a token is not captured: it holds nothing but secrets.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawler.egress import EgressRefused, Guard
from crawler.errors import UsageError
from crawler.fetcher import open_session
from crawler.home import loopback_allowed

TOKEN_SECONDS = 30.0
RENEW_BEFORE_SECONDS = 120.0
MOST_TOKEN_BYTES = 64 * 1024


class ApiRefused(IgnoreRequest):
    """The API does not take the key; the text says which variables to look at."""


class ApiUnreachable(IgnoreRequest):
    """No token could be had for a reason that may pass."""


class Credentials(Protocol):
    """How a request to an API is made one of ours."""

    variables: tuple[str, ...]
    """The environment's variables that hold the key."""

    async def headers(self) -> dict[str, str]:
        """Headers for the next request. Raises ApiRefused, ApiUnreachable."""
        ...

    def spoiled(self) -> bool:
        """The API refused what `headers` gave; true where asking again with new ones may help."""
        ...


@dataclass(slots=True)
class Api:
    """One official API as a spider uses it."""

    title: str
    base: str
    """Its address without a slash at the end."""
    credentials: Credentials
    fixed_headers: Mapping[str, str] = field(default_factory=dict)
    calls_a_day: int = 5_000
    name: str = ""
    """Names its quota in the database."""

    def serves(self, url: str) -> bool:
        return url.startswith(f"{self.base}/")


@dataclass(slots=True)
class KeyHeader:
    """A key that is sent as it is."""

    header: str
    key: str
    variables: tuple[str, ...]

    async def headers(self) -> dict[str, str]:
        return {self.header: self.key}

    def spoiled(self) -> bool:
        return False


class ClientCredentials:
    """OAuth 2 client credentials: id and secret are traded for a token that lasts some hours."""

    def __init__(
        self, title: str, token_url: str, scope: str, id_and_secret: tuple[str, str], variables: tuple[str, ...]
    ):
        self.variables = variables
        self._title = title
        self._token_url = token_url
        self._scope = scope
        self._pair = base64.b64encode(":".join(id_and_secret).encode()).decode("ascii")
        self._token = ""
        self._until = 0.0
        self._refused: str | None = None
        self._lock = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        async with self._lock:  # several requests wait for one token, or for one refusal
            if self._refused is not None:
                raise ApiRefused(self._refused)
            if time.monotonic() >= self._until:
                await self._mint()
        return {"Authorization": f"Bearer {self._token}"}

    def spoiled(self) -> bool:
        self._until = 0.0
        return True

    async def _mint(self) -> None:
        guard = Guard(allow_loopback=loopback_allowed())
        headers = {"Authorization": f"Basic {self._pair}", "Content-Type": "application/x-www-form-urlencoded"}
        form = {"grant_type": "client_credentials", "scope": self._scope}
        try:
            guard.check_url(self._token_url)
            async with asyncio.timeout(TOKEN_SECONDS), open_session(guard) as session:
                answer = await session.post(self._token_url, data=form, headers=headers, allow_redirects=False)
                body = await answer.content.read(MOST_TOKEN_BYTES)
        except (TimeoutError, aiohttp.ClientError, EgressRefused, OSError) as error:
            why = str(error) or type(error).__name__
            raise ApiUnreachable(f"{self._title} gave no token ({why}): try again later") from error
        said = _json(body)
        if answer.status in (400, 401, 403):
            self._refused = refusal(self._title, self.variables, str(said.get("error") or f"HTTP {answer.status}"))
            raise ApiRefused(self._refused)
        token, seconds = said.get("access_token"), said.get("expires_in")
        if answer.status != 200 or not isinstance(token, str) or not token:
            raise ApiUnreachable(f"{self._title} gave no token (HTTP {answer.status}): try again later")
        lasts = float(seconds) if isinstance(seconds, (int, float)) else 0.0
        self._token, self._until = token, time.monotonic() + max(lasts - RENEW_BEFORE_SECONDS, lasts / 2)


def refusal(title: str, variables: tuple[str, ...], why: str) -> str:
    return f"{title} does not take the key ({why[:80]}): look at {' and '.join(variables)}, and at the key's account"


KEYS = {
    "ebay_browse": ("eBay", "RELICWATCH_EBAY_CLIENT_ID", "RELICWATCH_EBAY_CLIENT_SECRET"),
    "etsy": ("Etsy", "RELICWATCH_ETSY_KEY"),
}
"""What each walker of an official API is called, and the environment's variables that hold its key."""


def key_from_environment(title: str, *variables: str) -> list[str]:
    """The values of variables that must be set. Raises UsageError naming those that are not."""
    missing = [name for name in variables if not os.environ.get(name, "").strip()]
    if missing:
        raise UsageError(
            f"{title} is asked with a key of your own: set {' and '.join(missing)} in the environment of relicwatch."
        )
    return [os.environ[name].strip() for name in variables]


def address_from_environment(variable: str, default: str) -> str:
    """The API's address, or another one (a sandbox, a stand-in) from the environment. Raises UsageError."""
    base = (os.environ.get(variable) or default).rstrip("/")
    parts = urlsplit(base)
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and loopback_allowed())
    if not encrypted or not parts.netloc or parts.query or "@" in parts.netloc:
        raise UsageError(f"{variable} is no address that a key may be sent to: write it like {default}.")
    return base


class ApiAccessMiddleware:
    """Gives requests to the spider's API their key, and turns its refusal into one plain reason."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._refused: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ApiAccessMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        api = self._api_of(request)
        if api is None:
            return
        if self._refused is not None:  # a wrong key stays wrong: the API is not asked with it again
            raise ApiRefused(self._refused)
        try:
            headers = await api.credentials.headers()
        except ApiRefused as error:
            self._refused = str(error)
            raise
        for name, value in {**api.fixed_headers, **headers}.items():
            request.headers[name] = value

    def process_response(self, request: Request, response: Response) -> Request | Response:
        api = self._api_of(request)
        if api is None or response.status not in (401, 403):
            return response
        if response.status == 401 and api.credentials.spoiled() and not request.meta.get("key_renewed"):
            return request.replace(meta={**request.meta, "key_renewed": True}, dont_filter=True)
        self._refused = refusal(api.title, api.credentials.variables, f"HTTP {response.status}")
        raise ApiRefused(self._refused)

    def _api_of(self, request: Request) -> Api | None:
        api: Api | None = getattr(self._crawler.spider, "api", None)
        return api if api is not None and api.serves(request.url) else None


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
