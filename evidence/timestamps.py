"""Asking RFC 3161 authorities for the time: a token over some bytes, judged by `evidence.stamp_token`."""

from __future__ import annotations

import asyncio
from datetime import datetime

import aiohttp
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from crawler.egress import EgressRefused, Guard, refusal_in
from crawler.errors import RelicwatchError
from evidence.authorities import Authority
from evidence.stamp_token import Stamp, StampRefused, check_stamp

LARGEST_ANSWER = 256 << 10
ANSWER_SECONDS = 20.0
_MEDIA_TYPE = "application/timestamp-query"


class StampUnavailable(RelicwatchError):
    """No answer was had: asked again later."""


def ask(authority: Authority, data: bytes, guard: Guard, *, now: datetime | None = None) -> Stamp:
    """A token over the SHA-256 of `data`. Raises StampUnavailable, StampRefused. # EV-20, EV-22"""
    request = TimestampRequestBuilder(data, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    answer = asyncio.run(_post(authority.url, request.as_bytes(), guard))
    return check_stamp(
        answer, data, authority.roots, name=authority.name, policy=authority.policy, nonce=request.nonce, own_time=now
    )


async def _post(url: str, request: bytes, guard: Guard) -> bytes:
    try:
        guard.check_url(url)
        connector = aiohttp.TCPConnector(socket_factory=guard.socket_for, use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
            session.post(
                url,
                data=request,
                headers={"Content-Type": _MEDIA_TYPE, "User-Agent": "relicwatch"},
                allow_redirects=False,
            ) as response,
        ):
            if response.status != 200:
                raise StampUnavailable(f"{url} answered HTTP {response.status}.")
            answer = b""
            async for piece in response.content.iter_chunked(16 << 10):
                answer += piece
                if len(answer) > LARGEST_ANSWER:
                    raise StampRefused("stamp.form", f"{url} answered with more than {LARGEST_ANSWER >> 10} KiB.")
            return answer
    except EgressRefused as error:
        raise StampUnavailable(str(error)) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        why = refusal_in(error) or error
        raise StampUnavailable(f"{url} did not answer ({str(why) or type(error).__name__}).") from error
