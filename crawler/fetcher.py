"""The fetcher: a Scrapy download handler that keeps each HTTP exchange as it went over the wire.

It stands below every Scrapy middleware, because those see headers regrouped and bodies decoded. Redirects, retries and
robots.txt come through here too, one exchange each. Requests for the browser pass through to `crawler.browser`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from scrapy.utils.misc import load_object

from crawler.egress import EgressRefused, Guard
from crawler.home import loopback_allowed
from crawler.items import CertificateChain, Exchange
from crawler.recording import recorder_of
from crawler.retry import pauses_of

_HEAD_LIMIT = 256 * 1024
"""Of a response head in bytes, and of a single line in it: a longer one is refused, because it could not be kept."""
_LONGEST_QUOTE = 200
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie"})
_SKIPPED_REQUEST_HEADERS = frozenset({b"host", b"content-length", b"connection", b"transfer-encoding"})


class _RawHeadHandler(ResponseHandler):
    """aiohttp's protocol, keeping the bytes of each response head exactly as they came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._raw = bytearray()
        self._reading_head = True
        self.raw_head = b""

    def await_head(self) -> None:
        """A new request goes out on this connection: what comes next begins with a status line."""
        self._raw.clear()
        self._reading_head = True
        self.raw_head = b""

    def data_received(self, data: bytes) -> None:
        if self._reading_head and data:
            self._raw += data
            self._take_head()
        super().data_received(data)

    def _take_head(self) -> None:
        while True:
            end = self._raw.find(b"\r\n\r\n")
            if end < 0:
                self._reading_head = len(self._raw) < _HEAD_LIMIT
                return
            head = bytes(self._raw[: end + 4])
            del self._raw[: end + 4]
            if head.split(b" ", 2)[1:2] and head.split(b" ", 2)[1].startswith(b"1"):
                continue  # 100 Continue and the like: the response itself follows
            self.raw_head = head
            self._reading_head = False
            self._raw.clear()
            return


class RawResponse(aiohttp.ClientResponse):
    """Takes what is gone once the body is read: peer address, certificate, raw head."""

    server_ip: str | None = None
    raw_head: bytes = b""
    certificate: bytes | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        if isinstance(protocol, _RawHeadHandler):
            protocol.await_head()
        transport = connection.transport
        if transport is not None:
            peer = transport.get_extra_info("peername")
            self.server_ip = peer[0] if peer else None
            tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
            self.certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        response = await super().start(connection)
        if isinstance(protocol, _RawHeadHandler):
            if not protocol.raw_head:
                raise aiohttp.ClientConnectionError(f"the head of the answer is longer than {_HEAD_LIMIT} bytes")
            self.raw_head = protocol.raw_head
        return response


class FetcherHandler(BaseDownloadHandler):
    """Fetches over HTTP with aiohttp; every exchange is recorded before Scrapy sees a response."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._recorder = recorder_of(crawler)
        self._pauses = pauses_of(crawler)
        self._guard = Guard(allow_loopback=loopback_allowed())
        self._session: aiohttp.ClientSession | None = None
        self._browser: Any = None
        self._browser_start = asyncio.Lock()
        self._most_body = crawler.settings.getint("RELICWATCH_MOST_BODY_BYTES")
        self._timeout = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")

    async def download_request(self, request: Request) -> Response:
        if request.meta.get("playwright"):
            return await self._browse(request)
        self._guard.check_url(request.url)
        host = urlsplit(request.url).netloc
        await self._pauses.keep(host)
        with _timed(request):
            response = await self._fetch(request)
        self._pauses.note(host, response)
        return response

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._browser is not None:
            await self._browser.close()

    async def _browse(self, request: Request) -> Response:
        self._guard.check_url(request.url)
        async with self._browser_start:
            if self._browser is None:
                browser = load_object(self.crawler.settings["RELICWATCH_BROWSER_HANDLER"])(self.crawler)
                await browser.start()
                self._browser = browser
        host = urlsplit(request.url).netloc
        await self._pauses.keep(host)
        with _timed(request):
            response: Response = await self._browser.download_request(request)
        if pages := [place for place in request.meta.get("captures", ()) if place.kind == "exchange"]:
            self._pauses.asked(pages[-1].captured_at)  # the page's own, kept after all that it loaded
        self._pauses.note(host, response)
        return response

    async def _fetch(self, request: Request) -> Response:
        session = self._open_session()
        sent = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, values in request.headers.items()
            if name.lower() not in _SKIPPED_REQUEST_HEADERS
            for value in values[-1:]
        }
        started_at = datetime.now(UTC)
        timeout = float(request.meta.get("download_timeout", self._timeout))
        exchange: Exchange | None = None
        try:
            async with asyncio.timeout(timeout):
                response = await session.request(
                    request.method,
                    as_written(request.url),
                    headers=sent,
                    data=request.body or None,
                    allow_redirects=False,
                )
                assert isinstance(response, RawResponse)
                exchange = begin_exchange(response, request.url, request.body, started_at)
                exchange.truncated = await read_body(response, exchange, self._most_body)
        except TimeoutError as error:
            if exchange is None:
                raise DownloadTimeoutError(f"{request.url} gave no answer within {timeout:g} s") from error
            exchange.truncated = "time"
        except EgressRefused:
            raise
        except aiohttp.ClientConnectorDNSError as error:
            known = "cannot be looked up" if error.os_error.errno == socket.EAI_AGAIN else "is not known"
            raise CannotResolveHostError(f"the host of {request.url} {known} ({error.os_error.strerror})") from error
        except (aiohttp.ClientConnectorSSLError, aiohttp.ClientConnectorCertificateError) as error:
            raise DownloadFailedError(f"{request.url} was not asked for: {_why_not_secure(error)}") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, EgressRefused):
                raise error.os_error from error
            why = os.strerror(error.os_error.errno) if error.os_error.errno else error
            raise DownloadConnectionRefusedError(f"{request.url} cannot be reached: {why}") from error
        except aiohttp.ClientResponseError as error:  # its message quotes what was sent, however long
            why = error.message.partition("\n")[0].rstrip(":")[:_LONGEST_QUOTE]
            raise DownloadFailedError(f"{request.url} answered with no valid HTTP: {why}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise DownloadFailedError(f"{request.url} failed: {error or type(error).__name__}") from error
        place = self._recorder.append(exchange)
        captures = request.meta.get("captures")
        if captures is not None:
            captures.append(place)
        if exchange.truncated in ("disconnect", "time"):
            raise DownloadFailedError(
                f"{request.url} was cut off after {len(exchange.body)} bytes ({exchange.truncated})"
            )
        return _as_scrapy(request, exchange)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(self._guard)
        return self._session


def _why_not_secure(error: Exception) -> str:
    """Which promise of TLS did not hold; a page behind it would be no evidence of who sent it."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({cause.verify_message})"
    return f"no secure connection could be made ({getattr(cause, 'reason', None) or cause})"


@contextlib.contextmanager
def _timed(request: Request) -> Iterator[None]:
    """Note how long the answer took; one that never came is no measure of the market's speed."""
    started = time.monotonic()
    yield
    if (seconds := request.meta.get("seconds")) is not None:
        seconds.append(time.monotonic() - started)


def open_session(guard: Guard) -> aiohttp.ClientSession:
    """An aiohttp session whose responses keep the raw head and the coded body; it dials only what the guard lets pass.

    Its responses are `RawResponse`s. Time limits are the caller's.
    """
    connector = aiohttp.TCPConnector(socket_factory=guard.socket_for, limit=0, ttl_dns_cache=60, ssl=True)
    # No public way to choose the protocol class; the raw head is to be had nowhere else.
    loop = asyncio.get_running_loop()
    connector._factory = functools.partial(_RawHeadHandler, loop=loop)  # type: ignore[assignment]
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        timeout=aiohttp.ClientTimeout(total=None),
        response_class=RawResponse,
        trust_env=False,
        max_line_size=_HEAD_LIMIT,
        max_field_size=_HEAD_LIMIT,
    )


async def read_body(
    response: RawResponse, exchange: Exchange, most: int
) -> Literal["length", "time", "disconnect", "unspecified"] | None:
    """Fill `exchange.body` as far as it goes; the reason where it does not go to the end."""
    parts: list[bytes] = []
    size = 0
    reason: Literal["length", "time", "disconnect"] | None = None
    try:
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > most:
                reason = "length"
                parts[-1] = part[: len(part) - (size - most)]
                response.close()
                break
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError):
        reason = "disconnect"
    finally:
        exchange.body = b"".join(parts)
        with contextlib.suppress(aiohttp.ClientError):
            response.release()
    return reason


def begin_exchange(response: RawResponse, url: str, request_body: bytes, started_at: datetime) -> Exchange:
    """The exchange as far as it is known once the response's head has come; `read_body` fills in the rest."""
    info = response.request_info
    path = response.url.raw_path_qs or "/"
    sent = "".join(f"{name}: {_written(name, value)}\r\n" for name, value in info.headers.items())
    return Exchange(
        url=url,
        method=info.method,
        started_at=started_at,
        request_head=f"{info.method} {path} HTTP/1.1\r\n{sent}\r\n".encode("utf-8", "surrogateescape"),
        request_body=request_body,
        response_head=response.raw_head,
        status=response.status,
        server_ip=response.server_ip,
        certificates=CertificateChain((response.certificate,)) if response.certificate else None,
    )


def _written(name: str, value: str) -> str:
    """A header's value as it is recorded: a key that opens an API is nobody's evidence and stays out."""
    return "[left out: a key]" if name.lower() in SECRET_HEADERS else value


def _as_scrapy(request: Request, exchange: Exchange) -> Response:
    headers = Headers()
    for line in exchange.response_head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            headers.appendlist(name.strip(), value.strip())
    kind = responsetypes.from_args(headers=headers, url=request.url, body=exchange.body)
    flags = ["truncated"] if exchange.truncated else []
    return kind(
        url=request.url, status=exchange.status, headers=headers, body=exchange.body, flags=flags, request=request
    )


def as_written(url: str) -> Any:
    """The URL exactly as Scrapy escaped it: a second round of quoting would ask for another page."""
    from yarl import URL

    return URL(url, encoded=True)
