"""Host names and addresses of a market: what may stand under `domains`, and which URLs lie inside them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_PLAIN = re.compile(r"(?P<scheme>https?)://(?P<netloc>[a-z0-9.-]+(?::[0-9]{1,5})?)(?=[/?#]|\Z)")
"""The start of an address in which there is nothing to normalise, as most are: looked at, not taken apart."""
_UNSAFE = re.compile(r"[\s\\\x00-\x1f\x7f]")


def split_domain(domain: str) -> tuple[str, int | None] | None:
    """Host (lower case, punycode, no brackets) and port of a `domains` entry, or None where it is neither."""
    if _UNSAFE.search(domain) or any(sign in domain for sign in "/?#@"):
        return None
    return _host_and_port(_split(f"http://{domain}"))


def domain_fault(domain: str, *, demo: bool) -> str | None:
    """Say why `domain` may not stand under `domains`, or None where it may."""
    shape = f"{domain!r} is no host name: write it like auction.example, without https:// and path."
    split = split_domain(domain)
    if split is None:
        return shape
    host, port = split
    if is_loopback(host):
        return None
    if _address(host) is not None:
        return None if demo else f"{domain!r} is an IP address: a market is named by its host name."
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        return shape
    if port is not None and not demo:
        return f"{domain!r} names a port: write {host} alone."
    return None


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def inside(url: str, domains: tuple[str, ...]) -> bool:
    """Whether `url` is http(s) at one of the domains or below it.

    A domain without a port covers every port of its host. An address that browsers and libraries read differently
    (backslashes, control signs) is outside.
    """
    if _UNSAFE.search(url):
        return False
    plain = _PLAIN.match(url)
    if plain is not None:
        return _host_inside(plain["scheme"], plain["netloc"], domains)
    split = _split(url)
    if split is None or split.scheme not in ("http", "https"):
        return False
    return _host_inside(split.scheme, split.netloc, domains)


@lru_cache(maxsize=4096)
def _host_inside(scheme: str, netloc: str, domains: tuple[str, ...]) -> bool:
    """A page's many links lead to few hosts, and reading a host's name costs more than all else here."""
    there = _host_and_port(_split(f"{scheme}://{netloc}"))
    return there is not None and any(_covers(domain, there, scheme) for domain in domains)


def _covers(domain: str, there: tuple[str, int | None], scheme: str) -> bool:
    own = split_domain(domain)
    if own is None:
        return False
    host, port = there
    default = 443 if scheme == "https" else 80
    if own[1] is not None and own[1] != (port or default):
        return False
    return host == own[0] or (_address(own[0]) is None and host.endswith("." + own[0]))


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # what cannot be split is no address
        return None


def _host_and_port(split: SplitResult | None) -> tuple[str, int | None] | None:
    if split is None or not split.hostname:
        return None
    try:
        port = split.port
        host = split.hostname if ":" in split.hostname else split.hostname.encode("idna").decode().lower()
    except ValueError:  # a port out of range, a label that is no name (UnicodeError is a ValueError)
        return None
    return host.rstrip("."), port


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:  # a name, not an address
        return None
