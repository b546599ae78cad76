"""One address for one page: what differs between two addresses of the same page is taken off; nothing else is."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote_to_bytes, urlencode, urlsplit

TRACKING = re.compile(
    r"(?:utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|_hs\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid"
    r"|li_fat_id|mc_[ce]id|mkt_tok|_ga|_gl|ref_src|epik|srsltid|vero_id|wickedid|_branch_match_id|spm"
    r"|phpsessid|jsessionid|aspsessionid\w*|asp\.net_sessionid|cfid|cftoken|osCsid|zenid|sessionid|session_id)\Z",
    re.I,
)
"""Query parameters that say who came from where or which visit it is. `ref`, `id`, `s`, `sid` and the like are not
among them: on some market they name the lot."""

_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?#;]*", re.I)
_MOBILE_HOST = re.compile(r"\A(?:www|m|mobile|touch|amp)\.(?=[^.]+\.)")
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+|[^\x00-\x7f]+")
_ROUTE = ("/", "!")


@lru_cache(maxsize=1024)
def plain_address(url: str) -> str:
    """The address as it would be written plainly: host in small letters and punycode, no default port, percent signs
    in one form, no tracking or session parameters, no fragment unless it is a route ("#/lot/7"), no trailing slash.

    An address that cannot be split is returned as it is.
    """
    split = _split(url)
    if split is None:
        return url
    scheme = split.scheme.lower()
    path = _percent(_SESSION_IN_PATH.sub("", split.path)).rstrip("/")
    query = "&".join(part for part in split.query.split("&") if part and not TRACKING.match(part.split("=", 1)[0]))
    fragment = f"#{_percent(split.fragment)}" if split.fragment.startswith(_ROUTE) else ""
    return f"{scheme}://{_host(scheme, split.netloc)}{path}{f'?{_percent(query)}' if query else ''}{fragment}"


def address_key(url: str) -> str:
    """What is the same for all addresses of one page: `plain_address` without scheme and mobile or www host, its query
    in one order. It is compared and never asked for."""
    split = _split(plain_address(url))
    if split is None:
        return url
    query = urlencode(sorted(parse_qsl(split.query, keep_blank_values=True)))
    host = desktop_host(split.netloc)
    return f"{host}{split.path}?{query}#{split.fragment}"


def desktop_host(netloc: str) -> str:
    """The host without a leading `www.`, `m.`, `mobile.`, `touch.` or `amp.`, where a whole host remains."""
    return _MOBILE_HOST.sub("", netloc)


def _split(url: str) -> SplitResult | None:
    try:
        split = urlsplit(url)
        return split if split.netloc and split.hostname else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _host(scheme: str, netloc: str) -> str:
    """A page's many links lead to few hosts."""
    try:
        split = urlsplit(f"{scheme}://{netloc}")
        host, port = split.hostname or "", split.port
        host = f"[{host}]" if ":" in host else host.encode("idna").decode().lower().rstrip(".")
    except ValueError:  # a label that is no name, a port out of range
        return netloc.lower()
    default = {"http": 80, "https": 443}.get(scheme)
    return host if port is None or port == default else f"{host}:{port}"


def _percent(text: str) -> str:
    """One way of writing: `%7e`, `%7E` and `~` are one, and so are a letter and its percent signs in UTF-8."""
    if "%" not in text and text.isascii():
        return text
    # What is escaped to be no separator stays so: only octets of other signs are written anew.
    return _ESCAPED.sub(lambda found: _octets(found[0]), text)


def _octets(text: str) -> str:
    raw = unquote_to_bytes(text)
    return "".join(
        chr(octet) if chr(octet).isascii() and (chr(octet).isalnum() or chr(octet) in "-._~") else f"%{octet:02X}"
        for octet in raw
    )
