"""Alerts posted as JSON to an address that a person gave, signed, and through the guard. # SEC-2, SEC-44

X-Relicwatch-Timestamp: seconds since 1970
X-Relicwatch-Signature: sha256=HMAC-SHA256(secret, timestamp + "." + body), in hexadecimal
X-Relicwatch-Delivery: the message's number, the same in every attempt
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from alerts.sending import AnswerLost, NotSent, Refused
from crawler.egress import EgressRefused, Guard, refusal_in
from crawler.program import program_info

ANSWER_SECONDS = 20.0
_PASSING = frozenset({408, 425, 429})
"""Refusals that pass by themselves; other 4xx stand."""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a message."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def post(
    url: str,
    secret: str,
    token: str,
    record: Mapping[str, Any],
    guard: Guard,
    hand_over: Callable[[], None] = lambda: None,
) -> None:
    """Post one message. Raises NotSent, Refused, AnswerLost; a redirect is refused and never followed."""
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"relicwatch/{program_info().version}",
        "X-Relicwatch-Timestamp": timestamp,
        "X-Relicwatch-Signature": sign(secret, timestamp, body),
        "X-Relicwatch-Delivery": token,
    }
    try:
        guard.check_url(url)
        status = asyncio.run(_post(url, body, headers, guard, hand_over))
    except EgressRefused as error:
        raise Refused(str(error)) from error
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Refused(f"The webhook answered HTTP {status}: redirects are not followed; give the address it leads to.")
    if 400 <= status < 500 and status not in _PASSING:
        raise Refused(f"The webhook answered HTTP {status}: it does not take the message.")
    raise NotSent(f"The webhook answered HTTP {status}.")


async def _post(url: str, body: bytes, headers: Mapping[str, str], guard: Guard, hand_over: Callable[[], None]) -> int:
    connector = aiohttp.TCPConnector(socket_factory=guard.socket_for, use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    reached = False
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            hand_over()
            reached = True
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return response.status
    except aiohttp.ClientConnectorError as error:
        refused = refusal_in(error)
        if refused is not None:
            raise refused from error
        raise NotSent(f"The webhook cannot be reached ({error.strerror or 'no connection'}).") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        why = refusal_in(error)
        if why is not None:
            raise why from error
        kind = AnswerLost if reached else NotSent
        said = getattr(error, "strerror", None) or str(error) or "no answer in time"
        raise kind(f"The webhook did not answer ({said}).") from error
