"""Whether an official API takes the key that the environment gives: one call, and nothing of its answer is kept."""

from __future__ import annotations

import asyncio
import os

import aiohttp

from crawler.api_access import KEYS, TOKEN_SECONDS, Api, ApiRefused, ApiUnreachable
from crawler.egress import EgressRefused, Guard
from crawler.errors import RelicwatchError, UsageError
from crawler.fetcher import open_session
from crawler.home import loopback_allowed
from crawler.program import user_agent
from spiders.ebay_browse import EbayBrowseSpider
from spiders.etsy import EtsySpider

_SPIDERS = {"ebay_browse": EbayBrowseSpider, "etsy": EtsySpider}
_PINGS = {"etsy": "/v3/application/openapi-ping"}
"""What may be asked with a bare key; where there is none, the token that a key is traded for shows that it is taken."""


class KeyNotTaken(RelicwatchError):
    """The API does not take the key, or could not be asked; the sentence says which."""


def keys_there() -> dict[str, tuple[str, list[tuple[str, bool]]]]:
    """By walker: what the API is called, and its variables with whether each is set. Never a value."""
    return {
        walker: (title, [(name, bool(os.environ.get(name, "").strip())) for name in variables])
        for walker, (title, *variables) in KEYS.items()
    }


async def check_key(walker: str) -> None:
    """Ask the API once with the key of the environment. Raises KeyNotTaken, or UsageError where a variable lacks."""
    if walker not in _SPIDERS:
        raise UsageError(f"There is no API {walker!r}.")
    api = _SPIDERS[walker].open_api()
    try:
        headers = await api.credentials.headers()
        if walker in _PINGS:
            await _ping(api, _PINGS[walker], headers)
    except (ApiRefused, ApiUnreachable) as error:
        raise KeyNotTaken(str(error)) from error


async def _ping(api: Api, path: str, headers: dict[str, str]) -> None:
    guard, url = Guard(allow_loopback=loopback_allowed()), f"{api.base}{path}"
    try:
        guard.check_url(url)
        async with asyncio.timeout(TOKEN_SECONDS), open_session(guard) as session:
            answer = await session.get(url, headers={**headers, "User-Agent": user_agent()}, allow_redirects=False)
            status = answer.status
    except (TimeoutError, aiohttp.ClientError, EgressRefused, OSError) as error:
        raise KeyNotTaken(
            f"{api.title} cannot be reached ({error or type(error).__name__}): try again later"
        ) from error
    if status in (401, 403):
        variables = " and ".join(api.credentials.variables)
        raise KeyNotTaken(f"{api.title} does not take the key (HTTP {status}): look at {variables}")
    if status != 200:
        raise KeyNotTaken(f"{api.title} answered HTTP {status}: try again later")
