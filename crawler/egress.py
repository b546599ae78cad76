"""The one guard for what leaves: fetcher, Chromium (through the loopback proxy here) and images all go through it.

Addresses are checked when the connection is dialled, so a name that answers differently the second time gains nothing.
What a market's definition or a page says never widens it; loopback is opened by a setting of the process alone.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.errors import RelicwatchError

PORTS = frozenset({80, 443, 8080, 8443})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_URL_CHARACTERS = 8192
_NEVER_IN_URLS = re.compile(r"[\x00-\x20\\\x7f]")
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))

AddressInfo = tuple[int, int, int, str, Any]
"""One answer of getaddrinfo: family, type, protocol, canonical name, socket address."""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(rule: str, *texts: str) -> list[tuple[_Network, str]]:
    return [(ipaddress.ip_network(text), rule) for text in texts]


# The first that holds gives the rule's name, so the narrow ones stand before the wide ones.
_REFUSED: list[tuple[_Network, str]] = [
    # Azure answers on a public address; the others lie in blocks refused anyway and are named for the reader.
    *_networks("metadata", "169.254.169.254/32", "fd00:ec2::254/128", "168.63.129.16/32", "100.100.100.200/32"),
    *_networks("metadata", "192.0.0.192/32"),
    *_networks("unspecified", "0.0.0.0/8", "::/128"),
    *_networks("loopback", "127.0.0.0/8", "::1/128"),
    *_networks("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    *_networks("link-local", "169.254.0.0/16", "fe80::/10"),
    *_networks("cgnat", "100.64.0.0/10"),
    *_networks("multicast", "224.0.0.0/4", "ff00::/8"),
    *_networks("ipv4-mapped", "::ffff:0:0/96", "::ffff:0:0:0/96", "::/96"),
    *_networks("nat64", "64:ff9b::/96", "64:ff9b:1::/48"),
    *_networks("6to4", "2002::/16", "192.88.99.0/24"),
    *_networks("teredo", "2001::/32"),
    *_networks("reserved", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *_networks("reserved", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "240.0.0.0/4"),
    *_networks("reserved", "2001::/23", "2001:db8::/32", "3fff::/20"),
]
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


class EgressRefused(RelicwatchError, OSError):
    """The guard let a request or a connection not leave.

    An OSError, because connection code (aiohttp's above all) tidies up after those and hands on nothing else whole.
    """

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(errno.EACCES, f"The guard refused {what}: {rule}.")
        self.what = what
        self.rule = rule

    def __str__(self) -> str:
        return str(self.strerror)


def refusal_in(error: BaseException | None) -> EgressRefused | None:
    """The guard's refusal behind a connection error of aiohttp's, None where the guard had no part in it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, EgressRefused):
            return error
        inner = getattr(error, "os_error", None)
        if inner is None and isinstance(error, OSError) and error.errno == errno.EACCES:
            # Several addresses were refused, each with its own words: only the joined text has come through.
            return EgressRefused("every address of the host", str(error.strerror))
        error = inner or error.__cause__ or error.__context__
    return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was not let out: what it was for (URL, or host:port of a tunnel) and the rule."""

    target: str
    rule: str


class Guard:
    """Decides which URLs may be asked for and which addresses may be dialled."""

    def __init__(self, *, allow_loopback: bool = False) -> None:
        """`allow_loopback`: pass `crawler.home.loopback_allowed()`, a setting of the process and never a market's."""
        self.allow_loopback = allow_loopback

    def check_url(self, url: str) -> None:
        """Raise EgressRefused unless the URL is one we ask for: http(s), a web port, no user name, no inner address."""
        shown = url[:200]
        if len(url) > _MOST_URL_CHARACTERS:
            raise EgressRefused(shown, f"url longer than {_MOST_URL_CHARACTERS} characters")
        if _NEVER_IN_URLS.search(url):
            raise EgressRefused(shown, "space, control character or backslash in the url")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise EgressRefused(shown, "not a url") from None
        if parts.scheme not in _DEFAULT_PORTS:
            raise EgressRefused(shown, "scheme is not http or https")
        if "@" in parts.netloc:
            raise EgressRefused(shown, "user name or password in the url")
        self.check_host(parts.hostname or "", _DEFAULT_PORTS[parts.scheme] if port is None else port, shown)

    def check_host(self, host: str, port: int, shown: str | None = None) -> None:
        """Raise EgressRefused for a host or port that need not even be resolved to be refused."""
        shown = shown or f"{host}:{port}"
        name = unicodedata.normalize("NFKC", host.translate(_DOTS)).lower().removesuffix(".")
        if not name:
            raise EgressRefused(shown, "no host")
        if "%" in name or any(character <= " " or character in "/\\@#?" for character in name):
            raise EgressRefused(shown, "not a host name")
        loopback = name == "localhost" or name.endswith(".localhost")
        address = _literal_address(name)
        if address is not None:
            rule = self._rule(address)
            if rule:
                raise EgressRefused(shown, rule)
            loopback = _rule_of(address) == "loopback"
        elif loopback and not self.allow_loopback:
            raise EgressRefused(shown, "loopback")
        if port not in PORTS and not loopback:
            raise EgressRefused(shown, f"port {port}")

    def check_address(self, ip: str) -> None:
        """Raise EgressRefused unless this is a public address (or loopback, where the process allows it)."""
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            raise EgressRefused(ip[:100], "not an address") from None
        rule = self._rule(address)
        if rule:
            raise EgressRefused(ip, rule)

    def socket_for(self, addr_info: AddressInfo) -> socket.socket:
        """A socket for this answer of the resolver, checked as it is dialled.

        Fits `aiohttp.TCPConnector(socket_factory=guard.socket_for)`. Raises EgressRefused.
        """
        family, kind, protocol, _, address = addr_info
        self.check_address(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    def _rule(self, address: _Address) -> str | None:
        rule = _rule_of(address)
        if rule == "loopback" and self.allow_loopback:
            return None
        if rule is None and _is_own(address):
            return "address of this machine"
        return rule


def _rule_of(address: _Address) -> str | None:
    if getattr(address, "scope_id", None):
        return "link-local"
    for network, rule in _REFUSED:
        if address.version == network.version and address in network:
            return rule
    if address.version == 6 and address not in _GLOBAL_V6:
        return "reserved"
    return None


def _literal_address(name: str) -> _Address | None:
    """The address that a host name spells, in any spelling that some resolver takes: 127.1, 0x7f000001, 0177.0.0.1."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        pass
    if not set(name) <= set("0123456789abcdefx."):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        return None


def _is_own(address: _Address) -> bool:
    """Whether one of this machine's interfaces has the address; asks the kernel's routes, sends nothing."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ipaddress.ip_address(probe.getsockname()[0]) == address
    except OSError:
        return False


# -- the proxy that Chromium goes through ------------------------------------------------------------------------

_HEAD_BYTES = 64 * 1024
_HEAD_SECONDS = 15.0
_DIAL_SECONDS = 15.0
_PIECE = 64 * 1024
_MOST_CONNECTIONS = 256
_NOT_FORWARDED = (b"proxy-connection", b"connection", b"keep-alive", b"proxy-authorization")


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    target: str
    host: str
    port: int
    head: bytes
    """What goes to the server: empty for a tunnel."""
    body_bytes: int


class _BadRequest(Exception):
    """The browser sent what a proxy can't pass on."""


class ConnectProxy:
    """A loopback HTTP proxy for Chromium: it resolves, checks and dials, so the browser itself reaches nothing.

    `refused` lists what was not let out, `failed` what did not answer, `peers` the address really dialled for each
    (host, port). It binds to loopback only and lives as long as one browser.
    """

    def __init__(self, guard: Guard, *, most_bytes: int = 256 * 1024 * 1024) -> None:
        """`most_bytes` bounds what may come in altogether; more is cut off and listed as refused."""
        self._guard = guard
        self._most_bytes = most_bytes
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.received_bytes = 0
        self.refused: list[Refusal] = []
        self.failed: list[Refusal] = []
        self.peers: dict[tuple[str, int], str] = {}

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`, as Chromium's --proxy-server takes it."""
        assert self._server is not None, "the proxy is not started"
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stood_in(self, url: str, status: int) -> Refusal | None:
        """What this proxy answered itself in place of the server with that status; None where the server did."""
        told = {403: self.refused, 502: self.failed}.get(status, [])
        target = url.partition("#")[0]
        return next((one for one in reversed(told) if one.target == target), None)

    async def start(self) -> ConnectProxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD_BYTES)
        return self

    async def stop(self) -> None:
        """Close the door and every connection that is still open."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> ConnectProxy:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._tasks) > _MOST_CONNECTIONS:
                _answer(writer, 503, "too many connections at once")
                return
            await self._pass_on(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # either side hung up: the browser reports that to whoever waits for the page
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                asked = _read_request(await reader.readuntil(b"\r\n\r\n"))
        except _BadRequest as error:
            _answer(writer, 400, str(error))
            return
        except TimeoutError:
            return
        try:
            self._check(asked)
            server_reader, server_writer = await self._dial(asked)
        except EgressRefused as refused:
            self.refused.append(Refusal(asked.target, refused.rule))
            _answer(writer, 403, refused.rule)
            return
        except (OSError, TimeoutError) as error:
            self.failed.append(Refusal(asked.target, str(error) or type(error).__name__))
            _answer(writer, 502, "the server did not answer")
            return
        try:
            if asked.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                outward = self._pump(reader, server_writer, asked.target, count=False)
            else:
                server_writer.write(asked.head)
                outward = self._send_body(reader, server_writer, asked.body_bytes)
            await _first_done(outward, self._pump(server_reader, writer, asked.target, count=True))
        finally:
            server_writer.close()

    def _check(self, asked: _Asked) -> None:
        if self.received_bytes > self._most_bytes:
            raise EgressRefused(asked.target, f"more than {self._most_bytes} bytes came in already")
        if asked.method == "CONNECT":
            self._guard.check_host(asked.host, asked.port)
        else:
            self._guard.check_url(asked.target)

    async def _dial(self, asked: _Asked) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first address that the guard lets pass and that answers."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_DIAL_SECONDS):
            answers = await loop.getaddrinfo(asked.host, asked.port, type=socket.SOCK_STREAM)
        return await self._dial_one_of(answers, asked)

    async def _dial_one_of(
        self, answers: Sequence[AddressInfo], asked: _Asked
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        last: OSError = OSError(f"{asked.host} has no address")
        for answer in answers:
            try:
                dialled = self._guard.socket_for(answer)
            except EgressRefused as refused:
                last = refused
                continue
            try:
                dialled.setblocking(False)
                async with asyncio.timeout(_DIAL_SECONDS):
                    await loop.sock_connect(dialled, answer[4])
                self.peers[(asked.host, asked.port)] = str(answer[4][0])
                return await asyncio.open_connection(sock=dialled)
            except (OSError, TimeoutError) as error:
                dialled.close()
                last = error if isinstance(error, OSError) else OSError("no answer in time")
            except BaseException:
                dialled.close()
                raise
        raise last

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, *, count: bool
    ) -> None:
        while piece := await reader.read(_PIECE):
            if count:
                self.received_bytes += len(piece)
                if self.received_bytes > self._most_bytes:
                    self.refused.append(Refusal(target, f"more than {self._most_bytes} bytes came in"))
                    return
            writer.write(piece)
            await writer.drain()

    async def _send_body(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
        """Exactly this request's body; a second request on the same connection ends it, and the browser dials anew."""
        while length > 0:
            piece = await reader.read(min(length, _PIECE))
            if not piece:
                return
            length -= len(piece)
            writer.write(piece)
            await writer.drain()
        await reader.read(1)


async def _first_done(*pumps: Any) -> None:
    """Run both directions until one ends, then end the other."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _answer(writer: asyncio.StreamWriter, status: int, reason: str) -> None:
    body = f"relicwatch proxy: {reason}\n".encode()
    writer.write(
        b"HTTP/1.1 %d relicwatch\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        % (status, len(body))
        + body
    )


def _read_request(head: bytes) -> _Asked:
    lines = head[:-4].split(b"\r\n")
    try:
        method, target, version = lines[0].decode("ascii").split(" ")
    except ValueError:
        raise _BadRequest("not an HTTP request") from None
    try:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = parts.port
    except ValueError:
        raise _BadRequest("not a url") from None
    host = parts.hostname or ""
    if method == "CONNECT":
        if port is None:
            raise _BadRequest("a tunnel needs a port")
        return _Asked(method, target, host, port, b"", 0)
    kept = [line for line in lines[1:] if line.split(b":", 1)[0].strip().lower() not in _NOT_FORWARDED]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = [f"{method} {path} {version}".encode("ascii"), *kept, b"Connection: close", b"", b""]
    default = _DEFAULT_PORTS.get(parts.scheme, 0)
    return _Asked(method, target, host, default if port is None else port, b"\r\n".join(request), _body_bytes(kept))


def _body_bytes(lines: Sequence[bytes]) -> int:
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if b"transfer-encoding" in fields:
        raise _BadRequest("a request body must come with its length")
    length = fields.get(b"content-length", b"0")
    if not length.isdigit():
        raise _BadRequest("not a length")
    return int(length)
